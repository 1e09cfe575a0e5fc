"""Taking the network away from this process, and from all that it starts."""

import ctypes
import os

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h


def withhold() -> None:
    """Into a network namespace of its own, in which there is nothing (network_namespaces(7)).

    A user namespace comes with it (user_namespaces(7)): anyone may make one where the kernel allows
    it, and in it the process has no way back, and cannot read the memory or the environment of
    processes outside. It keeps its user and group.

    To be called while the process has one thread. Raises OSError where the kernel refuses.
    """
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, content in (
        ("setgroups", "deny"),  # or no group may be mapped
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as stream:
            stream.write(content)
