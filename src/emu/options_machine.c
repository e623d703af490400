/* SPDX-License-Identifier: MIT */
/* Options that say what machine: processors, memory, kernel, clock. */
#include "base/size.h"
#include "emu/known.h"
#include "emu/options_int.h"

#include <string.h>
#include <time.h>

static int no_accel(const char *name, struct err *e)
{
	int r = known_name("-accel accel=", name, e);

	return r < 0 ? r
		     : err_set(e, -EINVAL,
			       "there is no accelerator '%s'; there are kvm and soft", name);
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
		return no_accel(name, e);
	return 0;
}

static int no_machine(const char *type, struct err *e)
{
	int r = known_name("-machine type=", type, e);

	return r < 0 ? r
		     : err_set(e, -EINVAL, "there is no machine '%s'; there are pc and q35",
			       type);
}

static int opt_machine(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *type, *accel;
	bool dump = !p->c->no_guest_dump, hpet = !p->c->no_hpet, acpi = !p->c->no_acpi;
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
		r = no_machine(type, e);
	if (r == 0 && accel)
		r = set_accel(p, accel, e);
	if (r == 0)
		r = options_take(&o, "pflash0", &p->pflash[0], e);
	if (r == 0)
		r = options_take(&o, "pflash1", &p->pflash[1], e);
	if (r == 0)
		r = options_take(&o, "memory-backend", &p->c->memory_backend, e);
	if (r == 0)
		r = options_take(&o, "firmware", &p->c->bios, e);
	if (r == 0)
		r = options_take(&o, "kernel", &p->c->kernel, e);
	if (r == 0)
		r = options_take(&o, "initrd", &p->c->initrd, e);
	if (r == 0)
		r = options_take(&o, "append", &p->c->append, e);
	if (r == 0)
		r = optset_bool(&o, "mem-merge", &p->c->mem_merge, e);
	if (r == 0)
		r = optset_bool(&o, "dump-guest-core", &dump, e);
	p->c->no_guest_dump = !dump;
	if (r == 0)
		r = optset_bool(&o, "hpet", &hpet, e);
	if (r == 0)
		r = optset_bool(&o, "acpi", &acpi, e);
	p->c->no_hpet = !hpet;
	p->c->no_acpi = !acpi;
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
	bool on = false;
	int r = optset_parse(&o, value, "accel", e);

	if (r < 0)
		goto out;
	name = optset_get(&o, "accel");
	step = optset_get(&o, "step");
	r = set_accel(p, name ? name : "", e);
	if (r == 0 && step)
		r = optset_bool(&o, "step", &on, e);
	if (r == 0 && step && p->c->accel == ACCEL_KVM)
		r = err_set(e, -EINVAL, "-accel kvm has no step=; -accel soft has");
	if (r == 0 && step)
		r = options_string(&p->c->accel_opts, on ? "step=on" : "", e);
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

int options_memory_size(uint64_t n, struct err *e)
{
	if (n < 4 << 20 || n > UINT64_C(1) << 37 || n % 4096)
		return err_set(e, -EINVAL,
			       "%llu bytes of memory: 4 MiB to 128 GiB in whole pages are "
			       "possible",
			       (unsigned long long)n);
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
	if (r == 0)
		r = options_all_used(&o, "-m", e);
	optset_free(&o);
	if (r < 0)
		return r;
	p->mem_given = true;
	r = options_memory_size(p->c->mem, e);
	return r < 0 ? err_wrap(e, r, "-m %s", value) : 0;
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
		r = options_take(&o, "process", &p->c->process, e);
	if (r == 0 && p->c->process && strlen(p->c->process) > 15)
		r = err_set(e, -EINVAL, "-name process=%s: at most 15 bytes", p->c->process);
	if (r == 0)
		r = optset_bool(&o, "debug-threads", &p->c->debug_threads, e);
	if (r == 0)
		r = options_all_used(&o, "-name", e);
	optset_free(&o);
	return r;
}

int options_uuid(const char *option, const char *v, struct err *e)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	while (form[i] &&
	       (form[i] == '-' ? v[i] == '-' : v[i] && strchr("0123456789abcdefABCDEF", v[i])))
		i++;
	return form[i] || v[i]
		       ? err_set(e, -EINVAL, "%s%s is not of the form %s", option, v, form)
		       : 0;
}

