"""`airgate demo`: the main job on a real chest CT, from the first byte to a verified result."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx
from pydicom import dcmread
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.tree import Tree

from gateway.client import Client, Refused, files_of
from gateway.commands.serve import check_addresses
from gateway.errors import GatewayError
from gateway.settings import Settings
from standards.study import value

SAMPLE = Path(__file__).parents[2] / "samples" / "ct_chest"
QUIET_SECONDS = "3"  # shorter than the default of `serve`: here one sender sends one study
START_SECONDS, RESULT_SECONDS = 60.0, 300.0
ENDED = ("COMPLETED", "CANCELED")
KINDS = ("SEG", "SR", "PR", "SC")
FHIR_KINDS = ("Observation", "DiagnosticReport", "ImagingStudy", "Device", "Provenance", "Patient")


class DemoFailed(GatewayError):
    """A promise of the demo was not kept; the message says which."""


def demo(settings: Settings, once: bool) -> int:
    """Exit status 0 only when every promised output was retrieved again from the gateway."""
    console = Console(markup=False, highlight=False)
    files = [path for path in files_of([SAMPLE]) if path.suffix == ".dcm"]
    if not files:
        raise DemoFailed(f"no sample study in {SAMPLE}; run the demo from a full checkout")
    check_addresses(settings)
    os.environ.setdefault("AIRGATE_QUIET_SECONDS", QUIET_SECONDS)
    with _serving(settings, console) as server:
        client = Client(settings)
        study = _store(client, files, console)
        results = _await_results(client, study, console)
        console.print(_tree(client, results))
        _print_trace(client, study, console)
        checked = _verify(client, study, results)
        console.print(f"{checked} outputs retrieved again from the gateway: all as promised")
        console.print(f"viewer   {results['viewer']}", soft_wrap=True)
        console.print(f"console  {client.url}/ui/   (token in {settings.data / 'token'})")
        if not once:
            console.print("serving until Ctrl-C")
            _wait(server)
    return 0


@contextmanager
def _serving(settings: Settings, console: Console) -> Iterator[subprocess.Popen[bytes]]:
    settings.data.mkdir(parents=True, exist_ok=True)
    log = settings.data / "serve.log"
    with log.open("ab") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "serve"],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            with console.status(f"starting the gateway and its Orthanc (log: {log})"):
                _await_ready(settings, server, log)
            console.print(f"gateway ready at http://{settings.http}")
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _await_ready(settings: Settings, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise DemoFailed(f"the gateway ended at once: {''.join(last)}")
        with suppress(httpx.TransportError):  # not listening yet
            if httpx.get(f"http://{settings.http}/health/ready").status_code == 200:
                return
        time.sleep(0.1)
    raise DemoFailed(f"the gateway was not ready after {START_SECONDS:g} s; its log is {log}")


def _store(client: Client, files: list[Path], console: Console) -> str:
    size = sum(path.stat().st_size for path in files) / 1e6
    started = time.perf_counter()
    with console.status(f"STOW-RS: {len(files)} CT slices, {size:.1f} MB"):
        status, answer = client.store(files)
    if status != 200:
        raise DemoFailed(f"the sample was not stored: STOW-RS answered {status}")
    seconds = time.perf_counter() - started
    console.print(f"stored {len(files)} CT slices, {size:.1f} MB, in {seconds:.2f} s (HTTP 200)")
    study = str(value(answer, "RetrieveURL")).rpartition("/")[2]
    if client.json(f"/api/v1/studies/{study}")["workitems"]:
        console.print("the gateway knows this study already: same input, no new work")
    return study


def _await_results(client: Client, study: str, console: Console) -> dict[str, Any]:
    """Wait until the study's workitems have ended. Raises DemoFailed when they end badly."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + RESULT_SECONDS
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("waiting for the study to be complete", total=4)
        while time.monotonic() < deadline:
            trace = client.json(f"/api/v1/studies/{study}")
            states = [one["procedure_step_state"] for one in trace["workitems"]]
            description, done = _stage(trace, states)
            progress.update(bar, description=description, completed=done)
            if states and all(state in ENDED for state in states):
                break
            if trace["study"]["state"] == "COMPLETE" and not states:
                raise DemoFailed(f"no model was chosen: {trace['events'][-1]['detail']}")
            time.sleep(0.2)
        else:
            raise DemoFailed(f"no result after {RESULT_SECONDS:g} s")
    results = client.json(f"/air/studies/{study}/results")
    for one in results["results"]:
        if one["workitem"]["procedure_step_state"] != "COMPLETED":
            workitem = one["workitem"]
            raise DemoFailed(f"the model ended {workitem['outcome']}: {workitem['reason']}")
    return results


