"""Which system calls each kind of event stands for; what a rule calls ``evt.type``."""

from typing import Final

from hullguard.model.event import Event, EventKind

CALLS: Final[dict[EventKind, tuple[str, ...]]] = {
    EventKind.EXEC: ("execve", "execveat"),
    EventKind.FORK: ("clone", "clone3", "fork", "vfork"),
    EventKind.EXIT: ("procexit",),
    EventKind.FILE_OPEN: ("openat", "open", "openat2", "creat", "open_by_handle_at"),
    EventKind.FILE_RENAME: ("rename", "renameat", "renameat2"),
    EventKind.FILE_LINK: ("link", "linkat"),
    EventKind.FILE_SYMLINK: ("symlink", "symlinkat"),
    EventKind.FILE_UNLINK: ("unlink", "unlinkat", "rmdir"),
    EventKind.FILE_MODE: ("chmod", "fchmod", "fchmodat", "fchmodat2"),
    EventKind.FILE_OWNER: ("chown", "fchown", "lchown", "fchownat"),
    EventKind.FILE_MAKE: ("mkdir", "mkdirat", "mknod", "mknodat"),
    EventKind.MOUNT: ("mount", "move_mount", "fsmount", "open_tree"),
    EventKind.UMOUNT: ("umount2", "umount"),
    EventKind.PIVOT_ROOT: ("pivot_root",),
    EventKind.SOCKET: ("socket",),
    EventKind.CONNECT: ("connect",),
    EventKind.ACCEPT: ("accept4", "accept"),
    EventKind.BIND: ("bind",),
    EventKind.LISTEN: ("listen",),
    EventKind.SEND: ("sendto", "sendmsg", "sendmmsg"),
    EventKind.DNS: ("dns",),
    EventKind.DUP: ("dup2", "dup", "dup3"),
    EventKind.PTRACE: ("ptrace",),
    EventKind.PROCESS_MEMORY: ("process_vm_writev", "process_vm_readv"),
    EventKind.CREDENTIALS: (
        "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
        "capset",
    ),
    EventKind.NAMESPACE: ("setns", "unshare"),
    EventKind.MODULE: ("finit_module", "init_module", "delete_module"),
    EventKind.BPF: ("bpf",),
    EventKind.MEMFD: ("memfd_create",),
    EventKind.MEMORY_PROTECTION: ("mprotect", "pkey_mprotect", "mmap"),
    EventKind.SIGNAL: ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "pidfd_send_signal"),
    EventKind.IO_URING: ("io_uring_setup", "io_uring_enter", "io_uring_register"),
    EventKind.USERFAULTFD: ("userfaultfd",),
    EventKind.SPLICE: ("splice", "sendfile"),
    EventKind.CONTAINER_START: ("container",),
}  # fmt: skip
"""The first of each kind is what an event without ``Event.call`` counts as: a hook need not know by which call it came.
``procexit``, ``container`` and ``dns`` are no calls; rules name these events so (the last is Hullguard's own)."""

KINDS: Final[dict[str, EventKind]] = {call: kind for kind, calls in CALLS.items() for call in calls}

RING: Final = "io_uring "
"""What ``Event.call`` begins with for an operation that came through a ring."""


def event_type(event: Event) -> str:
    """``evt.type``: an operation that came through a ring has the name of the call that does the same."""
    return event.call.removeprefix(RING) or CALLS[event.kind][0]


def is_call(name: str) -> bool:
    """Whether Linux, or Falco, has something of that name, reported here or not."""
    return name in KINDS or name in _OTHERS


_OTHERS: Final = frozenset(
    """
    _llseek _newselect _sysctl access acct add_key adjtimex afs_syscall alarm arch_prctl arm_fadvise64_64
    arm_sync_file_range asyncevent bdflush break breakpoint brk cachestat capget chdir chroot clock_adjtime
    clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 clock_settime clock_settime64 close close_range copy_file_range cpu_hotplug
    create_module drop epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
    epoll_wait_old eventfd eventfd2 exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate
    fanotify_init fanotify_mark fchdir fcntl fcntl64 fdatasync fgetxattr file_getattr file_setattr flistxattr
    flock fremovexattr fsconfig fsetxattr fsopen fspick fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftime
    ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat
    get_kernel_syms get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid
    getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp
    getpid getpmsg getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage
    getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat gtty idle infra
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
    io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioperm iopl ioprio_get ioprio_set ipc k8s kcmp
    kexec_file_load kexec_load keyctl landlock_add_rule landlock_create_ruleset landlock_restrict_self lgetxattr
    listmount listns listxattr listxattrat llistxattr lookup_dcookie lremovexattr lseek lsetxattr
    lsm_get_self_attr lsm_list_modules lsm_set_self_attr lstat lstat64 madvise map_shadow_stack mbind membarrier
    memfd_secret mesos migrate_pages mincore mlock mlock2 mlockall mmap2 modify_ldt mount_setattr move_pages mpx
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
    mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at
    nanosleep newfstatat nfsservctl nice notification oldfstat oldlstat oldolduname oldstat olduname
    open_tree_attr page_fault pause perf_event_open personality pidfd_getfd pidfd_open pipe pipe2 pkey_alloc
    pkey_free pluginevent poll ppoll ppoll_time64 prctl pread pread64 preadv preadv2 prlimit prlimit64
    process_madvise process_mrelease procinfo prof profil pselect6 pselect6_time64 putpmsg pwrite pwrite64
    pwritev pwritev2 query_module quotactl quotactl_fd read readahead readdir readlink readlinkat readv reboot
    recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat request_key
    restart_syscall riscv_flush_icache riscv_hwprobe rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn
    rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo scapevent sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield seccomp security select semctl semget semop semtimedop semtimedop_time64 send
    sendfile64 set_mempolicy set_mempolicy_home_node set_robust_list set_thread_area set_tid_address
    setdomainname setfsgid32 setfsuid32 setgid32 setgroups32 sethostname setitimer setpgid setpriority
    setregid32 setresgid32 setresuid32 setreuid32 setrlimit setsid setsockopt settimeofday setuid32 setxattr
    setxattrat sgetmask shmat shmctl shmdt shmget shutdown sigaction sigaltstack signal signaldeliver signalfd
    signalfd4 sigpending sigprocmask sigreturn sigsuspend socketcall socketpair spu_create spu_run
    ssetmask stat stat64 statfs statfs64 statmount statx stime stty swapoff swapon switch switch_endian sync
    sync_file_range sync_file_range2 syncfs syscall sysctl sysdigevent sysfs sysinfo syslog tee time
    timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
    timerfd timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tracer
    truncate truncate64 tuxcall ugetrlimit ulimit umask uname unknown uprobe uretprobe uselib userevent ustat
    utime utimensat utimensat_time64 utimes vhangup vm86 vm86old vmsplice vserver wait4 waitid waitpid write
    writev
    """.split()  # noqa: SIM905 - a name a line would be a file of its own
)
"""Calls, and events of Falco, that no kind of event stands for."""
