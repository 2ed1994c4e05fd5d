/* What no shell does: one system call, or one attack's few, by name. Built statically, run in containers. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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
		return sendto(socket(to.ss_family, SOCK_DGRAM, 0), "x", 1, 0, (void *)&to, size) < 0;
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
	return 99;
}
