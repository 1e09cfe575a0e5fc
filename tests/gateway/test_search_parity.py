"""What the databases find is what PS3.4 C.2.2.2 matches, attribute by attribute, in DICOM JSON."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.index import index, kept_instance
from gateway.search.attributes import Level, level_of, tags_of
from gateway.search.parameters import parse_search
from gateway.search.run import run
from gateway.store.database import Database
from gateway.store.migrate import migrate
from standards.errors import UnfitValue
from standards.query import conditions, matches, vr_of
from standards.query_values import How, matching

NAMES = ("Smith^John", "Smyth^Jon", "Müller^Änne^^Dr", "Yamada^Tarou=山田^太郎=やまだ^たろう",
         "=山田^花子", "O'Brien^Pat", "a=b=c", "Smith", "smith^ann^b", "")  # fmt: skip
IDS = ("A1", "A2", "a1", "A_1", "A%1", "[A]", "A*1", "1", "", "B\\1")
DATES = ("20240101", "20240315", "2024.03.16", "20241231", "unknown", "")
TIMES = ("08", "0815", "101530.5", "235959", "2400", "")
ZONES = ("+0100", "-0500", "")
MODALITIES = ("CT", "MR", "SR", "ct", "")
TEXTS = ("CT Chest", "ct chest", "MR [50%] Head", "Kopf_links", "")


def documents() -> list[dict]:
    """Eighty studies of one instance, made by chance but always the same."""
    chance = random.Random(7)
    found = []
    for number in range(80):
        uid = f"1.2.{number}"
        values = {
            "00080016": ("UI", "1.2.840.10008.5.1.4.1.1.2"),
            "00080018": ("UI", f"{uid}.1.1"),
            "00080020": ("DA", chance.choice(DATES)),
            "00080030": ("TM", chance.choice(TIMES)),
            "00080050": ("SH", chance.choice(IDS)),
            "00080060": ("CS", chance.choice(MODALITIES)),
            "00080201": ("SH", chance.choice(ZONES)),
            "00081030": ("LO", chance.choice(TEXTS)),
            "00100020": ("LO", chance.choice(IDS)),
            "00100030": ("DA", chance.choice(DATES)),
            "00100040": ("CS", chance.choice(("F", "M", ""))),
            "0020000D": ("UI", uid),
            "0020000E": ("UI", f"{uid}.1"),
            "00200010": ("SH", chance.choice(IDS)),
        }
        header = {tag: {"vr": vr, "Value": [value]} if value else {"vr": vr}
                  for tag, (vr, value) in values.items()}  # fmt: skip
        for tag in ("00100010", "00080090"):
            groups = zip(("Alphabetic", "Ideographic", "Phonetic"),
                         chance.choice(NAMES).split("="), strict=False)  # fmt: skip
            name = {group: text for group, text in groups if text}
            header[tag] = {"vr": "PN", "Value": [name]} if name else {"vr": "PN"}
        found.append(dict(sorted(header.items())))
    return found


DOCUMENTS = documents()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def indexed(request, tmp_path_factory):
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('parity') / 'index.db'}")
    else:
        database = Database(request.getfixturevalue("postgresql").new_database())
    migrate(database)
    with database.write() as session:
        for number, header in enumerate(DOCUMENTS):
            content = {"sha256": str(number), "size": 1, "archive_key": "key"}
            syntax = "1.2.840.10008.1.2.1"
            index(session, [kept_instance(header, transfer_syntax_uid=syntax, **content)])
    yield database
    database.close()


def expected(query: dict[str, str], how: How) -> set[str]:
    """By comparing every document on its own."""
    wanted = []
    for keyword, value in query.items():
        (tag,) = tags_of(keyword)
        one = matching(vr_of(tag), value, how)
        if one is not None:
            wanted.append(((tag,), one))
    met = conditions(wanted, how.zone)
    return {
        document["0020000D"]["Value"][0] for document in DOCUMENTS if matches(met, _study(document))
    }


def _study(document: dict) -> dict:
    """A study as a search sees it: with the modalities of its series."""
    return {**document, "00080061": document["00080060"]}


def _values(*known: str) -> st.SearchStrategy[str]:
    pieces = [piece for value in known for piece in (value, value[:3], value[1:], value[-2:])]
    part = st.sampled_from(sorted({*pieces, "*", "?", "\\", "-", "=", "^"}))
    return st.lists(part, min_size=1, max_size=3).map("".join) | st.sampled_from(known)


DATE = _values(*DATES[:2], "20240101-20240601", "20240316-", "-20240315")
TIME = _values(*TIMES[:4], "0800-1200", "10-", "-0815", "2200-0200")
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "PatientName": _values(*NAMES),
        "ReferringPhysicianName": _values(*NAMES),
        "PatientID": _values(*IDS),
        "AccessionNumber": _values(*IDS),
        "StudyID": _values(*IDS),
        "StudyDescription": _values(*TEXTS),
        "StudyDate": DATE,
        "StudyTime": TIME,
        "PatientBirthDate": DATE,
        "PatientSex": _values("F", "M"),
        "ModalitiesInStudy": _values(*MODALITIES),
        "StudyInstanceUID": st.sampled_from(["1.2.3", "1.2.3,1.2.4", "1.2.3\\1.2.99", "1.2"]),
    },
).filter(lambda query: len(query) <= 3)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    query=QUERIES,
    fuzzy=st.booleans(),
    empty=st.booleans(),
    multiple=st.booleans(),
    zone=st.sampled_from([None, None, 60, -300]),
)
@example({"PatientName": "Smith^*"}, False, False, False, None)
@example({"PatientName": "*=*"}, True, False, False, None)
@example({"StudyDate": "20240101-", "StudyTime": "2200-0200"}, False, False, False, -300)
@example({"StudyDate": '""', "PatientID": ""}, False, True, False, None)
def test_databases_find_what_matches(indexed, query, fuzzy, empty, multiple, zone):
    how = How(fuzzy, empty, multiple, zone)
    try:
        uids = expected(query, how)
    except UnfitValue:
        return
    assert all(level_of(tags_of(keyword)[0]) == Level.STUDY for keyword in query)
    switches = {
        "fuzzymatching": fuzzy,
        "emptyvaluematching": empty,
        "multiplevaluematching": multiple,
    }
    pairs = [*query.items(), *((name, str(on).lower()) for name, on in switches.items())]
    if zone is not None:
        pairs.append(("TimezoneOffsetFromUTC", "+0100" if zone > 0 else "-0500"))

    found = run(parse_search(Level.STUDY, {}, pairs), indexed, "http://localhost", 60)

    assert {each["0020000D"]["Value"][0] for each in found.results} == uids
