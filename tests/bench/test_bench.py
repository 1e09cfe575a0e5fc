"""The bench itself works: on tiny data, its pieces run, agree with both sides and are reported."""

import json
import sys

import pytest

from tests.bench import __main__ as bench
from tests.bench.report import Line, markdown

pytestmark = pytest.mark.serve


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Run the bench with these arguments; its report as JSON."""

    def run(*arguments: str) -> dict:
        monkeypatch.setattr(bench, "REPORT", tmp_path / "report")
        monkeypatch.setattr(sys, "argv", ["bench", "--quick", "--repeat", "1", *arguments])
        bench.main()
        return json.loads((tmp_path / "report" / "bench.json").read_text())

    return run


def test_the_web_services_are_measured_on_both_sides(report):
    found = report("stow", "series", "frames", "multiframe", "huge")

    assert {line["against"] for line in found["lines"]} == {"plug-in", "POST /instances"}
    assert all(value > 0 for line in found["lines"] for value in (*line["ours"], *line["rival"]))
    assert found["rival"].startswith("Orthanc ")


def test_the_way_to_the_claim_is_measured_by_both_kinds_of_evidence(report):
    association, quiet = report("completion")["lines"]

    assert association["ours"][0] > 0
    assert quiet["ours"][0] > 1


def test_searches_are_measured_as_the_index_grows(report):
    found = report("search")

    assert {line["against"] for line in found["lines"]} == {"of 10"}
    assert all(line["p95_of_100"] == line["ours"][0] > 0 for line in found["lines"])


def test_loading_pixels_is_measured_in_time_and_memory(report):
    lines = report("pixels")["lines"]

    assert [line["unit"] for line in lines] == ["s", "s", "x"] * 3
    assert all(line["ours"][0] > 0 and line["rival"][0] > 0 for line in lines)


def test_warm_models_are_measured_and_all_finish_in_the_memory_of_two(report):
    overhead, together = report("models")["lines"]

    assert overhead["ours"][0] > 0
    assert together["finished"] == together["ordered"]


def test_the_script_for_a_gpu_runs_on_the_cpu_with_tiny_sizes(report):
    lines = report("cuda")["lines"]

    assert [line["against"] for line in lines] == ["bare", "MONAI", None]
    assert all(value > 0 for line in lines[:2] for value in (*line["ours"], *line["rival"]))


def test_an_unknown_piece_is_told_beside_those_that_exist(report, capsys):
    with pytest.raises(SystemExit):
        report("speed")

    assert "no piece speed; there are stow, series" in capsys.readouterr().err


def test_a_line_tells_medians_and_how_many_times_better_ours_is():
    line = Line("work", [3.0, 1.0, 2.0], [9.0, 4.0, 5.0], "2 x")

    assert line.cells() == ("work", "2.000 s", "5.000 s plug-in", "2.50 x", "2 x")
    assert (
        markdown([line]).splitlines()[-1] == "| work | 2.000 s | 5.000 s plug-in | 2.50 x | 2 x |"
    )


@pytest.mark.browser
def test_the_viewer_opens_the_same_study_from_both_sides(report):
    to_first, to_all = report("viewer")["lines"]

    assert to_first["against"] == "plug-in"
    assert 0 < to_first["ours"][0] <= to_all["ours"][0]
    assert 0 < to_first["rival"][0] <= to_all["rival"][0]
