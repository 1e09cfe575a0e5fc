"""Where slices lie, from headers that are as devices write them."""

import pytest

from standards.geometry import orientation, slice_spacing_mm, spacing_deviation
from standards.study import Headers
from tests.headers import ct_series, header


@pytest.mark.parametrize(
    ("cosines", "plane"),
    [
        ([1, 0, 0, 0, 1, 0], "axial"),
        ([1, 0, 0, 0, 0, -1], "coronal"),
        ([0, 1, 0, 0, 0, -1], "sagittal"),
        ([0.97, 0.2, 0.1, -0.2, 0.97, 0.05], "axial"),
        ([0, 0, 0, 0, 0, 0], None),
        ([1, 0, 0], None),
        (None, None),
    ],
)
def test_the_plane_is_the_nearest(cosines, plane):
    given = {} if cosines is None else {"ImageOrientationPatient": cosines}
    assert orientation(header(**given)) == plane


def test_what_is_no_number_is_no_geometry():
    broken = {"00200037": {"vr": "DS", "Value": ["1", None, "x", 0, 1, 0]}}

    assert orientation(broken) is None
    assert slice_spacing_mm([broken, broken]) is None


def test_spacing_is_measured_along_the_normal_and_an_odd_gap_is_told():
    even = ct_series(slices=5, spacing=2.5).headers

    assert slice_spacing_mm(even) == 2.5
    assert spacing_deviation(even) == 0
    assert spacing_deviation([*even[:2], *even[3:]]) == 1
    assert spacing_deviation(even[:1]) is None


def test_headers_are_read_when_they_are_looked_at():
    headers = Headers([b'{"00080060": {"vr": "CS", "Value": ["CT"]}}', b"not read"])

    assert len(headers) == 2
    assert headers[0] is headers[0]
    assert headers[:1] == [headers[0]]
    with pytest.raises(ValueError, match="Expecting value"):
        list(headers)
