"""SR and Key Object documents as one HTML page without anything from outside (PS3.18 8.7.4).

A document is written by anyone, so everything of it is escaped, there is no script, and the
policy that goes with the page allows none.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html import escape
from itertools import groupby

from pydicom import Dataset

from standards.sr_content import Document, Item, document
from standards.sr_values import Reference

Link = Callable[[str], str | None]  # SOP Instance UID -> URL of what it looks like, if there is one

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 52rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 1.4rem 0 .3rem; border-bottom: 1px solid #c9d1d9; }
h3, h4, h5, h6 { font-size: 1rem; margin: .9rem 0 .2rem; }
.banner { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; background: #eef2f6;
  border: 1px solid #c9d1d9; border-radius: 6px; padding: .6rem .9rem; margin: 0; }
.banner div, .about div { display: flex; gap: .4rem; }
dt { color: #57606a; } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.about { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
  gap: .1rem 1.2rem; font-size: .9rem; margin: .7rem 0; }
.about dd { font-weight: 400; }
.flags { list-style: none; padding: 0; margin: .8rem 0;
  display: flex; flex-wrap: wrap; gap: .5rem; }
.flags li { border: 2px solid #9a3412; color: #9a3412; background: #fff7ed; font-weight: 700;
  border-radius: 4px; padding: .1rem .5rem; }
.flags li.good { border-color: #57606a; color: #1b1f24; background: #fff; }
section { border-left: 2px solid #e3e8ee; padding-left: .7rem; margin-bottom: .9rem; }
.item { margin: .15rem 0; overflow-wrap: anywhere; }
.name { color: #57606a; } .value { white-space: pre-line; font-weight: 600; }
.code, .when, .uid { color: #57606a; font-size: .85em; }
.under { margin-left: 1.1rem; border-left: 2px solid #e3e8ee; padding-left: .7rem; }
.how { color: #57606a; font-size: .85em; font-style: italic; }
a { color: #0550ae; }
@media print { body { max-width: none; padding: 0; } a { color: inherit; }
  h2, h3 { break-after: avoid; } .item { break-inside: avoid; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


def report_html(dataset: Dataset, link: Link) -> str:
    """The whole document as an HTML page, to be sent as UTF-8 with CONTENT_SECURITY_POLICY.

    link: gives the URL behind a referenced instance, None where there is nothing to show.
    Raises LimitExceeded as standards.sr_content.document does.
    """
    read = document(dataset)
    return "".join(
        (
            f'<!DOCTYPE html>\n<html lang="{escape(read.language)}">\n<head>\n',
            '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n',
            f"<title>{escape(read.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
            *_head(read),
            *_items(read.content, 2, link),
            "</body>\n</html>\n",
        )
    )


def _head(read: Document) -> Iterator[str]:
    yield f"<header>\n<h1>{escape(read.title)}</h1>\n"
    yield from _pairs("banner", read.patient)
    if read.flags:
        flags = "".join(f"<li{_good(flag)}>{escape(flag)}</li>" for flag in read.flags)
        yield f'<ul class="flags">{flags}</ul>\n'
    yield from _pairs("about", read.about)
    yield "</header>\n"


def _good(flag: str) -> str:
    return ' class="good"' if flag.startswith(("COMPLETE", "VERIFIED")) else ""


def _pairs(kind: str, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not pairs:
        return
    yield f'<dl class="{kind}">\n'
    for label, value in pairs:
        yield f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>\n"
    yield "</dl>\n"


def _items(items: Sequence[Item], level: int, link: Link) -> Iterator[str]:
    """References alike that follow one another share a line: an image library has hundreds."""
    for likeness, group in groupby(items, _likeness):
        alike = list(group)
        if likeness is not None and len(alike) > 1:
            references = tuple(each for item in alike for each in item.references)
            alike = [replace(alike[0], references=references)]
        for item in alike:
            yield from (
                _section(item, level, link) if item.is_container else _line(item, level, link)
            )


def _likeness(item: Item) -> tuple[str, str] | None:
    """What references have in common that can share a line; None for all other items."""
    is_plain = item.value_type in ("IMAGE", "COMPOSITE") and not (item.children or item.observed)
    return (item.value_type, item.name) if is_plain else None


def _section(item: Item, level: int, link: Link) -> Iterator[str]:
    name = escape(item.name or "Section")
    heading = min(level, 6)
    yield f'<section>\n<h{heading} id="i{item.position}">{name}{_when(item)}</h{heading}>\n'
    yield from _items(item.children, level + 1, link)
    yield "</section>\n"


def _line(item: Item, level: int, link: Link) -> Iterator[str]:
    kind = "uid" if item.value_type == "UIDREF" else "value"
    see = f'<a href="#i{escape(item.target)}">see item {escape(item.target)}</a>'
    parts = [
        f'<span class="how">{escape(item.how)}</span>' if item.how else "",
        f'<span class="name">{escape(item.name)}:</span>' if item.name else "",
        f'<span class="{kind}">{escape(item.value)}</span>' if item.value else "",
        f'<span class="code">({escape(item.code)})</span>' if item.code else "",
        see if item.target else "",
        ", ".join(_reference(each, link) for each in item.references),
    ]
    written = " ".join(part for part in parts if part)
    yield f'<div class="item" id="i{item.position}">{written}{_when(item)}\n'
    if item.children:
        yield '<div class="under">\n'
        yield from _items(item.children, level + 1, link)
        yield "</div>\n"
    yield "</div>\n"


def _when(item: Item) -> str:
    return f' <span class="when">{escape(item.observed)}</span>' if item.observed else ""


def _reference(reference: Reference, link: Link) -> str:
    name = escape(reference.kind)
    detail = f" ({escape(reference.detail)})" if reference.detail else ""
    url = link(reference.sop_instance_uid)
    if url is None:
        return f'{name} <span class="code">{escape(reference.sop_instance_uid)}</span>{detail}'
    return f'<a href="{escape(url)}">{name}</a>{detail}'
