/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The border between kernel and agent: what a record and a map entry look like.
 * The mirror is ../abi.py; tests/unit/agent/sensor/test_abi.py compares both and fails on any difference.
 * Whoever changes a layout raises HG_ABI: a running agent then replaces what an older one left pinned.
 */
#ifndef HG_EVENTS_H
#define HG_EVENTS_H

#include "calls.h"

#define HG_ABI 3

#define HG_COMM 16
#define HG_NAME 39
#define HG_CONTAINER 128
#define HG_ANCESTORS 8
#define HG_PATH 4096
#define HG_TRIE 248
#define HG_INODE_WORDS 64
#define HG_SLOTS 512
#define HG_ARGUMENTS 6
#define HG_OPERATIONS 48
#define HG_GRAM 4   /* bytes of a text that are looked at first */
#define HG_GRAMS 32 /* words of bits for those that some text has */
#define HG_TEXT 24

/* What a record tells; each is also an operation that a slot may want. */
enum hg_kind {
	HG_EXEC = 1,
	HG_FILE = 2, /* as an operation: an open for reading */
	HG_FORK = 3,
	HG_EXIT = 4,
	HG_RENAME = 5,
	HG_LINK = 6,
	HG_SYMLINK = 7,
	HG_UNLINK = 8,
	HG_MODE = 9,
	HG_OWNER = 10,
	HG_MAKE = 11,
	HG_MOUNT = 12,
	HG_UMOUNT = 13,
	HG_PIVOT = 14,
	HG_SOCKET = 15,
	HG_CONNECT = 16,
	HG_ACCEPT = 17,
	HG_BIND = 18,
	HG_LISTEN = 19,
	HG_SEND = 20,
	HG_DNS = 21,
	HG_DUP = 22,
	HG_PTRACE = 23,
	HG_PROCESS_MEMORY = 24,
	HG_CREDENTIALS = 25,
	HG_NAMESPACE = 26,
	HG_MODULE = 27,
	HG_BPF = 28,
	HG_MEMORY_FILE = 29,
	HG_PROTECTION = 30,
	HG_SIGNAL = 31,
	HG_IO_URING = 32,
	HG_USERFAULTFD = 33,
	HG_SPLICE = 34,
};

/* Ways to open a file, beside HG_FILE: operations without a kind of their own. */
enum hg_operation {
	HG_OPEN_WRITE = 40,
	HG_OPEN_CREATE = 41,
	HG_OPEN_TRUNCATE = 42,
	HG_OPEN_FAILED = 43,
	HG_OPEN_HANDLE = 44,
};

/* One ring and one loss counter each. */
enum hg_class {
	HG_CLASS_EXEC,
	HG_CLASS_FILE,
	HG_CLASS_PROC,
	HG_CLASS_NETWORK,
	HG_CLASS_SECURITY,
	HG_CLASSES,
};

/* The strings behind a record, in this order. */
enum hg_string {
	HG_STRING_RAW,  /* the path as the program wrote it */
	HG_STRING_DATA, /* exec: environment; DNS: the message; else the second path as written */
	HG_STRING_PATH,
	HG_STRING_OTHER, /* exec: working directory; open: the watched name; else the second path */
	HG_STRING_EXE,   /* the acting program; of an exec it is the path */
	HG_STRING_ARGS,
	HG_STRINGS,
};

/* hg_event.flags */
enum hg_flag {
	HG_TTY = 1 << 0, /* has a controlling terminal */
	HG_ARGS_TRUNCATED = 1 << 1,
	HG_PATH_TRUNCATED = 1 << 2, /* the path has no beginning: too deep */
	HG_UPPER = 1 << 3,          /* the executable, or the opened file, is in the overlay's upper layer */
	HG_COPIED_UP = 1 << 4,      /* ... and the image has it too */
	HG_MODIFIED = 1 << 5,       /* ... with another content */
	HG_MEMFD = 1 << 6,
	HG_DELETED = 1 << 7,
	HG_TMPFS = 1 << 8,
	HG_NEW = 1 << 9, /* the verdict over the six above */
	HG_KILLED = 1 << 10,
	HG_READS = 1 << 11,
	HG_WRITES = 1 << 12,
	HG_BY_INODE = 1 << 13, /* matched by inode or by another name of it; `other` is that name, if known */
	HG_CREATED = 1 << 14,
	HG_TRUNCATES = 1 << 15,
	HG_EXE_NEW = 1 << 16, /* of the acting program, as HG_NEW is of the executed one */
	HG_EXE_MEMFD = 1 << 17,
	HG_UNRESOLVED = 1 << 18,       /* the path's last part is as the program wrote it */
	HG_OTHER_UNRESOLVED = 1 << 19, /* the same of `other` */
	HG_HOST = 1 << 20,             /* not in any container */
	HG_INBOUND = 1 << 21,
	HG_STDIO_SOCKET = 1 << 22, /* exec: standard input or output is a connected socket */
	HG_ENV_TRUNCATED = 1 << 23,
	HG_RING = 1 << 24,   /* came through an io_uring, not as a system call */
	HG_BEFORE = 1 << 25, /* told before the call's answer: there is no result */
	HG_ASKED = 1 << 26,  /* exec: some want is for it; all others only keep the agent's table of processes */
	HG_REFUSED = 1 << 27,
};

