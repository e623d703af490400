/* SPDX-License-Identifier: MIT */
/*
 * A web server for tests, with faults.
 *
 *	httpd DIR [LOG]
 *
 * listens on a port of 127.0.0.1 that it prints, serves the files below DIR and writes "METHOD
 * path range" of each request to LOG.  It ends when its standard input does.  A path is /FAULTS/NAME
 * or /NAME, faults being a list of these, with - for = where a name may have none:
 *
 *	delay=MS      waits before each answer
 *	cut=N         closes after N bytes of a body
 *	fail=N        answers 503 to the first N requests of this path
 *	status=N      answers that
 *	norange       knows no ranges
 *	nolength      and sends no Content-Length, but closes at the end
 *	moved         sends on to /NAME; movedto=PORT: to localhost:PORT
 *	changes=N     another ETag from the N-th request on; dates=N: another date
 *	notag         no ETag, no date
 *	shifted       the range begins a byte later than asked for, and says so
 *	liar          it says the range asked for, and the total is another
 *	long          more bytes than promised
 *	hang=N        sends N bytes and nothing more
 *	expires=N     answers 403 from the N-th request on
 *	need=TEXT     answers 401 unless a header line is TEXT (%20 for a blank)
 *	never=TEXT    answers 400 if there is such a line
 *	gzip          says that it is encoded
 *	sigv4=KEY     answers 403 unless signed with that secret key (AWS Signature Version 4)
 */
#include "tests/tools/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, COUNTERS = 256 };

static struct {
	const char *dir;
	FILE *log;
	pthread_mutex_t lock;
	char *path[COUNTERS]; /* how often each was asked for */
	unsigned count[COUNTERS];
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct question {
	int fd;
	char head[HEAD_MAX]; /* NUL-terminated, lines end with \r\n */
	char path[1024], faults[1024], name[1024];
	uint64_t first, last; /* last: UINT64_MAX: to the end */
	bool has_range, head_only;
	unsigned nth; /* time that this path is asked for; from 1 */
};

static void nap(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000 * 1000000) };

	nanosleep(&t, NULL);
}

