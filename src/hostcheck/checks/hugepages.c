/* SPDX-License-Identifier: MIT */
/* Huge pages: sizes, pools, where they are mounted, and whether that lasts. */
#include "hostcheck/checks/hugepages.h"

#include "host/cmdline.h"
#include "host/sysctl_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hugepages_sizes(struct facts *f, struct finding *out, struct err *e)
{
	char text[128] = "", one[HUGEPAGE_TEXT];
	const struct hugepools *p;
	const struct virt *v;
	size_t used = 0;
	int r = facts_pools(f, &p, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n && used < sizeof(text); i++)
		if (p->v[i].node == HUGEPOOL_ALL)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s",
						 used ? ", " : "",
						 hugepage_text(p->v[i].page, one),
						 p->v[i].page == p->default_page ? " (default)"
										 : "");
	if (!used) {
		found(out, V_INFO, "this kernel has no huge pages");
		return advise(
			out, NULL, R_REBOOT,
			"Guests run with small pages. A kernel with CONFIG_HUGETLBFS has them.");
	}
	if (facts_is_x86(f) && !hugepools_find(p, 1ull << 30, HUGEPOOL_ALL) &&
	    facts_virt(f, &v, NULL) == 0 && v->page_1g == TRI_NO)
		found_item(out, V_INFO, "1G", "the processor has none (pdpe1gb)");
	return found(out, V_OK, "%s", text);
}

/* What the next boot asks for: the command line of the running kernel for each size, sysctl.d
 * for the default one.  0: nothing is said. */
static uint64_t pool_wanted(struct facts *f, const struct hugepools *p, uint64_t page)
{
	struct cmdline_pools pools;
	struct sysctl_conf c = { 0 };
	char *const *words;
	uint64_t want = 0;

	if (facts_cmdline(f, &words, NULL) == 0 && cmdline_pools(*words, &pools, NULL) == 0)
		for (size_t i = 0; i < pools.n; i++)
			if ((pools.v[i].size ? pools.v[i].size : p->default_page) == page &&
			    !pools.v[i].bad)
				want = pools.v[i].count;
	if (page == p->default_page && sysctl_conf_read(f->h, &c, NULL) == 0) {
		const struct sysctl_line *l = sysctl_conf_find(&c, "vm.nr_hugepages");

		if (l)
			want = strtoull(l->value, NULL, 0);
	}
	sysctl_conf_free(&c);
	return want;
}

int hugepages_pool(struct facts *f, struct finding *out, struct err *e)
{
	const struct hugepools *p;
	char page[HUGEPAGE_TEXT], size[BYTES_TEXT];
	uint64_t bytes = 0;
	size_t missing = 0;
	int r = facts_pools(f, &p, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++) {
		const struct hugepool *h = &p->v[i];
		uint64_t want;

		if (h->node != HUGEPOOL_ALL)
			continue;
		want = pool_wanted(f, p, h->page);
		bytes += h->nr * h->page;
		if (!h->nr && !want && !h->overcommit)
			continue;
		if (want > h->nr) {
			missing++;
			found_item(out, V_WARN, hugepage_text(h->page, page),
				   "%llu, of %llu that are asked for at boot",
				   (unsigned long long)h->nr, (unsigned long long)want);
			continue;
		}
		found_item(out, V_OK, hugepage_text(h->page, page),
			   "%llu, %llu of them free, %llu promised", (unsigned long long)h->nr,
			   (unsigned long long)h->free, (unsigned long long)h->resv);
	}
	if (missing) {
		found(out, V_WARN, "%s pages: %s", out->items[0].name, out->items[0].text);
		return advise(
			out, "hugepages.pool", R_REBOOT,
			"The kernel found no more free memory in one piece. Ask for them on the "
			"kernel's command line (hugepagesz= hugepages=), 1G pages always.");
	}
	if (bytes)
		return found(out, V_OK, "%s in huge pages", bytes_text(bytes, size));
	found(out, V_INFO, "none reserved");
	return advise(
		out, "hugepages.pool", R_NOW,
		"Guests with much memory gain 5 to 20 percent. 'vhuge size --guest 4G' says "
		"how many they need.");
}

