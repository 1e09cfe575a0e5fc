"""The trace as OpenTelemetry spans, told to a real receiver of OTLP over HTTP."""

import subprocess
import sys
from hashlib import sha256

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.errors import NotConfigured
from gateway.store.database import Database
from gateway.store.events import note
from gateway.telemetry.following import Following, NotExported, exporting, is_wanted
from gateway.telemetry.otlp import Exporter
from tests.gateway.late_example import SOURCE, STUDY, Growing, growing
from tests.gateway.otlp_receiver import Receiver, attributes_of, receiver
from tests.instances import instance
from tests.serving import Gateway

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def collector(monkeypatch):
    with receiver() as made:
        monkeypatch.setenv(ENDPOINT, made.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        yield made


@pytest.fixture
def study(database, tmp_path) -> Growing:
    return growing(database, tmp_path)


def following(database: Database) -> Following:
    """One that tells of what comes from now on."""
    made = Following(database, Exporter().export)
    catch_up(made)
    return made


def catch_up(told: Following) -> None:
    """On PostgreSQL an event is settled when later looks have seen what ran beside it end."""
    for _ in range(3):
        told.follow()


def completes(study: Growing, generation: int) -> None:
    """Complete it as the sweep does, route it, and do the work."""
    with study.parts.database.write() as session:
        note(session, STUDY, "complete", {"evidence": "quiet time", "generation": generation})
    study.works(*study.completes())


def parent_of(span: Span, collector: Receiver) -> Span:
    (parent,) = [one for one in collector.spans if one.span_id == span.parent_span_id]
    assert parent.trace_id == span.trace_id
    return parent


def test_a_study_is_one_trace_from_its_first_byte_to_the_published_result(study, collector):
    told = following(study.parts.database)
    study.arrives(*range(30))
    completes(study, 1)
    catch_up(told)

    assert len({span.trace_id for span in collector.spans}) == 1
    assert len({span.span_id for span in collector.spans}) == len(collector.spans)
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    (received,), (work,) = collector.named("received"), collector.named("workitem")
    assert root.name == "study"
    assert root.trace_id == sha256(f"airgate\n{STUDY}\n1".encode()).digest()[:16]
    assert root.start_time_unix_nano <= received.start_time_unix_nano
    assert parent_of(received, collector) is parent_of(work, collector) is root
    steps = [span for span in collector.spans if span.name.startswith("step ")]
    assert {"step fetch", "step model", "step encode", "step archive"} <= {
        span.name for span in steps
    }
    for span in (*steps, *collector.named("claimed"), *collector.named("routed")):
        assert parent_of(span, collector) is work
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert work.end_time_unix_nano >= span.end_time_unix_nano
    attributes = attributes_of(work)
    assert (attributes["model"], attributes["outcome"]) == ("lung_ct", "done")
    assert attributes["study_instance_uid"] == STUDY
    assert collector.services == {"airgate"}


def test_nothing_of_the_patient_is_told(study, collector):
    told = following(study.parts.database)
    study.arrives(*range(30))
    completes(study, 1)
    catch_up(told)
    header = SOURCE[0]
    assert header.PatientID
    for secret in (str(header.PatientName), header.PatientID, "SeriesDescription", "because"):
        assert all(secret.encode() not in body for body in collector.bodies)


def test_what_came_later_is_a_trace_of_its_own(study, collector):
    told = following(study.parts.database)
    study.arrives(*range(20))
    completes(study, 1)
    study.arrives(*range(20, 30))
    completes(study, 2)
    catch_up(told)
    roots = collector.named("study")
    assert len({span.trace_id for span in roots}) == 2
    for name in ("received", "routed", "claimed", "workitem"):
        assert [span.trace_id for span in collector.named(name)] == [
            root.trace_id for root in roots
        ], name


def test_a_receiver_that_was_away_gets_all_of_it_afterwards_and_a_restart_repeats_nothing(
    study, collector
):
    told = following(study.parts.database)
    with study.parts.database.write() as session:
        note(session, STUDY, "failed", {"reason": "told to nobody"})
    collector.status = 400  # 503 it would be tried again, for a while
    with pytest.raises(NotExported, match="1 spans were not taken"):
        catch_up(told)
    collector.status = 200
    again = Following(study.parts.database, Exporter().export)
    catch_up(again)
    assert collector.names == ["failed"]
    assert collector.spans[0].status.code == Status.STATUS_CODE_ERROR


def test_it_is_off_unless_a_receiver_is_named():
    assert not is_wanted({})
    assert not is_wanted({ENDPOINT: ""})
    assert not is_wanted({ENDPOINT: "http://collector:4318", "OTEL_SDK_DISABLED": "true"})
    assert is_wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"})


def test_without_the_packages_the_server_runs_and_only_the_wish_for_it_is_refused(
    sqlite, monkeypatch
):
    program = "import gateway.commands.serve, sys; print('opentelemetry.sdk' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "False"
    monkeypatch.delitem(sys.modules, "gateway.telemetry.otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(NotConfigured, match=r"install airgate\[otel\]"), exporting(sqlite):
        pass


@pytest.mark.serve
def test_the_server_tells_of_a_study_that_its_worker_completes(tmp_path, collector, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "radiology")
    with Gateway(tmp_path / "data", archive="folder") as gateway:
        path = tmp_path / "one.dcm"
        path.write_bytes(instance())
        assert gateway.client.store([path])[0] == 200
        root = collector.await_("study")
        assert collector.await_("not_routed").trace_id == root.trace_id
        assert parent_of(collector.await_("received"), collector) is root
    assert collector.services == {"radiology"}
