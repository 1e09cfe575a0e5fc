"""Which series a model gets, for each input of its card, with a reason for every other series."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from ai_models.card import InputSeries
from gateway.routing.eligibility import why_not
from gateway.routing.score import Score, score, summary
from standards.study import Series, Study

OF_CHAIN = "fits, but not all models of the chain take it, or another one has been chosen by them"
Priors = Callable[[], Sequence[Study]]  # earlier studies of the patient, newest first


@dataclass(frozen=True)
class Selection:
    """chosen: None when no series fits. because: why the chosen one beat the others.

    passed_over: Series Instance UID -> reason. rivals: how many others fitted as well.
    study_instance_uid: of the prior that the chosen one is of, else "".
    """

    chosen: Series | None
    because: str = ""
    passed_over: dict[str, str] = field(default_factory=dict)
    rivals: int = 0
    score: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True)
class Selections:
    """What was selected for each input, by its name, in the order of the card.

    missing: names of inputs that must be there and for which nothing fits.
    """

    inputs: Mapping[str, Selection]
    missing: tuple[str, ...] = ()

    @property
    def first(self) -> Selection:
        return next(iter(self.inputs.values()))

    @property
    def chosen(self) -> dict[str, Selection]:
        """Of the inputs that found a series; empty where one is missing."""
        if self.missing:
            return {}
        return {name: one for name, one in self.inputs.items() if one.chosen is not None}

    @property
    def passed_over(self) -> dict[str, str]:
        """Series that serve as no input, each with its reason for each input, once."""
        used = {one.chosen.series_instance_uid for one in self.chosen.values() if one.chosen}
        found: dict[str, str] = {}
        for name, one in self.inputs.items():
            for uid, reason in one.passed_over.items():
                told = f"{name}: {reason}" if len(self.inputs) > 1 else reason
                found[uid] = f"{found[uid]}; {told}" if uid in found else told
        return {uid: reason for uid, reason in found.items() if uid not in used}


def select(wanted: InputSeries, candidates: Sequence[Series]) -> Selection:
    """Pick the one best series for an input of a card; the same study always gives the same."""
    eligible, passed_over = _split(wanted, candidates)
    return _picked(eligible, passed_over)


def select_all(
    inputs: Sequence[InputSeries],
    candidates: Sequence[Series],
    study_date: str = "",
    priors: Priors = tuple,
    only: Mapping[str, Sequence[Series]] = MappingProxyType({}),
) -> Selections:
    """Pick a series for every input, never the same one twice.

    Inputs choose in the order of the card, but none takes the only series of another that must
    have one. study_date: YYYYMMDD, from which the age of priors counts. only: the series that
    inputs may choose from, where other models of a chain leave no others.
    """
    found: dict[str, Selection] = {}
    here = [one for one in inputs if not one.prior]
    splits = {one.name: _split_among(one, candidates, only.get(one.name)) for one in here}
    taken: set[str] = set()
    for one in sorted(here, key=lambda one: one.optional):
        eligible, passed_over = splits[one.name]
        others = [
            [s.series.series_instance_uid for s in splits[other.name][0]]
            for other in here
            if not other.optional and other.name not in found and other is not one
        ]
        free, kept = _free(eligible, taken, others)
        found[one.name] = _picked(free, passed_over | kept)
        if (chosen := found[one.name].chosen) is not None:
            taken.add(chosen.series_instance_uid)
    for one in inputs:
        if one.prior:
            found[one.name] = _of_priors(one, study_date, priors())
    missing = tuple(o.name for o in inputs if not o.optional and found[o.name].chosen is None)
    return Selections({one.name: found[one.name] for one in inputs}, missing)


def _split_among(
    wanted: InputSeries, candidates: Sequence[Series], only: Sequence[Series] | None
) -> tuple[list[Score], dict[str, str]]:
    """As `_split`, of those that are left."""
    eligible, passed_over = _split(wanted, candidates)
    if only is None:
        return eligible, passed_over
    left = {series.series_instance_uid for series in only}
    kept = [one for one in eligible if one.series.series_instance_uid in left]
    others = {one.series.series_instance_uid: OF_CHAIN for one in eligible if one not in kept}
    return kept, passed_over | others


def _split(wanted: InputSeries, candidates: Sequence[Series]) -> tuple[list[Score], dict[str, str]]:
    """Those that fit, best first, and why the others do not."""
    passed_over = {
        series.series_instance_uid: reason
        for series in candidates
        if (reason := why_not(wanted, series)) is not None
    }
    fitting = [s for s in candidates if s.series_instance_uid not in passed_over]
    return sorted((score(wanted, s) for s in fitting), key=lambda s: s.rank), passed_over


def _picked(eligible: Sequence[Score], passed_over: Mapping[str, str]) -> Selection:
    told = dict(passed_over)
    if not eligible:
        return Selection(None, passed_over=told)
    best, *rivals = eligible
    because = summary(best.series)
    for rival in rivals:
        uid = rival.series.series_instance_uid
        told[uid] = f"fits, but {because} was preferred: {best.before(rival)}"
    return Selection(best.series, because, told, len(rivals), str(best))


def _free(
    eligible: Sequence[Score], taken: set[str], others: Sequence[Sequence[str]]
) -> tuple[list[Score], dict[str, str]]:
    """Those that no other input has or needs, and why the others are left out."""
    free: list[Score] = []
    kept: dict[str, str] = {}
    mine = [one.series.series_instance_uid for one in eligible]
    all_can = _satisfied([mine, *others], taken) == len(others) + 1
    for one in eligible:
        uid = one.series.series_instance_uid
        if uid in taken:
            kept[uid] = "it serves as another input"
        elif all_can and _satisfied(others, taken | {uid}) < len(others):
            kept[uid] = "fits, but another input has no other series"
        else:
            free.append(one)
    return free, kept


def _satisfied(wishes: Sequence[Sequence[str]], taken: set[str]) -> int:
    """How many inputs can have a series of their own: a maximum matching, by augmenting paths."""
    owner: dict[str, int] = {}

    def find(number: int, seen: set[str]) -> bool:
        for uid in wishes[number]:
            if uid in taken or uid in seen:
                continue
            seen.add(uid)
            if uid not in owner or find(owner[uid], seen):
                owner[uid] = number
                return True
        return False

    return sum(find(number, set()) for number in range(len(wishes)))


def _of_priors(wanted: InputSeries, study_date: str, priors: Sequence[Study]) -> Selection:
    """The best series of the newest earlier study that has one that fits."""
    passed_over: dict[str, str] = {}
    for prior in priors:
        age = _days_between(_date_of(prior), study_date)
        if wanted.maximum_age_days is not None and (age is None or age > wanted.maximum_age_days):
            told = "of unknown age" if age is None else f"{age} days old"
            reason = f"prior is {told}, at most {wanted.maximum_age_days} days"
            passed_over |= {series.series_instance_uid: reason for series in prior.series}
            continue
        selection = select(wanted, prior.series)
        passed_over |= selection.passed_over
        if selection.chosen is not None:
            told = "of unknown age" if age is None else f"{age} days earlier"
            because = f"{selection.because} of the prior {told}"
            return Selection(
                selection.chosen,
                because,
                passed_over,
                selection.rivals,
                selection.score,
                prior.study_instance_uid,
            )
    return Selection(None, passed_over=passed_over)


def _date_of(study: Study) -> str:
    return str(next((s.value("StudyDate") for s in study.series if s.value("StudyDate")), ""))


def _days_between(earlier: str, later: str) -> int | None:
    try:
        dates = [datetime.strptime(text, "%Y%m%d") for text in (earlier, later)]
    except ValueError:
        return None
    return (dates[1] - dates[0]).days
