/* SPDX-License-Identifier: MIT */
/* Features by name, and the models made of them. */
#include "emu/cpu/x86/cpuid_names.h"

#include <string.h>

const struct cpuid_name cpuid_names[] = {
	{ "fpu", FEAT_1_EDX, 0 },
	{ "vme", FEAT_1_EDX, 1 },
	{ "de", FEAT_1_EDX, 2 },
	{ "pse", FEAT_1_EDX, 3 },
	{ "tsc", FEAT_1_EDX, 4 },
	{ "msr", FEAT_1_EDX, 5 },
	{ "pae", FEAT_1_EDX, 6 },
	{ "mce", FEAT_1_EDX, 7 },
	{ "cx8", FEAT_1_EDX, 8 },
	{ "apic", FEAT_1_EDX, 9 },
	{ "sep", FEAT_1_EDX, 11 },
	{ "mtrr", FEAT_1_EDX, 12 },
	{ "pge", FEAT_1_EDX, 13 },
	{ "mca", FEAT_1_EDX, 14 },
	{ "cmov", FEAT_1_EDX, 15 },
	{ "pat", FEAT_1_EDX, 16 },
	{ "pse36", FEAT_1_EDX, 17 },
	{ "clflush", FEAT_1_EDX, 19 },
	{ "mmx", FEAT_1_EDX, 23 },
	{ "fxsr", FEAT_1_EDX, 24 },
	{ "sse", FEAT_1_EDX, 25 },
	{ "sse2", FEAT_1_EDX, 26 },
	{ "ss", FEAT_1_EDX, 27 },
	{ "ht", FEAT_1_EDX, 28 },
	{ "pni", FEAT_1_ECX, 0 },
	{ "sse3", FEAT_1_ECX, 0 },
	{ "pclmulqdq", FEAT_1_ECX, 1 },
	{ "pclmuldq", FEAT_1_ECX, 1 },
	{ "ssse3", FEAT_1_ECX, 9 },
	{ "fma", FEAT_1_ECX, 12 },
	{ "cx16", FEAT_1_ECX, 13 },
	{ "pcid", FEAT_1_ECX, 17 },
	{ "sse4.1", FEAT_1_ECX, 19 },
	{ "sse4.2", FEAT_1_ECX, 20 },
	{ "x2apic", FEAT_1_ECX, 21 },
	{ "movbe", FEAT_1_ECX, 22 },
	{ "popcnt", FEAT_1_ECX, 23 },
	{ "tsc-deadline", FEAT_1_ECX, 24 },
	{ "aes", FEAT_1_ECX, 25 },
	{ "xsave", FEAT_1_ECX, 26 },
	{ "avx", FEAT_1_ECX, 28 },
	{ "f16c", FEAT_1_ECX, 29 },
	{ "rdrand", FEAT_1_ECX, 30 },
	{ "hypervisor", FEAT_1_ECX, 31 },
	{ "fsgsbase", FEAT_7_EBX, 0 },
	{ "tsc_adjust", FEAT_7_EBX, 1 },
	{ "bmi1", FEAT_7_EBX, 3 },
	{ "avx2", FEAT_7_EBX, 5 },
	{ "smep", FEAT_7_EBX, 7 },
	{ "bmi2", FEAT_7_EBX, 8 },
	{ "erms", FEAT_7_EBX, 9 },
	{ "invpcid", FEAT_7_EBX, 10 },
	{ "rdseed", FEAT_7_EBX, 18 },
	{ "adx", FEAT_7_EBX, 19 },
	{ "smap", FEAT_7_EBX, 20 },
	{ "clflushopt", FEAT_7_EBX, 23 },
	{ "clwb", FEAT_7_EBX, 24 },
	{ "sha-ni", FEAT_7_EBX, 29 },
	{ "umip", FEAT_7_ECX, 2 },
	{ "gfni", FEAT_7_ECX, 8 },
	{ "vaes", FEAT_7_ECX, 9 },
	{ "vpclmulqdq", FEAT_7_ECX, 10 },
	{ "rdpid", FEAT_7_ECX, 22 },
	{ "fsrm", FEAT_7_EDX, 4 },
	{ "syscall", FEAT_8_EDX, 11 },
	{ "nx", FEAT_8_EDX, 20 },
	{ "xd", FEAT_8_EDX, 20 },
	{ "pdpe1gb", FEAT_8_EDX, 26 },
	{ "rdtscp", FEAT_8_EDX, 27 },
	{ "lm", FEAT_8_EDX, 29 },
	{ "lahf-lm", FEAT_8_ECX, 0 },
	{ "cr8legacy", FEAT_8_ECX, 4 },
	{ "abm", FEAT_8_ECX, 5 },
	{ "lzcnt", FEAT_8_ECX, 5 },
	{ "sse4a", FEAT_8_ECX, 6 },
	{ "misalignsse", FEAT_8_ECX, 7 },
	{ "3dnowprefetch", FEAT_8_ECX, 8 },
	{ "clzero", FEAT_88_EBX, 0 },
	{ "xsaveopt", FEAT_D1_EAX, 0 },
	{ "xsavec", FEAT_D1_EAX, 1 },
	{ "xgetbv1", FEAT_D1_EAX, 2 },
};
const size_t cpuid_names_n = sizeof(cpuid_names) / sizeof(*cpuid_names);

