/* SPDX-License-Identifier: MIT */
#include "emu/options.h"

#include "base/mem.h"
#include "base/size.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int options_string(char **to, const char *s, struct err *e)
{
	char *copy = mem_strdup(s, e);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

int options_take(struct optset *o, const char *key, char **to, struct err *e)
{
	const char *v = optset_get(o, key);

	return v ? options_string(to, v, e) : 0;
}

int options_all_used(const struct optset *o, const char *option, struct err *e)
{
	const char *k = optset_unused(o);

	return k ? err_set(e, -EINVAL, "%s has no '%s'", option, k) : 0;
}

static int set_accel(struct parse *p, const char *name, struct err *e)
{
	if (!strcmp(name, "help"))
		*p->ask = OPTIONS_ACCELS;
	else if (!strcmp(name, "kvm"))
		p->c->accel = ACCEL_KVM;
	else if (!strcmp(name, "soft") || !strcmp(name, "tcg"))
		p->c->accel = ACCEL_SOFT;
	else if (!strcmp(name, "kvm:soft") || !strcmp(name, "kvm:tcg"))
		p->c->accel = ACCEL_AUTO;
	else
		return err_set(e, -EINVAL,
			       "there is no accelerator '%s'; there are kvm and soft", name);
	return 0;
}

static int opt_machine(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *type, *accel;
	int r = optset_parse(&o, value, "type", e);

	if (r < 0)
		goto out;
	type = optset_get(&o, "type");
	accel = optset_get(&o, "accel");
	if (type && (!strcmp(type, "help") || !strcmp(type, "?")))
		*p->ask = OPTIONS_MACHINES;
	else if (type && !strcmp(type, "q35"))
		p->c->kind = MACHINE_Q35;
	else if (type && !strcmp(type, "pc"))
		p->c->kind = MACHINE_PC;
	else if (type)
		r = err_set(e, -EINVAL, "there is no machine '%s'; there are pc and q35", type);
	if (r == 0 && accel)
		r = set_accel(p, accel, e);
	if (r == 0)
		r = options_all_used(&o, "-machine", e);
out:
	optset_free(&o);
	return r;
}

static int opt_accel(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *name, *step;
	int r = optset_parse(&o, value, "accel", e);

	if (r < 0)
		goto out;
	name = optset_get(&o, "accel");
	step = optset_get(&o, "step");
	r = set_accel(p, name ? name : "", e);
	if (r == 0 && step)
		r = options_string(&p->c->accel_opts, !strcmp(step, "on") ? "step=on" : "", e);
	if (r == 0)
		r = options_all_used(&o, "-accel", e);
out:
	optset_free(&o);
	return r;
}

static int opt_enable_kvm(struct parse *p, const char *value, struct err *e)
{
	(void)value;
	return set_accel(p, "kvm", e);
}

static int opt_cpu(struct parse *p, const char *value, struct err *e)
{
	if (!strcmp(value, "help") || !strcmp(value, "?")) {
		*p->ask = OPTIONS_CPUS;
		return 0;
	}
	return options_string(&p->c->cpu, value, e);
}

static int opt_smp(struct parse *p, const char *value, struct err *e)
{
	static const char *const inner[] = { "sockets", "cores", "threads" };
	enum { SOCKETS, CORES, THREADS };
	struct optset o = OPTSET_INIT;
	uint64_t n = 0, product = 1, max = 0, part[3] = { 0 };
	int r = optset_parse(&o, value, "cpus", e);

	if (r == 0)
		r = optset_u64(&o, "cpus", &n, e);
	if (r == 0)
		r = optset_u64(&o, "maxcpus", &max, e);
	for (unsigned i = 0; i < 3 && r == 0; i++) {
		r = optset_u64(&o, inner[i], &part[i], e);
		if (part[i])
			product = part[i] > CONFIG_VCPUS ? CONFIG_VCPUS + 1 : product * part[i];
	}
	if (r == 0)
		r = options_all_used(&o, "-smp", e);
	optset_free(&o);
	if (r < 0)
		return r;
	if (!n)
		n = product;
	/* what is not said follows from the rest: cores first, as in QEMU */
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t order[] = { CORES, SOCKETS, THREADS };

		if (part[order[i]])
			continue;
		part[order[i]] = n % product ? 1 : n / product;
		product *= part[order[i]];
	}
	if (product != n)
		return err_set(e, -EINVAL, "-smp %s: the parts make %llu vCPUs, not %llu",
			       value, (unsigned long long)product, (unsigned long long)n);
	if (n < 1 || n > CONFIG_VCPUS)
		return err_set(e, -EINVAL, "-smp %s: 1 to %d vCPUs are possible", value,
			       CONFIG_VCPUS);
	if (max > n)
		return err_set(e, -ENOTSUP, "-smp %s: adding vCPUs later is not supported",
			       value);
	p->c->smp = (unsigned)n;
	p->c->cores = (unsigned)part[CORES];
	p->c->threads = (unsigned)part[THREADS];
	return 0;
}

