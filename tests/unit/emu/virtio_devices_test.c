/* SPDX-License-Identifier: MIT */
/* Virtio devices as a driver sees them, of either interface. */
#include "emu/chardev/chardev.h"
#include "emu/loop.h"
#include "emu/virtio/balloon.h"
#include "emu/virtio/blk.h"
#include "emu/virtio/rng.h"
#include "emu/virtio/scsi.h"
#include "emu/virtio/serial.h"
#include "tests/lib/diskrig.h"
#include "tests/lib/virtrig.h"
#include "tests/unit/unit.h"

enum { BLK = 1, OLD_BLK, NEW_BLK, RNG, SCSI, BALLOON, SERIAL };

static struct vrig rig;
static struct disk disk[4];
static struct virtio_blk *blk[3];
static struct virtio *rng;
static struct virtio_scsi *scsi;
static struct vr_dev dev;
static struct virtio_balloon *balloon;
static struct virtio_serial *serial;
static struct loop *loop;
static struct chardevs *chars;
static struct {
	uint64_t gpa, len;
} given[8];
static unsigned gives, opens;
static uint32_t inside;

static uint8_t *out(unsigned off)
{
	return rig.ram + VR_DATA + off;
}

static uint8_t *in(unsigned off)
{
	return rig.ram + VR_DATA + 0x10000 + off;
}

static void give(void *arg, uint64_t gpa, uint64_t len)
{
	(void)arg;
	given[gives % 8].gpa = gpa;
	given[gives++ % 8].len = len;
}

static void changed(void *arg, uint32_t pages)
{
	(void)arg;
	inside = pages;
}

static void opened(void *arg, const char *id, bool open)
{
	(void)arg;
	assert_string_equal(id, "second");
	opens = open ? opens | 1 : opens | 2;
}

static void begin_more(void)
{
	static char name[] = "ring";
	static struct config_chardev ring = { .id = name, .kind = CHARDEV_RING, .size = 4096 };
	const struct virtio_balloon_config b = { .reports = true,
						 .give_back = give,
						 .changed = changed };
	struct virtio_serial_config s = { .opened = opened };
	struct err e = { 0 };

	assert_int_equal(loop_new(&loop, &e), 0);
	assert_int_equal(chardevs_new(&chars, &(struct chardev_env){ .loop = loop }, &ring, 1,
				      &e),
			 0);
	s.port[0] = (struct virtio_serial_port){ .there = true, .console = true, .id = "c" };
	s.port[3] = (struct virtio_serial_port){ .there = true,
						 .name = "org.test.0",
						 .id = "second",
						 .chardev = chardevs_find(chars, "ring") };
	assert_int_equal(virtio_balloon_new(&balloon, rig.pci, rig.mem, &b, &e), 0);
	assert_int_equal(virtio_serial_new(&serial, rig.pci, rig.mem, &s, &e), 0);
}

static int begin(void **state)
{
	const struct config_pci places[3] = { { 0 },
					      { .no_modern = true },
					      { .no_legacy = true } };
	const struct virtio_scsi_unit units[] = { { &disk[3], false, 2, 5 },
						  { &disk[2], false, 3, 0 } };
	const struct virtio_scsi_config sc = { units, 2, 2, NULL };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(vr_new(&rig, &e), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_disk(&disk[i], &e), 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct virtio_blk_config c = { &disk[i], 2, 2, &places[i] };

		assert_int_equal(virtio_blk_new(&blk[i], rig.pci, rig.mem, &c, &e), 0);
		assert_int_equal(virtio_blk_pci(blk[i])->slot, BLK + i);
	}
	assert_int_equal(virtio_rng_new(&rng, rig.pci, rig.mem, NULL,
					&(struct virtio_rng_config){ 0 }, &e),
			 0);
	assert_int_equal(virtio_scsi_new(&scsi, rig.pci, rig.mem, &sc, &e), 0);
	begin_more();
	pci_assign(rig.pci);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		virtio_blk_free(blk[i]);
	virtio_rng_free(rng);
	virtio_scsi_free(scsi);
	virtio_balloon_free(balloon);
	virtio_serial_free(serial);
	chardevs_free(chars);
	loop_free(loop);
	for (unsigned i = 0; i < 4; i++)
		blk_close(disk[i].image, NULL);
	vr_free(&rig);
	return 0;
}

/* Sector @sector of what rig_disk() fills. */
static void reads(unsigned sector)
{
	memset(out(0), 0, 16);
	store_le64(out(8), sector);
	memset(in(0), 0xee, 1025);
	assert_int_equal(vr_do(&dev, 0, 16, 1025), 1025);
	assert_int_equal(*in(0), (uint8_t)(sector + 1));
	assert_int_equal(*in(1023), (uint8_t)(sector + 2));
	assert_int_equal(*in(1024), 0);
}

