/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/str.h"
#include "host/memory.h"
#include "host/words.h"

#include <stdlib.h>
#include <string.h>

#define NODES "/sys/devices/system/node"

int memory_node_parse(const char *text, size_t len, struct memory_node *out, struct err *e)
{
	struct span rest = { text, len }, line, head, word;
	bool total = false;

	while (span_line(&rest, &line)) {
		unsigned long long id, v;

		/* "Node 0 MemTotal:   16318 kB" */
		if (!span_cut(&line, ':', &head) || !span_word(&head, &word) ||
		    !span_is(word, "Node") || !span_word(&head, &word) ||
		    !span_u64(word, UINT32_MAX, &id) || !span_word(&head, &word))
			continue;
		struct span num;

		if (!span_word(&line, &num) || !span_u64(num, UINT64_MAX >> 10, &v))
			continue;
		if (span_is(word, "MemTotal")) {
			out->id = (unsigned)id;
			out->total = v << 10;
			total = true;
		} else if (span_is(word, "MemFree")) {
			out->free = v << 10;
		}
	}
	return total ? 0 : err_set(e, -EINVAL, "no MemTotal");
}

static int read_node(const struct host *h, unsigned id, struct memory_node *out, struct err *e)
{
	struct err mine = { 0 };
	char *path = str_printf(e, NODES "/node%u/meminfo", id);
	char *text = NULL;
	size_t len;
	int r = path ? host_read(h, path, &text, &len, e) : -ENOMEM;

	if (r == 0) {
		r = memory_node_parse(text, len, out, e);
		if (r < 0)
			err_wrap(e, r, "%s", path);
	}
	free(text);
	free(path);
	if (r < 0)
		return r;
	out->id = id;
	path = str_printf(e, NODES "/node%u/cpulist", id);
	if (!path)
		return -ENOMEM;
	r = cpulist_read(h, path, &out->cpus, &mine);
	free(path);
	if (r == -ENOENT) {
		out->cpus.n = 0;
		return 0;
	}
	return r < 0 ? err_set(e, r, "%s", mine.msg) : 0;
}

static int whole_machine(const struct host *h, struct memory_node *out, struct err *e)
{
	struct memory m;
	int r = memory_read(h, &m, e);

	if (r < 0)
		return r;
	out->total = m.total;
	out->free = m.free;
	if (cpulist_read(h, "/sys/devices/system/cpu/online", &out->cpus, NULL) < 0)
		out->cpus.n = 0;
	return 0;
}

static int add_node(struct memory_nodes *m, struct memory_node **out, struct err *e)
{
	int r = mem_grow((void **)&m->v, m->n + 1, sizeof(*m->v), e);

	if (r < 0)
		return r;
	*out = &m->v[m->n++];
	memset(*out, 0, sizeof(**out));
	return 0;
}

int memory_nodes_read(const struct host *h, struct memory_nodes *out, struct err *e)
{
	struct err mine = { 0 };
	struct memory_node *node;
	struct cpulist online;
	int r;

	out->v = NULL;
	out->n = 0;
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no memory");
	r = cpulist_read(h, NODES "/online", &online, &mine);
	if (r == -ENOENT) {
		r = add_node(out, &node, e);
		if (r == 0)
			r = whole_machine(h, node, e);
	} else if (r < 0) {
		err_set(e, r, "%s", mine.msg);
	} else if (cpulist_count(&online) > 4096) {
		/* the kernel's own limit is 1024 */
		r = err_set(e, -EINVAL, NODES "/online: more nodes than any kernel has");
	} else {
		for (size_t i = 0; i < online.n && r == 0; i++)
			for (unsigned id = online.v[i].first; id <= online.v[i].last && r == 0;
			     id++) {
				r = add_node(out, &node, e);
				if (r == 0)
					r = read_node(h, id, node, e);
			}
	}
	if (r < 0)
		memory_nodes_free(out);
	return r;
}

void memory_nodes_free(struct memory_nodes *m)
{
	free(m->v);
	m->v = NULL;
	m->n = 0;
}
