/* SPDX-License-Identifier: MIT */
#include "emu/boot/aml.h"

#include <string.h>

#define OP_NAME    0x08
#define OP_BYTE    0x0a
#define OP_WORD    0x0b
#define OP_DWORD   0x0c
#define OP_STRING  0x0d
#define OP_QWORD   0x0e
#define OP_SCOPE   0x10
#define OP_BUFFER  0x11
#define OP_PACKAGE 0x12
#define OP_EXT     0x5b
#define OP_DEVICE  0x82
#define OP_METHOD  0x14
#define OP_REGION  0x80
#define OP_FIELD   0x81
#define OP_ARG0    0x68
#define OP_STORE   0x70
#define OP_AND     0x7b
#define OP_NOTIFY  0x86
#define OP_IF      0xa0

void aml_byte(struct aml *a, unsigned v)
{
	if (a->n == a->max)
		a->full = true;
	else
		a->p[a->n++] = (uint8_t)v;
}

void aml_word(struct aml *a, unsigned v)
{
	aml_byte(a, v & 0xff);
	aml_byte(a, v >> 8 & 0xff);
}

void aml_dword(struct aml *a, uint32_t v)
{
	aml_word(a, v & 0xffff);
	aml_word(a, v >> 16);
}

void aml_qword(struct aml *a, uint64_t v)
{
	aml_dword(a, (uint32_t)v);
	aml_dword(a, (uint32_t)(v >> 32));
}