/* hg_task.flags */
enum hg_task_flag { HG_OUTSIDE = 1 << 0 }; /* not in any container: the runtime */

/* hg_slot.flags */
enum hg_slot_flag {
	HG_KILL_NEW = 1 << 0,
	HG_HAS_ENDINGS = 1 << 1,
	HG_HAS_DIRECTORIES = 1 << 2,
};

/* The first byte of a key in `paths`. Those after the first four are asked of execs alone. */
enum hg_path_kind {
	HG_PATH_WANTED = 'W',
	HG_PATH_ENDING = 'E',
	HG_PATH_DIRECTORY = 'D',
	HG_PATH_EXEMPT = 'X',
	HG_PROGRAM_WANTED = 'P',
	HG_PROGRAM_ENDING = 'Q',
	HG_PROGRAM_DIRECTORY = 'R',
	HG_CWD_WANTED = 'C',
	HG_PARENT_WANTED = 'N',
	HG_TEXT_WANTED = 'T',
	HG_VARIABLE_WANTED = 'V',
	HG_SOCKET_ALLOWED = 'U', /* for the slot stands a fence: Unix sockets that it lets through */
};

/* What an exec can be, beside its program; hg_slot.traits. */
enum hg_trait {
	HG_TRAIT_NEW,
	HG_TRAIT_ENTRY, /* started by the runtime itself, with a terminal */
	HG_TRAIT_STDIO,
	HG_TRAIT_SETUID, /* with root's rights for somebody else */
	HG_TRAIT_HIDDEN, /* a part of its path begins with a dot */
	HG_TRAIT_TERMINAL,
	HG_TRAITS,
};

/* hg_config.environment */
enum hg_environment { HG_ENV_NONE, HG_ENV_NAMED, HG_ENV_ALL };

/* The first byte of a key in `names`. */
enum hg_name_kind { HG_NAME_FILE = 'F', HG_NAME_DIRECTORY = 'D' };

/* Ways to open, as bits: values in `names`, hg_config.everything and what an open is. */
enum hg_access {
	HG_ACCESS_READ = 1 << 0,
	HG_ACCESS_WRITE = 1 << 1,
	HG_ACCESS_CREATE = 1 << 2,
	HG_ACCESS_TRUNCATE = 1 << 3,
	HG_ACCESS_FAILED = 1 << 4,
	HG_ACCESS_HANDLE = 1 << 5,
};

enum hg_transport { HG_TCP, HG_UDP, HG_UNIX, HG_OTHER_TRANSPORT, HG_TRANSPORTS };

/* Why a record is missing. */
enum hg_why {
	HG_RING_FULL = 1,
	HG_RATE_LIMIT = 2,
	HG_UNREADABLE = 3, /* the program took its argument's memory away before the call ended */
};

struct hg_head {
	__u16 abi;
	__u16 kind;
	__u32 cpu;
	__u64 sequence; /* grows with every event, over restarts too, as long as the machine is up */
	__u64 time_ns;  /* since boot, suspended time included */
	__u64 cgroup;
};

struct hg_task {
	__u64 start_ns;
	__u32 pid;
	__u32 flags;
	char comm[HG_COMM];
};

/* The file that an event is about. */
struct hg_file {
	__u64 inode;
	__u32 device;
	__u32 mode; /* type and permissions */
	__u32 owner;
	__u32 group;
	__u32 flags; /* of the open */
	__u32 pad;
	char type[HG_COMM]; /* of its file system */
};

/* Addresses in network order, ports in the host's. */
struct hg_socket {
	__u16 family;
	__u16 type;
	__u32 protocol;
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 pad;
};

/* All but forks and exits: this fixed part, then the strings, one after the other. */
struct hg_event {
	struct hg_head head;
	struct hg_task task;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 flags; /* decode.glance() reads up to here of any record */
	__u32 euid;
	__u32 egid;
	__u32 login_uid;
	__u32 vpid;
	__u32 group;
	__u32 session;
	__u32 call; /* enum hg_call */
	__u32 slot;
	__s64 result;
	__u64 effective;
	__u64 permitted;
	__u64 inheritable;
	__u64 exe_inode;
	struct hg_file file;
	struct hg_socket socket;
	__u64 arguments[HG_ARGUMENTS]; /* what each means, ../facts.py knows by the kind */
	__u32 sizes[HG_STRINGS];
	__u32 ancestors;
	__u32 pad;
	char container[HG_CONTAINER];
	struct hg_task ancestry[HG_ANCESTORS]; /* parent first */
};

