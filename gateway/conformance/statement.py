"""The whole statement, its sections in the order and by the names of PS3.2 Annex N."""

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

from adapters.dimse import LARGEST_PDU, MAXIMUM_ASSOCIATIONS, VERIFICATION, storage_classes
from gateway.access import Role
from gateway.completion.notices import REFUSALS
from gateway.conformance import data, services
from gateway.conformance.markdown import code, contents, document, table
from gateway.equipment import VERSION
from gateway.settings import Settings
from standards.announcements import AVAILABILITY, PERFORMED_STEP

ROLES = {
    Role.ADMINISTRATOR: "everything, deletion and tokens among it",
    Role.USER: "what clinical work needs: store, search, retrieve, and read everything else",
    Role.PATIENT: "search and retrieve the studies of one patient",
}


def statement() -> str:
    """The Conformance Statement as Markdown."""
    overview = _overview()
    rest = [
        *_introduction(),
        *_model(),
        *_description(),
        *_configuration(),
        *_details(),
        *_security(),
        *_annexes(),
    ]
    return document(
        f"# DICOM Conformance Statement: Airgate {VERSION}",
        "Written by `airgate conformance` from the tables that the program itself obeys; a test "
        "fails when they and this file diverge. For research use only: not a medical device.\n\n"
        "Sections are meant to follow the template of PS3.2 Annex N (2024 and later). Of its text "
        "only the tables of status codes (N.7) were at hand; the order of the others is inferred.",
        *overview,
        "## 2 Table of Contents",
        contents(rest),
        *rest,
    )


def _overview() -> list[str]:
    rows = [
        *services.overview(),
        ("All services", "Retrieve Capabilities", "origin server"),
        ("Verification", "C-ECHO", "SCP"),
        ("Storage", f"C-STORE, {len(storage_classes())} SOP Classes", "SCP"),
        ("Modality Performed Procedure Step", "N-CREATE, N-SET", "SCP"),
        ("Instance Availability Notification", "N-CREATE", "SCP"),
        ("Media storage", "none", ""),
        ("Real-time video", "none", ""),
    ]
    return [
        "## 1 Conformance Statement Overview",
        "Airgate takes in studies by DICOMweb and DIMSE, lets models of medical imaging AI work on "
        "them, and gives back the results as instances of the same study and as FHIR R4.",
        table(("Service", "Transaction", "Role"), rows),
        "SOP Classes created:",
        data.created(),
    ]


def _introduction() -> list[str]:
    return [
        "## 3 Introduction",
        "### 3.1 Audience",
        "Whoever connects a modality, PACS, viewer or EHR with the gateway.",
        "### 3.2 Remarks",
        "A conformance statement tells what two systems may try; it does not replace trying it. "
        "What FHIR offers is told by `GET /fhir/r4/metadata`.",
        "### 3.3 References",
        "DICOM PS3.2, PS3.4, PS3.5, PS3.10 and PS3.18, read in their editions of 2024 and 2025. "
        "A search without matches answers 200 and an empty list, as PS3.18 has it since 2026; "
        "AIRGATE_EMPTY_SEARCH=204 brings back the answer of earlier editions.",
    ]


def _model() -> list[str]:
    return [
        "## 4 Implementation Model",
        "### 4.1 Application Data Flow",
        "An instance is judged, kept byte for byte in the archive (an Orthanc, or a folder) and "
        "indexed in one transaction; only then its sender is told of success. When a study is "
        "complete, by what was announced of it, by the release of its associations, or after it "
        "has been quiet for AIRGATE_QUIET_SECONDS, routing rules choose models; each piece of work "
        "is a Unified Procedure Step. Results are stored in the study that they describe.",
        "### 4.2 Functional Definitions of Applications",
        table(
            ("Application", "Does"),
            [
                ("Web", "origin server of the DICOM web services, at AIRGATE_HTTP"),
                (
                    "Storage SCP",
                    "receives by C-STORE, and what is announced by MPPS and Instance Availability "
                    "Notification, at AIRGATE_DICOM",
                ),
                ("Worker", "performs workitems, and stores their results"),
            ],
        ),
    ]


