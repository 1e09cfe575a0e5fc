"""Whether a card can ever get the findings that it asks for: asked when it is registered."""

from collections.abc import Callable, Sequence

from ai_models.card import OUTSIDE, InputFindings, ModelCard

Versions = Callable[[str], Sequence[ModelCard]]  # of a model, those in use, newest first


def fault_of_card(card: ModelCard, versions: Versions) -> str:
    """What stands against a card that takes findings of other models; "" where nothing does."""
    for wanted in card.stands_on:
        if circle := _circle(wanted.from_model, card.name, versions, (card.name,)):
            return f"{' stands on '.join(circle)}, which is a circle; take findings of another"
        others = versions(wanted.from_model)
        if not others:
            return (
                f"input {wanted.name} takes findings of {wanted.from_model}, of which no version "
                "is registered and in use; register it first"
            )
        faults = [fault_between(card, wanted, other) for other in others]
        if all(faults):
            return f"input {wanted.name}: {faults[0]}"
    return ""


def fault_between(card: ModelCard, wanted: InputFindings, other: ModelCard) -> str:
    """Why a version of the other model cannot give what an input of the card wants."""
    named = f"{other.name} {other.version}"
    if not wanted.accepts(other.version):
        return f"{named} is older than minimum_version {wanted.minimum_version}; register a newer"
    if other.queue == OUTSIDE:
        return f"{named} runs outside, so its findings are not known here; take those of another"
    of, lie_on = card.series_of(wanted), other.series[0]
    if of.kind is not lie_on.kind:
        return (
            f"{named} finds on an input of kind {lie_on.kind}, but {of.name} is of kind {of.kind}; "
            "let both be of one kind, so that slices and images are counted alike"
        )
    given = other.given_kinds
    if given is not None and (lacking := sorted(wanted.needs - given)):
        return f"{named} gives {', '.join(sorted(given))}, but no {', '.join(lacking)}"
    return ""


def _circle(
    name: str, wanted: str, versions: Versions, path: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The way by which some version of a model stands on the wanted one; None where none does."""
    path = (*path, name)
    if name == wanted:
        return path
    before = {one.from_model for version in versions(name) for one in version.stands_on}
    found = (_circle(one, wanted, versions, path) for one in sorted(before - set(path[1:])))
    return next((one for one in found if one), None)
