"""Server, workers and Orthanc are killed at random while studies are sent and worked on.

What must hold afterwards: every study that was acknowledged has exactly one set of result objects.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import GatewayError
from tests import quick_model
from tests.quick_model import TinyStudy, tiny_study
from tests.serving import Gateway
from tests.storm.report import Report, examine

WORKERS = 2
SENDERS = 2
QUIET_SECONDS = 0.5
PAUSES = (0.3, 2.5)  # seconds between two kills, drawn evenly
SETTLE_SECONDS = 600.0
# Command line of what is killed, and how often compared with the others; "" is the server itself.
TARGETS = {"gateway.cli worker": 5, "/Orthanc": 3, "": 2}
NAMES = {"gateway.cli worker": "worker", "/Orthanc": "Orthanc", "": "server"}

Say = Callable[[str], None]


@dataclass
class Storm:
    """One run. database_url: empty for SQLite in the data folder."""

    folder: Path
    studies: int
    kills: int
    database_url: str = ""
    seed: int = 1
    say: Say = print
    acknowledged: list[TinyStudy] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def run(self) -> Report:
        started = time.monotonic()
        url = {"database_url": self.database_url} if self.database_url else {}
        self._random = random.Random(self.seed)
        self._pace = self.kills * sum(PAUSES) / 2 * SENDERS / self.studies
        self._gateway = Gateway(
            self.folder / "data",
            workers=str(WORKERS),
            quiet_seconds=str(QUIET_SECONDS),
            rules=str(quick_model.write_rules(self.folder)),
            **url,
        )
        with self._gateway:
            quick_model.register(self._gateway)
            self._rage()
            self.say("calm: waiting for what is still open")
            self._settle()
            seconds = time.monotonic() - started
            return examine(self._gateway, self.acknowledged, self.killed, seconds)

    def _rage(self) -> None:
        """Until everything was sent, and killed often enough."""
        numbers = iter(range(self.studies))
        lock = threading.Lock()
        senders = [
            threading.Thread(target=self._send_all, args=(numbers, lock)) for _ in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        for _ in range(self.kills):
            time.sleep(self._random.uniform(*PAUSES))
            self._kill()
        for sender in senders:
            sender.join()

    def _kill(self) -> None:
        target = self._random.choices(list(TARGETS), list(TARGETS.values()))[0]
        self.killed[NAMES[target]] += 1
        total, sent = sum(self.killed.values()), len(self.acknowledged)
        self.say(f"kill {total} of {self.kills}: {NAMES[target]}, {sent} studies acknowledged")
        if not target:
            self._gateway.stop(signal.SIGKILL)
            self._gateway.start("live")
            return
        while not (found := self._gateway.children(target)):
            time.sleep(0.1)
        with suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(self._random.choice(found), signal.SIGKILL)

    def _send_all(self, numbers: Iterator[int], lock: threading.Lock) -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            study = tiny_study(number)
            time.sleep(self._random.uniform(0, 2) * self._pace)
            self._send(study.write(self.folder / f"study{number}"))
            self.acknowledged.append(study)

    def _send(self, files: list[Path]) -> None:
        """As a PACS does: again until it is told that the whole study was stored."""
        while True:
            with suppress(GatewayError):
                if self._gateway.client.store(files)[0] == 200:
                    return
            time.sleep(self._random.uniform(0.1, 0.5))

    def _settle(self) -> None:
        """Until every acknowledged study is complete and its work has ended."""
        deadline = time.monotonic() + SETTLE_SECONDS
        left = {study.uid for study in self.acknowledged}
        while left and time.monotonic() < deadline:
            left = {uid for uid in left if not self._is_settled(uid)}
            time.sleep(0.5)

    def _is_settled(self, uid: str) -> bool:
        trace = self._gateway.trace(uid)
        states = {one["procedure_step_state"] for one in trace["workitems"]}
        return trace["study"]["state"] == "COMPLETE" and states <= {"COMPLETED", "CANCELED"}
