/* SPDX-License-Identifier: MIT */
#include "emu/dev/fw_cfg.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define PORT_SELECT 0x510
#define PORT_DMA    0x514
/* FW_CFG_ID: the ports, and DMA */
#define ID_BITS     3u
#define DIR_ENTRY   64u
#define KEY_WRITE   0x4000u
/* The control word of DMA. */
#define DMA_ERROR   0x01u
#define DMA_READ    0x02u
#define DMA_SKIP    0x04u
#define DMA_SELECT  0x08u
#define DMA_WRITE   0x10u
#define DMA_SIZE    16u
#define CHUNK       2048u

struct item {
	uint16_t key;
	uint64_t len;
	uint8_t *data; /* ours; NULL: of the descriptor */
	int fd;
	uint64_t fd_at;
	char name[FW_CFG_NAME]; /* "": no file */
	void (*select)(void *arg);
	void *arg;
};

struct fw_cfg {
	pthread_mutex_t lock;
	struct bus *bus;
	struct mem *mem;
	struct item *items;
	size_t n;
	uint16_t next_file;
	const struct item *now; /* NULL: there is no such item */
	uint64_t at;
	uint32_t dma_high;
	struct bus_region rselect, rdma;
};

static struct item *by_key(struct fw_cfg *f, uint16_t key)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].key == key)
			return &f->items[i];
	return NULL;
}

static struct item *by_name(struct fw_cfg *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].name[0] && !strcmp(f->items[i].name, name))
			return &f->items[i];
	return NULL;
}

static void choose(struct fw_cfg *f, uint16_t key)
{
	f->now = by_key(f, key & (uint16_t)~KEY_WRITE);
	f->at = 0;
	if (f->now && f->now->select)
		f->now->select(f->now->arg);
}

/* What comes next; past the end zeros. */
static void next(struct fw_cfg *f, uint8_t *to, size_t len)
{
	const struct item *i = f->now;
	size_t have = 0;

	if (i && f->at < i->len)
		have = (size_t)min_u64(len, i->len - f->at);
	if (have && i->data)
		memcpy(to, i->data + f->at, have);
	/* a file that shrank gives zeros, too */
	else if (have && io_pread(i->fd, to, have, i->fd_at + f->at, NULL) < 0)
		have = 0;
	memset(to + have, 0, len - have);
	f->at += len;
}

static uint64_t select_read(void *dev, uint64_t off, unsigned size)
{
	uint8_t v = 0;

	(void)size;
	if (off == 1)
		next(dev, &v, 1);
	return v;
}

static void select_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	if (off == 0 && size == 2)
		choose(dev, (uint16_t)v);
}

/* Brings the item to the guest's memory; false: there is none. */
static bool dma_read(struct fw_cfg *f, uint64_t to, uint32_t len)
{
	uint8_t buf[CHUNK];

	while (len) {
		uint32_t n = len < CHUNK ? len : CHUNK;

		next(f, buf, n);
		if (mem_write(f->mem, to, buf, n) < 0)
			return false;
		to += n;
		len -= n;
	}
	return true;
}

static void dma(struct fw_cfg *f, uint64_t at)
{
	uint8_t req[DMA_SIZE], answer[4];
	uint32_t control, len, result = 0;

	if (mem_read(f->mem, at, req, sizeof(req)) < 0)
		return;
	control = load_be32(req);
	len = load_be32(req + 4);
	if (control & DMA_SELECT)
		choose(f, (uint16_t)(control >> 16));
	if (control & DMA_READ) {
		if (!dma_read(f, load_be64(req + 8), len))
			result = DMA_ERROR;
	} else if (control & DMA_WRITE) {
		/* no item takes what a guest writes */
		result = DMA_ERROR;
	} else if (control & DMA_SKIP) {
		f->at += len;
	}
	store_be32(answer, result);
	/* the memory was there a moment ago */
	if (mem_write(f->mem, at, answer, sizeof(answer)) < 0)
		return;
}

static uint64_t dma_port_read(void *dev, uint64_t off, unsigned size)
{
	/* how a guest sees that there is DMA */
	static const char sign[] = "QEMU CFG";
	uint64_t v = 0;

	(void)dev;
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)(uint8_t)sign[off + i] << 8 * i;
	return v;
}

/* Big-endian registers: the address, the half that starts it last. */
static void dma_port_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct fw_cfg *f = dev;
	uint64_t at;

	if (size != 4)
		return;
	if (off == 0) {
		f->dma_high = __builtin_bswap32((uint32_t)v);
		return;
	}
	at = (uint64_t)f->dma_high << 32 | __builtin_bswap32((uint32_t)v);
	f->dma_high = 0;
	dma(f, at);
}

static const struct bus_ops select_ops = { select_read, select_write, 1, 2 };
static const struct bus_ops dma_ops = { dma_port_read, dma_port_write, 1, 4 };

/* ---- what the machine puts there ---- */

/* An empty item of that number or, if not "", that name. */
static struct item *fresh(struct fw_cfg *f, uint16_t key, const char *name, struct err *e)
{
	struct item *i = *name ? by_name(f, name) : by_key(f, key);

