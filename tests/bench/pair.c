/* SPDX-License-Identifier: MIT */
/*
 * Times two commands in turn, A B A B ..., and prints one table row: medians of wall and
 * CPU seconds of each, the ratio B/A (medians of the pairs' ratios), and the largest
 * peak memory of A.  Before each run an untimed shell command prepares.
 *
 * A short command runs twice, and the second run counts.  A virtual machine gives free memory
 * back to its host, and whoever touches it next waits for the host several times as long as
 * the copying takes.  What a program has just given up is still there, but only for requests
 * of the same size: the first run after the other program is slow for the one that writes in
 * larger pieces.  So each is measured in the memory that it has just had itself.
 *
 *	pair NAME RUNS PREPARE A B
 *
 * All three commands are given to sh.  A row without B ("") has no ratio.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	RUNS_MAX = 101,
	SHORT = 5, /* seconds: longer runs do not depend on where their memory comes from */
};

struct run {
	double wall, cpu;
	long rss; /* KiB */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static struct run timed(const char *command)
{
	double start = now();
	struct rusage u;
	struct run r;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *line = malloc(strlen(command) + 6);

		/* exec: the figures are the command's own, not the shell's. */
		sprintf(line, "exec %s", command);
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 3) {
		fprintf(stderr, "failed: %s\n", command);
		exit(1);
	}
	r.wall = now() - start;
	r.cpu = seconds(u.ru_utime) + seconds(u.ru_stime);
	r.rss = u.ru_maxrss;
	return r;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void prepare(const char *command)
{
	if (*command && system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(1);
	}
}

static struct run measured(const char *before, const char *command)
{
	struct run r;

	prepare(before);
	r = timed(command);
	if (r.wall < SHORT) {
		prepare(before);
		r = timed(command);
	}
	return r;
}

int main(int argc, char **argv)
{
	static double aw[RUNS_MAX], ac[RUNS_MAX], bw[RUNS_MAX], bc[RUNS_MAX];
	static double rw[RUNS_MAX], rc[RUNS_MAX];
	int runs = argc == 6 ? atoi(argv[2]) : 0, pair;
	long rss = 0;

	if (runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: pair NAME RUNS PREPARE A B\n");
		return 2;
	}
	pair = argv[5][0] != '\0';
	for (int i = 0; i < runs; i++) {
		struct run a = measured(argv[3], argv[4]), b = { 0 };

		if (pair)
			b = measured(argv[3], argv[5]);
		aw[i] = a.wall;
		ac[i] = a.cpu;
		bw[i] = b.wall;
		bc[i] = b.cpu;
		rw[i] = b.wall / a.wall;
		rc[i] = a.cpu > 0 ? b.cpu / a.cpu : 0;
		if (a.rss > rss)
			rss = a.rss;
	}
	printf("| %-44s | %8.3f | %8.3f ", argv[1], median(aw, runs), median(ac, runs));
	if (pair)
		printf("| %8.3f | %8.3f | %6.2f | %6.2f ", median(bw, runs), median(bc, runs),
		       median(rw, runs), median(rc, runs));
	else
		printf("| %8s | %8s | %6s | %6s ", "", "", "", "");
	printf("| %5ld |\n", rss / 1024);
	return 0;
}
