"""DICOM JSON attributes as Native DICOM Model XML (PS3.19 A.1), the other form of PS3.18 metadata.

One form serves the whole program: dicts of DICOM JSON (PS3.18 Annex F). XML is written from them
and read back into them, so that nothing else has to know it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydicom.datadict import keyword_for_tag

from standards.dicomweb import Part
from standards.vrs import NAME_GROUPS

MEDIA_TYPE = "application/dicom+xml"
NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
NAME_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")

Json = Mapping[str, Any]

# XML 1.0 section 2.2: these cannot be said, not even by number.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile('[&<>"\r]')
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
_SPACE_IN_ATTRIBUTE = {"\t": "&#9;", "\n": "&#10;"}


def native_xml(attributes: Json) -> bytes:
    """One data set, given as DICOM JSON, as a Native DICOM Model document in UTF-8.

    Characters that XML cannot hold become U+FFFD. Private tags are written gggg00ee beside the
    name of their creator (Table A.1.5-2); the creators stay as elements of their own.
    """
    written = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
    ]
    _write_data_set(attributes, written)
    written.append("</NativeDicomModel>")
    return "".join(written).encode("utf-8")


def native_parts(instances: Iterable[Json]) -> Iterator[Part]:
    """The parts of `multipart/related; type="application/dicom+xml"`, one for each data set."""
    for attributes in instances:
        yield Part(MEDIA_TYPE, [native_xml(attributes)])


def _write_data_set(attributes: Json, written: list[str]) -> None:
    for tag, element in sorted(attributes.items()):
        written.append(f'<DicomAttribute {_named(tag, attributes)} vr="{_escaped(element["vr"])}">')
        _write_content(element, written)
        written.append("</DicomAttribute>")


def _write_content(element: Json, written: list[str]) -> None:
    if (uri := element.get("BulkDataURI")) is not None:
        written.append(f'<BulkData uri="{_in_attribute(uri)}"/>')
    elif (inline := element.get("InlineBinary")) is not None:
        written.append(f"<InlineBinary>{_escaped(inline)}</InlineBinary>")
    for number, value in enumerate(element.get("Value") or (), start=1):
        if element["vr"] == "SQ":
            written.append(f'<Item number="{number}">')
            _write_data_set(value or {}, written)
            written.append("</Item>")
        elif element["vr"] == "PN":
            written.append(f'<PersonName number="{number}">{_name(value)}</PersonName>')
        else:
            text = "" if value is None else _escaped(str(value))
            written.append(f'<Value number="{number}">{text}</Value>')


def _name(value: Json | str | None) -> str:
    """The groups of one name. One given as plain text is taken apart at its `=`."""
    if isinstance(value, str):
        value = dict(zip(NAME_GROUPS, value.split("="), strict=False))
    groups = [(group, (value or {}).get(group)) for group in NAME_GROUPS]
    return "".join(
        f"<{group}>{_components(text)}</{group}>" for group, text in groups if text is not None
    )


def _components(group: str) -> str:
    """The components of one group; what exceeds five stays in the last, carets and all."""
    texts = group.split("^", len(NAME_COMPONENTS) - 1)
    last = len(texts) - 1
    return "".join(
        f"<{name}>{_escaped(text)}</{name}>"
        for number, (name, text) in enumerate(zip(NAME_COMPONENTS, texts, strict=False))
        if text or number == last  # a trailing caret is kept
    )


def _named(tag: str, attributes: Json) -> str:
    keyword = _keyword(tag)
    if keyword:
        return f'tag="{tag}" keyword="{keyword}"'
    creator = _creator(tag, attributes)
    if creator is None:
        return f'tag="{tag}"'
    block = _block_of(creator, tag[:4], attributes)
    shown = f"{tag[:4]}00{tag[6:]}" if tag[4:6] == block else tag
    return f'tag="{shown}" privateCreator="{_in_attribute(creator)}"'


@lru_cache(4096)
def _keyword(tag: str) -> str:
    return "" if int(tag[:4], 16) % 2 else keyword_for_tag(int(tag, 16))


def _creator(tag: str, attributes: Json) -> str | None:
    """The name of the private creator that reserved this tag's block, if there is one."""
    if int(tag[:4], 16) % 2 == 0 or tag[4:6] == "00":
        return None
    values = attributes.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or [None]
    return values[0] if isinstance(values[0], str) else None


def _block_of(creator: str, group: str, attributes: Json) -> str:
    """The first block of the group that a creator reserved: two may bear one name."""
    for block in range(0x10, 0x100):
        if (attributes.get(f"{group}00{block:02X}", {}).get("Value") or [None])[0] == creator:
            return f"{block:02X}"
    return ""


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], _NOT_XML.sub("\ufffd", text))


def _in_attribute(text: str) -> str:
    return re.sub("[\t\n]", lambda found: _SPACE_IN_ATTRIBUTE[found[0]], _escaped(text))
