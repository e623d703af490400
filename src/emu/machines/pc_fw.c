/* SPDX-License-Identifier: MIT */
#include "emu/machines/pc_fw.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "emu/boot/linux_fw.h"
#include "emu/boot/rom.h"
#include "emu/boot/smbios.h"
#include "emu/dev/fw_cfg.h"
#include "emu/dev/pam.h"
#include "emu/dev/pflash.h"
#include "emu/dev/rtc.h"
#include "emu/disk.h"
#include "img/blk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_FILE_MAX (256u << 20)
#define GIB4          (UINT64_C(1) << 32)

struct pc_fw {
	struct machine *m;
	uint8_t *rom;
	size_t rom_len;
	struct blk *image[CONFIG_FLASHES];
	struct pflash *flash[CONFIG_FLASHES];
	struct pam *pam;
	struct fw_cfg *cfg;
	void (*acpi)(void *arg, struct acpi_env *env);
	void *acpi_arg;
	bool started; /* once: -boot once= has been used up */
};

/* ---- ACPI ---- */

/* The firmware asks for the tables when it has programmed the chipset: they say where things are
 * now. */
static void renew_acpi(void *arg)
{
	struct pc_fw *f = arg;
	struct acpi_env env;
	struct acpi a;

	f->acpi(f->acpi_arg, &env);
	/* of the same length; without memory those of the start stay */
	if (acpi_build(&env, &a, NULL) < 0)
		return;
	fw_cfg_change(f->cfg, ACPI_FILE_TABLES, a.data, a.len);
	free(a.data);
}

static int acpi_files(struct pc_fw *f, struct err *e)
{
	AUTO_FREE uint8_t *commands = NULL;
	struct acpi_env env;
	struct acpi a;
	size_t len;
	int r;

	f->acpi(f->acpi_arg, &env);
	r = acpi_build(&env, &a, e);
	if (r < 0)
		return r;
	r = acpi_loader(&a, &commands, &len, e);
	if (r == 0)
		r = fw_cfg_file(f->cfg, ACPI_FILE_LOADER, commands, len, e);
	if (r == 0)
		r = fw_cfg_file(f->cfg, ACPI_FILE_RSDP, a.rsdp, ACPI_RSDP, e);
	if (r == 0)
		r = fw_cfg_file(f->cfg, ACPI_FILE_TABLES, a.data, a.len, e);
	free(a.data);
	if (r == 0)
		fw_cfg_on_select(f->cfg, ACPI_FILE_TABLES, renew_acpi, f);
	return r;
}

/* ---- other files and items ---- */

static int e820_file(struct pc_fw *f, struct err *e)
{
	const struct machine *m = f->m;
	const struct e820 map[] = { { 0, m->low_ram, E820_RAM },
				    { GIB4, m->high_ram, E820_RAM } };
	uint8_t d[2 * 20];
	unsigned n = m->high_ram ? 2 : 1;

	for (unsigned i = 0; i < n; i++) {
		store_le64(d + i * 20, map[i].base);
		store_le64(d + i * 20 + 8, map[i].size);
		store_le32(d + i * 20 + 16, map[i].type);
	}
	return fw_cfg_file(f->cfg, "etc/e820", d, (size_t)n * 20, e);
}

/* S0, S5 but no S1 to S4: bit 7 says that there is one, the others its number. */
static const uint8_t states[6] = { 0x80, 0, 0, 1, 2, 0x80 };

static void parse_uuid(const char *s, uint8_t u[16])
{
	memset(u, 0, 16);
	for (unsigned i = 0; s && i < 16; s += *s == '-') {
		unsigned v;

		if (sscanf(s, "%2x", &v) != 1)
			break;
		u[i++] = (uint8_t)v;
		s += 2;
	}
}

static int smbios_files(struct pc_fw *f, struct err *e)
{
	const struct machine_config *c = f->m->config;
	struct smbios_env env = { .text = c->smbios,
				  .machine = c->kind == MACHINE_Q35 ? "Standard PC (q35)"
								    : "Standard PC (pc)",
				  .low_ram = f->m->low_ram,
				  .high_ram = f->m->high_ram,
				  .cores = c->cores ? c->cores : 1,
				  .threads = c->threads ? c->threads : 1 };
	struct smbios s;
	int r;

	env.sockets = f->m->vcpus / (env.cores * env.threads);
	parse_uuid(c->smbios_uuid ? c->smbios_uuid : c->uuid, env.uuid);
	r = smbios_build(&env, &s, e);
	if (r < 0)
		return r;
	r = fw_cfg_file(f->cfg, SMBIOS_FILE_TABLES, s.tables, s.len, e);
	if (r == 0)
		r = fw_cfg_file(f->cfg, SMBIOS_FILE_ANCHOR, s.anchor, SMBIOS_ANCHOR, e);
	free(s.tables);
	return r;
}

