"""A network on an inference server: real HTTP and gRPC to servers that compute."""

import numpy as np
import pytest
import tritonclient.grpc
from google.protobuf.descriptor import Descriptor
from tritonclient.grpc import service_pb2

from adapters.runtimes.described import DescribedDifferently
from adapters.runtimes.errors import ModelServerAway
from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.open_inference import InferenceRefused
from adapters.runtimes.open_inference_grpc import GrpcInferenceServer
from adapters.runtimes.open_inference_messages import MESSAGES
from ai_models.card import ModelCard
from ai_models.card.runtime import KServe
from ai_models.contract import Inputs, Model
from standards.findings import Findings
from tests.adapters.runtimes import networks
from tests.adapters.runtimes.inference_grpc_server import grpc_inference_server
from tests.adapters.runtimes.inference_server import Behaviour, inference_server
from tests.ball import ball_mask, ball_volume
from tests.cards import card


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture(params=[inference_server, grpc_inference_server], ids=["HTTP", "gRPC"])
def address(behaviour, request):
    with request.param(behaviour) as address:
        yield address


def served(address: str, model: str = "bright", **sections) -> ModelCard:
    runtime = {"kind": "kserve", "url": address, "model": model}
    inputs = [{"modality": ["CT"]}]
    return card(runtime, inputs=inputs, outputs=[networks.LABELS], **sections)


def marked(model: Model) -> np.ndarray:
    label_map = Findings.of(model.predict(Inputs({"image": ball_volume()}))).label_map
    assert label_map is not None
    return label_map.voxels


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "values"])
@pytest.mark.parametrize(
    "inference",
    [{}, {"mode": "sliding-window", "roi_size": [8, 16, 16], "batch": 3}],
    ids=["whole", "sliding window"],
)
def test_a_served_network_marks_the_ball_exactly(behaviour, address, binary, inference):
    behaviour.binary = binary
    model = load(Loadable(served(address, inference=inference)))
    np.testing.assert_array_equal(marked(model), ball_mask())
    assert set(behaviour.forms) == {"binary" if binary else "json"}


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "values"])
def test_an_image_is_sent_as_the_type_of_number_that_the_model_takes(behaviour, binary):
    behaviour.input_type, behaviour.binary = "INT16", binary
    with inference_server(behaviour) as address:
        model = load(Loadable(served(address)))
        np.testing.assert_array_equal(marked(model), ball_mask())


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        ({"output_shape": (-1, 3, -1, -1, -1)}, r"y has shape \[-1, 3, .*expected \[-1, 2, "),
        ({"input_shape": (-1, 1, 96, 96, 96)}, ""),
        ({"input_shape": (-1, 3, -1, -1, -1)}, r"x has shape \[-1, 3, "),
        ({"input_shape": (-1, 1, -1, -1)}, r"x has shape \[-1, 1, -1, -1\]"),
    ],
    ids=["other channels", "size that the card leaves open", "of colour", "of slices"],
)
def test_what_the_server_says_of_the_model_is_held_against_the_card(
    behaviour, address, shapes, told
):
    for name, shape in shapes.items():
        setattr(behaviour, name, shape)
    if not told:
        assert load(Loadable(served(address)))
        return
    with pytest.raises(DescribedDifferently, match=told):
        load(Loadable(served(address)))


def test_a_model_that_the_server_does_not_know_is_refused(address):
    with pytest.raises(InferenceRefused, match=r"(404|NOT_FOUND).*unknown model"):
        load(Loadable(served(address, "other")))


def test_a_server_that_loads_the_model_is_away(behaviour, address):
    behaviour.ready = False
    with pytest.raises(ModelServerAway, match="not ready"):
        load(Loadable(served(address)))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there_is_away(scheme):
    with pytest.raises(ModelServerAway, match=rf"{scheme}://127\.0\.0\.1:9"):
        load(Loadable(served(f"{scheme}://127.0.0.1:9")))


@pytest.mark.parametrize(
    ("status", "error"), [(503, ModelServerAway), (400, InferenceRefused), (500, InferenceRefused)]
)
def test_a_busy_server_is_away_and_one_that_cannot_refuses(behaviour, address, status, error):
    model = load(Loadable(served(address)))
    behaviour.status = status
    with pytest.raises(error):
        marked(model)


def test_an_image_larger_than_a_server_takes_is_not_sent_again_and_again(behaviour):
    with grpc_inference_server(behaviour) as address:  # 4 MiB, as gRPC has it unless told otherwise
        runtime = served(address).runtime
        assert isinstance(runtime, KServe)
        server = GrpcInferenceServer(runtime, 60)
        metadata = server.metadata()
        image = np.zeros((1, 1, 16, 300, 300), "<f4")
        with pytest.raises(InferenceRefused, match="larger than max"):
            server.infer([(metadata.inputs[0], image)], metadata.outputs)


def test_the_double_over_grpc_answers_the_client_of_triton_as_triton_would(behaviour):
    voxels = ball_volume().voxels[None, None].astype(np.float32)
    image = tritonclient.grpc.InferInput("x", voxels.shape, "FP32")
    image.set_data_from_numpy(voxels)
    with grpc_inference_server(behaviour) as address:
        client = tritonclient.grpc.InferenceServerClient(address.removeprefix("grpc://"))
        assert client.is_model_ready("bright")
        (told,) = client.get_model_metadata("bright").inputs
        assert (told.name, told.datatype, [*told.shape]) == ("x", "FP32", [-1, 1, -1, -1, -1])
        answer = client.infer("bright", [image]).as_numpy("y")
        client.close()
    assert answer is not None
    np.testing.assert_array_equal(answer[0].argmax(0), ball_mask())


@pytest.mark.parametrize(
    "message", [name for name in MESSAGES if name.endswith(("Request", "Response"))]
)
def test_our_messages_over_grpc_are_on_the_wire_those_of_triton(message):
    def compare(ours: Descriptor, published: Descriptor) -> None:
        for field in ours.fields:
            theirs = published.fields_by_name[field.name]
            assert (field.number, field.type) == (theirs.number, theirs.type)
            assert field.is_repeated == theirs.is_repeated
            if field.message_type:
                compare(field.message_type, theirs.message_type)

    compare(MESSAGES[message].DESCRIPTOR, getattr(service_pb2, message).DESCRIPTOR)
