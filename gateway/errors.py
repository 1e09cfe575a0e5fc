"""What can go wrong in the gateway, and which HTTP status each kind becomes (RFC 9457)."""


class GatewayError(Exception):
    """Base of what the gateway tells a person. `status` is the HTTP status it becomes."""

    status = 500


class NotConfigured(GatewayError):
    """The gateway cannot start as it is configured; the message says what to do."""


class RulesUnreadable(NotConfigured):
    def __init__(self, path: str, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"routing rules {path} cannot be used: {found}; "
            "mend the file, or unset AIRGATE_RULES to use the bundled rules"
        )


class DatabaseUnusable(NotConfigured):
    def __init__(self, url: str, found: str) -> None:
        self.url, self.found = url, found
        super().__init__(
            f"the database {url} cannot be used: {found}; restore it from a backup, or name "
            "another one by AIRGATE_DATABASE_URL (the archive can be indexed again)"
        )


class PortTaken(NotConfigured):
    def __init__(self, setting: str, address: str) -> None:
        self.setting, self.address = setting, address
        super().__init__(
            f"{address} is already in use; stop the other program or set {setting} to a free port"
        )


class NotFound(GatewayError):
    status = 404

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"no {kind} {name[:128]!r} is known here")


class Conflict(GatewayError):
    status = 409


class Unprocessable(GatewayError):
    """The request is well formed, but what it says cannot be done."""

    status = 422
