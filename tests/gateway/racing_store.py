"""A process that stores its own content of many instances: `python -m tests.gateway.racing_store`.

Arguments: data folder, database URL, archive (a folder, or an Orthanc's URL), policy, its own name,
study, and how many instances. Begins when a line comes in; prints the status of each as JSON. Names
that differ only after a dot send the same content.
"""

import json
import sys
from pathlib import Path

from adapters.archive import Archive
from adapters.folder import FolderArchive
from adapters.orthanc import OrthancArchive
from gateway.ingest import Part
from gateway.store.database import Database
from tests.gateway.house import housed
from tests.gateway.orthanclike import OrthanclikeFolder
from tests.instances import instance


def archive_at(place: str) -> Archive:
    if place.startswith("http"):
        return OrthancArchive(place)
    kind, _, folder = place.partition(":")
    return (FolderArchive if kind == "folder" else OrthanclikeFolder)(Path(folder))


def content(name: str, study: str, number: int) -> bytes:
    return instance(number, study=study, StudyID=name.partition(".")[0])


def main(data: str, url: str, place: str, policy: str, name: str, study: str, count: str) -> None:
    folder = Path(data) / name
    folder.mkdir()
    parts = [Part(content(name, study, number)) for number in range(int(count))]
    with housed(Database(url), archive_at(place), folder, same_uid=policy) as house:
        print("ready", flush=True)
        sys.stdin.readline()
        statuses = [house.ingest.receive([part]).result.status for part in parts]
    print(json.dumps(statuses))


if __name__ == "__main__":
    main(*sys.argv[1:])
