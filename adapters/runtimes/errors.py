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
