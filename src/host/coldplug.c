/* SPDX-License-Identifier: MIT */
#include "host/coldplug.h"

#include "base/mem.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A unit that is installed and not masked; the distribution's own are wanted from the start. */
static bool has_unit(const struct host *h, const char *unit)
{
	static const char *const dirs[] = { "/usr/lib/systemd/system", "/lib/systemd/system" };
	char path[128], to[64];

	snprintf(path, sizeof(path), "/etc/systemd/system/%s", unit);
	if (host_readlink(h, path, to, sizeof(to), NULL) == 0 && !strcmp(to, "/dev/null"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], unit);
		if (host_exists(h, path))
			return true;
	}
	return false;
}

static bool says(const struct host *h, const char *path, const char *what)
{
	AUTO_FREE char *text = NULL;

	return host_read(h, path, &text, NULL, NULL) == 0 && strstr(text, what);
}

static void openrc(const struct host *h, struct coldplug *out)
{
	if (distro_in_runlevel(h, "hwdrivers"))
		out->by = "hwdrivers";
	else if (distro_in_runlevel(h, "udev-trigger"))
		out->by = "udev";
	/* Debian's udev has both in one script */
	else if (distro_in_runlevel(h, "udev") &&
		 says(h, "/etc/init.d/udev", "udevadm trigger"))
		out->by = "udev";
	else if (distro_in_runlevel(h, "mdevd") && says(h, "/etc/mdev.conf", "$MODALIAS"))
		out->by = "mdevd";
	if (distro_in_runlevel(h, "kmod-static-nodes"))
		out->nodes = "OpenRC";
}

/* /etc/rcS.d/S03udev and the like. */
static bool sysv_starts(const struct host *h, const char *service)
{
	AUTO_LIST struct host_list l = { 0 };

	if (host_list(h, "/etc/rcS.d", &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i][0] == 'S' && strlen(l.v[i]) > 3 && !strcmp(l.v[i] + 3, service))
			return true;
	return false;
}

void coldplug_read(const struct host *h, const struct distro *d, struct coldplug *out)
{
	memset(out, 0, sizeof(*out));
	switch (d->init) {
	case INIT_SYSTEMD:
		if (has_unit(h, "systemd-udev-trigger.service"))
			out->by = "udev";
		if (has_unit(h, "kmod-static-nodes.service"))
			out->nodes = "systemd";
		break;
	case INIT_OPENRC:
		openrc(h, out);
		break;
	case INIT_SYSV:
		if (sysv_starts(h, "udev") || sysv_starts(h, "eudev"))
			out->by = "udev";
		break;
	case INIT_RUNIT:
		if (host_exists(h, "/etc/runit/core-services/02-udev.sh"))
			out->by = "udev";
		break;
	default:
		break;
	}
}

/* cpu:type:x86,ven0002fam0017mod0001:feature:,0000,0001,...,00C2, */
bool coldplug_has_feature(const char *modalias, unsigned feature)
{
	static const char mark[] = ":feature:";
	const char *at = strstr(modalias, mark);
	char want[16];

	snprintf(want, sizeof(want), ",%04X,", feature);
	return at && strstr(at + sizeof(mark) - 1, want);
}

enum tri coldplug_feature(const struct host *h, unsigned feature)
{
	AUTO_FREE char *text = NULL;

	if (host_read(h, "/sys/devices/system/cpu/modalias", &text, NULL, NULL) < 0)
		return TRI_UNKNOWN;
	return tri_of(coldplug_has_feature(text, feature));
}

static bool same_module(struct span word, const char *module)
{
	if (word.len != strlen(module))
		return false;
	for (size_t i = 0; i < word.len; i++)
		if ((word.s[i] == '-' ? '_' : word.s[i]) !=
		    (module[i] == '-' ? '_' : module[i]))
			return false;
	return true;
}

/* Lines of "tun net/tun c10:200"; the first says that it was made by a program. */
bool coldplug_has_node(const char *text, size_t len, const char *module)
{
	struct span rest = { text, len }, line, word;

	while (span_line(&rest, &line))
		if (span_word(&line, &word) && same_module(word, module) &&
		    span_word(&line, &word) && span_word(&line, &word))
			return true;
	return false;
}

bool coldplug_node(const struct host *h, const char *release, const char *module)
{
	AUTO_FREE char *text = NULL;
	char path[128];
	size_t len;

	if (!release[0] || strchr(release, '/'))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.devname", release);
	return host_read(h, path, &text, &len, NULL) == 0 &&
	       coldplug_has_node(text, len, module);
}
