"""What holds of media types and Accept headers whatever a client writes."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.media_types import (
    ANYTHING,
    MediaType,
    first_covered,
    parse_accept,
    parse_media_type,
)

TOKENS = (
    *("application/dicom", "multipart/related", "*/*", "image/*", "a/b", "type", "boundary"),
    *(
        "q",
        "=",
        ";",
        ",",
        '"',
        "\\",
        " ",
        "\t",
        "0",
        "1",
        ".5",
        "transfer-syntax",
        "*",
        "é",
        "\xff",
    ),
)
noise = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)
tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789+.-_*", min_size=1, max_size=12)
values = st.text(st.characters(codec="latin-1"), max_size=20)
qualities = st.sampled_from(["1", "0.9", "0.5", "0.123", "0"])


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(max_examples=500, deadline=None)
@given(st.one_of(noise, st.text(max_size=200)))
def test_any_text_is_read_as_something(text):
    for found in (*parse_accept(text), parse_media_type(text)):
        assert isinstance(found, MediaType)
        assert 0 <= found.quality <= 1
        assert isinstance(found.root, str)
    first_covered(parse_accept(text), ("application/dicom+json",))


@given(st.lists(st.tuples(tokens, tokens, qualities), min_size=1, max_size=8))
def test_what_is_wanted_most_comes_first_and_what_is_not_wanted_is_left_out(wanted):
    header = ", ".join(f"{kind}/{subtype};q={quality}" for kind, subtype, quality in wanted)
    found = parse_accept(header)
    assert len(found) == sum(float(quality) > 0 for _, _, quality in wanted)
    assert [m.quality for m in found] == sorted((m.quality for m in found), reverse=True)
    for one, other in pairwise(found):
        if one.quality == other.quality:
            assert one.root.count("*") <= other.root.count("*")


@given(tokens, tokens, st.dictionaries(tokens.filter(lambda name: name != "q"), tokens, max_size=4))
def test_quoted_and_unquoted_values_mean_the_same(kind, subtype, parameters):
    parameters.pop("type", None)  # which is compared without regard to case, and may nest
    plain = "".join(f";{name}={value}" for name, value in parameters.items())
    marked = "".join(f"; {name.upper()}={quoted(value)}" for name, value in parameters.items())
    one = parse_media_type(f"{kind}/{subtype}{plain}")
    assert one == parse_media_type(f"{kind.upper()}/{subtype}{marked}")
    assert one.parameters == parameters


@given(st.lists(st.tuples(tokens, values), min_size=1, max_size=4, unique_by=lambda p: p[0]))
def test_a_quoted_value_may_hold_anything(pairs):
    parameters = {name: value for name, value in pairs if name not in ("q", "type")}
    written = "".join(f";{name}={quoted(value)}" for name, value in parameters.items())
    (found,) = parse_accept(f"a/b{written}")
    assert found.parameters == parameters


@given(st.lists(st.tuples(tokens, values), min_size=1, max_size=6))
def test_separators_within_quotation_marks_separate_nothing(pairs):
    header = ",".join(f"a/{subtype};b={quoted(value)}" for subtype, value in pairs)
    assert len(parse_accept(header)) == len(pairs)


HOSTILE = {
    "types": "a/b;q=0.1,",
    "commas": ",",
    "semicolons": ";",
    "quotation marks": '"',
    "backslashes": "\\",
    "escaped quotation marks": '\\"',
    "quotation after quotation": '"a"',
    "parameters": ";a=b",
    "nested types": 'type="type=',
    "equals": "=",
    "blanks": " ",
}


@pytest.mark.parametrize("before", ["", 'a/b;c="', "multipart/related; type="])
@pytest.mark.parametrize("kind", HOSTILE)
def test_64_kib_of_anything_take_no_long_time(kind, before):
    header = before + HOSTILE[kind] * (65_536 // len(HOSTILE[kind]))
    started = time.thread_time()
    parse_accept(header)
    parse_media_type(header)
    assert time.thread_time() - started < 0.5


def test_what_comes_after_two_hundred_types_is_not_looked_at():
    assert len(parse_accept("a/b," * 1000)) == 200
    assert parse_accept("," * 1000) == (ANYTHING,)
