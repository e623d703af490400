/* SPDX-License-Identifier: MIT */
/* The leaves of CPUID.  Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E. */
#include "emu/cpu/x86/cpuid.h"

#include <string.h>

#define HV_BASE                0x40000000u
#define HV_MAX                 0x40000010u
#define KVM_CLOCKSOURCE2       (1u << 3)
#define KVM_CLOCKSOURCE_STABLE (1u << 24)

static uint32_t le(const char *s)
{
	uint32_t v;

	memcpy(&v, s, sizeof(v));
	return v;
}

static unsigned bits_for(uint32_t n)
{
	return n > 1 ? 32u - (unsigned)__builtin_clz(n - 1) : 0;
}

/* Bits of an APIC ID below the socket's. */
static unsigned socket_shift(const struct x86_cpuid *c)
{
	return bits_for(c->cores) + bits_for(c->threads);
}

static uint32_t per_socket(const struct x86_cpuid *c)
{
	return c->cores * c->threads;
}

uint32_t x86_cpuid_apic_id(const struct x86_cpuid *c, unsigned i)
{
	unsigned thread = i % c->threads, core = i / c->threads % c->cores;

	return (i / per_socket(c)) << socket_shift(c) | core << bits_for(c->threads) | thread;
}

static void leaf_1(const struct x86_cpuid *c, const struct x86_cpuid_env *v, uint32_t o[4])
{
	o[0] = x86_cpuid_signature(c);
	o[1] = v->index << 24 | (1u << socket_shift(c)) << 16 | 8u << 8;
	o[2] = c->feat[FEAT_1_ECX] | (v->osxsave ? 1u << 27 : 0);
	o[3] = c->feat[FEAT_1_EDX] | (per_socket(c) > 1 ? 1u << 28 : 0);
	if (!v->apic)
		o[3] &= ~(1u << 9);
}

/* Sizes of the parts of XSAVE's area, as every processor has them. */
static void leaf_d(const struct x86_cpuid *c, const struct x86_cpuid_env *v, uint32_t sub,
		   uint32_t o[4])
{
	if (!c->xcr0)
		return;
	if (sub == 0) {
		o[0] = (uint32_t)c->xcr0;
		o[1] = v->xcr0 & 4 ? 832 : 576;
		o[2] = c->xcr0 & 4 ? 832 : 576;
		o[3] = (uint32_t)(c->xcr0 >> 32);
	} else if (sub == 1) {
		o[0] = c->feat[FEAT_D1_EAX];
	} else if (sub == 2 && (c->xcr0 & 4)) {
		o[0] = 256;
		o[1] = 576;
	}
}

static void leaf_4(const struct x86_cpuid *c, uint32_t sub, uint32_t o[4])
{
	/* 32 KiB L1 data and code, 4 MiB L2, of 64-byte lines. */
	static const struct {
		uint32_t type, level, ways, sets;
	} t[] = { { 1, 1, 8, 64 }, { 2, 1, 8, 64 }, { 3, 2, 16, 4096 } };

	if (sub >= 3)
		return;
	o[0] = t[sub].type | t[sub].level << 5 | 1u << 8 |
	       ((1u << bits_for(c->threads)) - 1) << 14 |
	       ((1u << bits_for(c->cores)) - 1) << 26;
	o[1] = 63 | (t[sub].ways - 1) << 22;
	o[2] = t[sub].sets - 1;
	o[3] = 1;
}

static void basic(const struct x86_cpuid *c, const struct x86_cpuid_env *v, uint32_t leaf,
		  uint32_t sub, uint32_t o[4])
{
	bool intel = !strcmp(c->vendor, "GenuineIntel");

	switch (leaf) {
	case 0:
		o[0] = c->max_leaf;
		o[1] = le(c->vendor);
		o[3] = le(c->vendor + 4);
		o[2] = le(c->vendor + 8);
		break;
	case 1:
		leaf_1(c, v, o);
		break;
	case 4:
		if (intel)
			leaf_4(c, sub, o);
		break;
	case 7:
		if (sub == 0) {
			o[1] = c->feat[FEAT_7_EBX];
			o[2] = c->feat[FEAT_7_ECX];
			o[3] = c->feat[FEAT_7_EDX];
		}
		break;
	case 0xb:
		o[3] = v->index;
		o[2] = sub & 255;
		if (sub < 2) {
			o[0] = sub ? socket_shift(c) : bits_for(c->threads);
			o[1] = sub ? per_socket(c) : c->threads;
			o[2] |= (sub + 1) << 8;
		}
		break;
	case 0xd:
		leaf_d(c, v, sub, o);
		break;
	case 0x15:
		o[0] = 1;
		o[1] = c->tsc_khz / 1000;
		o[2] = 1000000;
		break;
	case 0x16:
		o[0] = o[1] = c->tsc_khz / 1000;
		o[2] = 100;
		break;
	default:
		break;
	}
}

