"""Headings, paragraphs and tables of a Markdown document."""

import re
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a bar in a cell would end it, and a line end the row."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(text) for text in texts)


def document(*blocks: str) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(block.strip() for block in blocks if block.strip()) + "\n"


def contents(blocks: Iterable[str]) -> str:
    """Links to the first two levels of headings among the blocks."""
    heads = [block.split(" ", 1) for block in blocks if block.startswith(("## ", "### "))]
    return "\n".join(
        f"{'  ' * (len(level) - 2)}- [{name}](#{_anchor(name)})" for level, name in heads
    )


def _anchor(heading: str) -> str:
    """As GitHub and most others make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ").strip()
