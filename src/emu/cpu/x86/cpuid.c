/* SPDX-License-Identifier: MIT */
#include "emu/cpu/x86/cpuid.h"

#include "emu/cpu/x86/cpuid_names.h"

#include <ctype.h>
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

const char *x86_cpuid_setting(size_t i)
{
	static const char *const names[] = { "enforce",  "family",   "level",  "model",
					     "model-id", "stepping", "vendor", "xlevel" };

	return i < sizeof(names) / sizeof(*names) ? names[i] : NULL;
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

/* Known by name, but not by the engine. */
static const char not_yet[] = "vme ht ss clzero gfni vaes vpclmulqdq sse4a xsavec xgetbv1 ";

bool x86_cpuid_soft(size_t i)
{
	for (const char *s = not_yet; *s;) {
		size_t len = strcspn(s, " ");

		if (cpuid_name_find(s, len) == &cpuid_names[i])
			return false;
		s += len + strspn(s + len, " ");
	}
	return true;
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

static int number(const char *key, const char *v, size_t len, uint32_t most, uint32_t *out,
		  struct err *e)
{
	uint64_t n = 0;
	size_t i = 0;

	if (len > 2 && v[0] == '0' && (v[1] | 32) == 'x')
		for (i = 2; i < len && isxdigit((unsigned char)v[i]) && n <= most; i++)
			n = n * 16 + (uint64_t)(isdigit((unsigned char)v[i])
							? v[i] - '0'
							: (v[i] | 32) - 'a' + 10);
	else
		for (; i < len && isdigit((unsigned char)v[i]) && n <= most; i++)
			n = n * 10 + (uint64_t)(v[i] - '0');
	if (!len || i < len || n > most)
		return err_set(e, -EINVAL, "%s=%.*s is no number up to %u", key, (int)len, v,
			       most);
	*out = (uint32_t)n;
	return 0;
}

/* "family=6" and the like.  1: it is none of them. */
static int identity(struct x86_cpuid *c, const char *s, size_t len, struct err *e)
{
	const char *v = memchr(s, '=', len);
	size_t n = v ? (size_t)(v - s) : len, vlen;
	uint32_t x = 0;
	int r = 0;

	if (!v)
		return 1;
	vlen = len - n - 1;
	v++;
	if (n == 6 && !memcmp(s, "vendor", n)) {
		if (vlen != 12)
			return err_set(e, -EINVAL, "vendor=%.*s does not have 12 letters",
				       (int)vlen, v);
		memcpy(c->vendor, v, 12);
	} else if (n == 8 && !memcmp(s, "model-id", n)) {
		if (vlen > 48)
			return err_set(e, -EINVAL, "model-id=%.*s has more than 48 letters",
				       (int)vlen, v);
		memset(c->brand, 0, sizeof(c->brand));
		memcpy(c->brand, v, vlen);
	} else if (n == 6 && !memcmp(s, "family", n)) {
		r = number("family", v, vlen, 0xff + 0xf, &x, e);
		c->family = (uint16_t)x;
	} else if (n == 5 && !memcmp(s, "model", n)) {
		r = number("model", v, vlen, 0xff, &x, e);
		c->model = (uint16_t)x;
	} else if (n == 8 && !memcmp(s, "stepping", n)) {
		r = number("stepping", v, vlen, 0xf, &x, e);
		c->stepping = (uint8_t)x;
	} else if (n == 5 && !memcmp(s, "level", n)) {
		r = number("level", v, vlen, 0x1f, &c->max_leaf, e);
	} else if (n == 6 && !memcmp(s, "xlevel", n)) {
		r = number("xlevel", v, vlen, 0x8000001f, &c->max_ext, e);
	} else {
		return 1;
	}
	return r;
}

/* "+NAME", "-NAME", "NAME=on", "NAME=off": the name's length goes to @n. */
static int switched(const char **s, size_t len, size_t *n, bool *on, struct err *e)
{
	const char *v = memchr(*s, '=', len);

	if (!v && (**s == '+' || **s == '-')) {
		*on = **s == '+';
		*s += 1;
		*n = len - 1;
		return 0;
	}
	*n = v ? (size_t)(v - *s) : len;
	len -= *n;
	if (len == 3 && !memcmp(v, "=on", 3))
		*on = true;
	else if (len == 4 && !memcmp(v, "=off", 4))
		*on = false;
	else
		return err_set(e, -EINVAL, "'%.*s' is neither +FEATURE nor -FEATURE",
			       (int)(*n + len), *s);
	return 0;
}

static void add_name(char *list, size_t size, const char *name)
{
	size_t at = strlen(list);

	snprintf(list + at, size - at, "%s%s", at ? ", " : "", name);
}

/* "enforce": what the model has and the host lacks is not left out. */
static int enforce(const struct x86_cpuid *c, const uint32_t allowed[FEAT_WORDS], struct err *e)
{
	char lacking[256] = "";

	for (size_t i = 0; i < cpuid_names_n; i++) {
		const struct cpuid_name *n = &cpuid_names[i];

		if (c->feat[n->word] & ~allowed[n->word] & 1u << n->bit)
			add_name(lacking, sizeof(lacking), n->name);
	}
	return *lacking ? err_set(e, -ENOTSUP, "this host or accelerator has no %s", lacking)
			: 0;
}

static bool is_enforce(const char *s, size_t len, bool *on)
{
	*on = len == 7 || (len == 10 && !memcmp(s + 7, "=on", 3));
	return len >= 7 && !memcmp(s, "enforce", 7) &&
	       (*on || (len == 11 && !memcmp(s + 7, "=off", 4)));
}

static int change(struct x86_cpuid *c, const char *s, size_t len,
		  const uint32_t allowed[FEAT_WORDS], char *refused, size_t size, struct err *e)
{
	const struct cpuid_name *f;
	size_t n;
	bool on;
	int r;

	if (is_enforce(s, len, &on))
		return 0;
	r = identity(c, s, len, e);
	if (r <= 0)
		return r;
	r = switched(&s, len, &n, &on, e);
	if (r < 0)
		return r;
	f = cpuid_name_find(s, n);
	if (!f)
		return err_set(e, -EINVAL, "no processor feature is called '%.*s'", (int)n, s);
	set(c->feat, f, on);
	if (on && !(allowed[f->word] >> f->bit & 1))
		add_name(refused, size, f->name);
	return 0;
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
	bool strict = false;
	int r = apply_preset(&c, spec, len, allowed, e);

	if (r < 0)
		return r;
	c.feat[FEAT_1_ECX] |= 1u << 31; /* a guest is told that it is one, unless -hypervisor */
	for (const char *s = spec + len; *s == ','; s += len) {
		bool on;

		len = strcspn(++s, ",");
		if (is_enforce(s, len, &on))
			strict = on;
	}
	if (strict)
		r = enforce(&c, allowed, e);
	for (unsigned i = 0; i < FEAT_WORDS; i++)
		c.feat[i] &= allowed[i];
	len = strcspn(spec, ",");
	for (const char *s = spec + len; *s == ',' && r == 0; s += len) {
		len = strcspn(++s, ",");
		r = change(&c, s, len, allowed, refused, sizeof(refused), e);
	}
	if (r < 0)
		return r;
	if (*refused)
		return err_set(e, -ENOTSUP, "this host or accelerator has no %s", refused);
	settle(&c);
	*out = c;
	return 0;
}

int x86_cpuid_item(const char *s, struct err *e)
{
	static const uint32_t all[FEAT_WORDS] = { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u };
	struct x86_cpuid c = { 0 };
	char refused[256] = "";

	return change(&c, s, strlen(s), all, refused, sizeof(refused), e);
}

uint32_t x86_cpuid_signature(const struct x86_cpuid *c)
{
	uint32_t fam = c->family < 15 ? c->family : 15;

	return c->stepping | (c->model & 15u) << 4 | fam << 8 |
	       (uint32_t)(c->model >> 4) << 16 | (uint32_t)(c->family - fam) << 20;
}
