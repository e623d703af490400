/* SPDX-License-Identifier: MIT */
/* Commands that reach the disk (6), and pages of memory (4.3). */
#include "base/bytes.h"
#include "emu/dev/nvme_int.h"
#include "emu/mem.h"
#include "img/blk.h"

enum { OP_FLUSH = 0x00, OP_WRITE = 0x01, OP_READ = 0x02, OP_ZEROES = 0x08, OP_DATASET = 0x09 };
#define FUA          0x40000000u
#define DEALLOCATE   0x02000000u /* of zeroes */
#define AD_DISCARD   4u          /* of dataset management */
#define RANGE        16u
#define LIST_ENTRIES (NVME_PAGE / 8)

/* ---- pages ---- */

/* The next page: 0, or -EFAULT, -EINVAL. */
static int next_page(struct nvme_req *r)
{
	uint8_t raw[8];

	r->step++;
	/* the second is named by itself if it is the last, else a list of them */
	if (r->step == 2) {
		r->list = load_le64(r->cmd + 32);
		if (r->left <= NVME_PAGE) {
			r->gpa = r->list;
			return r->gpa % NVME_PAGE ? -EINVAL : 0;
		}
		if (r->list % 8)
			return -EINVAL;
	}
	/* the last entry of a page of the list names the list's next page, if that is needed */
	if (r->left > NVME_PAGE && r->list % NVME_PAGE == NVME_PAGE - 8) {
		if (mem_read(r->n->env.mem, r->list, raw, 8) < 0)
			return -EFAULT;
		r->list = load_le64(raw);
		if (r->list % NVME_PAGE)
			return -EINVAL;
	}
	if (mem_read(r->n->env.mem, r->list, raw, 8) < 0)
		return -EFAULT;
	r->list += 8;
	r->gpa = load_le64(raw);
	return r->gpa % NVME_PAGE ? -EINVAL : 0;
}

static int64_t pieces(struct feed *f, struct sg *s, bool write)
{
	struct nvme_req *r = f->owner;
	int64_t all = 0;

	while (r->left) {
		int64_t n;
		int e;

		if (!r->piece) {
			e = r->step ? next_page(r) : 0;
			if (e < 0)
				return e;
			if (!r->step)
				r->step = 1;
			r->piece = (uint32_t)min_u64(NVME_PAGE - r->gpa % NVME_PAGE, r->left);
		}
		n = sg_add(s, f->mem, r->gpa, r->piece, write);
		if (n < 0)
			return n;
		r->gpa += (uint64_t)n;
		r->piece -= (uint32_t)n;
		r->left -= (uint64_t)n;
		all += n;
		if (r->piece)
			break;
	}
	return all;
}

unsigned nvme_pages(struct nvme_req *r, uint64_t len)
{
	if (r->cmd[1] & 0xc0 || len > (uint64_t)NVME_PAGE << NVME_MDTS)
		return NVME_FIELD;
	r->gpa = load_le64(r->cmd + 24);
	r->left = len;
	r->piece = 0;
	r->step = 0;
	r->feed.next = pieces;
	feed_start(&r->feed);
	return r->gpa % 4 ? NVME_OFFSET : NVME_OK;
}

/* ---- commands ---- */

static unsigned status_of(int r, bool write)
{
	if (r >= 0)
		return NVME_OK;
	if (r == -EFAULT)
		return NVME_TRANSFER;
	if (r == -EINVAL)
		return NVME_OFFSET;
	if (r == -ENOSPC)
		return NVME_CAPACITY;
	return write ? NVME_WRITE_FAULT : NVME_READ_FAULT;
}

static bool in_range(const struct disk *d, uint64_t lba, uint64_t n)
{
	uint64_t all = d->image->size / DISK_SECTOR;

	return lba <= all && n <= all - lba;
}

static int flush(struct disk *d)
{
	int r;

	if (d->readonly)
		return 0;
	do
		r = blk_flush(d->image, NULL);
	while (disk_again(d, &r, true));
	return r;
}

