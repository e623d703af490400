/* SPDX-License-Identifier: MIT */
#include "tune/journal.h"

#include "base/below.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *journal_when_name(enum change_when when)
{
	static const char *const names[] = { "now", "reload", "relogin", "reboot" };

	return names[when];
}

void journal_change_free(struct journal_change *c)
{
	free(c->step);
	free(c->c.target);
	free(c->c.old_val);
	free(c->c.value);
	free(c->c.old_meta);
}

int journal_read(const struct host *h, struct journal *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err mine = { 0 };
	size_t len = 0;
	int r = below_read(host_root_fd(h), JOURNAL_FILE, JOURNAL_MAX, &text, &len, &mine);

	*out = (struct journal){ .fd = -1 };
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	r = journal_parse(text, len, out, &mine);
	return r < 0 ? err_set(e, r, "%s: %s", JOURNAL_FILE, mine.msg) : 0;
}

void journal_free(struct journal *j)
{
	for (size_t i = 0; i < j->n_applies; i++) {
		free(j->applies[i].time);
		free(j->applies[i].boot);
		free(j->applies[i].profile);
	}
	for (size_t i = 0; i < j->n; i++)
		journal_change_free(&j->v[i]);
	for (size_t i = 0; i < j->n_made; i++)
		free(j->made[i]);
	free(j->applies);
	free(j->v);
	free(j->made);
	free(j->boot);
	*j = (struct journal){ .fd = -1 };
}

const struct journal_change *journal_last(const struct journal *j,
					  const struct change_kind *kind, const char *target)
{
	for (size_t i = j->n; i-- > 0;)
		if (j->v[i].c.kind == kind && !j->v[i].undone &&
		    !strcmp(j->v[i].c.target, target))
			return &j->v[i];
	return NULL;
}

const struct journal_apply *journal_apply_of(const struct journal *j, unsigned n)
{
	for (size_t i = 0; i < j->n_applies; i++)
		if (j->applies[i].n == n)
			return &j->applies[i];
	return NULL;
}

bool journal_in_flight(const struct journal_change *c)
{
	return !c->undone && (!c->done || c->undoing);
}

void journal_boot_id(const struct host *h, char out[JOURNAL_BOOT_SIZE])
{
	out[0] = '\0';
	if (host_has_kernel(h) && host_read_line(h, "/proc/sys/kernel/random/boot_id", out,
						 JOURNAL_BOOT_SIZE, NULL) < 0)
		out[0] = '\0';
}

bool journal_same_boot(const struct journal *j, const struct journal_change *c,
		       const char *boot)
{
	const struct journal_apply *a = journal_apply_of(j, c->apply);

	return *boot && ((a && !strcmp(a->boot, boot)) || (j->boot && !strcmp(j->boot, boot)));
}

/* Hexadecimal under KEY_hex. */
static int put_hex(json_t *obj, const char *key, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(text);
	AUTO_FREE char *hex = mem_zalloc(n, 2, NULL);
	char name[32];

	if (!hex)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[(unsigned char)text[i] >> 4];
		hex[2 * i + 1] = digits[text[i] & 15];
	}
	snprintf(name, sizeof(name), "%s_hex", key);
	return json_object_set_new(obj, name, json_stringn(hex, 2 * n)) ? -ENOMEM : 0;
}

int journal_put_text(json_t *obj, const char *key, const char *text)
{
	json_t *v = text ? json_string(text) : NULL;

	if (!text)
		return 0;
	if (!v)
		return put_hex(obj, key, text);
	return json_object_set_new(obj, key, v) ? -ENOMEM : 0;
}
