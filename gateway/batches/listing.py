"""What a batch is to run over, read from CSV: a study or an accession number a line."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.errors import Unprocessable
from standards.uids import is_uid

MOST_LINES = 100_000
STUDY, ACCESSION = "study", "accession number"
# heading of a column, in small letters: what stands in it
COLUMNS = {
    "studyinstanceuid": STUDY,
    "study_instance_uid": STUDY,
    "accessionnumber": ACCESSION,
    "accession_number": ACCESSION,
}
LONGEST_ACCESSION = 64  # SH has 16, but other systems are not so strict


@dataclass(frozen=True, slots=True)
class Listing:
    """kind: STUDY or ACCESSION. wanted: without repeats, in the order given."""

    kind: str
    wanted: Sequence[str]
    duplicates: int


def from_csv(content: bytes) -> Listing:
    """UTF-8, or UTF-16 with a byte order mark; comma, semicolon or tab. Raises Unprocessable."""
    text = _text(content)
    heading, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=heading.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        kind = _kind(columns)
        values = [row[0].strip() for row in rows if len(_checked(row, columns, rows.line_num))]
    except csv.Error as error:
        raise Unprocessable(f"line {rows.line_num} is no CSV: {error}") from error
    return listing(kind, values, first_line=2)


def listing(kind: str, values: Iterable[str], *, first_line: int = 1) -> Listing:
    """Check the values and leave repeats out; a wrong one is named by its place alone."""
    seen: dict[str, None] = {}
    total = 0
    for number, value in enumerate(values, start=first_line):
        if kind == STUDY and not is_uid(value):
            raise Unprocessable(f"entry {number} is no Study Instance UID; correct it or leave it")
        if kind == ACCESSION and not 0 < len(value) <= LONGEST_ACCESSION:
            found = f"{len(value)} characters"
            raise Unprocessable(f"entry {number} is no Accession Number: it has {found}")
        seen[value] = None
        total += 1
        if total > MOST_LINES:
            raise Unprocessable(
                f"the list has more than {MOST_LINES} entries; make several batches of it"
            )
    if not seen:
        raise Unprocessable("the list is empty; name studies or accession numbers in it")
    return Listing(kind, tuple(seen), total - len(seen))


def _text(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unprocessable(
            f"the CSV is no {encoding.removesuffix('-sig').upper()} text from byte {error.start} "
            "on; save it as UTF-8"
        ) from error


def _kind(columns: Sequence[str]) -> str:
    if len(columns) != 1 or columns[0] not in COLUMNS:
        found = ", ".join(repr(name[:32]) for name in columns[:5]) or "none"
        raise Unprocessable(
            f"the CSV has the columns {found}; expected one, StudyInstanceUID or AccessionNumber, "
            "named in its first line"
        )
    return COLUMNS[columns[0]]


def _checked(row: Sequence[str], columns: Sequence[str], number: int) -> Sequence[str]:
    if row and len(row) != len(columns):
        raise Unprocessable(f"line {number} has {len(row)} fields; expected {len(columns)}")
    return row
