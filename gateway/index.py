"""Writing studies, series and instances into the index: idempotent, in the caller's transaction."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from adapters.archive import Archive
from gateway.search import derived
from gateway.search.values import study_columns, text
from gateway.store.inserting import insert_missing
from gateway.store.tables import Base, InstanceRow, SeriesRow, StudyRow
from gateway.tombstones import GOING, lift
from standards.dicom_json import dumps
from standards.levels import series_attributes, study_attributes
from standards.store_response import FailedInstance, FailureReason, StoredInstance
from standards.study import value

Refused = FailedInstance

_AT_ONCE = 500  # UIDs in one IN (...); SQLite takes 32766 variables in a statement


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """An instance whose bytes are durable in the archive, ready for the index.

    instance: the values of its row, but what only the index knows. The rows of its study and
    series are drawn from its header, which few instances need: the first of each.
    archived: whoever made this value also put the bytes into the archive, where they were not.
    original_attributes: what was changed in it; see StoredInstance.
    """

    patient_id: str
    instance: Mapping[str, Any]
    archived: bool = False
    original_attributes: Mapping[str, Any] | None = None

    @property
    def identity(self) -> StoredInstance:
        return StoredInstance(
            self.instance["study_instance_uid"],
            self.instance["series_instance_uid"],
            self.instance["sop_class_uid"],
            self.instance["sop_instance_uid"],
            self.original_attributes,
        )

    @property
    def archive_key(self) -> str:
        return self.instance["archive_key"]

    def refused(self, failure_reason: FailureReason, reason: str) -> Refused:
        known = self.identity
        return Refused(
            failure_reason,
            reason,
            known.sop_class_uid,
            known.sop_instance_uid,
            known.study_instance_uid,
        )


@dataclass(frozen=True, slots=True)
class Indexed:
    """An instance that the index has. new: whether it had it not before.

    replaced: it had another content of it before, which is new too.
    """

    identity: StoredInstance
    new: bool
    size: int
    replaced: bool = False

    @property
    def study_instance_uid(self) -> str:
        return self.identity.study_instance_uid


def kept_instance(
    header: Mapping[str, Any], *, transfer_syntax_uid: str, sha256: str, size: int, archive_key: str
) -> Kept:
    """The row of one instance. header: DICOM JSON of the whole header."""
    instance = {
        "sop_instance_uid": text(header, "SOPInstanceUID"),
        "series_instance_uid": text(header, "SeriesInstanceUID"),
        "study_instance_uid": text(header, "StudyInstanceUID"),
        "sop_class_uid": text(header, "SOPClassUID"),
        "transfer_syntax_uid": transfer_syntax_uid,
        "instance_number": _whole(header, "InstanceNumber"),
        "rows": _whole(header, "Rows"),
        "columns": _whole(header, "Columns"),
        "number_of_frames": _whole(header, "NumberOfFrames") or 1,
        "header": dumps(header),
        "archive_key": archive_key,
        "size": size,
        "sha256": sha256,
    }
    return Kept(text(header, "PatientID"), instance)


def _study_row(kept: Kept) -> dict[str, Any]:
    attributes = study_attributes(json.loads(kept.instance["header"]))
    return {
        "study_instance_uid": kept.instance["study_instance_uid"],
        **study_columns(attributes),
        "attributes": dumps(attributes).decode(),
    }


def _series_row(kept: Kept) -> dict[str, Any]:
    header = json.loads(kept.instance["header"])
    return {
        "series_instance_uid": kept.instance["series_instance_uid"],
        "study_instance_uid": kept.instance["study_instance_uid"],
        "modality": text(header, "Modality"),
        "series_number": _whole(header, "SeriesNumber"),
        "series_description": text(header, "SeriesDescription"),
        "attributes": dumps(series_attributes(header)).decode(),
    }


def _whole(header: Mapping[str, Any], keyword: str) -> int | None:
    """An integer that both databases can hold, or None."""
    found = value(header, keyword)
    return found if isinstance(found, int) and abs(found) < 2**31 else None


def index(  # noqa: PLR0913 (who it is from, and where its bytes are)
    session: Session,
    kept: Sequence[Kept | Refused],
    created_by: str = "",
    *,
    archive: Archive | None = None,
    calling_ae_title: str = "",
    called_ae_title: str = "",
) -> list[Indexed | Refused]:
    """Write the rows of these instances; answers come in the order of `kept`.

    An instance that is there already with the same content is answered as not new. Refused are:
    other content under a known SOP Instance UID, another Patient ID under a known study, a series
    that belongs to another study. What is Refused already is passed through.

    archive:  where their bytes are. One that was deleted here may come again, unless its bytes
    are on their way out of the archive just now (gateway/tombstones.py); then it is refused.
    """
    kept = _without_those_going(session, archive, kept)
    candidates = [each for each in kept if isinstance(each, Kept)]
    writer = _Writer(session, time.time(), created_by, calling_ae_title, called_ae_title)
    writer.load(candidates)
    answers = [writer.judge(each) if isinstance(each, Kept) else each for each in kept]
    lost = writer.write()
    return [
        each if isinstance(each, Refused) or each.identity.sop_instance_uid not in lost
        else writer.lost_race(each)
        for each in answers
    ]  # fmt: skip


def _without_those_going(
    session: Session, archive: Archive | None, kept: Sequence[Kept | Refused]
) -> Sequence[Kept | Refused]:
    stored = {each.identity: each.archive_key for each in kept if isinstance(each, Kept)}
    going = lift(session, archive, stored)
    return [
        each.refused(FailureReason.OUT_OF_RESOURCES, GOING)
        if isinstance(each, Kept) and each.identity.sop_instance_uid in going
        else each
        for each in kept
    ]


def unnamed(session: Session, kept: Sequence[Kept]) -> list[Kept]:
    """Those whose bytes in the archive the index does not name."""
    keys = _Writer(session, time.time(), "", "", "").archive_keys(kept)
    return [one for one in kept if keys.get(one.identity.sop_instance_uid) != one.archive_key]


def describe_anew(session: Session, kept: Kept) -> None:
    """Let the rows of its study and series say what this instance says of them."""
    study, series = _study_row(kept), _series_row(kept)
    for table, row, key in (
        (StudyRow, study, StudyRow.study_instance_uid),
        (SeriesRow, series, SeriesRow.series_instance_uid),
    ):
        statement = update(table).where(key == row[key.key]).values(**row)
        session.execute(statement.execution_options(synchronize_session=False))
    derived.refresh(session, [study["study_instance_uid"]])


class _Writer:
    """One call of `index`: what was known before, and what is to be written."""

    def __init__(
        self, session: Session, now: float, created_by: str, calling: str, called: str
    ) -> None:
        self._session, self._now, self._created_by = session, now, created_by
        self._titles = {"calling_ae_title": calling, "called_ae_title": called}
        self._patients: dict[str, str] = {}  # of each study
        self._studies: dict[str, str] = {}  # of each series
        self._contents: dict[str, str] = {}  # SHA-256 of each instance
        self._new: dict[str, Kept] = {}
        self._fresh_studies: dict[str, Mapping[str, Any]] = {}  # their rows
        self._fresh_series: dict[str, Mapping[str, Any]] = {}

    def lock(self, kept: Sequence[Kept]) -> None:
        """Make sure of the studies: on PostgreSQL that also locks them."""
        self._know_studies({each.instance["study_instance_uid"]: each for each in reversed(kept)})

    def archive_keys(self, kept: Sequence[Kept]) -> dict[str, str]:
        uids = {each.instance["sop_instance_uid"] for each in kept}
        return dict(self._pairs(InstanceRow.sop_instance_uid, InstanceRow.archive_key, uids))

    def load(self, kept: Sequence[Kept]) -> None:
        """Make sure of the studies and series first."""
        self.lock(kept)
        self._know_series(
            {
                each.instance["series_instance_uid"]: each
                for each in reversed(kept)
                if self._same_patient(each)
            }
        )
        uids = [each.instance["sop_instance_uid"] for each in kept]
        self._contents = dict(
            self._pairs(InstanceRow.sop_instance_uid, InstanceRow.sha256, set(uids))
        )

    def judge(self, kept: Kept) -> Indexed | Refused:
        if not self._same_patient(kept):
            return kept.refused(
                FailureReason.PROCESSING_FAILURE,
                "the study is known with another Patient ID; correct one of them and send again",
            )
        if (
            self._studies[kept.instance["series_instance_uid"]]
            != kept.instance["study_instance_uid"]
        ):
            return kept.refused(
                FailureReason.PROCESSING_FAILURE,
                "the series belongs to another study; give it a Series Instance UID of its own",
            )
        uid, content = kept.instance["sop_instance_uid"], kept.instance["sha256"]
        known = self._contents.get(uid)
        if known is None:
            self._contents[uid] = content
            self._new[uid] = kept
        elif known != content:
            return kept.refused(FailureReason.PROCESSING_FAILURE, OTHER_CONTENT)
        return Indexed(kept.identity, new=known is None, size=kept.instance["size"])

    def write(self) -> set[str]:
        """Insert the new instances. Returns those that another transaction inserted meanwhile."""
        rows = [
            {**kept.instance, "created_by": self._created_by, "received_at": self._now}
            for kept in self._new.values()
        ]
        inserted = self._insert(InstanceRow, rows)
        changed = {kept.instance["study_instance_uid"] for kept in self._new.values()}
        series = {kept.instance["series_instance_uid"] for kept in self._new.values()}
        self._forget(SeriesRow.series_instance_uid, self._fresh_series.keys() - series)
        self._forget(StudyRow.study_instance_uid, self._fresh_studies.keys() - changed)
        derived.add(
            self._session,
            [row for row in rows if row["sop_instance_uid"] in inserted],
            [row for uid, row in self._fresh_series.items() if uid in series],
            [row for uid, row in self._fresh_studies.items() if uid in changed],
        )
        titles = {name: title for name, title in self._titles.items() if title}
        for uids in _in_batches(sorted(changed)):
            self._session.execute(
                update(StudyRow)
                .where(StudyRow.study_instance_uid.in_(uids))
                .values(updated_at=self._now, **titles)
                .execution_options(synchronize_session=False)
            )
        return set(self._new) - inserted

    def lost_race(self, indexed: Indexed) -> Indexed | Refused:
        """Only PostgreSQL: the same SOP Instance UID arrived in two studies at one time."""
        kept = self._new[indexed.identity.sop_instance_uid]
        return kept.refused(FailureReason.PROCESSING_FAILURE, OTHER_CONTENT)

    def _same_patient(self, kept: Kept) -> bool:
        return self._patients[kept.instance["study_instance_uid"]] == kept.patient_id

    def _know_studies(self, wanted: Mapping[str, Kept]) -> None:
        columns = (StudyRow.study_instance_uid, StudyRow.patient_id)
        self._patients = dict(self._pairs(*columns, wanted, lock=True))
        times = {"created_at": self._now, "updated_at": self._now}
        rows = [
            {**_study_row(wanted[uid]), **self._titles, **times}
            for uid in sorted(wanted)  # always the same order, so that no two wait for each other
            if uid not in self._patients
        ]
        if rows:
            fresh = self._insert(StudyRow, rows)
            self._fresh_studies = {
                row["study_instance_uid"]: row for row in rows if row["study_instance_uid"] in fresh
            }
            self._patients = dict(self._pairs(*columns, wanted, lock=True))

    def _know_series(self, wanted: Mapping[str, Kept]) -> None:
        columns = (SeriesRow.series_instance_uid, SeriesRow.study_instance_uid)
        self._studies = dict(self._pairs(*columns, wanted))
        rows = [
            {**_series_row(wanted[uid]), "created_at": self._now}
            for uid in sorted(wanted)
            if uid not in self._studies
        ]
        if rows:
            fresh = self._insert(SeriesRow, rows)
            self._fresh_series = {
                row["series_instance_uid"]: row
                for row in rows
                if row["series_instance_uid"] in fresh
            }
            self._studies = dict(self._pairs(*columns, wanted))

    def _insert(self, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> set[str]:
        """Insert the rows that are not there yet; returns the keys of those inserted."""
        if not rows:
            return set()
        key = next(iter(table.__table__.primary_key))
        statement = insert_missing(self._session, table).returning(key)
        return set(self._session.connection().execute(statement, list(rows)).scalars())

    def _forget(self, key: Any, uids: set[str]) -> None:
        """Rows made for instances that were then refused: nothing shows an empty study."""
        for batch in _in_batches(sorted(uids)):
            self._session.execute(
                delete(key.class_)
                .where(key.in_(batch))
                .execution_options(synchronize_session=False)
            )

    def _pairs(
        self, key: Any, column: Any, uids: Iterable[str], *, lock: bool = False
    ) -> Iterable[tuple[str, str]]:
        for batch in _in_batches(sorted(uids)):
            query = select(key, column).where(key.in_(batch)).order_by(key)
            yield from self._session.execute(query.with_for_update() if lock else query).tuples()


OTHER_CONTENT = (
    "another content is already stored under this SOP Instance UID; the first one was kept, "
    "send the changed instance under a new UID"
)


def _in_batches(uids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (uids[start : start + _AT_ONCE] for start in range(0, len(uids), _AT_ONCE))
