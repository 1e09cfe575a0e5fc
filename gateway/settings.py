"""All settings, each from the environment (AIRGATE_...) or a flag of `airgate serve`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.runtimes.confinement import Network
from gateway.total_memory import total_memory

LEAST_MODEL_MEMORY = 2048 << 20  # bytes: what a card asks for that says nothing


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
    model_memory_mb: int | None = Field(
        default=None,
        ge=256,
        description="memory for the models of one worker, in MiB, those that rest and those at "
        "work; unset = three quarters of the machine's or the container's, shared among the workers"
        " of `serve`, and 2048 at least",
    )
    model_network: Network = Field(
        default="withheld",
        description="the network, for models whose card does not ask for it: `withheld` as far as "
        "the kernel lets us; `required` runs no model where it does not; `open` = they have it",
    )
    model_reads: str = Field(
        default="",
        pattern=r"^(/[^:]*(:/[^:]*)*)?$",
        description="files and folders that models may read beside their own, with `:` between; "
        "`/` = all but the data folder; empty = none",
    )
    container_engine: Literal["docker", "podman", "kubernetes"] | None = Field(
        default=None,
        description="what runs models of kind `container`; unset = docker or podman, the first "
        "whose command is on PATH",
    )
    container_claim: str | None = Field(
        default=None,
        description="with kubernetes: the PersistentVolumeClaim that workers and Jobs share",
    )
    container_mount: str | None = Field(
        default=None,
        pattern="^/",
        description="with kubernetes: the folder at which workers have that claim mounted",
    )
    container_namespace: str | None = Field(
        default=None,
        description="with kubernetes: the namespace of claim and Jobs; unset = the worker's own, "
        "or `default` outside a cluster",
    )
    quiet_seconds: float = Field(
        default=10, ge=0, description="a study without a new instance for so long is complete"
    )
    sources: str = Field(
        default="",
        pattern=r"^\s*([^=\s]{1,16}=(https?://\S+|[^@=\s]{1,16}@[^:@/\s]+:\d{1,5})(\s+|$))*$",
        description="who knows how many instances a study has, by its sender's AE title: "
        "`CT1=PACS@10.0.0.7:104` is asked by C-FIND, `*=https://pacs.example/dicom-web` by QIDO-RS "
        "for all others; with spaces between; empty = nobody is asked",
    )
    association_seconds: float = Field(
        default=0.15,
        ge=0,
        description="a study is complete so long after the last association that brought it was "
        "released; some senders open one for each series, and need longer",
    )
    incomplete_seconds: float = Field(
        default=120,
        ge=0,
        description="quiet time of a study of which more was promised: by an open association, an "
        "announced number, a series that a rule requires",
    )
    maximum_quiet_seconds: float = Field(
        default=600,
        ge=0,
        description="each time that more comes of a complete study, its quiet time is twice as "
        "long for a day, up to this",
    )
    trace_days: float = Field(
        default=730, gt=0, description="the traces of studies are forgotten after so many days"
    )
    follow_changes: bool = Field(
        default=True,
        description="index what reached an Orthanc without the gateway, and forget what left it",
    )
    found_hours: float = Field(
        default=24,
        ge=0,
        description="models run on what is found in the archive if it came there within so many "
        "hours; what is older is only indexed",
    )
    rules: Path | None = Field(
        default=None,
        description="routing rules file (YAML), taken over at a start when it changed; "
        "unset = the bundled one",
    )
    cors_origins: str = Field(
        default="",
        pattern=r"^(\*|(https?://[^\s,/*]+([\s,]+https?://[^\s,/*]+)*)?)$",
        description="origins whose pages may use the services with a token, such as "
        "`https://viewer.example`, with commas between; `*` = every one; empty = none",
    )
    artefacts: str | None = Field(
        default=None,
        description="where the artefacts of models lie for all machines: a folder, or a URL as "
        "fsspec has it, such as `s3://bucket/airgate`; unset = in the data folder",
    )
    maximum_artefact_mb: int = Field(
        default=8192, ge=1, description="largest artefact of a model that is accepted, in MiB"
    )
    allow_pickles: bool = Field(
        default=False,
        description="models may be registered, and run, whose files hold pickled code, which runs "
        "when they are read: whole networks as `torch.save(network)` writes them, for instance",
    )
    ohif: Path = Field(
        default=Path(".cache/ohif"), description="folder with OHIF's ready static site"
    )
    maximum_part_mb: int = Field(
        default=4096, ge=1, description="largest instance that STOW-RS accepts, in MiB"
    )
    same_uid: Literal["keep-first", "replace"] = Field(
        default="keep-first",
        description="another content under a stored SOP Instance UID: `keep-first` refuses it, "
        "`replace` puts it in place of the stored one; the one that yields is quarantined",
    )
    upload_memory_mb: int = Field(
        default=256,
        ge=1,
        description="memory for uploaded instances on their way, over all requests of a process, "
        "in MiB, and as much again for their headers; what does not fit waits on disk",
    )
    maximum_header_mb: int = Field(
        default=512,
        ge=1,
        description="memory that reading one instance's header may take, in MiB: about 1 KiB for "
        "each of its elements",
    )
    maximum_inflated_data_set_mb: int = Field(
        default=256,
        ge=1,
        description="largest data set of an instance in Deflated Explicit VR Little Endian once "
        "inflated, in MiB",
    )
    maximum_head_kb: int = Field(
        default=256, ge=16, description="largest request line and headers together, in KiB"
    )
    body_seconds: float = Field(
        default=60,
        gt=0,
        description="a request body of which nothing comes for so long is given up (408)",
    )
    maximum_parts: int = Field(
        default=20_000, ge=1, description="most parts in one STOW-RS request"
    )
    maximum_metadata_mb: int = Field(
        default=64,
        ge=1,
        description="largest part of JSON or XML metadata in a STOW-RS request, in MiB",
    )
    maximum_inflated_mb: int = Field(
        default=8192,
        ge=1,
        description="largest STOW-RS request body once its gzip or deflate is undone, in MiB",
    )
    maximum_rendered_megapixels: int = Field(
        default=100,
        ge=1,
        description="largest image that is rendered, and largest picture made of one",
    )
    issuer_of_patient_id: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[ !-\[\]-~]*[!-\[\]-~][ !-\[\]-~]*$",  # LO in the default repertoire
        description="Issuer of Patient ID (0010,0021), in ASCII, given to instances that come "
        "without one, told in their Original Attributes Sequence; unset = nothing is changed",
    )
    search_seconds: float = Field(
        default=10,
        gt=0,
        le=3600,
        description="a search (QIDO-RS) that is not done after so long is refused as too broad",
    )
    empty_search: Literal["200", "204"] = Field(
        default="200",
        description="status of a search without results: 200 with an empty list, as PS3.18 has it "
        "since 2026, or 204 without a body, as before",
    )

    memory_cache_mb: int = Field(
        default=512,
        ge=16,
        description="stored instances of up to 32 MiB kept in memory for viewers, in MiB",
    )
    disk_cache_mb: int = Field(
        default=8192,
        ge=64,
        description="copies of larger instances kept in the data folder for viewers, in MiB",
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
    def ae_title(self) -> str:
        """By which other systems are called, also while nothing is listened for."""
        return self.dicom_address[0] if self.dicom_address else "AIRGATE"

    @property
    def sources_by_title(self) -> dict[str, str]:
        return {
            title: where for title, _, where in (e.partition("=") for e in self.sources.split())
        }

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        return tuple(self.cors_origins.replace(",", " ").split())

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data / 'airgate.db').resolve()}"

    @property
    def artefacts_url(self) -> str:
        return self.artefacts or str((self.data / "artefacts").resolve())

    @property
    def model_memory(self) -> int:
        """Bytes for the models of one worker."""
        if self.model_memory_mb is not None:
            return self.model_memory_mb << 20
        share = total_memory() * 3 // 4 // max(1, self.workers)
        return max(share, LEAST_MODEL_MEMORY)

    @property
    def model_readable(self) -> tuple[Path, ...]:
        return tuple(Path(path) for path in filter(None, self.model_reads.split(":")))

    @property
    def root_url(self) -> str:
        """The root that links carry when no request tells a better one."""
        return (self.public_url or f"http://{self.http}").rstrip("/")

    @property
    def spool(self) -> Path:
        return self.data / "spool"
