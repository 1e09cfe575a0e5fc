"""The slices that a viewer will ask for next, read before it asks.

One slice of a series is a thumbnail; a second one is somebody who looks at it. From then on the
next slices in the direction of travel are brought into memory while the client draws the last one.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from adapters.errors import ArchiveUnavailable, NotInArchive
from gateway.retrieve.disk_cache import LARGE
from gateway.retrieve.errors import NoPixelData, UnusablePixelData
from gateway.retrieve.hold import Hold
from gateway.retrieve.located import Located, Scope, locate
from gateway.retrieve.recent import Recent
from gateway.store.database import Database
from gateway.web_errors import DicomWebError
from standards.errors import NotDicom

log = logging.getLogger(__name__)

AHEAD = 32  # slices
AHEAD_BYTES = 64 << 20
THREADS = 2  # as many as Orthanc answers faster than one
_SERIES = 64  # that are being looked at
_LEFT_TO_OTHERS = (ArchiveUnavailable, NotInArchive, NotDicom, NoPixelData, UnusablePixelData)


@dataclass
class _Walk:
    """One series somebody goes through. order: once it is known."""

    last: str
    order: Sequence[Located] | None = None
    places: dict[str, int] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)


class Neighbours:
    """Told of every instance that was asked for, it reads others into the hold."""

    def __init__(self, database: Database, hold: Hold) -> None:
        self._database, self._hold = database, hold
        self._walks: Recent[str, _Walk] = Recent(_SERIES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="read-ahead")
        self._lock = Lock()

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def asked_for(self, instance: Located, *, was_there: bool) -> None:
        """was_there: it was at hand. If not, others that were read ahead may be gone as well."""
        uid = instance.sop_instance_uid
        with self._lock:
            walk = self._walks.get(instance.series_instance_uid)
            if walk is None:
                self._walks.put(instance.series_instance_uid, _Walk(uid), 1)
                return
            if walk.last == uid:
                return
            if walk.order is None:
                walk.order = ()
                self._threads.submit(self._begin, walk, instance)
            elif uid in walk.places:
                if not was_there:
                    walk.asked.clear()
                self._go_on(walk, uid)

    def _begin(self, walk: _Walk, instance: Located) -> None:
        scope = Scope(instance.study_instance_uid, instance.series_instance_uid)
        try:
            order = locate(self._database, scope)
        except DicomWebError:  # deleted meanwhile
            return
        with self._lock:
            walk.order = order
            walk.places = {one.sop_instance_uid: place for place, one in enumerate(order)}
            if instance.sop_instance_uid in walk.places:
                self._go_on(walk, instance.sop_instance_uid)

    def _go_on(self, walk: _Walk, uid: str) -> None:
        order = walk.order or ()
        place = walk.places[uid]
        step = 1 if place >= walk.places.get(walk.last, place) else -1
        walk.last = uid
        end = len(order) if step > 0 else -1
        room = AHEAD_BYTES
        for at in range(place + step, end, step)[:AHEAD]:
            room -= order[at].size
            if room < 0:
                return
            if at not in walk.asked and order[at].size < LARGE:
                walk.asked.add(at)
                self._threads.submit(self._read, order[at])

    def _read(self, instance: Located) -> None:
        try:
            self._hold.pixels(instance)
        except _LEFT_TO_OTHERS:
            log.debug("not read ahead", extra={"sop_instance_uid": instance.sop_instance_uid})
