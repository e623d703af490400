/* SPDX-License-Identifier: MIT */
/* Specification 5.6.  Each request queue has a job of its own, which serves it in order. */
#include "emu/virtio/scsi.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/dev/scsi.h"
#include "emu/jobs.h"
#include "emu/mem.h"
#include "img/blk.h"

#include <stdlib.h>
#include <string.h>

#define Q_CONTROL  0u
#define Q_REQUEST  2u /* the first of them; between them is that for events */
#define QUEUES_MAX (VIRTIO_QUEUES - 1u - Q_REQUEST)
#define CDB_MAX    SCSI_CDB
#define SENSE_MAX  96u
#define HEADER     19u /* in front of the CDB */
#define RESPONSE   12u /* in front of the sense bytes */
#define AT_SENSE   20u /* of the configuration */
#define AT_CDB     24u

enum { R_OK = 0, R_OVERRUN = 1, R_BAD_TARGET = 3, R_FAILURE = 9, R_BAD_LUN = 12 };

struct lane {
	struct virtio_scsi *s;
	unsigned queue;
	pthread_mutex_t lock; /* a job may be begun anew while it ends */
	struct job job;
	struct virtq_chain chain;
	struct scsi_cmd cmd;
	uint8_t *bounce;
};

struct virtio_scsi {
	struct virtio v;
	struct jobs *jobs;
	struct scsi_unit unit[VIRTIO_SCSI_UNITS];
	struct virtio_scsi_unit at[VIRTIO_SCSI_UNITS];
	unsigned units, queues;
	struct lane *lane;
};

/* ---- addresses ---- */

/* NULL, and *@why: there is no such. */
static struct scsi_unit *find(struct virtio_scsi *s, const uint8_t *lun, uint8_t *why)
{
	unsigned n = (lun[2] & 0x3fu) << 8 | lun[3];

	*why = R_BAD_TARGET;
	for (unsigned i = 0; i < s->units; i++) {
		if (lun[0] != 1 || s->at[i].target != lun[1])
			continue;
		*why = R_BAD_LUN;
		if (s->at[i].lun == n)
			return &s->unit[i];
	}
	return NULL;
}

/* All units of a target, whichever of them was asked. */
static void report_luns(struct virtio_scsi *s, uint8_t target, struct scsi_cmd *c)
{
	const uint8_t first[8] = { 1, target };
	uint8_t why;
	/* the first is in the list, there or not */
	size_t n = find(s, first, &why) ? 0 : 1, room = load_be32(c->cdb + 6);

	for (unsigned i = 0; i < s->units; i++) {
		if (s->at[i].target != target)
			continue;
		c->buf[8 + 8 * n + 1] = s->at[i].lun;
		n++;
	}
	store_be32(c->buf, (uint32_t)(8 * n));
	c->len = 8 + 8 * n < room ? 8 + 8 * n : room;
}

/* ---- requests, in a job ---- */

static int move(struct lane *l, struct scsi_unit *u, struct sg_cursor *data, uint64_t room)
{
	struct scsi_cmd *c = &l->cmd;
	struct sg_cursor from = *data;
	bool write = c->op == SCSI_WRITE;
	int r = 0;

	if (c->op != SCSI_FLUSH && c->len > room)
		return -EOVERFLOW;
	do {
		*data = from;
		if (!u->disk->image) {
			r = -ENOMEDIUM;
			continue;
		}
		if (c->op != SCSI_FLUSH)
			r = sg_transfer(data, l->s->v.mem, u->disk->image, c->off, c->len,
					!write, &l->bounce);
		if (r == 0 && (c->fua || c->op == SCSI_FLUSH) && !u->disk->readonly)
			r = blk_flush(u->disk->image, NULL);
	} while (disk_again(u->disk, &r, c->op != SCSI_READ));
	return r;
}

