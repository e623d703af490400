/* SPDX-License-Identifier: MIT */
#include "host/kernels.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kernel's folder, not what a module built outside left behind. */
static bool is_kernel(const struct host *h, const char *release)
{
	static const char *const files[] = { "modules.dep", "modules.builtin" };
	char path[512];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, files[i]);
		if (host_exists(h, path))
			return true;
	}
	return false;
}

int kernels_read(const struct host *h, struct kernels *out, struct err *e)
{
	struct err mine = { 0 };
	size_t kept = 0;
	int r;

	memset(out, 0, sizeof(*out));
	if (host_has_kernel(h)) {
		r = host_read_line(h, "/proc/sys/kernel/osrelease", out->running,
				   sizeof(out->running), &mine);
		if (r < 0 && r != -ENOENT)
			return err_set(e, r, "%s", mine.msg);
	}
	r = host_list(h, "/lib/modules", &out->installed, &mine);
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "%s", mine.msg);
	for (size_t i = 0; i < out->installed.n; i++) {
		char *name = out->installed.v[i];

		if (is_kernel(h, name))
			out->installed.v[kept++] = name;
		else
			free(name);
	}
	out->installed.n = kept;
	if (!out->running[0])
		return 0;
	out->running_installed = TRI_NO;
	for (size_t i = 0; i < kept; i++)
		if (!strcmp(out->installed.v[i], out->running))
			out->running_installed = TRI_YES;
	return 0;
}

void kernels_free(struct kernels *k)
{
	host_list_free(&k->installed);
}

/* "lts" of "6.6.14-0-lts", "cloud-amd64" of "6.1.0-18-cloud-amd64"; "" where there is none. */
static const char *flavour(const char *release)
{
	for (const char *p = strchr(release, '-'); p; p = strchr(p + 1, '-')) {
		bool rc = !strncmp(p + 1, "rc", 2) && isdigit((unsigned char)p[3]);

		if (isalpha((unsigned char)p[1]) && !rc)
			return p + 1;
	}
	return "";
}

const char *kernels_newest(const struct kernels *k)
{
	const char *best = NULL;

	/* ascending, so the last one is the newest */
	for (size_t i = 0; i < k->installed.n; i++)
		if (!k->running[0] || !strcmp(flavour(k->installed.v[i]), flavour(k->running)))
			best = k->installed.v[i];
	if (!best && k->installed.n)
		best = k->installed.v[k->installed.n - 1];
	return best;
}

int kernels_version(const char *release, unsigned v[3], struct err *e)
{
	const char *p = release;

	v[0] = v[1] = v[2] = 0;
	for (int i = 0; i < 3; i++) {
		unsigned long n = 0;

		if (!isdigit((unsigned char)*p)) {
			if (i == 0)
				break;
			return 0;
		}
		for (; isdigit((unsigned char)*p) && n < 1000000; p++)
			n = n * 10 + (unsigned)(*p - '0');
		v[i] = (unsigned)n;
		if (*p != '.')
			return 0;
		p++;
	}
	if (p != release)
		return 0;
	return err_set(e, -EINVAL, "'%.64s' is no release of a kernel", release);
}
