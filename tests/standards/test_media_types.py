"""Accept headers as real clients send them."""

import pytest

from standards.media_types import ANYTHING, first_covered, parse_accept, parse_media_type

DICOM_JSON = ("application/dicom+json", "application/json")


@pytest.mark.parametrize(
    "header",
    [
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        'Multipart/Related;TRANSFER-SYNTAX=*;Type="Application/Octet-Stream"',
        'multipart/related; type="application/octet-stream; transfer-syntax=*"',
    ],
)
def test_quoting_case_and_order_of_parameters_make_no_difference(header):
    (media_type,) = parse_accept(header)

    assert media_type.is_multipart
    assert media_type.root == "application/octet-stream"
    assert media_type.transfer_syntax == "*"


def test_the_most_wanted_type_comes_first():
    accepted = parse_accept("image/gif;q=0.2, */*;q=0.1, image/png, image/jpeg;q=0.9")

    assert [m.name for m in accepted] == ["image/png", "image/jpeg", "image/gif", "*/*"]


def test_an_exact_type_goes_before_a_range_of_the_same_quality():
    accepted = parse_accept("*/*, image/*, image/png")

    assert [m.name for m in accepted] == ["image/png", "image/*", "*/*"]


def test_quality_zero_means_not_acceptable():
    assert parse_accept("application/json;q=0") == ()


@pytest.mark.parametrize("quality", ["2", "-1", "abc", "", "nan", "inf"])
def test_an_unreadable_quality_counts_as_one(quality):
    assert parse_accept(f"image/png;q={quality}")[0].quality == 1


@pytest.mark.parametrize("header", ["", "  ", ",", ", ,"])
def test_an_empty_header_accepts_anything(header):
    assert parse_accept(header) == (ANYTHING,)


def test_separators_inside_quotation_marks_do_not_split():
    (media_type,) = parse_accept('multipart/related; type="image/jls"; boundary="a,b;c\\"d"')

    assert media_type.parameters["boundary"] == 'a,b;c"d'


def test_a_quotation_that_never_ends_is_read_to_the_end():
    assert parse_media_type('multipart/related; type="image/jls').root == "image/jls"


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("*/*", "application/dicom+json"),
        ("application/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/json, application/dicom+json", "application/json"),
        ("application/json;q=0.5, application/dicom+json", "application/dicom+json"),
        ("image/png", None),
        ('multipart/related; type="application/dicom+xml"', None),
    ],
)
def test_the_best_offer_is_found(header, chosen):
    assert first_covered(parse_accept(header), DICOM_JSON) == chosen


def test_a_range_inside_multipart_covers_its_kind():
    (media_type,) = parse_accept('multipart/related; type="image/*"')

    assert media_type.covers("image/jls")
    assert not media_type.covers("application/octet-stream")


def test_multipart_without_a_type_covers_every_part():
    assert parse_media_type("multipart/related").covers("application/dicom")
