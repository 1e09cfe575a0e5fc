"""Two plans for one study, model by model: what a change of the rules adds, removes, changes."""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel

from gateway.routing.plan import Plan, Run, title_of
from gateway.routing.rules import Stage
from standards.study import Study

Change = Literal["added", "removed", "changed", "same", "none"]


class Chosen(BaseModel):
    """name: of the model's input. because: why it came before others that fit."""

    name: str
    series_instance_uid: str
    description: str
    because: str
    for_review: bool


class PassedOver(BaseModel):
    series_instance_uid: str
    description: str
    reason: str


class RunView(BaseModel):
    """One model for one study. reason: why it would not run, "" when it would."""

    rule: str
    model: str
    version: str
    priority: str
    stage: Stage
    reason: str
    inputs: list[Chosen]
    passed_over: list[PassedOver]


class Difference(BaseModel):
    """One model in one stage by both rule sets. `none`: neither would run it.

    what: of a change. reason: why the draft does not run it, "" when it does.
    """

    change: Change
    model: str
    what: list[str]
    reason: str
    draft: RunView | None
    live: RunView | None


def differences(study: Study, draft: Plan, live: Plan) -> Iterator[Difference]:
    """Model by model, in the order of the draft, then those that only the rules in force name."""
    drafted, lives = _by_model(draft.runs), _by_model(live.runs)
    for key in dict.fromkeys([*drafted, *lives]):
        new, old = drafted.get(key), lives.get(key)
        what = _what(new, old)
        yield Difference(
            change=_change(new, old, what),
            model=key[0],
            what=what,
            reason=new.reason if new else draft.why_not(*key),
            draft=_view(study, new) if new else None,
            live=_view(study, old) if old else None,
        )


def _by_model(runs: Iterable[Run]) -> dict[tuple[str, Stage], Run]:
    """The first that runs: a second rule would give the model the same series again, or others.

    Live and shadow work on the same series are two things.
    """
    found: dict[tuple[str, Stage], Run] = {}
    for run in runs:
        key = (run.model, run.stage)
        if key not in found or (found[key].reason and not run.reason):
            found[key] = run
    return found


def _change(new: Run | None, old: Run | None, what: list[str]) -> Change:
    now, before = _runs(new), _runs(old)
    if not now or not before:
        return "added" if now else "removed" if before else "none"
    return "changed" if what else "same"


def _runs(run: Run | None) -> bool:
    return run is not None and not run.reason


def _what(new: Run | None, old: Run | None) -> list[str]:
    """In what two runs differ."""
    if new is None or old is None or not _runs(new) or not _runs(old):
        return []
    pairs = {
        "series": (_series(new), _series(old)),
        "version": (new.version, old.version),
        "priority": (new.priority, old.priority),
    }
    return [name for name, (now, before) in pairs.items() if now != before]


def _series(run: Run) -> dict[str, str]:
    return {name: series.series_instance_uid for name, series in run.inputs.items()}


def _view(study: Study, run: Run) -> RunView:
    titles = {series.series_instance_uid: title_of(series) for series in study.series}
    chosen = run.selections.chosen if run.selections else {}
    return RunView(
        rule=run.rule or "called AE Title",
        model=run.model,
        version=run.version,
        priority=run.priority,
        stage=run.stage,
        reason=run.reason,
        inputs=[
            Chosen(
                name=name,
                series_instance_uid=run.inputs[name].series_instance_uid,
                description=title_of(run.inputs[name]),
                because=one.because,
                for_review=one.rivals > 0,
            )
            for name, one in chosen.items()
        ],
        passed_over=[
            PassedOver(series_instance_uid=uid, description=titles.get(uid, ""), reason=reason)
            for uid, reason in sorted(run.passed_over.items())
        ],
    )
