/* SPDX-License-Identifier: MIT */
/*
 * Reading guest bytes.  Runs are looked up many at a time under lock; what lies in the file
 * is then read without it, one request for each stretch that lies in a row there.
 */
#include "base/bytes.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_data.h"

#include <string.h>

enum { RUNS = 32 };

/* Fills @runs for [off, off + len) as far as they go.  Returns how many; a failure only
 * if the first cannot be looked up: the next call will find the others. */
static int gather(struct qcow2 *s, struct qcow2_run *runs, uint64_t off, uint64_t len,
		  struct err *e)
{
	int n = 0, r = 0;

	pthread_mutex_lock(&s->lock);
	while (n < RUNS && len) {
		r = qcow2_lookup(s, off, len, &runs[n], n ? NULL : e);
		if (r < 0)
			break;
		off += runs[n].len;
		len -= runs[n].len;
		n++;
	}
	pthread_mutex_unlock(&s->lock);
	return n ? n : r;
}

/* Past the end of the backing image all is zero. */
static int read_backing(struct qcow2 *s, uint8_t *buf, size_t len, uint64_t off, struct err *e)
{
	struct blk *b = s->blk.backing;
	uint64_t size = b ? atomic_load(&b->size) : 0;
	size_t have = off < size ? (size_t)min_u64(len, size - off) : 0;

	memset(buf + have, 0, len - have);
	return have ? blk_pread(b, buf, have, off, e) : 0;
}

static int read_run(struct qcow2 *s, const struct qcow2_run *run, uint8_t *buf, uint64_t off,
		    struct err *e)
{
	switch (run->kind) {
	case QCOW2_NORMAL:
		return qcow2_data_read(s, buf, run->len, run->host, off, e);
	case QCOW2_UNALLOCATED:
		return read_backing(s, buf, run->len, off, e);
	default:
		memset(buf, 0, run->len);
		return 0;
	}
}

static size_t count_compressed(const struct qcow2_run *runs, size_t n)
{
	size_t k = 0;

	while (k < n && runs[k].kind == QCOW2_COMPRESSED)
		k++;
	return k;
}

int qcow2_read_locked(struct qcow2 *s, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct qcow2_run runs[RUNS];
	uint8_t *p = buf;

	while (len) {
		int n = gather(s, runs, off, len, e);

		if (n < 0)
			return n;
		for (size_t i = 0, k; i < (size_t)n; i += k) {
			uint64_t done = 0;
			int r;

			k = count_compressed(runs + i, (size_t)n - i);
			if (k) {
				r = qcow2_expand_runs(s, runs + i, k,
						      off & (s->cluster_size - 1), p, e);
			} else {
				k = 1;
				r = read_run(s, &runs[i], p, off, e);
			}
			if (r < 0)
				return r;
			for (size_t j = i; j < i + k; j++)
				done += runs[j].len;
			p += done;
			off += done;
			len -= done;
		}
	}
	return 0;
}

int qcow2_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_rwlock_rdlock(&s->io);
	r = qcow2_read_locked(s, buf, len, off, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}