/* Bytes that were moved, or -EOVERFLOW where the guest gave less room than it asked for. */
static int64_t serve(struct lane *l, struct scsi_unit *u, size_t header, size_t response)
{
	struct virtq_chain *ch = &l->chain;
	struct scsi_cmd *c = &l->cmd;
	struct mem *m = l->s->v.mem;
	size_t in = ch->in_len - response, out = ch->out_len - header;
	struct sg_cursor data = { ch->seg + ch->n_out, ch->n_in, 0 };
	struct sg_cursor given = { ch->seg, ch->n_out, 0 };
	uint8_t skip[HEADER + CDB_MAX + RESPONSE + SENSE_MAX];
	int r = 0;

	sg_copy(&given, m, skip, header, false);
	/* the answer's place is filled at the end: it is passed by, not written */
	for (size_t left = response; left && data.n;) {
		size_t n = data.seg->len - data.skip < left ? data.seg->len - data.skip : left;

		data.skip += n;
		left -= n;
		if (data.skip == data.seg->len)
			data = (struct sg_cursor){ data.seg + 1, data.n - 1, 0 };
	}
	switch (c->op) {
	case SCSI_NONE:
		return 0;
	case SCSI_IN:
		return (int64_t)sg_copy(&data, m, c->buf, c->len < in ? c->len : in, true);
	case SCSI_OUT:
		if (c->len > out)
			return -EOVERFLOW;
		sg_copy(&given, m, c->buf, c->len, false);
		scsi_params(u, c);
		return (int64_t)c->len;
	case SCSI_READ:
		r = move(l, u, &data, in);
		break;
	case SCSI_WRITE:
		r = move(l, u, &given, out);
		break;
	case SCSI_FLUSH:
		r = move(l, u, &given, out);
		break;
	}
	if (r == -EOVERFLOW)
		return r;
	if (r < 0)
		scsi_io_error(u, c, r, c->op != SCSI_READ);
	return r < 0 ? 0 : (int64_t)c->len;
}

static void answer(struct lane *l, uint8_t response, int64_t moved, size_t sense_size)
{
	struct virtq_chain *ch = &l->chain;
	struct scsi_cmd *c = &l->cmd;
	uint8_t b[RESPONSE + SENSE_MAX] = { 0 };
	size_t data = ch->out_len > ch->in_len ? ch->out_len - HEADER - CDB_MAX
					       : ch->in_len - RESPONSE - sense_size;
	uint32_t written = (uint32_t)(RESPONSE + sense_size);

	if (response == R_OK && c->status != SCSI_GOOD) {
		size_t n = SCSI_SENSE < sense_size ? SCSI_SENSE : sense_size;

		store_le32(b, (uint32_t)n);
		b[10] = (uint8_t)c->status;
		memcpy(b + RESPONSE, c->sense, n);
	}
	if ((uint64_t)moved < data)
		store_le32(b + 4, (uint32_t)(data - (uint64_t)moved));
	b[11] = response;
	if (c->op == SCSI_IN || c->op == SCSI_READ)
		written += (uint32_t)moved;
	virtq_write(&l->s->v, ch, 0, b, RESPONSE + sense_size);
	virtq_push(&l->s->v.q[l->queue], ch, written);
}

/* False: no driver does that. */
static bool request(struct lane *l)
{
	struct virtio_scsi *s = l->s;
	struct scsi_cmd *c = &l->cmd;
	size_t cdb = load_le32(s->v.config + AT_CDB), sense = load_le32(s->v.config + AT_SENSE);
	uint8_t head[HEADER + CDB_MAX], why;
	struct scsi_unit *u;
	int64_t moved = 0;

	if (!cdb || cdb > CDB_MAX || sense > SENSE_MAX || l->chain.out_len < HEADER + cdb ||
	    l->chain.in_len < RESPONSE + sense)
		return false;
	virtq_read(&l->chain, 0, head, HEADER + cdb);
	memset(c->cdb, 0, sizeof(c->cdb));
	memcpy(c->cdb, head + HEADER, cdb);
	c->op = SCSI_NONE;
	u = find(s, head, &why);
	if (!u && why != R_BAD_LUN) {
		answer(l, why, 0, sense);
		return true;
	}
	if (u)
		disk_begin(u->disk);
	if (u)
		scsi_decode(u, c);
	else
		scsi_decode_absent(c, !((head[2] & 0x3fu) << 8 | head[3]));
	if (c->cdb[0] == 0xa0 && c->op == SCSI_IN)
		report_luns(s, head[1], c);
	moved = serve(l, u, HEADER + cdb, RESPONSE + sense);
	if (u)
		disk_end(u->disk);
	answer(l, moved < 0 ? R_OVERRUN : R_OK, moved < 0 ? 0 : moved, sense);
	return true;
}

static void run(struct job *j, unsigned worker)
{
	struct lane *l = j->arg;
	struct virtq *q = &l->s->v.q[l->queue];

	(void)worker;
	pthread_mutex_lock(&l->lock);
	do {
		while (virtq_pop(q, &l->chain) > 0) {
			if (request(l))
				continue;
			virtio_broken(&l->s->v);
			pthread_mutex_unlock(&l->lock);
			return;
		}
	} while (virtq_arm(q));
	pthread_mutex_unlock(&l->lock);
}

/* ---- the guest's side ---- */

static void drain(struct virtio_scsi *s)
{
	for (unsigned i = 0; i < s->units; i++)
		disk_wait(s->at[i].disk, true);
	jobs_drain(s->jobs);
	for (unsigned i = 0; i < s->units; i++)
		disk_wait(s->at[i].disk, false);
}