static int opt_m(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *size;
	int r = optset_parse(&o, value, "size", e);

	if (r == 0) {
		size = optset_get(&o, "size");
		r = size ? size_parse(size, 'M', &p->c->mem, e)
			 : err_set(e, -EINVAL, "-m %s has no size", value);
	}
	if (r == 0 && (optset_get(&o, "slots") || optset_get(&o, "maxmem")))
		r = err_set(e, -ENOTSUP, "-m %s: adding memory later is not supported", value);
	if (r == 0)
		r = options_all_used(&o, "-m", e);
	optset_free(&o);
	if (r < 0)
		return r;
	if (p->c->mem < 4 << 20 || p->c->mem > UINT64_C(1) << 37 || p->c->mem % 4096)
		return err_set(e, -EINVAL,
			       "-m %s: 4 MiB to 128 GiB in whole pages are possible", value);
	return 0;
}

static int opt_mem_path(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->mem_path, v, e);
}

static int opt_mem_prealloc(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->prealloc = true;
	return 0;
}

static int opt_kernel(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->kernel, v, e);
}

static int opt_initrd(struct parse *p, const char *v, struct err *e)
{
	if (strchr(v, ','))
		return err_set(e, -ENOTSUP, "-initrd %s: one file only", v);
	return options_string(&p->c->initrd, v, e);
}

static int opt_append(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->append, v, e);
}

static int opt_serial(struct parse *p, const char *v, struct err *e)
{
	p->serial_given = true;
	if (p->serials == CONFIG_SERIALS)
		return err_set(e, -EINVAL, "a machine has %d serial ports", CONFIG_SERIALS);
	if (!strcmp(v, "none")) {
		p->serials++;
		return 0;
	}
	return options_string(&p->c->serial[p->serials++], v, e);
}

static int opt_monitor(struct parse *p, const char *v, struct err *e)
{
	p->monitor_given = true;
	return options_string(&p->c->monitor, v, e);
}

static int opt_qmp(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->qmp, v, e);
}

static int opt_nographic(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->nographic = true;
	return 0;
}

static int opt_display(struct parse *p, const char *v, struct err *e)
{
	(void)p;
	if (!strcmp(v, "none"))
		return 0;
	return err_set(
		e, -ENOTSUP,
		"-display %s: there is no display yet; -display none and -nographic work", v);
}

static int opt_vga(struct parse *p, const char *v, struct err *e)
{
	(void)p;
	if (!strcmp(v, "none"))
		return 0;
	return err_set(e, -ENOTSUP, "-vga %s: there is no graphics card yet; -vga none works",
		       v);
}

static int opt_name(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *name;
	int r = optset_parse(&o, v, "guest", e);

	if (r == 0) {
		name = optset_get(&o, "guest");
		r = options_string(&p->c->name, name ? name : "", e);
	}
	if (r == 0)
		r = options_all_used(&o, "-name", e);
	optset_free(&o);
	return r;
}

static int opt_uuid(struct parse *p, const char *v, struct err *e)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	while (form[i] &&
	       (form[i] == '-' ? v[i] == '-' : v[i] && strchr("0123456789abcdefABCDEF", v[i])))
		i++;
	if (form[i] || v[i])
		return err_set(e, -EINVAL, "-uuid %s is not of the form %s", v, form);
	return options_string(&p->c->uuid, v, e);
}

static int rtc_base(const char *base, int64_t now, int64_t *out, struct err *e)
{
	struct tm tm = { 0 };
	time_t t = (time_t)now;
	const char *end;

	if (!strcmp(base, "utc")) {
		*out = now;
		return 0;
	}
	if (!strcmp(base, "localtime")) {
		if (!localtime_r(&t, &tm))
			return err_set(e, -EINVAL, "the local time is not known");
		*out = timegm(&tm);
		return 0;
	}
	end = strptime(base, strchr(base, 'T') ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &tm);
	if (!end || *end)
		return err_set(e, -EINVAL,
			       "-rtc base=%s: utc, localtime or 2006-06-17T16:01:21", base);
	*out = timegm(&tm);
	return 0;
}

static int opt_rtc(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *base, *clock;
	int r = optset_parse(&o, v, NULL, e);

	if (r == 0) {
		base = optset_get(&o, "base");
		clock = optset_get(&o, "clock");
		if (base)
			r = rtc_base(base, p->now, &p->c->rtc_base, e);
		if (r == 0 && clock && strcmp(clock, "vm") != 0)
			r = err_set(e, -ENOTSUP,
				    "-rtc clock=%s: the clock is the machine's (vm)", clock);
	}
	if (r == 0)
		r = options_all_used(&o, "-rtc", e);
	optset_free(&o);
	return r;
}

