"""Which attributes are wanted, down into the items of sequences."""

from collections.abc import Iterable, Mapping
from typing import Any

from standards.query import Path

# By tag; None where everything below it is wanted.
Tree = dict[str, "Tree | None"]


def add(tree: Tree, path: Path) -> None:
    """Want what a path names; what is wanted as a whole stays so."""
    for tag in path[:-1]:
        below = tree.setdefault(tag, {})
        if below is None:
            return
        tree = below
    tree[path[-1]] = None


def tree_of(paths: Iterable[Path]) -> Tree:
    tree: Tree = {}
    for path in paths:
        add(tree, path)
    return tree


def united(one: Tree, other: Tree) -> Tree:
    """What either wants."""
    both: Tree = dict(one)
    for tag, below in other.items():
        mine = both.get(tag, {})
        both[tag] = None if below is None or mine is None else united(mine, below)
    return both


def pruned(element: Mapping[str, Any], below: Tree | None) -> Mapping[str, Any]:
    """An element of DICOM JSON with only what is wanted in its items."""
    if below is None or element.get("vr") != "SQ":
        return element
    items = [
        {tag: pruned(inner, below[tag]) for tag, inner in item.items() if tag in below}
        for item in element.get("Value", ())
    ]
    return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
