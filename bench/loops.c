/* Loops of one system call, timed from within: the best of many short runs, so that a busy machine disturbs little. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in there;

static double now(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	return moment.tv_sec * 1e9 + moment.tv_nsec;
}

static void once(const char *what, char *self)
{
	if (*what == 'g') {
		getppid();
	} else if (*what == 'o') {
		close(open("/tmp", O_RDONLY | O_DIRECTORY));
	} else if (*what == 'c') {
		int out = socket(AF_INET, SOCK_STREAM, 0);

		connect(out, (void *)&there, sizeof(there)); /* refused: nobody listens */
		close(out);
	} else {
		char *words[] = {self, NULL}, *none[] = {NULL};
		pid_t child = vfork();

		if (!child) {
			execve(self, words, none);
			_exit(1);
		}
		waitpid(child, NULL, 0);
	}
}

/* So many opens of a file a second, in equal portions, for so many seconds; prints how many it was. */
static int paced(const char *path, long rate, long seconds)
{
	double began = now(), end = began + seconds * 1e9;
	long done = 0;

	while (now() < end) {
		long due = (now() - began) * rate / 1e9;

		for (; done < due; done++)
			close(open(path, O_RDONLY));
		usleep(1000);
	}
	printf("%ld\n", done);
	return 0;
}

int main(int count, char **words)
{
	struct sched_param first = {.sched_priority = 50};
	long times, runs;
	double best = 1e18;

	if (count < 4) /* what the fourth loop executes */
		return 0;
	if (!strcmp(words[1], "paced"))
		return paced("/etc/shadow", atol(words[2]), atol(words[3]));
	times = atol(words[2]);
	runs = atol(words[3]);
	there.sin_family = AF_INET;
	there.sin_port = htons(1);
	inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
	sched_setscheduler(0, SCHED_FIFO, &first);
	for (long run = 0; run < runs; run++) {
		double began = now();

		for (long i = 0; i < times; i++)
			once(words[1], words[0]);
		double each = (now() - began) / times;

		best = each < best ? each : best;
		usleep(20000); /* real-time tasks must let others live */
	}
	printf("%.1f\n", best);
	return 0;
}
