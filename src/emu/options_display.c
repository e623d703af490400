/* SPDX-License-Identifier: MIT */
/* Graphics cards and where their pictures go. */
#include "emu/dev/edid.h"
#include "emu/devices.h"
#include "emu/known.h"
#include "emu/options_int.h"

#include <string.h>

#define VGA_MEMORY   (16u << 20)
#define MEMORY_LEAST (1u << 20)
#define MEMORY_MOST  (256u << 20)
#define XRES         1280u
#define YRES         800u

static int opt_display(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	int r = optset_parse(&o, v, "type", e);

	if (r == 0)
		p->c->curses = !strcmp(optset_get(&o, "type"), "curses");
	optset_free(&o);
	return r;
}

static int opt_vga(struct parse *p, const char *v, struct err *e)
{
	int r;

	if (!strcmp(v, "none"))
		p->vga = PARSE_VGA_NONE;
	else if (!strcmp(v, "std"))
		p->vga = PARSE_VGA_STD;
	else
		return (r = known_name("-vga ", v, e)) < 0
			       ? r
			       : err_set(e, -EINVAL, "-vga %s: there are std and none", v);
	return 0;
}

static bool has_vga(const struct machine_config *c)
{
	for (unsigned i = 0; i < c->videos; i++)
		if (!c->video[i].bochs)
			return true;
	return false;
}

/* Memory in bytes, or in MiB where the key has that in its name, as QEMU's do. */
static int memory_of(struct optset *o, bool bochs, uint32_t *out, struct err *e)
{
	uint64_t v = bochs ? VGA_MEMORY : VGA_MEMORY >> 20;
	int r = bochs ? optset_size(o, "vgamem", &v, e) : optset_u64(o, "vgamem_mb", &v, e);

	if (r < 0)
		return r;
	if (!bochs)
		v = v > MEMORY_MOST >> 20 ? 0 : v << 20;
	if (v < MEMORY_LEAST || v > MEMORY_MOST || (v & (v - 1)))
		return err_set(
			e, -EINVAL,
			"%s: a graphics card's memory is a power of two from 1 to 256 MiB",
			bochs ? "vgamem" : "vgamem_mb");
	*out = (uint32_t)v;
	return 0;
}

static int resolution(struct optset *o, const char *key, unsigned *to, struct err *e)
{
	uint64_t v = *to;
	int r = optset_u64(o, key, &v, e);

	if (r == 0 && (v < 8 || v > EDID_MAX))
		r = err_set(e, -EINVAL, "%s=%llu: a monitor has 8 to %u", key,
			    (unsigned long long)v, EDID_MAX);
	*to = (unsigned)v;
	return r;
}

int options_device_video(struct parse *p, const struct device_row *row, struct optset *o,
			 struct err *e)
{
	struct machine_config *c = p->c;
	struct config_video v = { .bochs = row->kind == DEVICE_BOCHS,
				  .xres = XRES,
				  .yres = YRES };
	bool edid = true;
	int r;

	if (c->videos == CONFIG_VIDEOS)
		return err_set(e, -EINVAL, "more than %d graphics cards", CONFIG_VIDEOS);
	if (!v.bochs && has_vga(c))
		return err_set(e, -EINVAL, "%s: a machine has one VGA; more of bochs-display",
			       row->name);
	r = options_pci(o, row, &v.pci, e);
	if (r == 0)
		r = memory_of(o, v.bochs, &v.memory, e);
	if (r == 0)
		r = resolution(o, "xres", &v.xres, e);
	if (r == 0)
		r = resolution(o, "yres", &v.yres, e);
	if (r == 0)
		r = optset_bool(o, "edid", &edid, e);
	if (!edid)
		v.xres = v.yres = 0;
	if (r == 0)
		c->video[c->videos++] = v;
	return r;
}

/* The terminal is the screen's alone. */
static int curses_alone(const struct parse *p, struct err *e)
{
	const struct machine_config *c = p->c;

	if (p->nographic || c->daemonize)
		return err_set(e, -EINVAL, "-display curses and %s exclude each other",
			       p->nographic ? "-nographic" : "-daemonize");
	for (unsigned i = 0; i < c->chardevs; i++)
		if (c->chardev[i].kind == CHARDEV_STDIO)
			return err_set(
				e, -EINVAL,
				"-display curses and %s both want standard input and output",
				c->chardev[i].id);
	return 0;
}

int options_display_finish(struct parse *p, struct err *e)
{
	struct machine_config *c = p->c;
	bool std = p->vga == PARSE_VGA_STD ||
		   (p->vga == PARSE_VGA_DEFAULT && !p->nodefaults && !c->videos);
	int r = c->curses ? curses_alone(p, e) : 0;

	if (r < 0)
		return r;
	if (!std)
		return 0;
	if (has_vga(c) || c->videos == CONFIG_VIDEOS)
		return err_set(e, -EINVAL, "-vga std: there is a card already");
	memmove(&c->video[1], &c->video[0], c->videos * sizeof(c->video[0]));
	c->video[0] = (struct config_video){ .memory = VGA_MEMORY, .xres = XRES, .yres = YRES };
	c->videos++;
	return 0;
}

static const struct device_key display_keys[] = {
	{ "type", "name", "none or curses" },
	{ NULL, NULL, NULL },
};
static const struct option_kind display_kinds[] = {
	{ "none", "no picture", NULL },
	{ "curses", "text in the terminal", NULL },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "display",
	  .arg = "KIND",
	  .fn = opt_display,
	  .first = "type",
	  .keys = display_keys,
	  .kinds = display_kinds },
	{ .name = "vga", .arg = "KIND", .fn = opt_vga },
	{ .name = NULL },
};

const struct option_group options_display = { "displays", rows };
