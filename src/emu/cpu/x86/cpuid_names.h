/* SPDX-License-Identifier: MIT */
/* Tables behind cpuid.c: feature names and processor models. */
#ifndef EMU_CPU_X86_CPUID_NAMES_H
#define EMU_CPU_X86_CPUID_NAMES_H

#include "emu/cpu/x86/cpuid.h"

struct cpuid_name {
	const char *name;
	uint8_t word, bit;
};
extern const struct cpuid_name cpuid_names[];
extern const size_t cpuid_names_n;

struct cpuid_preset {
	const char *name, *vendor, *brand; /* "" for what the host says */
	uint16_t family, model;
	uint8_t stepping;
	uint32_t max_leaf, max_ext;
	const char *features; /* words; NULL: all that is allowed */
};
extern const struct cpuid_preset cpuid_presets[];
extern const size_t cpuid_presets_n;

/* The feature that is called so, '-', '_' and '.' being the same; or NULL. */
const struct cpuid_name *cpuid_name_find(const char *s, size_t len);

#endif
