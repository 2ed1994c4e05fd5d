/* What no shell does: one system call, or one attack's few, by name. Built statically, run in containers. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static socklen_t internet(struct sockaddr_storage *to, const char *address, int port)
{
	struct sockaddr_in *four = (void *)to;
	struct sockaddr_in6 *six = (void *)to;

	memset(to, 0, sizeof(*to));
	if (strchr(address, ':')) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		inet_pton(AF_INET6, address, &six->sin6_addr);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	inet_pton(AF_INET, address, &four->sin_addr);
	return sizeof(*four);
}

static int local(int type, const char *path, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t size = strlen(path);

	memcpy(to.sun_path, path, size);
	if (*path == '@')
		to.sun_path[0] = 0;
	return call(socket(AF_UNIX, type, 0), (void *)&to, offsetof(struct sockaddr_un, sun_path) + size);
}

static int connected(int type, const char *address, int port)
{
	struct sockaddr_storage to;
	socklen_t size = internet(&to, address, port);
	int out = socket(to.ss_family, type, 0);

	return connect(out, (void *)&to, size) ? -1 : out;
}

/* Listens, is called by itself, and answers the accepted end. */
static int server(int port, int *caller)
{
	struct sockaddr_storage here;
	socklen_t size = internet(&here, "127.0.0.1", port);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (void *)&here, size) || listen(listener, 5))
		return -1;
	*caller = connected(SOCK_STREAM, "127.0.0.1", port);
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static int ask(const char *address, const char *name)
{
	unsigned char message[512] = {0x12, 0x34, 1, 0, 0, 1};
	size_t at = 12;

	while (*name) {
		size_t label = strcspn(name, ".");

		message[at++] = label;
		memcpy(message + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	message[at + 2] = 1;
	message[at + 4] = 1;
	int out = connected(SOCK_DGRAM, address, 53);
	return write(out, message, at + 5) < 0;
}

/* One request through an io_uring; answers what it answered, or for one without completion 0. */
static int through_ring(struct io_uring_sqe *request)
{
	struct io_uring_params shape = {};
	int ring = syscall(SYS_io_uring_setup, 4, &shape);
	size_t size = shape.sq_off.array + shape.sq_entries * sizeof(unsigned);
	char *submitted = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *requests = mmap(NULL, shape.sq_entries * sizeof(*requests), PROT_READ | PROT_WRITE,
					     MAP_SHARED, ring, IORING_OFF_SQES);
	char *completed = mmap(NULL, shape.cq_off.cqes + shape.cq_entries * sizeof(struct io_uring_cqe),
			       PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	bool silent = request->flags & IOSQE_CQE_SKIP_SUCCESS;

	if (ring < 0 || submitted == MAP_FAILED || requests == MAP_FAILED || completed == MAP_FAILED)
		return -errno;
	requests[0] = *request;
	*(unsigned *)(submitted + shape.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(submitted + shape.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, !silent, silent ? 0 : IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	return silent ? 0 : ((struct io_uring_cqe *)(completed + shape.cq_off.cqes))->res;
}

static int ring_deed(const char *deed, const char *first, const char *second)
{
	struct io_uring_sqe request = {.fd = AT_FDCWD, .addr = (uintptr_t)first, .addr2 = (uintptr_t)second};
	struct sockaddr_storage to;

	if (!strcmp(deed, "ring-open") || !strcmp(deed, "ring-open-silent")) {
		request.opcode = IORING_OP_OPENAT;
		request.addr2 = 0;
		request.flags = strcmp(deed, "ring-open") ? IOSQE_CQE_SKIP_SUCCESS : 0;
	} else if (!strcmp(deed, "ring-rename") || !strcmp(deed, "ring-link")) {
		request.opcode = strcmp(deed, "ring-link") ? IORING_OP_RENAMEAT : IORING_OP_LINKAT;
		request.len = AT_FDCWD;
	} else if (!strcmp(deed, "ring-symlink")) {
		request.opcode = IORING_OP_SYMLINKAT;
	} else if (!strcmp(deed, "ring-unlink") || !strcmp(deed, "ring-mkdir")) {
		request.opcode = strcmp(deed, "ring-mkdir") ? IORING_OP_UNLINKAT : IORING_OP_MKDIRAT;
		request.addr2 = 0;
		request.len = strcmp(deed, "ring-mkdir") ? 0 : 0750;
	} else if (!strcmp(deed, "ring-socket")) {
		request.opcode = IORING_OP_SOCKET;
		request.fd = AF_INET;
		request.off = SOCK_STREAM;
		request.addr = 0;
	} else if (!strcmp(deed, "ring-connect")) {
		request.opcode = IORING_OP_CONNECT;
		request.off = internet(&to, first, atoi(second));
		request.fd = socket(to.ss_family, SOCK_STREAM, 0);
		request.addr = (uintptr_t)&to;
	} else {
		return 99;
	}
	int answer = through_ring(&request);
	return answer < 0 ? -answer : 0;
}

/* What becomes of files and their names. */
static int file_deed(const char *deed, const char *first, const char *second)
{
	struct open_how how = {.flags = O_RDONLY};
	int place;

	if (!strcmp(deed, "open"))
		return open(first, atoi(second)) < 0 ? errno : 0;
	if (!strcmp(deed, "openat2"))
		return syscall(SYS_openat2, AT_FDCWD, first, &how, sizeof(how)) < 0 ? errno : 0;
	if (!strcmp(deed, "rename"))
		return rename(first, second) ? errno : 0;
	if (!strcmp(deed, "rename-in")) { /* both names count from a directory that is not the current one */
		place = open(first, O_DIRECTORY);
		return renameat2(place, second, place, "moved", RENAME_NOREPLACE) ? errno : 0;
	}
	if (!strcmp(deed, "link"))
		return link(first, second) ? errno : 0;
	if (!strcmp(deed, "link-followed"))
		return linkat(AT_FDCWD, first, AT_FDCWD, second, AT_SYMLINK_FOLLOW) ? errno : 0;
	if (!strcmp(deed, "symlink"))
		return symlink(first, second) ? errno : 0;
	if (!strcmp(deed, "unlink"))
		return unlink(first) ? errno : 0;
	if (!strcmp(deed, "rmdir"))
		return rmdir(first) ? errno : 0;
	if (!strcmp(deed, "mkdir"))
		return mkdir(first, strtol(second, NULL, 8)) ? errno : 0;
	if (!strcmp(deed, "mknod"))
		return mknod(first, S_IFCHR | 0600, makedev(1, 3)) ? errno : 0;
	if (!strcmp(deed, "chmod"))
		return chmod(first, strtol(second, NULL, 8)) ? errno : 0;
	if (!strcmp(deed, "fchmod"))
		return fchmod(open(first, O_RDONLY), strtol(second, NULL, 8)) ? errno : 0;
	if (!strcmp(deed, "chown"))
		return chown(first, atoi(second), -1) ? errno : 0;
	if (!strcmp(deed, "mount-tmpfs"))
		return mount("scratch", first, "tmpfs", MS_NOSUID, "") ? errno : 0;
	if (!strcmp(deed, "mount-bind"))
		return mount(first, second, "", MS_BIND, "") ? errno : 0;
	if (!strcmp(deed, "umount"))
		return mount("scratch", first, "tmpfs", 0, "") || umount2(first, MNT_DETACH) ? errno : 0;
	if (!strcmp(deed, "pivot")) {
		if (unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, "") ||
		    mount("scratch", first, "tmpfs", 0, "") || chdir(first) || mkdir("old", 0700))
			return errno;
		return syscall(SYS_pivot_root, ".", "old") ? errno : 0;
	}
	return 99;
}

/* Reaching for other processes, for rights and for the kernel. */
/* A page of a file into a pipe: one that was used before in some way, or something else than that. */
static int spliced(const char *path, const char *how)
{
	int file = open(path, strcmp(how, "writable") ? O_RDONLY : O_RDWR), ends[2], times = 16;
	char page[4096] = {};

	if (file < 0 || (strcmp(how, "socket") ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends)))
		return errno;
	if (!strcmp(how, "fresh") || !strcmp(how, "socket"))
		times = 0;
	if (!strcmp(how, "once"))
		times = 1;
	for (int i = 0; i < times; i++)
		if (write(ends[1], page, sizeof(page)) < 0)
			return errno;
	for (int i = 0; i < times; i++)
		if (read(ends[0], page, sizeof(page)) < 0)
			return errno;
	if (!strcmp(how, "reader")) { /* reading is another process's */
		if (!fork())
			pause();
		close(ends[0]);
	}
	if (!strcmp(how, "sendfile") || !strcmp(how, "socket"))
		return sendfile(ends[1], file, NULL, 1) == 1 ? 0 : errno;
	return splice(file, NULL, ends[1], NULL, 1, 0) == 1 ? 0 : errno;
}

static int power_deed(const char *deed, const char *first, const char *second)
{
	if (!strcmp(deed, "ptrace") || !strcmp(deed, "vm-write")) {
		char text[8] = "changed";
		struct iovec here = {text, sizeof(text)}, there = here;
		pid_t child = fork();
		if (!child)
			return pause();
		int failed = strcmp(deed, "ptrace") ? process_vm_writev(child, &here, 1, &there, 1, 0) < 0
						    : ptrace(PTRACE_ATTACH, child, NULL, NULL) < 0;
		failed = failed ? errno : 0;
		kill(child, SIGKILL);
		return failed;
	}
	if (!strcmp(deed, "setuid"))
		return setresuid(atoi(first), atoi(first), atoi(first)) ? errno : 0;
	if (!strcmp(deed, "capset")) {
		struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct held[2] = {{.effective = 1, .permitted = 1}};
		return syscall(SYS_capset, &head, held) ? errno : 0;
	}
	if (!strcmp(deed, "unshare"))
		return unshare(CLONE_NEWUTS) ? errno : 0;
	if (!strcmp(deed, "setns"))
		return setns(open("/proc/1/ns/uts", O_RDONLY), 0) ? errno : 0;
	if (!strcmp(deed, "clone")) {
		char stack[4096];
		return clone((int (*)(void *))getpid, stack + sizeof(stack), CLONE_NEWIPC | SIGCHLD, NULL) < 0 ? errno : 0;
	}
	if (!strcmp(deed, "memfd"))
		return memfd_create(first, MFD_CLOEXEC) < 0 ? errno : 0;
	if (!strcmp(deed, "splice"))
		return spliced(first, second);
	if (!strcmp(deed, "userfaultfd"))
		return syscall(SYS_userfaultfd, O_CLOEXEC) < 0 ? errno : 0;
	if (!strcmp(deed, "mprotect") || !strcmp(deed, "mmap")) {
		int more = strcmp(deed, "mmap") ? 0 : PROT_EXEC;
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | more, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return page == MAP_FAILED || (!more && mprotect(page, 4096, PROT_READ | PROT_EXEC)) ? errno : 0;
	}
	if (!strcmp(deed, "bpf")) {
		struct bpf_insn program[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
		union bpf_attr load = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				       .insn_cnt = 2,
				       .insns = (uintptr_t)program,
				       .license = (uintptr_t)"GPL",
				       .prog_name = "intruder"};
		return syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)) < 0 ? errno : 0;
	}
	if (!strcmp(deed, "module")) /* without the right to */
		return syscall(SYS_finit_module, open(first, O_RDONLY), second, 0) ? errno : 0;
	if (!strcmp(deed, "kill"))
		return kill(atoi(first), atoi(second)) ? errno : 0;
	return 99;
}

/* Two threads: one opens what a string names, the other rewrites the string meanwhile. Prints how often it got `path`. */
static char raced[64];
static volatile bool racing = true;

static void *rewrite(void *path)
{
	while (racing) {
		strcpy(raced, path);
		sched_yield();
		strcpy(raced, "/etc/hosts.conf");
		sched_yield();
	}
	return NULL;
}

static int race(const char *path, int enough)
{
	struct stat wanted, got;
	pthread_t other;
	int count = 0;

	if (stat(path, &wanted) || pthread_create(&other, NULL, rewrite, (void *)path))
		return errno;
	for (int tries = 0; count < enough && tries < 1000000; tries++) {
		int file = open(raced, O_RDONLY);
		if (file < 0)
			continue;
		count += !fstat(file, &got) && got.st_ino == wanted.st_ino;
		close(file);
	}
	racing = false;
	pthread_join(other, NULL);
	printf("%d\n", count);
	return 0;
}

static void *take_away(void *page)
{
	while (racing)
		madvise(page, getpagesize(), MADV_DONTNEED);
	return NULL;
}

/* Changes a mode so often, by a name whose memory comes from a file, and goes all the time. */
static int withdraw(const char *path, int times)
{
	int words = open("/tmp/words", O_RDWR | O_CREAT | O_TRUNC, 0600);
	pthread_t other;
	char *name;

	if (words < 0 || write(words, path, strlen(path) + 1) < 0)
		return errno;
	name = mmap(NULL, getpagesize(), PROT_READ, MAP_SHARED, words, 0);
	if (name == MAP_FAILED || pthread_create(&other, NULL, take_away, name))
		return errno;
	while (times-- && !chmod(name, 0600))
		;
	racing = false;
	pthread_join(other, NULL);
	return times < 0 ? 0 : errno;
}

static void *become(void *program)
{
	execl(program, "deed", "open", "/etc/shadow", "0", NULL);
	return NULL;
}

/* Enters a mount namespace that a child made. */
static int enter_childs(void)
{
	int ready[2], answer;
	char place[64], word = 0;
	pid_t child;

	if (pipe(ready))
		return -1;
	child = fork();
	if (!child) {
		word = unshare(CLONE_NEWNS) ? 'n' : 'y';
		return write(ready[1], &word, 1) == 1 ? pause() : -1;
	}
	if (read(ready[0], &word, 1) != 1 || word != 'y')
		return -1;
	snprintf(place, sizeof(place), "/proc/%d/ns/mnt", child);
	answer = setns(open(place, O_RDONLY), CLONE_NEWNS);
	kill(child, SIGKILL);
	return answer;
}

/* Ways to read a file so that its name, or the reader, looks like another. */
static int evading_deed(const char *deed, const char *first, const char *second)
{
	pthread_t thread;

	if (!strcmp(deed, "race"))
		return race(first, atoi(second));
	if (!strcmp(deed, "withdraw"))
		return withdraw(first, atoi(second));
	if (!strcmp(deed, "vanish")) /* the program's own file is gone before it acts */
		return unlink(first) || open(second, O_RDONLY) < 0 ? errno : 0;
	if (!strcmp(deed, "chroot"))
		return chroot(first) || chdir("/") || open(second, O_RDONLY) < 0 ? errno : 0;
	if (!strcmp(deed, "pivot-open")) {
		int failed = file_deed("pivot", first, "");
		return failed ? failed : open(second, O_RDONLY) < 0 ? errno : 0;
	}
	if (!strcmp(deed, "bind-open"))
		return mount(first, second, "", MS_BIND, "") || open(second, O_RDONLY) < 0 ? errno : 0;
	if (!strcmp(deed, "thread-exec")) {
		if (pthread_create(&thread, NULL, become, (void *)first))
			return errno;
		return pause();
	}
	if (!strcmp(deed, "daemon")) {
		if (fork())
			return 0;
		if (setsid() < 0 || fork())
			_exit(0);
		while (getppid() != 1) /* until nobody of its family is left */
			usleep(1000);
		return open(first, O_RDONLY) < 0 ? errno : 0;
	}
	if (!strcmp(deed, "setns-open"))
		return enter_childs() || open(first, O_RDONLY) < 0 ? errno : 0;
	if (!strcmp(deed, "preload")) {
		setenv("LD_PRELOAD", first, 1);
		return execl("/bin/busybox", "true", NULL);
	}
	return 99;
}

int main(int count, char **words)
{
	const char *deed = words[1], *first = count > 2 ? words[2] : "", *second = count > 3 ? words[3] : "0";
	struct sockaddr_storage to;
	int caller, other;

	if (!strcmp(deed, "connect")) /* answers the errno, so that a test sees who refused */
		return connected(SOCK_STREAM, first, atoi(second)) < 0 ? errno : 0;
	if (!strcmp(deed, "connect-udp"))
		return connected(SOCK_DGRAM, first, atoi(second)) < 0 ? errno : 0;
	if (!strcmp(deed, "send")) {
		socklen_t size = internet(&to, first, atoi(second));
		return sendto(socket(to.ss_family, SOCK_DGRAM, 0), "x", 1, 0, (void *)&to, size) < 0 ? errno : 0;
	}
	if (!strcmp(deed, "ask"))
		return ask(first, second);
	if (!strcmp(deed, "connect-unix"))
		return local(SOCK_STREAM, first, connect) ? errno : 0;
	if (!strcmp(deed, "serve-unix")) {
		int listener = socket(AF_UNIX, SOCK_STREAM, 0);
		struct sockaddr_un here = {.sun_family = AF_UNIX};
		strcpy(here.sun_path, first);
		if (bind(listener, (void *)&here, sizeof(here)) || listen(listener, 5))
			return errno;
		return pause();
	}
	if (!strcmp(deed, "serve"))
		return server(atoi(first), &caller) < 0;
	if (!strcmp(deed, "socket"))
		return socket(atoi(first), atoi(second), count > 4 ? atoi(words[4]) : 0) < 0 ? errno : 0;
	if (!strcmp(deed, "dup")) { /* the ends of a reverse shell, each by another call */
		other = server(4000, &caller);
		close(0);
		return dup(other) != 0;
	}
	if (!strcmp(deed, "dup2"))
		return server(4000, &caller) < 0 || dup2(caller, 1) != 1;
	if (!strcmp(deed, "dup3"))
		return server(4000, &caller) < 0 || dup3(caller, 2, O_CLOEXEC) != 2;
	if (!strcmp(deed, "fcntl")) {
		other = server(4000, &caller);
		close(0);
		return fcntl(other, F_DUPFD, 0) != 0;
	}
	if (!strcmp(deed, "dup-file")) { /* nothing to tell of */
		other = open("/etc/passwd", O_RDONLY);
		return dup2(other, 0) != 0;
	}
	if (!strcmp(deed, "shell")) { /* a program that talks to somebody elsewhere */
		if (server(4000, &caller) < 0 || dup2(caller, 0) || dup2(caller, 1) != 1)
			return 1;
		execl("/bin/busybox", "true", NULL);
		return 2;
	}
	int done = file_deed(deed, first, second);
	if (done == 99)
		done = evading_deed(deed, first, second);
	if (done == 99)
		done = power_deed(deed, first, second);
	return done == 99 ? ring_deed(deed, first, second) : done;
}
