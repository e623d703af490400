/* SPDX-License-Identifier: MIT */
/*
 * The NBD protocol on the wire: its numbers, and pure functions from bytes to structs.  All
 * integers are big-endian.  Section names in comments are those of the protocol's own
 * description (doc/proto.md of the NetworkBlockDevice project).
 */
#ifndef IMG_NBD_WIRE_H
#define IMG_NBD_WIRE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Newstyle negotiation" */
#define NBD_MAGIC      0x4e42444d41474943ull
#define NBD_OPT_MAGIC  0x49484156454f5054ull
#define NBD_REP_MAGIC  0x0003e889045565a9ull
#define NBD_REQ_MAGIC  0x25609513u
#define NBD_SIMPLE     0x67446698u
#define NBD_STRUCTURED 0x668e33efu

enum nbd_handshake_flags { NBD_FIXED_NEWSTYLE = 1, NBD_NO_ZEROES = 2 };

enum nbd_option {
	NBD_OPT_EXPORT_NAME = 1,
	NBD_OPT_ABORT = 2,
	NBD_OPT_LIST = 3,
	NBD_OPT_STARTTLS = 5,
	NBD_OPT_INFO = 6,
	NBD_OPT_GO = 7,
	NBD_OPT_STRUCTURED_REPLY = 8,
	NBD_OPT_LIST_META_CONTEXT = 9,
	NBD_OPT_SET_META_CONTEXT = 10,
};

#define NBD_REP_ERR(n) (0x80000000u + (n))

enum nbd_option_reply {
	NBD_REP_ACK = 1,
	NBD_REP_SERVER = 2,
	NBD_REP_INFO = 3,
	NBD_REP_META_CONTEXT = 4,
};

#define NBD_REP_ERR_UNSUP    NBD_REP_ERR(1)
#define NBD_REP_ERR_INVALID  NBD_REP_ERR(3)
#define NBD_REP_ERR_TLS_REQD NBD_REP_ERR(5)
#define NBD_REP_ERR_UNKNOWN  NBD_REP_ERR(6)
#define NBD_REP_ERR_TOO_BIG  NBD_REP_ERR(9)

enum nbd_info { NBD_INFO_EXPORT, NBD_INFO_NAME, NBD_INFO_DESCRIPTION, NBD_INFO_BLOCK_SIZE };

/* "Transmission flags" */
enum nbd_transmission_flags {
	NBD_HAS_FLAGS = 1,
	NBD_READ_ONLY = 1 << 1,
	NBD_SEND_FLUSH = 1 << 2,
	NBD_SEND_FUA = 1 << 3,
	NBD_SEND_TRIM = 1 << 5,
	NBD_SEND_WRITE_ZEROES = 1 << 6,
	NBD_SEND_DF = 1 << 7,
	NBD_CAN_MULTI_CONN = 1 << 8,
	NBD_SEND_CACHE = 1 << 10,
	NBD_SEND_FAST_ZERO = 1 << 11,
};

enum nbd_command {
	NBD_CMD_READ,
	NBD_CMD_WRITE,
	NBD_CMD_DISC,
	NBD_CMD_FLUSH,
	NBD_CMD_TRIM,
	NBD_CMD_CACHE,
	NBD_CMD_WRITE_ZEROES,
	NBD_CMD_BLOCK_STATUS,
};

enum nbd_command_flags {
	NBD_CMD_FUA = 1,
	NBD_CMD_NO_HOLE = 2,
	NBD_CMD_DF = 4,
	NBD_CMD_REQ_ONE = 8,
	NBD_CMD_FAST_ZERO = 16,
};

/* "Structured reply types" */
enum nbd_chunk {
	NBD_CHUNK_NONE = 0,
	NBD_CHUNK_DATA = 1,
	NBD_CHUNK_HOLE = 2,
	NBD_CHUNK_STATUS = 5,
	NBD_CHUNK_ERROR = 0x8001,
};
#define NBD_CHUNK_DONE 1 /* flag */

/* "Error values" */
enum nbd_errno {
	NBD_EPERM = 1,
	NBD_EIO = 5,
	NBD_ENOMEM = 12,
	NBD_EINVAL = 22,
	NBD_ENOSPC = 28,
	NBD_EOVERFLOW = 75,
	NBD_ENOTSUP = 95,
	NBD_ESHUTDOWN = 108,
};

enum {
	NBD_STRING_MAX = 4096,
	NBD_PAYLOAD_MAX = 32 << 20, /* what every client may send and ask for */
	NBD_OPTION_HEAD = 16,
	NBD_OPTION_REPLY_HEAD = 20,
	NBD_REQUEST_HEAD = 28,
	NBD_SIMPLE_HEAD = 16,
	NBD_CHUNK_HEAD = 20,
};

/* Block status flags of "base:allocation". */
enum { NBD_STATE_HOLE = 1, NBD_STATE_ZERO = 2 };

struct nbd_request {
	uint16_t flags, type;
	uint64_t cookie; /* as it came: only ever sent back */
	uint64_t offset;
	uint32_t length;
};

/* NBD_REQUEST_HEAD bytes.  -EINVAL: not a request; the stream cannot be followed any more. */
int nbd_request_parse(const uint8_t *p, struct nbd_request *r, struct err *e) MUST_CHECK;

/* NBD_OPTION_HEAD bytes.  -EINVAL as above. */
int nbd_option_parse(const uint8_t *p, uint32_t *option, uint32_t *len, struct err *e)
	MUST_CHECK;

/* A string within an option's data; not terminated. */
struct nbd_text {
	const uint8_t *p;
	uint32_t len;
};

bool nbd_text_is(struct nbd_text t, const char *s);

/* The data of INFO and GO.  -EINVAL: malformed. */
struct nbd_go {
	struct nbd_text name;
	bool want_name, want_description, want_block_size;
};
int nbd_go_parse(const uint8_t *p, size_t len, struct nbd_go *g, struct err *e) MUST_CHECK;

/* The data of LIST_META_CONTEXT and SET_META_CONTEXT; the queries are walked with
 * nbd_query_next(), which cannot fail once this has looked at all of them. */
struct nbd_meta {
	struct nbd_text name;
	uint32_t queries;
	const uint8_t *at; /* the next query */
};
int nbd_meta_parse(const uint8_t *p, size_t len, struct nbd_meta *m, struct err *e) MUST_CHECK;
struct nbd_text nbd_query_next(struct nbd_meta *m);

/* The protocol's number for a negative errno. */
uint32_t nbd_errno_of(int code);

/* Heads of what a server sends. */
void nbd_put_option_reply(uint8_t *p, uint32_t option, uint32_t type, uint32_t len);
void nbd_put_simple(uint8_t *p, uint32_t error, uint64_t cookie);
void nbd_put_chunk(uint8_t *p, unsigned flags, unsigned type, uint64_t cookie, uint32_t len);

#endif
