/* SPDX-License-Identifier: MIT */
/* Lists of modules in dracut.conf and mkinitcpio.conf: whatever stands before, a new value on a
 * line of its own counts, unless somebody's quote or bracket is open; and a text that does not
 * have the name has no module. */
#include "modules/initramfs.h"
#include "tests/lib/fuzz.h"

#include <string.h>

static bool has(const char *text, size_t len, bool before)
{
	initramfs_conf_read(text, len, "MODULES", "vfio_pci", &before);
	return before;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char all[] = "MODULES=(vfio-pci)\n", none[] = "MODULES=()\n";
	char *text = malloc(len + sizeof(all));
	bool open;

	must(text != NULL);
	memcpy(text, all, sizeof(all) - 1);
	memcpy(text + sizeof(all) - 1, data, len);
	if (!memmem(data, len, "MODULES", 7)) {
		must(has(text, len + sizeof(all) - 1, false));
		must(!has((const char *)data, len, false));
		must(has((const char *)data, len, true));
	}
	/* behind the text: both of these count, or neither does */
	memcpy(text, data, len);
	memcpy(text + len, "\n", 1);
	open = memchr(data, '"', len) || memchr(data, '\'', len) || memchr(data, '(', len);
	memcpy(text + len + 1, none, sizeof(none) - 1);
	must(open || !has(text, len + sizeof(none), true));
	free(text);
	return 0;
}
