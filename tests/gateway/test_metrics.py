"""Metrics: each event counted once, labels bounded, the document and /metrics alike."""

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from adapters.memory import MemoryArchive
from gateway import services
from gateway.metric_sums import FAMILIES, MOST_SERIES, Folding
from gateway.metrics import exposition
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.migrate import migrate
from gateway.store.tables import MetricSumRow, SeriesRow, StudyRow, WorkerRow, WorkitemRow
from tests.gateway.downgrading import downgrade

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
MONITORING = Path(__file__).parents[2] / "compose" / "monitoring"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def workitem(uid: str, **values) -> WorkitemRow:
    defaults = {
        "study_instance_uid": "1.2.3",
        "series_instance_uid": "1.2.3.1",
        "procedure_step_state": "SCHEDULED",
        "model_name": "lung_ct",
        "model_version": "1",
        "model_digest": "",
        "rule": "chest",
        "dataset": "{}",
        "created_at": 100.0,
    }
    return WorkitemRow(sop_instance_uid=uid, **{**defaults, **values})


def ended(database: Database, uid: str, **values) -> None:
    times = {"procedure_step_state": "COMPLETED", "started_at": 100.2, "ended_at": 107.2}
    with database.write() as session:
        session.add(workitem(uid, **{**times, **values}))
        note(session, "1.2.3", "step", {"name": "model", "seconds": 5.5}, workitem_uid=uid)
        note(session, "1.2.3", "done", workitem_uid=uid)


def described(database: Database) -> None:
    """The study and series that the labels are taken from."""
    code = {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["CTCHEST"]}}]}
    name = {"vr": "PN", "Value": [{"Alphabetic": "Secret^Name"}]}
    with database.write() as session:
        attributes = json.dumps({"00081032": code, "00100010": name})
        session.add(
            StudyRow(
                study_instance_uid="1.2.3", attributes=attributes, created_at=1.0, updated_at=1.0
            )
        )
        session.flush()
        part = json.dumps({"00180015": {"vr": "CS", "Value": ["CHEST"]}})
        session.add(
            SeriesRow(
                series_instance_uid="1.2.3.1",
                study_instance_uid="1.2.3",
                modality="CT",
                attributes=part,
                created_at=1.0,
            )
        )


def folded(database: Database) -> None:
    """PostgreSQL needs two looks to be sure that nothing is under way."""
    folding = Folding(database)
    for _ in range(3):
        folding.fold()


def samples(database: Database, tmp_path: Path) -> Samples:
    settings = Settings(data=tmp_path, archive="folder")
    text = exposition(services.build(settings, MemoryArchive(), database)).decode()
    assert "Secret" not in text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return sum(
        value
        for (sample, told), value in found.items()
        if sample == name and labels.items() <= dict(told).items()
    )


OF_WORK = {
    "model": "lung_ct",
    "rule": "chest",
    "stage": "live",
    "modality": "CT",
    "body_part": "CHEST",
    "exam_code": "CTCHEST",
}


def test_work_is_counted_by_model_rule_modality_body_part_and_exam(database, tmp_path):
    described(database)
    ended(database, "2.25.1")
    folded(database)

    found = samples(database, tmp_path)
    assert of(found, "airgate_ended_workitems_total", **OF_WORK, outcome="done") == 1
    assert of(found, "airgate_work_seconds_sum", **OF_WORK) == pytest.approx(7.0)
    assert of(found, "airgate_work_seconds_bucket", **OF_WORK, le="5.0") == 0
    assert of(found, "airgate_work_seconds_bucket", **OF_WORK, le="10.0") == 1
    assert of(found, "airgate_wait_seconds_bucket", **OF_WORK, le="0.25") == 1
    assert of(found, "airgate_step_seconds_sum", model="lung_ct", step="model") == 5.5


def test_what_comes_and_what_is_refused_is_counted(database, tmp_path):
    with database.write() as session:
        told = {"instances": 3, "bytes": 3000, "source": "STOW-RS"}
        note(session, "1.2.3", "received", told)
        refused = {"instances": 2, "failure": "cannot_understand", "source": "STOW-RS"}
        note(session, "1.2.3", "refused", {**refused, "reason": "no DICOM"})
        note(session, "1.2.3", "complete", {"evidence": "quiet time", "waited": 0.7})
    folded(database)

    found = samples(database, tmp_path)
    assert of(found, "airgate_received_instances_total", source="STOW-RS") == 3
    assert of(found, "airgate_received_bytes_total") == 3000
    assert of(found, "airgate_refused_instances_total", failure="cannot_understand") == 2
    assert of(found, "airgate_completion_seconds_count", evidence="quiet time") == 1


