"""The Capabilities Description of PS3.18 Annex H: a WADL document (W3C submission, 31 August 2009).

Resources are nested as their paths are; each method tells its parameters, and the media types and
status codes of its answers.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from gateway.capabilities.transactions import TRANSACTIONS, Parameter, Transaction, methods_of

NAMESPACE = "http://wadl.dev.java.net/2009/02"
# The first is what PS3.18 names; the others are for clients that ask for any XML.
MEDIA_TYPES = ("application/vnd.sun.wadl+xml", "application/xml", "text/xml")

ElementTree.register_namespace("", NAMESPACE)


def wadl(base: str, path: str = "") -> bytes:
    """The description of the resource at a path and of all below it, as XML.

    base:  the absolute URL of the services, with a slash at its end.
    path:  a template of TRANSACTIONS; "" for all services.
    """
    application = Element(f"{{{NAMESPACE}}}application")
    _doc(application, "Airgate DICOMweb services, PS3.18")
    resources = _sub(application, "resources", base=base)
    nodes: dict[str, Element] = {"": resources}
    for template in dict.fromkeys(known for _, known in TRANSACTIONS):
        if f"{template}/".startswith(f"{path}/") or not path:
            _resource(nodes, template)
    ElementTree.indent(application)
    return ElementTree.tostring(application, "utf-8", xml_declaration=True)


def _resource(nodes: dict[str, Element], template: str) -> None:
    element = _node(nodes, template)
    for method in methods_of(template)[:-1]:  # WADL is not self-describing, Annex H
        transaction = TRANSACTIONS.get((method, template))
        if transaction is not None:
            _method(element, method, transaction)


def _node(nodes: dict[str, Element], template: str) -> Element:
    """The element of a resource, below those of the resources that contain it."""
    if template not in nodes:
        above, _, name = template.rpartition("/")
        parent = _node(nodes, above)
        name = name.replace(":path", "")
        nodes[template] = _sub(parent, "resource", path=name)
        if name.startswith("{"):
            _sub(nodes[template], "param", name=name[1:-1], style="template")
    return nodes[template]


def _method(resource: Element, name: str, transaction: Transaction) -> None:
    method = _sub(resource, "method", name=name, id=transaction.id)
    where = f", PS3.18 {transaction.section}" if transaction.section else ""
    _doc(method, f"{transaction.name}{where}")
    request = _sub(method, "request")
    if transaction.response:
        accept = {"name": "Accept", "style": "header", "default": transaction.response[0]}
        _options(_sub(request, "param", **accept), transaction.response)
    for parameter in transaction.query:
        _query(request, parameter)
    for media_type in transaction.request:
        _sub(request, "representation", mediaType=media_type)
    for status, meaning in sorted(transaction.statuses.items()):
        response = _sub(method, "response", status=str(status))
        _doc(response, f"{HTTPStatus(status).phrase}: {meaning}")
        if status in (200, 206) or (transaction.request and status in (202, 409)):
            for media_type in transaction.response:
                _sub(response, "representation", mediaType=media_type)


def _query(request: Element, parameter: Parameter) -> None:
    param = _sub(request, "param", name=parameter.name, style="query")
    _doc(param, parameter.meaning)
    _options(param, parameter.options)


def _options(param: Element, values: Iterable[str]) -> None:
    for value in values:
        _sub(param, "option", value=value)


def _doc(parent: Element, text: str) -> None:
    _sub(parent, "doc").text = text


def _sub(parent: Element, kind: str, /, **attributes: str) -> Element:
    return SubElement(parent, f"{{{NAMESPACE}}}{kind}", attributes)


def as_json(base: str, path: str = "") -> Mapping[str, object]:
    """The same in JSON, for programs that have no use for WADL."""
    templates = dict.fromkeys(known for _, known in TRANSACTIONS)
    chosen = [one for one in templates if f"{one}/".startswith(f"{path}/") or not path]
    return {"base": base, "resources": [_json_resource(one) for one in chosen]}


def _json_resource(template: str) -> Mapping[str, object]:
    own = {method: one for (method, known), one in TRANSACTIONS.items() if known == template}
    return {
        "path": template.removeprefix("/").replace(":path", ""),
        "methods": {
            method: {
                "id": one.id,
                "name": one.name,
                "section": one.section,
                "query": [parameter.name for parameter in one.query],
                "request": list(one.request),
                "response": list(one.response),
                "status": sorted(one.statuses),
            }
            for method, one in own.items()
        },
    }
