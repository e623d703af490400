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
size_t aml_method(struct aml *a, const char *name, unsigned args);
/* The condition follows, then what is done. */
size_t aml_if(struct aml *a);
size_t aml_package(struct aml *a, unsigned count);
size_t aml_buffer(struct aml *a);
void aml_end(struct aml *a, size_t open);
/* The end of a buffer of resources: its end tag, and the buffer's size. */
void aml_buffer_end(struct aml *a, size_t open);

/* Ports [base, base + len), and numbers of 32 bits one after another in them; NULL ends their names. */
void aml_port_fields(struct aml *a, const char *region, uint16_t base, unsigned len,
		     const char *const *names);
/* Argument @n of a method. */
void aml_arg(struct aml *a, unsigned n);
/* What follows: argument @n & @mask; Notify (@device, argument @n); @name = @v. */
void aml_arg_and(struct aml *a, unsigned n, uint32_t mask);
void aml_notify(struct aml *a, const char *device, unsigned n);
void aml_store(struct aml *a, const char *name, uint32_t v);
/* The name of what lies in PCI0 under \_SB. */
void aml_in_pci0(struct aml *a, const char *name);

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
