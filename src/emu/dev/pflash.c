/* SPDX-License-Identifier: MIT */
#include "emu/dev/pflash.h"

#include "base/mem.h"
#include "emu/mem.h"
#include "emu/vcpu.h"
#include "img/blk.h"

#include <stdlib.h>
#include <string.h>

enum {
	C_ARRAY = 0xff,
	C_PROGRAM = 0x40,
	C_PROGRAM_OLD = 0x10,
	C_ERASE = 0x20,
	C_CLEAR = 0x50,
	C_LOCK = 0x60,
	C_STATUS = 0x70,
	C_ID = 0x90,
	C_QUERY = 0x98,
	C_CONFIRM = 0xd0,
	C_BUFFER = 0xe8,
};
#define S_READY     0x80
#define S_ERASE     0x20 /* failed */
#define S_PROGRAM   0x10 /* failed */
#define S_PROTECTED 0x02
#define MAKER       0x89
#define DEVICE      0x18
#define BUFFER_BITS 8u
#define QUERY_END   0x35u

struct pflash {
	pthread_mutex_t lock;
	struct pflash_env env;
	uint8_t *bytes;
	uint64_t size, base;
	_Atomic uint8_t command; /* under way, or what reads answer */
	uint8_t status;
	unsigned step;  /* bytes of the command that came */
	unsigned left;  /* of a buffered write */
	uint64_t block; /* where it goes */
	uint8_t row[1u << BUFFER_BITS];
	uint8_t query[QUERY_END];
	struct vcpu_job remap;
	struct bus_region region;
};

/* Ordinary reads need no call of ours. */
static void show(void *arg)
{
	struct pflash *f = arg;
	bool array = f->command == C_ARRAY;

	/* without memory for the table reads come here, and are answered as well */
	if (mem_map(f->env.mem, f->base, f->size, array ? f->bytes : NULL, false, NULL) < 0)
		return;
}

static void become(struct pflash *f, uint8_t command)
{
	bool change = (command == C_ARRAY) != (f->command == C_ARRAY);

	f->command = command;
	f->step = 0;
	if (change)
		vcpu_exclusive(f->env.group, &f->remap);
}

/* What is in memory at @at goes to the image. */
static void save(struct pflash *f, uint64_t at, size_t len, uint8_t failed)
{
	if (f->env.readonly) {
		f->status |= S_PROTECTED | failed;
		return;
	}
	if (blk_pwrite(f->env.image, f->bytes + at, len, at, NULL) < 0)
		f->status |= failed;
}

/* Programming clears bits. */
static void program(struct pflash *f, uint64_t at, uint8_t v)
{
	if (f->env.readonly)
		return;
	f->bytes[at] &= v;
}

static void erase(struct pflash *f, uint64_t at)
{
	at &= ~(uint64_t)(PFLASH_BLOCK - 1);
	if (!f->env.readonly)
		memset(f->bytes + at, 0xff, PFLASH_BLOCK);
	save(f, at, PFLASH_BLOCK, S_ERASE);
}

static void finish(struct pflash *f)
{
	f->status |= S_READY;
	become(f, C_STATUS);
}

static void begin(struct pflash *f, uint64_t off, uint8_t v)
{
	switch (v) {
	case C_PROGRAM:
	case C_PROGRAM_OLD:
	case C_ERASE:
	case C_LOCK:
		become(f, v);
		f->step = 1;
		break;
	case C_BUFFER:
		f->status |= S_READY;
		become(f, v);
		f->step = 1;
		f->block = off & ~(uint64_t)(sizeof(f->row) - 1);
		memset(f->row, 0xff, sizeof(f->row));
		break;
	case C_STATUS:
	case C_ID:
	case C_QUERY:
		become(f, v);
		break;
	case C_CLEAR:
		f->status = 0;
		become(f, C_ARRAY);
		break;
	default: /* also what it does not know */
		become(f, C_ARRAY);
	}
}

static void buffered(struct pflash *f, uint64_t off, uint8_t v)
{
	if (f->step == 1) {
		f->left = v + 1u;
		f->step = 2;
	} else if (f->left) {
		/* bytes outside the buffer's row go nowhere */
		if (off - f->block < sizeof(f->row))
			f->row[off - f->block] = v;
		f->left--;
	} else {
		for (unsigned i = 0; i < sizeof(f->row) && v == C_CONFIRM; i++)
			program(f, f->block + i, f->row[i]);
		if (v == C_CONFIRM)
			save(f, f->block, sizeof(f->row), S_PROGRAM);
		else
			f->status |= S_PROGRAM;
		finish(f);
	}
}

