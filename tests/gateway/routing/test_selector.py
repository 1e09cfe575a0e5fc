import pytest

from ai_models.card import InputSeries
from gateway.routing.selector import select, why_not
from tests.headers import ct_series

WANTED = InputSeries.model_validate(
    {
        "modality": ["CT"],
        "sop_class_uid": ["1.2.840.10008.5.1.4.1.1.2"],
        "body_part_examined": ["CHEST"],
        "orientation": "axial",
        "minimum_slices": 20,
        "maximum_slice_spacing_mm": 5.5,
        "description_excludes": ["MPR"],
        "prefer_kernel": ["B30", "B"],
    }
)


def test_a_fitting_series_is_chosen_with_its_facts():
    selection = select(WANTED, [ct_series("1.1")])

    assert selection.chosen is not None
    assert selection.because == "series 3 (40 slices, 5.00 mm apart, kernel B30f)"
    assert selection.rivals == 0


@pytest.mark.parametrize(
    ("series", "told"),
    [
        (ct_series(Modality="MR"), "Modality is MR, expected CT"),
        (ct_series(Modality=None), "Modality is absent"),
        (ct_series(SOPClassUID="1.2.840.10008.5.1.4.1.1.7"), "SOPClassUID is 1.2"),
        (ct_series(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "ImageType has LOCALIZER"),
        (ct_series(ImageType=["DERIVED", "SECONDARY"]), "ImageType has SECONDARY"),
        (ct_series(SeriesDescription="Chest mpr cor"), "contains 'MPR'"),
        (ct_series(BodyPartExamined="HEAD"), "BodyPartExamined is HEAD"),
        (ct_series(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), "orientation is coronal"),
        (ct_series(ImageOrientationPatient=None), "orientation is unknown"),
        (ct_series(slices=6), "6 image"),
        (ct_series(spacing=10), "slice spacing is 10.00 mm, at most 5.5 mm"),
    ],
)
def test_an_unfit_series_is_passed_over_with_the_reason(series, told):
    selection = select(WANTED, [series])

    assert selection.chosen is None
    assert told in selection.passed_over[series.series_instance_uid]


def test_an_unstated_body_part_is_left_to_the_model():
    assert why_not(WANTED, ct_series(BodyPartExamined=None)) is None


def test_the_preferred_kernel_wins_whatever_the_order_and_rivals_are_told():
    sharp, soft = ct_series("1.1", ConvolutionKernel="B70f"), ct_series("1.2")

    for order in ([sharp, soft], [soft, sharp]):
        selection = select(WANTED, order)
        assert selection.chosen is soft
        assert selection.rivals == 1
        assert "was preferred" in selection.passed_over["1.1"]


def test_more_slices_win_among_equal_kernels():
    thick, thin = ct_series("1.1"), ct_series("1.2", slices=80, spacing=2.5)

    assert select(WANTED, [thick, thin]).chosen is thin
