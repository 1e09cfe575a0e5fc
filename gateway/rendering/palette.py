"""Palettes: stored values, or shares of brightness, as colours (PS3.3 C.7.6.3.1.5, C.7.9)."""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from gateway.rendering.attributes import text
from gateway.rendering.lookup import LookupTable, descriptor_of, segmented_entries, table_of

_COLOURS = ("Red", "Green", "Blue")


@dataclass(frozen=True)
class Palette:
    """Three tables that begin at the same input."""

    red: LookupTable
    green: LookupTable
    blue: LookupTable

    @property
    def first(self) -> int:
        return self.red.first

    @property
    def size(self) -> int:
        return len(self.red.entries)

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """uint8, (n, 3): colours of the inputs."""
        channels = [table.shares(inputs) for table in (self.red, self.green, self.blue)]
        return np.rint(np.stack(channels, axis=-1) * 255).astype(np.uint8)

    def of_shares(self, shares: np.ndarray) -> np.ndarray:
        """Colours of shares 0 to 1, as a pseudo-colour presentation state wants (C.11.23)."""
        return self(self.first + np.rint(np.nan_to_num(shares) * (self.size - 1)))


def palette_of(dataset: Dataset) -> Palette:
    """The palette of an image or presentation state. Raises ValueError where it is broken."""
    is_signed = bool(dataset.get("PixelRepresentation"))
    return Palette(*(_table(dataset, colour, is_signed=is_signed) for colour in _COLOURS))


def has_palette(dataset: Dataset) -> bool:
    return all(f"{colour}PaletteColorLookupTableDescriptor" in dataset for colour in _COLOURS)


def has_coloured_part(dataset: Dataset) -> bool:
    """Whether a monochrome image shows its upper values in colour, by a supplemental palette.

    So are motion in ultrasound and maps of perfusion written (PS3.3 C.7.6.19): values from the
    first one of the palette on are its colours, those below pass through the VOI LUT.
    """
    is_gray = text(dataset, "PhotometricInterpretation") == "MONOCHROME2"
    return (
        is_gray
        and text(dataset, "PixelPresentation") in ("COLOR", "MIXED")
        and (has_palette(dataset))
    )


def _table(dataset: Dataset, colour: str, *, is_signed: bool) -> LookupTable:
    descriptor = f"{colour}PaletteColorLookupTableDescriptor"
    segmented = f"Segmented{colour}PaletteColorLookupTableData"
    if segmented not in dataset:
        data = f"{colour}PaletteColorLookupTableData"
        return table_of(dataset, descriptor, data, is_signed=is_signed)
    count, first, bits = descriptor_of(dataset, descriptor)
    entries = segmented_entries(dataset, segmented, count)
    return LookupTable(entries, first - (is_signed and first > 0x7FFF) * 0x10000, bits)
