/* SPDX-License-Identifier: MIT */
#include "emu/monitor/ringbuf.h"

#include "base/mem.h"
#include "emu/machine.h"
#include "emu/monitor/base64.h"

#include <stdlib.h>
#include <string.h>

#define MOST 65536u /* bytes of one answer */

static struct chardev *find(struct machine *m, const char *id, struct err *e)
{
	struct chardev *c = chardevs_find(m->chardevs, id);

	if (!c)
		err_set(e, -EINVAL, "there is no chardev '%s'", id ? id : "");
	return c;
}

/* Bytes of the ring, allocated; NULL and why not. */
static uint8_t *take(struct machine *m, const char *id, long long size, size_t *n,
		     struct err *e)
{
	struct chardev *c = find(m, id, e);
	uint8_t *buf;

	if (!c)
		return NULL;
	if (size <= 0) {
		err_set(e, -EINVAL, "the size must be greater than zero");
		return NULL;
	}
	if (size > MOST)
		size = MOST;
	buf = mem_zalloc(1, (size_t)size + 1, e);
	if (buf && chardev_ring_take(c, buf, (size_t)size, n, e) < 0) {
		free(buf);
		return NULL;
	}
	return buf;
}

/* Format of both commands: true for base64; *@bad: neither that nor utf8. */
static bool packed(const json_t *args, bool *bad, struct err *e)
{
	const char *f = json_string_value(json_object_get(args, "format"));

	*bad = f && strcmp(f, "base64") != 0 && strcmp(f, "utf8") != 0;
	if (*bad)
		err_set(e, -EINVAL, "format '%.32s': utf8 or base64", f);
	return f && !strcmp(f, "base64");
}

json_t *ringbuf_read(struct machine *m, const json_t *args, struct err *e)
{
	const char *id = json_string_value(json_object_get(args, "device"));
	bool bad, coded = packed(args, &bad, e);
	AUTO_FREE uint8_t *buf = NULL;
	json_t *r;
	size_t n;

	if (bad)
		return NULL;
	buf = take(m, id, json_integer_value(json_object_get(args, "size")), &n, e);
	if (!buf)
		return NULL;
	if (coded) {
		struct str s = STR_INIT;

		base64_add(&s, buf, n);
		r = json_stringn(s.s ? s.s : "", s.len);
		str_free(&s);
		return r;
	}
	/* what is no text cannot be in a string */
	for (size_t i = 0; i < n; i++)
		if (buf[i] >= 0x80)
			buf[i] = '?';
	r = json_stringn((const char *)buf, n);
	if (!r)
		err_set(e, -EINVAL, "what was written is no text; format base64 reads it");
	return r;
}

json_t *ringbuf_write(struct machine *m, const json_t *args, struct err *e)
{
	const char *id = json_string_value(json_object_get(args, "device"));
	const json_t *data = json_object_get(args, "data");
	const char *text = json_string_value(data);
	bool bad, coded = packed(args, &bad, e);
	AUTO_FREE uint8_t *bytes = NULL;
	struct chardev *c = bad ? NULL : find(m, id, e);
	size_t n;

	if (!c)
		return NULL;
	if (!text) {
		err_set(e, -EINVAL, "Parameter 'data' is missing");
		return NULL;
	}
	n = json_string_length(data);
	if (chardev_ring_take(c, NULL, 0, &(size_t){ 0 }, e) < 0)
		return NULL;
	if (coded) {
		bytes = mem_zalloc(1, n + 1, e);
		if (!bytes || base64_decode(text, n, bytes, &n, e) < 0)
			return NULL;
	}
	chardev_write(c, coded ? bytes : (const uint8_t *)text, n);
	return json_object();
}

/* The first word, a chardev's name. */
static void word(const char **arg, char to[64])
{
	size_t n = strcspn(*arg, " ");

	if (n > 63)
		n = 63;
	memcpy(to, *arg, n);
	to[n] = '\0';
	*arg += n + strspn(*arg + n, " ");
}

void ringbuf_show(struct machine *m, const char *arg, struct str *out)
{
	AUTO_FREE uint8_t *buf = NULL;
	struct err e = { 0 };
	char id[64];
	size_t n = 0;

	word(&arg, id);
	buf = take(m, id, strtoll(arg, NULL, 0), &n, &e);
	if (!buf) {
		str_addf(out, "%s\n", e.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char c = (char)buf[i];

		if (c == '\\')
			str_add(out, "\\\\");
		else if ((unsigned char)c < ' ' && c != '\n' && c != '\t')
			str_addf(out, "\\u%04X", (unsigned)c);
		else
			str_addn(out, &c, 1);
	}
	str_add(out, "\n");
}

void ringbuf_add(struct machine *m, const char *arg, struct str *out)
{
	struct err e = { 0 };
	struct chardev *c;
	char id[64];

	word(&arg, id);
	c = find(m, id, &e);
	if (!c || chardev_ring_take(c, NULL, 0, &(size_t){ 0 }, &e) < 0)
		str_addf(out, "%s\n", e.msg);
	else
		chardev_write(c, arg, strlen(arg));
}
