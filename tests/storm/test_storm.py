"""The short form of the kill storm: `python -m tests.storm` is the long one."""

import pytest

from tests.orthanc_server import needs_orthanc
from tests.storm.storm import Storm

pytestmark = pytest.mark.serve


def test_what_was_acknowledged_has_exactly_one_set_of_results_whatever_is_killed(tmp_path):
    needs_orthanc()
    report = Storm(tmp_path, studies=6, kills=6).run()

    assert report.studies == 6
    assert report.is_good, report
