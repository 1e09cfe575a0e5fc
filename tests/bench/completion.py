"""How soon work begins: from the last instance's acknowledgement to the claim of its workitem."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from pydicom import dcmread
from pynetdicom import AE

from tests.bench.orchestration import CHEST_MM, copied
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.phantom import chest_phantom
from tests.postgresql import free_port
from tests.serving import Gateway, wait_until

SLICES, MATRIX = 40, 128  # what the model does with them is not measured
QUIET_SECONDS = 1.0
CLAIM_SECONDS = 60.0


def measure(plan: Plan) -> Iterator[Line]:
    """One gateway gets studies of other UIDs one after another; the first warms it."""
    folder = plan.place("completion")
    series, port = folder / "series", free_port()
    chest_phantom(slices=SLICES, slice_spacing=CHEST_MM / SLICES, matrix=MATRIX).write(series)
    seconds: dict[str, list[float]] = {"association_released": [], "quiet_time": []}
    settings = {"quiet_seconds": str(QUIET_SECONDS), "dicom": f"AIRGATE@127.0.0.1:{port}"}
    with Gateway(folder / "airgate", **settings) as gateway:
        ways: dict[str, Callable[[Sequence[Path]], float]] = {
            "association_released": partial(_by_c_store, port),
            "quiet_time": partial(_by_stow, gateway),
        }
        wait_until(partial(_is_listening, port), CLAIM_SECONDS, lambda: gateway.log)
        for number in range(2 * (plan.repeat + 1)):
            run, evidence = number // 2, list(ways)[number % 2]
            plan.say(f"{evidence}, run {run} of {plan.repeat}")
            files = sorted(copied(series, folder / f"study{number}", number).iterdir())
            waited = _until_claimed(gateway, ways[evidence], files, evidence)
            if run:
                seconds[evidence].append(waited)
    yield Line("last ack to claim, association", seconds["association_released"], aim="0.3 s")
    work = f"last ack to claim, quiet time {QUIET_SECONDS:g} s"
    yield Line(work, seconds["quiet_time"], aim=f"{QUIET_SECONDS + 0.3:g} s")


def _until_claimed(
    gateway: Gateway, send: Callable[[Sequence[Path]], float], files: Sequence[Path], evidence: str
) -> float:
    study = str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)
    acknowledged = send(files)
    gateway.await_end(study)
    events = {event["kind"]: event for event in gateway.trace(study)["events"]}
    assert events["complete"]["detail"]["evidence"] == evidence
    return events["claimed"]["at"] - acknowledged


def _by_c_store(port: int, files: Sequence[Path]) -> float:
    """When the last instance was acknowledged; the association is released right after."""
    images = [dcmread(path) for path in files]
    modality = AE("BENCH")
    modality.add_requested_context(images[0].SOPClassUID, images[0].file_meta.TransferSyntaxUID)
    association = modality.associate("127.0.0.1", port)
    for image in images:
        assert association.send_c_store(image).Status == 0
    acknowledged = time.time()
    association.release()
    return acknowledged


def _by_stow(gateway: Gateway, files: Sequence[Path]) -> float:
    status, _ = gateway.client.store(files)
    assert status == 200
    return time.time()


def _is_listening(port: int) -> bool:
    modality = AE("BENCH")
    modality.add_requested_context("1.2.840.10008.1.1")
    association = modality.associate("127.0.0.1", port)
    if association.is_established:
        association.release()
        return True
    return False