static bool send_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	while (n) {
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

/* ---- faults ---- */

/* The value of a fault, "" where it has none; NULL: it is not asked for. */
static const char *fault(const struct question *q, const char *key)
{
	size_t n = strlen(key);
	const char *p = q->faults;

	while (*p) {
		size_t len = strcspn(p, ",");

		if (len >= n && !strncmp(p, key, n) && (len == n || p[n] == '=' || p[n] == '-'))
			return p + n + (len > n);
		p += len + (p[len] == ',');
	}
	return NULL;
}

static uint64_t fault_number(const struct question *q, const char *key, uint64_t otherwise)
{
	const char *v = fault(q, key);

	return v ? strtoull(v, NULL, 10) : otherwise;
}

static bool has_line(const struct question *q, const char *value)
{
	char line[1024];
	size_t n = 0;

	for (; *value && *value != ',' && n < sizeof(line) - 1; value++) {
		if (!strncmp(value, "%20", 3)) {
			line[n++] = ' ';
			value += 2;
		} else {
			line[n++] = *value;
		}
	}
	for (const char *p = strstr(q->head, "\r\n"); p; p = strstr(p, "\r\n")) {
		p += 2;
		if (!strncasecmp(p, line, n) && !strncmp(p + n, "\r\n", 2))
			return true;
	}
	return false;
}

static unsigned count(const char *path)
{
	unsigned n = 0;

	pthread_mutex_lock(&server.lock);
	for (unsigned i = 0; i < COUNTERS && !n; i++) {
		if (!server.path[i])
			server.path[i] = strdup(path);
		if (!strcmp(server.path[i], path))
			n = ++server.count[i];
	}
	pthread_mutex_unlock(&server.lock);
	return n;
}

/* ---- questions ---- */

static bool read_head(struct question *q)
{
	size_t n = 0;

	while (n < HEAD_MAX - 1) {
		ssize_t r = recv(q->fd, q->head + n, 1, 0);

		if (r <= 0)
			return false;
		n++;
		q->head[n] = '\0';
		if (n >= 4 && !strcmp(q->head + n - 4, "\r\n\r\n"))
			return true;
	}
	return false;
}

static bool understand(struct question *q)
{
	char method[16];
	const char *slash, *range;
	char *end;

	if (sscanf(q->head, "%15s %1023s", method, q->path) != 2 || *q->path != '/')
		return false;
	range = strcasestr(q->head, "\r\nRange: bytes=");
	q->has_range = range != NULL;
	q->first = 0;
	q->last = UINT64_MAX;
	if (range) {
		q->first = strtoull(range + 15, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			q->last = strtoull(end + 1, NULL, 10);
	}
	slash = strchr(q->path + 1, '/');
	snprintf(q->name, sizeof(q->name), "%s", slash ? slash + 1 : q->path + 1);
	snprintf(q->faults, sizeof(q->faults), "%.*s", slash ? (int)(slash - q->path - 1) : 0,
		 q->path + 1);
	q->name[strcspn(q->name, "?")] = '\0';
	q->nth = count(q->path);
	pthread_mutex_lock(&server.lock);
	if (server.log) {
		fprintf(server.log, "%s %s", method, q->path);
		if (range)
			fprintf(server.log, " %.*s", (int)strcspn(range + 9, "\r"), range + 9);
		fputc('\n', server.log);
		fflush(server.log);
	}
	pthread_mutex_unlock(&server.lock);
	q->head_only = !strcmp(method, "HEAD");
	return q->head_only || !strcmp(method, "GET");
}

/* ---- answers ---- */

static bool answer_page(struct question *q, unsigned status, const char *more)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %u Told\r\nContent-Length: 5\r\n%s\r\npage\n", status, more);

	return send_all(q->fd, text, (size_t)n);
}

static bool answer_moved(struct question *q)
{
	const char *port = fault(q, "movedto");
	char more[2048];

	if (port)
		snprintf(more, sizeof(more), "Location: http://localhost:%.*s/%s\r\n",
			 (int)strcspn(port, ","), port, q->name);
	else
		snprintf(more, sizeof(more), "Location: /%s\r\n", q->name);
	return answer_page(q, 302, more);
}

/* True if this was all; *on says whether the connection goes on. */
static bool answer_early(struct question *q, bool *on)
{
	const char *line;

	nap(fault_number(q, "delay", 0));
	*on = true;
	if (q->nth <= fault_number(q, "fail", 0))
		*on = answer_page(q, 503, "");
	else if (fault(q, "status"))
		*on = answer_page(q, (unsigned)fault_number(q, "status", 500), "");
	else if (q->nth >= fault_number(q, "expires", UINT64_MAX))
		*on = answer_page(q, 403, "");
	else if ((line = fault(q, "need")) && !has_line(q, line))
		*on = answer_page(q, 401, "");
	else if ((line = fault(q, "never")) && has_line(q, line))
		*on = answer_page(q, 400, "");
	else if ((line = fault(q, "sigv4")) && !httpd_is_signed(q->head, line))
		*on = answer_page(q, 403, "");
	else if (fault(q, "moved") || fault(q, "movedto"))
		*on = answer_moved(q);
	else
		return false;
	return true;
}

static bool send_body(struct question *q, int file, uint64_t off, uint64_t len)
{
	uint64_t cut = fault_number(q, "cut", UINT64_MAX);
	uint64_t hang = fault_number(q, "hang", UINT64_MAX), sent = 0;
	static _Thread_local char buf[1 << 18];

	while (sent < len) {
		size_t n = len - sent < sizeof(buf) ? (size_t)(len - sent) : sizeof(buf);
		ssize_t got;

		if (n > cut - sent)
			n = (size_t)(cut - sent);
		if (n > hang - sent)
			n = (size_t)(hang - sent);
		if (!n && hang == sent)
			nap(60000);
		if (!n)
			return false;
		got = pread(file, buf, n, (off_t)(off + sent));
		if (got <= 0 || !send_all(q->fd, buf, (size_t)got))
			return false;
		sent += (uint64_t)got;
	}
	return true;
}

static int head_of(struct question *q, char *out, size_t size, uint64_t total, bool part)
{
	uint64_t shift = fault(q, "shifted") ? 1 : 0;
	int n = part ? snprintf(out, size,
				"HTTP/1.1 206 Part\r\nContent-Range: bytes %" PRIu64 "-%" PRIu64
				"/%" PRIu64 "\r\n",
				q->first + shift, q->last,
				total + (fault(q, "liar") && q->nth > 1))
		     : snprintf(out, size, "HTTP/1.1 200 Good\r\n");

	if (!fault(q, "notag"))
		n += snprintf(
			out + n, size - (size_t)n,
			"ETag: \"%d\"\r\nLast-Modified: Tue, 0%d Jan 2030 00:00:00 GMT\r\n",
			q->nth >= fault_number(q, "changes", UINT64_MAX),
			1 + (q->nth >= fault_number(q, "dates", UINT64_MAX)));
	if (!fault(q, "norange"))
		n += snprintf(out + n, size - (size_t)n, "Accept-Ranges: bytes\r\n");
	if (fault(q, "gzip"))
		n += snprintf(out + n, size - (size_t)n, "Content-Encoding: gzip\r\n");
	if (fault(q, "nolength"))
		n += snprintf(out + n, size - (size_t)n, "Connection: close\r\n\r\n");
	else
		n += snprintf(out + n, size - (size_t)n, "Content-Length: %" PRIu64 "\r\n\r\n",
			      q->last - q->first + 1);
	return n;
}

static bool answer_file(struct question *q, int file, uint64_t total)
{
	bool part = q->has_range && !fault(q, "norange");
	char head[2048];
	bool on;

	if (part && q->first >= total) {
		snprintf(head, sizeof(head), "Content-Range: bytes */%" PRIu64 "\r\n", total);
		return answer_page(q, 416, head);
	}
	if (!part)
		q->first = 0;
	if (!part || q->last >= total)
		q->last = total - 1; /* an empty file: a length of 0 all the same */
	on = send_all(q->fd, head, (size_t)head_of(q, head, sizeof(head), total, part));
	if (q->head_only)
		return on;
	on = on && send_body(q, file, q->first, q->last - q->first + 1);
	if (on && fault(q, "long"))
		on = send_all(q->fd, "and more", 8);
	return on && !fault(q, "nolength");
}

static bool answer(struct question *q)
{
	char path[4096];
	struct stat st;
	int file;
	bool on;

	if (answer_early(q, &on))
		return on;
	snprintf(path, sizeof(path), "%s/%s", server.dir, q->name);
	file = strstr(q->name, "..") ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (file >= 0)
			close(file);
		return answer_page(q, 404, "");
	}
	on = answer_file(q, file, (uint64_t)st.st_size);
	close(file);
	return on;
}

static void *talk(void *arg)
{
	struct question *q = calloc(1, sizeof(*q));

	q->fd = (int)(intptr_t)arg;
	while (read_head(q) && understand(q) && answer(q))
		;
	close(q->fd);
	free(q);
	return NULL;
}

/* ---- listening ---- */

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;

	for (;;) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_t t;

		if (c < 0)
			continue;
		if (pthread_create(&t, NULL, talk, (void *)(intptr_t)c))
			close(c);
		else
			pthread_detach(t);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t t;
	char end;

	if (argc < 2 || argc > 3)
		return 2;
	server.dir = argv[1];
	server.log = argc > 2 ? fopen(argv[2], "ae") : NULL;
	signal(SIGPIPE, SIG_IGN);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0 ||
	    pthread_create(&t, NULL, serve, (void *)(intptr_t)fd)) {
		perror("httpd");
		return 1;
	}
	printf("%u\n", ntohs(a.sin_port));
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}
