/* SPDX-License-Identifier: MIT */
#include "host/cpuid.h"

#include <cpuid.h>

int cpuid_run(uint32_t leaf, uint32_t sub, struct cpuid_regs *out)
{
	__cpuid_count(leaf, sub, out->eax, out->ebx, out->ecx, out->edx);
	return 0;
}
