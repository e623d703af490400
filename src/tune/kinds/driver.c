/* SPDX-License-Identifier: MIT */
/*
 * The driver of a PCI device, chosen by driver_override so that no other device of the same
 * kind follows.  What a guest holds is never taken from it: to unbind it would wait in the
 * kernel until the guest lets go.
 */
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "tune/kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices/"
#define DRIVERS "/sys/bus/pci/drivers/"

/* "0000:03:00.0" */
static int check(const char *addr, struct err *e)
{
	static const char form[] = "xxxx:xx:xx.o";
	bool fine = strlen(addr) == sizeof(form) - 1;

	for (size_t i = 0; fine && form[i]; i++)
		fine = form[i] == 'x'   ? strchr("0123456789abcdef", addr[i]) != NULL
		       : form[i] == 'o' ? strchr("01234567", addr[i]) != NULL
					: addr[i] == form[i];
	return fine ? 0 : err_set(e, -EINVAL, "'%s' is not a PCI address (0000:03:00.0)", addr);
}

/* The last part of where the link DEVICES/@addr/@name points; -ENOENT if there is none. */
static int link_name(const struct host *h, const char *addr, const char *name, char **out,
		     struct err *e)
{
	char path[96], to[512], *slash;
	int r;

	snprintf(path, sizeof(path), DEVICES "%s/%s", addr, name);
	r = host_readlink(h, path, to, sizeof(to), e);
	if (r < 0)
		return r;
	slash = strrchr(to, '/');
	*out = mem_strdup(slash ? slash + 1 : to, e);
	return *out ? 0 : -ENOMEM;
}

static int driver_current(const struct host *h, const char *target, char **value, struct err *e)
{
	char path[64];
	int r = check(target, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), DEVICES "%s/vendor", target);
	if (!host_exists(h, path))
		return err_set(e, -ENODEV, "there is no PCI device %s", target);
	return link_name(h, target, "driver", value, e);
}

/* The override there was. */
static int driver_meta(const struct host *h, const char *target, char **meta, struct err *e)
{
	char path[80], text[128];
	int r;

	*meta = NULL;
	snprintf(path, sizeof(path), DEVICES "%s/driver_override", target);
	r = host_read_line(h, path, text, sizeof(text), e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!*text || !strcmp(text, "(null)"))
		return 0;
	*meta = mem_strdup(text, e);
	return *meta ? 0 : -ENOMEM;
}

static int put_text(const struct host *h, const char *path, const char *text, struct err *e)
{
	AUTO_FREE char *line = str_printf(e, "%s\n", text);
	AUTO_CLOSE int fd = -1;
	int r;

	if (!line)
		return -ENOMEM;
	fd = host_openat(h, path, O_WRONLY | O_NOCTTY, 0, e);
	if (fd < 0)
		return fd;
	r = io_write(fd, line, strlen(line), NULL);
	return r < 0 ? err_set(e, r, "%s: the kernel refuses '%s': %s", path, text,
			       strerror(-r))
		     : 0;
}

/* Whether process @pid has @device open. */
static bool has_open(const struct host *h, const char *pid, const char *device)
{
	AUTO_LIST struct host_list fds = { 0 };
	char dir[64], path[96], to[256];

	snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	if (host_list(h, dir, &fds, NULL) < 0)
		return false;
	for (size_t i = 0; i < fds.n; i++) {
		snprintf(path, sizeof(path), "%s/%.20s", dir, fds.v[i]);
		if (host_readlink(h, path, to, sizeof(to), NULL) == 0 && !strcmp(to, device))
			return true;
	}
	return false;
}

static int free_of(const struct host *h, const char *addr, const char *device, struct err *e)
{
	AUTO_LIST struct host_list pids = { 0 };
	int r = host_list(h, "/proc", &pids, e);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		if (pids.v[i][0] >= '1' && pids.v[i][0] <= '9' &&
		    has_open(h, pids.v[i], device))
			return err_set(e, -EBUSY, "%s is in use: process %s has %s open", addr,
				       pids.v[i], device);
	return r;
}

/* -EBUSY while a process has the device's VFIO group, or the device by itself. */
static int not_held(const struct host *h, const char *addr, struct err *e)
{
	AUTO_FREE char *group = NULL;
	AUTO_LIST struct host_list own = { 0 };
	char path[96];
	int r = link_name(h, addr, "iommu_group", &group, NULL);

	if (r == 0) {
		snprintf(path, sizeof(path), "/dev/vfio/%.20s", group);
		r = free_of(h, addr, path, e);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof(path), DEVICES "%s/vfio-dev", addr);
	if (host_list(h, path, &own, NULL) < 0)
		return 0;
	for (size_t i = 0; i < own.n; i++) {
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.20s", own.v[i]);
		r = free_of(h, addr, path, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int unbind(const struct host *h, const char *addr, struct err *e)
{
	char path[80];
	int r = not_held(h, addr, e);

	snprintf(path, sizeof(path), DEVICES "%s/driver/unbind", addr);
	return r < 0 ? r : put_text(h, path, addr, e);
}

/* Asks for @want, of which the override has been told; @named binds by the driver's name
 * where the kernel chose another or none. */
static int bind(const struct host *h, const char *addr, const char *want, bool named,
		struct err *e)
{
	AUTO_FREE char *have = NULL;
	char path[128];
	int r = put_text(h, "/sys/bus/pci/drivers_probe", addr, e);

	if (r == 0)
		r = link_name(h, addr, "driver", &have, e);
	if (r == -ENOENT && named) {
		snprintf(path, sizeof(path), DRIVERS "%.64s/bind", want);
		r = put_text(h, path, addr, e);
		if (r == 0)
			r = link_name(h, addr, "driver", &have, e);
	}
	if (r == -ENOENT)
		return err_set(e, -ENODEV, "%s: the driver %s does not take it", addr, want);
	if (r == 0 && strcmp(have, want))
		return err_set(e, -EIO, "%s: asked for the driver %s, %s took it", addr, want,
			       have);
	return r;
}

static int put(const struct host *h, const char *addr, const char *want, const char *override,
	       bool named, struct err *e)
{
	AUTO_FREE char *have = NULL;
	char path[80];
	int r = driver_current(h, addr, &have, e);

	if (r < 0 && r != -ENOENT)
		return r;
	if (have && (!want || strcmp(have, want))) {
		r = unbind(h, addr, e);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof(path), DEVICES "%s/driver_override", addr);
	r = put_text(h, path, override ? override : "", e);
	if (r < 0 || !want || (have && !strcmp(have, want)))
		return r;
	return bind(h, addr, want, named, e);
}

static int driver_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->value, c->value, false, e);
}

static int driver_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->old_val, c->old_meta, true, e);
}

/* Between two drivers it has none. */
static bool driver_partial(const struct change *c, const char *have)
{
	return c->old_val && !have;
}

const struct change_kind kind_driver = {
	.name = "driver",
	.live = true,
	.fleeting = true,
	.current = driver_current,
	.apply = driver_apply,
	.revert = driver_revert,
	.partial = driver_partial,
	.meta = driver_meta,
};
