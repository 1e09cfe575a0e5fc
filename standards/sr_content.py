"""The content tree of an SR or Key Object document as words for people: PS3.3 C.17.3, C.18.

`document` reads it once; standards/sr_text.py and standards/sr_html.py only lay it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from standards import sr_header
from standards.errors import LimitExceeded
from standards.sr_values import VALUES, Reference, unknown_value
from standards.sr_words import items_of, meaning_of, shown_moment, text_of, values_of

MOST_ITEMS = 50_000

# Relationship Type (0040,A010) as words, PS3.3 C.17.3.2.4. "CONTAINS" needs none.
_RELATIONSHIPS = {
    "HAS OBS CONTEXT": "observation context",
    "HAS ACQ CONTEXT": "acquisition context",
    "HAS CONCEPT MOD": "modifier",
    "HAS PROPERTIES": "property",
    "INFERRED FROM": "inferred from",
    "SELECTED FROM": "selected from",
}
_TELLING = ("inferred from", "selected from")


@dataclass(frozen=True)
class Item:
    """One content item. position: as 1.2.3, the way by-reference relationships name it.

    value: may have several lines.   code: value and scheme designator of a coded value.
    target: position of the item that a by-reference relationship points at.
    """

    position: str
    relationship: str
    value_type: str
    name: str
    value: str = ""
    code: str = ""
    references: tuple[Reference, ...] = ()
    observed: str = ""
    children: tuple["Item", ...] = ()
    target: str = ""

    @property
    def is_container(self) -> bool:
        return self.value_type == "CONTAINER"

    @property
    def how(self) -> str:
        """The relationship to the item above, where a reader has to know it."""
        return self.relationship if not self.name or self.relationship in _TELLING else ""


@dataclass(frozen=True)
class Document:
    """patient, about: pairs of a label and a value, in the order in which they are shown.

    flags: how far the document may be trusted, the worst news first.
    """

    title: str
    language: str
    patient: sr_header.Pairs
    about: sr_header.Pairs
    flags: tuple[str, ...]
    content: tuple[Item, ...]


def is_document(sop_class_uid: str) -> bool:
    """SR and Key Object documents: SOP Classes of PS3.4 B.5 with the SR Document Content module."""
    return sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.88.")


def document(dataset: Dataset) -> Document:
    """Read a document. What is missing is left out; nothing of the content tree is.

    Raises LimitExceeded for more than MOST_ITEMS content items.
    """
    reader = _Reader()
    content = reader.children(dataset, "1")
    return Document(
        title=meaning_of(dataset, "ConceptNameCodeSequence")
        or text_of(dataset, "Modality")
        or "Report",
        language=_language(content),
        patient=sr_header.patient(dataset),
        about=sr_header.about(dataset),
        flags=sr_header.flags(dataset),
        content=content,
    )


class _Reader:
    """Counts what it reads, since a tree from outside may be of any size."""

    def __init__(self) -> None:
        self._count = 0

    def children(self, parent: Dataset, position: str) -> tuple[Item, ...]:
        return tuple(
            self._item(item, f"{position}.{number}")
            for number, item in enumerate(items_of(parent, "ContentSequence"), start=1)
        )

    def _item(self, item: Dataset, position: str) -> Item:
        self._count += 1
        if self._count > MOST_ITEMS:
            raise LimitExceeded(f"a document of more than {MOST_ITEMS} content items")
        value_type = text_of(item, "ValueType")
        relationship = _RELATIONSHIPS.get(text_of(item, "RelationshipType"), "")
        name = meaning_of(item, "ConceptNameCodeSequence")
        target = values_of(item, "ReferencedContentItemIdentifier")
        if target:
            place = ".".join(str(number) for number in target)
            return Item(position, relationship, "", name, target=place)
        value, code, references = VALUES.get(value_type, unknown_value)(item)
        return Item(
            position,
            relationship,
            value_type,
            name,
            value,
            code,
            tuple(references),
            shown_moment(text_of(item, "ObservationDateTime")),
            self.children(item, position),
        )


def _language(content: Sequence[Item]) -> str:
    """Of the root, as TID 1204 gives it, when it is a tag that HTML knows (RFC 5646)."""
    for item in content:
        tag = item.code.partition(" ")[0]
        if item.name.startswith("Language of Content Item") and _is_language_tag(tag):
            return tag
    return "en"


def _is_language_tag(tag: str) -> bool:
    return tag.isascii() and tag.replace("-", "").isalnum() and 2 <= len(tag) <= 12
