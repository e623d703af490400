/* SPDX-License-Identifier: MIT */
#include "emu/boot/rom.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SEABIOS "bios-256k.bin"
#define UNIT    0x10000u

static const char *const folders[] = {
	"/usr/share/seabios",    "/usr/share/qemu",     "/usr/share/qemu-firmware",
	"/usr/local/share/qemu", "/usr/share/OVMF",     "/usr/lib/ipxe/qemu",
	"/usr/share/ipxe",       "/usr/share/edk2/x64", "/usr/share/edk2-ovmf",
};

static int find(const char *name, const char *package, struct err *e)
{
	int fd = io_open(name, O_RDONLY, 0, e);

	if (fd != -ENOENT)
		return fd;
	for (unsigned i = 0; i < ARRAY_SIZE(folders) && !strchr(name, '/'); i++) {
		AUTO_FREE char *path = str_printf(e, "%s/%s", folders[i], name);

		if (!path)
			return -ENOMEM;
		fd = io_open(path, O_RDONLY, 0, NULL);
		if (fd >= 0)
			return fd;
	}
	if (!package)
		return err_set(e, -ENOENT, "there is no firmware file %s", name);
	return err_set(e, -ENOENT,
		       "there is no firmware file %s; the package '%s' has it, or give another "
		       "with -bios",
		       name, package);
}

int rom_read(const char *name, const char *package, size_t max, uint8_t **out, size_t *len,
	     struct err *e)
{
	AUTO_CLOSE int fd = find(name, package, e);
	uint64_t size;
	uint8_t *p;
	int r = fd < 0 ? fd : io_size(fd, &size, e);

	if (r < 0)
		return r;
	if (!size || size > max)
		return err_set(e, -EINVAL, "firmware file %s: %llu bytes, not 1 to %zu", name,
			       (unsigned long long)size, max);
	p = mem_zalloc(1, (size_t)size, e);
	if (!p)
		return -ENOMEM;
	r = io_pread(fd, p, (size_t)size, 0, e);
	if (r < 0) {
		free(p);
		return err_wrap(e, r, "firmware file %s", name);
	}
	*out = p;
	*len = (size_t)size;
	return 0;
}

int rom_bios(const char *name, uint8_t **out, size_t *len, struct err *e)
{
	uint8_t *p, *page;
	size_t n;
	int r = rom_read(name ? name : SEABIOS, name ? NULL : "seabios", ROM_BIOS_MAX, &p, &n,
			 e);

	if (r < 0)
		return r;
	if (n % UNIT) {
		free(p);
		return err_set(e, -EINVAL, "a BIOS is a multiple of 64 KiB, %s is %zu bytes",
			       name ? name : SEABIOS, n);
	}
	/* it is mapped into the guest: whole pages of the host's */
	page = mem_aligned(4096, n, e);
	if (page)
		memcpy(page, p, n);
	free(p);
	*out = page;
	*len = n;
	return page ? 0 : -ENOMEM;
}
