/* SPDX-License-Identifier: MIT */
/* Guest programs from source, by nasm.  A test without nasm is skipped. */
#ifndef TESTS_EMU_ASM_H
#define TESTS_EMU_ASM_H

#include "tests/unit/emu/guest.h"

#include <stdio.h>
#include <stdlib.h>

/* Assembles @text for GUEST_CODE (real mode: for offset 0 of that segment) and loads it. */
static inline void guest_asm(struct guest *g, unsigned bits, const char *text)
{
	static uint8_t code[16384];
	FILE *f = fopen("guest.asm", "w");

	assert_non_null(f);
	fprintf(f, "bits %u\norg 0x%x\n%s\nhlt\n", bits, bits == 16 ? 0 : GUEST_CODE, text);
	fclose(f);
	if (system("nasm -v >nasm.version 2>&1") != 0) {
		print_message("# no nasm\n");
		skip();
	}
	assert_int_equal(system("nasm -f bin -o guest.bin guest.asm"), 0);
	f = fopen("guest.bin", "r");
	assert_non_null(f);
	size_t n = fread(code, 1, sizeof(code), f);

	fclose(f);
	guest_code(g, code, n);
}

#endif
