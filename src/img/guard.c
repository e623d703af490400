/* SPDX-License-Identifier: MIT */
#include "img/guard.h"

#include "base/io.h"
#include "base/mem.h"
#include "img/guard_use.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

const char *guard_usage_name(const char *usage)
{
	static const struct {
		const char *usage, *name;
	} names[] = {
		{ "filesystem", "file system" },
		{ "raid", "RAID or LVM member" },
		{ "crypto", "encrypted volume" },
	};

	for (size_t i = 0; usage && i < ARRAY_SIZE(names); i++)
		if (!strcmp(usage, names[i].usage))
			return names[i].name;
	return "volume";
}

static int report(blkid_probe pr, const char *path, struct err *e)
{
	const char *type = NULL, *usage = NULL, *label = NULL, *table = NULL;
	bool labelled;

	(void)blkid_probe_lookup_value(pr, "TYPE", &type, NULL);
	(void)blkid_probe_lookup_value(pr, "USAGE", &usage, NULL);
	(void)blkid_probe_lookup_value(pr, "LABEL", &label, NULL);
	(void)blkid_probe_lookup_value(pr, "PTTYPE", &table, NULL);
	labelled = label && label[0];
	if (type)
		return err_set(e, -EEXIST,
			       "'%s' holds %s %s (%s%s%s%s); use --force to overwrite it", path,
			       usage && !strcmp(usage, "crypto") ? "an" : "a",
			       guard_usage_name(usage), type, labelled ? ", label \"" : "",
			       labelled ? label : "", labelled ? "\"" : "");
	if (table)
		return err_set(e, -EEXIST,
			       "'%s' holds a partition table (%s); use --force to overwrite it",
			       path, table);
	return 0;
}

static int guard_content(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = io_open(path, O_RDONLY | O_NONBLOCK, 0, e);
	blkid_probe pr;
	int r = 0;

	if (fd < 0)
		return fd;
	pr = blkid_new_probe();
	if (!pr)
		return err_set(e, -ENOMEM, "out of memory");
	if (blkid_probe_set_device(pr, fd, 0, 0) == 0) {
		blkid_probe_enable_superblocks(pr, 1);
		blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
							      BLKID_SUBLKS_LABEL);
		blkid_probe_enable_partitions(pr, 1);
		/* 1: nothing; 0: one answer; -2: several, which is content all the same */
		r = blkid_do_safeprobe(pr);
		if (r == 0)
			r = report(pr, path, e);
		else if (r == -2)
			r = err_set(e, -EEXIST,
				    "'%s' holds signatures of several file systems or volumes; "
				    "use --force to overwrite it",
				    path);
		else
			r = 0; /* empty, too small, or not readable: nothing to protect */
	}
	blkid_free_probe(pr);
	return r;
}

int img_guard(const char *path, bool content, struct err *e)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return 0;
	r = guard_use("", path, &st, e);
	if (r == 0 && content)
		r = guard_content(path, e);
	return r;
}
