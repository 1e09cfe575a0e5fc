"""Codes mean what the standard says that they mean."""

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.coding import Code

from standards import codes

ALL = {name: code for name, code in vars(codes).items() if isinstance(code, Code)}
# In their schemes, but not among the concepts that PS3.16 lists; or our own.
BEYOND_PS3_16 = {"LEFT_LUNG", "RIGHT_LUNG", "BOTH_LUNGS", "MILLILITRE", "QUALITATIVE_EVALUATIONS"}


def meanings(code: Code) -> set[str]:
    """What PS3.16 calls a code, in lower case."""
    return {
        entry[code.value][0].lower()
        for entry in concepts.get(code.scheme_designator, {}).values()
        if code.value in entry
    }


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_code_carries_the_meaning_of_the_standard(name):
    code = ALL[name]
    if code.scheme_designator == "99AIRGATE" or name in BEYOND_PS3_16:
        assert not meanings(code)
    else:
        known = meanings(code)
        assert known
        ucum = code.scheme_designator == "UCUM"
        assert ucum or any(code.meaning.lower() in text for text in known)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_code_fits_its_attributes(name):
    code = ALL[name]
    assert 1 <= len(code.value) <= 16  # Code Value, SH
    assert 1 <= len(code.meaning) <= 64  # Code Meaning, LO
