/* SPDX-License-Identifier: MIT */
/* Virtio devices as a driver sees them, of either interface. */
#include "emu/virtio/blk.h"
#include "emu/virtio/rng.h"
#include "emu/virtio/scsi.h"
#include "tests/lib/diskrig.h"
#include "tests/lib/virtrig.h"
#include "tests/unit/unit.h"

enum { BLK = 1, OLD_BLK, NEW_BLK, RNG, SCSI };

static struct vrig rig;
static struct disk disk[4];
static struct virtio_blk *blk[3];
static struct virtio *rng;
static struct virtio_scsi *scsi;
static struct vr_dev dev;

static uint8_t *out(unsigned off)
{
	return rig.ram + VR_DATA + off;
}

static uint8_t *in(unsigned off)
{
	return rig.ram + VR_DATA + 0x10000 + off;
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
	assert_int_equal(virtio_rng_new(&rng, rig.pci, rig.mem, NULL, NULL, NULL, &e), 0);
	assert_int_equal(virtio_scsi_new(&scsi, rig.pci, rig.mem, &sc, &e), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modern),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_rng),
		cmocka_unit_test(test_luns),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
