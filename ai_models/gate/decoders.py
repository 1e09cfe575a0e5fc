"""Two decoders must see the same image."""

from pydicom.uid import HTJ2K, JPEG2000, UID, JPEGBaseline8Bit, JPEGExtended12Bit

from standards.errors import UnfitSeries

# By how much two decoders of a lossy syntax may differ in a stored value: each rounds its inverse
# transform as it likes (PS3.5 8.2.1, 8.2.4). All others are exact, near-lossless JPEG-LS too.
LARGEST_DIFFERENCE = {JPEGBaseline8Bit: 4, JPEGExtended12Bit: 4, JPEG2000: 4, HTJ2K: 4}


def check_decoders(transfer_syntax_uid: str, difference: float) -> None:
    """Raises UnfitSeries where two decoders differ by more than their syntax allows.

    difference: the largest of any pixel, in stored values.
    """
    syntax = UID(transfer_syntax_uid)
    limit = LARGEST_DIFFERENCE.get(syntax, 0)
    if difference > limit:
        found = f"stored values that differ by {difference:g} from one decoder to the other"
        raise UnfitSeries("second decoder", found, f"{limit} at most in {syntax.name}")
