import pytest

from ai_models.card import InputSeries
from gateway.routing.eligibility import why_not
from gateway.routing.selector import select, select_all
from standards.study import Series, Study
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


SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def wanted(**fields) -> InputSeries:
    return InputSeries.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "series", "told"),
    [
        ({}, ct_series(SOPClassUID=SECONDARY_CAPTURE), "a secondary capture"),
        ({}, ct_series(SOPClassUID=f"{SECONDARY_CAPTURE}.4"), "a secondary capture"),
        ({}, ct_series(ConversionType="WSD"), "a screenshot"),
        ({"derivation_excludes": ["cath"]}, ct_series(DerivationDescription="CATH"), "'cath'"),
        ({"description_includes": ["FLAIR"]}, ct_series(SeriesDescription="T1"), "none of FLAIR"),
        ({"contrast": "with"}, ct_series(), "without contrast, expected with"),
        ({"contrast": "without"}, ct_series(ContrastBolusAgent="Iod"), "with contrast"),
        ({"maximum_slice_thickness_mm": 3}, ct_series(SliceThickness=5), "5 mm thick"),
        ({"maximum_slice_thickness_mm": 3}, ct_series(), "thickness is unknown"),
        ({"regular_spacing": True}, ct_series(slices=1), "spacing is unknown"),
    ],
)
def test_what_never_serves_is_passed_over_with_the_reason(fields, series, told):
    reason = why_not(wanted(**fields), series)

    assert reason is not None
    assert told in reason


def test_a_class_that_the_card_names_serves_though_it_is_a_secondary_capture():
    captures = ct_series(SOPClassUID=SECONDARY_CAPTURE)

    assert why_not(wanted(sop_class_uid=[SECONDARY_CAPTURE]), captures) is None


def with_a_gap(uid: str) -> Series:
    series = ct_series(uid, slices=40)
    return Series(uid, [*series.headers[:20], *series.headers[21:], *ct_series("9", 1).headers])


def test_irregular_slices_and_mixed_orientations_are_told():
    gap = with_a_gap("1.1")
    coronal = ct_series("1.3", slices=1, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    mixed = Series("1.2", [*ct_series("1.2").headers, *coronal.headers])

    assert "differs by 100%" in str(why_not(wanted(regular_spacing=True), gap))
    assert why_not(wanted(orientation="axial"), mixed) == "orientation is axial, coronal"


@pytest.mark.parametrize(
    ("fields", "better", "worse", "because"),
    [
        (
            {"prefer_kernel": ["B30", "B"]},
            ct_series("1.2"),
            ct_series("1.1", ConvolutionKernel="B70f"),
            "kernel B30F (choice 1) before kernel B70F (choice 2)",
        ),
        (
            {"prefer_contrast": "with"},
            ct_series("1.2", ContrastBolusAgent="Iod"),
            ct_series("1.1"),
            "with contrast before without contrast",
        ),
        (
            {},
            ct_series("1.2"),
            ct_series("1.1", ImageType=["DERIVED", "PRIMARY"]),
            "original images before derived images",
        ),
        ({}, ct_series("1.2"), with_a_gap("1.1"), "regular slices before irregular slices"),
        ({}, ct_series("1.2", slices=41), ct_series("1.1"), "41 slices before 40 slices"),
        (
            {},
            ct_series("1.2", SeriesNumber=2),
            ct_series("1.1"),
            "its series number is lower, all else is equal",
        ),
    ],
)
def test_the_first_criterion_that_differs_decides_and_is_told(fields, better, worse, because):
    for order in ([better, worse], [worse, better]):
        selection = select(wanted(**fields), order)
        assert selection.chosen is better
        assert selection.passed_over["1.1"].endswith(f"was preferred: {because}")


T1 = wanted(name="t1", description_includes=["T1"])
BRAIN = wanted(name="brain")
FLAIR = wanted(name="flair", description_includes=["FLAIR"], optional=True)
PRIOR = wanted(name="prior", prior=True, maximum_age_days=365)


def chosen(selections) -> dict[str, str]:
    return {name: one.chosen.series_instance_uid for name, one in selections.chosen.items()}


def test_no_input_takes_the_only_series_of_another():
    t1 = ct_series("1.1", slices=80, SeriesDescription="T1 mprage")
    flair = ct_series("1.2", slices=20, SeriesDescription="FLAIR")

    selections = select_all([BRAIN, T1, FLAIR], [t1, flair])

    assert chosen(selections) == {"brain": "1.2", "t1": "1.1"}
    assert selections.passed_over == {}
    assert "another input" in selections.inputs["brain"].passed_over["1.1"]


def test_a_missing_input_leaves_nothing_chosen_and_an_optional_one_is_left_out():
    t1 = ct_series("1.1", SeriesDescription="T1")

    assert chosen(select_all([T1, FLAIR], [t1])) == {"t1": "1.1"}
    selections = select_all([T1, BRAIN], [t1])
    assert selections.missing == ("brain",)
    assert selections.chosen == {}


def test_the_newest_prior_that_fits_is_taken_and_an_old_one_is_not():
    def prior(uid: str, date: str, **attributes) -> Study:
        return Study(uid, [ct_series(f"{uid}.1", StudyDate=date, **attributes)])

    newest = prior("3", "20260201", SOPClassUID=SECONDARY_CAPTURE)
    priors = [newest, prior("4", "20260101"), prior("5", "20251201")]
    now = [ct_series("1.1")]

    selections = select_all([BRAIN, PRIOR], now, "20260301", lambda: priors)

    assert chosen(selections) == {"brain": "1.1", "prior": "4.1"}
    assert selections.inputs["prior"].study_instance_uid == "4"
    assert "59 days earlier" in selections.inputs["prior"].because
    old = select_all([BRAIN, PRIOR], now, "20260301", lambda: [prior("6", "20200101")])
    assert old.missing == ("prior",)
    assert "days old" in old.inputs["prior"].passed_over["6.1"]
