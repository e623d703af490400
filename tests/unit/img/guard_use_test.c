/* SPDX-License-Identifier: MIT */
/* What counts as in use, told from a made-up /proc and /sys: no device is touched. */
#include "img/guard_use.h"

#include "tests/unit/img/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Writes the file @path below the folder "root", and the folders above it. */
static void put(const char *path, const char *text)
{
	char full[512];

	snprintf(full, sizeof(full), "root%s", path);
	for (char *p = strchr(full, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)!mkdir(full, 0755);
		*p = '/';
	}
	scratch_file(full, text, strlen(text), strlen(text));
}

static void put_mounts(const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
		 "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n%s",
		 line);
	put("/proc/self/mountinfo", text);
}

static void put_swaps(const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n%s",
		 line);
	put("/proc/swaps", text);
}

static struct stat block(unsigned maj, unsigned min)
{
	return (struct stat){ .st_mode = S_IFBLK | 0600, .st_rdev = makedev(maj, min) };
}

/* @want: the message, or NULL if it may be overwritten. */
static void ask(const struct stat *st, const char *want)
{
	struct err e = { 0 };
	int r = guard_use("root", "disk", st, &e);

	if (!want && r < 0)
		fail_msg("%s", e.msg);
	if (!want)
		return;
	assert_string_equal(e.msg, want);
	assert_int_equal(r, -EBUSY);
}

static void ask_block(unsigned maj, unsigned min, const char *want)
{
	struct stat st = block(maj, min);

	ask(&st, want);
}

static void nothing_known_is_not_in_use(void **state)
{
	ask_block(8, 0, NULL);
	scratch_file("disk", "x", 1, 1);
	put_mounts("");
	put_swaps("");
	ask_block(8, 0, NULL);
}

static void mounted_devices(void **state)
{
	put_mounts("30 27 253:3 / /srv/my\\040files rw - xfs /dev/mapper/vg-srv rw\n"
		   "31 27 8:160 / /mnt rw shared:7 master:2 - ext4 /dev/sdk rw\n");
	ask_block(253, 3,
		  "'disk' is mounted on /srv/my files; unmount it first, or use --force");
	ask_block(8, 160, "'disk' is mounted on /mnt; unmount it first, or use --force");
	ask_block(8, 16, NULL); /* only begins like 8:160 */
	ask_block(8, 1, "'disk' is mounted on /; unmount it first, or use --force");
	ask_block(0, 21, "'disk' is mounted on /proc; unmount it first, or use --force");
}

static void torn_tables_are_survived(void **state)
{
	put("/proc/self/mountinfo",
	    "30\n\n31 27 8:1\n - - -\n32 27 8:2 / /x rw\n\\0 \\ \\999\n");
	put("/proc/swaps", "\n\n\\\n/nowhere\n");
	ask_block(8, 1, NULL);
	ask_block(8, 2, "'disk' is mounted on /x; unmount it first, or use --force");
}

static void held_devices(void **state)
{
	put("/sys/dev/block/8:32/holders/dm-4", "");
	ask_block(8, 32,
		  "'disk' is in use by /dev/dm-4 (device mapper or RAID); stop that first, or "
		  "use --force");
	put("/sys/dev/block/8:48/dev", "8:48\n");
	assert_int_equal(mkdir("root/sys/dev/block/8:48/holders", 0755), 0);
	ask_block(8, 48, NULL);
}

static void a_disk_is_in_use_with_its_partitions(void **state)
{
	put_mounts("31 27 8:17 / /mnt rw - ext4 /dev/sdb1 rw\n"
		   "32 27 8:64 / /other rw - ext4 /dev/sde rw\n");
	put("/sys/dev/block/8:16/sdb1/dev", "8:17\n");
	put("/sys/dev/block/8:16/sdb1/partition", "1\n");
	ask_block(8, 16,
		  "'disk' has the partition sdb1 mounted on /mnt; unmount it first, or use "
		  "--force");
	put("/sys/dev/block/8:32/sdc2/dev", "8:34\n");
	put("/sys/dev/block/8:32/sdc2/partition", "2\n");
	ask_block(8, 32, NULL);
	put("/sys/dev/block/8:34/holders/md0", "");
	ask_block(8, 32,
		  "'disk' has the partition sdc2 in use by /dev/md0 (device mapper or RAID); "
		  "stop that first, or use --force");
	/* another device that is linked to from there is no part of it */
	put("/sys/dev/block/8:48/bdi/dev", "8:64\n");
	ask_block(8, 48, NULL);
}

