"""The last resort: nothing new has come for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.completion.evidence import Case, Complete

DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class QuietTime:
    """No new instance for so many seconds; `incomplete_seconds` where more was promised.

    A study that was complete within the last day, and got more, has to be quiet twice as long
    each time, up to `maximum_seconds`: one that drips does not make a job of every drop.
    """

    seconds: float
    incomplete_seconds: float = 0.0
    maximum_seconds: float = 0.0

    name = "quiet_time"

    def patience(self, case: Case) -> float:
        """How long this study has to be quiet, promises aside."""
        asked = case.policy.quiet_seconds
        seconds = self.seconds if asked is None else asked
        doublings = min(case.earlier, 32)  # more seconds than anybody waits
        return min(seconds * 2.0**doublings, max(seconds, self.maximum_seconds))

    def judge(self, case: Case, missing: Mapping[str, Any]) -> Complete:
        """missing: what was promised and has not come, by the evidence that says so."""
        seconds = self.patience(case)
        if missing:
            seconds = max(seconds, self.incomplete_seconds)
        knew = {"quiet_seconds": seconds} | ({"missing": dict(missing)} if missing else {})
        return Complete(case.study.last_arrival_at + seconds, knew)