	if (strlen(name) >= FW_CFG_NAME) {
		err_set(e, -EINVAL, "a firmware file's name has at most %u letters: %s",
			FW_CFG_NAME - 1, name);
		return NULL;
	}
	if (*name && !i && f->next_file == FW_CFG_FIRST_FILE + FW_CFG_FILES) {
		err_set(e, -ENOSPC, "more than %u firmware files", FW_CFG_FILES);
		return NULL;
	}
	if (!i) {
		if (mem_grow((void **)&f->items, f->n + 1, sizeof(*f->items), e) < 0)
			return NULL;
		f->now = NULL;
		i = &f->items[f->n++];
		*i = (struct item){ .key = *name ? f->next_file++ : key, .fd = -1 };
		memcpy(i->name, name, strlen(name));
	}
	free(i->data);
	i->data = NULL;
	i->fd = -1;
	i->len = 0;
	return i;
}

static int fill(struct item *i, const void *data, size_t len, struct err *e)
{
	i->data = mem_zalloc(len ? len : 1, 1, e);
	if (!i->data)
		return -ENOMEM;
	if (len)
		memcpy(i->data, data, len);
	i->len = len;
	return 0;
}

/* The list of files, which is an item itself. */
static int directory(struct fw_cfg *f, struct err *e)
{
	unsigned n = f->next_file - FW_CFG_FIRST_FILE, k = 0;
	AUTO_FREE uint8_t *d = mem_zalloc(1, 4 + (size_t)n * DIR_ENTRY, e);

	if (!d)
		return -ENOMEM;
	store_be32(d, n);
	for (size_t i = 0; i < f->n; i++) {
		const struct item *it = &f->items[i];
		uint8_t *p = d + 4 + k * DIR_ENTRY;

		if (!it->name[0])
			continue;
		store_be32(p, (uint32_t)it->len);
		store_be16(p + 4, it->key);
		memcpy(p + 8, it->name, FW_CFG_NAME);
		k++;
	}
	return fw_cfg_item(f, FW_CFG_DIRECTORY, d, 4 + (size_t)n * DIR_ENTRY, e);
}

int fw_cfg_item(struct fw_cfg *f, uint16_t key, const void *data, size_t len, struct err *e)
{
	struct item *i = fresh(f, key, "", e);

	return i ? fill(i, data, len, e) : -ENOMEM;
}

int fw_cfg_number(struct fw_cfg *f, uint16_t key, unsigned bytes, uint64_t v, struct err *e)
{
	uint8_t b[8];

	store_le64(b, v);
	return fw_cfg_item(f, key, b, bytes, e);
}

int fw_cfg_file(struct fw_cfg *f, const char *name, const void *data, size_t len, struct err *e)
{
	struct item *i;
	int r;

	if (len > UINT32_MAX)
		return err_set(e, -EFBIG, "firmware file %s: %zu bytes", name, len);
	i = fresh(f, 0, name, e);
	if (!i)
		return e && e->code ? e->code : -ENOMEM;
	r = fill(i, data, len, e);
	return r < 0 ? r : directory(f, e);
}

int fw_cfg_from_fd(struct fw_cfg *f, uint16_t key, int fd, uint64_t off, uint64_t len,
		   struct err *e)
{
	struct item *i = fresh(f, key, "", e);

	if (!i)
		return -ENOMEM;
	i->fd = fd;
	i->fd_at = off;
	i->len = len;
	return 0;
}

void fw_cfg_on_select(struct fw_cfg *f, const char *name, void (*fn)(void *arg), void *arg)
{
	struct item *i = by_name(f, name);

	if (!i)
		return;
	i->select = fn;
	i->arg = arg;
}

bool fw_cfg_change(struct fw_cfg *f, const char *name, const void *data, size_t len)
{
	struct item *i = by_name(f, name);

	if (!i || !i->data || i->len != len)
		return false;
	memcpy(i->data, data, len);
	return true;
}

void fw_cfg_reset(struct fw_cfg *f)
{
	pthread_mutex_lock(&f->lock);
	f->now = by_key(f, FW_CFG_SIGNATURE);
	f->at = 0;
	f->dma_high = 0;
	pthread_mutex_unlock(&f->lock);
}

int fw_cfg_new(struct fw_cfg **out, struct bus *b, struct mem *m, struct err *e)
{
	struct fw_cfg *f = mem_zalloc(1, sizeof(*f), e);
	pthread_mutex_t *l;
	int r;

	if (!f)
		return -ENOMEM;
	l = &f->lock;
	pthread_mutex_init(l, NULL);
	f->bus = b;
	f->mem = m;
	f->next_file = FW_CFG_FIRST_FILE;
	f->rselect =
		(struct bus_region){ "fw_cfg", BUS_PORT, PORT_SELECT, 2, &select_ops, f, l };
	f->rdma = (struct bus_region){ "fw_cfg dma", BUS_PORT, PORT_DMA, 8, &dma_ops, f, l };
	r = fw_cfg_item(f, FW_CFG_SIGNATURE, "QEMU", 4, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_ID, 4, ID_BITS, e);
	if (r == 0)
		r = directory(f, e);
	if (r == 0)
		r = bus_add(b, &f->rselect, e);
	if (r == 0)
		r = bus_add(b, &f->rdma, e);
	if (r < 0) {
		fw_cfg_free(f);
		return r;
	}
	fw_cfg_reset(f);
	*out = f;
	return 0;
}

void fw_cfg_free(struct fw_cfg *f)
{
	if (!f)
		return;
	bus_remove(f->bus, &f->rselect);
	bus_remove(f->bus, &f->rdma);
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i].data);
	free(f->items);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
