/* SPDX-License-Identifier: MIT */
#include "host/fstab.h"

#include "base/mem.h"
#include "host/lines.h"
#include "host/mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A field of a line as it stands in the text. */
struct field {
	const char *s;
	size_t len;
};

static void entry_free(struct fstab_entry *t)
{
	free(t->source);
	free(t->target);
	free(t->type);
	free(t->options);
}

static char *resolved(const struct field *f, struct err *e)
{
	char *s = lines_copy(f->s, f->len, e);

	if (s)
		mounts_unescape(s);
	return s;
}

static int fault(struct fstab *out, unsigned line, const char *text, struct err *e)
{
	struct fstab_fault *f;
	int r = mem_grow((void **)&out->faults, out->n_faults + 1, sizeof(*f), e);

	if (r < 0)
		return r;
	f = &out->faults[out->n_faults++];
	f->line = line;
	snprintf(f->text, sizeof(f->text), "%s", text);
	return 0;
}

/* A decimal number that is a whole field. */
static bool number(const struct field *f, unsigned *out)
{
	unsigned v = 0;

	if (!f->len || f->len > 9)
		return false;
	for (size_t i = 0; i < f->len; i++) {
		if (f->s[i] < '0' || f->s[i] > '9')
			return false;
		v = v * 10 + (unsigned)(f->s[i] - '0');
	}
	*out = v;
	return true;
}

static int parse_line(const char *text, const struct line *l, struct fstab *out, struct err *e)
{
	struct fstab_entry t = { .line = l->nr, .off = l->off, .len = l->len };
	const char *s = text + l->off;
	struct field f[6] = { { "", 0 } };
	size_t pos = 0, n = 0;
	int r;

	/* of a last line without its LF the CR goes too, as in libmount */
	if (t.len && s[t.len - 1] == '\r')
		t.len--;
	while (n < ARRAY_SIZE(f)) {
		f[n].len = lines_word(s, t.len, &pos, &f[n].s);
		if (!f[n].len)
			break;
		n++;
	}
	if (n == 0 || f[0].s[0] == '#')
		return 0;
	if (n < 3)
		return fault(out, l->nr, "less than device, folder and type", e);
	if (n > 4 && !number(&f[4], &t.freq))
		return fault(out, l->nr, "the fifth field (dump) is not a number", e);
	if (n > 5 && !number(&f[5], &t.pass))
		return fault(out, l->nr, "the sixth field (fsck order) is not a number", e);
	if (n == 3) {
		t.opts_off = (size_t)(f[2].s + f[2].len - text);
		f[3].s = "";
		f[3].len = 0;
	} else {
		t.opts_off = (size_t)(f[3].s - text);
		t.opts_len = f[3].len;
	}
	r = mem_grow((void **)&out->v, out->n + 1, sizeof(t), e);
	if (r < 0)
		return r;
	t.source = resolved(&f[0], e);
	t.target = resolved(&f[1], e);
	t.type = resolved(&f[2], e);
	t.options = resolved(&f[3], e);
	out->v[out->n++] = t;
	return t.source && t.target && t.type && t.options ? 0 : -ENOMEM;
}

int fstab_parse(const char *text, size_t len, struct fstab *out, struct err *e)
{
	struct line l = { 0 };
	int r = 0;

	memset(out, 0, sizeof(*out));
	while (r == 0 && lines_next(text, len, &l))
		r = parse_line(text, &l, out, e);
	if (r < 0)
		fstab_free(out);
	return r;
}

int fstab_read(const struct host *h, struct fstab *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err mine = { 0 };
	size_t len;
	int r = host_read(h, FSTAB, &text, &len, &mine);

	memset(out, 0, sizeof(*out));
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	return fstab_parse(text, len, out, e);
}

void fstab_free(struct fstab *f)
{
	for (size_t i = 0; i < f->n; i++)
		entry_free(&f->v[i]);
	free(f->v);
	free(f->faults);
	memset(f, 0, sizeof(*f));
}

static size_t target_len(const char *s)
{
	size_t n = strlen(s);

	while (n > 1 && s[n - 1] == '/')
		n--;
	return n;
}

const struct fstab_entry *fstab_find(const struct fstab *f, const char *target,
				     const char *type)
{
	size_t n = target_len(target);

	for (size_t i = 0; i < f->n; i++) {
		const struct fstab_entry *t = &f->v[i];

		if (target_len(t->target) == n && !strncmp(t->target, target, n) &&
		    (!type || !strcmp(t->type, type)))
			return t;
	}
	return NULL;
}
