/* SPDX-License-Identifier: MIT */
/* What a person plugs in and out: texts of the command line. */
#include "emu/hot.h"
#include "emu/monitor/ask.h"

#include <string.h>

static void run(struct ask *a, const char *arg,
		int (*fn)(struct machine *m, const char *text, struct err *e))
{
	struct err e = { 0 };

	if (!*arg)
		str_add(a->out, "of what? 'help' has the form\n");
	else if (fn(a->m, arg, &e) < 0)
		str_addf(a->out, "Error: %s\n", e.msg);
}

void do_device_add(struct ask *a, const char *arg)
{
	run(a, arg, hot_device_add);
}

void do_device_del(struct ask *a, const char *arg)
{
	run(a, arg, hot_device_del);
}

/* The first word was once a place on the PCI bus; QEMU wants it still. */
void do_drive_add(struct ask *a, const char *arg)
{
	size_t n = strcspn(arg, " \t");

	run(a, arg + n + strspn(arg + n, " \t"), hot_drive_add);
}

static int drive_del(struct machine *m, const char *id, struct err *e)
{
	return hot_image_del(m, id, false, e);
}

void do_drive_del(struct ask *a, const char *arg)
{
	run(a, arg, drive_del);
}

void do_netdev_add(struct ask *a, const char *arg)
{
	run(a, arg, hot_netdev_add);
}

void do_netdev_del(struct ask *a, const char *arg)
{
	run(a, arg, hot_netdev_del);
}

void do_object_add(struct ask *a, const char *arg)
{
	run(a, arg, hot_object_add);
}

void do_object_del(struct ask *a, const char *arg)
{
	run(a, arg, hot_object_del);
}
