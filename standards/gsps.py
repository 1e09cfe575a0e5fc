"""Outlines and labels on the key slice as a Grayscale Softcopy Presentation State."""

import re
from collections.abc import Sequence

import numpy as np
from highdicom.color import CIELabColor
from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    GrayscaleSoftcopyPresentationState,
    SoftcopyVOILUTTransformation,
    TextJustificationValues,
    TextObject,
)
from pydicom import Dataset

from standards.analysis import Analysis, Result
from standards.contours import outlines
from standards.derived import finish, series_of, source_images
from standards.errors import MissingFinding
from standards.findings import KeyImage, LabelMap, Structure
from standards.seg import check_shape, tracking_identifier

SERIES_NUMBER = 9003


def presentation_state(result: Result) -> GrayscaleSoftcopyPresentationState:
    """Write how to look at the key slice: its window, an outline and a label for each structure.

    Every structure that is marked on the key slice has a graphic layer of its own, in its
    colour, so that a viewer can switch it off alone. One more layer says who drew them.
    Raises MissingFinding without a key image, SourceMismatch if voxels and source differ in
    slices, rows or columns. Follows PS3.3 A.33.1, C.10.5, C.10.7 and C.11.8.
    """
    analysis, labels, key = result.analysis, result.findings.label_map, result.findings.key_image
    if key is None or labels is None:
        raise MissingFinding("a presentation state", "a key image with a label map")
    images = source_images(analysis.source)
    check_shape(labels, images)
    image = images[key.slice_index]
    layers, annotations = _drawings(analysis, labels, key, image)
    equipment = analysis.equipment
    dataset = GrayscaleSoftcopyPresentationState(
        [image],
        **series_of(analysis, "presentation state", SERIES_NUMBER),
        manufacturer_model_name=equipment.manufacturer_model_name,
        software_versions=equipment.software_versions,
        device_serial_number=equipment.device_serial_number,
        content_label="AI_FINDINGS",
        content_description=f"{analysis.algorithm.name} {analysis.algorithm.version}"[:64],
        graphic_layers=layers,
        graphic_annotations=annotations,
        voi_lut_transformations=[SoftcopyVOILUTTransformation(key.window_center, key.window_width)],
    )
    _keep_pixel_shape(dataset, image)
    finish(dataset, analysis, "presentation")
    return dataset


def _drawings(
    analysis: Analysis, labels: LabelMap, key: KeyImage, image: Dataset
) -> tuple[list[GraphicLayer], list[GraphicAnnotation]]:
    name = f"AI: {analysis.algorithm.name} {analysis.algorithm.version}"
    layers = [GraphicLayer("AI NOTICE", 1, "Origin of the annotations")]
    annotations = [GraphicAnnotation([image], layers[0], text_objects=[_notice(name)])]
    for number, structure in enumerate(labels.structures, start=1):
        curves = outlines(labels.voxels[key.slice_index] == number)
        if not curves:
            continue
        colour = CIELabColor.from_rgb(*structure.colour)
        layer = GraphicLayer(_layer_name(number, structure), number + 1, structure.name, colour)
        layers.append(layer)
        annotations.append(
            GraphicAnnotation(
                [image],
                layer,
                graphic_objects=[_outline(analysis, structure, curve) for curve in curves],
                text_objects=[_label(analysis, structure, curves)],
            )
        )
    return layers, annotations


def _layer_name(number: int, structure: Structure) -> str:
    """A name that is a Code String (CS: 16 characters of A-Z, 0-9, space, _) and unique."""
    plain = re.sub(r"[^A-Z0-9_]+", " ", structure.name.upper()).strip()
    return f"AI {number} {plain}"[:16].strip()


def _outline(analysis: Analysis, structure: Structure, curve: np.ndarray) -> GraphicObject:
    return GraphicObject(
        GraphicTypeValues.POLYLINE,
        curve,
        AnnotationUnitsValues.PIXEL,
        tracking_id=tracking_identifier(structure),
        tracking_uid=analysis.tracking_uid(structure),
    )


def _label(analysis: Analysis, structure: Structure, curves: Sequence[np.ndarray]) -> TextObject:
    """The structure's name, at the uppermost point of its largest outline."""
    column, row = curves[0][np.argmin(curves[0][:, 1])]
    return TextObject(
        structure.name,
        AnnotationUnitsValues.PIXEL,
        anchor_point=(float(column), float(row)),
        anchor_point_visible=False,
        tracking_id=tracking_identifier(structure),
        tracking_uid=analysis.tracking_uid(structure),
    )


def _notice(name: str) -> TextObject:
    return TextObject(
        f"{name} - not for diagnosis",
        AnnotationUnitsValues.DISPLAY,
        bounding_box=(0.02, 0.02, 0.98, 0.08),  # left, top, right, bottom of the displayed area
        text_justification=TextJustificationValues.LEFT,
    )


def _keep_pixel_shape(dataset: Dataset, image: Dataset) -> None:
    """Say how large pixels are, where highdicom says that they are square (PS3.3 C.10.4)."""
    (area,) = dataset.DisplayedAreaSelectionSequence
    if image.get("PixelSpacing"):
        del area.PresentationPixelAspectRatio
        area.PresentationPixelSpacing = image.PixelSpacing
