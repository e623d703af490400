/* SPDX-License-Identifier: MIT */
#include "emu/cpu/x86/cpuid.h"

#include "emu/cpu/x86/cpuid_names.h"

#include <stdio.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

const char *x86_cpuid_model(size_t i)
{
	return i < cpuid_presets_n ? cpuid_presets[i].name : NULL;
}

const char *x86_cpuid_feature(size_t i)
{
	return i < cpuid_names_n ? cpuid_names[i].name : NULL;
}

static void set(uint32_t feat[FEAT_WORDS], const struct cpuid_name *n, bool on)
{
	if (on)
		feat[n->word] |= 1u << n->bit;
	else
		feat[n->word] &= ~(1u << n->bit);
}

static void raw(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	memset(r, 0, 4 * sizeof(*r));
#ifdef __x86_64__
	__get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]);
#else
	(void)leaf;
	(void)sub;
#endif
}

void x86_cpuid_host(uint32_t feat[FEAT_WORDS])
{
	uint32_t r[4], has[FEAT_WORDS];

	raw(1, 0, r);
	has[FEAT_1_EDX] = r[3];
	has[FEAT_1_ECX] = r[2];
	raw(7, 0, r);
	has[FEAT_7_EBX] = r[1];
	has[FEAT_7_ECX] = r[2];
	has[FEAT_7_EDX] = r[3];
	raw(0x80000001, 0, r);
	has[FEAT_8_EDX] = r[3];
	has[FEAT_8_ECX] = r[2];
	raw(0x80000008, 0, r);
	has[FEAT_88_EBX] = r[1];
	raw(0xd, 1, r);
	has[FEAT_D1_EAX] = r[0];

	/* What the engine does itself, whatever the host has; the rest is copied code. */
	static const char soft[] =
		"de pse tsc msr pae mce apic sep mtrr pge mca pat pse36 "
		"hypervisor pcid x2apic tsc-deadline tsc_adjust smep smap "
		"invpcid umip syscall nx pdpe1gb rdtscp lm fsgsbase rdpid erms fsrm "
		"cr8legacy";
	/* Known by name, but not by the engine. */
	static const char not_yet[] =
		"vme ht ss clzero gfni vaes vpclmulqdq sse4a xsavec xgetbv1 ";

	memset(feat, 0, FEAT_WORDS * sizeof(*feat));
	for (size_t i = 0; i < cpuid_names_n; i++) {
		const struct cpuid_name *n = &cpuid_names[i];

		set(feat, n, has[n->word] >> n->bit & 1);
	}
	for (const char *s = soft; *s;) {
		size_t len = strcspn(s, " ");
		const struct cpuid_name *n = cpuid_name_find(s, len);

		if (n)
			set(feat, n, true);
		s += len + strspn(s + len, " ");
	}
	for (const char *s = not_yet; *s;) {
		size_t len = strcspn(s, " ");
		const struct cpuid_name *n = cpuid_name_find(s, len);

		if (n)
			set(feat, n, false);
		s += len + strspn(s + len, " ");
	}
}

static void host_identity(struct x86_cpuid *c)
{
	uint32_t r[4];

	raw(0, 0, r);
	memcpy(c->vendor, &r[1], 4);
	memcpy(c->vendor + 4, &r[3], 4);
	memcpy(c->vendor + 8, &r[2], 4);
	raw(1, 0, r);
	c->stepping = r[0] & 15;
	c->family = r[0] >> 8 & 15;
	c->model = r[0] >> 4 & 15;
	if (c->family == 15 || c->family == 6)
		c->model |= (r[0] >> 16 & 15) << 4;
	if (c->family == 15)
		c->family = (uint16_t)(15 + (r[0] >> 20 & 255));
	for (unsigned i = 0; i < 3; i++) {
		raw(0x80000002 + i, 0, r);
		memcpy(c->brand + 16 * i, r, 16);
	}
}

