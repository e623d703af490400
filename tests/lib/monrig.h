/* SPDX-License-Identifier: MIT */
/* A machine that stands still, for who talks to its monitors. */
#ifndef TESTS_MONRIG_H
#define TESTS_MONRIG_H

#include "base/bytes.h"
#include "emu/chardev/chardev.h"
#include "emu/machine.h"
#include "tests/lib/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MONRIG_ANSWER (1u << 23)

/* Its monitors are to use the chardev "r", which is memory. */
static struct machine *monrig(void)
{
	static struct machine_config c;
	static struct machine *m;
	static char path[64], r[] = "r", name[] = "fuzz", null[] = "null";
	uint8_t image[8192] = { 0 };
	struct err e = { 0 };
	int fd;

	if (m)
		return m;
	/* a kernel of one endless jump */
	image[0x1f1] = 3;
	store_le16(image + 0x1fe, 0xaa55);
	store_le16(image + 0x200, 0x66eb);
	memcpy(image + 0x202, "HdrS", 4);
	store_le16(image + 0x206, 0x20f);
	image[0x211] = 1;
	store_le32(image + 0x22c, 0x7fffffff);
	store_le32(image + 0x230, 0x200000);
	store_le16(image + 0x234, 1);
	image[0x236] = 1;
	store_le32(image + 0x238, 2047);
	store_le64(image + 0x258, 0x1000000);
	store_le32(image + 0x260, 0x100000);
	store_le16(image + 0xa00, 0xfeeb);
	fd = memfd_create("kernel", 0);
	must(fd >= 0 && write(fd, image, sizeof(image)) == sizeof(image));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	c = (struct machine_config){ .kind = MACHINE_Q35,
				     .accel = ACCEL_SOFT,
				     .smp = 2,
				     .cores = 2,
				     .threads = 1,
				     .mem = 64 << 20,
				     .kernel = path,
				     .name = name,
				     .stopped = true };
	c.chardev[0] = (struct config_chardev){
		.id = r, .kind = CHARDEV_RING, .size = MONRIG_ANSWER, .mux = true
	};
	c.chardev[1] = (struct config_chardev){ .id = null, .kind = CHARDEV_NULL };
	c.chardevs = 2;
	c.serial[0] = null;
	must(machine_new(&m, &c, &e) == 0);
	close(fd);
	return m;
}

/* What was plugged in goes, and what was opened for it. */
static void monrig_clean(struct machine *m)
{
	m->hot.asked = ~1u;
	hot_reset(m);
	hot_end(m);
	(void)!nodes_end(&m->nodes, NULL);
	while (m->config->rngs)
		must(hot_object_del(m, m->config->rng[0].id, NULL) == 0);
}

/* What its monitors have said since the last time; a string. */
static const char *monrig_heard(struct machine *m, size_t *n)
{
	static char text[MONRIG_ANSWER + 1];

	must(chardev_ring_take(chardevs_find(m->chardevs, "r"), text, MONRIG_ANSWER, n, NULL) ==
	     0);
	text[*n] = '\0';
	return text;
}

#endif
