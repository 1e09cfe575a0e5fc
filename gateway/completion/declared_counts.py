"""Counts that a source writes into the headers of what it sends, as evidence.

Number of Study Related Series (0020,1206) and Instances (0020,1208), and of Series Related
Instances (0020,1209): no attributes of an image, but routers and archives add them.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from gateway.completion.evidence import Case, Complete, Wait
from gateway.store.tables import InstanceRow
from standards.study import Header, value


class DeclaredCounts:
    """All that the headers count has come, or something has not.

    Counts of single series can only say that more is to come, unless the number of series is
    declared too.
    """

    name = "declared_counts"

    def judge(self, case: Case) -> Complete | Wait | None:
        series = _series(case)
        headers = [header for _, header in series.values()]
        lacking = _lacking_series(series)
        study = _highest(headers, "NumberOfStudyRelatedInstances")
        there = sum(count for count, _ in series.values())
        if study > there:
            lacking["study"] = {"expected": study, "arrived": there}
        series_expected = _highest(headers, "NumberOfStudyRelatedSeries")
        if series_expected > len(series):
            lacking["series"] = {"expected": series_expected, "arrived": len(series)}
        if lacking:
            return Wait(lacking)
        counted = [_count(header, "NumberOfSeriesRelatedInstances") for header in headers]
        if study or (series_expected and all(counted)):
            knew = {"instances": there, "series": len(series)}
            return Complete(case.study.last_arrival_at, knew)
        return None


def _series(case: Case) -> dict[str, tuple[int, Header]]:
    """How many instances of each series came, and the header of one of the latest."""
    came = (InstanceRow.study_instance_uid == case.uid, InstanceRow.created_by == "")
    groups = (
        select(func.count(), func.max(InstanceRow.sop_instance_uid))
        .where(*came)
        .group_by(InstanceRow.series_instance_uid)
    )
    counts = {uid: count for count, uid in case.session.execute(groups)}
    query = select(
        InstanceRow.series_instance_uid, InstanceRow.sop_instance_uid, InstanceRow.header
    ).where(InstanceRow.sop_instance_uid.in_(list(counts)))
    return {
        series: (counts[uid], json.loads(header))
        for series, uid, header in case.session.execute(query)
    }


def _lacking_series(series: Mapping[str, tuple[int, Header]]) -> dict[str, Any]:
    lacking: dict[str, Any] = {}
    for uid, (there, header) in series.items():
        expected = _count(header, "NumberOfSeriesRelatedInstances")
        if expected > there:
            lacking[uid] = {"expected": expected, "arrived": there}
    return lacking


def _highest(headers: list[Header], keyword: str) -> int:
    return max((_count(header, keyword) for header in headers), default=0)


def _count(header: Header, keyword: str) -> int:
    """0 where it is absent or no number."""
    found = str(value(header, keyword, ""))
    return int(found) if found.isascii() and found.isdigit() else 0
