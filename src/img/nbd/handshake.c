/* SPDX-License-Identifier: MIT */
/* "Fixed newstyle negotiation": the client sends options, one at a time. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/nbd/session.h"
#include "img/nbd/tls.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	OPTION_MAX = 64 << 10,  /* bytes that are read, ... */
	OPTION_SKIP = 32 << 20, /* ... and that are skipped: more ends it */
	OPTIONS_MAX = 1024,
	TEXT_MAX = 1100, /* bytes of a context's name: a bitmap's has 1023 */
};

struct option {
	uint32_t type, len;
	const uint8_t *data;
};

/* Answer of an option's handler: on with the next one, or the end of it. */
enum verdict { MORE, GO, LEFT };

static int reply(struct nbd_session *s, uint32_t option, uint32_t type, const void *data,
		 size_t len, struct err *e)
{
	uint8_t head[NBD_OPTION_REPLY_HEAD];
	struct iovec v[] = { { head, sizeof(head) }, { (void *)(uintptr_t)data, len } };

	nbd_put_option_reply(head, option, type, (uint32_t)len);
	return nbd_chan_sendv(s->c, v, len ? 2 : 1, e);
}

static int refuse(struct nbd_session *s, const struct option *o, uint32_t type,
		  const char *text, struct err *e)
{
	return reply(s, o->type, type, text, strlen(text), e);
}

static int ack(struct nbd_session *s, const struct option *o, struct err *e)
{
	return reply(s, o->type, NBD_REP_ACK, NULL, 0, e);
}

static bool is_export(const struct nbd_session *s, struct nbd_text name)
{
	return nbd_text_is(name, s->x->name);
}

/* ---- options ---- */

static int export_name(struct nbd_session *s, const struct option *o, struct err *e)
{
	uint8_t out[8 + 2 + 124] = { 0 };
	int r;

	/* There is no way to answer "no" to this one. */
	if (!is_export(s, (struct nbd_text){ o->data, o->len }))
		return err_set(e, -ENOENT, "the client asked for an export of another name");
	store_be64(out, s->x->blk->size);
	store_be16(out + 8, (uint16_t)nbd_export_flags(s->x, s->structured));
	r = nbd_chan_send(s->c, out, s->no_zeroes ? 10 : sizeof(out), e);
	return r < 0 ? r : GO;
}

static int list(struct nbd_session *s, const struct option *o, struct err *e)
{
	size_t n = strlen(s->x->name), d = s->x->description ? strlen(s->x->description) : 0;
	AUTO_FREE uint8_t *buf = NULL;
	int r;

	if (o->len)
		return refuse(s, o, NBD_REP_ERR_INVALID, "a list takes no data", e);
	buf = mem_zalloc(4 + n + d, 1, e);
	if (!buf)
		return -ENOMEM;
	store_be32(buf, (uint32_t)n);
	memcpy(buf + 4, s->x->name, n);
	if (d)
		memcpy(buf + 4 + n, s->x->description, d);
	r = reply(s, o->type, NBD_REP_SERVER, buf, 4 + n + d, e);
	return r < 0 ? r : ack(s, o, e);
}

static int info_text(struct nbd_session *s, const struct option *o, unsigned what,
		     const char *text, struct err *e)
{
	size_t n = strlen(text);
	AUTO_FREE uint8_t *buf = mem_zalloc(2 + n, 1, e);

	if (!buf)
		return -ENOMEM;
	store_be16(buf, (uint16_t)what);
	memcpy(buf + 2, text, n);
	return reply(s, o->type, NBD_REP_INFO, buf, 2 + n, e);
}

/* "Block size constraints": any byte will do, blocks of a page do better. */
static int info_block_size(struct nbd_session *s, const struct option *o, struct err *e)
{
	uint32_t best = s->x->blk->align > 4096 ? s->x->blk->align : 4096;
	uint8_t out[14];

	store_be16(out, NBD_INFO_BLOCK_SIZE);
	store_be32(out + 2, 1);
	store_be32(out + 6, best);
	store_be32(out + 10, NBD_PAYLOAD_MAX);
	return reply(s, o->type, NBD_REP_INFO, out, sizeof(out), e);
}

