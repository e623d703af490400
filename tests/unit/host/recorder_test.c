/* SPDX-License-Identifier: MIT */
#include "host/recorder.h"

#include "host/emulators.h"
#include "host/record.h"
#include "host/recorder/clean.h"
#include "host/virt.h"
#include "tests/unit/host/fixture.h"

static char *text_of(const struct tree *t, const char *path)
{
	static char buf[8192];
	FILE *f = fopen(tree_path(t, path), "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	fclose(f);
	return buf;
}

static void cleans(enum clean_how how, const char *text, const char *want)
{
	char *out = NULL;
	size_t len = 0;

	assert_int_equal(clean_text(text, strlen(text), how, &out, &len, NULL), 0);
	assert_string_equal(out, want);
	assert_int_equal(len, strlen(want));
	free(out);
}

static void secrets_are_taken_out(void **state)
{
	cleans(CLEAN_SECRETS, "//nas/x /mnt cifs user=a,password=hunter2,uid=1 0 0\n",
	       "//nas/x /mnt cifs user=a,password=*,uid=1 0 0\n");
	cleans(CLEAN_SECRETS, "MENU MASTER PASSWD $1$abc\nquiet",
	       "MENU MASTER PASSWD *\nquiet");
	cleans(CLEAN_SECRETS, "a rd.token=x b PSK=\"y\" c\n", "a rd.token=* b PSK=\"*\" c\n");
	/* names that only begin so */
	cleans(CLEAN_SECRETS, "iommu.passthrough=1 iommu=pt\n",
	       "iommu.passthrough=1 iommu=pt\n");
	cleans(CLEAN_PASSWD, "a:$6$hash:1:2:Alice A.:/home/a:/bin/sh\nb:x:1:2:::\n",
	       "a:x:1:2::/home/a:/bin/sh\nb:x:1:2:::\n");
	cleans(CLEAN_GROUP, "g:hash:1:a,b\nh::2:", "g:x:1:a,b\nh::2:");
	cleans(CLEAN_STATUS, "Name: secret\nUid:\t1\nSeccomp: 2\nGroups: 3\n",
	       "Uid:\t1\nGroups: 3\n");
	cleans(CLEAN_SECRETS, "", "");
}

/* A host that looks like one of ours, as a record itself. */
static void furnish(const struct tree *t)
{
	tree_file(t, "/proc/cpuinfo", "processor : 0\nflags : fpu svm npt\n");
	tree_file(t, "/proc/self/status",
		  "Name:\tx\nUid:\t5 5 5 5\nGid:\t6 6 6 6\nGroups:\t7\n");
	tree_link(t, "/proc/mounts", "self/mounts");
	tree_file(t, "/proc/self/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw 0 0\n");
	tree_file(t, "/proc/self/mountinfo",
		  "30 1 0:9 / /mnt/huge rw - hugetlbfs huge rw,pagesize=2M\n");
	tree_dir(t, "/mnt/huge");
	tree_file(t, "/etc/passwd", "root:hash:0:0:Root Person:/root:/bin/sh\n");
	tree_file(t, "/etc/shadow", "root:$6$secret:1::::::\n");
	tree_file(t, "/sys/class/dmi/id/product_name", "Bochs\n");
	tree_file(t, "/sys/class/dmi/id/product_serial", "SN123456\n");
	tree_file(t, "/sys/class/net/br0/address", "52:54:00:12:34:56\n");
	tree_file(t, "/sys/class/net/br0/bridge/stp_state", "0\n");
	tree_file(t, "/sys/devices/pci0000:00/0000:00:02.0/class", "0x020000\n");
	tree_file(t, "/sys/devices/pci0000:00/0000:00:02.0/serial_number", "00-11\n");
	tree_dir(t, "/sys/bus/pci/drivers/e1000");
	tree_link(t, "/sys/devices/pci0000:00/0000:00:02.0/driver",
		  "../../../bus/pci/drivers/e1000");
	tree_link(t, "/sys/bus/pci/devices/0000:00:02.0",
		  "../../../devices/pci0000:00/0000:00:02.0");
	tree_link(t, "/lib", "usr/lib");
	tree_file(t, "/usr/lib/modprobe.d/a.conf", "options kvm x=1\n");
	tree_file(t, "/usr/share/qemu/bios-256k.bin", "firmware");
	tree_file(t, "/usr/bin/qemu-system-x86_64", "program");
	tree_file(t, "/proc/pressure/memory", "");
}

static const char answers[] =
	"arch = x86_64\neuid = 1000\n"
	"cpuid 0x0 0x0 = 0x10 0x68747541 0x444d4163 0x69746e65\n"
	"cpuid 0x1 0x0 = 0 0x5000000 0 0\nmsr 0 0x3a = EIO\nmsr 0 0xc0010114 = 0x18\n"
	"kvm api = 12\nkvm create_vm = EBUSY\nkvm cap 66 = 288\n"
	"statfs / = 0xef53 0x1000\nstatfs /mnt/huge = 0x958458f6 0x200000\n"
	"node /mnt/huge = d 0 0 1770 0 36\naccess /proc/pressure/memory = ENOTSUP\n"
	"node /usr/bin/qemu-system-x86_64 = f 0 0 0755 0 0\n";

static void everything_that_is_asked_for(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = NULL;
	AUTO_HOST struct host *copy = NULL;
	const struct host_record *r;
	struct emulators em;
	struct tree out;
	struct virt v;
	size_t pos = 0;
	char to[64];

	furnish(t);
	h = fixture_open(t, answers);
	tree_make(&out);
	assert_int_equal(host_record_write(h, out.root, NULL), 0);
	copy = fixture_open(&out, NULL);
	assert_int_equal(host_kind(copy), HOST_RECORD);
	assert_int_equal(host_euid(copy), 1000);
	r = host_record(copy);
	assert_string_equal(record_get(r, "msr 0 0xc0010114"), "0x18");
	assert_string_equal(record_get(r, "kvm create_vm"), "EBUSY");
	assert_string_equal(record_get(r, "kvm cap 66"), "288");
	assert_string_equal(record_get(r, "statfs /mnt/huge"), "0x958458f6 0x200000");
	assert_string_equal(record_get(r, "node /mnt/huge"), "d 0 0 1770 0 36");
	assert_string_equal(record_get(r, "access /proc/pressure/memory"), "ENOTSUP");
	/* the number of the processor it ran on is not told */
	assert_string_equal(record_get(r, "cpuid 0x1 0x0"), "0x0 0x0 0x0 0x0");
	assert_int_equal(virt_detect(copy, &v, NULL), 0);
	assert_true(v.state == VIRT_LOCKED && !strcmp(v.in.name, "Bochs"));

	assert_int_equal(host_readlink(copy, "/sys/bus/pci/devices/0000:00:02.0", to,
				       sizeof(to), NULL),
			 0);
	assert_string_equal(to, "../../../devices/pci0000:00/0000:00:02.0");
	assert_true(host_exists(copy, "/sys/bus/pci/devices/0000:00:02.0/class"));
	assert_true(host_exists(copy, "/sys/bus/pci/devices/0000:00:02.0/driver"));
	assert_true(host_exists(copy, "/lib/modprobe.d/a.conf"));
	assert_int_equal(host_readlink(copy, "/lib", to, sizeof(to), NULL), 0);
	assert_int_equal(emulators_read(copy, &em, NULL), 0);
	assert_true(em.n == 1 && !strcmp(em.v[0].arch, "x86_64"));
	free(em.v);
	assert_non_null(firmware_next(copy, &pos));
	/* programs and firmware come as empty files */
	assert_string_equal(text_of(&out, "/usr/share/qemu/bios-256k.bin"), "");
	tree_remove(&out);
}

static void nothing_that_is_not_ours(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = NULL;
	struct tree out;

	furnish(t);
	h = fixture_open(t, answers);
	tree_make(&out);
	assert_int_equal(host_record_write(h, out.root, NULL), 0);
	assert_string_equal(text_of(&out, "/etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
	assert_string_equal(text_of(&out, "/etc/shadow"), "");
	assert_null(strstr(text_of(&out, "/proc/self/status"), "Name"));
	assert_int_equal(access(tree_path(&out, "/sys/class/dmi/id/product_serial"), F_OK), -1);
	assert_int_equal(access(tree_path(&out, "/sys/class/net/br0/address"), F_OK), -1);
	assert_int_equal(access(tree_path(&out, "/sys/devices/pci0000:00/0000:00:02.0/"
						"serial_number"),
				F_OK),
			 -1);
	tree_remove(&out);
}

static void a_record_of_a_record_is_the_same(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = NULL;
	AUTO_HOST struct host *copy = NULL;
	struct tree one, two;
	char *first;

	furnish(t);
	h = fixture_open(t, answers);
	tree_make(&one);
	tree_make(&two);
	assert_int_equal(host_record_write(h, one.root, NULL), 0);
	copy = fixture_open(&one, NULL);
	assert_int_equal(host_record_write(copy, two.root, NULL), 0);
	first = strdup(text_of(&one, "/.hostkit-record"));
	assert_string_equal(text_of(&two, "/.hostkit-record"), first);
	free(first);
	tree_remove(&one);
	tree_remove(&two);
}

static void where_it_may_not_go(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	struct tree out;

	tree_make(&out);
	h = fixture_open(t, NULL);
	assert_int_equal(host_record_write(h, out.root, &e), -ENOTSUP);
	host_close(h);
	h = fixture_open(t, "arch = x86_64\n");
	tree_file(&out, "/mine", "x");
	assert_int_equal(host_record_write(h, out.root, &e), -EEXIST);
	assert_non_null(strstr(e.msg, "not empty"));
	assert_int_equal(host_record_write(h, tree_path(&out, "/no/such"), &e), -ENOENT);
	assert_int_equal(host_record_write(h, tree_path(&out, "/new"), &e), 0);
	tree_remove(&out);
}

static void emulators(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, NULL);
	const struct firmware *f;
	struct emulators em;
	size_t pos = 0;

	assert_int_equal(emulators_read(h, &em, NULL), 0);
	assert_int_equal(em.n, 0);
	tree_file(t, "/usr/bin/qemu-system-x86_64", "");
	tree_file(t, "/usr/bin/qemu-system-arm", "");
	tree_file(t, "/usr/bin/qemu-img", "");
	tree_file(t, "/usr/local/bin/qemu-system-x86_64", "");
	assert_int_equal(chmod(tree_path(t, "/usr/bin/qemu-system-x86_64"), 0755), 0);
	assert_int_equal(chmod(tree_path(t, "/usr/local/bin/qemu-system-x86_64"), 0755), 0);
	assert_int_equal(emulators_read(h, &em, NULL), 0);
	assert_int_equal(em.n, 1);
	assert_string_equal(em.v[0].path, "/usr/local/bin/qemu-system-x86_64");
	free(em.v);
	assert_null(firmware_next(h, &pos));
	tree_file(t, "/usr/share/OVMF/OVMF_CODE_4M.fd", "");
	pos = 0;
	f = firmware_next(h, &pos);
	assert_non_null(f);
	assert_true(f->kind == FIRMWARE_UEFI && !strcmp(f->arch, "x86_64"));
	assert_null(firmware_next(h, &pos));
	assert_string_equal(firmware_wanted("aarch64", FIRMWARE_UEFI)->package_debian,
			    "qemu-efi-aarch64");
	assert_null(firmware_wanted("sparc", FIRMWARE_UEFI));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_taken_out),
		in_tree(everything_that_is_asked_for),
		in_tree(nothing_that_is_not_ours),
		in_tree(a_record_of_a_record_is_the_same),
		in_tree(where_it_may_not_go),
		in_tree(emulators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
