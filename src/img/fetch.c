/* SPDX-License-Identifier: MIT */
#include "img/fetch.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "img/proto/curl_site.h"
#include "img/proto/s3.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 1 << 20, TAG_MAX = 8192, SUMS_MAX = 4 << 20 };

struct job {
	struct img_fetch *f;
	struct curl_site *site;
	CURL *h;
	char *part, *tag;
	int fd;
	uint64_t have;
	bool tagged, verify;
	struct digest digest;
};

static bool stopping(void *arg)
{
	const struct img_fetch *f = arg;

	return f->stop && atomic_load(f->stop);
}

static int open_site(struct img_fetch *f, const char *url, struct curl_site **out,
		     struct err *e)
{
	bool s3 = !strncmp(url, "s3://", 5);
	struct http_opts o;
	int r;

	http_opts_init(&o);
	r = s3 ? s3_opts_take(url, &o, f->opts, f->secrets, e)
	       : http_opts_take(&o, f->opts, f->secrets, e);
	if (r == 0 && o.url && !s3)
		r = err_set(e, -EINVAL, "the URL is given twice: '%s' and '%s'", url, o.url);
	if (r == 0 && optset_unused(f->opts))
		r = err_set(e, -EINVAL, "there is no option '%s'", optset_unused(f->opts));
	if (r == 0 && !s3) {
		o.url = mem_strdup(url, e);
		r = o.url ? 0 : -ENOMEM;
	}
	if (r < 0) {
		http_opts_free(&o);
		return r;
	}
	r = curl_site_open(&o, out, e);
	if (r == 0) {
		(*out)->stopping = stopping;
		(*out)->arg = f;
	}
	return r;
}

/* ---- the tag ---- */

static int write_tag(struct job *j, struct err *e)
{
	const struct http_answer *a = &j->site->file;
	AUTO_FREE char *text = str_printf(e, "%s\n%s\n%s\n%" PRIu64 "\n", j->f->url, a->etag,
					  a->modified, a->total);
	AUTO_CLOSE int fd = -1;

	if (!text)
		return -ENOMEM;
	fd = io_open(j->tag, O_WRONLY | O_CREAT | O_TRUNC, 0600, e);
	if (fd < 0)
		return fd;
	j->tagged = true;
	return io_write(fd, text, strlen(text), e);
}

static bool take_line(char **rest, char *out, size_t size)
{
	char *line = strsep(rest, "\n");

	if (!line || !*rest || strlen(line) >= size)
		return false;
	memcpy(out, line, strlen(line) + 1);
	return true;
}

/* What the part is of; false: unknown, so it is of no use. */
static bool read_tag(struct job *j)
{
	struct http_answer *a = &j->site->file;
	char total[32], *rest, *url;
	AUTO_FREE char *text = NULL;

	if (io_read_file(j->tag, TAG_MAX, &text, NULL) < 0)
		return false;
	rest = text;
	url = strsep(&rest, "\n");
	if (!rest || !take_line(&rest, a->etag, sizeof(a->etag)) ||
	    !take_line(&rest, a->modified, sizeof(a->modified)) ||
	    !take_line(&rest, total, sizeof(total)))
		return false;
	a->total = strtoull(total, NULL, 10);
	/* Without a mark only the digest would tell two versions apart. */
	return !strcmp(url, j->f->url) && (*a->etag || *a->modified || j->verify);
}

/* ---- what comes ---- */

static int consume(struct job *j, const void *buf, size_t n, struct err *e)
{
	if (j->verify)
		digest_add(&j->digest, buf, n);
	progress_add(j->f->progress, n);
	return j->f->sink ? j->f->sink(j->f->arg, buf, n, e) : 0;
}

static int on_bytes(void *arg, const void *buf, size_t n, struct err *e)
{
	struct job *j = arg;
	int r = 0;

	if (!j->tagged) {
		if (j->site->file.total != HTTP_UNKNOWN)
			progress_total(j->f->progress, j->site->file.total);
		r = write_tag(j, e);
	}
	if (r == 0)
		r = io_pwrite(j->fd, buf, n, j->have, e);
	if (r < 0)
		return err_wrap(e, r, "%s", j->part);
	j->have += n;
	return consume(j, buf, n, e);
}

/* What was there before goes the same way. */
static int feed_part(struct job *j, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_zalloc(1, STEP, e);
	int r = buf ? 0 : -ENOMEM;

	for (uint64_t at = 0; r == 0 && at < j->have; at += STEP) {
		size_t n = (size_t)min_u64(STEP, j->have - at);

		if (stopping(j->f))
			return err_set(e, -EINTR, "interrupted");
		r = io_pread(j->fd, buf, n, at, e);
		if (r == 0)
			r = consume(j, buf, n, e);
	}
	return r;
}

static void forget(struct job *j)
{
	(void)unlink(j->part);
	(void)unlink(j->tag);
}

