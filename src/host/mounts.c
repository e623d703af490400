/* SPDX-License-Identifier: MIT */
#include "host/mounts.h"

#include "base/mem.h"
#include "host/lines.h"

#include <stdlib.h>
#include <string.h>

#define MOUNTINFO "/proc/self/mountinfo"

/* Mounts on the way from the root to a place; more is not a mount table but an attack. */
#define DEPTH_MAX 256

static bool octal(char c)
{
	return c >= '0' && c <= '7';
}

void mounts_unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && octal(s[2]) && octal(s[3]) &&
		    (s[1] != '0' || s[2] != '0' || s[3] != '0')) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The next field, up to one blank: fields may be empty.  False at the end of the line. */
static bool field(const char **s, size_t *len, const char **out, size_t *out_len)
{
	const char *blank;

	if (!*s)
		return false;
	blank = memchr(*s, ' ', *len);
	*out = *s;
	*out_len = blank ? (size_t)(blank - *s) : *len;
	*len -= blank ? *out_len + 1 : *out_len;
	*s = blank ? blank + 1 : NULL;
	return true;
}

static bool text_field(const char **s, size_t *len, char **out)
{
	const char *p;
	size_t n;

	if (!field(s, len, &p, &n))
		return false;
	*out = lines_copy(p, n, NULL);
	if (*out)
		mounts_unescape(*out);
	return *out != NULL;
}

/* At most nine decimal digits; *s behind them. */
static bool digits(const char **s, size_t *len, unsigned *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < *len && n < 9 && (*s)[n] >= '0' && (*s)[n] <= '9'; n++)
		*out = *out * 10 + (unsigned)((*s)[n] - '0');
	*s += n;
	*len -= n;
	return n > 0;
}

/* "36", or with @b "8:1". */
static bool number_field(const char **s, size_t *len, unsigned *a, unsigned *b)
{
	const char *p;
	size_t n;

	if (!field(s, len, &p, &n) || !digits(&p, &n, a))
		return false;
	if (!b)
		return n == 0;
	if (!n || *p != ':')
		return false;
	p++, n--;
	return digits(&p, &n, b) && n == 0;
}

static void mount_free(struct mount *m)
{
	free(m->root);
	free(m->target);
	free(m->options);
	free(m->type);
	free(m->source);
	free(m->super);
}

static bool parse_line(const char *s, size_t len, struct mount *m)
{
	const char *p;
	size_t n;

	if (!number_field(&s, &len, &m->id, NULL) ||
	    !number_field(&s, &len, &m->parent, NULL) ||
	    !number_field(&s, &len, &m->major, &m->minor) || !text_field(&s, &len, &m->root) ||
	    !text_field(&s, &len, &m->target) || !text_field(&s, &len, &m->options))
		return false;
	do { /* "shared:2" and others, ended by "-" */
		if (!field(&s, &len, &p, &n))
			return false;
	} while (n != 1 || *p != '-');
	return text_field(&s, &len, &m->type) && text_field(&s, &len, &m->source) &&
	       text_field(&s, &len, &m->super);
}

int mounts_parse(const char *text, size_t len, struct mounts *out, struct err *e)
{
	struct line l = { 0 };
	int r = 0;

	memset(out, 0, sizeof(*out));
	while (r == 0 && lines_next(text, len, &l)) {
		struct mount m = { 0 };

		r = mem_grow((void **)&out->v, out->n + 1, sizeof(m), e);
		if (r == 0 && !parse_line(text + l.off, l.len, &m))
			r = err_set(e, -EINVAL, "line %u is not one of mountinfo", l.nr);
		if (r == 0)
			out->v[out->n++] = m;
		else
			mount_free(&m);
	}
	if (r < 0)
		mounts_free(out);
	return r;
}

int mounts_read(const struct host *h, struct mounts *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return 0;
	r = host_read(h, MOUNTINFO, &text, &len, e);
	if (r < 0)
		return r;
	r = mounts_parse(text, len, out, e);
	return r < 0 ? err_wrap(e, r, "%s", MOUNTINFO) : 0;
}

void mounts_free(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		mount_free(&m->v[i]);
	free(m->v);
	memset(m, 0, sizeof(*m));
}

/* Is @dir @path itself or one of the folders above it? */
static bool above(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	if (n && dir[n - 1] == '/')
		n--;
	return !strncmp(dir, path, n) && (path[n] == '/' || path[n] == '\0');
}

static const struct mount *root_of(const struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		bool inside = false;

		if (strcmp(m->v[i].target, "/"))
			continue;
		for (size_t k = 0; k < m->n && !inside; k++)
			inside = k != i && m->v[k].id == m->v[i].parent;
		if (!inside)
			return &m->v[i];
	}
	return NULL;
}

/* What is mounted on @on on the way to @path, nearest to @on. */
static const struct mount *step(const struct mounts *m, const struct mount *on,
				const char *path)
{
	const struct mount *best = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct mount *c = &m->v[i];

		if (c != on && c->parent == on->id && c->id != on->id &&
		    above(c->target, path) &&
		    (!best || strlen(c->target) < strlen(best->target)))
			best = c;
	}
	return best;
}

const struct mount *mounts_at(const struct mounts *m, const char *target)
{
	const struct mount *cur = root_of(m), *next;

	/* in a chroot the root may be no mount: then by order alone */
	for (size_t i = m->n; !cur && i > 0; i--)
		if (!strcmp(m->v[i - 1].target, target))
			return &m->v[i - 1];
	for (unsigned depth = 0; cur && depth < DEPTH_MAX; depth++) {
		next = step(m, cur, target);
		if (!next)
			return strcmp(cur->target, target) ? NULL : cur;
		cur = next;
	}
	return NULL;
}

const char *mounts_option(const char *options, const char *key, size_t *len)
{
	size_t n = strlen(key);
	const char *found = NULL;

	for (const char *s = options; *s;) {
		size_t word = strcspn(s, ",");

		if (word >= n && !strncmp(s, key, n) && (word == n || s[n] == '=')) {
			found = s + n + (word > n);
			*len = word > n ? word - n - 1 : 0;
		}
		s += word + (s[word] == ',');
	}
	return found;
}
