/* SPDX-License-Identifier: MIT */
#include "img/format/vmdk_desc.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A piece of the text; not terminated. */
struct span {
	const char *p;
	size_t len;
};

static struct span trim(struct span s)
{
	while (s.len && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp(s.p, word, s.len);
}

/* The next word of the line, which is cut off it; a quoted one without its quotes.  False: there
 * is none, or its quote is not closed. */
static bool next_word(struct span *line, struct span *word)
{
	const char *end;

	*line = trim(*line);
	if (!line->len)
		return false;
	if (line->p[0] == '"') {
		end = memchr(line->p + 1, '"', line->len - 1);
		if (!end)
			return false;
		*word = (struct span){ line->p + 1, (size_t)(end - line->p) - 1 };
		end++;
	} else {
		for (end = line->p; end < line->p + line->len; end++)
			if (isspace((unsigned char)*end))
				break;
		*word = (struct span){ line->p, (size_t)(end - line->p) };
	}
	line->len -= (size_t)(end - line->p);
	line->p = end;
	return true;
}

static bool to_number(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (!s.len || s.len > 18)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = v;
	return true;
}

static bool to_hex(struct span s, uint32_t *out)
{
	uint32_t v = 0;

	if (!s.len || s.len > 8)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int c = tolower((unsigned char)s.p[i]);

		if (!isxdigit(c))
			return false;
		v = v << 4 | (uint32_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	*out = v;
	return true;
}

static char *copy(struct span s, struct err *e)
{
	return str_printf(e, "%.*s", (int)s.len, s.p);
}

static bool to_text(struct span s, char *out, size_t room)
{
	if (s.len >= room)
		return false;
	memcpy(out, s.p, s.len);
	out[s.len] = 0;
	return true;
}

static int bad_line(struct span line, struct err *e)
{
	return err_set(e, -EINVAL, "Invalid extent line: %.*s",
		       (int)(line.len < 200 ? line.len : 200), line.p);
}

static int add_extent(struct vmdk_desc *d, struct span line, struct err *e)
{
	struct span rest = line, word;
	struct vmdk_desc_extent x = { .name = NULL };
	void *v = d->v;
	int r;

	if (d->n == VMDK_EXTENTS_MAX)
		return err_set(e, -EFBIG, "more than %d extents", VMDK_EXTENTS_MAX);
	if (!next_word(&rest, &word) || !to_text(word, x.access, sizeof(x.access)) ||
	    !next_word(&rest, &word) || !to_number(word, &x.sectors) || !x.sectors ||
	    x.sectors > (uint64_t)INT64_MAX >> 9 || !next_word(&rest, &word) ||
	    !to_text(word, x.type, sizeof(x.type)))
		return bad_line(line, e);
	rest = trim(rest);
	if (rest.len) {
		if (rest.p[0] != '"' || !next_word(&rest, &word) || !word.len ||
		    word.len > VMDK_NAME_MAX)
			return bad_line(line, e);
		x.name = copy(word, e);
		if (!x.name)
			return -ENOMEM;
	}
	/* what comes behind the offset is of devices */
	if (next_word(&rest, &word) && (!to_number(word, &x.offset) ||
					x.offset > ((uint64_t)INT64_MAX >> 9) - x.sectors)) {
		free(x.name);
		return bad_line(line, e);
	}
	r = mem_grow(&v, d->n + 1, sizeof(*d->v), e);
	if (r < 0) {
		free(x.name);
		return r;
	}
	d->v = v;
	d->v[d->n++] = x;
	return 0;
}

static int set_parent(struct vmdk_desc *d, struct span val, struct err *e)
{
	if (d->parent || !val.len)
		return 0;
	if (val.len > VMDK_NAME_MAX)
		return err_set(e, -EINVAL, "the name of the backing file has %zu bytes",
			       val.len);
	d->parent = copy(val, e);
	return d->parent ? 0 : -ENOMEM;
}

/* "key = value", the value perhaps in quotes.  Of a key that comes twice the first counts. */
static int set_key(struct vmdk_desc *d, const char *text, struct span key, struct span val,
		   struct err *e)
{
	uint32_t v;

	key = trim(key);
	val = trim(val);
	if (val.len >= 2 && val.p[0] == '"' && val.p[val.len - 1] == '"') {
		val.p++;
		val.len -= 2;
	}
	if (is(key, "CID") && !d->has_cid && to_hex(val, &v)) {
		d->cid = v;
		d->has_cid = true;
		d->cid_at = (size_t)(val.p - text);
		d->cid_len = val.len;
	} else if (is(key, "parentCID") && to_hex(val, &v)) {
		d->parent_cid = v;
		d->parent_at = (size_t)(val.p - text);
		d->parent_len = val.len;
	} else if (is(key, "parentFileNameHint")) {
		return set_parent(d, val, e);
	} else if (is(key, "createType") && !*d->create_type &&
		   !to_text(val, d->create_type, sizeof(d->create_type))) {
		return err_set(e, -ENOTSUP, "Unsupported image type '%.*s'",
			       (int)(val.len < 64 ? val.len : 64), val.p);
	}
	return 0;
}

static int parse_line(struct vmdk_desc *d, const char *text, struct span line, struct err *e)
{
	struct span rest = trim(line), word;
	const char *eq;

	line = rest;
	if (!line.len || line.p[0] == '#')
		return 0;
	if (next_word(&rest, &word) &&
	    (is(word, "RW") || is(word, "RDONLY") || is(word, "NOACCESS")))
		return add_extent(d, line, e);
	eq = memchr(line.p, '=', line.len);
	if (!eq) /* others may know */
		return 0;
	return set_key(d, text, (struct span){ line.p, (size_t)(eq - line.p) },
		       (struct span){ eq + 1, (size_t)(line.p + line.len - eq) - 1 }, e);
}

int vmdk_desc_parse(const char *text, size_t len, struct vmdk_desc *out, struct err *e)
{
	const char *p = text, *end = memchr(text, 0, len);
	int r = 0;

	*out = (struct vmdk_desc){ .parent_cid = VMDK_NO_PARENT };
	if (!end)
		end = text + len;
	while (p < end && r == 0) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		if (!nl)
			nl = end;
		r = parse_line(out, text, (struct span){ p, (size_t)(nl - p) }, e);
		p = nl + 1;
	}
	return r;
}

void vmdk_desc_free(struct vmdk_desc *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].name);
	free(d->v);
	free(d->parent);
	*d = (struct vmdk_desc){ .n = 0 };
}

char *vmdk_desc_write(const struct vmdk_desc_new *d, struct err *e)
{
	/* the heads that VMware gives to disks that are not IDE */
	unsigned heads = strcmp(d->adapter, "ide") ? 255 : 16;
	struct str s = STR_INIT;

	str_add(&s, "# Disk DescriptorFile\nversion=1\n");
	str_addf(&s, "CID=%08x\nparentCID=%08x\n", d->cid, d->parent_cid);
	str_addf(&s, "createType=\"%s\"\n", d->create_type);
	if (d->parent)
		str_addf(&s, "parentFileNameHint=\"%s\"\n", d->parent);
	str_addf(&s, "\n# Extent description\n%s\n", d->extents);
	str_addf(&s, "# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"%s\"\n",
		 d->hw_version);
	str_addf(&s, "ddb.geometry.cylinders = \"%llu\"\nddb.geometry.heads = \"%u\"\n",
		 (unsigned long long)(d->size / (63 * heads * 512)), heads);
	str_addf(&s, "ddb.geometry.sectors = \"63\"\nddb.adapterType = \"%s\"\n", d->adapter);
	str_addf(&s, "ddb.toolsVersion = \"%s\"\n", d->tools_version);
	return str_take(&s, e);
}
