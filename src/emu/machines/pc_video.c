/* SPDX-License-Identifier: MIT */
#include "emu/machines/pc_video.h"

#include "base/mem.h"
#include "base/str.h"
#include "emu/boot/rom.h"
#include "emu/dev/vga.h"

#include <stdlib.h>

#define ROM_MAX (256u << 10)

struct pc_video {
	struct machine *m;
	struct {
		struct vga *vga;
		uint8_t *rom;
	} card[CONFIG_VIDEOS];
};

/* Its BIOS, where firmware will look for one.  A machine that nobody looks at starts without. */
static void read_rom(struct pc_video *p, const struct config_video *c, uint8_t **rom,
		     size_t *len)
{
	const char *name = c->bochs ? "vgabios-bochs-display.bin" : "vgabios-stdvga.bin";
	AUTO_FREE char *line = NULL;
	struct err e = { 0 };

	*rom = NULL;
	*len = 0;
	if (!pc_firmware(p->m) || rom_read(name, "seabios", ROM_MAX, rom, len, &e) == 0)
		return;
	line = str_printf(NULL, "the graphics card has no BIOS: %s", e.msg);
	if (line && p->m->config->tell)
		p->m->config->tell(p->m->config, line);
}

static int add(struct pc_video *p, unsigned i, struct pci *bus, struct err *e)
{
	const struct config_video *c = &p->m->config->video[i];
	struct vga_env env = { .bus = p->m->bus,
			       .pci = bus,
			       .display = &p->m->display,
			       .bochs = c->bochs,
			       .slot = c->pci.slot,
			       .memory = c->memory,
			       .xres = c->xres,
			       .yres = c->yres };

	read_rom(p, c, &p->card[i].rom, &env.rom_len);
	env.rom = p->card[i].rom;
	return vga_new(&p->card[i].vga, &env, e);
}

int pc_video_new(struct pc_video **out, struct machine *m, struct pci *bus, struct err *e)
{
	struct pc_video *p = mem_zalloc(1, sizeof(*p), e);
	int r = 0;

	if (!p)
		return -ENOMEM;
	*out = p; /* whoever gets an error frees what is there */
	p->m = m;
	for (unsigned i = 0; i < m->config->videos && r == 0; i++)
		r = add(p, i, bus, e);
	return r;
}

void pc_video_reset(struct pc_video *p)
{
	for (unsigned i = 0; i < CONFIG_VIDEOS; i++)
		if (p->card[i].vga)
			vga_reset(p->card[i].vga);
}

void pc_video_free(struct pc_video *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < CONFIG_VIDEOS; i++) {
		vga_free(p->card[i].vga);
		free(p->card[i].rom);
	}
	free(p);
}
