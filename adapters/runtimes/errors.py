"""How running a model can end badly. Refusals are no errors: see ai_models.contract.NoResult."""


class ModelError(Exception):
    """Base: the model did not do its work."""


class ModelFailed(ModelError):
    """The model raised, or answered what is no finding. kind is the name of its error."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(f"the model failed with {kind}: {message}")


class ModelCrashed(ModelError):
    """The process of the model ended by itself: a crash, or out of memory."""

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code = exit_code
        super().__init__(
            f"the model's process ended with exit code {exit_code}; "
            "a negative code is a signal, -9 often means out of memory"
        )


class ModelOutOfMemory(ModelError):
    """The model, or what it started, took more than it may and was stopped. limit: bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"the model took more than {limit >> 20} MiB of memory and was stopped; it may take "
            "twice what its card says (resources.memory_mb), and AIRGATE_MODEL_MEMORY_MB at most"
        )


class ModelOutOfGpuMemory(ModelError):
    """PyTorch had no more GPU memory for the model. limit: bytes that it may take; 0 = all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        allowed = f"the {limit >> 20} MiB that its card allows" if limit else "what was free"
        super().__init__(
            f"the model needed more GPU memory than {allowed}, and its process was ended; let "
            "resources.gpu_memory_mb of its card say what it takes, or use a larger GPU"
        )


class ModelTooLarge(ModelError):
    """The model needs more memory than there ever is for it here. needed, limit: bytes."""

    def __init__(self, needed: int, limit: int, where: str, advice: str) -> None:
        self.needed, self.limit = needed, limit
        super().__init__(
            f"the model needs {needed >> 20} MiB of {where}, of which there are {limit >> 20} MiB; "
            f"{advice}"
        )


class ModelForked(ModelError):
    """The model started processes without end. limit: how many it may have."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"the model had more than {limit} processes and was stopped; let it start fewer"
        )


class ModelGarbled(ModelError):
    """The process of the model sent what is no answer. It is not used any more."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the model's process sent what is no answer ({found}) and was stopped; models return "
            "values of standards/findings.py and leave the process's other files alone"
        )


class NetworkNotWithheld(ModelError):
    """The network was to be withheld from the model, and the kernel refuses that."""

    def __init__(self) -> None:
        super().__init__(
            "the network cannot be withheld from the model on this machine, where the kernel "
            "refuses user namespaces; allow them there, or set AIRGATE_MODEL_NETWORK=withheld to "
            "run models even so"
        )


class ModelTimedOut(ModelError):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"the model took longer than the {seconds:g} s of its card (resources.timeout_seconds) "
            "and was stopped"
        )


class ModelServerAway(ModelError):
    """What runs the model elsewhere does not answer, or not yet: worth another try later.

    address: of the server. told: by it, or by the network.
    """

    def __init__(self, address: str, told: str) -> None:
        self.address, self.told = address, told
        super().__init__(
            f"the server of the model at {address} is away: {told}; expected one that answers and "
            "has loaded the model; the work is tried again later"
        )

    def __reduce__(self) -> tuple[type["ModelServerAway"], tuple[str, str]]:
        return ModelServerAway, (self.address, self.told)  # it crosses processes


class ModelUnusable(ModelError):
    """What a card names cannot be loaded, or is no model. kind: of its runtime."""

    def __init__(self, kind: str, found: str) -> None:
        self.kind, self.found = kind, found
        super().__init__(
            f"the model cannot be loaded: {found}; expected what docs/models.md asks of a runtime "
            f"of kind {kind}"
        )
