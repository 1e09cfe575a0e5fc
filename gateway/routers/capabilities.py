"""Retrieve Capabilities (PS3.18 8.9): OPTIONS of the services and of each of their resources.

A browser's preflight is OPTIONS too, but is answered before it gets here (gateway/cross_origin.py).
"""

import json
from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from gateway.capabilities.transactions import PREFIX, TRANSACTIONS, methods_of
from gateway.capabilities.wadl import MEDIA_TYPES, as_json, wadl
from gateway.public_url import public_root
from gateway.web_errors import NotAcceptable
from standards.media_types import first_covered, parse_accept

JSON = "application/json"
OFFERED = (*MEDIA_TYPES, JSON)

router = APIRouter(include_in_schema=False)


def _capabilities(request: Request, path: str) -> Response:
    media_type = first_covered(parse_accept(request.headers.get("accept", "")), OFFERED)
    if media_type is None:
        raise NotAcceptable("the capabilities", ", ".join(OFFERED))
    base = public_root(request, request.app.state.services.settings) + PREFIX + "/"
    told = wadl(base, path) if media_type != JSON else json.dumps(as_json(base, path))
    methods = methods_of(path) if path else ["OPTIONS"]
    return Response(told, headers={"Allow": ", ".join(methods)}, media_type=media_type)


def _endpoint(path: str) -> Callable[[Request], Response]:
    def retrieve_capabilities(request: Request) -> Response:
        return _capabilities(request, path)

    return retrieve_capabilities


for _template in ("/", PREFIX, f"{PREFIX}/"):
    router.add_api_route(_template, _endpoint(""), methods=["OPTIONS"])
for _path in dict.fromkeys(path for _, path in TRANSACTIONS):
    router.add_api_route(PREFIX + _path, _endpoint(_path), methods=["OPTIONS"])
