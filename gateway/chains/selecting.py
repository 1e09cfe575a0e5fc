"""Which series a chain of models works on: the last one's card asks, those before it choose first.

Findings lie on the series that their model saw, so that series is the one that a later model gets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from ai_models.card import InputFindings, Stage
from gateway.registry import RegisteredModel
from gateway.routing.eligibility import why_not
from gateway.routing.selector import Priors, Selections, select_all
from standards.study import Series

# The versions of a model that run, by its name: as Registry.runnable gives them.
Runnable = Callable[[str], Sequence[RegisteredModel]]


@dataclass(frozen=True, eq=False)
class ChainStep:
    """One model of a chain, and what was selected for it.

    stands_on: the steps whose findings it gets, by input. reason: why it does not run; "" when it
    does.
    """

    model: RegisteredModel
    selections: Selections
    stands_on: Mapping[str, "ChainStep"] = field(default_factory=dict)
    reason: str = ""

    @property
    def name(self) -> str:
        return self.model.card.name

    @property
    def inputs(self) -> dict[str, Series]:
        """The chosen series by input; empty when a needed one was not found."""
        chosen = self.selections.chosen
        return {name: one.chosen for name, one in chosen.items() if one.chosen is not None}

    @property
    def first(self) -> Series:
        """The series that its results are drawn on."""
        return next(iter(self.inputs.values()))

    @property
    def chain(self) -> tuple[Self, ...]:
        """It and all that it stands on, each once, the first to work first."""
        before = (one for step in self.stands_on.values() for one in step.chain)
        return (*dict.fromkeys(before), self)  # type: ignore[return-value]

    @property
    def passed_over(self) -> dict[str, str]:
        """Series that serve as no input of the chain, each with the first reason."""
        used = {s.series_instance_uid for step in self.chain for s in step.inputs.values()}
        told = [item for step in self.chain for item in step.selections.passed_over.items()]
        return {uid: why for uid, why in reversed(told) if uid not in used}

    def why_none(self) -> str:
        """The reason, with those of the series."""
        told = "; ".join(sorted(set(self.passed_over.values()))[:3])
        return f"{self.reason}: {told}" if told else self.reason


def select_chain(
    model: RegisteredModel,
    candidates: Sequence[Series],
    study_date: str,
    priors: Priors,
    runnable: Runnable,
) -> ChainStep:
    """study_date: YYYYMMDD, from which the age of priors counts."""
    return _Selecting(candidates, study_date, priors, runnable).step(model, {})


def earlier_model(wanted: InputFindings, versions: Sequence[RegisteredModel]) -> str:
    """Why none of these versions, which run, can give the findings; "" where the first can."""
    if not versions or versions[0].stage is not Stage.LIVE:
        return f"it takes findings of {wanted.from_model}, of which no version is live"
    version = versions[0].card.version
    if not wanted.accepts(version):
        return (
            f"it takes findings of {wanted.from_model} {wanted.minimum_version} or later, but "
            f"{version} is live"
        )
    return ""


@dataclass
class _Selecting:
    candidates: Sequence[Series]
    study_date: str
    priors: Priors
    runnable: Runnable
    steps: dict[str, ChainStep] = field(default_factory=dict)  # by model, of those that are done
    under_way: list[str] = field(default_factory=list)

    def step(self, model: RegisteredModel, only: Mapping[str, Sequence[Series]]) -> ChainStep:
        """only: the series that inputs may choose from, where these are not all."""
        self.under_way.append(model.card.name)
        found = self.steps[model.card.name] = self._step(model, dict(only))
        self.under_way.pop()
        return found

    def _step(self, model: RegisteredModel, only: dict[str, Sequence[Series]]) -> ChainStep:
        stands_on: dict[str, ChainStep] = {}
        for wanted in model.card.stands_on:
            of = model.card.series_of(wanted)
            offered = only.get(of.name, self.candidates)
            fitting = [series for series in offered if why_not(of, series) is None]
            earlier = self._earlier(wanted, fitting)
            if isinstance(earlier, str):
                return ChainStep(model, self._selected(model, only), stands_on, earlier)
            stands_on[wanted.name] = earlier
            only[of.name] = [earlier.first]
        selections = self._selected(model, only)
        return ChainStep(model, selections, stands_on, _lacking(model, selections))

    def _earlier(self, wanted: InputFindings, fitting: Sequence[Series]) -> ChainStep | str:
        """The step that gives the findings, or why there is none."""
        name = wanted.from_model
        if name in self.under_way:
            return f"{' stands on '.join([*self.under_way, name])}, which is a circle"
        if name not in self.steps:
            versions = self.runnable(name)
            if reason := earlier_model(wanted, versions):
                return reason
            first = versions[0].card.series[0].name
            self.step(versions[0], {first: fitting})
        step = self.steps[name]
        return f"it stands on {name}, for which {step.reason}" if step.reason else step

    def _selected(self, model: RegisteredModel, only: Mapping[str, Sequence[Series]]) -> Selections:
        inputs = model.card.series
        return select_all(inputs, self.candidates, self.study_date, self.priors, only)


def _lacking(model: RegisteredModel, selections: Selections) -> str:
    if not selections.missing:
        return ""
    if len(model.card.series) == 1:
        return "no series fits the model's card"
    return f"no series fits input {', '.join(selections.missing)} of the model's card"
