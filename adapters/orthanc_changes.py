"""What happened in an Orthanc: its log of changes, and how instances belong together there."""

from collections.abc import Sequence
from typing import NamedTuple

from adapters.archive import Held
from adapters.orthanc import OrthancArchive, held_by_orthanc

_AT_ONCE = 1000  # changes of one answer
_BEYOND = 2**62  # a number that no change has


class NewInstance(NamedTuple):
    """Its place in the log, and its key."""

    seq: int
    key: str


class Changes(NamedTuple):
    """A piece of the log. last: how far it reaches; done: whether the log ends there."""

    instances: Sequence[NewInstance]
    last: int
    done: bool


class OrthancChanges:
    """Orthanc's log of changes.

    Changes of what was deleted leave the log, and a deletion is not in it (seen in 1.10.1): it
    tells what came, never what went. Its counter goes on over restarts, deletions and
    `DELETE /changes`, and starts anew with another database only.
    """

    def __init__(self, archive: OrthancArchive) -> None:
        self._archive = archive

    def since(self, last: int) -> Changes:
        """What came after change `last`. Raises ArchiveUnavailable."""
        answer = self._archive.ask("changes", since=last, limit=_AT_ONCE)
        instances = [
            NewInstance(change["Seq"], change["ID"])
            for change in answer["Changes"]
            if change["ChangeType"] == "NewInstance"
        ]
        return Changes(instances, answer["Last"], answer["Done"])

    def counter(self) -> int:
        """The number of the newest change there ever was.

        (`/changes?last` goes back when the newest resource is deleted; an answer without changes
        tells the counter.)
        """
        return self.since(_BEYOND).last

    def count(self) -> int:
        """How many instances the archive holds."""
        return self._archive.ask("statistics")["CountInstances"]

    def studies(self, keys: Sequence[str]) -> dict[str, str]:
        """Orthanc's study of each series that these instances belong to."""
        studies = self._archive.explored(keys, "Study")
        return {series: study["ID"] for study in studies for series in study["Series"]}

    def members(self, study: str) -> list[Held]:
        """All instances of one of Orthanc's studies."""
        return [held_by_orthanc(one) for one in self._archive.explored([study], "Instance")]
