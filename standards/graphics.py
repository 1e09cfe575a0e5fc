"""What presentation states draw: layers, outlines, marks and their names (PS3.3 C.10.5, C.10.7)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from highdicom.color import CIELabColor
from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    TextJustificationValues,
    TextObject,
)
from pydicom import Dataset

from standards.analysis import Analysis
from standards.contours import outlines
from standards.findings import LabelMap, Region, Shape
from standards.seg import tracking_identifier

_PIXEL = AnnotationUnitsValues.PIXEL


@dataclass(frozen=True)
class Drawings:
    """Layers, the lowest first, and what lies on each of them.

    Each structure and each name of regions has a layer of its own, in its colour, so that a viewer
    can switch it off alone.
    """

    analysis: Analysis
    layers: list[GraphicLayer] = field(default_factory=list)
    annotations: list[GraphicAnnotation] = field(default_factory=list)

    def add_notice(self, images: Sequence[Dataset]) -> None:
        """Say on every image who drew."""
        who = f"AI: {self.analysis.algorithm.name} {self.analysis.algorithm.version}"
        layer = GraphicLayer("AI NOTICE", 1, "Origin of the annotations")
        self.layers.append(layer)
        told = TextObject(
            f"{who} - not for diagnosis",
            AnnotationUnitsValues.DISPLAY,
            bounding_box=(0.02, 0.02, 0.98, 0.08),  # left, top, right, bottom of what is displayed
            text_justification=TextJustificationValues.LEFT,
        )
        self.annotations.append(GraphicAnnotation(images, layer, text_objects=[told]))

    def add_structures(self, labels: LabelMap, slice_index: int, image: Dataset) -> None:
        """The outlines and the name of every structure that is marked on a slice."""
        for number, structure in enumerate(labels.structures, start=1):
            curves = outlines(labels.voxels[slice_index] == number)
            if not curves:
                continue
            identifier = tracking_identifier(structure)
            uid = self.analysis.tracking_uid(structure)
            layer = self._layer(structure.name, structure.colour)
            drawn = [_graphic(curve, identifier, uid) for curve in curves]
            label = _label(structure.name, curves[0], identifier, uid)
            self.annotations.append(
                GraphicAnnotation([image], layer, graphic_objects=drawn, text_objects=[label])
            )

    def add_regions(
        self, regions: Iterable[tuple[int, Region]], images: Mapping[int, Dataset]
    ) -> None:
        """Regions on images, each with its place among the findings, from 1, and its name.

        images: by the image_index of the regions.
        """
        layers: dict[str, GraphicLayer] = {}
        for number, region in regions:
            if region.name not in layers:
                layers[region.name] = self._layer(region.name, region.colour)
            uid = self.analysis.region_uid(number)
            drawn = _graphic(region.curve, region.name, uid, is_point=region.shape is Shape.POINT)
            label = _label(_told(region), region.curve, region.name, uid)
            self.annotations.append(
                GraphicAnnotation(
                    [images[region.image_index or 0]],
                    layers[region.name],
                    referenced_frame_number=region.frame,
                    graphic_objects=[drawn],
                    text_objects=[label],
                )
            )

    def _layer(self, name: str, colour: tuple[int, int, int]) -> GraphicLayer:
        """A new layer above the others; its name is a unique Code String of 16 characters."""
        plain = re.sub(r"[^A-Z0-9_]+", " ", name.upper()).strip()
        order = len(self.layers)
        layer = GraphicLayer(
            f"AI {order} {plain}"[:16].strip(), order + 1, name, CIELabColor.from_rgb(*colour)
        )
        self.layers.append(layer)
        return layer


def _told(region: Region) -> str:
    return region.name if region.percent is None else f"{region.name} {region.percent:g} %"


def _graphic(
    curve: np.ndarray, identifier: str, uid: str, *, is_point: bool = False
) -> GraphicObject:
    kind = GraphicTypeValues.POINT if is_point else GraphicTypeValues.POLYLINE
    return GraphicObject(kind, curve, _PIXEL, tracking_id=identifier, tracking_uid=uid)


def _label(text: str, curve: np.ndarray, identifier: str, uid: str) -> TextObject:
    """A text at the uppermost point of a curve."""
    column, row = curve[np.argmin(curve[:, 1])]
    return TextObject(
        text,
        _PIXEL,
        anchor_point=(float(column), float(row)),
        anchor_point_visible=False,
        tracking_id=identifier,
        tracking_uid=uid,
    )
