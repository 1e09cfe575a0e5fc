"""What somebody orders as a batch: a model and a list, in JSON or CSV."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ai_models.card import OUTSIDE, Stage
from gateway import shadow
from gateway.batches.listing import ACCESSION, MOST_LINES, STUDY, Listing, from_csv, listing
from gateway.deps import MOST_PER_PAGE
from gateway.errors import GatewayError, Unprocessable
from gateway.registry import RegisteredModel, Registry
from gateway.search.attributes import Level
from gateway.search.parameters import parse_search
from gateway.search.run import run
from gateway.services import Services
from gateway.validation import one_line
from standards.media_types import parse_media_type
from standards.study import value

LARGEST_LIST = 16 << 20  # bytes of a request body


class Asked(NamedTuple):
    """What CSV cannot say, from the query of the request."""

    model: str
    version: str | None
    stage: str


class TooLarge(GatewayError):
    status = 413

    def __init__(self) -> None:
        super().__init__(
            f"the list is larger than {LARGEST_LIST >> 20} MiB; make several batches of it"
        )


class UnknownForm(GatewayError):
    status = 415

    def __init__(self, found: str) -> None:
        super().__init__(f"found Content-Type {found or 'none'}; send application/json or text/csv")


class BatchOrder(BaseModel):
    """Which model runs over what: exactly one of studies, accession_numbers and query.

    version: unset = the live one; for shadow work, where none is live, the newest in shadow.
    query: as of QIDO-RS for studies.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    version: str | None = None
    stage: Literal["shadow", "study"] = Field(
        default="shadow", description="`shadow` keeps the results apart, `study` is clinical"
    )
    studies: list[str] | None = Field(default=None, max_length=MOST_LINES)
    accession_numbers: list[str] | None = Field(default=None, max_length=MOST_LINES)
    query: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_list(self) -> "BatchOrder":
        given = (self.studies, self.accession_numbers, self.query)
        if sum(one is not None for one in given) != 1:
            raise ValueError("expected exactly one of studies, accession_numbers and query")
        return self


def ordered(
    services: Services, content_type: str, body: bytes, asked: Asked
) -> tuple[RegisteredModel, Listing, str]:
    """The model, the list, and the stage of the work.

    Raises NotFound, Unprocessable, UnknownForm.
    """
    media_type = parse_media_type(content_type).root
    if media_type == "application/json":
        order = _order(body)
        asked = Asked(order.model, order.version, order.stage)
        found = _listing(order, services)
    elif media_type == "text/csv":
        found = from_csv(body)
    else:
        raise UnknownForm(content_type[:64])
    stage = shadow.SHADOW if asked.stage == "shadow" else shadow.LIVE
    model = _model(services.registry, asked.model, asked.version, stage)
    if stage == shadow.SHADOW and model.card.queue == OUTSIDE:
        raise Unprocessable(
            f"model {model.card.name} runs outside, and stores its results in the study itself; "
            "order it with stage `study`, or a model that runs here"
        )
    return model, found, stage


def _order(body: bytes) -> BatchOrder:
    try:
        return BatchOrder.model_validate_json(body)
    except ValidationError as error:
        raise Unprocessable(f"the order cannot be used: {one_line(error)}") from error


def _listing(order: BatchOrder, services: Services) -> Listing:
    if order.studies is not None:
        return listing(STUDY, order.studies)
    if order.accession_numbers is not None:
        return listing(ACCESSION, order.accession_numbers)
    return listing(STUDY, _found(order.query or {}, services))


def _found(query: dict[str, str], services: Services) -> Iterator[str]:
    """Study Instance UIDs of all pages of a search."""
    offset, remaining = 0, 1
    while remaining:
        paging = {"limit": str(MOST_PER_PAGE), "offset": str(offset)}
        search = parse_search(Level.STUDY, {}, [*{**query, **paging}.items()], None)
        seconds = services.settings.search_seconds
        page = run(search, services.database, services.settings.root_url, seconds)
        yield from (str(value(one, "StudyInstanceUID")) for one in page.results)
        offset, remaining = offset + len(page.results), page.remaining


def _model(registry: Registry, name: str, version: str | None, stage: str) -> RegisteredModel:
    """The version that is named; else the live one or, for shadow work, the newest in shadow."""
    if not name:
        raise Unprocessable("no model is named; say `model=NAME` in the query")
    asked = registry.versions(name) if version is None else [registry.version(name, version)]
    wanted = (Stage.LIVE,) if stage == shadow.LIVE else (Stage.LIVE, Stage.SHADOW)
    for one in sorted(asked, key=lambda model: model.stage is not Stage.LIVE):
        if one.stage in wanted:
            return one
    found = ", ".join(f"{one.card.version} is {one.stage}" for one in asked[:5])
    raise Unprocessable(
        f"of model {name}, {found}; expected one that is {' or '.join(wanted)}, so promote it first"
    )
