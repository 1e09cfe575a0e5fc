"""SR and Key Object documents as plain text, the tree by its indentation (PS3.18 8.7.4)."""

from collections.abc import Iterator, Sequence

from pydicom import Dataset

from standards.sr_content import Item, document
from standards.sr_values import Reference


def report_text(dataset: Dataset) -> str:
    """The whole document as lines of text, ended by line feeds.

    Control characters of the document become spaces: text is for terminals too.
    Raises LimitExceeded as standards.sr_content.document does.
    """
    read = document(dataset)
    lines = [read.title, "=" * len(read.title), ""]
    lines += [f"{label}: {value}" for label, value in (*read.patient, *read.about)]
    lines += ["", *(f"[{flag}]" for flag in read.flags), ""]
    lines += _lines(read.content, 0, frozenset(_targets(read.content)))
    return "".join(f"{_printable(line)}\n" for line in lines)


def _targets(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        yield item.target
        yield from _targets(item.children)


def _lines(items: Sequence[Item], depth: int, targets: frozenset[str]) -> Iterator[str]:
    """targets: positions that other items point at, which are shown beside theirs."""
    indent = "  " * depth
    for item in items:
        place = item.position if item.position in targets else ""
        name = item.name or item.value_type.lower()
        head = " ".join(filter(None, (place, item.how, name))) + ":"
        see = f"see item {item.target}" if item.target else ""
        shown = [see, item.value, f"({item.code})" if item.code else "", _told(item.references)]
        shown.append(f"[{item.observed}]" if item.observed else "")
        first, *others = " ".join(filter(None, (head, *shown))).split("\n")
        yield indent + first
        yield from (f"{indent}    {line}" for line in others)
        yield from _lines(item.children, depth + 1, targets)


def _told(references: Sequence[Reference]) -> str:
    return "; ".join(
        f"{each.kind} {each.sop_instance_uid}" + (f" ({each.detail})" if each.detail else "")
        for each in references
    )


def _printable(line: str) -> str:
    return "".join(letter if letter >= " " and letter != "\x7f" else " " for letter in line)
