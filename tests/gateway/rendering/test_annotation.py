"""Who and how in the corners of a picture: PS3.18 8.3.5.1.1."""

import numpy as np
import pytest

from gateway.rendering.annotation import patient_lines, technique_lines
from tests.gateway.rendering.example_images import eight_bits, image, item, rendered, shown

EIGHT = eight_bits(np.zeros((300, 400)))


def test_nothing_is_written_unless_it_is_asked_for():
    assert shown(EIGHT).max() == 0


def test_the_patient_is_written_above_and_the_technique_below():
    patient = shown(EIGHT, annotation="patient") > 128
    both = shown(EIGHT, annotation="technique,patient") > 128

    assert patient[:150].any()
    assert not patient[150:].any()
    assert both[150:].any()
    np.testing.assert_array_equal(both[:150], patient[:150])


def test_what_identifies_the_patient_is_written():
    assert patient_lines(image(), []) == ["Example, Erika", "ID P", "born 1970-01-02 F"]


@pytest.mark.parametrize(
    ("name", "charset", "expected"),
    [
        ("Äneas^Rüdiger", "ISO_IR 100", "Äneas, Rüdiger"),
        ("Διονυσιος", "ISO_IR 192", "Διονυσιος"),
        ("Люкceмбypг^Иван", "ISO_IR 192", "Люкceмбypг, Иван"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 192", "Yamada, Tarou"),
        ("=山田^太郎=Yamada", "ISO_IR 192", "Yamada"),
        ("Doe^Jane^Q^Dr^MD", "", "Doe, Dr Jane Q, MD"),
    ],
)
def test_names_are_written_in_the_letters_there_are(name, charset, expected):
    notes: list[str] = []

    lines = patient_lines(image(PatientName=name, SpecificCharacterSet=charset), notes)

    assert lines[0] == expected
    assert notes == []


@pytest.mark.parametrize("name", ["قباني^لنزار", "王^小东", "김희중", "שרון"])
def test_a_name_that_cannot_be_drawn_is_said_to_be_missing(name):
    """Boxes in place of letters would make all such patients look the same."""
    ds = image(PatientName=name, SpecificCharacterSet="ISO_IR 192")
    notes: list[str] = []

    assert patient_lines(ds, notes) == [
        "(name: see the record)",
        "ID P",
        "born 1970-01-02 F",
    ]
    assert notes == ["the patient's name is in a script that cannot be drawn here"]


def test_the_technique_is_that_of_the_modality():
    ds = image(KVP=120, Exposure=85, SliceThickness="1.250", ImageLaterality="L")

    assert technique_lines(ds, 1) == ["CT", "kVp 120", "85 mAs", "Slice 1.25 mm", "Side L"]


def test_the_technique_of_enhanced_images_is_that_of_the_frame():
    shared = item(
        MRTimingAndRelatedParametersSequence=[item(RepetitionTime=500.5, FlipAngle=90)],
        PixelMeasuresSequence=[item(SliceThickness=3)],
    )
    echoes = [item(MREchoSequence=[item(EffectiveEchoTime=echo)]) for echo in (10, 20)]
    ds = image(
        Modality="MR",
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=echoes,
    )

    assert technique_lines(ds, 2) == ["MR", "TR 500.5 ms", "TE 20 ms", "FA 90°", "Slice 3 mm"]


def test_a_picture_too_small_for_words_says_so():
    made = rendered(EIGHT, annotation="patient", viewport="30,30")

    assert made.notes == ("the picture is too small for its annotation",)


def test_the_annotation_is_in_the_picture_s_own_size():
    """It is drawn after scaling, so that it can be read (PS3.18 8.3.5.1.1)."""
    large = shown(image(), annotation="patient", viewport="900,900") > 250

    assert large.any()
