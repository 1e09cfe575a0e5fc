"""From a complete study to workitems: rules choose models, cards choose series."""

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from ai_models.card import Stage
from gateway import worklist
from gateway.jobs import Jobs
from gateway.registry import RegisteredModel, Registry
from gateway.routing.rules import Match, Rule, evaluate
from gateway.routing.selector import Selection
from gateway.routing.selector import select as select_series
from gateway.store.events import note
from gateway.store.tables import RuleRow, StudyRow
from standards.study import Series, Study, value


class Router:
    def __init__(self, registry: Registry, jobs: Jobs) -> None:
        self._registry, self._jobs = registry, jobs

    def route(self, session: Session, study: Study, row: StudyRow) -> None:
        """Create and enqueue the workitems of a study, and write down why, in one transaction."""
        arrival = {"CallingAETitle": row.calling_ae_title, "CalledAETitle": row.called_ae_title}
        matches = [evaluate(rule, study, arrival) for rule in rules_of(session) if rule.enabled]
        fitting = [match for match in matches if match.candidates]
        if not fitting:
            detail = {"reason": _why_unrouted(matches)}
            note(session, study.study_instance_uid, "no_rule_matched", detail)
        for match in fitting:
            self._apply(session, study, match)

    def _apply(self, session: Session, study: Study, match: Match) -> None:
        model = self._registry.runnable(session, match.rule.run)
        if model is None or model.card.stage is not Stage.LIVE:
            detail = {"rule": match.rule.name, "model": match.rule.run}
            why = "no enabled live version of this model is registered"
            note(session, study.study_instance_uid, "not_routed", {**detail, "reason": why})
            return
        selection = select_series(model.card.inputs[0], match.candidates)
        created = None
        if selection.chosen is not None:
            created = worklist.create(
                session, model, study.study_instance_uid, selection.chosen, match.rule.name
            )
        detail = _explained(match, model, study, selection)
        if selection.chosen is not None and created is None:
            detail["reason"] = "this model build has already had exactly these instances"
        kind = "routed" if created else "not_routed"
        uid = created.sop_instance_uid if created else ""
        note(session, study.study_instance_uid, kind, detail, workitem_uid=uid)
        if created:
            made = {"model": model.card.name, "version": model.card.version}
            note(session, study.study_instance_uid, "workitem_created", made, workitem_uid=uid)
            self._jobs.enqueue(session, uid)


def rules_of(session: Session) -> list[Rule]:
    rows = session.scalars(select(RuleRow).order_by(RuleRow.position, RuleRow.name))
    return [Rule.model_validate_json(row.body) for row in rows]


def _why_unrouted(matches: list[Match]) -> str:
    if not matches:
        return "no routing rule is enabled"
    reasons = {reason for match in matches for reason in match.passed_over.values()}
    return "; ".join(sorted(reasons)[:5])


def _explained(
    match: Match, model: RegisteredModel, study: Study, selection: Selection
) -> dict[str, object]:
    reasons = {**match.passed_over, **selection.passed_over}
    by_uid = {series.series_instance_uid: series for series in study.series}
    detail: dict[str, object] = {
        "rule": match.rule.name,
        "model": model.card.name,
        "version": model.card.version,
        "passed_over": [
            {"series_instance_uid": uid, "description": _title(by_uid[uid]), "reason": reason}
            for uid, reason in sorted(reasons.items())
        ],
    }
    if selection.chosen is None:
        detail["reason"] = "no series fits the model's card"
    else:
        detail["series_instance_uid"] = selection.chosen.series_instance_uid
        detail["chosen_because"] = selection.because
        detail["for_review"] = selection.rivals > 0
    return detail


def _title(series: Series) -> str:
    return str(value(series.first, "SeriesDescription", "") or series.value("Modality", ""))


def replace_rules(session: Session, rules: list[Rule], origin: str, now: float) -> None:
    """Put these rules in place of all that came from the same origin; others keep their order."""
    for row in session.scalars(select(RuleRow).where(RuleRow.origin == origin)):
        session.delete(row)
    session.flush()
    for position, rule in enumerate(rules):
        put_rule(session, rule, origin, now, position)


def put_rule(
    session: Session, rule: Rule, origin: str, now: float, position: int | None = None
) -> None:
    if position is None:
        known = session.get(RuleRow, rule.name)
        highest = max(session.scalars(select(RuleRow.position)), default=-1)
        position = known.position if known else highest + 1
    body = json.dumps(rule.model_dump(mode="json", exclude_none=True))
    session.merge(
        RuleRow(name=rule.name, position=position, body=body, origin=origin, changed_at=now)
    )
