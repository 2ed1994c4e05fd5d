/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The few kernel types that the sensor reads, with the fields that it reads. libbpf relocates every access against the
 * running kernel's BTF, so neither order nor size matters here, and no kernel headers are needed to build.
 * A suffix of three underscores marks another version of the same type.
 */
#ifndef HG_KERNEL_H
#define HG_KERNEL_H

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

enum { false = 0, true = 1 };

enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0, BPF_RB_RING_SIZE = 1 };
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define PROC_SUPER_MAGIC 0x9fa0
#define FMODE_READ 1
#define FMODE_WRITE 2
#define FMODE_PATH 0x4000
#define FMODE_CREATED 0x100000
#define EPERM 1
#define EACCES 13
#define EROFS 30
#define O_ACCMODE 3
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFIFO 0010000
#define S_IFLNK 0120000
#define S_IFDIR 0040000
#define AT_FDCWD (-100)
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH 0x1000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	struct kernfs_node *parent;
	const char *name;
	__u64 id;
};
struct kernfs_node___renamed { /* since 6.15 */
	struct kernfs_node *__parent;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct proc_ns_operations {
	int type;
};
struct ns_common {
	const struct proc_ns_operations *ops;
	unsigned int inum;
};
struct ns_common___typed { /* since 6.18 */
	__u32 ns_type;
};
struct mnt_namespace {
	struct ns_common ns;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};
struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};
struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};
struct list_head {
	struct list_head *next;
};
typedef struct {
	__u32 val;
} kuid_t;
typedef struct {
	__u32 val;
} kgid_t;
struct file_system_type {
	const char *name;
};
struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	struct file_system_type *s_type;
};
struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	__s64 i_size;
	struct hlist_head i_dentry;
	char *i_link;
	void *i_private;
};
struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};
struct inode___split { /* since 6.11 */
	__s64 i_mtime_sec;
	__u32 i_mtime_nsec;
};
struct inode___hidden { /* 6.7 to 6.10 */
	struct timespec64 __i_mtime;
};
struct inode___plain { /* before */
	struct timespec64 i_mtime;
};
union dentry_links {
	struct hlist_node d_alias;
};
struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	union dentry_links d_u;
	struct hlist_node d_sib; /* since 6.8 */
	struct hlist_head d_children;
};
struct dentry___lists { /* before */
	struct list_head d_child;
	struct list_head d_subdirs;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_mounts;
	struct list_head mnt_child;
	const char *mnt_devname;
	struct mnt_namespace *mnt_ns;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct {
	struct path root;
	struct path pwd;
};

struct ovl_path {
	struct dentry *dentry;
};
struct ovl_entry {
	unsigned int __numlower;
	struct ovl_path __lowerstack[1];
};
struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
	struct ovl_entry *oe;
};
struct ovl_inode___path { /* 5.19 to 6.4 */
	struct ovl_path lowerpath;
};
struct ovl_inode___inode { /* before */
	struct inode *lower;
};

struct linux_binprm {
	struct file *file;
	const char *filename;
};
struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
	struct file *exe_file;
};
typedef struct {
	int counter;
} atomic_t;
struct tty_struct;
struct signal_struct {
	atomic_t live;
	struct pid *pids[4];
	struct tty_struct *tty;
};
typedef struct {
	__u64 val; /* two words of 32 bits before 6.3: the same eight bytes */
} kernel_cap_t;
struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_inheritable;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
};
struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	__u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	const struct cred *cred;
	struct css_set *cgroups;
	kuid_t loginuid; /* where the kernel has audit */
	struct list_head ptraced;
	struct list_head ptrace_entry;
};

/* Since 5.5; the hole that pipe.h is about came with 5.8. */
struct pipe_buffer {
	unsigned int flags;
};
struct pipe_inode_info {
	unsigned int head;
	unsigned int tail;
	unsigned int ring_size;
	struct pipe_buffer *bufs;
};

struct bpf_prog_aux {
	char name[16];
};
enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC };
struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

/* The context of a system call's exit tracepoint. */
struct trace_event_raw_sys_exit {
	long id;
	long ret;
};
/* Where a system call's arguments still are at its end; which of the two it is, the running kernel's types tell. */
struct pt_regs___of_x86 {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long r10;
	unsigned long r8;
	unsigned long r9;
};
struct pt_regs___of_arm {
	__u64 regs[31];
	__u64 orig_x0;
};

#pragma clang attribute pop

enum cgroup_subsys_id { memory_cgrp_id = 4, pids_cgrp_id = 8 };
enum dentry_flags { DCACHE_MOUNTED = 0x10000 }; /* a number of its own since 6.15 */
enum { PIDTYPE_PGID = 2, PIDTYPE_SID = 3 };

#endif
