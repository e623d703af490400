/* SPDX-License-Identifier: MIT */
/*
 * Which forms of instructions Zydis knows in 64-bit code, what the translator does with each,
 * and which of those that it copies forms.txt sets beside the processor: docs/emulator-forms.md.
 * With FORMS_WRITE set the page is written anew.
 */
#include "emu/accel/soft/soft.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMS_MAX 16384u
#define NAME      96

struct known {
	char name[NAME];
	uint8_t kind;
	uint16_t set;
	bool tested;
};

static struct known *forms;
static unsigned n_forms;
static struct x86_cpuid all;
static struct x86_decoder decoder;
static struct x86_decoded out;

/* "add r64 m64": operands that are written in the instruction, by kind and width. */
static void name_of(const struct x86_decoded *d, char name[NAME])
{
	int n = snprintf(name, NAME, "%s", ZydisMnemonicGetString(d->z.mnemonic));

	for (unsigned i = 0; i < d->z.operand_count_visible && n < NAME - 12; i++) {
		const ZydisDecodedOperand *o = &d->ops[i];

		if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			n += snprintf(name + n, (size_t)(NAME - n), " i");
		else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
			n += snprintf(name + n, (size_t)(NAME - n), " m%u", o->size);
		else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER)
			n += snprintf(name + n, (size_t)(NAME - n), " %c%u",
				      (char)('a' + ZydisRegisterGetClass(o->reg.value)),
				      o->size);
	}
}

static struct known *find(const char *name)
{
	for (unsigned i = 0; i < n_forms; i++)
		if (!strcmp(forms[i].name, name))
			return &forms[i];
	return NULL;
}

static void look(const uint8_t *code)
{
	char name[NAME];

	if (x86_decode(&decoder, X86_MODE64, code, 15, &out) < 0)
		return;
	name_of(&out, name);
	if (find(name))
		return;
	assert_true(n_forms < FORMS_MAX);
	struct known *k = &forms[n_forms++];

	memcpy(k->name, name, NAME);
	k->kind = form_of(&out, &all).kind;
	k->set = (uint16_t)out.z.meta.isa_set;
}

/* Both kinds of operand, and each extension of the opcode. */
static void operands(uint8_t *code, unsigned at)
{
	for (unsigned reg = 0; reg < 8; reg++)
		for (unsigned mod = 0; mod < 4; mod += 3) {
			code[at] = (uint8_t)(mod << 6 | reg << 3 | (mod ? 1 : 6));
			look(code);
		}
	/* the second byte is the opcode's own in x87 and its like */
	for (unsigned b = 0xc0; b < 0x100; b++) {
		code[at] = (uint8_t)b;
		look(code);
	}
}

static void legacy(void)
{
	static const uint8_t pre[][4] = { { 0 },       { 1, 0x66 },       { 1, 0xf2 },
					  { 1, 0xf3 }, { 1, 0x48 },       { 2, 0x66, 0x48 },
					  { 1, 0x40 }, { 2, 0xf2, 0x48 }, { 2, 0xf3, 0x48 } };

	for (unsigned p = 0; p < sizeof(pre) / sizeof(*pre); p++)
		for (unsigned map = 0; map < 4; map++)
			for (unsigned op = 0; op < 256; op++) {
				uint8_t code[32] = { 0 };
				unsigned n = 0;

				while (n < pre[p][0]) {
					code[n] = pre[p][1 + n];
					n++;
				}
				if (map)
					code[n++] = 0x0f;
				if (map > 1)
					code[n++] = map == 2 ? 0x38 : 0x3a;
				code[n++] = (uint8_t)op;
				operands(code, n);
			}
}

static void vex(void)
{
	for (unsigned bits = 0; bits < 32; bits++) /* pp, L, W, whether vvvv is free */
		for (unsigned map = 1; map < 4; map++)
			for (unsigned op = 0; op < 256; op++) {
				uint8_t code[32] = { 0xc4, (uint8_t)(0xe0 | map) };

				code[2] = (uint8_t)((bits & 3) | (bits >> 2 & 1) << 2 |
						    (bits >> 3 & 1) << 7 |
						    (bits >> 4 ? 0x78 : 0x68));
				code[3] = (uint8_t)op;
				operands(code, 4);
			}
}

