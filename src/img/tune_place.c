/* SPDX-License-Identifier: MIT */
#include "img/tune_place.h"

#include "base/io.h"
#include "img/proto/file.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Numbers from the kernel's magic.h; some headers lack the newer ones. */
static const struct {
	uint32_t magic;
	const char *name;
	/* Submitting an allocating direct write blocks on ext4, and network and memory file
	 * systems gain nothing: there threads do better than native aio. */
	bool threads, cow, network;
} file_systems[] = {
	{ 0xef53, "ext4", true, false, false },
	{ 0x58465342, "xfs", false, false, false },
	{ 0x9123683e, "btrfs", true, true, false },
	{ 0x2fc12fc1, "zfs", true, true, false },
	{ 0xf2f52010, "f2fs", true, false, false },
	{ 0xca451a4e, "bcachefs", true, true, false },
	{ 0x01021994, "tmpfs", true, false, false },
	{ 0x858458f6, "ramfs", true, false, false },
	{ 0x794c7630, "overlayfs", true, false, false },
	{ 0x6969, "nfs", true, false, true },
	{ 0xff534d42, "cifs", true, false, true },
	{ 0xfe534d42, "smb2", true, false, true },
	{ 0x00c36400, "ceph", true, false, true },
	{ 0x01161970, "gfs2", false, false, true },
	{ 0x7461636f, "ocfs2", false, false, true },
	{ 0x65735546, "fuse", true, false, true },
	{ 0x01021997, "9p", true, false, true },
};

static void place_fs(int fd, struct tune_place *p)
{
	struct statfs st;

	snprintf(p->fs, sizeof(p->fs), "unknown");
	p->threads = true;
	if (fstatfs(fd, &st) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++) {
		if ((uint32_t)st.f_type != file_systems[i].magic)
			continue;
		snprintf(p->fs, sizeof(p->fs), "%s", file_systems[i].name);
		p->threads = file_systems[i].threads;
		p->cow = file_systems[i].cow;
		p->network = file_systems[i].network;
		return;
	}
	snprintf(p->fs, sizeof(p->fs), "type 0x%x", (unsigned)st.f_type);
}

/* Opening again with O_DIRECT is the only question file systems answer reliably. */
static bool direct_works(int fd)
{
	char self[64];
	int again;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	again = io_open(self, O_RDONLY | O_DIRECT, 0, NULL);
	io_close(again);
	return again >= 0;
}

int tune_place(struct blk *file, struct tune_place *out, struct err *e)
{
	struct fiemap map = { .fm_length = FIEMAP_MAX_OFFSET };
	struct stat st;
	int fd = file_fd(file), flags = 0, r;

	memset(out, 0, sizeof(*out));
	r = io_fstat(fd, &st, e);
	if (r < 0)
		return r;
	out->device = S_ISBLK(st.st_mode);
	out->direct = direct_works(fd);
	out->length = file->size;
	out->allocated = (uint64_t)st.st_blocks * 512;
	if (out->device) {
		snprintf(out->fs, sizeof(out->fs), "block device");
		return 0;
	}
	place_fs(fd, out);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
		out->nocow = flags & FS_NOCOW_FL;
	/* With room for no extents the kernel only counts them. */
	if (ioctl(fd, FS_IOC_FIEMAP, &map) == 0)
		out->fragments = map.fm_mapped_extents;
	return 0;
}
