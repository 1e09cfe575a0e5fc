"""The beginning of a DICOM Part 10 file: preamble, prefix, File Meta Information (PS3.10 7.1)."""

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID


def file_head(transfer_syntax_uid: str, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """All that stands before the data set. None of the UIDs may be empty."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    written = DicomBytesIO()
    write_file_meta_info(written, meta, enforce_standard=True)
    return b"\0" * 128 + b"DICM" + written.getvalue()
