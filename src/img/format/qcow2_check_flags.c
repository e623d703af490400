/* SPDX-License-Identifier: MIT */
/*
 * The flag that says a cluster is not shared must be set exactly where the refcount is 1.
 * Counting already noted with and without it every cluster was referred to, and comparing
 * looked at these notes; only if they told of a disagreement are all entries looked at.
 */
#include "base/bytes.h"
#include "img/format/qcow2_check.h"

#include <string.h>

/* The entry with the flag that @refcount asks for. */
static uint64_t right(uint64_t entry, uint64_t refcount)
{
	return refcount == 1 ? entry | QCOW2_OFLAG_COPIED : entry & ~QCOW2_OFLAG_COPIED;
}

static int flag_l1(struct checker *k, uint32_t i, uint64_t refcount, bool fix, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t entry = right(s->l1[i], refcount);
	uint8_t buf[8];
	int r;

	if (entry == s->l1[i])
		return 0;
	check_say(k, "%s OFLAG_COPIED L2 cluster: l1_index=%u l1_entry=%llx refcount=%llu",
		  fix ? "Repairing" : "ERROR", i, (unsigned long long)s->l1[i],
		  (unsigned long long)refcount);
	if (!fix) {
		k->n.corruptions++;
		return 0;
	}
	store_be64(buf, entry);
	r = check_write(k, s->h.l1_offset + (uint64_t)i * 8, buf, sizeof(buf), QCOW2_R_L1, e);
	if (r < 0) {
		k->n.corruptions++;
		k->n.check_errors++;
		return r;
	}
	s->l1[i] = entry;
	k->n.corruptions_fixed++;
	return 0;
}

/* Looks at, and with @fix sets right, the entries of one table in memory. */
static uint64_t flag_entries(struct checker *k, uint8_t *t, bool fix)
{
	struct qcow2 *s = k->s;
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < 1u << s->l2_bits; i++) {
		uint8_t *p = t + (size_t)i * s->l2_entry_bytes;
		uint64_t entry = load_be64(p), refcount = 1;
		enum qcow2_entry_type type = qcow2_entry_type(s, entry);

		if (type != QCOW2_ENTRY_NORMAL && type != QCOW2_ENTRY_ZERO_ALLOC)
			continue;
		/* a refcount that cannot be read was told of already */
		if (!s->blk.data &&
		    check_refcount(k, (entry & QCOW2_OFFSET_MASK) >> s->cluster_bits, &refcount,
				   NULL) < 0)
			continue;
		if (right(entry, refcount) == entry)
			continue;
		check_say(k, "%s OFLAG_COPIED data cluster: l2_entry=%llx refcount=%llu",
			  fix ? "Repairing" : "ERROR", (unsigned long long)entry,
			  (unsigned long long)refcount);
		wrong++;
		if (fix)
			store_be64(p, right(entry, refcount));
	}
	return wrong;
}

static int flag_table(struct checker *k, uint64_t off, bool fix, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t wrong;
	uint8_t *t;
	int r;

	if (k->budget < s->cluster_size) {
		check_say(k, "ERROR L2 tables take more than the whole file");
		k->n.check_errors++;
		return err_set(e, -EFBIG, "L2 tables take more than the whole file");
	}
	k->budget -= s->cluster_size;
	r = check_read(k, &k->tables, off, s->cluster_size, &t, e);
	if (r < 0) {
		check_say(k, "ERROR: Could not read L2 table: %s", strerror(-r));
		k->n.check_errors++;
		return r;
	}
	wrong = flag_entries(k, t, fix);
	if (!wrong)
		return 0;
	if (fix) {
		const char *what = "; metadata overlap check failed";

		r = qcow2_check_overlap(s, off, s->cluster_size, QCOW2_R_L2, e);
		if (r == 0) {
			what = "";
			r = check_write(k, off, t, s->cluster_size, QCOW2_R_L2, e);
		}
		if (r == 0) {
			k->n.corruptions_fixed += wrong;
			return 0;
		}
		check_say(k, "ERROR: Could not write L2 table%s: %s", what, strerror(-r));
		k->n.check_errors++;
	}
	k->n.corruptions += wrong;
	return r;
}

/* Repairing leaks alone sets flags right only where the refcounts are beyond doubt. */
static bool may_fix(const struct checker *k)
{
	if (k->fix & IMG_FIX_ERRORS)
		return true;
	return k->fix & IMG_FIX_LEAKS && !k->n.check_errors && !k->n.corruptions && !k->n.leaks;
}

int check_flags(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	bool fix = may_fix(k);

	if (!k->each_flag)
		return 0;
	check_budget(k);
	for (uint32_t i = 0; i < s->h.l1_entries; i++) {
		uint64_t off = s->l1[i] & QCOW2_OFFSET_MASK, refcount;
		int r;

		if (!off || check_refcount(k, off >> s->cluster_bits, &refcount, NULL) < 0)
			continue;
		r = flag_l1(k, i, refcount, fix, e);
		if (r == 0)
			r = flag_table(k, off, fix, e);
		if (r < 0)
			return r;
	}
	return 0;
}
