"""All settings, each from the environment (AIRGATE_...) or a flag of `airgate serve`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once at start and handed down; DESIGN.md, The outside contract."""

    model_config = SettingsConfigDict(env_prefix="AIRGATE_", extra="ignore")

    data: Path = Field(
        default=Path("var"), description="all state: database, Orthanc's storage, spool, token"
    )
    http: str = Field(
        default="127.0.0.1:8080",
        pattern=r"^[^:@/\s]+:\d{1,5}$",
        description="HTTP listener, host:port",
    )
    public_url: str | None = Field(
        default=None,
        description="root used in RetrieveURL and FHIR links; unset = taken from the request",
    )
    dicom: str = Field(
        default="AIRGATE@127.0.0.1:11112",
        pattern=r"^(off|[^@\s]{1,16}@[^:@/\s]+:\d{1,5})$",
        description="DIMSE listener, AET@host:port, or `off`",
    )
    archive: str = Field(
        default="orthanc",
        description="`orthanc` = start and mind a child Orthanc; an http(s) URL; or `folder`",
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; unset = SQLite in the data folder"
    )
    token: str | None = Field(
        default=None,
        description="administrator bearer token; unset = made once, kept in the data folder",
    )
    workers: int = Field(default=1, ge=0, le=64, description="worker processes inside `serve`")
    quiet_seconds: float = Field(
        default=10, ge=0, description="a study without a new instance for so long is complete"
    )
    rules: Path | None = Field(
        default=None,
        description="routing rules file (YAML), read at start; unset = the bundled one",
    )
    ohif: Path = Field(
        default=Path(".cache/ohif"), description="folder with OHIF's ready static site"
    )
    maximum_part_mb: int = Field(
        default=4096, ge=1, description="largest instance that STOW-RS accepts, in MiB"
    )
    maximum_parts: int = Field(
        default=20_000, ge=1, description="most instances in one STOW-RS request"
    )

    @property
    def http_address(self) -> tuple[str, int]:
        host, _, port = self.http.rpartition(":")
        return host, int(port)

    @property
    def dicom_address(self) -> tuple[str, str, int] | None:
        """AE title, host and port of the DIMSE listener; None when it is off."""
        if self.dicom == "off":
            return None
        title, _, address = self.dicom.partition("@")
        host, _, port = address.rpartition(":")
        return title, host, int(port)

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data / 'airgate.db').resolve()}"

    @property
    def root_url(self) -> str:
        """The root that links carry when no request tells a better one."""
        return (self.public_url or f"http://{self.http}").rstrip("/")

    @property
    def spool(self) -> Path:
        return self.data / "spool"
