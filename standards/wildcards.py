"""Texts with wild cards: `*` for any run of characters, `?` for one (PS3.4 C.2.2.2.4)."""

import re
from dataclasses import dataclass
from functools import cached_property

MOST_STARS = 6  # each one more multiplies the work of a database's comparison


@dataclass(frozen=True)
class Pattern:
    """What a text must look like. Runs of `*` are the same as one."""

    text: str

    @property
    def is_literal(self) -> bool:
        return not ("*" in self.text or "?" in self.text)

    @property
    def prefix(self) -> str:
        """What every match begins with."""
        return re.split(r"[*?]", self.text, maxsplit=1)[0]

    @property
    def runs(self) -> list[str]:
        """The texts that every match holds, in this order."""
        return [run for run in re.split(r"[*?]", self.text) if run]

    def matches(self, text: str) -> bool:
        """In time proportional to the text, whatever the pattern."""
        first, *pieces = self._pieces
        if not pieces:
            return len(text) == len(self.text) and bool(first.fullmatch(text))
        *middle, last = pieces
        end = len(text) - len(self.text.rpartition("*")[2])
        found = first.match(text)
        position = found.end() if found else len(text) + 1
        for piece in middle:
            found = piece.search(text, position, end)
            if not found:
                return False
            position = found.end()
        return position <= end and bool(last.fullmatch(text, end))

    @cached_property
    def _pieces(self) -> list[re.Pattern[str]]:
        """What stands between the `*`, each of a fixed length."""
        texts = re.sub(r"\*+", "*", self.text).split("*")
        return [re.compile(re.escape(text).replace(r"\?", "."), re.DOTALL) for text in texts]
