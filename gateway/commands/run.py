"""`airgate run`: one model on local files, no server, the same steps as in the gateway."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from adapters.runtimes.errors import ModelError
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from ai_models.bundled import bundled_models, digest_of, folder_of
from ai_models.card import OUTSIDE, ModelCard, has_card, read_card
from gateway.analysis import Refused, Stopwatch, objects_of
from gateway.client import files_of
from gateway.errors import NotFound, Unprocessable
from gateway.local_run import (
    LocalSeries,
    analyse_files,
    fhir_resources,
    files_of_inputs,
    in_environment,
    selected,
    series_in,
)
from gateway.outputs import Encoded
from gateway.registry import RegisteredModel
from gateway.services import surroundings_of
from gateway.settings import Settings
from standards.analysis import Result
from standards.findings import Findings

NO_ANSWER, FAILED = 3, 1


def run(model_name: str, paths: Sequence[Path], out: Path) -> int:
    """Write the result objects to `out`. Exit status 0 done, 3 refused by the model, 1 failed."""
    console = Console(markup=False, highlight=False)
    model, loadable = _model(model_name)
    with console.status("reading headers"):
        series = series_in(
            files_of(paths),
            lambda path: console.print(f"passed over {path.name}: not a DICOM image"),
        )
        chosen = _choose(model, series, console)
    process = ModelProcess(surroundings_of(Settings()))
    watch = Stopwatch()
    try:
        with console.status(f"running {model.card.title}"):
            loadable = in_environment(loadable)
            result, source = analyse_files(process, model, loadable, chosen, watch)
            with watch.step("encode"):
                objects = list(objects_of(result, source))
    except Refused as refusal:
        console.print(f"no result: {refusal}")
        return NO_ANSWER
    except ModelError as error:
        console.print(str(error))
        return FAILED
    finally:
        process.stop()
    _write(result, objects, out, console)
    told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in watch.seconds.items())
    console.print(f"time: {told}")
    return 0


def _model(name: str) -> tuple[RegisteredModel, Loadable]:
    bundled = {card.name: folder for folder, card in bundled_models().items()}
    folder = bundled.get(name)
    if folder is not None:
        card = read_card(folder)
        return RegisteredModel(card, digest_of(folder)), Loadable(card, folder_of(card))
    folder = Path(name)
    if not has_card(folder):
        raise NotFound("bundled model or model folder", f"{name} (have {', '.join(bundled)})")
    card = read_card(folder)
    if card.queue == OUTSIDE:
        raise Unprocessable(f"{card.name} is performed outside (runtime.kind = ups); run it there")
    _check_alone(card)
    return RegisteredModel(card, digest_of(folder)), Loadable(card, folder)


def _check_alone(card: ModelCard) -> None:
    """Raises Unprocessable for a model that others must work for first."""
    if card.stands_on:
        others = ", ".join(one.from_model for one in card.stands_on)
        raise Unprocessable(
            f"{card.name} takes findings of {others}, and `airgate run` runs one model alone; "
            "register them all, and try it on a stored study: airgate models try"
        )


def _choose(model: RegisteredModel, found: LocalSeries, console: Console) -> dict[str, list[Path]]:
    """The files of each input. Raises Unprocessable when one that must be there finds none."""
    selections = selected(model.card, found)
    for uid, reason in selections.passed_over.items():
        console.print(f"passed over series {uid}: {reason}", soft_wrap=True)
    if selections.missing:
        raise Unprocessable(f"no series here fits the card of {model.card.name}")
    for selection in selections.chosen.values():
        console.print(f"chosen: {selection.because}")
    return files_of_inputs(selections, found)


def _named(objects: Sequence[Encoded]) -> Iterator[tuple[str, Encoded]]:
    """Each object with a file name: its kind, and a number from the second of a kind on."""
    seen: Counter[str] = Counter()
    for one in objects:
        seen[one.kind] += 1
        number = f"-{seen[one.kind]}" if seen[one.kind] > 1 else ""
        yield f"{one.kind.lower()}{number}.dcm", one


def _print(findings: Findings, console: Console) -> None:
    table = Table("site", "measurement", "value", "unit")
    for one in findings.measurements:
        kind = f"{one.derivation.meaning} " if one.derivation else ""
        name = f"{kind}{one.concept.meaning}"
        table.add_row(one.site.meaning, name, f"{one.rounded:g}", one.unit.value)
    if findings.measurements:
        console.print(table)
    for one in findings.classifications:
        console.print(f"{one.concept.meaning}: {one.value.meaning}{_certainty(one.percent)}")
    for one in findings.regions:
        where = "in the patient" if one.image_index is None else f"on image {one.image_index}"
        console.print(f"{one.name}: a {one.shape} {where}{_certainty(one.percent)}")


def _certainty(percent: float | None) -> str:
    return "" if percent is None else f", {percent:g} % certain"


def _write(result: Result, objects: Sequence[Encoded], out: Path, console: Console) -> None:
    out.mkdir(parents=True, exist_ok=True)
    _print(result.findings, console)
    for name, one in _named(objects):
        path = out / name
        path.write_bytes(one.part10())
        console.print(f"wrote {path}")
    for resource in fhir_resources(result, objects):
        name = f"{resource.get_resource_type()}-{resource.id}.json"
        (out / name).write_text(resource.model_dump_json(exclude_none=True, indent=2), "utf-8")
    console.print(f"wrote FHIR resources to {out}")