int hugepages_nodes(struct facts *f, struct finding *out, struct err *e)
{
	bool uneven = false, empty = false;
	char page[HUGEPAGE_TEXT], name[64];
	const struct hugepools *p;
	int r = facts_pools(f, &p, e);

	if (r < 0)
		return r;
	if (p->n_nodes < 2)
		return found(out, V_SKIP, "one node");
	for (size_t i = 0; i < p->n; i++) {
		const struct hugepool *h = &p->v[i];
		const struct hugepool *all = hugepools_find(p, h->page, HUGEPOOL_ALL);

		if (h->node == HUGEPOOL_ALL || !all || !all->nr)
			continue;
		snprintf(name, sizeof(name), "node %d, %s", h->node,
			 hugepage_text(h->page, page));
		found_item(out, h->nr ? V_OK : V_WARN, name, "%llu, %llu free",
			   (unsigned long long)h->nr, (unsigned long long)h->free);
		empty = empty || !h->nr;
		uneven = uneven || h->nr != all->nr / p->n_nodes;
	}
	if (!out->n_items)
		return found(out, V_SKIP, "no pages are reserved");
	if (empty) {
		found(out, V_WARN, "%zu nodes, and a pool that leaves one of them out",
		      p->n_nodes);
		return advise(
			out, "hugepages.pool", R_NOW,
			"A guest on a node without pages takes them from another, across the "
			"bus. Spread them: vhuge reserve --node N, or hugepages=0:N,1:N.");
	}
	return found(out, V_OK, "%zu nodes, %s", p->n_nodes,
		     uneven ? "each with pages of its own" : "evenly spread");
}

static const struct check checks[] = {
	{
		.id = "hugepages.sizes",
		.title = "Sizes of huge pages",
		.why = "Fewer, larger pages make guests' address translation cheap. 1G pages are for "
		       "large guests, where the processor has them.",
		.how = "/sys/kernel/mm/hugepages, and the flag pdpe1gb.",
		.mend = "There is nothing to mend.",
		.run = hugepages_sizes,
		.kernel = true,
	},
	{
		.id = "hugepages.pool",
		.title = "Reserved huge pages",
		.why = "The kernel takes any number that is asked for and reserves what it can: "
		       "1G pages at run time mostly none. A guest that finds too few dies.",
		.how = "nr, free and reserved pages of each size, against the kernel's command line "
		       "and vm.nr_hugepages of sysctl.d.",
		.mend = "Fewer pages, or a reservation at boot.",
		.run = hugepages_pool,
		.kernel = true,
		.moving = true,
	},
	{
		.id = "hugepages.nodes",
		.title = "Huge pages on every memory node",
		.why = "A guest is fastest with processors and memory of one node.",
		.how = "/sys/devices/system/node/node*/hugepages.",
		.mend = "A pool for each node.",
		.run = hugepages_nodes,
		.kernel = true,
		.moving = true,
	},
	{
		.id = "hugepages.mount",
		.title = "Mount of huge pages",
		.why = "QEMU with -mem-path /dev/hugepages makes a plain file of the guest's size "
		       "where nothing is mounted, in the host's memory.",
		.how = "/proc/self/mountinfo, and statfs: type 0x958458f6 and the page size; the "
		       "folder's group and mode for the user.",
		.mend = "mount -t hugetlbfs, and a line in /etc/fstab with a numeric gid and mode=1770.",
		.run = hugepages_mount,
		.kernel = true,
	},
	{
		.id = "hugepages.fstab",
		.title = "Mount of huge pages lasts",
		.why = "A line that mount refuses (gid= without a number, pagesize=2048 without "
		       "a unit) shows at the next start only.",
		.how = "Each hugetlbfs line of /etc/fstab against what the kernel takes and what is "
		       "mounted.",
		.mend = "hugetlbfs /dev/hugepages hugetlbfs pagesize=2M,mode=1770,gid=34 0 0",
		.run = hugepages_fstab,
	},
	{ 0 },
};

const struct check_group checks_hugepages = { "hugepages", "Huge pages", checks };
