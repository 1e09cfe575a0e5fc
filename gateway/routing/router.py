"""From a complete study to workitems: what the plan says is carried out, and written down."""

from typing import Any

from sqlalchemy.orm import Session

from gateway.chains.ordering import Order, note_made, order
from gateway.jobs import Jobs
from gateway.registry import Registry
from gateway.routing.plan import Run, plan, title_of
from gateway.routing.priors import earlier_studies
from gateway.routing.rules import Stage
from gateway.routing.subject import Arrival
from gateway.routing.versions import in_force
from gateway.store.events import note
from gateway.store.tables import StudyRow
from gateway.superseding import Late, earlier_work, why_left
from standards.study import Study

AGAIN = "this model build has already had exactly these instances"


class Router:
    def __init__(self, registry: Registry, jobs: Jobs) -> None:
        self._registry, self._jobs = registry, jobs

    def route(self, session: Session, study: Study, row: StudyRow) -> None:
        """Create and enqueue the workitems of a study, and write down why, in one transaction."""
        rule_set = in_force(session)
        planned = plan(
            rule_set.rules,
            study,
            arrival_of(row),
            lambda name: self._registry.runnable(session, name),
            lambda: earlier_studies(session, row),
        )
        told = {"rules_version": rule_set.version}
        for one in rule_set.set_aside:
            aside = {"rule": one.name, **told, "reason": one.reason}
            note(session, study.study_instance_uid, "rule_set_aside", aside)
        late = {rule.name: Late(rule.completion.late) for rule in rule_set.rules if rule.completion}
        for run in sorted(planned.runs, key=_stands_on_others):
            self._apply(session, study, run, told, late.get(run.rule, Late.RERUN))
        if not planned.runs:
            uid = study.study_instance_uid
            note(session, uid, "no_rule_matched", {**told, "reason": planned.reason})

    def _apply(
        self, session: Session, study: Study, run: Run, told: dict[str, Any], late: Late
    ) -> None:
        uid, detail = study.study_instance_uid, {**told, **explained(run, study)}
        if run.step is None or run.reason:
            note(session, uid, "not_routed", detail)
            return
        earlier = earlier_work(session, uid, run.rule, run.model, run.stage)
        if left := why_left(late, earlier, _series_of(run)):
            note(session, uid, "late_ignored", {**detail, "reason": left})
            return
        ordered = order(session, run.step, _asked(run, uid))
        if ordered.is_new:
            kind = "shadow_routed" if run.stage is Stage.SHADOW else "routed"
            note(session, uid, kind, detail, workitem_uid=ordered.uid)
        else:
            note(session, uid, "not_routed", {**detail, "reason": AGAIN})
        note_made(session, ordered)
        for workitem_uid in ordered.ready(session):
            self._jobs.enqueue(session, workitem_uid)


def _asked(run: Run, study_instance_uid: str) -> Order:
    return Order(
        study_instance_uid,
        run.rule,
        run.stage,
        run.priority,
        run.publish,
        supersedes=True,
        sr_without_result=run.sr_without_result,
    )


def _stands_on_others(run: Run) -> bool:
    """Chains come last, so that they find the work of their models that others order alone."""
    return run.step is not None and bool(run.step.stands_on)


def _series_of(run: Run) -> set[str]:
    return {series.series_instance_uid for series in run.inputs.values()}


def arrival_of(row: StudyRow) -> Arrival:
    return Arrival(
        row.calling_ae_title, row.called_ae_title, row.source_address, row.last_arrival_at
    )


def explained(run: Run, study: Study) -> dict[str, Any]:
    """What ran on what, and why nothing else: the detail of a routing event."""
    titles = {series.series_instance_uid: title_of(series) for series in study.series}
    detail: dict[str, Any] = {"rule": run.rule or "called AE Title", "model": run.model}
    if run.stage is Stage.SHADOW:
        detail["stage"] = run.stage.value
    if run.version:
        detail["version"] = run.version
        detail["passed_over"] = [
            {"series_instance_uid": uid, "description": titles.get(uid, ""), "reason": reason}
            for uid, reason in sorted(run.passed_over.items())
        ]
    if run.step is not None and run.step.stands_on:
        detail["stands_on"] = ", ".join(one.name for one in run.step.chain[:-1])
    if run.reason:
        detail["reason"] = run.reason
    chosen = run.selections.chosen if run.selections else {}
    if chosen:
        first = next(iter(chosen.values()))
        detail["series_instance_uid"] = next(iter(run.inputs.values())).series_instance_uid
        detail["chosen_because"] = first.because
        detail["score"] = first.score
        detail["for_review"] = any(one.rivals > 0 for one in chosen.values())
        detail["priority"] = run.priority.value
    if len(chosen) > 1:
        detail["inputs"] = [
            {
                "name": name,
                "series_instance_uid": run.inputs[name].series_instance_uid,
                "description": title_of(run.inputs[name]),
                "reason": one.because,
            }
            for name, one in chosen.items()
        ]
    return detail
