/* SPDX-License-Identifier: MIT */
/* Specification 5.4. */
#include "emu/virtio/rng.h"

#include "base/mem.h"

#include <stdlib.h>
#include <sys/random.h>

#define AT_MOST 256u /* bytes a request: getrandom() gives so many without waiting */

/* In the vCPU's thread: it is short. */
static void kick(struct virtio *v, unsigned n)
{
	struct virtq *q = &v->q[n];
	struct virtq_chain *c = malloc(sizeof(*c));

	if (!c)
		return;
	do {
		while (virtq_pop(q, c) > 0) {
			uint8_t buf[AT_MOST];
			ssize_t got = getrandom(buf, sizeof(buf), 0);
			size_t len = got > 0 ? (size_t)got : 0;

			len = len < c->in_len ? len : c->in_len;
			virtq_push(q, c, (uint32_t)virtq_write(v, c, 0, buf, len));
		}
	} while (virtq_arm(q));
	free(c);
}

static const struct virtio_ops ops = { .id = 4,
				       .legacy = 0x1005,
				       .class = 0x00ff00,
				       .name = "virtio-rng",
				       .kick = kick };

int virtio_rng_new(struct virtio **out, struct pci *p, struct mem *m,
		   const struct config_pci *where, struct err *e)
{
	struct virtio *v = mem_zalloc(1, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	v->ops = &ops;
	v->queues = 1;
	r = virtio_add(v, p, m, where, e);
	if (r < 0) {
		free(v);
		return r;
	}
	*out = v;
	return 0;
}

void virtio_rng_free(struct virtio *v)
{
	if (!v)
		return;
	virtio_remove(v);
	free(v);
}
