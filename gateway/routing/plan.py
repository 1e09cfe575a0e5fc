"""What would run on a study: the rules choose models, their cards choose series; nothing is done.

Routing carries it out, the rule lab only shows it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ai_models.card import OUTSIDE, Priority
from ai_models.card import Stage as ModelStage
from gateway.registry import RegisteredModel
from gateway.routing.rules import Decision, Match, Rule, Stage, decide, unlimited
from gateway.routing.selector import Priors, Selections, select_all
from gateway.routing.subject import Arrival
from standards.study import Series, Study, value

# The versions of a model that run, by its name: as Registry.runnable gives them.
Runnable = Callable[[str], Sequence[RegisteredModel]]

NOT_REGISTERED = "no live or shadow version of this model is registered"
NOT_APART = "the model runs outside and stores its results itself, so they cannot be kept apart"


@dataclass(frozen=True)
class Run:
    """One model for one study. rule: "" when it was ordered by the called AE Title.

    stage: `shadow` where the rule or the model is in that stage. sr_without_result: as in Rule.
    passed_over: why not which series, by UID. reason: why it does not run; "" when it does.
    """

    rule: str
    model: str
    priority: Priority
    stage: Stage
    sr_without_result: bool = False
    version: str = ""
    selections: Selections | None = None
    registered: RegisteredModel | None = None
    passed_over: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

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

    def why_not(self, model: str, stage: Stage) -> str:
        """Why no rule of the stage gives the study to the model."""
        matches = [m for m in self.unmatched if (m.rule.run, m.rule.stage) == (model, stage)]
        return _reasons(matches) or f"no {stage} rule that was asked names this model"


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
    ordered = runnable(arrival.called_ae_title.lower()) if arrival.called_ae_title else ()
    is_live = bool(ordered) and ordered[0].stage is ModelStage.LIVE
    decision = decide(rules, study, arrival, matched=is_live, go_on=go_on)
    runs = [run for match in decision.matched for run in _by_rule(match, study, runnable, priors)]
    live = {match.rule.run for match in decision.matched if match.rule.stage is Stage.LIVE}
    if ordered and ordered[0].card.name not in live:
        runs = [*_ordered(ordered, study, priors), *runs]
    unmatched = tuple(match for match in decision.asked if not match.candidates)
    return Plan(tuple(runs), "" if runs else _why_none(decision), unmatched)


def _by_rule(match: Match, study: Study, runnable: Runnable, priors: Priors) -> list[Run]:
    rule, versions = match.rule, runnable(match.rule.run)
    asked = Run(
        rule.name,
        rule.run,
        rule.priority or _usual_priority(versions),
        rule.stage,
        rule.sr_without_result,
        passed_over=match.passed_over,
    )
    return _with_shadow(asked, versions, match.candidates, study, priors)


def _ordered(versions: Sequence[RegisteredModel], study: Study, priors: Priors) -> list[Run]:
    """The called AE Title named the model: it runs, whatever the rules say."""
    asked = Run("", versions[0].card.name, _usual_priority(versions), Stage.LIVE)
    return _with_shadow(asked, versions, study.series, study, priors)


def _usual_priority(versions: Sequence[RegisteredModel]) -> Priority:
    """Of the version that is live, or else in shadow; those beside it must not overtake it."""
    return versions[0].card.resources.priority if versions else Priority.MEDIUM


def _with_shadow(
    asked: Run,
    versions: Sequence[RegisteredModel],
    candidates: Sequence[Series],
    study: Study,
    priors: Priors,
) -> list[Run]:
    """What was asked for and, beside live work, the version in shadow, to compare the two."""
    if not versions:
        return [replace(asked, reason=NOT_REGISTERED)]
    working = versions if asked.stage is Stage.LIVE else versions[:1]
    return [_planned(asked, model, candidates, study, priors) for model in working]


def _planned(
    asked: Run,
    model: RegisteredModel,
    candidates: Sequence[Series],
    study: Study,
    priors: Priors,
) -> Run:
    """What was asked for, with the series that the model's card picks."""
    selections = _selected(model, candidates, study, priors)
    stage = Stage.SHADOW if model.stage is ModelStage.SHADOW else asked.stage
    reason = _lacking(model, selections)
    if not reason and stage is Stage.SHADOW and model.card.queue == OUTSIDE:
        reason = NOT_APART
    return replace(
        asked,
        version=model.card.version,
        stage=stage,
        selections=selections,
        registered=model,
        passed_over={**asked.passed_over, **selections.passed_over},
        reason=reason,
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
