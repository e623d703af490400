/* SPDX-License-Identifier: MIT */
#include "host/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP "/sys/fs/cgroup"

int cgroup_parse_known(const char *text, size_t len, struct words *out, struct err *e)
{
	struct span rest = { text, len }, line, name, word, last;

	out->v = NULL;
	out->n = 0;
	while (span_line(&rest, &line)) {
		int r = 0;

		/* "#subsys_name hierarchy num_cgroups enabled" */
		if (!span_word(&line, &name) || name.s[0] == '#')
			continue;
		last = (struct span){ "", 0 };
		while (span_word(&line, &word))
			last = word;
		if (span_is(last, "1"))
			r = words_add(out, name, e);
		if (r < 0) {
			words_free(out);
			return r;
		}
	}
	return 0;
}

static int read_words(const struct host *h, const char *path, struct words *out, struct err *e)
{
	char *text;
	size_t len;
	int r;

	if (host_read(h, path, &text, &len, NULL) < 0)
		return 0;
	r = words_parse((struct span){ text, len }, out, e);
	free(text);
	return r;
}

/* "cpu,cpuacct": the options of a v1 mount hold its controllers among other words, so only
 * those the kernel knows are taken. */
static int add_v1(struct cgroup *out, struct span opts, struct err *e)
{
	struct span one;
	int r = 0;

	while (r == 0 && opts.len) {
		char name[64];

		if (!span_cut(&opts, ',', &one)) {
			one = opts;
			opts.len = 0;
		}
		span_copy(one, name, sizeof(name));
		if (words_has(&out->known, name)) {
			r = words_add(&out->controllers, one, e);
			if (r == 0)
				r = words_add(&out->enabled, one, e);
		}
	}
	return r;
}

static int take_mount(struct cgroup *out, struct span line, bool *v1, bool *v2, struct err *e)
{
	struct span dev, dir, type, opts;

	if (!span_word(&line, &dev) || !span_word(&line, &dir) || !span_word(&line, &type) ||
	    !span_word(&line, &opts))
		return 0;
	if (span_is(type, "cgroup2") && !*v2) {
		*v2 = true;
		span_copy(dir, out->v2_path, sizeof(out->v2_path));
	}
	if (!span_is(type, "cgroup"))
		return 0;
	size_t before = out->controllers.n;
	int r = add_v1(out, opts, e);

	/* systemd's own hierarchy has no controller and makes no v1 */
	*v1 |= out->controllers.n > before;
	return r;
}

int cgroup_read(const struct host *h, struct cgroup *out, struct err *e)
{
	struct span rest, line;
	bool v1 = false, v2 = false;
	char path[192];
	char *text;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "no kernel runs in an image");
	if (host_read(h, "/proc/cgroups", &text, &len, NULL) == 0) {
		r = cgroup_parse_known(text, len, &out->known, e);
		free(text);
		if (r < 0)
			return r;
	}
	r = host_read(h, "/proc/mounts", &text, &len, e);
	rest = (struct span){ text, len };
	while (r == 0 && span_line(&rest, &line))
		r = take_mount(out, line, &v1, &v2, e);
	if (r == 0)
		free(text);
	out->version = v1 && v2 ? CGROUP_HYBRID : v1 ? CGROUP_V1 : v2 ? CGROUP_V2 : CGROUP_NONE;
	if (r == 0 && v2) {
		snprintf(path, sizeof(path), "%s/cgroup.controllers", out->v2_path);
		if (!v1)
			r = read_words(h, path, &out->controllers, e);
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", out->v2_path);
		if (r == 0 && !v1)
			r = read_words(h, path, &out->enabled, e);
	}
	if (r < 0)
		cgroup_free(out);
	return r;
}

void cgroup_free(struct cgroup *c)
{
	words_free(&c->controllers);
	words_free(&c->enabled);
	words_free(&c->known);
}

const char *cgroup_version_name(enum cgroup_version v)
{
	static const char *const names[] = { [CGROUP_NONE] = "none",
					     [CGROUP_V1] = "v1",
					     [CGROUP_V2] = "v2",
					     [CGROUP_HYBRID] = "hybrid" };

	return names[v];
}
