/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The border between kernel and agent: what a record and a map entry look like.
 * The mirror is ../abi.py; tests/unit/agent/sensor/test_abi.py compares both and fails on any difference.
 * Whoever changes a layout raises HG_ABI: a running agent then replaces what an older one left pinned.
 */
#ifndef HG_EVENTS_H
#define HG_EVENTS_H

#define HG_ABI 1

#define HG_COMM 16
#define HG_NAME 39
#define HG_CONTAINER 128
#define HG_ANCESTORS 8
#define HG_PATH 4096
#define HG_TRIE 248
#define HG_INODE_WORDS 64
#define HG_SLOTS 512

enum hg_kind { HG_EXEC = 1, HG_FILE = 2, HG_FORK = 3, HG_EXIT = 4 };

/* One ring and one loss counter each. */
enum hg_class { HG_CLASS_EXEC, HG_CLASS_FILE, HG_CLASS_PROC, HG_CLASSES };

/* hg_event.flags */
enum hg_flag {
	HG_TTY = 1 << 0, /* has a controlling terminal */
	HG_ARGS_TRUNCATED = 1 << 1,
	HG_PATH_TRUNCATED = 1 << 2, /* the path has no beginning: too deep */
	HG_UPPER = 1 << 3,          /* the executable is in the overlay's upper layer */
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
};

/* hg_task.flags */
enum hg_task_flag { HG_OUTSIDE = 1 << 0 }; /* not in any container: the runtime */

/* hg_slot.flags */
enum hg_slot_flag { HG_KILL_NEW = 1 << 0 };

/* The first byte of a key in `paths`. */
enum hg_path_kind { HG_PATH_SENSITIVE = 'S', HG_PATH_EXEMPT = 'X' };

/* The first byte of a key in `names`. */
enum hg_name_kind { HG_NAME_FILE = 'F', HG_NAME_DIRECTORY = 'D' };

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

/*
 * exec and file open: this fixed part, then four strings, one after the other: the path; `other`, which is the working
 * directory of an exec and the watched name of an opened file; the path of the program that opens; the arguments.
 */
struct hg_event {
	struct hg_head head;
	struct hg_task task;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u64 inode;
	__u32 device;
	__u32 ancestors;
	__u32 path_size;
	__u32 other_size;
	__u32 exe_size;
	__u32 args_size;
	__u32 slot;
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
};

struct hg_slot {
	__u32 flags;
};

struct hg_name {
	char kind;
	char name[HG_NAME];
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

/* What the agent knows of the host, fixed when the programs are loaded. */
struct hg_host {
	__u32 mnt_ns;
	__u32 controller;
	__u32 typed; /* the kernel has bpf_rdonly_cast (6.2): any pointer can be followed without a helper call */
	__u32 pad;
};

/* hg_host.controller: whose cgroup names a container */
enum hg_controller { HG_CGROUP_V2, HG_CGROUP_MEMORY, HG_CGROUP_PIDS };

struct hg_config {
	__u64 name_lengths;      /* bit n: a wanted file name has n bytes (63: or more) */
	__u64 directory_lengths; /* the same for directories below which all is wanted */
	__u32 unknown_slot;      /* for containers that the agent has not placed yet */
	__u32 everything;        /* some pattern is "/" followed by "*" */
	__u32 every_exec;        /* some rule judges execs that are neither new nor a way in */
	__u32 pad;
	__u64 inodes[HG_INODE_WORDS]; /* which inode numbers may be in `inodes`, by their low bits */
};

#endif
