"""What would run on a study: the rules choose models, their cards choose series; nothing is done.

Routing carries it out, the rule lab only shows it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ai_models.card import OUTSIDE, Priority
from ai_models.card import Stage as ModelStage
from gateway.chains.selecting import ChainStep, Runnable, select_chain
from gateway.registry import RegisteredModel
from gateway.routing.rules import Decision, Match, Rule, Stage, decide, unlimited
from gateway.routing.selector import Priors, Selections
from gateway.routing.subject import Arrival
from standards.study import Series, Study, value

# A version of a model, and the series that it may get -> what is selected for it and before it.
Choose = Callable[[RegisteredModel, Sequence[Series]], ChainStep]

NOT_REGISTERED = "no live or shadow version of this model is registered"
NOT_APART = "the model runs outside and stores its results itself, so they cannot be kept apart"


@dataclass(frozen=True)
class Run:
    """One model for one study, after those that it stands on. rule: "" when it was ordered by the
    called AE Title.

    stage: `shadow` where the rule or the model is in that stage. sr_without_result, publish: as in
    Rule. step: unset where no version of the model runs. passed_over: why not which series, by
    UID. reason: why it does not run; "" when it does.
    """

    rule: str
    model: str
    priority: Priority
    stage: Stage
    sr_without_result: bool = False
    publish: frozenset[str] = frozenset()
    version: str = ""
    step: ChainStep | None = None
    passed_over: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def selections(self) -> Selections | None:
        return self.step.selections if self.step else None

    @property
    def inputs(self) -> dict[str, Series]:
        """The chosen series by input name; empty when a needed one was not found."""
        return self.step.inputs if self.step else {}


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

    def choose(model: RegisteredModel, candidates: Sequence[Series]) -> ChainStep:
        date = next((d for series in study.series if (d := series.value("StudyDate"))), "")
        return select_chain(model, candidates, str(date), priors, runnable)

    runs = [run for match in decision.matched for run in _by_rule(match, runnable, choose)]
    live = {match.rule.run for match in decision.matched if match.rule.stage is Stage.LIVE}
    if ordered and ordered[0].card.name not in live:
        runs = [*_ordered(ordered, study, choose), *runs]
    unmatched = tuple(match for match in decision.asked if not match.candidates)
    return Plan(tuple(runs), "" if runs else _why_none(decision), unmatched)


def _by_rule(match: Match, runnable: Runnable, choose: Choose) -> list[Run]:
    rule, versions = match.rule, runnable(match.rule.run)
    asked = Run(
        rule.name,
        rule.run,
        rule.priority or _usual_priority(versions),
        rule.stage,
        rule.sr_without_result,
        frozenset(rule.publish),
        passed_over=match.passed_over,
    )
    return _with_shadow(asked, versions, match.candidates, choose)


def _ordered(versions: Sequence[RegisteredModel], study: Study, choose: Choose) -> list[Run]:
    """The called AE Title named the model: it runs, whatever the rules say."""
    asked = Run("", versions[0].card.name, _usual_priority(versions), Stage.LIVE)
    return _with_shadow(asked, versions, study.series, choose)


def _usual_priority(versions: Sequence[RegisteredModel]) -> Priority:
    """Of the version that is live, or else in shadow; those beside it must not overtake it."""
    return versions[0].card.resources.priority if versions else Priority.MEDIUM


def _with_shadow(
    asked: Run,
    versions: Sequence[RegisteredModel],
    candidates: Sequence[Series],
    choose: Choose,
) -> list[Run]:
    """What was asked for and, beside live work, the version in shadow, to compare the two."""
    if not versions:
        return [replace(asked, reason=NOT_REGISTERED)]
    working = versions if asked.stage is Stage.LIVE else versions[:1]
    return [_planned(asked, choose(model, candidates)) for model in working]


def _planned(asked: Run, step: ChainStep) -> Run:
    """What was asked for, with the series that the cards of its chain pick."""
    model, reason = step.model, step.reason
    stage = Stage.SHADOW if model.stage is ModelStage.SHADOW else asked.stage
    if not reason and stage is Stage.SHADOW and model.card.queue == OUTSIDE:
        reason = NOT_APART
    return replace(
        asked,
        version=model.card.version,
        stage=stage,
        step=step,
        passed_over={**asked.passed_over, **step.passed_over},
        reason=reason,
    )


def _why_none(decision: Decision) -> str:
    if not decision.asked:
        return "no routing rule is enabled"
    return _reasons(decision.asked)


def _reasons(matches: Iterable[Match]) -> str:
    reasons = {reason for match in matches for reason in match.passed_over.values()}
    return "; ".join(sorted(reasons)[:5])


def title_of(series: Series) -> str:
    return str(value(series.first, "SeriesDescription", "") or series.value("Modality", ""))
