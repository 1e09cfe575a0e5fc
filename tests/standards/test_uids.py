"""UIDs that follow from what they name."""

from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from standards.uids import derived_uid, is_uid

PARTS = st.lists(st.text(max_size=20), max_size=5)


@given(PARTS)
def test_the_same_parts_give_the_same_valid_uid(parts):
    uid = derived_uid(*parts)
    assert uid == derived_uid(*parts)
    assert uid.startswith("2.25.")
    assert UID(uid).is_valid
    assert is_uid(uid)


@given(PARTS, PARTS)
def test_other_parts_give_another_uid(one, other):
    assert (derived_uid(*one) == derived_uid(*other)) == (one == other)


def test_parts_are_not_run_together():
    assert derived_uid("ab", "c") != derived_uid("a", "bc")
    assert derived_uid("a") != derived_uid("a", "")


def test_a_uid_of_this_release_is_that_of_the_last_one():
    """Results overwrite themselves only as long as this never changes."""
    assert derived_uid("result", "x") == "2.25.338127276920959284212208319296117599395"


def test_what_can_be_a_uid_and_what_cannot():
    assert is_uid("1.2.840.10008.1.1")
    assert is_uid("1.02.3")  # leading zeros, as real devices write them
    for wrong in ("", ".", "1.", ".1", "1..2", "1.2a", "1.2\n", " 1.2", "1" * 65, "1.2/../3"):
        assert not is_uid(wrong)