static int opt_no_reboot(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->no_reboot = true;
	return 0;
}

static int opt_no_shutdown(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->no_shutdown = true;
	return 0;
}

static int opt_stopped(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->stopped = true;
	return 0;
}

static int opt_snapshot(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->snapshot = true;
	return 0;
}

static int opt_runas(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->runas, v, e);
}

static int opt_pidfile(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->pidfile, v, e);
}

static int opt_sandbox(struct parse *p, const char *v, struct err *e)
{
	if (!strcmp(v, "on") || !strcmp(v, "off")) {
		p->c->no_sandbox = !strcmp(v, "off");
		return 0;
	}
	return err_set(e, -ENOTSUP, "-sandbox %s: on or off; the finer rules are always on", v);
}

static int ask_for(struct parse *p, enum options_ask what)
{
	*p->ask = what;
	return 0;
}

static int opt_help(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_HELP);
}

static int opt_version(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_VERSION);
}

static int opt_list(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_LIST);
}

struct row {
	struct option_row row;
	option_fn *fn;
};

#define FIRMWARE "it needs firmware, which is not supported yet"
static const struct row rows[] = {
	{ { "h", NULL, NULL }, opt_help },
	{ { "help", NULL, NULL }, opt_help },
	{ { "version", NULL, NULL }, opt_version },
	{ { "list-options", NULL, NULL }, opt_list },
	{ { "machine", "TYPE", NULL }, opt_machine },
	{ { "M", "TYPE", NULL }, opt_machine },
	{ { "accel", "NAME", NULL }, opt_accel },
	{ { "enable-kvm", NULL, NULL }, opt_enable_kvm },
	{ { "cpu", "MODEL", NULL }, opt_cpu },
	{ { "smp", "N", NULL }, opt_smp },
	{ { "m", "SIZE", NULL }, opt_m },
	{ { "mem-path", "PATH", NULL }, opt_mem_path },
	{ { "mem-prealloc", NULL, NULL }, opt_mem_prealloc },
	{ { "kernel", "FILE", NULL }, opt_kernel },
	{ { "initrd", "FILE", NULL }, opt_initrd },
	{ { "append", "TEXT", NULL }, opt_append },
	{ { "serial", "WHERE", NULL }, opt_serial },
	{ { "monitor", "WHERE", NULL }, opt_monitor },
	{ { "qmp", "WHERE", NULL }, opt_qmp },
	{ { "nographic", NULL, NULL }, opt_nographic },
	{ { "display", "KIND", NULL }, opt_display },
	{ { "vga", "KIND", NULL }, opt_vga },
	{ { "drive", "OPTS", NULL }, options_drive },
	{ { "device", "OPTS", NULL }, options_device },
	{ { "netdev", "OPTS", NULL }, options_netdev },
	{ { "nic", "OPTS", NULL }, options_nic },
	{ { "blockdev", "OPTS", NULL }, options_blockdev },
	{ { "hda", "FILE", NULL }, options_hda },
	{ { "hdb", "FILE", NULL }, options_hdb },
	{ { "hdc", "FILE", NULL }, options_hdc },
	{ { "hdd", "FILE", NULL }, options_hdd },
	{ { "cdrom", "FILE", NULL }, options_cdrom },
	{ { "name", "NAME", NULL }, opt_name },
	{ { "uuid", "UUID", NULL }, opt_uuid },
	{ { "rtc", "OPTS", NULL }, opt_rtc },
	{ { "no-reboot", NULL, NULL }, opt_no_reboot },
	{ { "no-shutdown", NULL, NULL }, opt_no_shutdown },
	{ { "snapshot", NULL, NULL }, opt_snapshot },
	{ { "S", NULL, NULL }, opt_stopped },
	{ { "runas", "USER", NULL }, opt_runas },
	{ { "pidfile", "FILE", NULL }, opt_pidfile },
	{ { "sandbox", "on|off", NULL }, opt_sandbox },
	{ { "bios", "FILE", FIRMWARE }, NULL },
	{ { "boot", "OPTS", FIRMWARE }, NULL },
	{ { "pflash", "FILE", FIRMWARE }, NULL },
	{ { "smbios", "OPTS", FIRMWARE }, NULL },
	{ { "fw_cfg", "OPTS", FIRMWARE }, NULL },
	{ { "chardev", "OPTS", "give the place with -serial, -monitor or -qmp" }, NULL },
	{ { "mon", "OPTS", "use -monitor or -qmp" }, NULL },
	{ { "object", "OPTS", "use -mem-path and -mem-prealloc for memory" }, NULL },
	{ { "net", "OPTS", "use -nic" }, NULL },
	{ { "vnc", "WHERE", "there is no display yet" }, NULL },
	{ { "daemonize", NULL, "start it under a supervisor" }, NULL },
	{ { "D", "FILE", "there is no log of the guest's instructions yet" }, NULL },
	{ { "d", "ITEMS", "there is no log of the guest's instructions yet" }, NULL },
	{ { "readconfig", "FILE", "configuration files are not supported yet" }, NULL },
	{ { "gdb", "WHERE", "the debugger's stub is not supported yet" }, NULL },
	{ { "s", NULL, "the debugger's stub is not supported yet" }, NULL },
	{ { "loadvm", "TAG", "saved states are not supported yet" }, NULL },
	{ { "incoming", "WHERE", "migration is not supported" }, NULL },
	{ { "watchdog", "MODEL", "there is no watchdog yet" }, NULL },
	{ { "usb", NULL, "there is no USB yet" }, NULL },
	{ { "dtb", "FILE", "a PC has no device tree" }, NULL },
	{ { "icount", "OPTS", "instructions are not counted" }, NULL },
};

