"""Studies that two versions of a model worked on, live and in shadow, which differ as told."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from gateway import air, shadow
from gateway.ingest import Part
from gateway.outputs import Encoded, encode
from gateway.services import Services
from gateway.store.tables import WorkitemRow
from standards import codes
from standards.analysis import Result
from standards.classification import Classification
from standards.findings import LabelMap, Measurement
from standards.identity import Algorithm
from standards.uids import derived_uid
from tests.gateway.models.example import NAME
from tests.series import COLUMNS, RIGHT, ROWS, SLICES, ct_series, small_result

SIDE = 16  # voxels of the cube that a version marks, in a plane
LIVE, SHADOW = "1", "2"


@dataclass(frozen=True)
class Answer:
    """shift: of the cube, in columns. volume: in millilitres. effusion: whether there is one."""

    shift: int
    volume: float
    effusion: bool


def study_uid(number: int) -> str:
    return derived_uid("compared", str(number))


def answers(house: Services, number: int, version: str, answer: Answer) -> None:
    """The version, live if it is the first, gave this answer on the study."""
    result = _result(number, version, answer)
    ended(house, number, version, "DONE", result, _objects(number, version, answer))


def ended(
    house: Services,
    number: int,
    version: str,
    outcome: str,
    result: Result | None = None,
    objects: Sequence[Encoded] = (),
) -> None:
    uid = derived_uid("compared", "workitem", str(number), version)
    stage = shadow.LIVE if version == LIVE else shadow.SHADOW
    now = time.time()
    row = WorkitemRow(
        sop_instance_uid=uid,
        study_instance_uid=study_uid(number),
        series_instance_uid=derived_uid("test", "series"),
        procedure_step_state="COMPLETED" if result else "CANCELED",
        model_name=NAME,
        model_version=version,
        model_digest="",
        stage=stage,
        outcome=outcome,
        dataset="{}",
        results=json.dumps(air.tree(result, objects, [])) if result else "",
        created_at=now,
        started_at=now,
        ended_at=now,
    )
    with house.database.write() as session:
        session.add(row)
        session.flush()
        if stage == shadow.SHADOW:
            shadow.keep(session, uid, objects)
    if stage == shadow.LIVE and objects:
        received = house.ingest.receive([Part(one.part10()) for one in objects])
        assert not received.result.failed, received.result.failed


@cache
def _objects(number: int, version: str, answer: Answer) -> list[Encoded]:
    return list(encode(_result(number, version, answer), lambda _: np.zeros((ROWS, COLUMNS))))


@cache
def _result(number: int, version: str, answer: Answer) -> Result:
    instances = ct_series(StudyInstanceUID=study_uid(number))
    for place, instance in enumerate(instances):
        instance.SOPInstanceUID = derived_uid("compared", str(number), str(place))
    voxels = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)
    start = 20 + answer.shift
    voxels[2:6, 20 : 20 + SIDE, start : start + SIDE] = 1
    found = [
        LabelMap(voxels, (RIGHT,)),
        Measurement(codes.VOLUME, answer.volume, codes.MILLILITRE, codes.RIGHT_LUNG, 1),
        Classification(codes.LUNG, codes.PRESENT if answer.effusion else codes.ABSENT),
    ]
    algorithm = Algorithm("Copy", version, "Tests", version * 64)
    return small_result(instances, found, algorithm)
