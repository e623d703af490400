/* SPDX-License-Identifier: MIT */
#include "base/out.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the character at @s if it is one of UTF-8, else 0; so for controls unless @any. */
static size_t printable(const char *s, bool any)
{
	const unsigned char *p = (const unsigned char *)s;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t c;

	if (n == 1)
		return any || (*p >= ' ' && *p != 0x7f);
	if (!n || *p > 0xf4)
		return 0;
	c = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* C1 controls move terminals too */
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || (c < 0xa0 && !any))
		return 0;
	return n;
}

/* A copy with @instead for what cannot be shown. */
static char *clean(const char *text, const char *instead, bool any)
{
	struct str s = STR_INIT;

	while (*text) {
		size_t n = printable(text, any);

		if (n)
			str_addn(&s, text, n);
		else
			str_add(&s, instead);
		text += n ? n : 1;
	}
	return str_take(&s, NULL);
}

static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static char **add_cells(struct out_table *t)
{
	void *p = t->cells;

	if (mem_grow(&p, (t->rows + 1) * t->columns, sizeof(*t->cells), NULL) < 0) {
		t->failed = true;
		return NULL;
	}
	t->cells = p;
	memset(&t->cells[t->rows * t->columns], 0, t->columns * sizeof(*t->cells));
	return &t->cells[t->rows++ * t->columns];
}

void out_cells(struct out_table *t, const char *const *cells, size_t n)
{
	char **row;

	if (!t->columns)
		t->columns = n < OUT_COLUMNS ? n : OUT_COLUMNS;
	row = add_cells(t);
	for (size_t i = 0; row && i < t->columns && i < n; i++) {
		row[i] = clean(cells[i] ? cells[i] : "", "?", false);
		t->failed |= !row[i];
	}
}

static void print_row(const struct out_table *t, size_t row, const size_t *widths)
{
	size_t last = 0;

	/* no blanks at the end of a line */
	for (size_t i = 0; i < t->columns; i++) {
		const char *cell = t->cells[row * t->columns + i];

		if (cell && *cell)
			last = i;
	}
	for (size_t i = 0; i <= last; i++) {
		const char *cell = t->cells[row * t->columns + i];
		size_t pad;

		cell = cell ? cell : "";
		pad = widths[i] - width(cell);
		if (t->right[i])
			printf("%*s%s", (int)pad, "", cell);
		else if (i < last)
			printf("%s%*s", cell, (int)pad, "");
		else
			printf("%s", cell);
		if (i < last)
			printf("  ");
	}
	printf("\n");
}

void out_table(struct out_table *t, unsigned indent)
{
	size_t widths[OUT_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t w = t->cells[i] ? width(t->cells[i]) : 0;

		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	for (size_t r = 0; r < t->rows; r++) {
		printf("%*s", (int)indent, "");
		print_row(t, r, widths);
	}
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	if (t->failed)
		tool_error("out of memory: the table is not complete");
	memset(t, 0, sizeof(*t));
}

json_t *out_text(const char *s)
{
	AUTO_FREE char *text = s ? clean(s, "\357\277\275", true) : NULL;

	if (!s)
		return json_null();
	return text ? json_string(text) : NULL;
}

json_t *out_u64(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

int out_json(json_t *v, int status)
{
	int r = v ? json_dumpf(v, stdout, JSON_INDENT(2)) : -1;

	json_decref(v);
	if (r < 0) {
		tool_error("the answer could not be written");
		return TOOL_FAILED;
	}
	printf("\n");
	return status;
}

json_t *out_error(const struct err *e)
{
	if (!e->code)
		return json_null();
	return json_pack("{s:s, s:o}", "code", tool_errno_name(e->code), "message",
			 out_text(e->msg[0] ? e->msg : strerror(-e->code)));
}
