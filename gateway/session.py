"""Browser sessions made from a token, without a table: signed, and they expire.

A session is `expiry.nonce.subject.mac`; its key is derived from the administrator token, so a new
one ends them all. The subject stands for the token that was given: see gateway/tokens.py.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

LIFETIME_SECONDS = 12 * 3600
FREE_ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0
REMEMBERED_ADDRESSES = 10_000


class Sessions:
    """Makes and checks sessions, and slows whoever guesses.

    public_url:  the root that browsers use behind a proxy; an https one makes cookies Secure.
    clock:  seconds since the epoch.
    """

    def __init__(
        self, token: str, public_url: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        key = token.encode("ascii")
        self._key = hmac.digest(key, b"airgate browser session", hashlib.sha256)
        self._public = _origin(public_url or "")
        self._clock = clock
        self.attempts = Attempts(clock)
        # Cookies know no port: two gateways on one host must not sign each other's users out.
        self.cookie_name = f"airgate_{hashlib.sha256(self._key).hexdigest()[:8]}"

    def start(self, scope: Scope, response: Response, subject: str) -> None:
        """Give the browser a new session, valid for twelve hours."""
        expiry = int(self._clock()) + LIFETIME_SECONDS
        payload = f"{expiry}.{secrets.token_urlsafe(12)}.{subject}"
        response.set_cookie(
            self.cookie_name,
            f"{payload}.{self._mac(payload)}",
            max_age=LIFETIME_SECONDS,
            path="/",
            secure=self._is_https(scope),
            httponly=True,
            samesite="lax",
        )

    def end(self, scope: Scope, response: Response) -> None:
        response.delete_cookie(
            self.cookie_name,
            path="/",
            secure=self._is_https(scope),
            httponly=True,
            samesite="lax",
        )

    def subject_of(self, session: str) -> str | None:
        """Whose session it is, None when it is not ours or has expired."""
        payload, _, mac = session.rpartition(".")
        if not hmac.compare_digest(mac.encode("utf-8"), self._mac(payload).encode("ascii")):
            return None
        expiry, _, subject = payload.split(".")
        return subject if int(expiry) > self._clock() else None

    def is_same_origin(self, scope: Scope, headers: Headers) -> bool:
        """Whether the browser says that a page of ours, or the user's own hand, made the request.

        Sec-Fetch-Site is sent to https and localhost only; Origin comes with every change.
        """
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        return self._is_own(headers.get("origin", ""), scope, headers)

    def is_foreign(self, scope: Scope, headers: Headers) -> bool:
        """Whether the browser says that another site made the request. Programs say nothing."""
        says = "sec-fetch-site" in headers or "origin" in headers
        return says and not self.is_same_origin(scope, headers)

    def _is_own(self, origin: str, scope: Scope, headers: Headers) -> bool:
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        own = {_origin(f"{scheme}://{headers.get('host', '')}"), self._public} - {""}
        return _origin(origin) in own

    def _is_https(self, scope: Scope) -> bool:
        return scope["scheme"] == "https" or self._public.startswith("https:")

    def _mac(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode("utf-8"), hashlib.sha256).hexdigest()


class Attempts:
    """Wrong sign-ins of each client address: after five, each further one waits twice as long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}  # address: how many, last when

    def wait_seconds(self, address: str) -> float:
        """How long this address must still wait; 0 when it may try now."""
        count, last = self._failures.get(address, (0, 0.0))
        if count < FREE_ATTEMPTS:
            return 0.0
        pause = min(2.0 ** min(count - FREE_ATTEMPTS, 10), LONGEST_WAIT_SECONDS)
        return max(0.0, last + pause - self._clock())

    def failed(self, address: str) -> None:
        count, _ = self._failures.pop(address, (0, 0.0))
        self._failures[address] = (count + 1, self._clock())
        if len(self._failures) > REMEMBERED_ADDRESSES:
            del self._failures[next(iter(self._failures))]  # the one silent for longest

    def succeeded(self, address: str) -> None:
        self._failures.pop(address, None)


def _origin(url: str) -> str:
    """scheme://host:port with the scheme's own port written out; "" for what is no http(s) URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    if port is None or not parts.hostname:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}"
