"""How far two versions of a model agree on the series that both of them saw."""

import csv
import io
from statistics import fmean, median
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from gateway.access import administrators_only
from gateway.comparison.pairs import Run
from gateway.comparison.report import COLUMNS, Comparison, compare
from gateway.deps import DatabaseOf, RegistryOf

# What shadow work found is of patients, and kept apart even from those who see their studies.
router = APIRouter(
    prefix="/api/v1/models", tags=["models"], dependencies=[Depends(administrators_only)]
)
Version = Annotated[str, Query(max_length=64)]
Days = Annotated[float, Query(gt=0, le=3650, description="work that ended in so many")]


class RunView(BaseModel):
    workitem_uid: str
    stage: str
    outcome: str
    reason: str

    @classmethod
    def of(cls, run: Run) -> "RunView":
        row = run.row
        return cls(workitem_uid=run.uid, stage=row.stage, outcome=row.outcome, reason=row.reason)


class PairView(BaseModel):
    study_instance_uid: str
    a: RunView
    b: RunView
    dice: dict[str, float] = Field(description="by structure; empty until it is measured")


class MeasureView(BaseModel):
    """Differences are of b from a (Bland and Altman 1986); null where one pair is all there is."""

    name: str
    unit: str = Field(description="UCUM")
    pairs: int
    bias: float
    deviation: float | None
    limits_of_agreement: tuple[float, float] | None


class JudgementView(BaseModel):
    name: str
    pairs: int
    agreement: float = Field(description="share of the pairs with the same value")
    kappa: float | None = Field(description="Cohen's; null where both always name one value")


class SegmentView(BaseModel):
    name: str
    pairs: int
    mean_dice: float
    median_dice: float
    lowest_dice: float


class ComparisonView(BaseModel):
    """Of the series that both versions saw, the latest 1000 of the period."""

    name: str
    a: str
    b: str
    days: float
    both_answered: int
    one_answered: int = Field(description="where the other refused, failed or had nothing to say")
    waiting: int = Field(description="pairs whose overlap workers are still to measure")
    structures: list[SegmentView]
    measurements: list[MeasureView]
    classifications: list[JudgementView]
    pairs: list[PairView]


@router.get("/{name}/compare")
def comparison(  # noqa: PLR0913, PLR0917 (what FastAPI gives)
    name: str, a: Version, b: Version, database: DatabaseOf, registry: RegistryOf, days: Days = 30
) -> ComparisonView:
    """Dice of each structure, Bland-Altman of each measurement, kappa of each classification.

    Overlaps are measured by a worker, once, after this was asked for: `waiting` tells how many
    are not there yet. Administrators only.
    """
    return _view(compare(registry, database, name, (a, b), days))


@router.get("/{name}/compare.csv", response_class=Response)
def table(  # noqa: PLR0913, PLR0917 (what FastAPI gives)
    name: str, a: Version, b: Version, database: DatabaseOf, registry: RegistryOf, days: Days = 30
) -> Response:
    """Every value that both versions gave, one in a line. Administrators only."""
    found = compare(registry, database, name, (a, b), days)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    writer.writerows(found.lines())
    headers = {"Content-Disposition": f'attachment; filename="{name}-comparison.csv"'}
    return Response(written.getvalue(), media_type="text/csv", headers=headers)


def _view(found: Comparison) -> ComparisonView:
    return ComparisonView(
        name=found.name,
        a=found.first,
        b=found.second,
        days=found.days,
        both_answered=len(found.answered),
        one_answered=len(found.one_answered),
        waiting=found.waiting,
        structures=[
            SegmentView(
                name=one.name,
                pairs=len(one.dices),
                mean_dice=fmean(one.dices),
                median_dice=median(one.dices),
                lowest_dice=min(one.dices),
            )
            for one in found.segments
        ],
        measurements=[
            MeasureView(
                name=one.name,
                unit=one.unit,
                pairs=one.agreement.pairs,
                bias=one.agreement.bias,
                deviation=one.agreement.deviation,
                limits_of_agreement=one.agreement.limits,
            )
            for one in found.measures
        ],
        classifications=[
            JudgementView(
                name=one.name,
                pairs=one.agreement.pairs,
                agreement=one.agreement.agreement,
                kappa=one.agreement.kappa,
            )
            for one in found.judgements
        ],
        pairs=[
            PairView(
                study_instance_uid=pair.study_instance_uid,
                a=RunView.of(pair.first),
                b=RunView.of(pair.second),
                dice={name: overlap.dice for name, overlap in found.overlap(pair).items()},
            )
            for pair in found.pairs
        ],
    )