/* Task management: what is to be aborted has ended when the answer comes.  Notifications of
 * events are asked for and never come. */
static void control(struct virtio_scsi *s)
{
	struct virtq *q = &s->v.q[Q_CONTROL];
	struct virtq_chain *c = malloc(sizeof(*c));

	if (!c)
		return;
	do {
		while (virtq_pop(q, c) > 0) {
			uint8_t type[4] = { 0 }, b[5] = { 0 }, n;

			virtq_read(c, 0, type, 4);
			n = load_le32(type) ? 5 : 1;
			if (n == 1)
				drain(s);
			if (c->in_len < n) {
				virtio_broken(&s->v);
				free(c);
				return;
			}
			virtq_push(q, c, (uint32_t)virtq_write(&s->v, c, 0, b, n));
		}
	} while (virtq_arm(q));
	free(c);
}

static void kick(struct virtio *v, unsigned q)
{
	struct virtio_scsi *s = v->dev;

	if (q == Q_CONTROL)
		control(s);
	else if (q >= Q_REQUEST && q < Q_REQUEST + s->queues)
		jobs_do(s->jobs, &s->lane[q - Q_REQUEST].job);
}

static void stop(struct virtio *v)
{
	drain(v->dev);
}

static const struct virtio_ops ops = { .id = 8,
				       .legacy = 0x1004,
				       .class = 0x010000,
				       .name = "virtio-scsi",
				       .kick = kick,
				       .stop = stop };

static void default_sizes(struct virtio_scsi *s)
{
	store_le32(s->v.config + AT_SENSE, SENSE_MAX);
	store_le32(s->v.config + AT_CDB, CDB_MAX);
}

static void fill_config(struct virtio_scsi *s)
{
	uint8_t *c = s->v.config;

	store_le32(c, s->queues);
	store_le32(c + 4, VIRTQ_SEGS - 4);
	store_le32(c + 8, 0xffff);
	store_le32(c + 12, 128);
	store_le16(c + 30, 255);
	store_le32(c + 32, 255);
	memset(s->v.config_writable + AT_SENSE, 0xff, 8);
	s->v.config_len = 36;
	default_sizes(s);
}

static int make(struct virtio_scsi *s, struct err *e)
{
	int r;

	s->lane = mem_zalloc(s->queues, sizeof(*s->lane), e);
	if (!s->lane)
		return -ENOMEM;
	for (unsigned i = 0; i < s->queues; i++) {
		struct lane *l = &s->lane[i];

		l->s = s;
		l->queue = Q_REQUEST + i;
		l->job = (struct job){ .run = run, .arg = l };
		pthread_mutex_init(&l->lock, NULL);
	}
	r = jobs_new(&s->jobs, s->queues, e);
	return r;
}

int virtio_scsi_new(struct virtio_scsi **out, struct pci *p, struct mem *m,
		    const struct virtio_scsi_config *c, struct err *e)
{
	struct virtio_scsi *s = mem_zalloc(1, sizeof(*s), e);
	int r;

	if (!s)
		return -ENOMEM;
	s->units = c->units < VIRTIO_SCSI_UNITS ? c->units : VIRTIO_SCSI_UNITS;
	s->queues = c->queues < QUEUES_MAX ? c->queues : QUEUES_MAX;
	for (unsigned i = 0; i < s->units; i++) {
		s->at[i] = c->unit[i];
		scsi_init(&s->unit[i], c->unit[i].disk, c->unit[i].cdrom);
	}
	s->v.ops = &ops;
	s->v.dev = s;
	s->v.queues = Q_REQUEST + s->queues;
	fill_config(s);
	r = make(s, e);
	if (r == 0)
		r = virtio_add(&s->v, p, m, c->where, e);
	if (r < 0) {
		virtio_scsi_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void virtio_scsi_reset(struct virtio_scsi *s)
{
	virtio_reset(&s->v);
	default_sizes(s);
	for (unsigned i = 0; i < s->units; i++)
		scsi_reset(&s->unit[i]);
}

const struct pci_dev *virtio_scsi_pci(const struct virtio_scsi *s)
{
	return &s->v.pci;
}

void virtio_scsi_free(struct virtio_scsi *s)
{
	if (!s)
		return;
	virtio_remove(&s->v);
	jobs_free(s->jobs);
	for (unsigned i = 0; s->lane && i < s->queues; i++) {
		free(s->lane[i].bounce);
		pthread_mutex_destroy(&s->lane[i].lock);
	}
	for (unsigned i = 0; i < s->units; i++)
		scsi_fini(&s->unit[i]);
	free(s->lane);
	free(s);
}