struct hg_proc {
	struct hg_head head;
	struct hg_task task;
	__u32 ppid;
	__u32 pad[3]; /* as far as decode.glance() reads of any record */
};

/* What a cgroup is. `name` is empty for one that is no container's. */
struct hg_verdict {
	__u32 container;
	__u32 pad;
	char name[HG_CONTAINER];
};

/* The agent's word on a cgroup; it wins over what the name says. */
struct hg_known {
	__u32 host;
	__u32 slot;
	__u32 fence; /* which connections are refused; 0: none */
};

/*
 * A slot's policy is up to 64 wants, a bit each: what a want asks for (operation, path, address, port, transport) is
 * kept per question, and an event is sent if some bit survives all of them.
 */
struct hg_slot {
	__u32 flags;
	__u32 pad;
	__u64 wants[HG_OPERATIONS];
	__u64 any_path;
	__u64 any_address;
	__u64 any_port;
	__u64 transports[HG_TRANSPORTS];
	__u64 climbing; /* of opens: those whose path, as it was written, has ".." in it */
	__u64 named;    /* only of programs that `programs` has for them, */
	__u64 spared;   /* or, of these, of all others */
	__u64 refused;  /* what is asked for is not done: connections and sends */
	__u64 execs;    /* of execs: whatever their traits are; of the others one is enough: */
	__u64 traits[HG_TRAITS];
	__u64 by_program; /* only of execs that `paths` has for them, by what is asked of their paths, */
	__u64 by_cwd;
	__u64 by_parent;
	__u64 by_text; /* arguments, */
	__u64 by_variable;
};

struct hg_name {
	char kind;
	char name[HG_NAME];
};

/* A program by the name of its process (`comm`), which is what rules call it. */
struct hg_program {
	__u16 slot;
	char name[HG_COMM];
};

struct hg_inode {
	__u64 inode;
	__u32 device;
	__u32 pad;
};

struct hg_path {
	__u32 bits;
	__u16 slot;
	char kind;
	char path[HG_TRIE];
	char pad;
};

/* A longest-prefix key: the network's bits after slot and family. */
struct hg_network {
	__u32 bits;
	__u16 slot;
	__u16 family;
	__u8 address[16];
};

/* A longest-prefix key: the network's bits after the rest. Port 0: every one. */
struct hg_allowed {
	__u32 bits;
	__u16 fence;
	__u16 port;
	__u8 transport;
	__u8 family;
	__u8 address[16];
	__u8 pad[2];
};
#define HG_ALLOWED_BITS 48

struct hg_port {
	__u16 slot;
	__u16 port;
};

struct hg_loss_key {
	__u64 cgroup;
	__u32 class;
	__u32 why;
};

struct hg_loss {
	__u64 count;
	__u64 first_ns;
	__u64 last_ns;
};

struct hg_rate_key {
	__u64 cgroup;
	__u64 kind;
};

/* Events of one second; what is over the limit is counted as lost. */
struct hg_rate {
	__u64 second;
	__u64 count;
};

/* What the agent knows of the host, fixed when the programs are loaded. */
struct hg_host {
	__u32 mnt_ns;
	__u32 controller;
	__u32 typed; /* the kernel has bpf_rdonly_cast (6.2): any pointer can be followed without a helper call */
	__u32 abi;   /* the object's own HG_ABI, which the agent reads before it fills in the rest */
};

/* hg_host.controller: whose cgroup names a container */
enum hg_controller { HG_CGROUP_V2, HG_CGROUP_MEMORY, HG_CGROUP_PIDS };

struct hg_config {
	__u64 name_lengths;      /* bit n: a wanted file name has n bytes (63: or more) */
	__u64 directory_lengths; /* the same for directories below which all is wanted */
	__u32 unknown_slot;      /* for containers that the agent has not placed yet */
	__u32 everything;        /* ways to open that are wanted wherever the file is */
	__u32 host_slot;         /* for what is in no container, if `host` */
	__u32 host;
	__u32 agent;                  /* the agent's process: its own deeds are not told */
	__u32 environment;            /* execs come with it: always, or where it has a variable that some rule names */
	__u32 rate;                   /* events a second of one kind in one cgroup; 0: no limit */
	__u32 climbing;               /* ways to open that are wanted wherever the file is, if the path climbs */
	__u64 inodes[HG_INODE_WORDS]; /* which inode numbers may be in `inodes`, by their low bits */
	__u64 texts[HG_GRAMS];        /* with which four bytes texts in `paths` begin, by a hash of them */
	__u64 variables[HG_GRAMS];
};

#endif