static void tested(const char *top)
{
	char path[4096], line[512], hex[130], name[NAME];
	uint8_t code[80];

	snprintf(path, sizeof(path), "%s/tests/unit/emu/forms.txt", top);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || sscanf(line, "%*c %129s", hex) != 1)
			continue;
		unsigned len = (unsigned)strlen(hex) / 2;

		memset(code, 0, sizeof(code));
		for (unsigned i = 0; i < len; i++) {
			unsigned v;

			assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
			code[i] = (uint8_t)v;
		}
		for (unsigned at = 0; at < len; at += out.z.length) {
			if (x86_decode(&decoder, X86_MODE64, code + at, len - at, &out) < 0)
				break;
			name_of(&out, name);
			struct known *k = find(name);

			if (k)
				k->tested = true;
		}
	}
	fclose(f);
}

static void write_page(FILE *f)
{
	unsigned total[3] = { 0 };

	fprintf(f,
		"# Forms of instructions\n\n"
		"Made by `FORMS_WRITE=1 make check T=soft_forms`. A form is a mnemonic with the "
		"kinds and widths of its operands, in 64-bit code,\nas Zydis decodes it. Copied: "
		"the processor itself runs it, re-encoded; compared: set beside the processor with "
		"random operands and flags\nby `make check T=soft_copy` (10000 cases each in the "
		"long run). Sets of which nothing is copied are not listed.\n\n"
		"| set | known | copied | of these compared |\n|---|---|---|---|\n");
	for (unsigned s = 0; s <= ZYDIS_ISA_SET_MAX_VALUE; s++) {
		unsigned n[3] = { 0 };

		for (unsigned i = 0; i < n_forms; i++) {
			const struct known *k = &forms[i];
			bool copied = k->kind == FORM_COPY || k->kind == FORM_BT;

			if (k->set != s)
				continue;
			n[0]++;
			n[1] += copied;
			n[2] += copied && k->tested;
		}
		if (!n[1])
			continue;
		fprintf(f, "| %s | %u | %u | %u |\n", ZydisISASetGetString((ZydisISASet)s),
			n[0], n[1], n[2]);
		for (unsigned i = 0; i < 3; i++)
			total[i] += n[i];
	}
	fprintf(f, "| all | %u | %u | %u |\n", total[0], total[1], total[2]);
}

static void page(void **state)
{
	const char *top = getenv("TOP") ? getenv("TOP") : ".";
	char path[4096], *text = NULL;
	size_t len = 0;

	(void)state;
	forms = calloc(FORMS_MAX, sizeof(*forms));
	assert_non_null(forms);
	memset(all.feat, 0xff, sizeof(all.feat));
	x86_decoder_init(&decoder, &all);
	legacy();
	vex();
	tested(top);
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	write_page(f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/docs/emulator-forms.md", top);
	if (getenv("FORMS_WRITE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	char *have = calloc(1, len + 2);

	f = fopen(path, "r");
	assert_true(have && f);
	size_t got = fread(have, 1, len + 1, f);

	fclose(f);
	assert_int_equal(got, len);
	assert_string_equal(have, text);
	free(have);
	free(text);
	free(forms);
}

/* What would call the host's kernel, or end the process, is never copied. */
static void never_copied(void **state)
{
	static const uint8_t code[][16] = {
		{ 0x0f, 0x05 },
		{ 0x0f, 0x34 },
		{ 0x0f, 0x35 },
		{ 0x0f, 0x07 },
		{ 0xcd, 0x80 },
		{ 0xcc },
		{ 0xf4 },
		{ 0x0f, 0x0b },
		{ 0x0f, 0xa2 },
		{ 0x0f, 0x31 },
		{ 0x0f, 0x01, 0xf8 },       /* swapgs */
		{ 0xf3, 0x0f, 0xae, 0xd8 }, /* wrgsbase */
		{ 0x65, 0x8e, 0xe8 },       /* mov gs */
	};

	(void)state;
	memset(all.feat, 0xff, sizeof(all.feat));
	x86_decoder_init(&decoder, &all);
	for (unsigned i = 0; i < sizeof(code) / sizeof(*code); i++)
		for (unsigned mode = X86_MODE16; mode <= X86_MODE64; mode++)
			if (x86_decode(&decoder, (enum x86_mode)mode, code[i], 15, &out) == 0)
				assert_int_not_equal(form_of(&out, &all).kind, FORM_COPY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page),
		cmocka_unit_test(never_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
