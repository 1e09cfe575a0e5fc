"""Counts that a source writes into the headers of what it sends, as evidence.

Number of Study Related Series (0020,1206) and Instances (0020,1208), and of Series Related
Instances (0020,1209): no attributes of an image, but routers and archives add them.
"""

from collections.abc import Sequence
from typing import Any

from gateway.completion.arrivals import outline_of
from gateway.completion.evidence import Case, Complete, Wait
from standards.study import Series


class DeclaredCounts:
    """All that the headers count has come, or something has not.

    Counts of single series can only say that more is to come, unless the number of series is
    declared too.
    """

    name = "declared_counts"

    def judge(self, case: Case) -> Complete | Wait | None:
        series = outline_of(case.session, case.uid).series
        instances = sum(len(one.headers) for one in series)
        of_study = _highest(series, "NumberOfStudyRelatedInstances")
        of_series = _highest(series, "NumberOfStudyRelatedSeries")
        lacking = _lacking_series(series)
        if of_study > instances:
            lacking["study"] = {"expected": of_study, "arrived": instances}
        if of_series > len(series):
            lacking["series"] = {"expected": of_series, "arrived": len(series)}
        if lacking:
            return Wait(lacking)
        if of_study or (of_series and all(_expected(one) for one in series)):
            knew = {"instances": instances, "series": len(series)}
            return Complete(case.study.last_arrival_at, knew)
        return None


def _lacking_series(series: Sequence[Series]) -> dict[str, Any]:
    return {
        one.series_instance_uid: {"expected": _expected(one), "arrived": len(one.headers)}
        for one in series
        if _expected(one) > len(one.headers)
    }


def _expected(series: Series) -> int:
    return _count(series, "NumberOfSeriesRelatedInstances")


def _highest(series: Sequence[Series], keyword: str) -> int:
    return max((_count(one, keyword) for one in series), default=0)


def _count(series: Series, keyword: str) -> int:
    """0 where it is absent or no number."""
    found = str(series.value(keyword, ""))
    return int(found) if found.isascii() and found.isdigit() else 0
