"""Landlock: limits that a Linux process sets itself, and all that it starts, for good.

landlock(7), linux/landlock.h. Any user may; each version of the interface can limit more.
"""

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from enum import IntFlag
from pathlib import Path
from stat import S_ISDIR

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, on every architecture
_ASK_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


class Access(IntFlag):
    """LANDLOCK_ACCESS_FS_..., those that rules here speak of."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE
_OF_FILES |= Access.IOCTL_DEV
READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
LIST = Access.READ_DIR
ALL = Access((1 << 16) - 1)

# Version of the interface -> the rights to files that it knows, all from the first on.
_KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract Unix sockets of others, and signals to them


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def restrict(allowed: Iterable[tuple[Path, Access]], *, tcp: bool) -> None:
    """From now on, only what is allowed at or below these paths; what is not there is passed over.

    Processes outside are out of reach of signals and ptrace as well, as far as the kernel's version
    goes. tcp: whether connections may be made.

    To be called while the process has one thread. Raises OSError where there is no Landlock.
    """
    version = _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    files = max(rights for since, rights in _KNOWN.items() if since <= version)
    ruleset = _Ruleset(
        files,
        _TCP if not tcp and version >= _TCP_SINCE else 0,
        _SCOPES if version >= _SCOPES_SINCE else 0,
    )
    rules = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    for path, access in allowed:
        with suppress(FileNotFoundError, PermissionError):
            _allow(rules, path, access & files)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise _error()
    _call(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _allow(rules: int, path: Path, access: Access) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_FILES
        beneath = _PathBeneath(access, place)
        _call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(place)


def _call(*arguments: object) -> int:
    answer = ctypes.CDLL(None, use_errno=True).syscall(*arguments)
    if answer < 0:
        raise _error()
    return answer


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
