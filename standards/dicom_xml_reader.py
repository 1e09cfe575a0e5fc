"""Reading a Native DICOM Model (PS3.19 A.1) into DICOM JSON attributes (PS3.18 Annex F).

The bytes come from outside: a document type, and with it every entity, is refused, nesting is
bounded, and what follows no rule of the model is an error that names the place, never a value.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from standards.dicom_xml import NAME_COMPONENTS, NAMESPACE
from standards.elements import DEEPEST_NESTING
from standards.errors import MalformedMetadata
from standards.vrs import INTEGERS, KNOWN, NAME_GROUPS

Json = dict[str, Any]

MOST_SKIPPED = 10_000  # values that a document may leave out by their numbers

_CHILDREN: Mapping[str, frozenset[str]] = {
    "": frozenset(("NativeDicomModel",)),
    "NativeDicomModel": frozenset(("DicomAttribute",)),
    "Item": frozenset(("DicomAttribute",)),
    "DicomAttribute": frozenset(("Value", "BulkData", "InlineBinary", "Item", "PersonName")),
    "PersonName": frozenset(NAME_GROUPS),
    **dict.fromkeys(NAME_GROUPS, frozenset(NAME_COMPONENTS)),
}
_LEAVES = frozenset(("Value", "InlineBinary", *NAME_COMPONENTS))
_BLOCKS = tuple(f"{number:02X}" for number in range(0x10, 0x100))  # PS3.5 7.8.1
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity"}


def attributes_of_xml(content: bytes) -> Json:
    """The data set that a Native DICOM Model document holds, as DICOM JSON attributes.

    DS and IS become numbers where that loses no digit, else strings (F.2.3). NaN and infinity
    become the strings NaN, Infinity, -Infinity. A private tag gggg00ee gets the block of its
    creator, or the first free one. A BulkData named by UUID becomes the URI urn:uuid:...
    Raises MalformedMetadata.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise MalformedMetadata(f"XML that is not well-formed ({error})") from error
    except (LookupError, ValueError) as error:
        if isinstance(error, MalformedMetadata):
            raise
        raise MalformedMetadata("XML in an encoding that is not known") from error
    return reader.result


def _refuse_document_type(*_: object) -> None:
    raise MalformedMetadata("XML with a document type declaration")


@dataclass(slots=True)
class _Attribute:
    """One DicomAttribute that is being read."""

    tag: str
    vr: str
    creator: str | None
    content: Json = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)

    @property
    def element(self) -> Json:
        element: Json = {"vr": self.vr, **self.content}
        if (self.vr == "SQ" and self.values) or any(value is not None for value in self.values):
            element["Value"] = self.values
        if len(element) > 2:
            raise MalformedMetadata(f"{self.tag} with more than one kind of content")
        return element


@dataclass(slots=True)
class _DataSet:
    """The document, or one item. Private attributes wait until all their creators are known."""

    attributes: Json = field(default_factory=dict)
    private: list[_Attribute] = field(default_factory=list)

    def add(self, attribute: _Attribute) -> None:
        if attribute.creator is not None and attribute.tag[4:6] == "00":
            self.private.append(attribute)
        else:
            self._put(attribute.tag, attribute.element)

    def whole(self) -> Json:
        for attribute in self.private:
            block = self._block(attribute.tag[:4], attribute.creator or "")
            self._put(f"{attribute.tag[:4]}{block}{attribute.tag[6:]}", attribute.element)
        return dict(sorted(self.attributes.items()))

    def _put(self, tag: str, element: Json) -> None:
        if tag in self.attributes:
            raise MalformedMetadata(f"{tag} twice in one data set")
        self.attributes[tag] = element

    def _block(self, group: str, creator: str) -> str:
        """The block that the creator reserved in the group, or the first free one."""
        taken = {tag[4:6] for tag in self.attributes if tag[:4] == group}
        free = ""
        for block in _BLOCKS:
            reserved = self.attributes.get(f"{group}00{block}", {}).get("Value")
            if reserved == [creator]:
                return block
            if not free and reserved is None and block not in taken:
                free = block
        if not free:
            raise MalformedMetadata(f"more private creators in group {group} than it has blocks")
        self.attributes[f"{group}00{free}"] = {"vr": "LO", "Value": [creator]}
        return free


