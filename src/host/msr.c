/* SPDX-License-Identifier: MIT */
#include "host/msr.h"

#include "base/io.h"
#include "host/cpuid.h"
#include "host/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define BIT(v, n) (((v) >> (n)&1) != 0)

static int explain(const struct host *h, unsigned cpu, int r, struct err *e)
{
	switch (r) {
	case -EACCES:
	case -EPERM:
		return err_set(e, r, "/dev/cpu/%u/msr: only root may read registers", cpu);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		if (host_exists(h, "/sys/module/msr"))
			return err_set(e, -ENXIO, "/dev/cpu/%u/msr: no such processor", cpu);
		return err_set(e, -ENOENT,
			       "/dev/cpu/%u/msr: the kernel module msr is not loaded", cpu);
	default:
		return err_set(e, r, "/dev/cpu/%u/msr: %s", cpu, strerror(-r));
	}
}

static int no_register(unsigned cpu, uint32_t num, struct err *e)
{
	return err_set(e, -EIO, "processor %u has no register 0x%x", cpu, num);
}

static int read_recorded(const struct host *h, unsigned cpu, uint32_t num, uint64_t *out,
			 struct err *e)
{
	struct err mine = { 0 };
	char key[64];
	int r;

	snprintf(key, sizeof(key), "msr %u 0x%x", cpu, num);
	r = record_numbers(host_record(h), key, out, 1, &mine);
	if (r == -EIO)
		return no_register(cpu, num, e);
	if (r != -ENODATA)
		return r < 0 ? err_set(e, r, "%s", mine.msg) : 0;
	/* why there is none: the file did not open */
	snprintf(key, sizeof(key), "access /dev/cpu/%u/msr", cpu);
	r = record_numbers(host_record(h), key, out, 1, NULL);
	return r < 0 && r != -ENODATA
		       ? explain(h, cpu, r, e)
		       : err_set(e, -ENODATA, "register 0x%x was not recorded", num);
}

int msr_read(const struct host *h, unsigned cpu, uint32_t num, uint64_t *out, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uint8_t b[8];
	char path[48];
	uint64_t v = 0;
	int r;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no processor");
	if (!cpuid_is_x86(h))
		return err_set(e, -ENOTSUP, "%s has no such registers", host_arch(h));
	if (!host_is_live(h))
		return read_recorded(h, cpu, num, out, e);
	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	fd = host_openat(h, path, O_RDONLY, 0, NULL);
	if (fd < 0)
		return explain(h, cpu, fd, e);
	r = io_pread(fd, b, sizeof(b), num, NULL);
	if (r == -EIO)
		return no_register(cpu, num, e);
	if (r < 0)
		return explain(h, cpu, r, e);
	for (int i = 7; i >= 0; i--)
		v = v << 8 | b[i];
	*out = v;
	return 0;
}

struct msr_feat_ctl msr_feat_ctl(uint64_t value)
{
	return (struct msr_feat_ctl){ BIT(value, 0), BIT(value, 1), BIT(value, 2) };
}

struct msr_vm_cr msr_vm_cr(uint64_t value)
{
	return (struct msr_vm_cr){ BIT(value, 3), BIT(value, 4) };
}