static void test_modern(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i += 2) {
		vr_find(&rig, &dev, BLK + i);
		assert_int_equal(vr_config(&rig, BLK + i, 0) >> 16, i ? 0x1042 : 0x1001);
		assert_int_equal(!dev.ports, i != 0);
		assert_true(vr_start(&dev, false, ~UINT64_C(0), 2));
		reads(7);
		/* the size, in the device's own configuration */
		assert_int_equal(vr_get(&dev, 0x2000, 4), RIG_DISK / 512);
		/* past the end */
		store_le64(out(8), RIG_DISK / 512 - 1);
		vr_do(&dev, 0, 16, 1025);
		assert_int_equal(*in(1024), 1);
	}
}

static void test_legacy(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		vr_find(&rig, &dev, BLK + i);
		assert_int_equal(vr_config(&rig, BLK + i, 0), 0x10011af4);
		assert_int_equal(vr_config(&rig, BLK + i, 0x2c), 0x00021af4);
		assert_int_equal(vr_config(&rig, BLK + i, 8) & 0xff, 0);
		assert_int_equal(!dev.regs, i == 1);
		assert_true(vr_start(&dev, true, ~UINT64_C(0), 2));
		assert_int_equal(vr_get(&dev, 0x0c, 2), 256);
		assert_int_equal(vr_get(&dev, 0x14, 4), RIG_DISK / 512);
		reads(9);
		/* an interrupt, until it is asked for */
		assert_int_equal(vr_get(&dev, 0x13, 1), 1);
		assert_int_equal(vr_get(&dev, 0x13, 1), 0);
		/* written, and there */
		store_le32(out(0), 1);
		store_le64(out(8), 3);
		memset(out(16), 0x5a, 512);
		assert_int_equal(vr_do(&dev, 0, 528, 1), 1);
		store_le32(out(0), 0);
		assert_int_equal(vr_do(&dev, 0, 16, 513), 513);
		assert_int_equal(*in(511), 0x5a);
		/* a driver that has not said that it is ready, as they used to be */
		vr_set(&dev, 0x12, 1, 0);
		vr_set(&dev, 0x12, 1, 3);
		vr_queue(&dev, 0);
		reads(20);
		/* done with the queue */
		vr_set(&dev, 0x08, 4, 0);
		assert_int_equal(vr_get(&dev, 0x08, 4), 0);
		vr_set(&dev, 0x12, 1, 0);
	}
	/* rings where there is no memory */
	vr_set(&dev, 0x12, 1, 3);
	vr_set(&dev, 0x08, 4, 0xfffff);
	assert_true(vr_status(&dev) & VIRTIO_S_RESET);
	vr_set(&dev, 0x12, 1, 0);
	assert_int_equal(vr_status(&dev), 0);
}

static void test_rng(void **state)
{
	static const uint8_t none[64];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		vr_find(&rig, &dev, RNG);
		assert_true(vr_start(&dev, i, ~UINT64_C(0), 1));
		memset(in(0), 0, 64);
		assert_int_equal(vr_do(&dev, 0, 0, 64), 64);
		assert_memory_not_equal(in(0), none, 64);
	}
}

/* Status of a command without data for the device; the answer's data are at in(12 + 96). */
static uint8_t command(unsigned target, unsigned lun, const char *cdb, size_t n, unsigned room)
{
	memset(out(0), 0, 19 + 32);
	*out(0) = 1;
	*out(1) = (uint8_t)target;
	*out(2) = 0x40;
	*out(3) = (uint8_t)lun;
	memcpy(out(19), cdb, n);
	memset(in(0), 0, 12 + 96 + room);
	vr_do(&dev, 2, 19 + 32, 12 + 96 + room);
	return in(11)[0] ? 0xff : in(10)[0];
}

static void test_luns(void **state)
{
	static const char luns[] = { (char)0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0 };
	static const char inquiry[] = { 0x12, 0, 0, 0, 36, 0 };
	static const char ready[] = { 0, 0, 0, 0, 0, 0 };
	uint8_t *b = in(12 + 96);

	(void)state;
	vr_find(&rig, &dev, SCSI);
	assert_true(vr_start(&dev, false, ~UINT64_C(0), 4));
	/* a target whose only unit is 5 says so when unit 0 is asked */
	assert_int_equal(command(2, 0, luns, sizeof(luns), 64), 0);
	assert_int_equal(load_be32(b), 16);
	assert_int_equal(b[8 + 1], 0);
	assert_int_equal(b[16 + 1], 5);
	assert_int_equal(command(2, 0, inquiry, sizeof(inquiry), 36), 0);
	assert_int_equal(b[0], 0x3f);
	assert_int_equal(command(2, 1, inquiry, sizeof(inquiry), 36), 0);
	assert_int_equal(b[0], 0x7f);
	assert_int_equal(command(2, 0, ready, sizeof(ready), 0), 2);
	assert_int_equal(in(12 + 12)[0], 0x25);
	assert_int_equal(command(2, 5, inquiry, sizeof(inquiry), 36), 0);
	assert_int_equal(b[0], 0);
	assert_int_equal(command(3, 0, luns, sizeof(luns), 64), 0);
	assert_int_equal(load_be32(b), 8);
	/* no such target */
	assert_int_equal(command(4, 0, inquiry, sizeof(inquiry), 36), 0xff);
}

