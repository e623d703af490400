/* SPDX-License-Identifier: MIT */
/*
 * What CPUID answers: models by QEMU's names, features added and taken away by QEMU's names,
 * nothing that the host cannot do.
 *
 * A model for the soft engine is at most what the engine runs and what the host has; KVM asks
 * with the host's answer to KVM_GET_SUPPORTED_CPUID instead.
 */
#ifndef EMU_CPU_X86_CPUID_H
#define EMU_CPU_X86_CPUID_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A feature is a bit of one of these words. */
enum cpuid_word {
	FEAT_1_EDX,
	FEAT_1_ECX,
	FEAT_7_EBX,
	FEAT_7_ECX,
	FEAT_7_EDX,
	FEAT_8_EDX,
	FEAT_8_ECX,
	FEAT_88_EBX,
	FEAT_D1_EAX,
	FEAT_WORDS,
};

struct x86_cpuid {
	char vendor[13];
	char brand[49];
	uint8_t stepping;
	uint16_t family, model;
	uint32_t feat[FEAT_WORDS];
	uint32_t max_leaf, max_ext;
	uint64_t xcr0; /* state that XSAVE may hold */
	uint8_t phys_bits, virt_bits;
	uint32_t tsc_khz, apic_khz;
	uint32_t cpus;           /* of this guest */
	uint32_t cores, threads; /* of a socket, of a core; at least 1 */
	bool hypervisor;         /* leaves 0x40000000.. */
	bool kvmclock;
};

/*
 * @spec is "Haswell,+aes,avx2=off,stepping=2": a model and changes to it.  @allowed says what host
 * and accelerator can do.  A feature asked for by name that is not allowed: -ENOTSUP naming all
 * of them; what the model merely includes is left out, unless @spec has "enforce".
 */
int x86_cpuid_parse(struct x86_cpuid *out, const char *spec, const uint32_t allowed[FEAT_WORDS],
		    struct err *e) MUST_CHECK;
/* Whether @s may be one of the changes: -EINVAL naming it. */
int x86_cpuid_item(const char *s, struct err *e) MUST_CHECK;
/* What this host's processor has and the soft engine runs. */
void x86_cpuid_host(uint32_t feat[FEAT_WORDS]);
/* Names for `-cpu help`: NULL when @i is past the last. */
const char *x86_cpuid_model(size_t i);
const char *x86_cpuid_feature(size_t i);
/* Whether the soft engine runs that one. */
bool x86_cpuid_soft(size_t i);
/* What else a spec may have: "family" and its kin. */
const char *x86_cpuid_setting(size_t i);

static inline bool x86_has(const struct x86_cpuid *c, enum cpuid_word w, unsigned bit)
{
	return c->feat[w] >> bit & 1;
}

static inline bool x86_cpuid_amd(const struct x86_cpuid *c)
{
	return c->vendor[0] == 'A' && c->vendor[1] == 'u'; /* AuthenticAMD */
}

uint32_t x86_cpuid_signature(const struct x86_cpuid *c);
/* The APIC ID of processor @i: socket, core and thread, each in as many bits as it needs. */
uint32_t x86_cpuid_apic_id(const struct x86_cpuid *c, unsigned i);
/* What is not static: CR4 and XCR0 of the processor that asks, and its index. */
struct x86_cpuid_env {
	unsigned index; /* APIC ID */
	bool osxsave, apic;
	uint64_t xcr0;
};
/* @out: EAX, EBX, ECX, EDX. */
void x86_cpuid(const struct x86_cpuid *c, const struct x86_cpuid_env *env, uint32_t leaf,
	       uint32_t sub, uint32_t out[4]);

#endif