static void extended(const struct x86_cpuid *c, const struct x86_cpuid_env *v, uint32_t leaf,
		     uint32_t o[4])
{
	bool amd = !strcmp(c->vendor, "AuthenticAMD");

	switch (leaf) {
	case 0x80000000:
		o[0] = c->max_ext;
		if (amd) {
			o[1] = le(c->vendor);
			o[3] = le(c->vendor + 4);
			o[2] = le(c->vendor + 8);
		}
		break;
	case 0x80000001:
		o[0] = amd ? x86_cpuid_signature(c) : 0;
		o[3] = c->feat[FEAT_8_EDX];
		o[2] = c->feat[FEAT_8_ECX] | (amd && per_socket(c) > 1 ? 2 : 0);
		if (amd && c->threads > 1)
			o[2] |= 1u << 22; /* leaf 0x8000001e is there */
		if (amd)                  /* the bits that AMD repeats here */
			o[3] |= c->feat[FEAT_1_EDX] & 0x0183f3ff;
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		memcpy(o, c->brand + 16 * (leaf - 0x80000002), 16);
		break;
	case 0x80000005:
		if (amd) {
			o[0] = o[1] = 0x01ff01ff;
			o[2] = o[3] = 0x20080140;
		}
		break;
	case 0x80000006:
		o[2] = 0x02006040;
		break;
	case 0x80000007:
		o[3] = 1u << 8; /* the TSC never changes its rate */
		break;
	case 0x80000008:
		o[0] = c->phys_bits | (uint32_t)c->virt_bits << 8;
		o[1] = c->feat[FEAT_88_EBX];
		if (amd)
			o[2] = (per_socket(c) - 1) | socket_shift(c) << 12;
		break;
	case 0x8000001e:
		if (!amd || c->threads < 2)
			break;
		o[0] = v->index;
		o[1] = (c->threads - 1) << 8 |
		       (v->index >> bits_for(c->threads) & ((1u << bits_for(c->cores)) - 1));
		o[2] = v->index >> socket_shift(c); /* a node a socket */
		break;
	default:
		break;
	}
}

static void hypervisor(const struct x86_cpuid *c, uint32_t leaf, uint32_t o[4])
{
	if (leaf == HV_BASE) {
		/* By this name guests look for kvmclock. */
		o[0] = HV_MAX;
		o[1] = le("KVMK");
		o[2] = le("VMKV");
		o[3] = le("M\0\0\0");
	} else if (leaf == HV_BASE + 1) {
		o[0] = c->kvmclock ? KVM_CLOCKSOURCE2 | KVM_CLOCKSOURCE_STABLE : 0;
	} else if (leaf == HV_MAX) {
		o[0] = c->tsc_khz;
		o[1] = c->apic_khz;
	}
}

void x86_cpuid(const struct x86_cpuid *c, const struct x86_cpuid_env *v, uint32_t leaf,
	       uint32_t sub, uint32_t o[4])
{
	memset(o, 0, 4 * sizeof(*o));
	/* 0x15 and 0x16 are answered although the models of their time end before. */
	uint32_t max = c->hypervisor && c->max_leaf < 0x16 ? 0x16 : c->max_leaf;

	if (leaf >= HV_BASE && leaf < HV_BASE + 0x10000) {
		if (c->hypervisor)
			hypervisor(c, leaf, o);
		return;
	}
	if (leaf >= 0x80000000) {
		if (leaf <= c->max_ext)
			extended(c, v, leaf, o);
		return;
	}
	if (leaf > max)
		return;
	basic(c, v, leaf, sub, o);
	if (leaf == 0 && c->hypervisor)
		o[0] = max;
}