void aml_name(struct aml *a, const char *name)
{
	if (*name == '\\')
		aml_byte(a, (unsigned char)*name++);
	if (!*name) {
		aml_byte(a, 0); /* the root itself */
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		aml_byte(a, *name ? (unsigned char)*name++ : '_');
}

void aml_int(struct aml *a, uint64_t v)
{
	if (v <= 1) {
		aml_byte(a, (unsigned)v);
	} else if (v <= 0xff) {
		aml_byte(a, OP_BYTE);
		aml_byte(a, (unsigned)v);
	} else if (v <= 0xffff) {
		aml_byte(a, OP_WORD);
		aml_word(a, (unsigned)v);
	} else if (v <= 0xffffffff) {
		aml_byte(a, OP_DWORD);
		aml_dword(a, (uint32_t)v);
	} else {
		aml_byte(a, OP_QWORD);
		aml_qword(a, v);
	}
}

void aml_string(struct aml *a, const char *s)
{
	aml_byte(a, OP_STRING);
	do
		aml_byte(a, (unsigned char)*s);
	while (*s++);
}

void aml_object(struct aml *a, const char *name)
{
	aml_byte(a, OP_NAME);
	aml_name(a, name);
}

static unsigned hex(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of 5 bits, four hexadecimal digits, big-endian. */
void aml_eisa(struct aml *a, const char *id)
{
	unsigned letters = 0;

	for (unsigned i = 0; i < 3; i++)
		letters = letters << 5 | (unsigned)(id[i] - '@');
	aml_byte(a, OP_DWORD);
	aml_byte(a, letters >> 8);
	aml_byte(a, letters & 0xff);
	aml_byte(a, hex(id[3]) << 4 | hex(id[4]));
	aml_byte(a, hex(id[5]) << 4 | hex(id[6]));
}

/* Lengths are always written in three bytes (20 bits): their place is known beforehand. */
static size_t open_length(struct aml *a)
{
	size_t at = a->n;

	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0);
	return at;
}

void aml_end(struct aml *a, size_t open)
{
	size_t len = a->n - open;

	if (a->full || len >= 1u << 20) {
		a->full = true;
		return;
	}
	a->p[open] = (uint8_t)(0x80 | (len & 15));
	a->p[open + 1] = (uint8_t)(len >> 4);
	a->p[open + 2] = (uint8_t)(len >> 12);
}

size_t aml_scope(struct aml *a, const char *name)
{
	size_t at;

	aml_byte(a, OP_SCOPE);
	at = open_length(a);
	aml_name(a, name);
	return at;
}

size_t aml_device(struct aml *a, const char *name)
{
	size_t at;

	aml_byte(a, OP_EXT);
	aml_byte(a, OP_DEVICE);
	at = open_length(a);
	aml_name(a, name);
	return at;
}

size_t aml_method(struct aml *a, const char *name, unsigned args)
{
	size_t at;

	aml_byte(a, OP_METHOD);
	at = open_length(a);
	aml_name(a, name);
	aml_byte(a, args);
	return at;
}

size_t aml_if(struct aml *a)
{
	aml_byte(a, OP_IF);
	return open_length(a);
}

void aml_port_fields(struct aml *a, const char *region, uint16_t base, unsigned len,
		     const char *const *names)
{
	size_t at;

	aml_byte(a, OP_EXT);
	aml_byte(a, OP_REGION);
	aml_name(a, region);
	aml_byte(a, 1); /* ports */
	aml_int(a, base);
	aml_int(a, len);
	aml_byte(a, OP_EXT);
	aml_byte(a, OP_FIELD);
	at = open_length(a);
	aml_name(a, region);
	aml_byte(a, 0x43); /* 32 bits at a time, what is not written is 0 */
	for (; *names; names++) {
		aml_name(a, *names);
		aml_byte(a, 32);
	}
	aml_end(a, at);
}

void aml_arg(struct aml *a, unsigned n)
{
	aml_byte(a, OP_ARG0 + n);
}

void aml_arg_and(struct aml *a, unsigned n, uint32_t mask)
{
	aml_byte(a, OP_AND);
	aml_arg(a, n);
	aml_int(a, mask);
	aml_byte(a, 0); /* stored nowhere */
}

void aml_notify(struct aml *a, const char *device, unsigned n)
{
	aml_byte(a, OP_NOTIFY);
	aml_name(a, device);
	aml_arg(a, n);
}

void aml_store(struct aml *a, const char *name, uint32_t v)
{
	aml_byte(a, OP_STORE);
	aml_int(a, v);
	aml_name(a, name);
}

void aml_in_pci0(struct aml *a, const char *name)
{
	aml_byte(a, '\\');
	aml_byte(a, 0x2f); /* a path of several names */
	aml_byte(a, 3);
	aml_name(a, "_SB");
	aml_name(a, "PCI0");
	aml_name(a, name);
}

size_t aml_package(struct aml *a, unsigned count)
{
	size_t at;

	aml_byte(a, OP_PACKAGE);
	at = open_length(a);
	aml_byte(a, count);
	return at;
}

size_t aml_buffer(struct aml *a)
{
	size_t at;

	aml_byte(a, OP_BUFFER);
	at = open_length(a);
	aml_byte(a, OP_WORD);
	aml_word(a, 0);
	return at;
}

void aml_buffer_end(struct aml *a, size_t open)
{
	size_t len;

	aml_byte(a, 0x79);
	aml_byte(a, 0); /* no checksum */
	len = a->n - open - 6;
	if (!a->full) {
		a->p[open + 4] = (uint8_t)len;
		a->p[open + 5] = (uint8_t)(len >> 8);
	}
	aml_end(a, open);
}

void aml_io(struct aml *a, uint16_t base, uint8_t len)
{
	aml_byte(a, 0x47);
	aml_byte(a, 1); /* all 16 lines are decoded */
	aml_word(a, base);
	aml_word(a, base);
	aml_byte(a, 1);
	aml_byte(a, len);
}

void aml_irq(struct aml *a, unsigned irq)
{
	aml_byte(a, 0x22);
	aml_word(a, 1u << irq);
}

/* An address space descriptor of @size-byte numbers; @type 0 memory, 1 ports, 2 buses. */
static void window(struct aml *a, unsigned size, unsigned type, unsigned flags, uint64_t first,
		   uint64_t last)
{
	const uint64_t v[] = { 0, first, last, 0, last - first + 1 };

	aml_byte(a, size == 2 ? 0x88 : size == 4 ? 0x87 : 0x8a);
	aml_word(a, 3 + 5 * size);
	aml_byte(a, type);
	aml_byte(a, 0x0c); /* both ends are fixed */
	aml_byte(a, flags);
	for (unsigned i = 0; i < 5; i++) {
		if (size == 2)
			aml_word(a, (unsigned)v[i] & 0xffff);
		else if (size == 4)
			aml_dword(a, (uint32_t)v[i]);
		else
			aml_qword(a, v[i]);
	}
}

void aml_bus(struct aml *a, uint16_t first, uint16_t last)
{
	window(a, 2, 2, 0, first, last);
}

void aml_ports(struct aml *a, uint16_t first, uint16_t last)
{
	window(a, 2, 1, 3, first, last);
}

void aml_mem32(struct aml *a, uint32_t first, uint32_t last)
{
	window(a, 4, 0, 1, first, last);
}

void aml_mem32_none(struct aml *a)
{
	aml_byte(a, 0x84); /* for vendors: a UUID's subtype, the UUID, data; all 0 */
	aml_word(a, 23);
	for (unsigned i = 0; i < 23; i++)
		aml_byte(a, 0);
}

void aml_mem64(struct aml *a, uint64_t first, uint64_t last)
{
	window(a, 8, 0, 1, first, last);
}

void aml_fixed32(struct aml *a, uint32_t base, uint32_t size)
{
	aml_byte(a, 0x86);
	aml_word(a, 9);
	aml_byte(a, 1);
	aml_dword(a, base);
	aml_dword(a, size);
}
