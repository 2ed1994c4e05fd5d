"""The mirror of ``bpf/events.h``; a test compiles that header and compares every size, offset and constant."""

import ctypes
from typing import ClassVar

ABI = 1
COMM, NAME, CONTAINER, ANCESTORS, PATH, TRIE = 16, 39, 128, 8, 4096, 248
INODE_WORDS, SLOTS = 64, 512

EXEC, FILE, FORK, EXIT = 1, 2, 3, 4
CLASSES = ("exec", "file", "process")
"""In the order of ``enum hg_class``; the names under which losses are reported."""

TTY, ARGS_TRUNCATED, PATH_TRUNCATED = 1 << 0, 1 << 1, 1 << 2
UPPER, COPIED_UP, MODIFIED, MEMFD, DELETED, TMPFS, NEW = (1 << bit for bit in range(3, 10))
KILLED, READS, WRITES, BY_INODE = (1 << bit for bit in range(10, 14))
OUTSIDE = 1
KILL_NEW = 1
PATH_SENSITIVE, PATH_EXEMPT = b"S", b"X"
NAME_FILE, NAME_DIRECTORY = b"F", b"D"
CGROUP_V2, CGROUP_MEMORY, CGROUP_PIDS = 0, 1, 2


class Head(ctypes.Structure):
    """``struct hg_head``."""

    _fields_: ClassVar = [
        ("abi", ctypes.c_uint16),
        ("kind", ctypes.c_uint16),
        ("cpu", ctypes.c_uint32),
        ("sequence", ctypes.c_uint64),
        ("time_ns", ctypes.c_uint64),
        ("cgroup", ctypes.c_uint64),
    ]


class Task(ctypes.Structure):
    """``struct hg_task``."""

    _fields_: ClassVar = [
        ("start_ns", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("comm", ctypes.c_char * COMM),
    ]


class Event(ctypes.Structure):
    """``struct hg_event``; four strings follow it."""

    _fields_: ClassVar = [
        ("head", Head),
        ("task", Task),
        ("ppid", ctypes.c_uint32),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("inode", ctypes.c_uint64),
        ("device", ctypes.c_uint32),
        ("ancestors", ctypes.c_uint32),
        ("path_size", ctypes.c_uint32),
        ("other_size", ctypes.c_uint32),
        ("exe_size", ctypes.c_uint32),
        ("args_size", ctypes.c_uint32),
        ("slot", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("container", ctypes.c_char * CONTAINER),
        ("ancestry", Task * ANCESTORS),
    ]


class Proc(ctypes.Structure):
    """``struct hg_proc``."""

    _fields_: ClassVar = [("head", Head), ("task", Task), ("ppid", ctypes.c_uint32), ("pad", ctypes.c_uint32 * 3)]


class Verdict(ctypes.Structure):
    """``struct hg_verdict``."""

    _fields_: ClassVar = [("container", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("name", ctypes.c_char * CONTAINER)]


class Known(ctypes.Structure):
    """``struct hg_known``."""

    _fields_: ClassVar = [("host", ctypes.c_uint32), ("slot", ctypes.c_uint32)]


class Slot(ctypes.Structure):
    """``struct hg_slot``."""

    _fields_: ClassVar = [("flags", ctypes.c_uint32)]


class Name(ctypes.Structure):
    """``struct hg_name``."""

    _fields_: ClassVar = [("kind", ctypes.c_char), ("name", ctypes.c_char * NAME)]


class Inode(ctypes.Structure):
    """``struct hg_inode``."""

    _fields_: ClassVar = [("inode", ctypes.c_uint64), ("device", ctypes.c_uint32), ("pad", ctypes.c_uint32)]


class Path(ctypes.Structure):
    """``struct hg_path``."""

    _fields_: ClassVar = [
        ("bits", ctypes.c_uint32),
        ("slot", ctypes.c_uint16),
        ("kind", ctypes.c_char),
        ("path", ctypes.c_char * TRIE),
        ("pad", ctypes.c_char),
    ]


class Host(ctypes.Structure):
    """``struct hg_host``."""

    _fields_: ClassVar = [
        ("mnt_ns", ctypes.c_uint32),
        ("controller", ctypes.c_uint32),
        ("typed", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
    ]


class Config(ctypes.Structure):
    """``struct hg_config``."""

    _fields_: ClassVar = [
        ("name_lengths", ctypes.c_uint64),
        ("directory_lengths", ctypes.c_uint64),
        ("unknown_slot", ctypes.c_uint32),
        ("everything", ctypes.c_uint32),
        ("every_exec", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("inodes", ctypes.c_uint64 * INODE_WORDS),
    ]


MIRROR: dict[str, type[ctypes.Structure]] = {
    "hg_head": Head,
    "hg_task": Task,
    "hg_event": Event,
    "hg_proc": Proc,
    "hg_verdict": Verdict,
    "hg_known": Known,
    "hg_slot": Slot,
    "hg_name": Name,
    "hg_inode": Inode,
    "hg_path": Path,
    "hg_host": Host,
    "hg_config": Config,
}

CONSTANTS: dict[str, int] = {
    "HG_ABI": ABI,
    "HG_COMM": COMM,
    "HG_NAME": NAME,
    "HG_CONTAINER": CONTAINER,
    "HG_ANCESTORS": ANCESTORS,
    "HG_PATH": PATH,
    "HG_TRIE": TRIE,
    "HG_INODE_WORDS": INODE_WORDS,
    "HG_SLOTS": SLOTS,
    "HG_EXEC": EXEC,
    "HG_FILE": FILE,
    "HG_FORK": FORK,
    "HG_EXIT": EXIT,
    "HG_CLASS_EXEC": 0,
    "HG_CLASS_FILE": 1,
    "HG_CLASS_PROC": 2,
    "HG_CLASSES": len(CLASSES),
    "HG_TTY": TTY,
    "HG_ARGS_TRUNCATED": ARGS_TRUNCATED,
    "HG_PATH_TRUNCATED": PATH_TRUNCATED,
    "HG_UPPER": UPPER,
    "HG_COPIED_UP": COPIED_UP,
    "HG_MODIFIED": MODIFIED,
    "HG_MEMFD": MEMFD,
    "HG_DELETED": DELETED,
    "HG_TMPFS": TMPFS,
    "HG_NEW": NEW,
    "HG_KILLED": KILLED,
    "HG_READS": READS,
    "HG_WRITES": WRITES,
    "HG_BY_INODE": BY_INODE,
    "HG_OUTSIDE": OUTSIDE,
    "HG_KILL_NEW": KILL_NEW,
    "HG_PATH_SENSITIVE": ord(PATH_SENSITIVE),
    "HG_PATH_EXEMPT": ord(PATH_EXEMPT),
    "HG_NAME_FILE": ord(NAME_FILE),
    "HG_NAME_DIRECTORY": ord(NAME_DIRECTORY),
    "HG_CGROUP_V2": CGROUP_V2,
    "HG_CGROUP_MEMORY": CGROUP_MEMORY,
    "HG_CGROUP_PIDS": CGROUP_PIDS,
}
