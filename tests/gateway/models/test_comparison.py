"""Two versions on the same studies: what is found agrees with what they are known to differ by."""

import csv
import io
import math
import re
import statistics

import pytest
import zstandard

from ai_models.card import Stage
from gateway.comparison.overlaps import Overlaps
from gateway.store.tables import OverlapRow, ShadowObjectRow, WorkitemRow
from tests.gateway.models.comparison_example import (
    LIVE,
    SHADOW,
    SIDE,
    Answer,
    answers,
    ended,
    study_uid,
)
from tests.gateway.models.example import NAME, add

COMPARE = f"/api/v1/models/{NAME}/compare"
VERSIONS = {"a": LIVE, "b": SHADOW}
# Of each study: how far the cube of the second is shifted, its volume, and what both judge.
SHIFTS = (0, 4, 8, 16)
VOLUMES = ((100, 102), (200, 206), (300, 304), (400, 404))
EFFUSIONS = ((True, True), (True, False), (False, False), (False, False))
REFUSED = len(SHIFTS)  # number of the study that the second refuses


@pytest.fixture
def compared(house):
    """Four studies that both answered, and a fifth that the second refused."""
    add(house, LIVE, Stage.LIVE)
    add(house, SHADOW, Stage.SHADOW)
    told = zip(SHIFTS, VOLUMES, EFFUSIONS, strict=True)
    for number, (shift, (first, second), (yes, no)) in enumerate(told):
        answers(house, number, LIVE, Answer(0, first, yes))
        answers(house, number, SHADOW, Answer(shift, second, no))
    answers(house, REFUSED, LIVE, Answer(0, 500, False))
    ended(house, REFUSED, SHADOW, "REFUSED_INPUT")
    return house


def measure(house) -> None:
    Overlaps(house.database, house.archive, house.settings.data).sweep()


def test_the_report_finds_what_the_versions_are_known_to_differ_by(compared, client):
    early = client.get(COMPARE, params=VERSIONS).json()
    measure(compared)
    found = client.get(COMPARE, params=VERSIONS).json()

    assert (early["waiting"], early["structures"]) == (4, [])
    assert (found["waiting"], found["both_answered"], found["one_answered"]) == (0, 4, 1)
    dices = [(SIDE - shift) / SIDE for shift in SHIFTS]
    assert found["structures"] == [
        {
            "name": "Right lung",
            "pairs": 4,
            "mean_dice": pytest.approx(statistics.fmean(dices)),
            "median_dice": pytest.approx(statistics.median(dices)),
            "lowest_dice": 0,
        }
    ]
    (volume,) = found["measurements"]
    assert (volume["name"], volume["unit"], volume["pairs"]) == ("Right lung: Volume", "ml", 4)
    assert volume["bias"] == pytest.approx(4)  # of 2, 6, 4, 4
    reach = 1.96 * math.sqrt(8 / 3)
    assert volume["limits_of_agreement"] == pytest.approx([4 - reach, 4 + reach])
    (effusion,) = found["classifications"]
    assert effusion["agreement"] == 0.75
    assert effusion["kappa"] == pytest.approx(0.5)  # (3/4 - 1/2) / (1 - 1/2)


def test_each_pair_tells_its_runs_and_its_overlap(compared, client):
    client.get(COMPARE, params=VERSIONS)
    measure(compared)

    pairs = client.get(COMPARE, params=VERSIONS).json()["pairs"]

    by_study = {one["study_instance_uid"]: one for one in pairs}
    assert len(by_study) == 5
    assert by_study[study_uid(1)]["dice"] == {"Right lung": pytest.approx(0.75)}
    refused = by_study[study_uid(REFUSED)]
    assert (refused["a"]["outcome"], refused["b"]["outcome"]) == ("DONE", "REFUSED_INPUT")
    assert (refused["a"]["stage"], refused["b"]["stage"]) == ("live", "shadow")


def test_the_table_has_a_line_for_every_value(compared, client):
    client.get(COMPARE, params=VERSIONS)
    measure(compared)

    reply = client.get(f"{COMPARE}.csv", params=VERSIONS)

    assert reply.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(reply.text, newline="")))
    kinds = [line["kind"] for line in lines]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "outcome": 5,
        "measurement": 4,
        "classification": 4,
        "voxels": 4,
    }
    second = [line for line in lines if line["study_instance_uid"] == study_uid(1)]
    assert [(float(one["a"]), float(one["b"])) for one in second if one["unit"]] == [(200, 206)]


def test_the_page_draws_every_pair_and_the_page_of_a_version_leads_to_it(compared, client):
    page = f"/ui/models/{NAME}/compare?a={LIVE}&amp;b={SHADOW}"
    assert page in client.get(f"/ui/models/{NAME}/{LIVE}").text
    client.get(COMPARE, params=VERSIONS)
    measure(compared)

    reply = client.get(page.replace("&amp;", "&"))

    assert reply.status_code == 200, reply.text
    assert reply.text.count("<circle") == 8  # Dice and volume of four studies
    assert "bias 4 ml" in reply.text
    assert "kappa 0.50" in reply.text
    labels = re.findall(r"<text [^>]*>([^<]+)</text>", reply.text)
    dice = ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert labels == [*dice, "200", "300", "400", "0", "2", "4", "6"]


def test_an_overlap_is_measured_once_and_goes_with_its_work(compared, client):
    for _ in range(2):
        client.get(COMPARE, params=VERSIONS)
        measure(compared)
    with compared.database.write() as session:
        assert session.query(OverlapRow).count() == 4
        session.query(WorkitemRow).filter_by(study_instance_uid=study_uid(0)).delete()
        assert session.query(OverlapRow).count() == 3


def test_results_that_were_deleted_have_no_overlap_and_hold_nobody_up(compared, client):
    client.get(COMPARE, params=VERSIONS)
    for key in [key for keys in compared.archive.listing() for key in keys]:
        compared.archive.delete(key)
    measure(compared)

    found = client.get(COMPARE, params=VERSIONS).json()
    assert (found["waiting"], found["structures"]) == (0, [])
    assert len(found["measurements"]) == 1


def test_results_that_nobody_can_read_have_no_overlap_and_hold_nobody_up(compared, client):
    client.get(COMPARE, params=VERSIONS)
    with compared.database.write() as session:
        for row in session.query(ShadowObjectRow):
            row.content = zstandard.compress(b"no DICOM file")
    measure(compared)

    found = client.get(COMPARE, params=VERSIONS).json()
    assert (found["waiting"], found["structures"]) == (0, [])


def test_what_cannot_be_compared_is_refused(compared, client):
    assert client.get(COMPARE, params={"a": LIVE, "b": "9"}).status_code == 404
    assert client.get(COMPARE, params={"a": LIVE, "b": LIVE}).status_code == 422
    assert client.get(COMPARE, params=VERSIONS | {"days": 0}).status_code == 422
    assert client.get(COMPARE).status_code == 422
