/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tune/journal.h"

#include <stdlib.h>
#include <string.h>

/* What a line says, by key. */
struct record {
	const json_t *obj;
	size_t offset, line;
};

static int damaged(const struct record *rec, struct err *e, const char *what)
{
	return err_set(e, -EUCLEAN, "line %zu: %s", rec->line, what);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Text of an even number of hexadecimal digits; no zero byte may come of it. */
static int from_hex(const char *hex, char **out, struct err *e)
{
	size_t n = strlen(hex) / 2;
	char *text = mem_zalloc(n + 1, 1, e);

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(hex[2 * i]), lo = hi < 0 ? -1 : nibble(hex[2 * i + 1]);

		if (lo < 0 || !(hi | lo)) {
			free(text);
			return -EUCLEAN;
		}
		text[i] = (char)(hi << 4 | lo);
	}
	if (hex[2 * n]) {
		free(text);
		return -EUCLEAN;
	}
	*out = text;
	return 0;
}

/* The text under @key or @hex (NULL: only as text), NULL where there is none. */
static int take_text(const struct record *rec, const char *key, const char *hex, char **out,
		     struct err *e)
{
	const json_t *v = json_object_get(rec->obj, key);
	const json_t *h = hex ? json_object_get(rec->obj, hex) : NULL;
	int r = 0;

	*out = NULL;
	if ((v && !json_is_string(v)) || (h && (!json_is_string(h) || v)))
		return damaged(rec, e, "a value that is no text");
	if (v) {
		*out = mem_strdup(json_string_value(v), e);
		return *out ? 0 : -ENOMEM;
	}
	if (h)
		r = from_hex(json_string_value(h), out, e);
	return r == -EUCLEAN ? damaged(rec, e, "a value that is not hexadecimal") : r;
}

/* The same where it has to be there. */
static int need_text(const struct record *rec, const char *key, char **out, struct err *e)
{
	int r = take_text(rec, key, NULL, out, e);

	return r == 0 && !*out ? damaged(rec, e, "something is missing") : r;
}

/* A number from 1 up. */
static int need_number(const struct record *rec, const char *key, unsigned *out, struct err *e)
{
	const json_t *v = json_object_get(rec->obj, key);
	json_int_t n = v && json_is_integer(v) ? json_integer_value(v) : 0;

	if (n < 1 || n > INT32_MAX)
		return damaged(rec, e, "a number is missing or out of range");
	*out = (unsigned)n;
	return 0;
}

static int take_header(struct journal *j, const struct record *rec, struct err *e)
{
	const json_t *made = json_object_get(rec->obj, "made");
	unsigned version;
	int r = need_number(rec, "version", &version, e);

	if (r < 0)
		return r;
	if (version != 1)
		return err_set(e, -ENOTSUP, "it is of version %u, this vtune knows version 1",
			       version);
	if (made && !json_is_array(made))
		return damaged(rec, e, "a list that is none");
	for (size_t i = 0; made && i < json_array_size(made); i++) {
		const char *s = json_string_value(json_array_get(made, i));

		if (!s || s[0] != '/')
			return damaged(rec, e, "a folder that is none");
		r = mem_grow((void **)&j->made, j->n_made + 1, sizeof(*j->made), e);
		if (r < 0)
			return r;
		j->made[j->n_made] = mem_strdup(s, e);
		if (!j->made[j->n_made])
			return -ENOMEM;
		j->n_made++;
	}
	j->exists = true;
	return 0;
}

static int take_apply(struct journal *j, const struct record *rec, struct err *e)
{
	struct journal_apply a = { .offset = rec->offset };
	int r = need_number(rec, "n", &a.n, e);

	if (r == 0 && j->n_applies && a.n <= j->applies[j->n_applies - 1].n)
		r = damaged(rec, e, "applies are out of order");
	if (r == 0)
		r = need_text(rec, "time", &a.time, e);
	if (r == 0)
		r = need_text(rec, "boot", &a.boot, e);
	if (r == 0)
		r = need_text(rec, "profile", &a.profile, e);
	if (r == 0)
		r = mem_grow((void **)&j->applies, j->n_applies + 1, sizeof(*j->applies), e);
	if (r < 0) {
		free(a.time);
		free(a.boot);
		free(a.profile);
		return r;
	}
	j->applies[j->n_applies++] = a;
	return 0;
}

static int take_pid(const struct record *rec, long *pid, struct err *e)
{
	unsigned n;
	int r = need_number(rec, "pid", &n, e);

	if (r == 0)
		*pid = (long)n;
	return r;
}

static int take_when(const struct record *rec, enum change_when *when, struct err *e)
{
	const char *s = json_string_value(json_object_get(rec->obj, "when"));

	for (int i = WHEN_NOW; s && i <= WHEN_REBOOT; i++)
		if (!strcmp(s, journal_when_name((enum change_when)i))) {
			*when = (enum change_when)i;
			return 0;
		}
	return damaged(rec, e, "no word for when it takes effect");
}

