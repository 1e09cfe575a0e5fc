"""Always nothing: a model for tests of the outcome NO_RESULT, which never finds anything."""

from collections.abc import Sequence

from ai_models.contract import Inputs, NoResult
from standards.findings import Finding


class AlwaysNothing:
    """Refuses whatever it is given."""

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Raises NoResult, always."""
        found = f"{len(inputs.volumes)} input(s)"
        raise NoResult("test of the outcome", found, "nothing: this model never answers")