static int go(struct nbd_session *s, const struct option *o, struct err *e)
{
	uint8_t out[12];
	struct nbd_go g;
	struct err why;
	int r;

	if (nbd_go_parse(o->data, o->len, &g, &why) < 0)
		return refuse(s, o, NBD_REP_ERR_INVALID, why.msg, e);
	if (!is_export(s, g.name))
		return refuse(s, o, NBD_REP_ERR_UNKNOWN, "there is no export of that name", e);
	store_be16(out, NBD_INFO_EXPORT);
	store_be64(out + 2, s->x->blk->size);
	store_be16(out + 10, (uint16_t)nbd_export_flags(s->x, s->structured));
	r = reply(s, o->type, NBD_REP_INFO, out, sizeof(out), e);
	if (r == 0 && g.want_name)
		r = info_text(s, o, NBD_INFO_NAME, s->x->name, e);
	if (r == 0 && g.want_description && s->x->description)
		r = info_text(s, o, NBD_INFO_DESCRIPTION, s->x->description, e);
	if (r == 0 && g.want_block_size)
		r = info_block_size(s, o, e);
	if (r == 0)
		r = ack(s, o, e);
	if (r < 0)
		return r;
	return o->type == NBD_OPT_GO ? GO : MORE;
}

static int start_tls(struct nbd_session *s, const struct option *o, struct err *e)
{
	int r;

	if (!s->x->tls)
		return refuse(s, o, NBD_REP_ERR_UNSUP, "TLS is not set up here", e);
	if (s->encrypted || o->len)
		return refuse(s, o, NBD_REP_ERR_INVALID, "TLS has begun, or takes no data", e);
	/* What was sent ahead in the clear would pass for encrypted. */
	if (nbd_chan_pending(s->c))
		return err_set(e, -EPROTO, "the client sent more before TLS began");
	r = ack(s, o, e);
	if (r == 0)
		r = nbd_tls_accept(s->x->tls, s->c, e);
	if (r < 0)
		return r;
	s->encrypted = true;
	/* What was agreed in the clear does not count. */
	s->structured = false;
	s->contexts = 0;
	return MORE;
}

static int structured_reply(struct nbd_session *s, const struct option *o, struct err *e)
{
	if (o->len)
		return refuse(s, o, NBD_REP_ERR_INVALID, "structured replies take no data", e);
	s->structured = true;
	return ack(s, o, e);
}

/* ---- meta contexts ---- */

/* Whether the query @q means the context @name.  To a list also "base:" does, all of a namespace,
 * and "qemu:dirty-bitmap:". */
static bool query_means(struct nbd_text q, const char *name, bool listing)
{
	if (nbd_text_is(q, name))
		return true;
	return listing && q.len && q.p[q.len - 1] == ':' && q.len < strlen(name) &&
	       !memcmp(q.p, name, q.len);
}

static int tell_context(struct nbd_session *s, const struct option *o, unsigned i,
			const char *name, struct err *e)
{
	size_t n = strlen(name);
	uint8_t buf[4 + TEXT_MAX];

	store_be32(buf, o->type == NBD_OPT_SET_META_CONTEXT ? i + 1 : 0);
	memcpy(buf + 4, name, n);
	return reply(s, o->type, NBD_REP_META_CONTEXT, buf, 4 + n, e);
}

static int meta_context(struct nbd_session *s, const struct option *o, struct err *e)
{
	bool listing = o->type == NBD_OPT_LIST_META_CONTEXT;
	unsigned wanted = 0;
	char name[TEXT_MAX];
	struct nbd_meta m;
	struct err why;
	int r = 0;

	if (!listing)
		s->contexts = 0;
	if (nbd_meta_parse(o->data, o->len, &m, &why) < 0)
		return refuse(s, o, NBD_REP_ERR_INVALID, why.msg, e);
	if (!s->structured)
		return refuse(s, o, NBD_REP_ERR_INVALID, "structured replies come first", e);
	if (!is_export(s, m.name))
		return refuse(s, o, NBD_REP_ERR_UNKNOWN, "there is no export of that name", e);
	if (listing && m.queries == 0)
		wanted = ~0u;
	for (; m.queries; m.queries--) {
		struct nbd_text q = nbd_query_next(&m);

		for (unsigned i = 0; i < NBD_CONTEXTS; i++)
			if (nbd_export_context(s->x, i, name, sizeof(name)) &&
			    query_means(q, name, listing))
				wanted |= 1u << i;
	}
	for (unsigned i = 0; r == 0 && i < NBD_CONTEXTS; i++) {
		if (!(wanted & 1u << i) || !nbd_export_context(s->x, i, name, sizeof(name)))
			continue;
		r = tell_context(s, o, i, name, e);
		if (!listing)
			s->contexts |= 1u << i;
	}
	return r < 0 ? r : ack(s, o, e);
}

