/* SPDX-License-Identifier: MIT */
/* Memory that the guest gives back. */
#include "emu/machine.h"
#include "emu/mem.h"
#include "emu/virtio/balloon.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u

void machine_give_back(struct machine *m, uint64_t gpa, uint64_t len)
{
	while (len) {
		struct mem_slot s;
		uint64_t n = PAGE;

		if (mem_slot_at(m->mem, gpa, &s)) {
			uint8_t *p = s.host + (gpa - s.gpa);

			n = s.size - (gpa - s.gpa) < len ? s.size - (gpa - s.gpa) : len;
			/* never what is not the guest's own: firmware, a device's memory */
			if (s.writable && p >= m->ram &&
			    n <= (uint64_t)(m->ram + m->config->mem - p)) {
				/* of shared memory a hole, of private memory the pages */
				if (madvise(p, (size_t)n, MADV_REMOVE) < 0 &&
				    madvise(p, (size_t)n, MADV_DONTNEED) < 0)
					return;
				mem_written(m->mem, gpa, n);
			}
		}
		if (gpa + n < gpa)
			return;
		gpa += n;
		len -= n;
	}
}

void machine_ballooned(struct machine *m, uint64_t bytes)
{
	uint64_t left = bytes < m->config->mem ? m->config->mem - bytes : 0;
	char text[48];

	snprintf(text, sizeof(text), "{\"actual\": %llu}", (unsigned long long)left);
	machine_event_soon(m, "BALLOON_CHANGE", strdup(text));
}

static struct virtio_balloon *balloon(struct machine *m, struct err *e)
{
	struct virtio_balloon *b = pc_balloon(m);

	if (!b)
		err_set(e, -ENODEV, "No balloon device has been activated");
	return b;
}

int machine_balloon(struct machine *m, uint64_t bytes, struct err *e)
{
	struct virtio_balloon *b = balloon(m, e);
	uint64_t all = m->config->mem;

	if (!b)
		return -ENODEV;
	virtio_balloon_want(b, bytes < all ? (uint32_t)((all - bytes) / PAGE) : 0);
	return 0;
}

int machine_balloon_now(struct machine *m, uint64_t *bytes, struct err *e)
{
	struct virtio_balloon *b = balloon(m, e);
	uint64_t in;

	if (!b)
		return -ENODEV;
	in = (uint64_t)virtio_balloon_pages(b) * PAGE;
	*bytes = in < m->config->mem ? m->config->mem - in : 0;
	return 0;
}
