/* SPDX-License-Identifier: MIT */
/*
 * Files that the host's own programs make from those we change: a boot loader's
 * configuration, the initramfs.  Targets are names of what is made, never commands; which
 * program makes it is looked up anew each time, so a journal cannot say what to run.
 */
#include "host/bootloader.h"
#include "modules/initramfs.h"
#include "tune/kinds/commands.h"

#include <string.h>

static int regen_current(const struct host *h, const char *target, char **value, struct err *e)
{
	(void)h;
	(void)e;
	(void)target;
	*value = NULL; /* as good as never made: who adds the change knows that it is due */
	return 0;
}

static int loader(const struct host *h, const struct change *c, struct err *e)
{
	struct bootloader b;
	int r = bootloader_read(h, &b, e);

	if (r < 0)
		return r;
	/* some loaders read the changed file themselves */
	if (b.regen && b.regen->argv[0])
		r = commands_run(h, c, b.regen->argv, e);
	bootloader_free(&b);
	return r;
}

static int initramfs(const struct host *h, const struct change *c, struct err *e)
{
	const struct initramfs_tool *tool = initramfs_tool(h);

	if (tool)
		return commands_run(h, c, tool->argv, e);
	return err_set(e, -ENOENT,
		       "no program that makes the initramfs was found (mkinitfs, "
		       "update-initramfs, dracut, mkinitcpio)");
}

static int make(struct host *h, const struct change *c, struct err *e)
{
	if (!strcmp(c->target, "bootloader"))
		return loader(h, c, e);
	if (!strcmp(c->target, "initramfs"))
		return initramfs(h, c, e);
	return err_set(e, -EINVAL, "'%s' is nothing that can be made anew", c->target);
}

const struct change_kind kind_regen = {
	.name = "regen",
	.trigger = true,
	.current = regen_current,
	.apply = make,
	.revert = make,
};
