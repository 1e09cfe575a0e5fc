"""What the routing rules ask for before a study counts as complete."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.completion.arrivals import outline_of
from gateway.completion.evidence import Case, Policy, Wait
from gateway.routing.router import arrival_of
from gateway.routing.rules import Completion as Asked
from gateway.routing.rules import Rule, Stage, decide
from gateway.routing.subject import Subject
from gateway.routing.versions import rules_of
from gateway.store.tables import StudyRow


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Joins what the rules ask that fit a study, as far as it has come.

    A study completes once for all of them, so each gets what it asks for: the longest quiet time
    counts, every required series, and an announcement where one rule wants one.
    quiet_seconds: of rules that say nothing of it.
    """

    quiet_seconds: float

    def of(self, session: Session, row: StudyRow) -> Policy:
        rules = rules_of(session)
        if not any(rule.completion for rule in rules):
            return Policy()
        study, arrival = outline_of(session, row.study_instance_uid), arrival_of(row)
        fitting = [
            match.rule for match in decide(rules, study, arrival).matched if _runs(match.rule)
        ]
        if not fitting:
            return Policy()
        asked = [rule.completion or Asked() for rule in fitting]
        subjects = [Subject(series, study, arrival) for series in study.series]
        lacking = [
            f"{rule.name}: {test}"
            for rule, one in zip(fitting, asked, strict=True)
            for test in one.required_series
            if not any(test.holds(subject) for subject in subjects)
        ]
        quiet = (one.quiet_seconds for one in asked)
        return Policy(
            max(self.quiet_seconds if seconds is None else seconds for seconds in quiet),
            tuple(lacking),
            any(one.expected for one in asked),
        )


class RequiredSeries:
    """Every series that the rules require has begun to come, or one has not.

    That the first of its images is here does not say that a series is whole: this evidence only
    promises more.
    """

    name = "required_series"

    def judge(self, case: Case) -> Wait | None:
        return Wait({"series": list(case.policy.lacking)}) if case.policy.lacking else None


def _runs(rule: Rule) -> bool:
    return rule.stage is Stage.LIVE
