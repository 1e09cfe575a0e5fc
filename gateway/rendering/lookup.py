"""Lookup tables as DICOM writes them: PS3.3 C.11.1.1, C.11.2.1.1, C.11.6.1, C.7.6.3.1.5."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset

LARGEST_TABLE = 1 << 16  # entries; the descriptor says 65536 by 0


@dataclass(frozen=True, eq=False)
class LookupTable:
    """entries: outputs for inputs first, first + 1, ...; inputs beyond take the nearest one.

    bits: how many the outputs have, 2 ** bits - 1 being the largest.
    """

    entries: np.ndarray
    first: int
    bits: int

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """The output for each input, as float64. Inputs between whole numbers are rounded."""
        places = np.clip(np.rint(inputs) - self.first, 0, len(self.entries) - 1)
        return self.entries[places.astype(np.intp)].astype(np.float64)

    def shares(self, inputs: np.ndarray) -> np.ndarray:
        """The outputs as shares of the largest, 0 to 1."""
        return np.clip(self(inputs) / (2**self.bits - 1), 0, 1)


def lookup_table(item: Dataset, *, is_signed: bool) -> LookupTable:
    """The table of one LUT sequence item.

    is_signed: inputs can be below 0. A writer may give the first one as US all the same.
    Raises ValueError when descriptor and data do not agree.
    """
    return table_of(item, "LUTDescriptor", "LUTData", is_signed=is_signed)


def table_of(item: Dataset, descriptor: str, data: str, *, is_signed: bool) -> LookupTable:
    """A table by the keywords of its descriptor and data. Raises ValueError."""
    count, first, bits = descriptor_of(item, descriptor)
    entries = _entries(item, data, count)
    if is_signed and first > 0x7FFF:
        first -= 1 << 16
    if not 1 <= bits <= 16:
        raise ValueError(f"{descriptor} speaks of {bits} bits; expected 8 to 16")
    highest = int(entries.max(initial=0))
    return LookupTable(entries, first, max(bits, highest.bit_length()))


def descriptor_of(item: Dataset, keyword: str) -> tuple[int, int, int]:
    """Number of entries, first input and bits. Raises ValueError."""
    if keyword not in item:
        raise ValueError(f"{keyword} is absent")
    words = _words(item, keyword)
    if len(words) != 3:
        raise ValueError(f"{keyword} has {len(words)} values; expected 3")
    count, first, bits = (int(word) for word in words)
    return (count & 0xFFFF) or LARGEST_TABLE, first, bits


def segmented_entries(item: Dataset, keyword: str, count: int) -> np.ndarray:
    """A segmented palette spread out to its `count` entries, PS3.3 C.7.9.2. Raises ValueError."""
    spread = _Spread(_words(item, keyword).astype(np.int64) & 0xFFFF, count)
    entries = spread.entries()
    if len(entries) < count:
        raise ValueError(f"{keyword} gives {len(entries)} entries; expected {count}")
    return entries[:count].astype(np.uint16)


class _Spread:
    """Segments one after the other, until there are `count` entries.

    No segment may be empty, so that the work is bounded by the entries wanted.
    """

    def __init__(self, words: np.ndarray, count: int) -> None:
        self._words, self._count = words, count
        self._pieces: list[np.ndarray] = []
        self._length = 0
        self._starts: list[int] = []

    def entries(self) -> np.ndarray:
        position = 0
        while position + 3 <= len(self._words) and self._length < self._count:
            self._starts.append(position)
            kind, length = int(self._words[position]), int(self._words[position + 1])
            if length == 0:
                raise ValueError("an empty palette segment")
            if kind == 2:
                self._repeat(position, length)
                position += 4
            else:
                position = self._append(position)
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int64)

    def _append(self, position: int) -> int:
        """A discrete or a linear segment; the place after it."""
        kind, length = int(self._words[position]), int(self._words[position + 1])
        if kind == 0:
            end = position + 2 + length
            piece = self._words[position + 2 : end]
        elif kind == 1 and self._pieces:
            end = position + 3
            last, value = int(self._pieces[-1][-1]), int(self._words[position + 2])
            piece = np.rint(np.linspace(last, value, length + 1)[1:]).astype(np.int64)
        else:
            raise ValueError(f"a palette segment of kind {kind} where none can be")
        self._pieces.append(piece)
        self._length += len(piece)
        return end

    def _repeat(self, position: int, number: int) -> None:
        """An indirect segment repeats segments that came before it, PS3.3 C.7.9.2.3."""
        offset = int(self._words[position + 2]) | int(self._words[position + 3]) << 16
        places = [n for n, start in enumerate(self._starts[:-1]) if start * 2 == offset]
        if not places:
            raise ValueError("an indirect palette segment that points at no segment")
        for start in self._starts[places[0] : min(places[0] + number, len(self._starts) - 1)]:
            if int(self._words[start]) == 2 or self._length >= self._count:
                return
            self._append(start)


def _entries(item: Dataset, keyword: str, count: int) -> np.ndarray:
    """Table data of 16 bits, or of 8 bits packed by twos, which their length tells apart."""
    if keyword not in item:
        raise ValueError(f"{keyword} is absent")
    value = item[keyword].value
    if isinstance(value, bytes) and count <= len(value) <= count + 1 and count > 1:
        return np.frombuffer(value, np.uint8, count)
    words = _words(item, keyword).astype(np.int64) & 0xFFFF
    if len(words) in (count // 2, (count + 1) // 2) and count > 2:  # 8 bits in words
        return np.frombuffer(words.astype("<u2").tobytes(), np.uint8)[:count]
    if len(words) < count:
        raise ValueError(f"{keyword} has {len(words)} entries; expected {count}")
    return words[:count].astype(np.uint16)


def _words(item: Dataset, keyword: str) -> np.ndarray:
    """A value of 16-bit words, whether its VR let pydicom read numbers or leave bytes."""
    value: Any = item[keyword].value
    if isinstance(value, bytes):
        order = "<" if (item.original_encoding[1] is not False) else ">"
        return np.frombuffer(value[: len(value) // 2 * 2], f"{order}u2")
    values = value if hasattr(value, "__len__") else [value]
    return np.array([int(number) for number in values], np.int64)
