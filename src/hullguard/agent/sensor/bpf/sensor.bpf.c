// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Hullguard's eyes in the kernel: what runs in containers, and those of its deeds that policies ask for. Tasks outside
 * containers leave each program after one map lookup. What a record looks like is in events.h; which program is
 * attached where, and when, in ../catalog.py.
 */
#include "kernel.h"
#include "kernel_net.h"
#include "kernel_ring.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "events.h"
#include "maps.h"
#include "overlay.h"
#include "path.h"
#include "task.h"
#include "wants.h"
#include "match.h"
#include "record.h"
#include "follow.h"
#include "resolve.h"
#include "socket.h"
#include "refuse.h"
#include "connect.h"
#include "dns.h"
#include "ask.h"
#include "exec.h"
#include "open.h"
#include "change.h"
#include "mount.h"
#include "rights.h"
#include "memory.h"
#include "pipe.h"
#include "signal.h"
#include "module.h"
#include "ring.h"

char hg_license[] SEC("license") = "Dual BSD/GPL";
