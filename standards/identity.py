"""Who made a result: the equipment (this gateway) and the algorithm (the model)."""

from dataclasses import dataclass

from pydicom.sr.coding import Code

from standards import codes
from standards.uids import derived_uid


@dataclass(frozen=True, slots=True)
class Equipment:
    """The General Equipment module of what this gateway writes (PS3.3 C.7.5.1, C.7.5.2).

    IHE AIR Rev 1.3, 6.5.3.1: it describes the Evidence Creator, not the model.
    """

    manufacturer: str
    manufacturer_model_name: str
    device_serial_number: str
    software_versions: str


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One build of one model (PS3.3 10.16; IHE AIR 6.5.3.1 Contributing Equipment).

    digest: hexadecimal sha256 of code and weights, so that another build is another device.
    parameters: text of the parameters that shaped the result, empty where there are none.
    """

    name: str
    version: str
    manufacturer: str
    digest: str
    family: Code = codes.ARTIFICIAL_INTELLIGENCE
    parameters: str = ""

    @property
    def device_uid(self) -> str:
        """Device UID (0018,1002): changes whenever name, version or digest change."""
        return derived_uid("device", self.name, self.version, self.digest)
