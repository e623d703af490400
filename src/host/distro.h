/* SPDX-License-Identifier: MIT */
/* What system stands below the root: found by its files, not by its name. */
#ifndef HOST_DISTRO_H
#define HOST_DISTRO_H

#include "host/os_release.h"
#include "host/tri.h"

enum distro_init {
	INIT_UNKNOWN,
	INIT_OPENRC,
	INIT_SYSTEMD,
	INIT_SYSV,
	INIT_BUSYBOX,
	INIT_RUNIT
};
enum distro_devices {
	DEVICES_UNKNOWN,
	DEVICES_MDEV,
	DEVICES_MDEVD,
	DEVICES_UDEV,
	DEVICES_EUDEV
};
enum distro_libc { LIBC_UNKNOWN, LIBC_MUSL, LIBC_GLIBC };
enum distro_packages {
	PACKAGES_UNKNOWN,
	PACKAGES_APK,
	PACKAGES_APT,
	PACKAGES_DNF,
	PACKAGES_PACMAN
};

struct distro {
	struct os_release os;
	enum distro_init init;
	enum distro_devices devices;
	enum distro_libc libc;
	enum distro_packages packages;
};

int distro_read(const struct host *h, struct distro *out, struct err *e) MUST_CHECK;
/* OpenRC starts @service at boot: it is in the runlevel sysinit, boot or default. */
bool distro_in_runlevel(const struct host *h, const char *service);
const char *distro_init_name(enum distro_init i);
const char *distro_devices_name(enum distro_devices d);
const char *distro_libc_name(enum distro_libc l);
const char *distro_packages_name(enum distro_packages p);

#endif
