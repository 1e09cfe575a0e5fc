"""Do the next things while one is being used, a few at a time and in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Done = TypeVar("Done")


def ahead(jobs: Iterable[Callable[[], Done]], threads: int, waiting: int) -> Iterator[Done]:
    """The answers of the jobs in their order, at most `waiting` of them in memory.

    threads: how many jobs run at once. What a job raises is raised where its answer would be.
    """
    running: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        for job in jobs:
            running.append(pool.submit(job))
            if len(running) >= waiting:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
