"""Warm processes of several models, as many as memory allows.

Work whose model does not fit beside those that are at work waits for them, in the order in which
it came; models that rest are unloaded for it, the least recently used first. Whoever is at work
waits for nobody, so nobody waits for ever.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Condition

from adapters.runtimes.devices import Device, Devices, nvidia_devices
from adapters.runtimes.errors import ModelTooLarge
from adapters.runtimes.kept_process import Surroundings
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess, Prediction, Watch
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.usage import Memory
from adapters.runtimes.warm_model import WarmModel

_LOOK_SECONDS = 0.5  # between two looks whether waiting work is still wanted


class ModelPool:
    """For any number of threads.

    limit: bytes of memory for all models together. devices: asks for the GPUs there are. Of their
    memory what is free is asked whenever a model is to take some, since others use it too.
    """

    def __init__(
        self,
        limit: int,
        peaks: Peaks,
        surroundings: Surroundings = Surroundings(),
        devices: Devices = nvidia_devices,
    ) -> None:
        self._limit, self._peaks, self._devices = limit, peaks, devices
        self._surroundings = surroundings
        self._warm: list[WarmModel] = []
        self._line: list[object] = []  # those that wait, the first is the next
        self._changed = Condition()

    def predict(  # noqa: PLR0913 (what one run consists of)
        self,
        model: Loadable,
        instances: Iterable[bytes],
        timeout_seconds: float,
        *,
        pixels: int,
        name: str = "image",
        others: Mapping[str, Iterable[bytes]] | None = None,
        watch: Watch = lambda _: None,
    ) -> Prediction:
        """As ModelProcess.predict. pixels: of all inputs together.

        Raises ModelTooLarge too, when there can never be memory enough.
        """
        expected = self._peaks.expected(model, pixels)
        with self._at_work(model, expected, watch) as warm:
            found = warm.process.predict(
                model, instances, timeout_seconds, name=name, others=others, watch=watch
            )
            warm.memory, warm.gpu_held = found.memory, found.memory.gpu or expected.gpu
        self._peaks.learn(model, pixels, found.memory)
        return found

    def begin(self, model: Loadable) -> None:
        """Load a model that is likely to be wanted, if there is room for it now."""
        with self._changed:
            warm = self._admit(model, self._peaks.expected(model, 0))
            if warm is not None:
                warm.process.begin(model)
                warm.is_busy = False

    def stop(self) -> None:
        with self._changed:
            for warm in self._warm:
                warm.process.stop()
            self._warm.clear()

    @property
    def loaded(self) -> list[str]:
        """The names of the models that are loaded."""
        with self._changed:
            return [warm.model.card.name for warm in self._warm]

    @contextmanager
    def _at_work(self, model: Loadable, expected: Memory, watch: Watch) -> Iterator[WarmModel]:
        self._check(model, expected)
        warm = self._wait_for(model, expected, watch)
        try:
            yield warm
        finally:
            with self._changed:
                warm.is_busy, warm.used_at = False, time.monotonic()
                if not warm.process.is_alive:
                    self._warm.remove(warm)
                self._changed.notify_all()

    def _check(self, model: Loadable, expected: Memory) -> None:
        if expected.peak > self._limit:
            advice = "raise AIRGATE_MODEL_MEMORY_MB where there is more, or run it elsewhere"
            raise ModelTooLarge(expected.peak, self._limit, "memory", advice)
        if expected.gpu and _wants_gpu(model) and (devices := self._devices()):
            largest = max(device.total for device in devices)
            if expected.gpu > largest:
                advice = "run it on a larger one"
                raise ModelTooLarge(expected.gpu, largest, "GPU memory", advice)

    def _wait_for(self, model: Loadable, expected: Memory, watch: Watch) -> WarmModel:
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        try:
            while True:
                with self._changed:
                    if self._line[0] is ticket:
                        warm = self._admit(model, expected)
                        if warm is not None:
                            return warm
                    self._changed.wait(_LOOK_SECONDS)
                watch(0)
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _admit(self, model: Loadable, expected: Memory) -> WarmModel | None:
        """Its process, busy from now on, or none while there is no room for it."""
        known = next((one for one in self._warm if one.model == model), None)
        if known is not None and known.is_busy:
            return None
        others = [one for one in self._warm if one is not known]
        if not self._make_room(lambda: self._left(but=known) >= expected.peak, others):
            return None
        if known is not None and self._can_grow(known, expected.gpu):
            known.is_busy, known.memory = True, expected
            return known
        if known is not None:
            self._unload(known)  # to be loaded where there is room
        device = None
        if _wants_gpu(model) and self._devices():
            on_gpus = [one for one in self._warm if one.device is not None]
            if not self._make_room(lambda: self._gpu_left(self._freest()) >= expected.gpu, on_gpus):
                return None
            device = self._freest().name
        process = ModelProcess(replace(self._surroundings, memory=self._limit, device=device))
        warm = WarmModel(model, process, expected, device)
        self._warm.append(warm)
        return warm

    def _make_room(self, is_enough: Callable[[], bool], among: Iterable[WarmModel]) -> bool:
        """Whether there is enough, now or once resting models have been unloaded."""
        resting = sorted((one for one in among if not one.is_busy), key=lambda one: one.used_at)
        while not is_enough():
            if not resting:
                return False
            self._unload(resting.pop(0))
        return True

    def _unload(self, warm: WarmModel) -> None:
        warm.process.stop()
        self._warm.remove(warm)

    def _left(self, but: WarmModel | None) -> int:
        return self._limit - sum(one.taken for one in self._warm if one is not but)

    def _can_grow(self, warm: WarmModel, gpu: int) -> bool:
        """Whether a model that rests may take so many bytes of its GPU in all."""
        growth = gpu - warm.gpu_held
        if warm.device is None or growth <= 0:
            return True
        own = [device for device in self._devices() if device.name == warm.device]
        return any(self._gpu_left(device) >= growth for device in own)

    def _gpu_left(self, device: Device) -> int:
        """Bytes that are free, less what those at work there have still to take."""
        at_work = [one for one in self._warm if one.device == device.name]
        return device.free - sum(one.gpu_to_come for one in at_work)

    def _freest(self) -> Device:
        return max(self._devices(), key=self._gpu_left)


def _wants_gpu(model: Loadable) -> bool:
    return model.card.resources.device == "cuda"