#define BASE32 \
	"fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 mmx fxsr sse"
#define BASE64  BASE32 " clflush sse2 sse3 syscall nx lm"
#define CONROE  BASE64 " vme ssse3 lahf-lm"
#define NEHALEM CONROE " cx16 sse4.1 sse4.2 popcnt"
#define HASWELL                                                                            \
	NEHALEM " pclmulqdq fma pcid x2apic movbe tsc-deadline aes xsave avx f16c rdrand " \
		"fsgsbase bmi1 avx2 smep bmi2 erms invpcid rdtscp abm xsaveopt"
#define EPYC                                                                                   \
	NEHALEM " pclmulqdq fma movbe aes xsave avx f16c rdrand fsgsbase bmi1 avx2 smep bmi2 " \
		"rdseed adx smap clflushopt sha-ni pdpe1gb rdtscp cr8legacy abm sse4a "        \
		"misalignsse 3dnowprefetch xsaveopt xsavec xgetbv1 umip"

const struct cpuid_preset cpuid_presets[] = {
	{ "qemu64", "AuthenticAMD", "vemu virtual processor (64 bits)", 15, 107, 1, 0xd,
	  0x80000008, BASE64 " cx16 lahf-lm" },
	{ "qemu32", "GenuineIntel", "vemu virtual processor (32 bits)", 6, 6, 3, 4, 0x80000004,
	  BASE32 " sse2 sse3" },
	{ "n270", "GenuineIntel", "Intel(R) Atom(TM) CPU N270   @ 1.60GHz", 6, 28, 2, 10,
	  0x80000008, BASE32 " vme clflush sse2 ss sse3 ssse3 movbe nx" },
	{ "Conroe", "GenuineIntel", "Intel Celeron_4x0 (Conroe/Merom Class Core 2)", 6, 15, 3,
	  10, 0x80000008, CONROE },
	{ "Nehalem", "GenuineIntel", "Intel Core i7 9xx (Nehalem Class Core i7)", 6, 26, 3, 11,
	  0x80000008, NEHALEM },
	{ "Haswell", "GenuineIntel", "Intel Core Processor (Haswell)", 6, 60, 4, 0xd,
	  0x80000008, HASWELL },
	{ "EPYC", "AuthenticAMD", "AMD EPYC Processor", 23, 1, 2, 0xd, 0x8000001f, EPYC },
	{ "max", "AuthenticAMD", "vemu virtual processor", 23, 1, 2, 0xd, 0x8000001f, NULL },
	{ "host", "", "", 0, 0, 0, 0xd, 0x8000001f, NULL },
};
const size_t cpuid_presets_n = sizeof(cpuid_presets) / sizeof(*cpuid_presets);

const struct cpuid_name *cpuid_name_find(const char *s, size_t len)
{
	for (size_t i = 0; i < cpuid_names_n; i++) {
		const char *n = cpuid_names[i].name;

		if (strlen(n) != len)
			continue;
		size_t k = 0;

		/* QEMU takes '_' and '-' for each other. */
		while (k < len &&
		       (n[k] == s[k] || (strchr("-_.", n[k]) && strchr("-_.", s[k]))))
			k++;
		if (k == len)
			return &cpuid_names[i];
	}
	return NULL;
}