static unsigned transfer(struct nvme_req *q, struct disk *d, bool write)
{
	uint64_t lba = load_le64(q->cmd + 40), n = load_le16(q->cmd + 48) + 1u;
	bool through = write && ((load_le32(q->cmd + 48) & FUA) || !(q->n->feature[6] & 1));
	unsigned status;
	int r;

	if (!in_range(d, lba, n))
		return NVME_RANGE;
	status = nvme_pages(q, n * DISK_SECTOR);
	if (status)
		return status;
	r = feed_disk(&q->feed, d, lba * DISK_SECTOR, n * DISK_SECTOR, !write);
	if (r == 0 && through)
		r = flush(d);
	return status_of(r, write);
}

static unsigned zeroes(struct nvme_req *q, struct disk *d)
{
	uint64_t lba = load_le64(q->cmd + 40), n = load_le16(q->cmd + 48) + 1u;
	uint32_t flags = load_le32(q->cmd + 48);
	int r;

	if (!in_range(d, lba, n))
		return NVME_RANGE;
	do
		r = blk_zero(d->image, lba * DISK_SECTOR, n * DISK_SECTOR,
			     flags & DEALLOCATE ? BLK_MAY_UNMAP : 0, NULL);
	while (disk_again(d, &r, true));
	if (r == 0 && ((flags & FUA) || !(q->n->feature[6] & 1)))
		r = flush(d);
	return status_of(r, true);
}

static unsigned dataset(struct nvme_req *q, struct disk *d)
{
	size_t n = q->cmd[40] + 1u;
	unsigned status = nvme_pages(q, n * RANGE);

	if (status)
		return status;
	if (feed_buf(&q->feed, q->buf, n * RANGE, false) < 0)
		return NVME_TRANSFER;
	if (!(load_le32(q->cmd + 44) & AD_DISCARD))
		return NVME_OK; /* hints */
	for (size_t i = 0; i < n; i++) {
		uint64_t len = load_le32(q->buf + i * RANGE + 4);
		uint64_t lba = load_le64(q->buf + i * RANGE + 8);
		int r;

		if (!in_range(d, lba, len))
			return NVME_RANGE;
		if (!len)
			continue;
		do
			r = blk_discard(d->image, lba * DISK_SECTOR, len * DISK_SECTOR, NULL);
		while (disk_again(d, &r, true));
		if (r < 0)
			return status_of(r, true);
	}
	return NVME_OK;
}

static unsigned serve(struct nvme_req *q)
{
	struct disk *d = q->n->env.disk;
	uint32_t ns = load_le32(q->cmd + 4);
	uint8_t op = q->cmd[0];

	if (ns != 1 && !(op == OP_FLUSH && ns == UINT32_MAX))
		return NVME_NAMESPACE;
	if (d->readonly && (op == OP_WRITE || op == OP_ZEROES || op == OP_DATASET))
		return NVME_READ_ONLY;
	switch (op) {
	case OP_FLUSH:
		return status_of(flush(d), true);
	case OP_WRITE:
		return transfer(q, d, true);
	case OP_READ:
		return transfer(q, d, false);
	case OP_ZEROES:
		return zeroes(q, d);
	case OP_DATASET:
		return dataset(q, d);
	default:
		return NVME_OPCODE;
	}
}

void nvme_run(struct job *j, unsigned worker)
{
	struct nvme_req *q = j->arg;
	struct nvme *n = q->n;
	/* the request is this job's: nothing else touches it while it is busy */
	unsigned status;

	(void)worker;
	disk_begin(n->env.disk);
	status = serve(q);
	disk_end(n->env.disk);
	pthread_mutex_lock(&n->lock);
	q->busy = false;
	if (q->generation == n->generation) {
		nvme_complete(n, q->sq, q->cmd, 0, status);
		nvme_fetch(n);
	}
	pthread_mutex_unlock(&n->lock);
}