static void go_on(struct pflash *f, uint64_t off, uint8_t v)
{
	switch ((uint8_t)f->command) {
	case C_PROGRAM:
	case C_PROGRAM_OLD:
		program(f, off, v);
		save(f, off, 1, S_PROGRAM);
		finish(f);
		break;
	case C_ERASE:
		if (v == C_CONFIRM)
			erase(f, off);
		else
			f->status |= S_ERASE | S_PROGRAM;
		finish(f);
		break;
	case C_BUFFER:
		buffered(f, off, v);
		break;
	default: /* locks of blocks are not kept: the unit is read-only or it is not */
		finish(f);
	}
}

static uint64_t flash_read(void *dev, uint64_t off, unsigned size)
{
	struct pflash *f = dev;
	unsigned at = off & 0xff;

	(void)size;
	switch ((uint8_t)f->command) {
	case C_ARRAY:
		return f->bytes[off];
	case C_ID:
		return at == 0 ? MAKER : at == 1 ? DEVICE : 0;
	case C_QUERY:
		return at < QUERY_END ? f->query[at] : 0;
	default:
		return f->status;
	}
}

static void flash_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pflash *f = dev;

	(void)size;
	if (f->step)
		go_on(f, off, (uint8_t)v);
	else
		begin(f, off, (uint8_t)v);
}

static const struct bus_ops ops = { flash_read, flash_write, 1, 1 };

/* The table of the common flash interface: JESD68, and Intel's part of it. */
static void fill_query(struct pflash *f)
{
	uint8_t *q = f->query;
	uint64_t blocks = f->size / PFLASH_BLOCK - 1;

	memcpy(q + 0x10, "QRY", 3);
	q[0x13] = 1;
	q[0x15] = 0x31;
	q[0x1b] = 0x45; /* volts */
	q[0x1c] = 0x55;
	q[0x1f] = q[0x20] = 7; /* times, as powers of two */
	q[0x21] = 10;
	q[0x23] = q[0x24] = q[0x25] = 4;
	while (UINT64_C(1) << q[0x27] < f->size)
		q[0x27]++;
	q[0x28] = 2;
	q[0x2a] = BUFFER_BITS;
	q[0x2c] = 1;
	q[0x2d] = (uint8_t)blocks;
	q[0x2e] = (uint8_t)(blocks >> 8);
	q[0x2f] = (uint8_t)(PFLASH_BLOCK >> 8); /* in units of 256 bytes, 16 bits */
	memcpy(q + 0x31, "PRI1", 4);
}

void pflash_reset(struct pflash *f)
{
	pthread_mutex_lock(&f->lock);
	f->command = C_ARRAY;
	f->step = 0;
	f->status = S_READY;
	pthread_mutex_unlock(&f->lock);
	show(f);
}

uint64_t pflash_size(const struct pflash *f)
{
	return f->size;
}

const uint8_t *pflash_bytes(const struct pflash *f)
{
	return f->bytes;
}

static int load(struct pflash *f, struct err *e)
{
	f->size = f->env.image->size;
	if (!f->size || f->size > PFLASH_MAX || f->size % PFLASH_BLOCK)
		return err_set(e, -EINVAL,
			       "flash memory %s: %llu bytes, not a multiple of 4 KiB up to "
			       "8 MiB",
			       f->env.name, (unsigned long long)f->size);
	f->bytes = mem_aligned(MEM_PAGE, (size_t)f->size, e);
	if (!f->bytes)
		return -ENOMEM;
	return blk_pread(f->env.image, f->bytes, (size_t)f->size, 0, e);
}

int pflash_new(struct pflash **out, const struct pflash_env *env, struct err *e)
{
	struct pflash *f = mem_zalloc(1, sizeof(*f), e);
	int r;

	if (!f)
		return -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
	f->env = *env;
	f->command = C_ARRAY;
	f->status = S_READY;
	f->remap = (struct vcpu_job){ .run = show, .arg = f };
	r = load(f, e);
	if (r == 0) {
		f->base = env->end - f->size;
		fill_query(f);
		f->region = (struct bus_region){ "flash", BUS_MEM, f->base, f->size,
						 &ops,    f,       &f->lock };
		r = bus_add(env->bus, &f->region, e);
	}
	if (r == 0)
		r = mem_map(env->mem, f->base, f->size, f->bytes, false, e);
	if (r < 0) {
		pflash_free(f);
		return r;
	}
	*out = f;
	return 0;
}

void pflash_free(struct pflash *f)
{
	if (!f)
		return;
	bus_remove(f->env.bus, &f->region);
	free(f->bytes);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
