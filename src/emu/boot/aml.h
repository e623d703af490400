/* SPDX-License-Identifier: MIT */
/*
 * AML, the bytes of ACPI's own language (specification 6.4, chapter 20), written front to back
 * into a buffer of fixed size.  What does not fit sets @full and is left out.
 */
#ifndef EMU_BOOT_AML_H
#define EMU_BOOT_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *p;
	size_t n, max;
	bool full;
};

void aml_byte(struct aml *a, unsigned v);
void aml_word(struct aml *a, unsigned v);
void aml_dword(struct aml *a, uint32_t v);
void aml_qword(struct aml *a, uint64_t v);

/* A name of up to four letters, filled with '_'; "\\" in front is the root. */
void aml_name(struct aml *a, const char *name);
/* A number in its shortest form. */
void aml_int(struct aml *a, uint64_t v);
void aml_string(struct aml *a, const char *s);
/* Name (@name, ...): the object follows. */
void aml_object(struct aml *a, const char *name);
/* "PNP0A03" as the number that _HID takes. */
void aml_eisa(struct aml *a, const char *id);

/* These open something with a length; aml_end() of what they return closes it. */
size_t aml_scope(struct aml *a, const char *name);
size_t aml_device(struct aml *a, const char *name);
size_t aml_package(struct aml *a, unsigned count);
size_t aml_buffer(struct aml *a);
void aml_end(struct aml *a, size_t open);
/* The end of a buffer of resources: its end tag, and the buffer's size. */
void aml_buffer_end(struct aml *a, size_t open);

/* Resources (section 6.4), inside a buffer. */
void aml_io(struct aml *a, uint16_t base, uint8_t len);
void aml_irq(struct aml *a, unsigned irq);
void aml_bus(struct aml *a, uint16_t first, uint16_t last);
void aml_ports(struct aml *a, uint16_t first, uint16_t last);
void aml_mem32(struct aml *a, uint32_t first, uint32_t last);
/* Nothing, in as many bytes as aml_mem32() has. */
void aml_mem32_none(struct aml *a);
void aml_mem64(struct aml *a, uint64_t first, uint64_t last);
/* What the device itself takes there. */
void aml_fixed32(struct aml *a, uint32_t base, uint32_t size);

#endif
