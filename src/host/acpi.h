/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables as the kernel shows them in /sys/firmware/acpi/tables: what firmware says
 * about the machine.  Everyone sees that a table is there, only root reads it (mode 0400).
 * The bytes come from firmware and are not trusted: each parser checks every length.
 * Header: ACPI specification, "System Description Table Header".
 */
#ifndef HOST_ACPI_H
#define HOST_ACPI_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_DIR         "/sys/firmware/acpi/tables"
#define ACPI_HEADER_SIZE 36

struct acpi_head {
	char sig[5];
	uint32_t length; /* of the whole table, at most what is there */
	uint8_t revision;
	char oem_id[7], oem_table_id[9];
	/* Bytes add up to 0.  The kernel warns of a wrong sum and uses the table. */
	bool sum_ok;
};

/* Checks that @buf begins with a table @sig of at least ACPI_HEADER_SIZE bytes that is all
 * there: -ENODATA if it is cut short, -EINVAL if it is another one or its length is not
 * possible. */
int acpi_head_parse(const uint8_t *buf, size_t len, const char *sig, struct acpi_head *out,
		    struct err *e) MUST_CHECK;

/* Is there a table @sig?  Needs no rights. */
bool acpi_has(const struct host *h, const char *sig);
/* Reads table @sig; free() it.  -ENOENT: there is none; -EACCES: only root may read it. */
int acpi_read(const struct host *h, const char *sig, uint8_t **buf, size_t *len, struct err *e)
	MUST_CHECK;

#endif
