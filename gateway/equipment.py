"""How the gateway names itself in what it writes."""

from importlib.metadata import version

from standards.identity import Equipment

VERSION = version("airgate")

EQUIPMENT = Equipment(
    manufacturer="Airgate",
    manufacturer_model_name="Airgate gateway",
    device_serial_number="1",
    software_versions=VERSION,
)