def _description() -> list[str]:
    return [
        "## 5 Service and Interoperability Description",
        "### 5.1 Mapping of Services to Application Entities",
        "The Storage SCP is one Application Entity, whose title AIRGATE_DICOM sets. It accepts "
        "any Called AE Title, which routing rules may look at.",
        "### 5.2 Supported DIMSE Services",
        table(
            ("Service", "SOP Classes", "Role"),
            [
                ("Verification", code(VERIFICATION), "SCP"),
                ("Storage", "all of section 9.2", "SCP"),
                ("Modality Performed Procedure Step", code(PERFORMED_STEP), "SCP"),
                ("Instance Availability Notification", code(AVAILABILITY), "SCP"),
            ],
        ),
        "### 5.3 Supported DICOM Web Services",
        "#### 5.3.1 Studies Service",
        services.studies(),
        "Deleting has no transaction in PS3.18. What was deleted answers 410 until it is stored "
        "again.",
        "#### 5.3.2 Query parameters",
        services.parameters(),
        "#### 5.3.3 Attributes of searches",
        services.attributes(),
        "#### 5.3.4 Worklist Service",
        services.worklist(),
        "Workitems are the gateway's own jobs: routing rules create them, and so may whoever "
        "asks. Workers of the gateway claim those of its models, performers outside the others, "
        "or whoever is first. An absent attribute of type 2 is added empty, an absent Worklist "
        "Label is AIRGATE. Of a workitem that its performer cancels, Procedure Step Cancellation "
        "DateTime and Discontinuation Reason Code are filled in where they lack. A Transaction "
        "UID that does not fit answers 409. Final workitems are never deleted, so every deletion "
        "lock is granted; event reports that no WebSocket fetches within an hour are dropped. "
        "There is no DIMSE service of workitems.",
        "#### 5.3.5 Retrieve Capabilities",
        "OPTIONS of `/`, of `/dicom-web/` and of every resource gives its description as WADL, or "
        "as JSON where that is asked for.",
        "### 5.4 Supported Media Storage Services",
        "None.",
    ]


def _configuration() -> list[str]:
    rows = [
        (code(f"AIRGATE_{name.upper()}"), code(field.default), field.description)
        for name, field in Settings.model_fields.items()
        if field.default is not None
    ]
    rows += [
        (code(f"AIRGATE_{name.upper()}"), "unset", field.description)
        for name, field in Settings.model_fields.items()
        if field.default is None
    ]
    return [
        "## 6 Configuration",
        "Each setting is an environment variable, read at start.",
        table(("Setting", "Default", "Meaning"), rows),
    ]


def _details() -> list[str]:
    return [
        "## 7 Network and Media Communication Details",
        "### 7.1 Application Entities: Association Policies",
        table(
            ("Parameter", "Value"),
            [
                ("Application Context Name", code("1.2.840.10008.3.1.1.1")),
                ("Associations at one time", MAXIMUM_ASSOCIATIONS),
                ("Maximum PDU size received", f"{LARGEST_PDU} bytes"),
                ("Implementation Class UID", code(PYNETDICOM_IMPLEMENTATION_UID)),
                ("Implementation Version Name", code(PYNETDICOM_IMPLEMENTATION_VERSION)),
                ("Asynchronous operations", "none"),
                ("Presentation Contexts accepted", "section 9.2 with every one of section 9.3"),
                ("Associations initiated", "none"),
            ],
        ),
        "### 7.2 DICOM Web Services: HTTP",
        services.http(),
        "### 7.3 Status Codes",
        "#### 7.3.1 DIMSE Services: Storage",
        "Success (0000H) is answered once the instance is safe and indexed. Otherwise the status "
        "is the Failure Reason of the store transaction, with its reason in Error Comment "
        "(0000,0902).",
        "#### 7.3.1 DIMSE Services: Modality Performed Procedure Step, Instance Availability",
        table(
            ("Status", "When"),
            [("0000H", "noted"), *((f"{one.code:04X}H", one.comment) for one in REFUSALS)],
        ),
        "Of a step its studies, its status and the instances that it lists are kept. It can not be "
        "retrieved.",
        "#### 7.3.3.3 Studies Web Service",
        "##### 7.3.3.3.1 Retrieve Transaction as Origin Server",
        services.codes_of_retrieve(),
        "##### 7.3.3.3.3 Store Transaction as Origin Server",
        services.codes_of_store(),
        "##### 7.3.3.3.5 Search Transaction as Origin Server",
        services.codes_of_search(),
        "#### Other transactions",
        services.other_codes(),
    ]


def _security() -> list[str]:
    return [
        "## 8 Security",
        "Every request but the probes of health and metrics carries a bearer token (RFC 6750), or "
        "comes in a browser session made from one. Each token has a role:",
        table(("Role", "May"), [(role.value, ROLES[role]) for role in Role]),
        "The gateway speaks plain HTTP and DIMSE; TLS is the task of what stands before it. No "
        "profile of PS3.15 is claimed. Logs and error messages hold UIDs, never names, birth "
        "dates or Patient IDs.",
    ]


def _annexes() -> list[str]:
    return [
        "## 9 Annexes",
        "### 9.1 SOP Classes created",
        data.created(),
        "### 9.2 Storage SOP Classes",
        data.stored(),
        "### 9.3 Transfer Syntaxes",
        data.transfer_syntaxes(),
        "### 9.4 Character Sets",
        data.character_sets(),
    ]
