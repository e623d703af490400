/* SPDX-License-Identifier: MIT */
#include "host/cpuid.h"

#include "host/record.h"
#include "host/words.h"

#include <stdio.h>
#include <string.h>

#define BIT(v, n) (((v) >> (n)&1) != 0)

const struct cpuid_leaf cpuid_leaves[] = {
	{ 0x0, 0 },        { 0x1, 0 },        { 0x7, 0 },        { 0x40000000, 0 },
	{ 0x40000001, 0 }, { 0x40000100, 0 }, { 0x80000000, 0 }, { 0x80000001, 0 },
	{ 0x80000007, 0 }, { 0x80000008, 0 }, { 0x8000000a, 0 }, { 0x8000001f, 0 },
};
const size_t cpuid_leaves_n = ARRAY_SIZE(cpuid_leaves);

#ifndef __x86_64__
int cpuid_run(uint32_t leaf, uint32_t sub, struct cpuid_regs *out)
{
	return -ENOTSUP;
}
#endif

bool cpuid_is_x86(const struct host *h)
{
	const char *a = host_arch(h);

	return !strcmp(a, "x86_64") || !strcmp(a, "x86") ||
	       (a[0] == 'i' && a[1] && !strcmp(a + 2, "86"));
}

int cpuid_read(const struct host *h, uint32_t leaf, uint32_t sub, struct cpuid_regs *out,
	       struct err *e)
{
	char key[64];
	uint64_t v[4];
	int r;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no processor");
	if (!cpuid_is_x86(h))
		return err_set(e, -ENOTSUP, "%s has no CPUID", host_arch(h));
	if (host_is_live(h)) {
		r = cpuid_run(leaf, sub, out);
		return r < 0 ? err_set(e, r, "this program was not built for CPUID") : 0;
	}
	snprintf(key, sizeof(key), "cpuid 0x%x 0x%x", leaf, sub);
	r = record_numbers(host_record(h), key, v, 4, e);
	if (r < 0)
		return r;
	for (int i = 0; i < 4; i++)
		if (v[i] > UINT32_MAX)
			return err_set(e, -EINVAL, "%s: a register has 32 bits", key);
	*out = (struct cpuid_regs){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2],
				    (uint32_t)v[3] };
	return 0;
}

void cpuid_text(char *out, uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t regs[3] = { a, b, c };
	char raw[12];
	size_t n = sizeof(raw);

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (char)(regs[i / 4] >> i % 4 * 8);
	while (n && (raw[n - 1] == '\0' || raw[n - 1] == ' '))
		n--;
	span_copy((struct span){ raw, n }, out, 13);
}

/* A leaf that may not be there: zeros. */
static struct cpuid_regs leaf(const struct host *h, uint32_t nr, uint32_t max)
{
	struct cpuid_regs r = { 0 };

	if (nr > max || cpuid_read(h, nr, 0, &r, NULL) < 0)
		memset(&r, 0, sizeof(r));
	return r;
}

static void get_extended(const struct host *h, struct cpuid *out)
{
	const uint32_t max = out->max_extended;
	struct cpuid_regs r = leaf(h, 0x80000001, max);

	out->svm = BIT(r.ecx, 2);
	out->nx = BIT(r.edx, 20);
	out->page_1g = BIT(r.edx, 26);
	out->long_mode = BIT(r.edx, 29);
	out->invariant_tsc = BIT(leaf(h, 0x80000007, max).edx, 8);
	out->phys_bits = leaf(h, 0x80000008, max).eax & 0xff;
	if (out->svm) {
		r = leaf(h, 0x8000000a, max);
		out->svm_asids = r.ebx;
		out->svm_flags = r.edx;
	}
	r = leaf(h, 0x8000001f, max);
	out->sme = BIT(r.eax, 0);
	out->sev = BIT(r.eax, 1);
	out->sev_es = BIT(r.eax, 3);
	out->sev_snp = BIT(r.eax, 4);
	out->sev_guests = r.ecx;
	out->sev_min_asid = r.edx;
}

int cpuid_get(const struct host *h, struct cpuid *out, struct err *e)
{
	struct cpuid_regs r;
	int code;

	memset(out, 0, sizeof(*out));
	code = cpuid_read(h, 0, 0, &r, e);
	if (code < 0)
		return code;
	out->max_basic = r.eax;
	cpuid_text(out->vendor, r.ebx, r.edx, r.ecx);
	code = cpuid_read(h, 1, 0, &r, e);
	if (code < 0)
		return code;
	out->vmx = BIT(r.ecx, 5);
	out->hypervisor = BIT(r.ecx, 31);
	r = leaf(h, 0x80000000, 0x80000000);
	/* a processor without extended leaves answers with something else */
	out->max_extended = r.eax >> 31 ? r.eax : 0;
	get_extended(h, out);
	if (out->hypervisor) {
		r = leaf(h, 0x40000000, 0x40000000);
		cpuid_text(out->signature, r.ebx, r.ecx, r.edx);
		r = leaf(h, 0x40000100, 0x40000100);
		cpuid_text(out->signature2, r.ebx, r.ecx, r.edx);
	}
	return 0;
}
