"""What the bearer of a token, or of the session made from it, may do."""

from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request
from starlette.requests import HTTPConnection

from gateway.errors import GatewayError


class Role(StrEnum):
    """administrator: everything. user: what clinical work needs. patient: one patient's studies."""

    ADMINISTRATOR = "administrator"
    USER = "user"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Access:
    """name: of the token, for the trace. patient_id: set exactly for the role `patient`."""

    name: str
    role: Role
    patient_id: str | None = None


class Forbidden(GatewayError):
    """The token is good, but not for this."""

    status = 403

    def __init__(self, name: str, role: Role, wanted: str) -> None:
        self.name, self.role, self.wanted = name, role, wanted
        super().__init__(
            f"the token {name!r} has the role {role}, which may not {wanted}; "
            "use a token that may, an administrator makes one at /api/v1/tokens"
        )


def access_of(request: HTTPConnection) -> Access:
    """Set by gateway.auth.AuthMiddleware; an app without it serves whoever built it."""
    return getattr(request.state, "access", EVERYTHING)


async def is_still_admitted(connection: HTTPConnection) -> bool:
    """Whether the token or session that opened a connection would open it now.

    The answer may be as old as gateway.tokens.REMEMBERED_SECONDS, so asking often costs little.
    """
    admission = getattr(connection.state, "admission", None)
    return admission is None or (await admission())[0] is not None


def administrators_only(request: Request) -> None:
    """A dependency of routes and routers. Raises Forbidden."""
    require_administrator(request, "do this")


def staff_only(request: HTTPConnection) -> None:
    """A dependency of all routers that do not bind themselves to a patient. Raises Forbidden."""
    access = access_of(request)
    if access.role is Role.PATIENT:
        wanted = "use this; it searches and retrieves the studies of its patient"
        raise Forbidden(access.name, access.role, wanted)


def require_administrator(request: Request, wanted: str) -> Access:
    """Raises Forbidden. wanted: what was asked for, such as `delete studies`."""
    access = access_of(request)
    if access.role is not Role.ADMINISTRATOR:
        raise Forbidden(access.name, access.role, wanted)
    return access


EVERYTHING = Access("administrator", Role.ADMINISTRATOR)
