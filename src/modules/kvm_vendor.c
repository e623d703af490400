/* SPDX-License-Identifier: MIT */
#include "modules/kvm_vendor.h"

#include "host/cpuinfo.h"

#include <stdio.h>
#include <string.h>

const char *kvm_nested_value(bool on)
{
	return on ? "1" : "0";
}

const char *kvm_nested_name(enum kvm_nested n)
{
	static const char *const names[] = { "unknown", "off", "on", "none" };

	return n < ARRAY_SIZE(names) ? names[n] : "unknown";
}

int kvm_vendor_live(const struct modules *m, char (*live)[MODULE_NAME_MAX + 1], struct err *e)
{
	static const char *const vendors[] = { "kvm_intel", "kvm_amd", "kvm_hv", "kvm_pr",
					       "kvm_pvm" };

	(*live)[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++) {
		AUTO_MODULE struct module mod = { 0 };
		int r = module_get(m, vendors[i], &mod, e);

		if (r < 0)
			return r;
		if (module_runs(&mod)) {
			snprintf(*live, sizeof(*live), "%s", mod.name);
			return 0;
		}
	}
	return 0;
}

/* Without a vendor module of its own, kvm is it. */
static const char *by_architecture(const char *arch)
{
	static const char *const plain[] = { "aarch64", "riscv64", "s390x", "loongarch64" };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(arch, plain[i]))
			return "kvm";
	return !strcmp(arch, "ppc64le") || !strcmp(arch, "ppc64") ? "kvm_hv" : NULL;
}

static int by_processor(const struct host *h, struct kvm_vendor *out, struct err *e)
{
	static const struct {
		const char *flag, *module;
	} known[] = { { "vmx", "kvm_intel" }, { "svm", "kvm_amd" } };
	AUTO_CPUINFO struct cpuinfo c = { 0 };
	int r = cpuinfo_read(h, &c, e);

	for (size_t i = 0; r == 0 && !out->module && i < ARRAY_SIZE(known); i++) {
		if (!cpuinfo_has(&c, known[i].flag))
			continue;
		out->flag = known[i].flag;
		out->module = known[i].module;
	}
	return r;
}

static int read_nested(const struct modules *m, const char *module, struct kvm_vendor *out,
		       struct err *e)
{
	const struct host *h = modules_host(m);
	AUTO_MODULE struct module mod = { 0 };
	char path[128];
	int r = module_get(m, module, &mod, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/sys/module/%s/parameters/nested", mod.name);
	r = host_read_line(h, path, out->nested_text, sizeof(out->nested_text), NULL);
	if (r == -ENOENT || r == -ENOTDIR) {
		out->nested = module_runs(&mod) ? NESTED_NONE : NESTED_UNKNOWN;
		return 0;
	}
	/* a bool is Y or N, an int 0 or 1 */
	if (r == 0 && strchr("Yy1", out->nested_text[0]) && out->nested_text[0])
		out->nested = NESTED_ON;
	else if (r == 0 && strchr("Nn0", out->nested_text[0]) && out->nested_text[0])
		out->nested = NESTED_OFF;
	return 0;
}

int kvm_vendor_get(const struct modules *m, struct kvm_vendor *out, struct err *e)
{
	const struct host *h = modules_host(m);
	AUTO_MODULE struct module mod = { 0 };
	const char *of;
	int r = 0;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP,
			       "%s is no running host, so its processor is not known",
			       host_root(h));
	out->module = by_architecture(host_arch(h));
	if (!out->module)
		r = by_processor(h, out, e);
	if (r == 0)
		r = kvm_vendor_live(m, &out->live, e);
	if (r == 0 && out->module) {
		r = module_get(m, out->module, &mod, e);
		out->state = mod.state;
		if (r == 0 && !out->live[0] && module_runs(&mod))
			snprintf(out->live, sizeof(out->live), "%s", mod.name);
	}
	of = out->live[0] ? out->live : out->module;
	return r == 0 && of ? read_nested(m, of, out, e) : r;
}
