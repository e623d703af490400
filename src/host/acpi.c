/* SPDX-License-Identifier: MIT */
#include "host/acpi.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Bytes that should be text. */
static void text(char *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] >= ' ' && from[i] < 0x7f ? (char)from[i] : '\0';
	to[len] = '\0';
}

int acpi_head_parse(const uint8_t *buf, size_t len, const char *sig, struct acpi_head *out,
		    struct err *e)
{
	uint8_t sum = 0;

	memset(out, 0, sizeof(*out));
	if (len < ACPI_HEADER_SIZE)
		return err_set(e, -ENODATA, "table %s: %zu bytes, its header has %d", sig, len,
			       ACPI_HEADER_SIZE);
	text(out->sig, buf, 4);
	if (memcmp(buf, sig, 4) != 0)
		return err_set(e, -EINVAL, "this is a table '%s', not %s", out->sig, sig);
	out->length = load_le32(buf + 4);
	if (out->length < ACPI_HEADER_SIZE)
		return err_set(e, -EINVAL, "table %s: a length of %u is less than its header",
			       sig, out->length);
	if (out->length > len)
		return err_set(e, -ENODATA, "table %s: %zu of %u bytes are there", sig, len,
			       out->length);
	out->revision = buf[8];
	text(out->oem_id, buf + 10, 6);
	text(out->oem_table_id, buf + 16, 8);
	for (size_t i = 0; i < out->length; i++)
		sum = (uint8_t)(sum + buf[i]);
	out->sum_ok = sum == 0;
	return 0;
}

bool acpi_has(const struct host *h, const char *sig)
{
	char path[64];

	snprintf(path, sizeof(path), ACPI_DIR "/%s", sig);
	return host_exists(h, path);
}

int acpi_read(const struct host *h, const char *sig, uint8_t **buf, size_t *len, struct err *e)
{
	char path[64], *bytes;
	int r;

	snprintf(path, sizeof(path), ACPI_DIR "/%s", sig);
	r = host_read(h, path, &bytes, len, e);
	if (r == 0)
		*buf = (uint8_t *)bytes;
	return r;
}
