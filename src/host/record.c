/* SPDX-License-Identifier: MIT */
#include "host/record.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *key, *val;
};

struct host_record {
	struct entry *v;
	size_t n;
};

static const struct {
	const char *name;
	int code;
} errnos[] = {
	{ "EPERM", EPERM },   { "ENOENT", ENOENT },   { "EIO", EIO },
	{ "ENXIO", ENXIO },   { "EACCES", EACCES },   { "EBUSY", EBUSY },
	{ "ENODEV", ENODEV }, { "EINVAL", EINVAL },   { "ENOTTY", ENOTTY },
	{ "ENOSYS", ENOSYS }, { "ENODATA", ENODATA }, { "ENOTSUP", ENOTSUP },
	{ "EAGAIN", EAGAIN }, { "EFBIG", EFBIG },     { "EISDIR", EISDIR },
	{ "ENOMEM", ENOMEM }, { "ELOOP", ELOOP },     { "ENOTDIR", ENOTDIR },
};

/* Copies @len bytes with runs of blanks made single and those at the ends left out. */
static char *squeeze(const char *s, size_t len, struct err *e)
{
	char *out = mem_zalloc(len + 1, 1, e);
	size_t n = 0;

	for (size_t i = 0; out && i < len; i++) {
		bool blank = s[i] == ' ' || s[i] == '\t' || s[i] == '\r';

		if (!blank)
			out[n++] = s[i];
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	if (out && n && out[n - 1] == ' ')
		n--;
	if (out)
		out[n] = '\0';
	return out;
}

static int add_line(struct host_record *r, const char *s, size_t len, size_t line,
		    struct err *e)
{
	const char *hash = memchr(s, '#', len);
	const char *eq;
	struct entry *t;
	int code;

	if (hash)
		len = (size_t)(hash - s);
	while (len && strchr(" \t\r", *s))
		s++, len--;
	if (!len)
		return 0;
	eq = memchr(s, '=', len);
	if (!eq || eq == s)
		return err_set(e, -EINVAL, "line %zu: not of the form 'key = value'", line);
	code = mem_grow((void **)&r->v, r->n + 1, sizeof(*r->v), e);
	if (code < 0)
		return code;
	t = &r->v[r->n];
	t->key = squeeze(s, (size_t)(eq - s), e);
	t->val = squeeze(eq + 1, len - (size_t)(eq - s) - 1, e);
	r->n++;
	return t->key && t->val ? 0 : -ENOMEM;
}

int record_parse(const char *text, size_t len, struct host_record **out, struct err *e)
{
	struct host_record *r;
	size_t line = 1;

	if (memchr(text, '\0', len))
		return err_set(e, -EINVAL, "a record is text, this has a zero byte");
	r = mem_zalloc(1, sizeof(*r), e);
	if (!r)
		return -ENOMEM;
	for (size_t pos = 0; pos < len; line++) {
		const char *nl = memchr(text + pos, '\n', len - pos);
		size_t n = nl ? (size_t)(nl - (text + pos)) : len - pos;
		int code = add_line(r, text + pos, n, line, e);

		if (code < 0) {
			record_free(r);
			return code;
		}
		pos += n + 1;
	}
	*out = r;
	return 0;
}

void record_free(struct host_record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].key);
		free(r->v[i].val);
	}
	free(r->v);
	free(r);
}

const char *record_get(const struct host_record *r, const char *key)
{
	for (size_t i = 0; r && i < r->n; i++)
		if (!strcmp(r->v[i].key, key))
			return r->v[i].val;
	return NULL;
}

const char *record_errno_name(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (errnos[i].code == -code)
			return errnos[i].name;
	return NULL;
}

int record_numbers(const struct host_record *r, const char *key, uint64_t *v, size_t n,
		   struct err *e)
{
	const char *val = record_get(r, key);

	if (!val)
		return err_set(e, -ENODATA, "%s is not in the record", key);
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (!strcmp(val, errnos[i].name))
			return err_set(e, -errnos[i].code, "%s: %s", key,
				       strerror(errnos[i].code));
	for (size_t i = 0; i < n; i++) {
		char *end;

		errno = 0;
		v[i] = strtoull(val, &end, 0);
		if (end == val || errno || (*end && *end != ' ') || *val == '-')
			return err_set(e, -EINVAL, "%s: '%s' is not %zu numbers", key,
				       record_get(r, key), n);
		val = *end ? end + 1 : end;
	}
	if (*val)
		return err_set(e, -EINVAL, "%s: '%s' is not %zu numbers", key,
			       record_get(r, key), n);
	return 0;
}
