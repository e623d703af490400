/* SPDX-License-Identifier: MIT */
#include "img/format/vmdk.h"

#include <string.h>

/* Lines of comments or blanks, and then a version: a descriptor. */
static bool is_descriptor(const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;

		if (*p != '#') {
			size_t n = (size_t)(stop - p);

			if (n && p[n - 1] == '\r')
				n--;
			if (nl && n == 9 && !memcmp(p, "version=", 8) && p[8] >= '1' &&
			    p[8] <= '3')
				return true;
			if (*p != ' ') /* an empty line is not one of blanks, to QEMU */
				return false;
			while (n && *p == ' ') {
				p++;
				n--;
			}
			if (n)
				return false;
		}
		p = stop + 1;
	}
	return false;
}

static int vmdk_probe(const uint8_t *head, size_t len, const char *filename)
{
	(void)filename;
	if (vmdk_magic(head, len) != VMDK_NONE)
		return 100;
	return is_descriptor((const char *)head, len) ? 100 : 0;
}

static void vmdk_backing_name(struct blk *b, const char **file, const char **fmt)
{
	*file = to_vmdk(b)->desc.parent;
	*fmt = "vmdk";
}

const struct img_format img_format_vmdk = {
	.name = "vmdk",
	.backing = true,
	.compression = true,
	.probe = vmdk_probe,
	.open = vmdk_open,
	.create = vmdk_create,
	.create_opts = vmdk_create_opts,
	.many_files = vmdk_many_files,
	.info = vmdk_info,
	.check = vmdk_check,
	.make_empty = vmdk_make_empty,
	.backing_name = vmdk_backing_name,
};
