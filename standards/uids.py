"""UIDs that follow from what they name, so that repeated work overwrites itself."""

import re
import uuid

_AIRGATE = uuid.UUID("8d7c6a0c-8a27-5f0a-9c39-1f5a3d1c7b11")  # drawn once for this program
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def derived_uid(*parts: str) -> str:
    """The UID that belongs to these parts: always the same one, under 2.25.

    UUID version 5 over the parts (each length-prefixed, so that no two lists of parts
    collide), written in decimal. PS3.5 B.2 (UUID derived UIDs).
    """
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return f"2.25.{uuid.uuid5(_AIRGATE, name).int}"


def is_uid(text: str) -> bool:
    """Whether the text can serve as a UID in a path or an index: digits and dots, 64 at most.

    PS3.5 9.1. Leading zeros in a component are tolerated, since real devices write them.
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None