/* ---- the loop ---- */

static int answer(struct nbd_session *s, const struct option *o, struct err *e)
{
	bool plain = s->x->tls_required && !s->encrypted;

	if (plain && o->type == NBD_OPT_EXPORT_NAME)
		return err_set(e, -EPERM, "the client does not use TLS");
	if (plain && o->type != NBD_OPT_ABORT && o->type != NBD_OPT_STARTTLS)
		return refuse(s, o, NBD_REP_ERR_TLS_REQD, "TLS is required here", e);
	switch (o->type) {
	case NBD_OPT_EXPORT_NAME:
		return export_name(s, o, e);
	case NBD_OPT_ABORT:
		/* It need not wait for the answer. */
		(void)!ack(s, o, NULL);
		return LEFT;
	case NBD_OPT_LIST:
		return list(s, o, e);
	case NBD_OPT_STARTTLS:
		return start_tls(s, o, e);
	case NBD_OPT_INFO:
	case NBD_OPT_GO:
		return go(s, o, e);
	case NBD_OPT_STRUCTURED_REPLY:
		return structured_reply(s, o, e);
	case NBD_OPT_LIST_META_CONTEXT:
	case NBD_OPT_SET_META_CONTEXT:
		return meta_context(s, o, e);
	default:
		return refuse(s, o, NBD_REP_ERR_UNSUP, "unknown here", e);
	}
}

static int one_option(struct nbd_session *s, uint8_t *buf, struct err *e)
{
	uint8_t head[NBD_OPTION_HEAD];
	struct option o = { .data = buf };
	int r = nbd_chan_recv(s->c, head, sizeof(head), e);

	if (r == 0)
		r = nbd_option_parse(head, &o.type, &o.len, e);
	if (r < 0)
		return r;
	if (o.len > OPTION_SKIP || (o.len > NBD_STRING_MAX && o.type == NBD_OPT_EXPORT_NAME))
		return err_set(e, -EMSGSIZE, "the client sent an option of %u bytes", o.len);
	if (o.len > OPTION_MAX) {
		r = nbd_chan_skip(s->c, o.len, e);
		return r < 0 ? r : refuse(s, &o, NBD_REP_ERR_TOO_BIG, "too long", e);
	}
	r = nbd_chan_recv(s->c, buf, o.len, e);
	return r < 0 ? r : answer(s, &o, e);
}

static int greet(struct nbd_session *s, struct err *e)
{
	uint8_t hello[18], flags[4];
	uint32_t known = NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES;
	int r;

	store_be64(hello, NBD_MAGIC);
	store_be64(hello + 8, NBD_OPT_MAGIC);
	store_be16(hello + 16, (uint16_t)known);
	r = nbd_chan_send(s->c, hello, sizeof(hello), e);
	if (r == 0)
		r = nbd_chan_recv(s->c, flags, sizeof(flags), e);
	if (r < 0)
		return r;
	if (load_be32(flags) & ~known)
		return err_set(e, -EPROTO, "the client has flags %#x", load_be32(flags));
	s->no_zeroes = load_be32(flags) & NBD_NO_ZEROES;
	return 0;
}

int nbd_handshake(struct nbd_session *s, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_zalloc(1, OPTION_MAX, e);
	int r;

	if (!buf)
		return -ENOMEM;
	nbd_chan_deadline(s->c, NBD_HANDSHAKE_MS);
	r = greet(s, e);
	for (unsigned i = 0; r == MORE && i < OPTIONS_MAX; i++)
		r = one_option(s, buf, e);
	if (r < 0)
		return r;
	if (r == MORE)
		return err_set(e, -EPROTO, "the client sent more than %d options", OPTIONS_MAX);
	nbd_chan_deadline(s->c, 0);
	return r == GO;
}
