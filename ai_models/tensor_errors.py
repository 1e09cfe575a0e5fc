"""Tensors that are not what the card says of them. output: its place among the card's, from 1."""

from collections.abc import Sequence

from standards.errors import StandardsError


class NotFinite(StandardsError):
    """A tensor holds NaN or infinity."""

    def __init__(self, output: int) -> None:
        self.output = output
        super().__init__(
            f"output {output} of the network holds NaN or infinity; expected finite numbers: "
            "check the range of values that [preprocessing] gives it, and `autocast`"
        )


class WrongShape(StandardsError):
    """A tensor is of another shape than the card's outputs say."""

    def __init__(self, output: int, found: Sequence[int], expected: Sequence[int]) -> None:
        self.output, self.found, self.expected = output, tuple(found), tuple(expected)
        super().__init__(
            f"output {output} of the network has the shape {self.found}; the card's [[outputs]] "
            f"expect {self.expected}"
        )


class WrongCount(StandardsError):
    """The network gave more or fewer tensors than the card explains."""

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(
            f"the network gave {found} tensor(s); the card explains {expected} in [[outputs]]; "
            "name the ones that are meant (`tensor`), or explain all"
        )


class MissingTensor(StandardsError):
    """The network gave none of that name. found: the names of those that it gave."""

    def __init__(self, name: str, found: Sequence[str]) -> None:
        self.name, self.found = name, tuple(found)
        super().__init__(
            f"the network gave no tensor {name!r}, but {', '.join(found) or 'none'}; expected the "
            "names in [[outputs]] to be of these"
        )


class UnknownClass(StandardsError):
    """A box of a class that the card does not have. known: the first and the last number."""

    def __init__(self, output: int, found: float, known: tuple[int, int]) -> None:
        self.output, self.found, self.known = output, found, known
        super().__init__(
            f"output {output} of the network holds a box of class {found:g}; the card has "
            f"{known[0]} to {known[1]}: see `classes` and `first_label` in [[outputs]]"
        )


class InvertedBox(StandardsError):
    """A box whose low corner is not below its high one. box: as the network gave it."""

    def __init__(self, output: int, box: Sequence[float], mode: str) -> None:
        self.output, self.box, self.mode = output, tuple(box), mode
        super().__init__(
            f"output {output} of the network holds the box {_told(box)}, which as {mode} is empty "
            "or inverted; expected each low end below its high end: see `mode` in [[outputs]]"
        )


class OutsideImage(StandardsError):
    """A box or point that does not touch the image that the network saw.

    place: (rows, columns) or (slices, rows, columns), of a box its low and its high corner.
    """

    def __init__(self, output: int, place: Sequence[float], size: Sequence[int]) -> None:
        self.output, self.place, self.size = output, tuple(place), tuple(size)
        super().__init__(
            f"output {output} of the network points at {_told(place)} of the source, beyond its "
            f"{' x '.join(map(str, size))}; expected places in it: see `units`, `mode` and "
            "`x_axis` in [[outputs]]"
        )


def _told(numbers: Sequence[float]) -> str:
    return f"({', '.join(f'{one:g}' for one in numbers)})"
