/* SPDX-License-Identifier: MIT */
/* The administrator's commands: NVM Express 1.3, 5. */
#include "base/bytes.h"
#include "emu/dev/nvme_int.h"
#include "img/blk.h"

#include <stdio.h>
#include <string.h>

enum {
	OP_DELETE_SQ = 0x00,
	OP_CREATE_SQ = 0x01,
	OP_LOG = 0x02,
	OP_DELETE_CQ = 0x04,
	OP_CREATE_CQ = 0x05,
	OP_IDENTIFY = 0x06,
	OP_ABORT = 0x08,
	OP_SET_FEATURE = 0x09,
	OP_GET_FEATURE = 0x0a,
	OP_EVENT = 0x0c,
};
#define F_WRITE_CACHE 0x06u
#define F_QUEUES      0x07u

static void text(uint8_t *to, const char *s, size_t len)
{
	size_t n = strnlen(s, len);

	memset(to, ' ', len);
	memcpy(to, s, n);
}

static const char *serial(const struct nvme *n)
{
	return n->env.disk->serial ? n->env.disk->serial : "vemu";
}

/* Figure 109. */
static void controller(const struct nvme *n, uint8_t *b)
{
	store_le16(b, 0x1b36);
	store_le16(b + 2, 0x1af4);
	text(b + 4, serial(n), 20);
	text(b + 24, "vemu NVMe disk", 40);
	text(b + 64, "1", 8);
	b[77] = NVME_MDTS;
	store_le32(b + 80, 0x00010300);
	store_le32(b + 96, 0x100); /* namespaces do not come and go */
	b[258] = 3;
	b[259] = NVME_EVENTS - 1;
	b[260] = 3; /* one slot of firmware, read only */
	store_le16(b + 266, 0x157);
	store_le16(b + 268, 0x175);
	b[512] = 0x66;
	b[513] = 0x44;
	store_le32(b + 516, 1);
	store_le16(b + 520,
		   n->env.disk->readonly ? 0 : 0x000c); /* dataset management, zeroes */
	b[525] = 1;                                     /* a write cache */
	snprintf((char *)b + 768, 223, "nqn.2024-01.org.hostkit:%.20s", serial(n));
	store_le16(b + 2048, 0x9c4);
	store_le32(b + 2052, 0x10);
	store_le32(b + 2056, 4);
}

/* Figure 114. */
static void namespace(const struct nvme *n, uint8_t *b)
{
	uint64_t blocks = n->env.disk->image->size / DISK_SECTOR;

	store_le64(b, blocks);
	store_le64(b + 8, blocks);
	store_le64(b + 16, blocks);
	b[24] = 1; /* thin */
	b[99] = n->env.disk->readonly ? 1 : 0;
	b[130] = 9; /* 2^9 bytes */
}

/* A UUID that depends on the serial number, so that it is the same each time. */
static void descriptor(const struct nvme *n, uint8_t *b)
{
	const char *s = serial(n);
	uint64_t h[2] = { UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4) };

	for (size_t i = 0; s[i]; i++)
		for (unsigned k = 0; k < 2; k++)
			h[k] = (h[k] ^ (uint8_t)s[i]) * UINT64_C(0x100000001b3);
	b[0] = 3;
	b[1] = 16;
	store_be64(b + 4, h[0]);
	store_be64(b + 12, h[1]);
	b[10] = (uint8_t)((b[10] & 0x0f) | 0x40);
	b[12] = (uint8_t)((b[12] & 0x3f) | 0x80);
}

static unsigned give(struct nvme_req *r, size_t len)
{
	unsigned status = nvme_pages(r, len);

	if (status)
		return status;
	return feed_buf(&r->feed, r->buf, len, true) < 0 ? NVME_TRANSFER : NVME_OK;
}

static unsigned identify(struct nvme *n, struct nvme_req *r)
{
	uint32_t ns = load_le32(r->cmd + 4);

	memset(r->buf, 0, sizeof(r->buf));
	switch (r->cmd[40]) {
	case 0:
		if (ns != 1 && ns != UINT32_MAX)
			return NVME_NAMESPACE;
		namespace(n, r->buf);
		break;
	case 1:
		controller(n, r->buf);
		break;
	case 2:
		if (ns >= UINT32_MAX - 1)
			return NVME_NAMESPACE;
		if (ns < 1)
			store_le32(r->buf, 1);
		break;
	case 3:
		if (ns != 1)
			return NVME_NAMESPACE;
		descriptor(n, r->buf);
		break;
	default:
		return NVME_FIELD;
	}
	return give(r, NVME_PAGE);
}

static unsigned log_page(struct nvme_req *r)
{
	uint64_t len = 4 * ((load_le32(r->cmd + 40) >> 16 & 0xffff) +
			    ((uint64_t)load_le16(r->cmd + 44) << 16) + 1);
	uint64_t off = load_le64(r->cmd + 48);

	memset(r->buf, 0, sizeof(r->buf));
	switch (r->cmd[40]) {
	case 1:
		break;
	case 2:
		store_le16(r->buf + 1, 303); /* kelvin */
		r->buf[3] = 100;
		r->buf[4] = 10;
		break;
	case 3:
		r->buf[0] = 1;
		r->buf[8] = '1';
		break;
	default:
		return NVME_LOG_INVALID;
	}
	if (off || len > NVME_PAGE)
		return NVME_FIELD;
	return give(r, (size_t)len);
}

static unsigned set_feature(struct nvme *n, const uint8_t *cmd, uint32_t *result)
{
	uint32_t v = load_le32(cmd + 44);

	if (cmd[40] == F_QUEUES) {
		*result = (n->env.queues - 1) | (n->env.queues - 1) << 16;
		return (v & 0xffff) == 0xffff || v >> 16 == 0xffff ? NVME_FIELD : NVME_OK;
	}
	if (!cmd[40] || cmd[40] == 3 || cmd[40] >= 12)
		return NVME_FIELD;
	n->feature[cmd[40]] = v;
	return NVME_OK;
}

static unsigned get_feature(struct nvme *n, const uint8_t *cmd, uint32_t *result)
{
	if (!cmd[40] || cmd[40] == 3 || cmd[40] >= 12)
		return NVME_FIELD;
	*result = cmd[40] == F_QUEUES ? (n->env.queues - 1) | (n->env.queues - 1) << 16
				      : n->feature[cmd[40]];
	return NVME_OK;
}

unsigned nvme_admin(struct nvme *n, struct nvme_req *r, uint32_t *result)
{
	/* pages, not lists of another kind */
	if (r->cmd[1] & 0xc0)
		return NVME_FIELD;
	switch (r->cmd[0]) {
	case OP_DELETE_SQ:
		return nvme_delete_sq(n, r->cmd);
	case OP_CREATE_SQ:
		return nvme_create_sq(n, r->cmd);
	case OP_DELETE_CQ:
		return nvme_delete_cq(n, r->cmd);
	case OP_CREATE_CQ:
		return nvme_create_cq(n, r->cmd);
	case OP_IDENTIFY:
		return identify(n, r);
	case OP_LOG:
		return log_page(r);
	case OP_SET_FEATURE:
		return set_feature(n, r->cmd, result);
	case OP_GET_FEATURE:
		return get_feature(n, r->cmd, result);
	case OP_ABORT:
		*result = 1; /* it was not */
		return NVME_OK;
	case OP_EVENT:
		/* nothing ever happens that has to be told */
		if (n->events == NVME_EVENTS)
			return NVME_TOO_MANY_EVENTS;
		n->events++;
		return NVME_NO_ANSWER;
	default:
		return NVME_OPCODE;
	}
}
