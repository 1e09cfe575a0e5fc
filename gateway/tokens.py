"""Bearer tokens beside the administrator's own: made, listed, revoked, and found again by hash."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gateway.access import EVERYTHING, Access, Role
from gateway.errors import Conflict, NotFound
from gateway.store.database import Database
from gateway.store.tables import TokenRow

ADMINISTRATOR = "administrator"  # the subject of the token from the settings; no hash looks so
REMEMBERED_SECONDS = 2.0  # how long a revoked token may still be good
MOST_REMEMBERED = 10_000


class Tokens:
    """The rows. A token itself is told once, when it is made; only its SHA-256 is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self, name: str, role: Role, patient_id: str | None, expires_at: float | None
    ) -> tuple[TokenRow, str]:
        """Raises Conflict when the name is taken."""
        token = secrets.token_urlsafe(32)
        row = TokenRow(
            sha256=hashed(token),
            name=name,
            role=role.value,
            patient_id=patient_id,
            created_at=time.time(),
            expires_at=expires_at,
        )
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError as error:
            raise Conflict(
                f"a token {name!r} exists; revoke it first, or use a new name"
            ) from error
        return row, token

    def all(self) -> Sequence[TokenRow]:
        with self._database.read() as session:
            return session.scalars(select(TokenRow).order_by(TokenRow.name)).all()

    def revoke(self, name: str) -> None:
        """Raises NotFound."""
        with self._database.write() as session:
            row = session.scalars(select(TokenRow).where(TokenRow.name == name)).first()
            if row is None:
                raise NotFound("token", name)
            session.delete(row)

    def access(self, sha256: str) -> Access | None:
        """None when there is no such token, or it has expired."""
        with self._database.read() as session:
            row = session.get(TokenRow, sha256)
        if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
            return None
        return Access(row.name, Role(row.role), row.patient_id)


class Credentials:
    """What a bearer token, or a browser session made from one, opens.

    A subject stands for a token where the token itself must not: `administrator`, or a hash.
    """

    def __init__(
        self,
        token: str,
        tokens: Tokens | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token.encode("ascii")
        self._tokens = tokens
        self._clock = clock
        self._known: dict[str, tuple[float, Access | None]] = {}  # subject: until when, what

    def subject_of(self, token: str) -> str:
        """Whom a token stands for; whether it opens anything, `access` tells."""
        given = token.encode("utf-8", "surrogateescape")
        return ADMINISTRATOR if hmac.compare_digest(given, self._token) else hashed(token)

    def remembered(self, subject: str) -> tuple[bool, Access | None]:
        """Whether the answer is known without asking the database, and the answer."""
        if subject == ADMINISTRATOR or self._tokens is None:
            return True, EVERYTHING if subject == ADMINISTRATOR else None
        until, access = self._known.get(subject, (0.0, None))
        return until > self._clock(), access

    def access(self, subject: str) -> Access | None:
        """What the subject may do now, None if nothing. Asks the database."""
        is_known, access = self.remembered(subject)
        if is_known or self._tokens is None:
            return access
        access = self._tokens.access(subject)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[subject] = (self._clock() + REMEMBERED_SECONDS, access)
        return access


def hashed(token: str) -> str:
    """Tokens are 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
