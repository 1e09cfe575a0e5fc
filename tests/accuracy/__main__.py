"""How accurate a bundled model is: measure it on pictures whose truth is known, case by case.

python -m tests.accuracy lung_ct | liver_ct | burned_in_text

The tables in the README of each model come from here; the last line of a table is the worst.
"""

import argparse
import time
from collections.abc import Callable, Mapping

from ai_models.contract import Inputs, Model
from ai_models.liver_ct.model import LiverCT
from ai_models.lung_ct.model import LungCT
from standards.findings import Findings
from standards.volume import volume_of
from tests.accuracy import burned_in_text, liver_ct, lung_ct
from tests.accuracy.phantoms import LIVERS, LUNGS
from tests.phantom import Phantom, chest_phantom
from tests.phantom_anatomy import LIVER

Errors = Mapping[str, float]
BETTER_WHEN_HIGHER = {"dice", "nodules", "inside"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", choices=["lung_ct", "liver_ct", "burned_in_text"])
    model = parser.parse_args().model
    if model == "lung_ct":
        _table(LUNGS, lambda _, phantom: lung_ct.errors(phantom, _findings(LungCT(), phantom)))
    elif model == "liver_ct":
        _table(LIVERS, _liver_errors)
    else:
        burned_in_text.report()


def _table(cases: Mapping[str, dict], errors: Callable[[dict, Phantom], Errors]) -> None:
    rows: list[Errors] = []
    for name, case in cases.items():
        phantom = chest_phantom(**case)
        started = time.process_time()
        rows.append(errors(case, phantom))
        if len(rows) == 1:
            _print_row("phantom", *rows[0], "processor s")
            print("|---" * (len(rows[0]) + 2) + "|")
        seconds = f"{time.process_time() - started:.1f}"
        _print_row(name, *(f"{value:.4g}" for value in rows[-1].values()), seconds)
    worst = [_worst(name, [row[name] for row in rows]) for name in rows[0]]
    _print_row("worst", *(f"{value:.4g}" for value in worst), "")


def _worst(name: str, values: list[float]) -> float:
    return min(values) if name in BETTER_WHEN_HIGHER else max(values)


def _print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def _findings(model: Model, phantom: Phantom) -> Findings:
    return Findings.of(model.predict(Inputs({"image": volume_of(phantom.instances)})))


def _liver_errors(case: dict, phantom: Phantom) -> Errors:
    found = _findings(LiverCT(), phantom)
    return liver_ct.errors(phantom, found, case.get("liver_hu", LIVER))


if __name__ == "__main__":
    main()