static void test_balloon(void **state)
{
	static const uint32_t pages[] = { 100, 101, 102, 50, 49, 7 };

	(void)state;
	vr_find(&rig, &dev, BALLOON);
	assert_true(vr_start(&dev, false, ~UINT64_C(0), 3));
	virtio_balloon_want(balloon, 6);
	assert_int_equal(vr_get(&dev, 0x2000, 4), 6);
	for (unsigned i = 0; i < 6; i++)
		store_le32(out(4 * i), pages[i]);
	/* an odd byte behind them is none */
	vr_do(&dev, 0, 25, 0);
	assert_int_equal(gives, 3);
	assert_true(given[0].gpa == 100 << 12 && given[0].len == 3 << 12);
	assert_true(given[1].gpa == 49 << 12 && given[1].len == 2 << 12);
	assert_true(given[2].gpa == 7 << 12 && given[2].len == 1 << 12);
	vr_set(&dev, 0x2004, 4, 6);
	assert_int_equal(inside, 6);
	assert_int_equal(virtio_balloon_pages(balloon), 6);
	/* taken back: nothing is given */
	vr_do(&dev, 1, 24, 0);
	assert_int_equal(gives, 3);
	/* free memory is reported: whole pages of it */
	vr_desc(&dev, 2, 0, VR_DATA + 100, 3 * 4096, 2);
	vr_offer(&dev, 2, 0);
	vr_wait(&dev, 2);
	assert_int_equal(gives, 4);
	assert_true(given[3].gpa == VR_DATA + 4096 && given[3].len == 2 << 12);
	virtio_balloon_reset(balloon);
	assert_int_equal(virtio_balloon_pages(balloon), 0);
}

/* A control message to the device. */
static void tell(unsigned port, unsigned event, unsigned value)
{
	store_le32(out(0), port);
	store_le16(out(4), (uint16_t)event);
	store_le16(out(6), (uint16_t)value);
	vr_do(&dev, 3, 8, 0);
}

/* The next of the device's. */
static void told(unsigned port, unsigned event, const char *name)
{
	size_t len = 8 + strlen(name);

	assert_int_equal(vr_do(&dev, 2, 0, 100), len);
	assert_int_equal(load_le32(in(0)), port);
	assert_int_equal(load_le16(in(4)), event);
	assert_int_equal(load_le16(in(6)), 1);
	assert_memory_equal(in(8), name, len - 8);
}

static void test_serial(void **state)
{
	struct chardev *c = chardevs_find(chars, "ring");
	char got[16] = "";
	size_t n = 0;

	(void)state;
	vr_find(&rig, &dev, SERIAL);
	assert_true(vr_start(&dev, false, ~UINT64_C(0), 4));
	assert_int_equal(vr_get(&dev, 0x2004, 4), VIRTIO_SERIAL_PORTS);
	tell(0xffffffff, 0, 1);
	told(0, 1, "");
	told(3, 1, "");
	tell(0, 3, 1);
	told(0, 4, "");
	told(0, 6, "");
	tell(3, 3, 1);
	told(3, 7, "org.test.0");
	/* no such port */
	tell(5, 3, 1);
	tell(77, 6, 1);
	assert_int_equal(opens, 0);
	tell(3, 6, 1);
	assert_int_equal(opens, 1);
	/* queues 8 and 9 are those of port 3 */
	vr_queue(&dev, 9);
	memcpy(out(0), "hello", 5);
	vr_do(&dev, 9, 5, 0);
	assert_int_equal(chardev_ring_take(c, got, sizeof(got), &n, NULL), 0);
	assert_int_equal(n, 5);
	assert_string_equal(got, "hello");
	tell(3, 6, 0);
	assert_int_equal(opens, 3);
	vr_set(&dev, 0x14, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modern),  cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_rng),     cmocka_unit_test(test_luns),
		cmocka_unit_test(test_balloon), cmocka_unit_test(test_serial),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
