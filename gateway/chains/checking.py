"""Whether the chain of a rule can work as its models are now: asked when it is saved."""

from collections.abc import Iterator

from ai_models.card import InputFindings, ModelCard
from gateway.chains.cards import fault_between
from gateway.chains.selecting import Runnable, earlier_model
from gateway.routing.rules import Rule


def fault_of_rule(rule: Rule, runnable: Runnable) -> str:
    """What stands against it; "" where nothing does."""
    working = runnable(rule.run)
    if not working:
        return (
            f"no model {rule.run!r} is registered and in use; "
            "register it first by POST /api/v1/models, or promote a version of it"
        )
    names = {rule.run}
    for card, wanted in _stood_on(working[0].card, runnable, {rule.run}):
        names.add(wanted.from_model)
        versions = runnable(wanted.from_model)
        fault = earlier_model(wanted, versions) or fault_between(card, wanted, versions[0].card)
        if fault:
            return f"{card.name}: {fault}"
    if unknown := [name for name in rule.publish if name not in names]:
        return (
            f"rule {rule.name} publishes {', '.join(unknown)}, which its chain does not have; "
            f"expected of {', '.join(sorted(names))}"
        )
    return ""


def _stood_on(
    card: ModelCard, runnable: Runnable, seen: set[str]
) -> Iterator[tuple[ModelCard, InputFindings]]:
    """Each input of findings in a chain, with the card that has it; a model is entered once."""
    for wanted in card.stands_on:
        yield card, wanted
        if wanted.from_model not in seen:
            seen.add(wanted.from_model)
            for version in runnable(wanted.from_model)[:1]:
                yield from _stood_on(version.card, runnable, seen)
