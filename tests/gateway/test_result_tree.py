"""The AIR result tree of claims: what was judged, pointed at and mapped, with links to carriers."""

from gateway import air
from gateway.outputs import encode
from standards import codes
from tests.pictures import BOX, SUSPICION, picture_result, radiograph
from tests.series import ct_series, findings, heat_map, key_pixels, small_result


def test_classifications_and_regions_are_told_with_codes_and_places():
    result = picture_result([radiograph()], [SUSPICION, BOX])
    objects = list(encode(result, lambda _: []))
    decoders = [{"input": "image", "decoder": "gdcm", "compared": 0}]
    tree = air.tree(result, objects, [], decoders)

    assert tree["decoders"] == decoders
    (judged,), (region,) = tree["classifications"], tree["regions"]
    assert [one["kind"] for one in tree["objects"]] == ["SR", "PR"]
    assert (judged["concept"], judged["value"]) == ("Pneumothorax", "Absent")
    assert (judged["probability"], judged["site"]) == (0.9731, "Lung")
    assert judged["value_code"] == {"value": codes.ABSENT.value, "scheme": "SCT"}
    assert judged["tracking_uid"] == result.analysis.classification_uid(1)
    assert (region["name"], region["shape"]) == ("Nodule", "box")
    assert region["points"] == [[20, 10], [60, 40]]
    assert region["sop_instance_uid"] == result.analysis.source[0].SOPInstanceUID
    assert region["tracking_uid"] == result.analysis.region_uid(1)
    assert (region["frame"], region["depth_mm"]) == (None, None)


def test_structures_and_maps_stand_beside_them():
    source = ct_series()
    result = small_result(source, [*findings(), heat_map()])
    tree = air.tree(result, list(encode(result, lambda _: key_pixels(result, source))), [])

    (told,) = tree["heat_maps"]
    objects = {one["sop_instance_uid"]: one["kind"] for one in tree["objects"]}
    assert objects[told["sop_instance_uid"]] == "PM"
    assert (told["unit"], told["range"]) == ("%", [0, 100])
    assert [one["segment_number"] for one in tree["regions"]] == [1, 2]
