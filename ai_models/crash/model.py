"""Crash: a model for tests of failure, whose process dies as from a fault in native code."""

import os
import signal
from collections.abc import Sequence

from ai_models.contract import Inputs
from standards.findings import Finding


class Crash:
    """Never answers; it takes its process, and nothing else, with it."""

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Ends the process with SIGSEGV."""
        os.kill(os.getpid(), signal.SIGSEGV)
        return []
