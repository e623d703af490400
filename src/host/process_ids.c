/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "host/users.h"

#include <stdlib.h>
#include <string.h>

/* The second number of "Uid: real effective saved fs". */
static bool effective(struct span line, uint32_t *out)
{
	struct span word;
	unsigned long long v = 0;

	for (int i = 0; i < 2; i++)
		if (!span_word(&line, &word) || !span_u64(word, UINT32_MAX, &v))
			return false;
	*out = (uint32_t)v;
	return true;
}

static int all_groups(struct span line, struct process_ids *out, struct err *e)
{
	struct span word;
	unsigned long long v;

	while (span_word(&line, &word)) {
		int r;

		if (!span_u64(word, UINT32_MAX, &v))
			return err_set(e, -EINVAL, "Groups: not a list of numbers");
		r = mem_grow((void **)&out->groups, out->n_groups + 1, sizeof(*out->groups), e);
		if (r < 0)
			return r;
		out->groups[out->n_groups++] = (uint32_t)v;
	}
	return 0;
}

int process_ids_parse(const char *text, size_t len, struct process_ids *out, struct err *e)
{
	struct span rest = { text, len }, line, key;
	bool uid = false, gid = false;
	int r = 0;

	memset(out, 0, sizeof(*out));
	while (r == 0 && span_line(&rest, &line)) {
		if (!span_cut(&line, ':', &key))
			continue;
		if (span_is(key, "Uid"))
			uid = effective(line, &out->uid);
		else if (span_is(key, "Gid"))
			gid = effective(line, &out->gid);
		else if (span_is(key, "Groups") && !out->n_groups)
			r = all_groups(line, out, e);
	}
	if (r == 0 && (!uid || !gid))
		r = err_set(e, -EINVAL, "no Uid and Gid");
	if (r < 0) {
		free(out->groups);
		memset(out, 0, sizeof(*out));
	}
	return r;
}

int process_ids_read(const struct host *h, struct process_ids *out, struct err *e)
{
	char *text;
	size_t len;
	int r;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "no process runs in an image");
	r = host_read(h, "/proc/self/status", &text, &len, e);
	if (r < 0)
		return r;
	r = process_ids_parse(text, len, out, e);
	free(text);
	return r < 0 ? err_wrap(e, r, "/proc/self/status") : 0;
}

bool process_ids_has(const struct process_ids *p, uint32_t gid)
{
	if (p->gid == gid)
		return true;
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}
