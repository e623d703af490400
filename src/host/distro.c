/* SPDX-License-Identifier: MIT */
#include "host/distro.h"

#include <stdio.h>
#include <string.h>

/* The first of @rows whose path is there; a row without one ends them. */
struct sign {
	const char *path;
	int means;
};

static int first(const struct host *h, const struct sign *rows)
{
	for (; rows->path; rows++)
		if (host_exists(h, rows->path))
			return rows->means;
	return 0;
}

/* Whether a name in @dir begins so. */
static bool any_begins(const struct host *h, const char *dir, const char *with)
{
	AUTO_LIST struct host_list l = { 0 };

	if (host_list(h, dir, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (!strncmp(l.v[i], with, strlen(with)))
			return true;
	return false;
}

static bool is_init(const char *comm)
{
	static const char *const names[] = { "init",       "systemd", "openrc-init", "runit",
					     "runit-init", "busybox", "linuxrc" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(comm, names[i]))
			return true;
	return false;
}

static enum distro_init find_init(const struct host *h)
{
	/* what runs says it best, then what /sbin/init is, then what is installed */
	static const struct sign runs[] = { { "/run/systemd/system", INIT_SYSTEMD },
					    { "/run/openrc/softlevel", INIT_OPENRC },
					    { NULL, 0 } };
	static const struct sign installed[] = { { "/sbin/openrc", INIT_OPENRC },
						 { "/usr/sbin/openrc", INIT_OPENRC },
						 { "/sbin/runit-init", INIT_RUNIT },
						 { "/etc/runit/1", INIT_RUNIT },
						 { "/lib/systemd/systemd", INIT_SYSTEMD },
						 { "/sbin/telinit", INIT_SYSV },
						 { NULL, 0 } };
	char to[256];
	int i = host_has_kernel(h) ? first(h, runs) : 0;

	if (i)
		return (enum distro_init)i;
	/* What is installed says nothing where a container's or a test's program is first; and
	 * /run/runit is on Debian without runit, too: packages with a service for it make it. */
	if (host_has_kernel(h) &&
	    host_read_line(h, "/proc/1/comm", to, sizeof(to), NULL) == 0) {
		if (!is_init(to))
			return INIT_UNKNOWN;
		if (!strcmp(to, "runit"))
			return INIT_RUNIT;
	}
	if (host_readlink(h, "/sbin/init", to, sizeof(to), NULL) < 0)
		to[0] = '\0';
	if (strstr(to, "systemd"))
		return INIT_SYSTEMD;
	i = first(h, installed);
	if (!i && strstr(to, "busybox"))
		return INIT_BUSYBOX;
	return (enum distro_init)i;
}

static enum distro_devices find_devices(const struct host *h, enum distro_init init)
{
	static const struct sign enabled[] = {
		{ "/etc/runlevels/sysinit/mdevd", DEVICES_MDEVD },
		{ "/etc/runlevels/sysinit/mdev", DEVICES_MDEV },
		{ NULL, 0 },
	};
	static const struct sign installed[] = {
		{ "/lib/systemd/systemd-udevd", DEVICES_UDEV },
		{ "/usr/lib/systemd/systemd-udevd", DEVICES_UDEV },
		{ "/sbin/udevd", DEVICES_EUDEV },
		{ "/usr/sbin/udevd", DEVICES_EUDEV },
		{ "/lib/udev/udevd", DEVICES_EUDEV },
		{ "/sbin/mdevd", DEVICES_MDEVD },
		{ "/sbin/mdev", DEVICES_MDEV },
		{ NULL, 0 },
	};
	int d = first(h, enabled);

	/* under OpenRC several are installed at times; udev comes in by its service too */
	if (d && init == INIT_OPENRC && !host_exists(h, "/etc/runlevels/sysinit/udev"))
		return (enum distro_devices)d;
	return (enum distro_devices)first(h, installed);
}

static enum distro_libc find_libc(const struct host *h)
{
	if (any_begins(h, "/lib", "ld-musl-"))
		return LIBC_MUSL;
	if (any_begins(h, "/lib", "ld-linux") || any_begins(h, "/lib64", "ld-linux") ||
	    any_begins(h, "/lib64", "ld64."))
		return LIBC_GLIBC;
	return LIBC_UNKNOWN;
}

static enum distro_packages find_packages(const struct host *h)
{
	static const struct sign rows[] = { { "/etc/apk/world", PACKAGES_APK },
					    { "/sbin/apk", PACKAGES_APK },
					    { "/var/lib/dpkg/status", PACKAGES_APT },
					    { "/usr/bin/apt-get", PACKAGES_APT },
					    { "/usr/bin/dnf", PACKAGES_DNF },
					    { "/usr/bin/pacman", PACKAGES_PACMAN },
					    { NULL, 0 } };

	return (enum distro_packages)first(h, rows);
}

int distro_read(const struct host *h, struct distro *out, struct err *e)
{
	struct err mine = { 0 };
	int r;

	memset(out, 0, sizeof(*out));
	r = os_release_read(h, &out->os, &mine);
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "%s", mine.msg);
	if (r < 0)
		strncpy(out->os.id, "linux", sizeof(out->os.id) - 1);
	out->init = find_init(h);
	out->devices = find_devices(h, out->init);
	out->libc = find_libc(h);
	out->packages = find_packages(h);
	return 0;
}

bool distro_in_runlevel(const struct host *h, const char *service)
{
	static const char *const levels[] = { "sysinit", "boot", "default" };
	char path[96], to[128];

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		snprintf(path, sizeof(path), "/etc/runlevels/%s/%s", levels[i], service);
		/* the script itself may be a link into a package that is not unpacked here */
		if (host_readlink(h, path, to, sizeof(to), NULL) == 0 || host_exists(h, path))
			return true;
	}
	return false;
}

const char *distro_init_name(enum distro_init i)
{
	static const char *const names[] = {
		[INIT_UNKNOWN] = "unknown", [INIT_OPENRC] = "openrc",
		[INIT_SYSTEMD] = "systemd", [INIT_SYSV] = "sysvinit",
		[INIT_BUSYBOX] = "busybox", [INIT_RUNIT] = "runit"
	};

	return names[i];
}

const char *distro_devices_name(enum distro_devices d)
{
	static const char *const names[] = { [DEVICES_UNKNOWN] = "unknown",
					     [DEVICES_MDEV] = "mdev",
					     [DEVICES_MDEVD] = "mdevd",
					     [DEVICES_UDEV] = "udev",
					     [DEVICES_EUDEV] = "eudev" };

	return names[d];
}

const char *distro_libc_name(enum distro_libc l)
{
	static const char *const names[] = {
		[LIBC_UNKNOWN] = "unknown", [LIBC_MUSL] = "musl", [LIBC_GLIBC] = "glibc"
	};

	return names[l];
}

const char *distro_packages_name(enum distro_packages p)
{
	static const char *const names[] = { [PACKAGES_UNKNOWN] = "unknown",
					     [PACKAGES_APK] = "apk",
					     [PACKAGES_APT] = "apt",
					     [PACKAGES_DNF] = "dnf",
					     [PACKAGES_PACMAN] = "pacman" };

	return names[p];
}