static void files_of_loop_devices(void **state)
{
	struct stat st;

	put("/images/a disk", "x");
	put("/images/other", "x");
	put("/sys/block/sda/dev", "8:0\n");
	put("/sys/block/loop3/loop/backing_file", "/images/gone (deleted)\n");
	put("/sys/block/loop7/loop/backing_file", "/images/a disk\n");
	assert_int_equal(stat("root/images/a disk", &st), 0);
	ask(&st, "'disk' is in use by the loop device /dev/loop7; detach it first, or use "
		 "--force");
	assert_int_equal(stat("root/images/other", &st), 0);
	ask(&st, NULL);
}

static void swap_files(void **state)
{
	struct stat st;

	put("/swap/the file", "x");
	put("/swap/other", "x");
	put_swaps("/swap/the\\040file                     file\t\t1048572\t\t0\t\t-2\n");
	assert_int_equal(stat("root/swap/the file", &st), 0);
	ask(&st, "'disk' is in use as swap; swapoff it first");
	assert_int_equal(stat("root/swap/other", &st), 0);
	ask(&st, NULL);
}

/* Makes root/dev/NAME stand for any block device of this machine; only looked at. */
static bool borrow_device(const char *name, struct stat *st)
{
	DIR *dir = opendir("/dev");
	struct dirent *d;
	char path[512], at[512];
	bool found = false;

	put("/dev/null", "");
	snprintf(at, sizeof(at), "root/dev/%s", name);
	while (dir && !found && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		if (stat(path, st) < 0 || !S_ISBLK(st->st_mode))
			continue;
		assert_int_equal(symlink(path, at), 0);
		found = true;
	}
	if (dir)
		closedir(dir);
	if (!found && mknod(at, S_IFBLK | 0600, makedev(8, 0)) == 0)
		found = stat(at, st) == 0;
	if (!found)
		print_message("# there is no block device here, and none can be made\n");
	return found;
}

static void devices_that_only_a_name_tells(void **state)
{
	struct stat st;
	char text[64];

	if (!borrow_device("sdz", &st))
		skip();
	ask(&st, NULL);
	put_mounts("40 27 0:41 /@home /home rw - btrfs /dev/sdz rw\n");
	ask(&st, "'disk' is mounted on /home; unmount it first, or use --force");
	put_mounts("40 27 0:41 /@home /home rw - btrfs sdz rw\n");
	ask(&st, NULL);
	put_swaps("/dev/sdz                     partition\t1048572\t\t0\t\t-2\n");
	ask(&st, "'disk' is in use as swap; swapoff it first");
	/* and as a partition */
	snprintf(text, sizeof(text), "%u:%u\n", major(st.st_rdev), minor(st.st_rdev));
	put("/sys/dev/block/300:0/sdz/dev", text);
	put("/sys/dev/block/300:0/sdz/partition", "1\n");
	ask_block(300, 0, "'disk' has the partition sdz in use as swap; swapoff it first");
}

/* /proc/self/mountinfo has a mount at "/": the fifth field. */
static bool root_is_mounted(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[1024], at[256];
	bool hit = false;

	while (f && !hit && fgets(line, sizeof(line), f))
		hit = sscanf(line, "%*s %*s %*s %*s %255s", at) == 1 && !strcmp(at, "/");
	if (f)
		fclose(f);
	return hit;
}

static void this_machine(void **state)
{
	struct err e = { 0 };
	struct stat st;

	assert_int_equal(stat("/proc/self/exe", &st), 0);
	if (!root_is_mounted()) {
		print_message(
			"# in a chroot that is no mount point nobody sees its device mounted\n");
		skip();
	}
	if (major(st.st_dev) == 0) {
		print_message("# this program lies on no block device\n");
		skip();
	}
	st = block(major(st.st_dev), minor(st.st_dev));
	assert_int_equal(guard_use("", "disk", &st, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "'disk' is mounted on /"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(nothing_known_is_not_in_use),
		scratch_test(mounted_devices),
		scratch_test(torn_tables_are_survived),
		scratch_test(held_devices),
		scratch_test(a_disk_is_in_use_with_its_partitions),
		scratch_test(files_of_loop_devices),
		scratch_test(swap_files),
		scratch_test(devices_that_only_a_name_tells),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
