/* SPDX-License-Identifier: MIT */
/*
 * Answers of the programs: tables for people and JSON for programs.  For main.c and cmd_*.c
 * to call, as base/tool.h; prints to stdout.
 *
 * What stands in a cell or a string may come from a foreign file: control characters and
 * what is not UTF-8 are shown as '?' in text, so that no file writes to the terminal; in
 * JSON the former are escaped, the latter U+FFFD.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/tool.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define OUT_COLUMNS 12

/* Columns are as wide as their widest cell.  Zeroed to begin with. */
struct out_table {
	char **cells;
	size_t rows, columns;
	bool right[OUT_COLUMNS]; /* numbers */
	bool failed;             /* out of memory: some of it is missing */
};

/* Adds a row of cells; the first one is the heading, and says how many columns there are. A
 * row that is shorter is filled with empty cells. */
void out_cells(struct out_table *t, const char *const *cells, size_t n);
#define out_row(t, ...)                                    \
	out_cells(t, (const char *const[]){ __VA_ARGS__ }, \
		  sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))
/* Prints it, each line after @indent blanks, and frees it. */
void out_table(struct out_table *t, unsigned indent);

/* @s as a string; null for NULL. */
json_t *out_text(const char *s);
json_t *out_u64(uint64_t v);
/* Prints @v (NULL: out of memory), which it takes over.  Returns @status, or TOOL_FAILED. */
int out_json(json_t *v, int status);
/* {"code": "EBUSY", "message": "..."}; null where nothing failed. */
json_t *out_error(const struct err *e);

#endif
