"""Small images whose pixels can be said, and what is shown of them.

image(WindowCenter=20, WindowWidth=100) -> Dataset;  shown(image(), window="50,80,linear") -> array
"""

from io import BytesIO

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from gateway.rendering.frame import Order, Rendered, render
from gateway.rendering.parameters import parse_rendering
from gateway.rendering.presentation import PresentationState
from gateway.retrieve.pixels import StoredPixels
from standards.part10 import read_header
from tests.gateway.index_helper import written

STUDY = "2.25.300"
ROWS, COLUMNS = 20, 30
HU = np.arange(COLUMNS) * 10.0 - 100  # modality values of every row of `image`


def image(series: int = 1, number: int = 1, **attributes: object) -> Dataset:
    """A ramp of stored values 0, 10, 20 ... along the columns; HU = value - 100."""
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, f"{STUDY}.{series}"
    ds.SOPInstanceUID = f"{STUDY}.{series}.{number}"
    ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "Example^Erika", "19700102", "F"
    ds.PatientID, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "P", "CT", series, number
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, -100
    ds.PixelData = np.tile(np.arange(COLUMNS, dtype="<u2") * 10, (ROWS, 1)).tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def eight_bits(values: np.ndarray, **attributes: object) -> Dataset:
    """An image of 8-bit samples as given, (rows, columns) or (rows, columns, 3)."""
    is_colour = values.ndim == 3
    ds = image(
        Rows=values.shape[0],
        Columns=values.shape[1],
        SamplesPerPixel=3 if is_colour else 1,
        PhotometricInterpretation="RGB" if is_colour else "MONOCHROME2",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=values.astype(np.uint8).tobytes(),
    )
    del ds.RescaleSlope, ds.RescaleIntercept
    if is_colour:
        ds.PlanarConfiguration = 0
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def lut(entries: np.ndarray, first: int = 0, bits: int = 16) -> Dataset:
    """An item of a LUT sequence."""
    dataset = Dataset()
    kind = "SS" if first < 0 else "US"
    dataset.add_new("LUTDescriptor", kind, [len(entries) % 65536, first, bits])
    dataset.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return dataset


def rendered(
    ds: Dataset,
    media_type: str = "image/png",
    frame: int = 1,
    state: Dataset | None = None,
    **query: str,
) -> Rendered:
    pixels = StoredPixels(written(ds), ds.SOPInstanceUID)
    read = PresentationState(read_header(written(state)).dataset) if state is not None else None
    return render(Order(pixels, frame, parse_rendering(query), read), media_type)


def shown(ds: Dataset, frame: int = 1, state: Dataset | None = None, **query: str) -> np.ndarray:
    """The pixels of the picture, read back from its PNG."""
    made = rendered(ds, frame=frame, state=state, **query)
    return np.asarray(Image.open(BytesIO(made.content)))
