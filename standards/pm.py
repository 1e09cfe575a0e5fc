"""A heat map as a DICOM Parametric Map."""

from highdicom import VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping

from standards.analysis import Result
from standards.derived import copy_body_part, finish, maker_of, series_of
from standards.findings import HeatMap
from standards.seg import check_shape, fill_slice_thickness, name_dimensions
from standards.source_images import placed_images

SERIES_NUMBER = 9005


def parametric_map(result: Result, heat_map: HeatMap) -> ParametricMap:
    """Write one heat map of the result as a Parametric Map instance in the study of its source.

    Every slice is a frame of Float Pixel Data, since OHIF draws a map only if none is missing, and
    wraps 16-bit values; no compression of the standard takes floating point. Real World Value
    Mapping says quantity, unit and range; the window spans the range.
    Raises SourceMismatch if voxels and source differ in slices, rows or columns, StandardsError
    where the source lies nowhere in the patient. Follows PS3.3 A.75, C.8.32 and C.7.6.16.2.11.
    """
    analysis = result.analysis
    images = placed_images(analysis.instances)
    check_shape(heat_map.voxels, images)
    fill_slice_thickness(images)
    lowest, highest = heat_map.value_range
    shown = analysis.source[0].get("RecognizableVisualFeatures") == "YES"
    number = result.findings.heat_maps.index(heat_map) + 1
    dataset = ParametricMap(
        images,
        heat_map.voxels,
        **series_of(analysis, "parametric map", SERIES_NUMBER, number),
        **maker_of(analysis),
        contains_recognizable_visual_features=shown,
        real_world_value_mappings=[_mapping(heat_map)],
        voi_lut_transformations=[VOILUTTransformation((lowest + highest) / 2, highest - lowest)],
        content_label="AI_HEAT_MAP",
    )
    name_dimensions(dataset, analysis, "parametric map")
    finish(dataset, analysis, "heat map")
    copy_body_part(dataset, analysis)
    return dataset


def _mapping(heat_map: HeatMap) -> RealWorldValueMapping:
    lowest, highest = heat_map.value_range
    return RealWorldValueMapping(
        lut_label=heat_map.name,
        lut_explanation=heat_map.quantity.meaning,
        unit=heat_map.unit,
        value_range=(float(lowest), float(highest)),
        slope=1.0,
        intercept=0.0,
        quantity_definition=heat_map.quantity,
    )
