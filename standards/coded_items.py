"""Coded concepts as objects of others hold them: Code Sequence Macro, PS3.3 8.8."""

from pydicom import Dataset
from pydicom.sr.coding import Code

from standards.errors import StandardsError

_VALUES = ("CodeValue", "LongCodeValue", "URNCodeValue")


def code_of(item: Dataset) -> Code:
    """Raises StandardsError for an item that names no concept."""
    value = next((str(item[one].value) for one in _VALUES if item.get(one)), "")
    if not value:
        raise StandardsError("a coded concept without a value; expected Code Value (0008,0100)")
    return Code(
        value, str(item.get("CodingSchemeDesignator", "")), str(item.get("CodeMeaning", ""))
    )


def first_code(dataset: Dataset, keyword: str) -> Code:
    """The first concept of a sequence. Raises StandardsError where there is none."""
    found = dataset.get(keyword)
    if not found:
        raise StandardsError(f"no {keyword}; expected a coded concept in it")
    return code_of(found[0])
