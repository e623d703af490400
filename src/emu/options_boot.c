/* SPDX-License-Identifier: MIT */
/* What the command line says of firmware. */
#include "base/mem.h"
#include "emu/boot/smbios.h"
#include "emu/known.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>

static int opt_bios(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->bios, v, e);
}

static int boot_order(const char *key, const char *v, char **to, struct err *e)
{
	if (!*v || strspn(v, "abcdn") != strlen(v) || strlen(v) > 3)
		return err_set(e, -EINVAL,
			       "-boot %s=%s: up to three of a (floppy), c (disk), d (CD-ROM) "
			       "and n (network)",
			       key, v);
	return options_string(to, v, e);
}

static int boot_time(struct optset *o, const char *key, int64_t most, int64_t *to,
		     struct err *e)
{
	uint64_t v = 0;
	int r;

	if (!optset_get(o, key))
		return 0;
	if (!strcmp(optset_get(o, key), "-1")) {
		*to = -1;
		return 0;
	}
	r = optset_u64(o, key, &v, e);
	if (r == 0 && v > (uint64_t)most)
		r = err_set(e, -EINVAL, "-boot %s=%llu: at most %lld", key,
			    (unsigned long long)v, (long long)most);
	*to = (int64_t)v;
	return r;
}

static int opt_boot(struct parse *p, const char *value, struct err *e)
{
	struct config_boot *b = &p->c->boot;
	struct optset o = OPTSET_INIT;
	const char *order, *once;
	int r = optset_parse(&o, value, "order", e);

	if (r < 0)
		goto out;
	order = optset_get(&o, "order");
	once = optset_get(&o, "once");
	if (order)
		r = boot_order("order", order, &b->order, e);
	if (r == 0 && once)
		r = boot_order("once", once, &b->once, e);
	if (r == 0)
		r = optset_bool(&o, "menu", &b->menu, e);
	if (r == 0)
		r = optset_bool(&o, "strict", &b->strict, e);
	if (r == 0)
		r = boot_time(&o, "splash-time", 0xffff, &b->splash_time, e);
	if (r == 0)
		r = boot_time(&o, "reboot-timeout", 0xffff, &b->reboot_timeout, e);
out:
	optset_free(&o);
	return r;
}

static int opt_fw_cfg(struct parse *p, const char *value, struct err *e)
{
	struct config_fw *f = &p->c->fw_file[p->c->fw_files];
	struct optset o = OPTSET_INIT;
	const char *name, *file, *string;
	int r;

	if (p->c->fw_files == CONFIG_FW)
		return err_set(e, -EINVAL, "more than %d -fw_cfg", CONFIG_FW);
	p->c->fw_files++;
	r = optset_parse(&o, value, "name", e);
	if (r < 0)
		goto out;
	name = optset_get(&o, "name");
	file = optset_get(&o, "file");
	string = optset_get(&o, "string");
	if (!name || !*name || strlen(name) > 55)
		r = err_set(e, -EINVAL, "-fw_cfg %s: a name of 1 to 55 letters is needed",
			    value);
	else if (!file == !string)
		r = err_set(e, -EINVAL, "-fw_cfg %s: either file= or string= is needed", value);
	else
		r = options_string(&f->name, name, e);
	if (r == 0)
		r = options_string(file ? &f->file : &f->string, file ? file : string, e);
out:
	optset_free(&o);
	return r;
}

/* What a key says of which table. */
static const struct {
	uint8_t type, text;
	const char *key;
} smbios_keys_of[] = {
	{ 0, SMBIOS_BIOS_VENDOR, "vendor" },
	{ 0, SMBIOS_BIOS_VERSION, "version" },
	{ 0, SMBIOS_BIOS_DATE, "date" },
	{ 1, SMBIOS_SYS_VENDOR, "manufacturer" },
	{ 1, SMBIOS_SYS_PRODUCT, "product" },
	{ 1, SMBIOS_SYS_VERSION, "version" },
	{ 1, SMBIOS_SYS_SERIAL, "serial" },
	{ 1, SMBIOS_SYS_SKU, "sku" },
	{ 1, SMBIOS_SYS_FAMILY, "family" },
	{ 2, SMBIOS_BOARD_VENDOR, "manufacturer" },
	{ 2, SMBIOS_BOARD_PRODUCT, "product" },
	{ 2, SMBIOS_BOARD_VERSION, "version" },
	{ 2, SMBIOS_BOARD_SERIAL, "serial" },
	{ 2, SMBIOS_BOARD_ASSET, "asset" },
	{ 3, SMBIOS_CASE_VENDOR, "manufacturer" },
	{ 3, SMBIOS_CASE_VERSION, "version" },
	{ 3, SMBIOS_CASE_SERIAL, "serial" },
	{ 3, SMBIOS_CASE_ASSET, "asset" },
	{ 3, SMBIOS_CASE_SKU, "sku" },
};
_Static_assert(SMBIOS_TEXTS <= CONFIG_SMBIOS, "a place for each text");

