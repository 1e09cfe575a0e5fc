"""Studies, evidence and a clock that a test sets, for the tests of completion."""

import json
from collections.abc import Sequence

from pydicom import Dataset
from sqlalchemy import select

from gateway.completion import Completion, Evidence, Policy, QuietTime, note_arrival
from gateway.completion.sweep import PolicyOf
from gateway.store.database import Database
from gateway.store.tables import EventRow, ExpectationRow, InstanceRow, SeriesRow, StudyRow
from standards.dicom_json import dumps

STUDY = "1.2.3"
SECOND, MINUTE, HOUR = 1.0, 60.0, 3600.0


class Clock:
    """Seconds since the epoch, as the test says."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A database with one study that instances arrive of, and its completion."""

    def __init__(
        self,
        database: Database,
        evidence: Sequence[Evidence] = (),
        policy: Policy = Policy(),
        quiet: QuietTime = QuietTime(10, incomplete_seconds=100, maximum_seconds=600),
        policy_of: PolicyOf | None = None,
    ) -> None:
        self.database, self.clock = database, Clock()
        self.completed: list[float] = []
        self.completion = Completion(
            database,
            quiet,
            lambda _session, _study, _row: self.completed.append(self.clock.now),
            evidence=evidence,
            policy_of=policy_of or (lambda _session, _study: policy),
            clock=self.clock,
        )

    def arrives(self, number: int, series: int = 1, **attributes: object) -> None:
        """An instance of the study, with these attributes in its header (keyword: value)."""
        series_uid = f"{STUDY}.{series}"
        with self.database.write() as session:
            self._make(session, series_uid)
            session.add(_instance(number, series_uid, self.clock.now, attributes))
            session.flush()
            note_arrival(session, [STUDY], self.clock.now)

    def passes(self, seconds: float, step: float = 0.5) -> int:
        """Time passes, and the sweep runs every `step` of it; how many completions."""
        before, end = len(self.completed), self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(self.clock.now + step, end)
            self.completion.sweep()
        return len(self.completed) - before

    @property
    def evidence(self) -> dict:
        """What the last completion says of its evidence, without the seconds that it waited."""
        with self.database.read() as session:
            query = select(EventRow).where(EventRow.kind == "complete").order_by(EventRow.id)
            told = json.loads(session.scalars(query).all()[-1].detail)
        return {name: value for name, value in told.items() if name != "waited"}

    def asked_for(self, announced_by: str) -> bool:
        """Whether such an announcement, or the question for it, is written down."""
        with self.database.read() as session:
            return session.get(ExpectationRow, (STUDY, announced_by)) is not None

    @staticmethod
    def _make(session, series_uid: str) -> None:
        if session.get(StudyRow, STUDY) is None:
            times = {"created_at": 0, "updated_at": 0}
            session.add(StudyRow(study_instance_uid=STUDY, attributes="{}", **times))
            session.flush()
        if session.get(SeriesRow, series_uid) is None:
            row = {"study_instance_uid": STUDY, "attributes": "{}", "created_at": 0}
            session.add(SeriesRow(series_instance_uid=series_uid, **row))
            session.flush()


def _instance(number: int, series_uid: str, now: float, attributes: dict) -> InstanceRow:
    header = Dataset()
    header.SOPInstanceUID = f"{series_uid}.{number}"
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return InstanceRow(
        sop_instance_uid=header.SOPInstanceUID,
        series_instance_uid=series_uid,
        study_instance_uid=STUDY,
        sop_class_uid="1.2",
        transfer_syntax_uid="1.2",
        instance_number=number,
        header=dumps(header.to_json_dict()),
        archive_key="",
        size=1,
        sha256="",
        received_at=now,
    )
