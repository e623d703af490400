/* SPDX-License-Identifier: MIT */
#include "modules/openers.h"

#include <stdio.h>
#include <string.h>

#define NAMED 4

/* What a link in /proc/PID/fd begins with. */
static const char *device_of(const char *module)
{
	static const struct {
		const char *prefix; /* of the module's name */
		const char *device;
	} devices[] = {
		{ "kvm", "/dev/kvm" },
		{ "vhost_net", "/dev/vhost-net" },
		{ "vhost_vsock", "/dev/vhost-vsock" },
		{ "vhost_scsi", "/dev/vhost-scsi" },
		{ "tun", "/dev/net/tun" },
		{ "vfio", "/dev/vfio/" },
		{ "fuse", "/dev/fuse" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strncmp(module, devices[i].prefix, strlen(devices[i].prefix)))
			return devices[i].device;
	return NULL;
}

static bool is_open_in(const struct host *h, const char *pid, const char *device)
{
	struct host_list l;
	char path[320], target[256];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if (host_list(h, path, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n && !found; i++) {
		snprintf(path, sizeof(path), "/proc/%.32s/fd/%.32s", pid, l.v[i]);
		found = host_readlink(h, path, target, sizeof(target), NULL) == 0 &&
			!strncmp(target, device, strlen(device));
	}
	host_list_free(&l);
	return found;
}

unsigned openers_find(const struct host *h, const char *module, char *out, size_t size)
{
	const char *device = device_of(module);
	struct host_list l;
	unsigned n = 0;
	size_t used = 0;

	*out = '\0';
	if (!device || host_list(h, "/proc", &l, NULL) < 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		char path[320], name[32] = "?";
		const char *pid = l.v[i];

		if (pid[strspn(pid, "0123456789")] || !is_open_in(h, pid, device))
			continue;
		snprintf(path, sizeof(path), "/proc/%.32s/comm", pid);
		if (host_read_line(h, path, name, sizeof(name), NULL) < 0)
			continue;
		if (n++ < NAMED && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s (%.32s)",
						 n > 1 ? ", " : "", name, pid);
	}
	host_list_free(&l);
	return n;
}
