"""A process that stores one file and is killed on the way: `python -m tests.gateway.dying_store`.

Arguments: data folder, database URL, archive folder, file, and the point at which it dies.
"""

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event

from gateway.ingest import Part
from gateway.store.database import Database
from tests.gateway.house import housed
from tests.gateway.orthanclike import OrthanclikeFolder

POINTS = ("before delete", "after delete", "after store", "before commit", "after commit")


class DyingArchive(OrthanclikeFolder):
    point = ""

    def store(self, content):
        stored = super().store(content)
        self.die("after store")
        return stored

    def delete(self, key):
        self.die("before delete")
        super().delete(key)
        self.die("after delete")

    def die(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)


def main(data: str, url: str, folder: str, file: str, point: str) -> None:
    archive, database = DyingArchive(Path(folder)), Database(url)
    archive.point = point
    event.listen(database.engine, "commit", lambda _: archive.die("before commit"))
    with housed(database, archive, Path(data), same_uid="replace") as house:
        if point == "after commit":
            house.ingest.swaps.conclude = lambda swap: archive.die(point)
        house.ingest.receive([Part(Path(file))])
    raise SystemExit("it did not die")


if __name__ == "__main__":
    main(*sys.argv[1:])
