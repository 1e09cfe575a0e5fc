"""What a search answers of the rows it found (PS3.18 10.6.3.3)."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from gateway.retrieve.links import instance_url, series_url, study_url, with_links
from gateway.search.attributes import (
    ALWAYS,
    IF_KNOWN,
    INSTANCE_AVAILABILITY,
    OF_MANY,
    OF_PATIENT,
    RETRIEVE_URL,
    SPECIFIC_CHARACTER_SET,
    Level,
    tags_of,
)
from gateway.search.parameters import Search
from gateway.search.tree import Tree, pruned, tree_of, united
from gateway.store.tables import StudyRow, StudyValueRow
from standards.query import creator_of, is_private, private_places

Document = dict[str, Any]  # one DICOM JSON object

_UIDS = tree_of([tags_of("StudyInstanceUID"), tags_of("SeriesInstanceUID")])  # where it belongs
_UTF_8 = {SPECIFIC_CHARACTER_SET: {"vr": "CS", "Value": ["ISO_IR 192"]}}
(_NUMBER_OF_SERIES,) = tags_of("NumberOfStudyRelatedSeries")
(_NUMBER_OF_INSTANCES,) = tags_of("NumberOfStudyRelatedInstances")
_NUMBER_IN_SERIES = tags_of("NumberOfSeriesRelatedInstances")[0]
_STUDIES_AT_ONCE = 500


@dataclass(frozen=True)
class Source:
    """session:  where the rows came from. root:  of links, as public_root gives it."""

    session: Session
    root: str
    search: Search


@dataclass(frozen=True)
class _Context:
    """What all answers of a page have in common."""

    source: Source
    always: frozenset[str]
    wanted: Tree
    of_many: Mapping[str, Mapping[str, list[str]]]  # values by attribute, by study
    of_patient: Mapping[str, Sequence[int]] = field(default_factory=dict)


def answers(source: Source, rows: Sequence[Row[Any]]) -> list[Document]:
    """One DICOM JSON object a row."""
    search = source.search
    told = [each for each in Level if each <= search.level and each not in search.fixed]
    usual = tree_of(path for level in told for path in IF_KNOWN[level])
    wanted = united(united(usual, _UIDS), search.include)
    always = {tag for level in told for tag in ALWAYS[level]}
    asked = {**dict.fromkeys(always), **wanted}
    context = _Context(
        source,
        always=frozenset(always),
        wanted={tag: asked[tag] for tag in sorted(asked)},
        of_many=_of_many(source.session, sorted({row.study_instance_uid for row in rows})),
        of_patient=_of_patient(source.session, rows) if set(OF_PATIENT) & wanted.keys() else {},
    )
    return [_answer(context, row) for row in rows]


def _of_many(session: Session, uids: Sequence[str]) -> Mapping[str, Mapping[str, list[str]]]:
    columns = (StudyValueRow.study_instance_uid, StudyValueRow.attribute, StudyValueRow.value)
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for start in range(0, len(uids), _STUDIES_AT_ONCE):
        some = StudyValueRow.study_instance_uid.in_(uids[start : start + _STUDIES_AT_ONCE])
        those = select(*columns).where(some, StudyValueRow.attribute.in_(sorted(OF_MANY)))
        for study, attribute, value in session.execute(those):
            found[study][attribute].append(value)
    return found


def _of_patient(session: Session, rows: Sequence[Row[Any]]) -> Mapping[str, Sequence[int]]:
    """Numbers of studies, series and instances; no number for studies that tell no patient."""
    patients = sorted({row.patient_id for row in rows if row.patient_id})
    columns = (
        func.count(),
        func.sum(StudyRow.number_of_series),
        func.sum(StudyRow.number_of_instances),
    )
    known = select(StudyRow.patient_id, *columns).where(StudyRow.patient_id.in_(patients))
    found = session.execute(known.group_by(StudyRow.patient_id))
    return {patient: [int(number) for number in numbers] for patient, *numbers in found}


def _answer(context: _Context, row: Row[Any]) -> Document:
    search = context.source.search
    known: Document = {}
    for document in (*_stored(context, row), _computed(context, row)):
        known.update(document)
    if search.include_all:
        every = sorted(context.always | known.keys())
        return {tag: known.get(tag) or {"vr": _vr(tag)} for tag in every}
    answer: Document = {}
    for tag, below in (_placed(context, known) if search.creators else context.wanted).items():
        element = known.get(tag)
        if element is not None:
            answer[tag] = pruned(element, below)
        elif tag in context.always:
            answer[tag] = {"vr": _vr(tag)}
    return answer


def _placed(context: _Context, known: Mapping[str, Any]) -> Tree:
    """What is wanted, private attributes under the tags that this data set has them at."""
    creators = context.source.search.creators
    placed: Tree = {}
    for tag, below in context.wanted.items():
        creator = creators.get(creator_of(tag)) if is_private(tag) else None
        if creator is None:
            placed[tag] = below
            continue
        for place in private_places(known, tag, creator):
            placed[place] = placed[creator_of(place)] = None
    return {tag: placed[tag] for tag in sorted(placed)}


def _stored(context: _Context, row: Row[Any]) -> Iterator[Document]:
    """What is kept of it, the highest level first."""
    level = context.source.search.level
    yield _read(row.study_attributes)
    if level >= Level.SERIES:
        yield _read(row.series_attributes)
    if level == Level.INSTANCE:
        header = json.loads(with_links(row.header, _url(context, row)))
        yield header | _UTF_8 if SPECIFIC_CHARACTER_SET in header else header


def _computed(context: _Context, row: Row[Any]) -> Document:
    study = row.study_instance_uid
    values: list[tuple[str, Any]] = [
        ("0020000D", study),
        (INSTANCE_AVAILABILITY, "ONLINE"),
        (RETRIEVE_URL, _url(context, row)),
        (_NUMBER_OF_SERIES, row.number_of_series),
        (_NUMBER_OF_INSTANCES, row.number_of_instances),
        *zip(OF_PATIENT, context.of_patient.get(row.patient_id, ()), strict=False),
    ]
    if context.source.search.level >= Level.SERIES:
        values.append(("0020000E", row.series_instance_uid))
        values.append((_NUMBER_IN_SERIES, row.instances_of_series))
    computed = {tag: {"vr": _vr(tag), "Value": [value]} for tag, value in values}
    for tag, found in context.of_many.get(study, {}).items():
        computed[tag] = {"vr": _vr(tag), "Value": sorted(found)}
    return computed


def _url(context: _Context, row: Row[Any]) -> str:
    root, level = context.source.root, context.source.search.level
    study = row.study_instance_uid
    if level == Level.STUDY:
        return study_url(root, study)
    if level == Level.SERIES:
        return series_url(root, study, row.series_instance_uid)
    return instance_url(root, study, row.series_instance_uid, row.sop_instance_uid)


@lru_cache(maxsize=256)
def _read(attributes: str) -> Document:
    """The attributes of a study or series, read once for its many instances; not to be changed.

    Their character set is that of the answer, whatever the instance was written in.
    """
    document = json.loads(attributes)
    return document | _UTF_8 if SPECIFIC_CHARACTER_SET in document else document


@cache
def _vr(tag: str) -> str:
    return dictionary_VR(int(tag, 16))