static int resume(struct job *j, struct err *e)
{
	struct http_answer *a = &j->site->file;
	int r = io_size(j->fd, &j->have, e);

	if (r < 0)
		return r;
	if (!j->have || !read_tag(j) || j->have > a->total) {
		http_answer_reset(a);
		j->have = 0;
		return io_truncate(j->fd, 0, e);
	}
	j->f->resumed = j->tagged = j->site->known = true;
	if (a->total != HTTP_UNKNOWN)
		progress_total(j->f->progress, a->total);
	return feed_part(j, e);
}

static int download(struct job *j, struct err *e)
{
	int r = resume(j, e);

	if (r == 0 && !(j->site->known && j->have == j->site->file.total))
		r = curl_site_get(j->site, &j->h, j->have, HTTP_UNKNOWN, on_bytes, j, e);
	if (r == -ESTALE)
		forget(j);
	return r;
}

static int verify(struct job *j, struct err *e)
{
	char hex[2 * DIGEST_MAX + 1];
	uint8_t sum[DIGEST_MAX];

	if (!j->verify)
		return 0;
	digest_take(&j->digest, sum);
	for (size_t i = 0; i < digest_size(&j->digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	if (!strcmp(hex, j->f->want))
		return 0;
	forget(j);
	return err_set(e, -EBADMSG, "what came has the %s %s, and should have %s",
		       j->f->algorithm, hex, j->f->want);
}

static int open_part(struct job *j, struct err *e)
{
	j->part = str_printf(e, "%s.part", j->f->file);
	j->tag = j->part ? str_printf(e, "%s.tag", j->part) : NULL;
	if (!j->tag)
		return -ENOMEM;
	j->fd = io_open(j->part, O_RDWR | O_CREAT | O_NOFOLLOW, 0666, e);
	if (j->fd < 0)
		return j->fd;
	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, -EBUSY, "another process is downloading to '%s'", j->part);
	return 0;
}

int img_fetch(struct img_fetch *f, struct err *e)
{
	struct job j = { .f = f, .fd = -1, .verify = f->algorithm != NULL };
	int r = j.verify ? digest_init(&j.digest, f->algorithm, e) : 0;

	f->resumed = false;
	if (r == 0)
		r = open_site(f, f->url, &j.site, e);
	if (r == 0)
		r = open_part(&j, e);
	if (r == 0)
		r = download(&j, e);
	if (r == 0)
		r = verify(&j, e);
	/* Nothing came: nothing to go on with. */
	if (r < 0 && r != -EBUSY && j.fd >= 0 && !j.have)
		forget(&j);
	io_close(j.fd);
	if (j.site)
		curl_site_drop(j.site, j.h);
	curl_site_close(j.site);
	free(j.part);
	free(j.tag);
	return r;
}

/* ---- after it ---- */

void img_fetch_drop(const struct img_fetch *f)
{
	AUTO_FREE char *part = str_printf(NULL, "%s.part", f->file);
	AUTO_FREE char *tag = str_printf(NULL, "%s.part.tag", f->file);

	if (part)
		(void)unlink(part);
	if (tag)
		(void)unlink(tag);
}

int img_fetch_keep(const struct img_fetch *f, struct err *e)
{
	AUTO_FREE char *part = str_printf(e, "%s.part", f->file);
	AUTO_CLOSE int fd = part ? io_open(part, O_RDONLY, 0, e) : -ENOMEM;
	int r = fd < 0 ? fd : io_sync(fd, true, e);

	if (r < 0)
		return r;
	if (rename(part, f->file) < 0)
		return err_errno(e, "Could not create '%s'", f->file);
	img_fetch_drop(f);
	return 0;
}

static int to_text(void *arg, const void *buf, size_t n, struct err *e)
{
	struct str *s = arg;

	if (s->len + n > SUMS_MAX)
		return err_set(e, -EFBIG, "more than %d MiB of checksums", SUMS_MAX >> 20);
	str_addn(s, buf, n);
	return 0;
}

static int find_sum(struct img_fetch *f, const char *text, const char *url, struct err *e)
{
	AUTO_FREE char *path = str_printf(e, "%.*s", (int)strcspn(f->url, "?#"), f->url);
	const char *name, *hex;
	char digits[2 * DIGEST_MAX + 1];
	size_t n;

	if (!path)
		return -ENOMEM;
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	hex = *name ? fetch_find_sum(text, name, &n) : NULL;
	if (!hex)
		return err_set(e, -ENOENT, "'%s' has no checksum of '%s'", url, name);
	snprintf(digits, sizeof(digits), "%.*s", (int)n, hex);
	return fetch_digest(digits, &f->algorithm, f->want, e);
}

int img_fetch_sums(struct img_fetch *f, const char *url, struct err *e)
{
	struct str s = STR_INIT;
	struct curl_site *site = NULL;
	AUTO_FREE char *text = NULL;
	CURL *h = NULL;
	int r = open_site(f, url, &site, e);

	if (r == 0)
		r = curl_site_get(site, &h, 0, HTTP_UNKNOWN, to_text, &s, e);
	if (r == 0) {
		text = str_take(&s, e);
		r = text ? find_sum(f, text, url, e) : -ENOMEM;
	}
	str_free(&s);
	if (site)
		curl_site_drop(site, h);
	curl_site_close(site);
	return r;
}
