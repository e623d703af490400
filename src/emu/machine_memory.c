/* SPDX-License-Identifier: MIT */
/* The guest's memory: from where, and at which addresses. */
#include "emu/machine.h"

#include <string.h>

#define GIB4 (UINT64_C(1) << 32)

static struct mem_source memory_source(const struct machine_config *c)
{
	struct mem_source from = { .path = c->mem_path,
				   .prealloc = c->prealloc,
				   .overcommit = !c->prealloc,
				   .merge = c->mem_merge,
				   .out_of_dumps = c->no_guest_dump };

	for (unsigned i = 0; c->memory_backend && i < c->memories; i++) {
		const struct config_memory *b = &c->memory[i];

		if (strcmp(b->id, c->memory_backend) != 0)
			continue;
		from = (struct mem_source){ .path = b->path,
					    .memfd = b->memfd,
					    .shared = b->shared,
					    .prealloc = b->prealloc || c->prealloc,
					    .overcommit = b->overcommit,
					    .huge = b->huge,
					    .page = b->page,
					    .unsealed = b->unsealed,
					    .merge = b->merge || c->mem_merge,
					    .out_of_dumps =
						    b->out_of_dumps || c->no_guest_dump };
	}
	return from;
}

static int alloc_memory(struct machine *m, uint64_t size, struct err *e)
{
	const struct mem_source from = memory_source(m->config);
	int r = mem_source_alloc(size, &from, &m->ram_bytes, e);

	m->ram = m->ram_bytes.host;
	return r;
}

int machine_memory(struct machine *m, struct err *e)
{
	uint64_t size = m->config->mem, most = m->config->kind == MACHINE_Q35
						       ? UINT64_C(0xb0000000)
						       : UINT64_C(0xe0000000);
	int r;

	/* where a part lies above 4 GiB, the hole for devices is made larger */
	m->low_ram = size <= most ? size
				  : (m->config->kind == MACHINE_Q35 ? UINT64_C(0x80000000)
								    : UINT64_C(0xc0000000));
	m->high_ram = size - m->low_ram;
	r = mem_new(&m->mem, e);
	if (r == 0)
		r = alloc_memory(m, size, e);
	if (r == 0)
		r = mem_map(m->mem, 0, m->low_ram, m->ram, true, e);
	if (r == 0 && m->high_ram)
		r = mem_map(m->mem, GIB4, m->high_ram, m->ram + m->low_ram, true, e);
	if (r < 0)
		return r;
	m->map[m->map_n++] = (struct e820){ 0, 0x9fc00, E820_RAM };
	m->map[m->map_n++] = (struct e820){ 0x9fc00, 0x400, E820_RESERVED };
	m->map[m->map_n++] = (struct e820){ 0xe0000, 0x20000, E820_RESERVED };
	m->map[m->map_n++] = (struct e820){ 1 << 20, m->low_ram - (1 << 20), E820_RAM };
	if (m->config->kind == MACHINE_Q35)
		m->map[m->map_n++] = (struct e820){ 0xb0000000, 256 << 20, E820_RESERVED };
	if (m->high_ram)
		m->map[m->map_n++] = (struct e820){ GIB4, m->high_ram, E820_RAM };
	return 0;
}