def _stage(trace: dict[str, Any], states: list[str]) -> tuple[str, int]:
    if trace["study"]["state"] != "COMPLETE":
        return "receiving: complete when it has been quiet", 1
    if "IN PROGRESS" not in states:
        return "complete and routed: waiting for a worker", 2
    return "the model is at work", 3


def _tree(client: Client, results: dict[str, Any]) -> Tree:
    tree = Tree(f"study {results['study_instance_uid']}")
    for one in results["results"]:
        name = f"{one['model']['name']} {one['model']['version']}"
        branch = tree.add(f"{name}: {one['workitem']['outcome']}")
        objects = branch.add("DICOM objects")
        for item in one["objects"]:
            title = f"{item['kind']:3} {item['series_description']}"
            objects.add(f"{title}\n{item['sop_instance_uid']}")
        measurements = branch.add("measurements")
        for site, members in groupby(one["measurements"], key=itemgetter("site")):
            leaf = measurements.add(site)
            for item in members:
                leaf.add(_measurement(item))
        resources = branch.add(f"FHIR R4 at {client.url}/fhir/r4")
        for item in one["fhir"]:
            resources.add(f"{item['resource_type']}/{item['id']}")
    return tree


def _measurement(item: dict[str, Any]) -> str:
    kind = f"{item['derivation']} " if item["derivation"] else ""
    return f"{kind}{item['concept']}: {item['value']:g} {item['unit']}"


def _print_trace(client: Client, study: str, console: Console) -> None:
    """What happened when, and how long each step took."""
    events = client.json(f"/api/v1/studies/{study}")["events"]
    first_byte = min(event["at"] - event["detail"].get("seconds", 0.0) for event in events)
    console.print("trace (seconds since the first byte)")
    for event in events:
        name = event["detail"].get("name", event["kind"])
        seconds = event["detail"].get("seconds")
        took = f"took {seconds:.2f} s" if seconds is not None else ""
        console.print(f"  {event['at'] - first_byte:6.2f}  {name:20} {took}".rstrip())


def _verify(client: Client, study: str, results: dict[str, Any]) -> int:
    """Retrieve every output by its own protocol; how many there were. Raises DemoFailed."""
    checked = 0
    for one in results["results"]:
        for item in one["objects"]:
            _check_instance(client, study, item)
        for item in one["fhir"]:
            resource = client.json(f"/fhir/r4/{item['resource_type']}/{item['id']}")
            _expect(resource["id"] == item["id"], f"FHIR {item['resource_type']}")
        kinds = {item["kind"] for item in one["objects"]}
        _expect(kinds >= set(KINDS), f"objects {', '.join(KINDS)}, not only {sorted(kinds)}")
        resources = {item["resource_type"] for item in one["fhir"]}
        _expect(resources >= set(FHIR_KINDS), f"FHIR {set(FHIR_KINDS) - resources}")
        _expect(bool(one["measurements"]), "measurements")
        checked += len(one["objects"]) + len(one["fhir"])
    series = client.json(f"/dicom-web/studies/{study}/series")
    _expect(len(series) >= 1 + len(KINDS), "the result series in QIDO-RS")
    _check_viewer(client, study)
    return checked + 2


def _check_instance(client: Client, study: str, item: dict[str, str]) -> None:
    path = (
        f"/dicom-web/studies/{study}/series/{item['series_instance_uid']}"
        f"/instances/{item['sop_instance_uid']}"
    )
    reply = client.get(path, headers={"Accept": "application/dicom"})
    dataset = dcmread(io.BytesIO(reply.content))
    _expect(str(dataset.SOPInstanceUID) == item["sop_instance_uid"], item["kind"])
    if item["kind"] == "SC":
        picture = client.get(f"{path}/rendered", headers={"Accept": "image/jpeg"})
        _expect(picture.content[:2] == b"\xff\xd8", "the key image as JPEG")


def _check_viewer(client: Client, study: str) -> None:
    try:
        page = client.get(f"/viewer?StudyInstanceUIDs={study}", headers={"Accept": "text/html"})
    except Refused as refusal:
        raise DemoFailed(f"OHIF is not served: {refusal}; run `make setup`") from refusal
    _expect("app-config.js" in page.text, "OHIF's page")


def _expect(kept: bool, promise: str) -> None:
    if not kept:
        raise DemoFailed(f"not retrieved as promised: {promise}")


def _wait(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait()
    except KeyboardInterrupt:
        print("stopping", flush=True)