static int apply_preset(struct x86_cpuid *c, const char *name, size_t len,
			const uint32_t allowed[FEAT_WORDS], struct err *e)
{
	const struct cpuid_preset *p = NULL;

	for (size_t i = 0; i < cpuid_presets_n && !p; i++)
		if (strlen(cpuid_presets[i].name) == len &&
		    !memcmp(cpuid_presets[i].name, name, len))
			p = &cpuid_presets[i];
	if (!p)
		return err_set(e, -EINVAL, "no processor model is called '%.*s'", (int)len,
			       name);
	memcpy(c->vendor, p->vendor, strlen(p->vendor));
	memcpy(c->brand, p->brand, strlen(p->brand));
	c->family = p->family;
	c->model = p->model;
	c->stepping = p->stepping;
	c->max_leaf = p->max_leaf;
	c->max_ext = p->max_ext;
	if (!*p->vendor)
		host_identity(c);
	if (!p->features)
		memcpy(c->feat, allowed, sizeof(c->feat));
	for (const char *s = p->features; s && *s;) {
		size_t n = strcspn(s, " ");
		const struct cpuid_name *f = cpuid_name_find(s, n);

		if (f)
			set(c->feat, f, true);
		s += n + strspn(s + n, " ");
	}
	return 0;
}

/* Features without which others are nothing. */
static void settle(struct x86_cpuid *c)
{
	if (!x86_has(c, FEAT_1_ECX, 26)) { /* XSAVE */
		c->feat[FEAT_1_ECX] &= ~(1u << 28 | 1u << 29 | 1u << 12);
		c->feat[FEAT_D1_EAX] = 0;
	}
	if (!x86_has(c, FEAT_1_ECX, 28)) /* AVX */
		c->feat[FEAT_7_EBX] &= ~(1u << 5);
	c->xcr0 = 0;
	if (x86_has(c, FEAT_1_ECX, 26))
		c->xcr0 = 3 | (x86_has(c, FEAT_1_ECX, 28) ? 4 : 0);
	if (!x86_has(c, FEAT_8_EDX, 29) && c->max_ext > 0x80000008)
		c->max_ext = 0x80000008;
	c->hypervisor = x86_has(c, FEAT_1_ECX, 31);
	c->kvmclock = c->hypervisor;
}

int x86_cpuid_parse(struct x86_cpuid *out, const char *spec, const uint32_t allowed[FEAT_WORDS],
		    struct err *e)
{
	struct x86_cpuid c = { .phys_bits = 40,
			       .virt_bits = 48,
			       .cpus = 1,
			       .cores = 1,
			       .threads = 1,
			       .apic_khz = 1000000 };
	size_t len = strcspn(spec, ",");
	char refused[256] = "";
	int r = apply_preset(&c, spec, len, allowed, e);

	if (r < 0)
		return r;
	c.feat[FEAT_1_ECX] |= 1u << 31; /* a guest is told that it is one, unless -hypervisor */
	for (unsigned i = 0; i < FEAT_WORDS; i++)
		c.feat[i] &= allowed[i];
	for (const char *s = spec + len; *s == ',';) {
		bool on = s[1] == '+';

		s++;
		if (*s != '+' && *s != '-')
			return err_set(e, -EINVAL, "'%s' is neither +FEATURE nor -FEATURE", s);
		s++;
		len = strcspn(s, ",");
		const struct cpuid_name *n = cpuid_name_find(s, len);

		if (!n)
			return err_set(e, -EINVAL, "no processor feature is called '%.*s'",
				       (int)len, s);
		set(c.feat, n, on);
		if (on && !(allowed[n->word] >> n->bit & 1)) {
			size_t at = strlen(refused);

			snprintf(refused + at, sizeof(refused) - at, "%s%s", at ? ", " : "",
				 n->name);
		}
		s += len;
	}
	if (*refused)
		return err_set(e, -ENOTSUP, "this host or accelerator has no %s", refused);
	settle(&c);
	*out = c;
	return 0;
}

uint32_t x86_cpuid_signature(const struct x86_cpuid *c)
{
	uint32_t fam = c->family < 15 ? c->family : 15;

	return c->stepping | (c->model & 15u) << 4 | fam << 8 |
	       (uint32_t)(c->model >> 4) << 16 | (uint32_t)(c->family - fam) << 20;
}