class _Reader:
    """What the parser calls. Each kind of element has a method for its begin, end or both."""

    def __init__(self) -> None:
        self.result: Json = {}
        self._path = [""]
        self._data_sets: list[_DataSet] = []
        self._attributes: list[_Attribute] = []
        self._name: dict[str, str] = {}
        self._components: dict[str, str] = {}
        self._text: list[str] = []
        self._skipped = 0

    def start(self, qualified: str, given: dict[str, str]) -> None:
        namespace, _, name = qualified.rpartition(" ")
        parent = self._path[-1]
        if namespace not in ("", NAMESPACE) or name not in _CHILDREN.get(parent, ()):
            raise MalformedMetadata(f"an element {name[:64]!r} within {parent or 'the document'}")
        self._path.append(name)
        self._text.clear()
        if name in ("NativeDicomModel", "Item"):
            self._begin_data_set(given)
        elif name == "DicomAttribute":
            self._begin_attribute(given)
        elif name in ("Value", "PersonName"):
            self._skip_to(given)
            self._name = {}
        elif name in NAME_GROUPS:
            self._components = {}
        elif name == "BulkData":
            self._attributes[-1].content["BulkDataURI"] = _uri(given, self._attributes[-1].tag)

    def text(self, text: str) -> None:
        if self._path[-1] in _LEAVES:
            self._text.append(text)
        elif text.strip():
            raise MalformedMetadata(f"text within {self._path[-1]}")

    def end(self, _: str) -> None:
        name = self._path.pop()
        text = "".join(self._text)
        if name in NAME_COMPONENTS:
            self._components[name] = text
        elif name in NAME_GROUPS:
            self._name[name] = _joined(self._components)
        elif name == "PersonName":
            self._end_name()
        elif name == "Value":
            self._end_value(text)
        elif name == "InlineBinary":
            self._attributes[-1].content["InlineBinary"] = "".join(text.split())
        elif name == "DicomAttribute":
            attribute = self._attributes.pop()
            self._data_sets[-1].add(attribute)
        elif name == "Item":
            self._attributes[-1].values.append(self._data_sets.pop().whole())
        elif name == "NativeDicomModel":
            self.result = self._data_sets.pop().whole()

    def _begin_data_set(self, given: Mapping[str, str]) -> None:
        if self._attributes:
            sequence = self._attributes[-1]
            if sequence.vr != "SQ":
                raise MalformedMetadata(f"{sequence.tag} with items, but VR {sequence.vr}")
            if (number := given.get("number")) and number != str(len(sequence.values) + 1):
                raise MalformedMetadata(f"{sequence.tag} with items out of order")
        if len(self._data_sets) > DEEPEST_NESTING:
            raise MalformedMetadata(f"sequences nested more than {DEEPEST_NESTING} deep")
        self._data_sets.append(_DataSet())

    def _begin_attribute(self, given: Mapping[str, str]) -> None:
        tag, vr = given.get("tag", ""), given.get("vr", "")
        if not _TAG.fullmatch(tag):
            raise MalformedMetadata(f"an attribute with the tag {tag[:16]!r}")
        if vr not in KNOWN:
            raise MalformedMetadata(f"{tag} with the VR {vr[:16]!r}")
        self._attributes.append(_Attribute(tag.upper(), vr, given.get("privateCreator")))

    def _skip_to(self, given: Mapping[str, str]) -> None:
        """Values come in order; the numbers of empty ones may be missing."""
        attribute = self._attributes[-1]
        number = given.get("number", str(len(attribute.values) + 1))
        if not _INTEGER.fullmatch(number) or int(number) <= len(attribute.values):
            raise MalformedMetadata(f"{attribute.tag} with values out of order")
        gap = int(number) - len(attribute.values) - 1
        self._skipped += gap
        if self._skipped > MOST_SKIPPED:
            raise MalformedMetadata(f"more than {MOST_SKIPPED} values left out by their numbers")
        attribute.values += [None] * gap

    def _end_name(self) -> None:
        attribute = self._attributes[-1]
        if attribute.vr != "PN":
            raise MalformedMetadata(f"{attribute.tag} with a PersonName, but VR {attribute.vr}")
        attribute.values.append(self._name or None)

    def _end_value(self, text: str) -> None:
        attribute = self._attributes[-1]
        if attribute.vr in ("SQ", "PN"):
            raise MalformedMetadata(f"{attribute.tag} with a Value, but VR {attribute.vr}")
        try:
            attribute.values.append(_value(attribute.vr, text) if text else None)
        except ValueError as error:
            raise MalformedMetadata(f"{attribute.tag}: no value of VR {attribute.vr}") from error


def _uri(given: Mapping[str, str], tag: str) -> str:
    if given.get("uri"):
        return given["uri"]
    if given.get("uuid"):
        return f"urn:uuid:{given['uuid']}"
    raise MalformedMetadata(f"{tag} with BulkData that has neither uri nor uuid")


def _joined(components: Mapping[str, str]) -> str:
    """The components of one group by their carets, up to the last one written."""
    written = [number for number, name in enumerate(NAME_COMPONENTS) if name in components]
    upto = NAME_COMPONENTS[: max(written, default=-1) + 1]
    return "^".join(components.get(name, "") for name in upto)


def _value(vr: str, text: str) -> Any:
    """One value as DICOM JSON has it (Table F.2.3-1). Raises ValueError."""
    if vr in ("DS", "IS"):
        return _number_or_text(text)
    if vr in INTEGERS:
        return int(_checked(_INTEGER, text.strip()))
    if vr in ("FL", "FD"):
        return _float(text.strip())
    if vr == "AT":
        return _checked(_TAG, re.sub("[(), ]", "", text)).upper()
    return text


def _number_or_text(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        return int(text) if str(int(text)) == text else text
    if _DECIMAL.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def _float(text: str) -> float | str:
    name = _NOT_FINITE.get(text.lstrip("+-").lower())
    if name is not None:
        return f"-{name}" if text.startswith("-") and name != "NaN" else name
    number = float(_checked(_DECIMAL, text))
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"not of the form {pattern.pattern}")  # the text may tell of a patient
    return text
