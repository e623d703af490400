/* SPDX-License-Identifier: MIT */
/*
 * The text that describes a VMDK image: in a file of its own, or in a sparse extent behind its
 * header.  Specification: "Virtual Disk Format 5.0" (VMware), "Descriptor File".
 */
#ifndef IMG_FORMAT_VMDK_DESC_H
#define IMG_FORMAT_VMDK_DESC_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VMDK_DESC_MAX = 1 << 20,  /* bytes that are looked at */
	VMDK_EXTENTS_MAX = 4096,  /* 8 TiB in parts of 2 GiB */
	VMDK_NAME_MAX = 1023,     /* bytes of a file name */
	VMDK_EMBEDDED = 20 * 512, /* bytes for it in the sparse extents we make */
};

#define VMDK_NO_PARENT UINT32_C(0xffffffff)

/* One line "RW 4192256 SPARSE "disk-s001.vmdk""; numbers are checked, words are not. */
struct vmdk_desc_extent {
	char access[12], type[16];
	uint64_t sectors;
	char *name;      /* NULL: none was given */
	uint64_t offset; /* sectors, within the file; flat extents alone */
};

struct vmdk_desc {
	char create_type[32]; /* "" if it does not say */
	bool has_cid;
	uint32_t cid, parent_cid; /* VMDK_NO_PARENT where there is none */
	/* Where the digits of the two are; len 0: nowhere. */
	size_t cid_at, cid_len, parent_at, parent_len;
	char *parent; /* parentFileNameHint, or NULL */
	struct vmdk_desc_extent *v;
	size_t n;
};

/* Reads @text up to its first NUL.  -EINVAL: a line that cannot be what it seems to be.  Free
 * @out also after a failure. */
int vmdk_desc_parse(const char *text, size_t len, struct vmdk_desc *out, struct err *e)
	MUST_CHECK;
void vmdk_desc_free(struct vmdk_desc *d);

/* What a new descriptor says. */
struct vmdk_desc_new {
	const char *create_type, *parent, *adapter, *hw_version, *tools_version;
	uint32_t cid, parent_cid;
	uint64_t size;       /* bytes, for the geometry */
	const char *extents; /* lines */
};

char *vmdk_desc_write(const struct vmdk_desc_new *d, struct err *e) MUST_CHECK;

#endif
