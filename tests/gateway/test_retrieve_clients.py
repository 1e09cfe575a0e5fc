"""dicomweb-client retrieves what WADO-RS gives."""

import json

from dicomweb_client import DICOMwebClient
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from tests.gateway.retrieve_example import FILES, PIXELS, SERIES, STUDY, UIDS


def test_dicomweb_client_retrieves_everything(root):
    client = DICOMwebClient(root)
    names = ("explicit", "implicit", "rle", "multi_rle")

    assert len(client.retrieve_study_metadata(STUDY)) == len(FILES)
    stored = client.retrieve_series(STUDY, SERIES, media_types=(("application/dicom", "*"),))
    assert [instance.SOPInstanceUID for instance in stored] == list(UIDS.values())
    for name in names:
        wanted = (("application/dicom", ExplicitVRLittleEndian),)
        instance = client.retrieve_instance(STUDY, SERIES, UIDS[name], media_types=wanted)
        assert instance.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        frames = client.retrieve_instance_frames(STUDY, SERIES, UIDS[name], [1])
        assert frames == [PIXELS[0].tobytes()]
        header = client.retrieve_instance_metadata(STUDY, SERIES, UIDS[name])
        assert Dataset.from_json(json.dumps(header), lambda *_: b"").SOPInstanceUID == UIDS[name]
        assert client.retrieve_bulkdata(header["7FE00010"]["BulkDataURI"])
    jpeg_ls = client.retrieve_instance_frames(
        STUDY, SERIES, UIDS["jpegls"], [1], media_types=(("image/jls", JPEGLSLossless),)
    )
    assert jpeg_ls[0][:2] == b"\xff\xd8"
