"""The forms that an uploaded artefact comes in, written to a file as they arrive."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from python_multipart.multipart import parse_options_header

from ai_models.card import ModelCard
from gateway.errors import GatewayError, Unprocessable
from gateway.models.digests import DigestDiffers
from gateway.validation import faults
from standards.multipart import MultipartParser, PartBegin, PartData

UNPACKED = (".zip", ".tar.gz", ".tgz")  # files of a form that are archives; others stay as they are
LARGEST_CARD = 1 << 20  # bytes
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class TooLarge(GatewayError):
    status = 413

    def __init__(self, what: str, limit: int) -> None:
        self.headers = {"Connection": "close"}  # the rest of the body is not read
        super().__init__(f"the {what} is larger than {limit} bytes, the most that is accepted")


class NoRoom(GatewayError):
    status = 507

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the artefact cannot be written ({found}); free space in the data folder of the "
            "gateway, and send it again"
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """card: unset where it lies in the archive. name: of a file that stays as it is, or ""."""

    path: Path
    name: str = ""
    card: ModelCard | None = None


def read_card(content: bytes) -> ModelCard:
    """From JSON. Raises Unprocessable."""
    try:
        return ModelCard.model_validate_json(content)
    except ValidationError as error:
        told = "; ".join(faults(error.errors(include_url=False, include_input=False)))
        raise Unprocessable(f"not a model card: {told}") from error


class Writer:
    """Writes the bytes of the artefact, and counts and hashes them."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self.path = Path(file.name)
        self._file, self.limit = file, limit
        self._hash, self._size = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self.limit:
            raise TooLarge("artefact", self.limit)
        self._hash.update(data)
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise NoRoom(error.strerror or "") from error

    def check(self, sha256: str | None) -> None:
        """Raises Unprocessable where nothing came, and DigestDiffers."""
        if not self._size:
            raise Unprocessable("the artefact is empty; send its bytes")
        if sha256 is not None and sha256.lower() != self._hash.hexdigest():
            raise DigestDiffers("?sha256", sha256[:128], self._hash.hexdigest())


class Archive:
    """An archive, and nothing else."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.take = writer.write

    def finish(self) -> Upload:
        return Upload(self._writer.path)


class Form:
    """The fields `card` and `file`, in any order (RFC 7578)."""

    def __init__(self, writer: Writer, boundary: str) -> None:
        self._writer = writer
        self._parser = MultipartParser(boundary, maximum_parts=2, maximum_part_size=writer.limit)
        self._field, self._card, self._name = "", bytearray(), ""
        self._seen: set[str] = set()

    def take(self, data: bytes) -> None:
        for event in self._parser.feed(data):
            if isinstance(event, PartBegin):
                self._begin(event.headers.get("content-disposition", ""))
            elif isinstance(event, PartData) and self._field == "file":
                self._writer.write(event.data)
            elif isinstance(event, PartData):
                self._card += event.data
                if len(self._card) > LARGEST_CARD:
                    raise TooLarge("card", LARGEST_CARD)

    def finish(self) -> Upload:
        self._parser.finish()
        if "file" not in self._seen:
            raise Unprocessable("the form has no `file`; a card alone is sent as application/json")
        is_archive = self._name.lower().endswith(UNPACKED)
        card = read_card(bytes(self._card)) if "card" in self._seen else None
        if card is None and not is_archive:
            raise Unprocessable("the form has no `card`; only an archive may bring its own")
        return Upload(self._writer.path, "" if is_archive else self._name, card)

    def _begin(self, disposition: str) -> None:
        _, parameters = parse_options_header(disposition)
        field = parameters.get(b"name", b"").decode("latin-1")
        if field not in ("card", "file") or field in self._seen:
            told = "twice" if field in self._seen else "which is not known"
            raise Unprocessable(f"the form has a field {field[:64]!r}, {told}; send card and file")
        self._field = field
        self._seen.add(field)
        if field == "file":
            self._name = _file_name(parameters.get(b"filename", b"").decode("latin-1"))


def _file_name(told: str) -> str:
    """Without the folders that some clients tell. Raises Unprocessable."""
    name = told.replace("\\", "/").rpartition("/")[2]
    if not _FILE_NAME.fullmatch(name):
        raise Unprocessable(
            f"the file is called {name[:128]!r}; expected up to 100 letters, digits, `.`, `_`, `-`"
        )
    return name
