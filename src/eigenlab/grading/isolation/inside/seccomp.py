"""A seccomp filter: system calls that no solution needs fail with EPERM.

Networks, new processes and programs, tracing, mounting, kernel modules and the like are denied.
Everything else stays allowed, ``arch_prctl`` for instance, without which AMX does not work.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

#: What is denied: name -> number on x86_64 and on aarch64, -1 where it does not exist.
DENIED = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "quotactl": (179, 60),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "sethostname": (170, 161), "setdomainname": (171, 162),
    "personality": (135, 92), "iopl": (172, -1), "ioperm": (173, -1),
    "mknod": (133, -1), "mknodat": (259, 33), "symlink": (88, -1), "symlinkat": (266, 36),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190),
}  # fmt: skip
#: Number of ``clone`` and of ``clone3``, and the identifier of the architecture.
ARCHITECTURES = {"x86_64": (0, 56, 435, 0xC000003E), "aarch64": (1, 220, 435, 0xC00000B7)}
CLONE_THREAD = 0x10000
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NO_NEW_PRIVS, SET_SECCOMP = 38, 22


def restrict() -> str:
    """Install the filter; what is in force, or ``""`` where it cannot be."""
    system = os.uname()
    if system.sysname != "Linux" or system.machine not in ARCHITECTURES:
        return ""
    if not no_new_privileges():
        return ""
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(system.machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    description = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(SET_SECCOMP, 2, description, 0, 0):
        return ""
    return "seccomp"


def no_new_privileges() -> bool:
    """No program that is started gives this process more rights than it has."""
    if os.uname().sysname != "Linux":
        return False
    return not ctypes.CDLL(None, use_errno=True).prctl(NO_NEW_PRIVS, 1, 0, 0, 0)


def program(machine: str) -> bytes:
    """The filter's instructions for an architecture."""
    column, clone, clone3, identifier = ARCHITECTURES[machine]
    numbers = sorted(pair[column] for pair in DENIED.values() if pair[column] >= 0)
    denied = FAIL | errno.EPERM
    steps = [
        (LOAD, 0, 0, 4),  # the architecture
        (EQUAL, 1, 0, identifier),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),  # the number of the system call
        (AT_LEAST, 0, 1, 0x40000000 if machine == "x86_64" else 0xFFFFFFFF),  # x32
        (RETURN, 0, 0, denied),
        (EQUAL, 0, 1, clone3),  # its flags are out of reach; libraries fall back to clone
        (RETURN, 0, 0, FAIL | errno.ENOSYS),
        (EQUAL, 0, 4, clone),
        (LOAD, 0, 0, 16),  # the flags
        (ANY_BIT, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, denied),
        (RETURN, 0, 0, ALLOW),
    ]
    for number in numbers:
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, denied)]
    steps.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)