static int numbers(struct pc_fw *f, struct err *e)
{
	const struct machine_config *c = f->m->config;
	const struct {
		uint16_t key;
		uint8_t bytes;
		uint64_t v;
	} all[] = {
		{ FW_CFG_RAM_SIZE, 8, c->mem },        { FW_CFG_NOGRAPHIC, 2, c->nographic },
		{ FW_CFG_CPUS, 2, f->m->vcpus },       { FW_CFG_CPUS_MAX, 2, f->m->vcpus },
		{ FW_CFG_BOOT_MENU, 2, c->boot.menu }, { FW_CFG_IRQ0, 4, 1 },
	};
	uint8_t u[16];
	int r;

	parse_uuid(c->uuid, u);
	r = fw_cfg_item(f->cfg, FW_CFG_UUID, u, sizeof(u), e);
	for (unsigned i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = fw_cfg_number(f->cfg, all[i].key, all[i].bytes, all[i].v, e);
	return r;
}

static int boot_files(struct pc_fw *f, const char *order, struct err *e)
{
	const struct config_boot *b = &f->m->config->boot;
	uint8_t v[4];
	int r = 0;

	if (*order)
		r = fw_cfg_file(f->cfg, "bootorder", order, strlen(order) + 1, e);
	if (r == 0 && b->splash_time >= 0) {
		store_le16(v, (uint16_t)b->splash_time);
		r = fw_cfg_file(f->cfg, "etc/boot-menu-wait", v, 2, e);
	}
	/* all ones: it does not try again */
	store_le32(v, (uint32_t)b->reboot_timeout);
	return r < 0 ? r : fw_cfg_file(f->cfg, "etc/boot-fail-wait", v, 4, e);
}

static int user_files(struct pc_fw *f, struct err *e)
{
	const struct machine_config *c = f->m->config;
	int r = 0;

	for (unsigned i = 0; i < c->fw_files && r == 0; i++) {
		const struct config_fw *u = &c->fw_file[i];
		AUTO_FREE uint8_t *d = NULL;
		size_t len;

		if (u->string) {
			r = fw_cfg_file(f->cfg, u->name, u->string, strlen(u->string), e);
			continue;
		}
		r = rom_read(u->file, NULL, USER_FILE_MAX, &d, &len, e);
		if (r == 0)
			r = fw_cfg_file(f->cfg, u->name, d, len, e);
		if (r < 0)
			r = err_wrap(e, r, "-fw_cfg %s", u->name);
	}
	return r;
}

static int kernel_items(struct pc_fw *f, struct err *e)
{
	const struct machine *m = f->m;
	const struct linux_boot b = { .kernel_fd = m->kernel_fd,
				      .initrd_fd = m->initrd_fd,
				      .cmdline = m->config->append,
				      .low_ram = m->low_ram };
	AUTO_FREE uint8_t *rom = NULL;
	size_t len;
	int r;

	if (!m->config->kernel || !pc_fw_wanted(m->config))
		return 0;
	r = linux_fw_items(f->cfg, &b, e);
	if (r < 0)
		return err_wrap(e, r, "%s", m->config->kernel);
	/* what SeaBIOS starts it by; others know the items themselves */
	r = rom_read("linuxboot_dma.bin", NULL, 64 << 10, &rom, &len, NULL);
	return r < 0 ? 0 : fw_cfg_file(f->cfg, "genroms/linuxboot_dma.bin", rom, len, e);
}

int pc_fw_files(struct pc_fw *f, void (*acpi)(void *arg, struct acpi_env *env), void *arg,
		const char *bootorder, struct err *e)
{
	int r;

	f->acpi = acpi;
	f->acpi_arg = arg;
	r = numbers(f, e);
	if (r == 0)
		r = e820_file(f, e);
	if (r == 0)
		r = fw_cfg_file(f->cfg, "etc/system-states", states, sizeof(states), e);
	if (r == 0 && !f->m->config->no_acpi)
		r = acpi_files(f, e);
	if (r == 0)
		r = smbios_files(f, e);
	if (r == 0)
		r = boot_files(f, bootorder, e);
	if (r == 0)
		r = kernel_items(f, e);
	return r < 0 ? r : user_files(f, e);
}

/* ---- CMOS ---- */

static unsigned boot_code(char c)
{
	switch (c) {
	case 'a':
	case 'b':
		return 1;
	case 'c':
		return 2;
	case 'd':
		return 3;
	case 'n':
		return 4;
	default:
		return 0;
	}
}

static void cmos_boot(struct pc_fw *f, struct rtc *rtc)
{
	const struct config_boot *b = &f->m->config->boot;
	const char *order = b->once && !f->started ? b->once : b->order ? b->order : "cad";
	unsigned code[3] = { 0 };

	for (unsigned i = 0; i < 3 && order[i]; i++)
		code[i] = boot_code(order[i]);
	rtc_cmos(rtc, 0x3d, (uint8_t)(code[1] << 4 | code[0]));
	/* bit 0: a floppy's signature is not checked */
	rtc_cmos(rtc, 0x38, (uint8_t)(code[2] << 4 | 1));
}

static void cmos16(struct rtc *rtc, unsigned at, uint64_t v)
{
	rtc_cmos(rtc, at, (uint8_t)v);
	rtc_cmos(rtc, at + 1, (uint8_t)(v >> 8));
}

void pc_fw_reset(struct pc_fw *f, struct rtc *rtc)
{
	uint64_t low = f->m->low_ram, high = f->m->high_ram >> 16;
	uint64_t kib = low > 1 << 20 ? (low - (1 << 20)) >> 10 : 0;
	uint64_t above16 = low > 16 << 20 ? (low - (16 << 20)) >> 16 : 0;

	for (unsigned i = 0; i < CONFIG_FLASHES; i++)
		if (f->flash[i])
			pflash_reset(f->flash[i]);
	fw_cfg_reset(f->cfg);
	rtc_cmos(rtc, 0x14, 0x06); /* an FPU and a mouse, no floppy */
	cmos16(rtc, 0x15, 640);
	cmos16(rtc, 0x17, min_u64(kib, 0xffff));
	cmos16(rtc, 0x30, min_u64(kib, 0xffff));
	cmos16(rtc, 0x34, min_u64(above16, 0xffff));
	cmos16(rtc, 0x5b, high);
	rtc_cmos(rtc, 0x5d, (uint8_t)(high >> 16));
	rtc_cmos(rtc, 0x5f, (uint8_t)(f->m->vcpus - 1));
	cmos_boot(f, rtc);
	f->started = true;
}

/* ---- life ---- */

static const struct config_disk *flash(const struct machine_config *c, unsigned unit)
{
	for (unsigned i = 0; i < c->disks; i++)
		if (c->disk[i].bus == DISK_PFLASH && c->disk[i].unit == unit)
			return &c->disk[i];
	return NULL;
}

bool pc_fw_wanted(const struct machine_config *c)
{
	/* a screen that is looked at is set up by the BIOS */
	return !c->kernel || c->bios || flash(c, 0) || c->curses;
}

/* The first ends at 4 GiB, the second before it. */
static int make_flash(struct pc_fw *f, unsigned unit, uint64_t end, struct err *e)
{
	const struct config_disk *c = flash(f->m->config, unit);
	struct pflash_env env = {
		.mem = f->m->mem, .bus = f->m->bus, .group = &f->m->group, .end = end
	};
	int r;

	if (!c)
		return 0;
	r = disk_open(c, NULL, &f->image[unit], e);
	if (r < 0)
		return r;
	env.image = f->image[unit];
	env.name = c->file;
	env.readonly = c->readonly;
	return pflash_new(&f->flash[unit], &env, e);
}

static int make_rom(struct pc_fw *f, struct err *e)
{
	const struct machine_config *c = f->m->config;
	int r = make_flash(f, 0, GIB4, e);

	if (r < 0)
		return r;
	if (f->flash[0])
		return make_flash(f, 1, GIB4 - pflash_size(f->flash[0]), e);
	if (flash(c, 1))
		return err_set(e, -EINVAL,
			       "flash memory %s: unit 1 needs a unit 0 with firmware",
			       flash(c, 1)->file);
	return pc_fw_wanted(c) ? rom_bios(c->bios, &f->rom, &f->rom_len, e) : 0;
}

struct pam *pc_fw_pam(struct pc_fw *f)
{
	return f->pam;
}

int pc_fw_new(struct pc_fw **out, struct machine *m, struct err *e)
{
	struct pc_fw *f = mem_zalloc(1, sizeof(*f), e);
	struct pam_env env = { .mem = m->mem, .bus = m->bus, .ram = m->ram };
	int r;

	if (!f)
		return -ENOMEM;
	*out = f; /* whoever gets an error frees what is there */
	f->m = m;
	r = make_rom(f, e);
	env.rom = f->rom;
	env.rom_size = f->rom_len;
	if (r == 0 && f->flash[0]) {
		env.rom = pflash_bytes(f->flash[0]);
		env.rom_size = (size_t)pflash_size(f->flash[0]);
		env.flash = true;
	}
	if (r == 0)
		r = pam_new(&f->pam, &env, e);
	return r < 0 ? r : fw_cfg_new(&f->cfg, m->bus, m->mem, e);
}

void pc_fw_free(struct pc_fw *f)
{
	if (!f)
		return;
	fw_cfg_free(f->cfg);
	pam_free(f->pam);
	for (unsigned i = 0; i < CONFIG_FLASHES; i++) {
		struct err e = { 0 };

		pflash_free(f->flash[i]);
		if (blk_close(f->image[i], &e) < 0)
			machine_lost(f->m, e.msg);
	}
	free(f->rom);
	free(f);
}
