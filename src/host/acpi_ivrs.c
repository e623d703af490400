/* SPDX-License-Identifier: MIT */
#include "host/acpi_ivrs.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "host/acpi.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 48

enum {
	ENTRY_SPECIAL = 72,
	ENTRY_HID = 240,
	SPECIAL_IOAPIC = 1,
	SPECIAL_HPET = 2,
};

/* Length of the device entry at @p, 0 if it is cut short. */
static size_t entry_length(const uint8_t *p, size_t len)
{
	size_t n = (size_t)4 << (p[0] >> 6);

	if (p[0] == ENTRY_HID) {
		/* type, device, flags, HID, CID, kind of UID, its length, UID */
		if (len < 22)
			return 0;
		n = 22 + (size_t)p[21];
	}
	return n <= len ? n : 0;
}

static int parse_entries(const uint8_t *p, size_t len, size_t at, struct ivrs_unit *u,
			 struct err *e)
{
	for (size_t pos = 0; pos < len;) {
		size_t n = entry_length(p + pos, len - pos);

		if (!n)
			return err_set(e, -EUCLEAN,
				       "IVRS: the device entry at byte %zu is cut short",
				       at + pos);
		if (p[pos] == ENTRY_SPECIAL && p[pos + 7] == SPECIAL_IOAPIC)
			u->ioapics++;
		else if (p[pos] == ENTRY_SPECIAL && p[pos + 7] == SPECIAL_HPET)
			u->hpets++;
		u->entries++;
		pos += n;
	}
	return 0;
}

static int parse_unit(const uint8_t *p, size_t len, size_t at, struct ivrs *out, struct err *e)
{
	size_t fixed = p[0] == 0x10 ? 24 : 40;
	struct ivrs_unit *u;
	int r;

	if (len < fixed)
		return err_set(e, -EUCLEAN,
			       "IVRS: the unit at byte %zu is too short, %zu bytes", at, len);
	r = mem_grow((void **)&out->units, out->n_units + 1, sizeof(*u), e);
	if (r < 0)
		return r;
	u = &out->units[out->n_units++];
	memset(u, 0, sizeof(*u));
	u->type = p[0];
	u->flags = p[1];
	u->device_id = load_le16(p + 4);
	u->base = load_le64(p + 8);
	u->segment = load_le16(p + 16);
	u->features = load_le32(p + 20);
	u->efr = fixed == 40 ? load_le64(p + 24) : 0;
	return parse_entries(p + fixed, len - fixed, at + fixed, u, e);
}

static int parse_memory(const uint8_t *p, size_t len, size_t at, struct ivrs *out,
			struct err *e)
{
	struct ivrs_memory *m;
	int r;

	if (len < 32)
		return err_set(e, -EUCLEAN,
			       "IVRS: the memory block at byte %zu is too short, %zu "
			       "bytes",
			       at, len);
	r = mem_grow((void **)&out->memory, out->n_memory + 1, sizeof(*m), e);
	if (r < 0)
		return r;
	m = &out->memory[out->n_memory++];
	memset(m, 0, sizeof(*m));
	m->type = p[0];
	m->flags = p[1];
	m->device_id = load_le16(p + 4);
	m->last_id = m->type == 0x22 ? load_le16(p + 6) : m->device_id;
	m->start = load_le64(p + 16);
	m->length = load_le64(p + 24);
	return 0;
}

static int parse_all(const uint8_t *buf, size_t len, struct ivrs *out, struct err *e)
{
	for (size_t at = FIRST; at < len;) {
		size_t n = len - at >= 4 ? load_le16(buf + at + 2) : 0;
		uint8_t type = buf[at];
		int r = 0;

		if (n < 4 || n > len - at)
			return err_set(e, -EUCLEAN,
				       "IVRS: the block at byte %zu has a length of %zu", at,
				       n);
		if (type == 0x10 || type == 0x11 || type == 0x40)
			r = parse_unit(buf + at, n, at, out, e);
		else if (type >= 0x20 && type <= 0x22)
			r = parse_memory(buf + at, n, at, out, e);
		else
			out->unknown++;
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}

int ivrs_parse(const uint8_t *buf, size_t len, struct ivrs *out, struct err *e)
{
	struct acpi_head head;
	uint32_t info;
	int r = acpi_head_parse(buf, len, "IVRS", &head, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (head.length < FIRST)
		return err_set(e, -EUCLEAN, "IVRS: %u bytes are too few", head.length);
	info = load_le32(buf + 36);
	out->sum_ok = head.sum_ok;
	out->dma_remap = info & 2;
	out->pa_bits = info >> 8 & 0x7f;
	out->va_bits = info >> 15 & 0x7f;
	r = parse_all(buf, head.length, out, e);
	if (r < 0)
		ivrs_free(out);
	return r;
}

int ivrs_read(const struct host *h, struct ivrs *out, struct err *e)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	r = acpi_read(h, "IVRS", &buf, &len, e);
	return r < 0 ? r : ivrs_parse(buf, len, out, e);
}

bool ivrs_intr_remap(const struct ivrs *v)
{
	for (size_t i = 0; i < v->n_units; i++)
		if (v->units[i].ioapics)
			return true;
	return false;
}

void ivrs_free(struct ivrs *v)
{
	free(v->units);
	free(v->memory);
	memset(v, 0, sizeof(*v));
}
