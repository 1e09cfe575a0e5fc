"""Expressions in CEL: what they see, and what is refused when they are written."""

import time

import pytest
from pydantic import ValidationError

from gateway.routing.expressions import Expression
from gateway.routing.subject import Arrival, Subject
from tests.headers import ct_series, study

THIN = ct_series("1.1", SliceThickness=1.5, PatientAge="006M", StudyDate="20260314")
PET = ct_series("1.2", slices=2, Modality="PT")
SUBJECT = Subject(THIN, study(THIN, PET), Arrival("PACS"))


@pytest.mark.parametrize(
    ("expression", "why_not"),
    [
        ("series.Modality == 'CT' && series.SliceThickness < 2.0", None),
        ("series.Modality == 'MR'", ""),
        ("'PRIMARY' in series.ImageType", None),
        ("study.series.exists(s, s.Modality == 'PT')", None),
        ("study.series.all(s, s.Modality == 'CT')", ""),
        ("study.NumberOfStudyRelatedSeries == 2.0", None),
        ("arrival.CallingAETitle.startsWith('PA')", None),
        ("series.PatientAge < 1.0", None),
        ("series.StudyDate >= '20260101'", None),
        ("series.ContrastBolusAgent == 'IODINE'", "no ContrastBolusAgent"),
        ("series.ImageType[9] == 'AXIAL'", "it could not"),
        ("has(series.ContrastBolusAgent) || series.SeriesNumber == 3.0", None),
        ("series.SeriesNumber / 0.0 > 1.0 && int(series.Modality) > 1", "it could not"),
    ],
)
def test_holds_or_says_why_not(expression, why_not):
    reason = Expression(expression=expression).why_not(SUBJECT)

    assert reason == why_not or (why_not and reason and reason.startswith(why_not))


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("series.Modality ==", "no CEL"),
        ("(" * 200 + "1" + ")" * 200, "no CEL"),
        ("serie.Modality == 'CT'", "names serie"),
        ("series.Modalty == 'CT'", "unknown attribute 'Modalty'"),
        ("nope(series.Modality)", "nope"),
        ("series.Modality < 1", "do not compare"),
        ("series.Modality.matches('C.')", "calls `matches`"),
        ("series.SliceThickness * 2.0", "expected true or false"),
        ("true || " * 100 + "true", "at most 500 characters"),
    ],
)
def test_refuses_what_cannot_be_evaluated(expression, told):
    with pytest.raises(ValidationError) as refused:
        Expression(expression=expression)
    assert told in str(refused.value)


def test_an_expression_that_would_not_end_is_refused():
    digits = "[1,2,3,4,5,6,7,8,9]"
    endless = f"{digits}.all(a, {digits}.all(b, {digits}.all(c, {digits}.all(d, true))))"

    with pytest.raises(ValidationError, match="4 of all, exists"):
        Expression(expression=endless)


def test_the_costliest_expression_that_is_taken_ends():
    series = [ct_series(f"1.{n}", slices=1) for n in range(300)]
    expression = Expression(
        expression="study.series.all(s, study.series.all(t, s.Modality == t.Modality))"
    )
    began = time.perf_counter()

    assert expression.holds(Subject(series[0], study(*series)))

    assert time.perf_counter() - began < 10
