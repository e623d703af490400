/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/str.h"
#include "tune/kinds/attribute.h"

#include <string.h>

/* "vm.swappiness" is /proc/sys/vm/swappiness.  As sysctl(8) has it, a '/' in a dotted name
 * is a dot of the file's name: "net.ipv4.conf.eth0/100.forwarding". */
static char *path_of(const char *name, struct err *e)
{
	char *path;

	if (!*name || *name == '.' || *name == '/' || strstr(name, "..") ||
	    strstr(name, "//") || strstr(name, "./") || strstr(name, "/.")) {
		err_set(e, -EINVAL, "'%s' is not the name of a sysctl", name);
		return NULL;
	}
	path = str_printf(e, "/proc/sys/%s", name);
	for (char *p = path ? path + strlen("/proc/sys/") : NULL; p && *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return path;
}

static int no_path(const struct err *e)
{
	return e->code ? e->code : -ENOMEM;
}

static int sysctl_current(const struct host *h, const char *target, char **value, struct err *e)
{
	struct err mine = { 0 };
	AUTO_FREE char *path = path_of(target, &mine);
	int r = path ? attribute_read(h, path, value, &mine) : no_path(&mine);

	return r < 0 ? err_set(e, r, "%s", mine.msg) : 0;
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	struct err mine = { 0 };
	AUTO_FREE char *path = path_of(target, &mine);
	int r = path ? 0 : no_path(&mine);

	if (r == 0 && !value)
		r = err_set(&mine, -EINVAL, "%s: a sysctl cannot be taken away", target);
	if (r == 0)
		r = attribute_write(h, path, value, &mine);
	return r < 0 ? err_set(e, r, "%s", mine.msg) : 0;
}

static int sysctl_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->value, e);
}

static int sysctl_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->old_val, e);
}

const struct change_kind kind_sysctl = {
	.name = "sysctl",
	.live = true,
	.fleeting = true,
	.follows = true,
	.current = sysctl_current,
	.apply = sysctl_apply,
	.revert = sysctl_revert,
	.equal = attribute_equal,
	.partial = attribute_partial,
};
