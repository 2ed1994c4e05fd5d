/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Is an executable what the image brought? */
#ifndef HG_OVERLAY_H
#define HG_OVERLAY_H

struct modified {
	__s64 seconds;
	__s64 nanoseconds;
	__s64 size;
};

static __always_inline void read_modified(struct inode *inode, struct modified *when)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___plain *plain = (void *)inode;

	when->size = BPF_CORE_READ(inode, i_size);
	if (bpf_core_field_exists(split->i_mtime_sec)) {
		when->seconds = BPF_CORE_READ(split, i_mtime_sec);
		when->nanoseconds = BPF_CORE_READ(split, i_mtime_nsec);
	} else if (bpf_core_field_exists(hidden->__i_mtime)) {
		when->seconds = BPF_CORE_READ(hidden, __i_mtime.tv_sec);
		when->nanoseconds = BPF_CORE_READ(hidden, __i_mtime.tv_nsec);
	} else if (bpf_core_field_exists(plain->i_mtime)) {
		when->seconds = BPF_CORE_READ(plain, i_mtime.tv_sec);
		when->nanoseconds = BPF_CORE_READ(plain, i_mtime.tv_nsec);
	}
}

/* What the image has of the file, if it has it. */
static __always_inline struct inode *lower_inode(struct ovl_inode *inode)
{
	struct ovl_inode___path *with_path = (void *)inode;
	struct ovl_inode___inode *with_inode = (void *)inode;

	if (bpf_core_field_exists(inode->oe)) {
		struct ovl_entry *entry = BPF_CORE_READ(inode, oe);

		if (entry && BPF_CORE_READ(entry, __numlower))
			return BPF_CORE_READ(entry, __lowerstack[0].dentry, d_inode);
	} else if (bpf_core_field_exists(with_path->lowerpath)) {
		return BPF_CORE_READ(with_path, lowerpath.dentry, d_inode);
	} else if (bpf_core_field_exists(with_inode->lower)) {
		return BPF_CORE_READ(with_inode, lower);
	}
	return 0;
}

/*
 * chmod copies an image's file up with its content and its time of modification; who writes to it changes that time. So
 * "copied up" alone is nobody's attack, and "modified" is as good as new.
 */
static __always_inline __u32 copied_up(struct ovl_inode *inode, struct dentry *upper)
{
	struct modified above = {}, below = {};
	struct inode *lower = lower_inode(inode);

	if (!lower)
		return 0;
	read_modified(BPF_CORE_READ(upper, d_inode), &above);
	read_modified(lower, &below);
	if (above.seconds != below.seconds || above.nanoseconds != below.nanoseconds || above.size != below.size)
		return HG_COPIED_UP | HG_MODIFIED;
	return HG_COPIED_UP;
}

static __always_inline __u32 overlay_flags(struct inode *inode)
{
	struct dentry *upper;

	if (bpf_core_type_exists(struct ovl_inode)) {
		struct ovl_inode *whole = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);

		upper = BPF_CORE_READ(whole, __upperdentry);
		return upper ? HG_UPPER | copied_up(whole, upper) : 0;
	}
	/* overlay is a module whose types cannot be seen: the field has always followed the inode itself */
	if (bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode)))
		return 0;
	return upper ? HG_UPPER : 0;
}

static __always_inline __u32 executable_flags(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	char start[7] = {};
	__u32 flags = 0;

	if (!file)
		return 0;
	if (BPF_CORE_READ(inode, i_nlink) == 0)
		flags |= HG_DELETED;
	if (magic == OVERLAYFS_SUPER_MAGIC)
		flags |= overlay_flags(inode);
	if (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC) {
		bpf_probe_read_kernel_str(start, sizeof(start), name);
		flags |= HG_TMPFS;
		if (dentry == BPF_CORE_READ(dentry, d_parent) && start[0] == 'm' && start[1] == 'e' &&
		    start[2] == 'm' && start[3] == 'f' && start[4] == 'd' && start[5] == ':')
			flags |= HG_MEMFD;
	}
	if (flags & (HG_MEMFD | HG_DELETED | HG_TMPFS | HG_MODIFIED) || (flags & (HG_UPPER | HG_COPIED_UP)) == HG_UPPER)
		flags |= HG_NEW;
	return flags;
}

#endif