static int fill_change(struct journal *j, const struct record *rec, struct journal_change *c,
		       struct err *e)
{
	const char *kind = json_string_value(json_object_get(rec->obj, "kind"));
	int r = need_number(rec, "seq", &c->seq, e);

	c->c.kind = kind ? kind_find(kind) : NULL;
	if (!c->c.kind)
		return damaged(rec, e, "a kind of change that there is not");
	if (r == 0 && j->n && c->seq <= j->v[j->n - 1].seq)
		r = damaged(rec, e, "changes are out of order");
	if (r == 0)
		r = need_number(rec, "apply", &c->apply, e);
	if (r == 0 && (!j->n_applies || c->apply != j->applies[j->n_applies - 1].n))
		r = damaged(rec, e, "a change of another apply");
	if (r == 0)
		r = take_pid(rec, &c->pid, e);
	if (r == 0)
		r = take_when(rec, &c->c.when, e);
	if (r == 0)
		r = need_text(rec, "step", &c->step, e);
	if (r == 0)
		r = need_text(rec, "target", &c->c.target, e);
	if (r == 0)
		r = take_text(rec, "old", "old_hex", &c->c.old_val, e);
	if (r == 0)
		r = take_text(rec, "value", "value_hex", &c->c.value, e);
	if (r == 0)
		r = take_text(rec, "meta", NULL, &c->c.old_meta, e);
	c->c.step = c->step;
	return r;
}

static int take_change(struct journal *j, const struct record *rec, struct err *e)
{
	struct journal_change c = { 0 };
	int r = fill_change(j, rec, &c, e);

	if (r == 0)
		r = mem_grow((void **)&j->v, j->n + 1, sizeof(*j->v), e);
	if (r < 0) {
		journal_change_free(&c);
		return r;
	}
	j->v[j->n++] = c;
	return 0;
}

/* The change that a record of progress is about: numbers rise, so they can be searched. */
static struct journal_change *by_seq(struct journal *j, unsigned seq)
{
	size_t lo = 0, hi = j->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (j->v[mid].seq == seq)
			return &j->v[mid];
		if (j->v[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int take_progress(struct journal *j, const struct record *rec, const char *what,
			 struct err *e)
{
	struct journal_change *c;
	unsigned seq = 0;
	int r = need_number(rec, "seq", &seq, e);

	if (r < 0)
		return r;
	c = by_seq(j, seq);
	if (!c || c->undone)
		return damaged(rec, e, "news of a change that there is not");
	if (!strcmp(what, "done"))
		c->done = true;
	else if (!strcmp(what, "undone"))
		c->undone = true;
	else
		r = take_pid(rec, &c->pid, e);
	if (r == 0 && !strcmp(what, "undo"))
		c->undoing = true;
	return r;
}

static int take_boot(struct journal *j, const struct record *rec, struct err *e)
{
	char *boot = NULL;
	int r = need_text(rec, "boot", &boot, e);

	if (r < 0)
		return r;
	free(j->boot);
	j->boot = boot;
	j->boot_at = rec->offset;
	return 0;
}

static int take_record(struct journal *j, const struct record *rec, struct err *e)
{
	const char *what = json_string_value(json_object_get(rec->obj, "rec"));

	if (!what)
		return damaged(rec, e, "not a record");
	if (!j->exists != !strcmp(what, "journal"))
		return damaged(rec, e, "the first record, and only it, says what this is");
	if (!strcmp(what, "journal"))
		return take_header(j, rec, e);
	if (!strcmp(what, "apply"))
		return take_apply(j, rec, e);
	if (!strcmp(what, "change"))
		return take_change(j, rec, e);
	if (!strcmp(what, "boot"))
		return take_boot(j, rec, e);
	if (!strcmp(what, "done") || !strcmp(what, "undo") || !strcmp(what, "undone"))
		return take_progress(j, rec, what, e);
	return damaged(rec, e, "a record of an unknown sort");
}

int journal_parse(const char *text, size_t len, struct journal *out, struct err *e)
{
	struct record rec = { NULL, 0, 1 };
	size_t last_at = 0;
	int r = 0;

	*out = (struct journal){ .fd = -1 };
	while (r == 0 && rec.offset < len) {
		const char *line = text + rec.offset;
		const char *nl = memchr(line, '\n', len - rec.offset);
		size_t n = nl ? (size_t)(nl - line) : len - rec.offset;
		bool last = !nl || rec.offset + n + 1 == len;
		json_error_t je;
		json_t *obj = nl ? json_loadb(line, n, JSON_REJECT_DUPLICATES, &je) : NULL;

		rec.obj = obj;
		if (!json_is_object(obj)) {
			out->torn = last;
			if (!last)
				r = damaged(&rec, e, "this is no record");
		} else {
			r = take_record(out, &rec, e);
		}
		json_decref(obj);
		if (out->torn)
			break;
		last_at = rec.offset;
		rec.offset += n + 1;
		rec.line++;
		out->end = rec.offset;
	}
	if (r < 0) {
		journal_free(out);
		return r;
	}
	if (!out->boot || out->boot_at != last_at)
		out->boot_at = out->end;
	return 0;
}
