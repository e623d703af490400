/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "host/mounts.h"
#include "host/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody mounts more; each is looked up among all mounts. */
#define HUGE_MOUNTS_MAX 256

uint64_t huge_page_size(const char *text, size_t len)
{
	static const char suffix[] = "kmgtpe";
	char buf[32], *end;
	uint64_t v;

	/* memparse() of the kernel: a number in any base, one suffix, the rest is not looked
	 * at */
	if (!len || text[0] < '0' || text[0] > '9')
		return 0;
	if (len >= sizeof(buf))
		len = sizeof(buf) - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	errno = 0;
	v = strtoull(buf, &end, 0);
	if (errno)
		return 0;
	if (*end) {
		const char *s = strchr(suffix, *end | 0x20);
		unsigned shift = s ? 10 * (unsigned)(s - suffix + 1) : 0;

		if (v > UINT64_MAX >> shift)
			return 0;
		v <<= shift;
	}
	return v;
}

static uint32_t number_option(const struct mount *m, const char *key, int base, uint32_t none)
{
	char buf[16];
	size_t len;
	const char *s = mounts_option(m->super, key, &len);

	if (!s || !len || len >= sizeof(buf))
		return none;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return (uint32_t)strtoul(buf, NULL, base);
}

/* In a record a folder is a plain one, unless the record says what it stood for. */
static bool knows_mode(const struct host *h, const char *target)
{
	char key[256];

	if (host_is_live(h))
		return true;
	snprintf(key, sizeof(key), "node %s", target);
	return host_record(h) && record_get(host_record(h), key);
}

static int look(const struct host *h, const struct mount *m, struct huge_mount *out,
		struct err *e)
{
	uint64_t type, bsize;
	struct host_stat st;
	size_t len;
	const char *s = mounts_option(m->super, "pagesize", &len);

	memset(out, 0, sizeof(*out));
	out->target = mem_strdup(m->target, e);
	if (!out->target)
		return -ENOMEM;
	out->page = s ? huge_page_size(s, len) : 0;
	if (host_statfs(h, m->target, &type, &bsize, NULL) == 0 && type == HUGETLBFS_MAGIC) {
		out->page = bsize;
		out->verified = true;
	}
	/* the folder itself tells what chmod made of it since; the options what was asked */
	out->mode = number_option(m, "mode", 8, 0755);
	out->uid = number_option(m, "uid", 10, 0);
	out->gid = number_option(m, "gid", 10, 0);
	if (knows_mode(h, m->target) && host_stat(h, m->target, &st, NULL) == 0) {
		out->mode = st.mode;
		out->uid = st.uid;
		out->gid = st.gid;
	}
	return 0;
}

int huge_mounts_read(const struct host *h, const struct mounts *m, struct huge_mounts *out,
		     struct err *e)
{
	int r = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; r == 0 && i < m->n && out->n < HUGE_MOUNTS_MAX; i++) {
		if (strcmp(m->v[i].type, "hugetlbfs") ||
		    mounts_at(m, m->v[i].target) != &m->v[i])
			continue;
		r = mem_grow((void **)&out->v, out->n + 1, sizeof(*out->v), e);
		if (r == 0)
			r = look(h, &m->v[i], &out->v[out->n], e);
		if (r == 0)
			out->n++;
	}
	if (r < 0)
		huge_mounts_free(out);
	return r;
}

void huge_mounts_free(struct huge_mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].target);
	free(m->v);
	memset(m, 0, sizeof(*m));
}
