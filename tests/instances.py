"""Small but whole instances, made to order: Part 10 bytes as a sender would have them."""

from io import BytesIO

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def instance(number: int = 1, *, study: str = "1.2.826.0.1", series: str = "", **changes) -> bytes:
    """CT slice `number` of a series of the study; `changes` are attributes set last."""
    series = series or f"{study}.1"
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{series}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.PatientID, ds.PatientName = "P1", "Doe^Jané"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyDate, ds.StudyDescription, ds.AccessionNumber = "20240102", "Thorax", "A1"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 3, number
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.PixelData = number.to_bytes(2, "little") * 64
    ds["PixelData"].VR = "OW"
    for keyword, changed in changes.items():
        setattr(ds, keyword, changed)
    return written(ds)


def written(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a Part 10 file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