static int opt_no_hpet(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->no_hpet = true;
	return 0;
}

static int opt_no_acpi(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->no_acpi = true;
	return 0;
}

static int opt_uuid(struct parse *p, const char *v, struct err *e)
{
	int r = options_uuid("-uuid ", v, e);

	return r < 0 ? r : options_string(&p->c->uuid, v, e);
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

static const struct device_key machine_keys[] = {
	{ "type", "name", "pc or q35" },
	{ "accel", "name", "kvm or soft, or kvm:soft for the first that works" },
	{ "pflash0", "name",
	  "the node-name= of a -blockdev, or id= of a -drive: the firmware's flash" },
	{ "pflash1", "name", "the same for its variables" },
	{ "memory-backend", "name", "the id= of a memory -object" },
	{ "firmware", "file", "the same as -bios" },
	{ "kernel", "file", "the same as -kernel" },
	{ "initrd", "file", "the same as -initrd" },
	{ "append", "text", "the same as -append" },
	{ "mem-merge", "on|off", "equal pages of machines may become one; off if not given" },
	{ "hpet", "on|off", "the HPET; on if not given" },
	{ "acpi", "on|off", "ACPI's tables; on if not given" },
	{ "dump-guest-core", "on|off", "core dumps have the guest's memory" },
	{ NULL, NULL, NULL },
};
static const struct device_key accel_keys[] = {
	{ "accel", "name", "kvm or soft" },
	{ "step", "on|off", "one instruction at a time (soft)" },
	{ NULL, NULL, NULL },
};
static const struct device_key smp_keys[] = {
	{ "cpus", "num", "processors at the start" },
	{ "sockets", "num", "sockets of the machine" },
	{ "cores", "num", "cores of a socket" },
	{ "threads", "num", "threads of a core" },
	{ "maxcpus", "num", "no more than cpus" },
	{ NULL, NULL, NULL },
};
static const struct device_key memory_keys[] = {
	{ "size", "size", "in MiB if there is no suffix" },
	{ NULL, NULL, NULL },
};
static const struct device_key name_keys[] = {
	{ "guest", "text", "what the machine is called" },
	{ "process", "text", "what the process is called, 15 bytes at most" },
	{ "debug-threads", "on|off", "vCPUs' threads have names" },
	{ NULL, NULL, NULL },
};
static const struct device_key rtc_keys[] = {
	{ "base", "time", "utc, localtime or a date" },
	{ "clock", "name", "vm, the machine's own" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "machine",
	  .arg = "TYPE",
	  .fn = opt_machine,
	  .first = "type",
	  .keys = machine_keys,
	  .help = OPTIONS_MACHINES },
	{ .name = "M",
	  .arg = "TYPE",
	  .fn = opt_machine,
	  .first = "type",
	  .keys = machine_keys,
	  .help = OPTIONS_MACHINES },
	{ .name = "accel",
	  .arg = "NAME",
	  .fn = opt_accel,
	  .first = "accel",
	  .keys = accel_keys,
	  .help = OPTIONS_ACCELS },
	{ .name = "enable-kvm", .fn = opt_enable_kvm },
	{ .name = "cpu", .arg = "MODEL", .fn = options_cpu },
	{ .name = "smp", .arg = "N", .fn = opt_smp, .first = "cpus", .keys = smp_keys },
	{ .name = "m", .arg = "SIZE", .fn = opt_m, .first = "size", .keys = memory_keys },
	{ .name = "mem-path", .arg = "PATH", .fn = opt_mem_path },
	{ .name = "mem-prealloc", .fn = opt_mem_prealloc },
	{ .name = "kernel", .arg = "FILE", .fn = opt_kernel },
	{ .name = "initrd", .arg = "FILE", .fn = opt_initrd },
	{ .name = "append", .arg = "TEXT", .fn = opt_append },
	{ .name = "name", .arg = "NAME", .fn = opt_name, .first = "guest", .keys = name_keys },
	{ .name = "uuid", .arg = "UUID", .fn = opt_uuid },
	{ .name = "no-hpet", .fn = opt_no_hpet },
	{ .name = "no-acpi", .fn = opt_no_acpi },
	{ .name = "rtc", .arg = "OPTS", .fn = opt_rtc, .keys = rtc_keys },
	{ .name = NULL },
};

const struct option_group options_machine = { "machine", rows };
