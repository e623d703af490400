/* SPDX-License-Identifier: MIT */
#include "img/units.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/threads.h"

#include <stdatomic.h>

enum { THREADS_MAX = 16, MEMORY_MAX = 32 << 20 };

struct run {
	const struct units *u;
	_Atomic uint64_t next; /* offset of the next stretch */
	_Atomic bool failed;
};

static int work(void *arg, unsigned worker, struct err *e)
{
	struct run *run = arg;
	const struct units *u = run->u;
	AUTO_FREE uint8_t *buf = mem_aligned(4096, u->buffer, e);
	int r = buf ? 0 : -ENOMEM;

	while (r == 0 && !run->failed) {
		uint64_t off = atomic_fetch_add(&run->next, u->unit);

		if (off >= u->size)
			break;
		r = u->work(u->arg, buf, off, min_u64(off + u->unit, u->size), e);
	}
	if (r < 0)
		run->failed = true;
	return r;
}

int units_run(const struct units *u, struct err *e)
{
	struct run run = { .u = u };
	uint64_t stretches = div_up(u->size, u->unit);
	unsigned n = u->threads ? u->threads : threads_cpus();

	n = n > THREADS_MAX ? THREADS_MAX : n;
	n = (unsigned)min_u64(n, max_u64(1, MEMORY_MAX / u->buffer));
	n = (unsigned)min_u64(n, max_u64(1, stretches));
	return threads_run(n, work, &run, e);
}
