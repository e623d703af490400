/* SPDX-License-Identifier: MIT */
/*
 * L2 entries: a shape of image (two bytes), then entries of 16 bytes.  What decodes lies
 * where entries can point, is as long as its kind says, and a compressed one is what
 * the same place and length encode to.
 */
#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "tests/lib/fuzz.h"

#include <string.h>

static void shape(struct qcow2 *s, const uint8_t *data)
{
	bool extended = data[1] & 1;
	unsigned least = extended ? 14 : QCOW2_CLUSTER_BITS_MIN;

	memset(s, 0, sizeof(*s));
	s->cluster_bits = least + data[0] % (QCOW2_CLUSTER_BITS_MAX + 1 - least);
	s->cluster_size = 1ull << s->cluster_bits;
	s->subclusters = extended ? 32 : 1;
	s->subcluster_size = s->cluster_size / s->subclusters;
	s->l2_entry_bytes = extended ? 16 : 8;
	s->h.version = data[1] & 2 && !extended ? 2 : 3;
	s->h.incompat = data[1] & 4 ? QCOW2_INCOMPAT_DATA_FILE : 0;
}

static void must_make_sense(const struct qcow2 *s, uint64_t entry, unsigned sc,
			    const struct qcow2_run *run)
{
	uint64_t in_sector = run->comp_off & 511;

	if (run->kind == QCOW2_COMPRESSED) {
		must(run->len == s->cluster_size && !run->has_host && !run->copied);
		must(run->comp_len >= 1 && run->comp_len <= 2 * s->cluster_size);
		must((run->comp_off + run->comp_len) % 512 == 0);
		must((qcow2_compressed_entry(s, run->comp_off, run->comp_len) | entry) ==
		     entry);
		must(run->comp_len + in_sector > 0);
		return;
	}
	must(run->len == s->subcluster_size);
	must(!(entry & QCOW2_OFLAG_COMPRESSED));
	if (run->kind == QCOW2_NORMAL || run->kind == QCOW2_ZERO_ALLOC)
		must(run->has_host);
	if (run->kind == QCOW2_ZERO_PLAIN)
		must(!run->has_host);
	if (run->has_host) {
		must(run->host <= QCOW2_OFFSET_MASK + s->cluster_size);
		must(run->host - sc * s->subcluster_size ==
		     (run->host & ~(s->cluster_size - 1)));
	}
	if (s->h.version < 3)
		must(run->kind == QCOW2_NORMAL || run->kind == QCOW2_UNALLOCATED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct qcow2 s;

	if (len < 2)
		return 0;
	shape(&s, data);
	for (data += 2, len -= 2; len >= 16; data += 16, len -= 16) {
		uint64_t entry = load_be64(data);
		uint64_t bitmap = s.subclusters > 1 ? load_be64(data + 8) : 0;

		for (unsigned sc = 0; sc < s.subclusters; sc++) {
			struct qcow2_run run;
			struct err e = { 0 };
			int r = qcow2_entry_decode(&s, entry, bitmap, sc, &run, &e);

			if (r == 0)
				must_make_sense(&s, entry, sc, &run);
			else
				must(r == -EUCLEAN && e.code == r && e.msg[0]);
		}
	}
	return 0;
}
