/* SPDX-License-Identifier: MIT */
/*
 * Header and extensions.  Whatever parses must also be written, and what is written must
 * parse to the same; whatever does not must say why, with a code that fits.
 */
#include "img/format/qcow2_header.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static void must_explain(int r, const struct err *e)
{
	must(r == e->code && e->msg[0]);
	must(r == -EINVAL || r == -EUCLEAN || r == -ENOTSUP || r == -ENODATA || r == -ENOMEM);
}

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void must_survive_writing(struct qcow2_header *h)
{
	struct err e = { 0 };
	struct qcow2_header again;
	size_t cluster = (size_t)1 << h->cluster_bits;
	uint8_t *buf = malloc(cluster);

	must(buf != NULL);
	if (qcow2_header_write(h, buf, cluster, &e) == 0) {
		memset(&again, 0, sizeof(again));
		must(qcow2_header_parse(&again, buf, cluster, &e) == 0);
		must(qcow2_header_parse_ext(&again, buf, cluster, &e) == 0);
		must(again.version == h->version && again.size == h->size);
		must(again.cluster_bits == h->cluster_bits && again.incompat == h->incompat);
		must(again.l1_offset == h->l1_offset && again.l1_entries == h->l1_entries);
		must(again.refcount_order == h->refcount_order);
		must(again.reftable_offset == h->reftable_offset);
		must(again.snapshots_n == h->snapshots_n && again.unknown_n == h->unknown_n);
		must(same_text(again.backing_file, h->backing_file));
		must(same_text(again.data_file, h->data_file));
		qcow2_header_free(&again);
	} else {
		must(e.code == -ENOSPC || e.code == -EINVAL || e.code == -ENOMEM);
	}
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct qcow2_header h;
	size_t cluster;
	int r;

	memset(&h, 0, sizeof(h));
	r = qcow2_header_parse(&h, data, len, &e);
	if (r < 0) {
		must_explain(r, &e);
		return 0;
	}
	must(r == 0 && e.code == 0);
	must(h.cluster_bits >= QCOW2_CLUSTER_BITS_MIN &&
	     h.cluster_bits <= QCOW2_CLUSTER_BITS_MAX);
	must((uint64_t)h.l1_entries * 8 <= QCOW2_L1_BYTES_MAX && h.refcount_order <= 6);
	must(h.snapshots_n <= QCOW2_SNAPSHOTS_MAX);

	cluster = (size_t)1 << h.cluster_bits;
	r = qcow2_header_parse_ext(&h, data, len < cluster ? len : cluster, &e);
	if (r < 0)
		must_explain(r, &e);
	else
		must_survive_writing(&h);
	qcow2_header_free(&h);
	return 0;
}
