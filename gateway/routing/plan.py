"""What would run on a study: the rules choose models, their cards choose series; nothing is done.

Routing carries it out, the rule lab only shows it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ai_models.card import Stage as ModelStage
from gateway.registry import RegisteredModel
from gateway.routing.rules import Decision, Match, Priority, Rule, Stage, decide, unlimited
from gateway.routing.selector import Priors, Selections, select_all
from gateway.routing.subject import Arrival
from standards.study import Series, Study, value

Runnable = Callable[[str], RegisteredModel | None]

NOT_REGISTERED = "no live version of this model is registered"
SHADOW = "the rule is in its shadow stage, which runs nothing"


@dataclass(frozen=True)
class Run:
    """One model for one study. rule: "" when it was ordered by the called AE Title.

    reason: why it does not run; "" when it does.
    """

    rule: str
    model: str
    version: str
    priority: Priority
    stage: Stage
    selections: Selections | None
    registered: RegisteredModel | None
    passed_over: dict[str, str]  # Series Instance UID -> reason
    reason: str

    @property
    def inputs(self) -> dict[str, Series]:
        """The chosen series by input name; empty when a needed one was not found."""
        chosen = self.selections.chosen if self.selections else {}
        return {name: one.chosen for name, one in chosen.items() if one.chosen is not None}


@dataclass(frozen=True)
class Plan:
    """reason: why no rule matched; "" when one did, or a model was ordered by name.

    unmatched: the rules that were asked and that no series fulfilled.
    """

    runs: tuple[Run, ...]
    reason: str
    unmatched: tuple[Match, ...] = ()

    def why_not(self, model: str) -> str:
        """Why no rule gives the study to the model."""
        matches = [match for match in self.unmatched if match.rule.run == model]
        return _reasons(matches) or "no rule that was asked names this model"


def plan(  # noqa: PLR0913 (what a plan depends on)
    rules: Sequence[Rule],
    study: Study,
    arrival: Arrival,
    runnable: Runnable,
    priors: Priors = tuple,
    *,
    go_on: Callable[[], None] = unlimited,
) -> Plan:
    """The same headers, rules and models always give the same plan.

    go_on: as in gateway.routing.rules.evaluate.
    """
    ordered = runnable(arrival.called_ae_title.lower()) if arrival.called_ae_title else None
    decision = decide(rules, study, arrival, matched=ordered is not None, go_on=go_on)
    runs = [_run(match, study, runnable, priors) for match in decision.matched]
    if ordered is not None and ordered.card.name not in {run.model for run in runs}:
        runs.insert(0, _ordered(ordered, study, priors))
    unmatched = tuple(match for match in decision.asked if not match.candidates)
    return Plan(tuple(runs), "" if runs else _why_none(decision), unmatched)


def _run(match: Match, study: Study, runnable: Runnable, priors: Priors) -> Run:
    rule = match.rule
    model = runnable(rule.run)
    if model is None or model.stage is not ModelStage.LIVE:
        selections, reason, version = None, NOT_REGISTERED, ""
    else:
        selections, version = _selected(model, match.candidates, study, priors), model.card.version
        reason = _lacking(model, selections)
        if not reason and rule.stage is Stage.SHADOW:
            reason = SHADOW
    passed_over = {**match.passed_over, **(selections.passed_over if selections else {})}
    return Run(
        rule.name,
        rule.run,
        version,
        rule.priority,
        rule.stage,
        selections,
        model,
        passed_over,
        reason,
    )


def _ordered(model: RegisteredModel, study: Study, priors: Priors) -> Run:
    """The called AE Title named the model: it runs, whatever the rules say."""
    live = model.stage is ModelStage.LIVE
    selections = _selected(model, study.series, study, priors) if live else None
    return Run(
        "",
        model.card.name,
        model.card.version,
        Priority.MEDIUM,
        Stage.LIVE,
        selections,
        model,
        selections.passed_over if selections else {},
        _lacking(model, selections) if selections else NOT_REGISTERED,
    )


def _selected(
    model: RegisteredModel, candidates: Sequence[Series], study: Study, priors: Priors
) -> Selections:
    date = next((d for series in study.series if (d := series.value("StudyDate"))), "")
    return select_all(model.card.inputs, candidates, str(date), priors)


def _lacking(model: RegisteredModel, selections: Selections) -> str:
    if not selections.missing:
        return ""
    if len(model.card.inputs) == 1:
        return "no series fits the model's card"
    return f"no series fits input {', '.join(selections.missing)} of the model's card"


def _why_none(decision: Decision) -> str:
    if not decision.asked:
        return "no routing rule is enabled"
    return _reasons(decision.asked)


def _reasons(matches: Iterable[Match]) -> str:
    reasons = {reason for match in matches for reason in match.passed_over.values()}
    return "; ".join(sorted(reasons)[:5])


def title_of(series: Series) -> str:
    return str(value(series.first, "SeriesDescription", "") or series.value("Modality", ""))