const struct option_row *options_row(unsigned i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i].row : NULL;
}

static const struct row *find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].row.name, name))
			return &rows[i];
	return NULL;
}

static int one(struct parse *p, int argc, char **argv, int *i, struct err *e)
{
	const char *name = argv[*i];
	const struct row *o;

	/* a file alone is the disk */
	if (name[0] != '-' || !name[1])
		return options_hda(p, name, e);
	name += name[1] == '-' ? 2 : 1;
	o = find(name);
	if (!o)
		return err_set(e, -EINVAL, "there is no option '%s'", argv[*i]);
	if (o->row.refused)
		return err_set(e, -ENOTSUP, "-%s is not supported: %s", name, o->row.refused);
	if (!o->row.arg)
		return o->fn(p, NULL, e);
	if (*i + 1 >= argc)
		return err_set(e, -EINVAL, "-%s needs an argument: %s", name, o->row.arg);
	return o->fn(p, argv[++*i], e);
}

/* What QEMU assumes where nothing was said. */
static int defaults(struct parse *p, struct err *e)
{
	struct machine_config *c = p->c;

	if (!p->serial_given && p->nographic) {
		/* with the monitor behind it, unless that has its place */
		c->serial_mux = !p->monitor_given;
		return options_string(&c->serial[0], "stdio", e);
	}
	if (!p->serial_given)
		return options_string(&c->serial[0], "null", e);
	if (c->serial[0] && !strncmp(c->serial[0], "mon:", 4)) {
		c->serial_mux = true;
		return options_string(&c->serial[0], c->serial[0] + 4, e);
	}
	return 0;
}

int options_parse(int argc, char **argv, int64_t now, struct machine_config *c,
		  enum options_ask *ask, const char **about, struct err *e)
{
	struct parse *p = mem_zalloc(1, sizeof(*p), e);
	int r = 0;

	if (!p)
		return -ENOMEM;
	*c = (struct machine_config){
		.smp = 1, .cores = 1, .threads = 1, .mem = 128 << 20, .rtc_base = now
	};
	*ask = OPTIONS_RUN;
	p->c = c;
	p->ask = ask;
	p->about = about;
	p->now = now;
	for (int i = 1; i < argc && r == 0 && *ask == OPTIONS_RUN; i++)
		r = one(p, argc, argv, &i, e);
	if (r == 0 && *ask == OPTIONS_RUN)
		r = defaults(p, e);
	if (r == 0 && *ask == OPTIONS_RUN)
		r = options_finish(p, e);
	options_parse_free(p);
	free(p);
	return r;
}

void options_free(struct machine_config *c)
{
	char *const all[] = { c->accel_opts, c->cpu,    c->mem_path, c->kernel,
			      c->initrd,     c->append, c->monitor,  c->qmp,
			      c->name,       c->uuid,   c->runas,    c->pidfile };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i]);
	for (unsigned i = 0; i < CONFIG_SERIALS; i++)
		free(c->serial[i]);
	for (unsigned i = 0; i < c->disks; i++)
		options_free_disk(&c->disk[i]);
	for (unsigned i = 0; i < c->scsis; i++)
		free(c->scsi[i]);
	for (unsigned i = 0; i < c->nets; i++) {
		free(c->net[i].kind);
		free(c->net[i].options);
	}
	for (unsigned i = 0; i < c->devices; i++) {
		free(c->device[i].name);
		free(c->device[i].options);
	}
	*c = (struct machine_config){ 0 };
}