static int opt_smbios(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	uint64_t type = 4;
	int r = optset_parse(&o, value, NULL, e);

	if (r == 0)
		r = optset_u64(&o, "type", &type, e);
	if (r == 0 && type > 3)
		r = err_set(e, -ENOTSUP, "-smbios %s: type=0 to type=3 can be given", value);
	for (unsigned i = 0; i < ARRAY_SIZE(smbios_keys_of) && r == 0; i++)
		if (smbios_keys_of[i].type == type)
			r = options_take(&o, smbios_keys_of[i].key,
					 &p->c->smbios[smbios_keys_of[i].text], e);
	if (r == 0 && type == 1 && optset_get(&o, "uuid")) {
		r = options_uuid("-smbios uuid=", optset_get(&o, "uuid"), e);
		if (r == 0)
			r = options_take(&o, "uuid", &p->c->smbios_uuid, e);
	}
	if (r == 0)
		r = options_all_used(&o, "-smbios of this type", e);
	optset_free(&o);
	return r;
}

static int opt_debugcon(struct parse *p, const char *v, struct err *e)
{
	return options_place(p, "debugcon", v, &p->c->debugcon, e);
}

/* Of QEMU's many defaults that can be changed the one that its firmware's users need. */
static int opt_global(struct parse *p, const char *v, struct err *e)
{
	static const char known[] = "isa-debugcon.iobase=";
	AUTO_FREE char *name = NULL;
	const char *value = strchr(v, '=');
	char *end;
	unsigned long n;
	int r = options_string(&name, v, e);

	if (r < 0)
		return r;
	if (value)
		name[value - v] = '\0';
	r = value ? known_key("-global", name, value + 1, e) : 0;
	if (r)
		return r < 0 ? r : 0;
	if (strncmp(v, known, sizeof(known) - 1) != 0)
		return err_set(e, -ENOTSUP,
			       "-global %s: only isa-debugcon.iobase=PORT; give other options "
			       "with -device",
			       v);
	n = strtoul(v + sizeof(known) - 1, &end, 0);
	if (*end || end == v + sizeof(known) - 1 || n > 0xffff)
		return err_set(e, -EINVAL, "-global %s: a port is 0 to 0xffff", v);
	p->c->debugcon_port = (uint16_t)n;
	return 0;
}

/* Where firmware shall look first; -1 and nothing: not at all, unless there is nothing else. */
int options_bootindex(struct optset *o, unsigned *to, struct err *e)
{
	const char *v = optset_get(o, "bootindex");
	uint64_t n = 0;
	int r;

	if (!v || !strcmp(v, "-1"))
		return 0;
	r = optset_u64(o, "bootindex", &n, e);
	if (r == 0 && n > 10000)
		r = err_set(e, -EINVAL, "bootindex=%s: -1 to 10000", v);
	*to = (unsigned)n + 1;
	return r;
}

void options_boot_free(struct machine_config *c)
{
	free(c->bios);
	free(c->debugcon);
	free(c->smbios_uuid);
	for (unsigned i = 0; i < CONFIG_SMBIOS; i++)
		free(c->smbios[i]);
	free(c->boot.order);
	free(c->boot.once);
	for (unsigned i = 0; i < c->fw_files; i++) {
		free(c->fw_file[i].name);
		free(c->fw_file[i].file);
		free(c->fw_file[i].string);
	}
}

static const struct device_key boot_keys[] = {
	{ "order", "letters", "where to look: c disks, d CD-ROMs, n networks, a floppies" },
	{ "once", "letters", "the same for the first start" },
	{ "menu", "on|off", "ask which device" },
	{ "strict", "on|off", "nothing but devices with a bootindex" },
	{ "splash-time", "ms", "how long the menu's key is waited for" },
	{ "reboot-timeout", "ms", "when to try again after a boot that failed" },
	{ NULL, NULL, NULL },
};
static const struct device_key fw_cfg_keys[] = {
	{ "name", "name", "opt/... for files of one's own" },
	{ "file", "name", "its content, a file" },
	{ "string", "text", "or this text" },
	{ NULL, NULL, NULL },
};

static const struct device_key smbios_keys[] = {
	{ "type", "num", "which table: 0 BIOS, 1 system, 2 board, 3 case" },
	{ "vendor", "text", "of 0" },
	{ "date", "text", "of 0" },
	{ "manufacturer", "text", "of 1 to 3" },
	{ "product", "text", "of 1 and 2" },
	{ "version", "text", "of all" },
	{ "serial", "text", "of 1 to 3" },
	{ "asset", "text", "of 2 and 3" },
	{ "sku", "text", "of 1 and 3" },
	{ "family", "text", "of 1" },
	{ "uuid", "uuid", "of 1; that of -uuid if not given" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "bios", .arg = "FILE", .fn = opt_bios },
	{ .name = "pflash", .arg = "FILE", .fn = options_pflash },
	{ .name = "boot", .arg = "OPTS", .fn = opt_boot, .first = "order", .keys = boot_keys },
	{ .name = "fw_cfg",
	  .arg = "OPTS",
	  .fn = opt_fw_cfg,
	  .first = "name",
	  .keys = fw_cfg_keys },
	{ .name = "smbios", .arg = "OPTS", .fn = opt_smbios, .keys = smbios_keys },
	{ .name = "debugcon", .arg = "WHERE", .fn = opt_debugcon },
	{ .name = "global", .arg = "DEVICE.KEY=VALUE", .fn = opt_global },
	{ .name = NULL },
};

const struct option_group options_boot = { "firmware", rows };
