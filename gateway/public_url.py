"""The root under which clients reach this gateway, for the links it hands out."""

import re

from fastapi import Request

from gateway.settings import Settings

# What may change the links of an answer, beside the Host header; caches must know (Vary).
LINK_HEADERS = ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix")

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?=.{2,256}$)(?:/[A-Za-z0-9._~-]+)+")
_FORWARDED_PAIR = re.compile(r'\b(proto|host)=("[^"]*"|[^;,\s"]+)', re.IGNORECASE)


def public_root(request: Request, settings: Settings) -> str:
    """Scheme, host and path prefix as the client sees them, without a slash at the end.

    AIRGATE_PUBLIC_URL wins. Otherwise the request tells, through the headers its proxies add:
    Forwarded (RFC 7239) or X-Forwarded-Proto, -Host and -Prefix, the outermost proxy first.
    A value that no host or path can have is passed over, since it would end up in links.

    Anybody may send these headers, and need not be a proxy for it: who does chooses the links of
    the answer to that very request, and of no other. So that no cache gives such an answer to
    somebody else, answers are private to one client, vary by LINK_HEADERS, and have the root in
    their entity tags. Nothing that is stored, routed or delivered is ever made with this root.
    Where even that is too much, AIRGATE_PUBLIC_URL turns the headers off.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    forwarded = _forwarded(request.headers.get("forwarded", ""))
    scheme = (forwarded.get("proto") or _first(request, "x-forwarded-proto")).lower()
    host = forwarded.get("host") or _first(request, "x-forwarded-host")
    prefix = _first(request, "x-forwarded-prefix").rstrip("/")
    if scheme not in ("http", "https"):
        scheme = request.url.scheme
    if not _HOST.fullmatch(host):
        host = _addressed(request)
    if not _PREFIX.fullmatch(prefix):
        prefix = request.scope.get("root_path", "").rstrip("/")
    return f"{scheme}://{host}{prefix}"


def _addressed(request: Request) -> str:
    """The Host header. dicomweb-client leaves out the port there: it is ours if the host is."""
    host, (own, port) = request.url.netloc, request.scope.get("server") or ("", None)
    default = {"http": 80, "https": 443}.get(request.url.scheme)
    if not _HOST.fullmatch(host):  # links are pasted into JSON, where a quotation mark would end it
        host = own
    is_own = host == own or (host == "localhost" and own in ("127.0.0.1", "::1"))
    return f"{host}:{port}" if is_own and port not in (None, default) else host


def _first(request: Request, header: str) -> str:
    return request.headers.get(header, "").split(",")[0].strip()


def _forwarded(header: str) -> dict[str, str]:
    """`proto` and `host` of the first element of a Forwarded header."""
    pairs = _FORWARDED_PAIR.findall(header.split(",", maxsplit=1)[0])
    return {name.lower(): value.strip('"') for name, value in pairs}