def test_each_event_is_added_once_however_many_processes_fold(database, tmp_path):
    for number in range(40):
        ended(database, f"2.25.{number}")
    threads = [threading.Thread(target=folded, args=[database]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folded(database)

    found = samples(database, tmp_path)
    assert of(found, "airgate_ended_workitems_total") == 40
    assert of(found, "airgate_step_seconds_count") == 40


def test_label_values_are_bounded_and_what_is_more_is_other(sqlite, tmp_path):
    for number in range(MOST_SERIES + 30):
        ended(sqlite, f"2.25.{number}", rule=f"rule-{number}")
    folded(sqlite)

    found = samples(sqlite, tmp_path)
    series = [key for key in found if key[0] == "airgate_ended_workitems_total"]
    assert len(series) == MOST_SERIES + 1
    assert of(found, "airgate_ended_workitems_total", rule="other") == 30
    assert of(found, "airgate_ended_workitems_total") == MOST_SERIES + 30


def test_queues_tell_depth_and_age_by_priority_and_what_is_dead(database, tmp_path):
    with database.write() as session:
        session.add(workitem("2.25.1", priority="HIGH"))
        session.add_all(workitem(f"2.25.{n}", priority="LOW", queue="gpu") for n in (2, 3))
        session.add(workitem("2.25.4", procedure_step_state="IN PROGRESS"))
        session.add(workitem("2.25.5", procedure_step_state="CANCELED", outcome="FAILED"))
        session.add(WorkerRow(executor_id="dead-0", beat_at=5.0))

    found = samples(database, tmp_path)
    assert of(found, "airgate_waiting_workitems", queue="cpu", priority="HIGH") == 1
    assert of(found, "airgate_waiting_workitems", queue="gpu", priority="LOW") == 2
    assert of(found, "airgate_oldest_waiting_seconds", queue="gpu") > 1e9
    assert of(found, "airgate_working_workitems") == 1
    assert of(found, "airgate_dead_workitems") == 1
    assert of(found, "airgate_workers") == 0


def rows_of_the_document() -> Sequence[tuple[str, str, str]]:
    rows = re.findall(r"^\| `(airgate_\w+)` \| ([^|]*) \| ([^|]*) \|$", DOCUMENT.read_text(), re.M)
    return [(name, labels, meaning) for name, labels, meaning in rows]


def test_the_document_lists_what_is_given(parts):
    """Those of an Orthanc that is followed stand beside it, in docs/archive.md."""
    text = exposition(parts).decode()
    given = {metric.name for metric in text_string_to_metric_families(text)}
    listed = {name: (labels, meaning) for name, labels, meaning in rows_of_the_document()}
    archive = {name for name in listed if name.startswith("airgate_archive_")}
    assert given == set(listed) - archive
    for name, family in FAMILIES.items():
        labels = ", ".join(f"`{label}`" for label in family.labels)
        assert listed[name] == (labels, family.meaning)


def test_sums_of_a_database_that_knew_no_stage_are_those_of_live_work(database):
    labels = ["lung_ct", "chest", "live", "CT", "CHEST", "", "done"]
    with database.write() as session:
        for stage in ("live", "shadow"):
            told = json.dumps([stage if one == "live" else one for one in labels])
            session.add(
                MetricSumRow(
                    family="airgate_ended_workitems", labels=told, count=3, total=3, buckets=""
                )
            )
    downgrade(database, "0018")
    with database.read() as session:
        (row,) = session.query(MetricSumRow)
    assert json.loads(row.labels) == [one for one in labels if one != "live"]

    migrate(database)

    with database.read() as session:
        (row,) = session.query(MetricSumRow)
    assert json.loads(row.labels) == labels


def test_the_dashboard_asks_for_metrics_and_labels_that_there_are():
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    labels_of = {
        name: set(re.findall(r"`(\w+)`", labels)) for name, labels, _ in rows_of_the_document()
    }
    for expression in asked:
        found = re.findall(r"airgate_[a-z_]+", expression)
        assert found, expression
        for name in found:
            family = FAMILIES.get(name) or FAMILIES.get(re.sub("_(total|bucket)$", "", name))
            suffix = "" if family is None else "_bucket" if family.is_histogram else "_total"
            metric = name.removesuffix(suffix)
            assert name == metric + suffix, name
            assert metric in labels_of
            used = re.findall(r"by \(([^)]*)\)", expression) + re.findall(r"\{(\w+)=", expression)
            named = {label for part in used for label in part.split(", ")} - {"le"}
            assert named <= labels_of[metric], expression


def test_the_scrape_configuration_names_the_gateway_of_compose():
    (job,) = yaml.safe_load((MONITORING / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    services = yaml.safe_load((MONITORING.parent / "compose.yaml").read_text("utf-8"))["services"]
    (target,) = job["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert services[host]["environment"]["AIRGATE_HTTP"] == f"0.0.0.0:{port}"
    assert job["metrics_path"] == "/metrics"
