/* SPDX-License-Identifier: MIT */
#include "img/nbd/wire.h"

#include "base/bytes.h"

int nbd_request_parse(const uint8_t *p, struct nbd_request *r, struct err *e)
{
	if (load_be32(p) != NBD_REQ_MAGIC)
		return err_set(e, -EINVAL, "the client sent %#x where a request begins",
			       load_be32(p));
	r->flags = load_be16(p + 4);
	r->type = load_be16(p + 6);
	r->cookie = load_be64(p + 8);
	r->offset = load_be64(p + 16);
	r->length = load_be32(p + 24);
	return 0;
}

int nbd_option_parse(const uint8_t *p, uint32_t *option, uint32_t *len, struct err *e)
{
	if (load_be64(p) != NBD_OPT_MAGIC)
		return err_set(e, -EINVAL, "the client sent %#llx where an option begins",
			       (unsigned long long)load_be64(p));
	*option = load_be32(p + 8);
	*len = load_be32(p + 12);
	return 0;
}

bool nbd_text_is(struct nbd_text t, const char *s)
{
	return strlen(s) == t.len && !memcmp(t.p, s, t.len);
}

/* Takes a string with its length in front; *@p and *@len move behind it. */
static int take_text(const uint8_t **p, size_t *len, struct nbd_text *t, struct err *e)
{
	uint32_t n;

	if (*len < 4)
		return err_set(e, -EINVAL, "cut short before a string");
	n = load_be32(*p);
	if (n > *len - 4)
		return err_set(e, -EINVAL, "a string of %u bytes in %zu", n, *len - 4);
	if (n > NBD_STRING_MAX)
		return err_set(e, -EINVAL, "a string of %u bytes, %d are allowed", n,
			       NBD_STRING_MAX);
	*t = (struct nbd_text){ *p + 4, n };
	*p += 4 + n;
	*len -= 4 + n;
	return 0;
}

int nbd_go_parse(const uint8_t *p, size_t len, struct nbd_go *g, struct err *e)
{
	int r = take_text(&p, &len, &g->name, e);
	unsigned n;

	g->want_name = g->want_description = g->want_block_size = false;
	if (r < 0)
		return r;
	if (len < 2)
		return err_set(e, -EINVAL, "cut short before the information asked for");
	n = load_be16(p);
	if (len - 2 != (size_t)n * 2)
		return err_set(e, -EINVAL, "%u pieces of information in %zu bytes", n, len - 2);
	for (p += 2; n; n--, p += 2) {
		unsigned what = load_be16(p);

		g->want_name = g->want_name || what == NBD_INFO_NAME;
		g->want_description = g->want_description || what == NBD_INFO_DESCRIPTION;
		g->want_block_size = g->want_block_size || what == NBD_INFO_BLOCK_SIZE;
	}
	return 0;
}

int nbd_meta_parse(const uint8_t *p, size_t len, struct nbd_meta *m, struct err *e)
{
	int r = take_text(&p, &len, &m->name, e);
	struct nbd_text t;

	if (r < 0)
		return r;
	if (len < 4)
		return err_set(e, -EINVAL, "cut short before the queries");
	m->queries = load_be32(p);
	p += 4;
	len -= 4;
	m->at = p;
	for (uint32_t i = 0; i < m->queries; i++) {
		r = take_text(&p, &len, &t, e);
		if (r < 0)
			return r;
	}
	return len ? err_set(e, -EINVAL, "%zu bytes behind the queries", len) : 0;
}

struct nbd_text nbd_query_next(struct nbd_meta *m)
{
	struct nbd_text t = { m->at + 4, load_be32(m->at) };

	m->at = t.p + t.len;
	return t;
}

uint32_t nbd_errno_of(int code)
{
	switch (-code) {
	case EPERM:
	case EACCES:
	case EROFS:
		return NBD_EPERM;
	case ENOMEM:
		return NBD_ENOMEM;
	case EINVAL:
		return NBD_EINVAL;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return NBD_ENOSPC;
	case EOVERFLOW:
		return NBD_EOVERFLOW;
	case EOPNOTSUPP:
		return NBD_ENOTSUP;
	case ESHUTDOWN:
		return NBD_ESHUTDOWN;
	default:
		return NBD_EIO;
	}
}

void nbd_put_option_reply(uint8_t *p, uint32_t option, uint32_t type, uint32_t len)
{
	store_be64(p, NBD_REP_MAGIC);
	store_be32(p + 8, option);
	store_be32(p + 12, type);
	store_be32(p + 16, len);
}

void nbd_put_simple(uint8_t *p, uint32_t error, uint64_t cookie)
{
	store_be32(p, NBD_SIMPLE);
	store_be32(p + 4, error);
	store_be64(p + 8, cookie);
}

void nbd_put_chunk(uint8_t *p, unsigned flags, unsigned type, uint64_t cookie, uint32_t len)
{
	store_be32(p, NBD_STRUCTURED);
	store_be16(p + 4, (uint16_t)flags);
	store_be16(p + 6, (uint16_t)type);
	store_be64(p + 8, cookie);
	store_be32(p + 16, len);
}
