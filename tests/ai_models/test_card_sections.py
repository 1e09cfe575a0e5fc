"""What a card says of tensors: what cannot be is refused, with its field and what was found."""

import pytest
from pydantic import ValidationError

from tests.cards import card

LIVER = {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
LABEL = {"name": "Liver", "type": LIVER}
LABELS = {"kind": "labels", "labels": [LABEL]}
VOLUME = {"scheme": "SCT", "value": "118565006", "meaning": "Volume"}
NUMBER = {"kind": "regression", "concept": VOLUME, "unit": "ml/min", "site": LIVER}
NODULE = {"name": "Nodule", "finding": {"scheme": "SCT", "value": "27925004", "meaning": "Nodule"}}
BOXES = {"kind": "boxes", "mode": "xyzxyz", "x_axis": "last", "classes": [NODULE]}
POINTS = {"kind": "points", **NODULE}
IMAGES = [{"kind": "images"}]
TWO = [{"name": "a"}, {"name": "b"}]
WINDOWED = {"mode": "sliding-window", "roi_size": [8, 8, 8]}


def labelled(**changes):
    return {"outputs": [{"kind": "labels", "labels": [LABEL | changes]}]}


def typed(**changes):
    return labelled(type=LIVER | changes)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        (typed(value="10200005"), "10200005 .* did you mean .*10200004"),
        (typed(meaning="Spleen"), "means 'Liver.*not 'Spleen'.*78961009"),
        (typed(scheme="DCM"), "did you mean|PS3.16 lists for DCM"),
        (typed(scheme="no such"), "scheme"),
        (labelled(category=LIVER), "CID 7150"),
        (labelled(colour=[0, 0, 256]), "colour"),
        (labelled(measure=["weight"]), "measure"),
        (labelled(measure=["mean"]), "HU; expected modality CT"),
        (labelled(name=""), "name"),
        ({"outputs": [{"kind": "labels", "labels": []}]}, "labels"),
        ({"outputs": [{"kind": "labels", "labels": [LABEL, LABEL]}]}, "name of its own"),
        ({"outputs": [{**LABELS, "threshold": 1.5}]}, "threshold"),
        ({"outputs": [{**LABELS, "encoding": "hot"}]}, "encoding"),
        ({"outputs": [LABELS, LABELS]}, "expected one, with all labels"),
        ({"outputs": [NUMBER | {"unit": "mL"}]}, "near it are .*ml"),
        ({"outputs": [NUMBER | {"unit": "furlong"}]}, "UCUM"),
        ({"outputs": [{"kind": "poem"}]}, "labels"),
        ({"outputs": []}, "expected \\[\\[outputs\\]\\]"),
        ({"outputs": [LABELS], "inputs": [{"name": "a"}, {"name": "b"}]}, "no \\[\\[channels"),
        ({"runtime": {"entry": "a:B"}, "outputs": [LABELS]}, "expected no \\[\\[outputs"),
        ({"runtime": {"kind": "monai-bundle"}, "outputs": [NUMBER]}, "as bundles give"),
        ({"runtime": {"kind": "monai-bundle"}, "inference": WINDOWED}, "no \\[inference"),
        ({"inputs": [{"kind": "images"}]}, "grid of a volume"),
        ({"preprocessing": {"orientation": "RAX"}}, "three letters"),
        ({"preprocessing": {"orientation": "RLS"}}, "three letters"),
        ({"preprocessing": {"spacing_mm": [1, 1, 0]}}, "above 0"),
        ({"preprocessing": {"size": [1, 1]}}, "size"),
        ({"preprocessing": {"window": {"low": 1, "high": 1}}}, "below its high"),
        ({"preprocessing": {"transforms": [{"name": "Lambda"}]}}, "NormalizeIntensity"),
        ({"inference": {"mode": "sliding-window"}}, "roi_size"),
        ({"inference": {"roi_size": [8, 8, 8]}}, "roi_size"),
        ({"inference": WINDOWED | {"roi_size": [8, 0, 8]}}, "above 0"),
        ({"inference": WINDOWED | {"overlap": 1}}, "overlap"),
        ({"inference": {"mode": "slices"}, "outputs": [NUMBER]}, "labels, heat-map or peaks"),
        ({"outputs": [BOXES | {"mode": "xyzw"}]}, "'xyzxyz', .*'cccwhd'"),
        ({"outputs": [{k: v for k, v in BOXES.items() if k != "x_axis"}]}, "x_axis\n.*required"),
        ({"outputs": [BOXES | {"mode": "xyxy"}]}, "xyxy, of 2 axes; the network sees 3"),
        ({"outputs": [BOXES], "inputs": IMAGES}, "xyzxyz, of 3 axes; the network sees 2"),
        ({"outputs": [BOXES | {"classes": []}]}, "classes"),
        ({"outputs": [BOXES | {"scores": "s"}]}, "found 1 named.*expected tensor, scores and lab"),
        ({"outputs": [BOXES | {"labels": "l", "class_from": "scores"}]}, "expected one of both"),
        ({"outputs": [BOXES | {"first_label": 1, "class_from": "scores"}]}, "have no numbers"),
        ({"outputs": [BOXES | {"encoding": "softmax"}]}, "a single score has no softmax"),
        ({"outputs": [BOXES | {"encoding": "labels"}]}, "boxes.encoding"),
        ({"outputs": [BOXES | {"maximum_overlap": 1.5}]}, "maximum_overlap"),
        ({"runtime": {"kind": "monai-bundle"}, "outputs": [BOXES]}, "whose tensors are named"),
        ({"outputs": [BOXES | {"origin": "edge"}]}, "'corner' or 'middle'"),
        ({"outputs": [BOXES | {"units": "cm"}]}, "'voxels', 'normalised', 'lps-mm' or 'ras-mm'"),
        ({"outputs": [BOXES], "inference": WINDOWED}, "labels, heat-map or peaks"),
        ({"outputs": [BOXES], "inference": {"mode": "slices"}}, "3 axes; the network sees 2"),
        ({"outputs": [LABELS, POINTS], "inference": {"mode": "slices"}}, "boxes and points alone"),
        ({"outputs": [BOXES, POINTS | {"tensor": "p"}]}, "1 of 4 tensors .* have names"),
        ({"outputs": [POINTS | {"units": "lps-mm"}], "inputs": IMAGES}, "no place in the patient"),
        ({"outputs": [{"kind": "peaks", "encoding": "softmax", "classes": [NODULE]}]}, "encoding"),
        ({"outputs": [{"kind": "outlines", "classes": [NODULE]}]}, "drawn on images"),
        (
            {"outputs": [NUMBER], "inputs": IMAGES, "inference": {"mode": "slices"}},
            "expected whole",
        ),
        (
            {"outputs": [NUMBER], "inputs": IMAGES, "preprocessing": {"size": [8, 8, 8]}},
            "expected 2 numbers",
        ),
        (
            {"outputs": [NUMBER], "inputs": IMAGES, "preprocessing": {"orientation": "RAS"}},
            "no orientation",
        ),
        ({"channels": [{"input": "b"}]}, "of input 'b'; expected one of image"),
        ({"inputs": TWO, "channels": [{"input": "a"}]}, "input b is no channel"),
        (
            {"inputs": [TWO[0], TWO[1] | {"optional": True}], "channels": [{"input": "a"}]},
            "b is optional, but a network needs all",
        ),
        ({"channels": [{"input": "image", "colour": "red"}]}, "a volume, which has no colours"),
        (
            {"channels": [{"input": "image", "tensor": "x"}, {"input": "image"}]},
            "expected all or none",
        ),
        (
            {"inputs": [IMAGES[0] | TWO[0], TWO[1]], "channels": [{"input": n} for n in "ab"]},
            "no common grid",
        ),
        (
            {"runtime": {"entry": "a:B"}, "outputs": [], "channels": [{"input": "image"}]},
            "no \\[\\[channels",
        ),
        (
            {"runtime": {"kind": "monai-bundle"}, "channels": [{"input": "image", "tensor": "x"}]},
            "channels with no window, no tensor",
        ),
        ({"resources": {"threads": 0}}, "threads"),
        ({"resources": {"priority": "STAT"}}, "'HIGH', 'MEDIUM' or 'LOW'"),
        ({"family": "wizardry"}, "family"),
    ],
    ids=str,
)
def test_a_section_that_cannot_be_is_refused_with_its_field(sections, told):
    given = {"runtime": {"kind": "onnx"}, "outputs": [LABELS]} | sections
    with pytest.raises(ValidationError, match=told):
        card(given.pop("runtime"), **given)


@pytest.mark.parametrize(
    "concept",
    [
        {"scheme": "SCT", "value": "44029006", "meaning": "Left lung"},
        {"scheme": "99LAB", "value": "X1", "meaning": "Something of ours"},
        {"scheme": "SCT", "value": "955009", "meaning": "Bronchus of lobe", "extension": True},
    ],
    ids=str,
)
def test_codes_beyond_the_context_groups_are_taken_where_they_are_meant(concept):
    one = card(
        {"kind": "onnx"}, outputs=[{"kind": "labels", "labels": [LABEL | {"type": concept}]}]
    )
    (output,) = one.outputs
    assert output.labels[0].type.code.meaning == concept["meaning"]
