/* SPDX-License-Identifier: MIT */
/* The host's memory: how much, how it is shared and kept. */
#include "base/size.h"
#include "host/sysattr.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <string.h>

static int memory_size(struct facts *f, struct finding *out, struct err *e)
{
	char total[BYTES_TEXT], avail[BYTES_TEXT];
	const struct memory_nodes *n;
	const struct memory *m;
	int r = facts_memory(f, &m, e);

	if (r == 0)
		r = facts_nodes(f, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; n->n > 1 && i < n->n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "node %u", n->v[i].id);
		found_item(out, V_INFO, name, "%s, %llu processor%s",
			   bytes_text(n->v[i].total, total),
			   (unsigned long long)cpulist_count(&n->v[i].cpus),
			   plural(cpulist_count(&n->v[i].cpus)));
	}
	return found(out, V_INFO, "%s, %s available, %zu node%s", bytes_text(m->total, total),
		     bytes_text(m->available, avail), n->n, plural(n->n));
}

static int memory_ksm(struct facts *f, struct finding *out, struct err *e)
{
	struct sys_ksm k;
	int r = sysattr_ksm(f->h, &k, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "not in this kernel");
	if (r < 0)
		return r;
	if (k.run != 1)
		return found(out, V_OK, "off%s", k.run == 2 ? ", and all unshared" : "");
	found_item(out, V_INFO, "sharing", "%llu pages instead of %llu",
		   (unsigned long long)k.pages_shared,
		   (unsigned long long)(k.pages_shared + k.pages_sharing));
	found(out, V_INFO, "on");
	return advise(
		out, "memory.ksm", R_NOW,
		"Equal pages of guests are kept once. A guest can find out by timing what "
		"others hold: switch it off (run=2) if guests do not trust each other.");
}

static int memory_thp(struct facts *f, struct finding *out, struct err *e)
{
	struct sys_thp t;
	int r = sysattr_thp(f->h, &t, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "not in this kernel");
	if (r < 0)
		return r;
	if (t.defrag.active[0])
		found_item(out, V_INFO, "defrag", "%s", t.defrag.active);
	if (t.shmem.active[0])
		found_item(out, V_INFO, "shmem", "%s: memory of guests that is a memfd",
			   t.shmem.active);
	if (!t.enabled.active[0])
		return err_set(e, -EINVAL, "transparent_hugepage/enabled marks no word");
	if (strcmp(t.enabled.active, "never"))
		return found(out, V_OK, "%s", t.enabled.active);
	found(out, V_WARN, "never");
	return advise(
		out, "memory.thp", R_NOW,
		"Guests whose memory is not in reserved huge pages are slower so: echo madvise "
		"> /sys/kernel/mm/transparent_hugepage/enabled (QEMU asks for them).");
}

static int memory_reserve(struct facts *f, struct finding *out, struct err *e)
{
	char size[BYTES_TEXT], want[BYTES_TEXT];
	const struct memory *m;
	uint64_t low;
	int r = facts_memory(f, &m, e);

	if (r < 0)
		return r;
	if (!m->min_free)
		return found(out, V_SKIP, "the kernel does not tell");
	/* A thousandth of what is not in huge pages: below that, bursts of network traffic for
	 * guests find no free pages. */
	low = (m->total - (m->hugetlb < m->total ? m->hugetlb : m->total)) / 1000;
	if (m->min_free >= low)
		return found(out, V_OK, "%s kept free", bytes_text(m->min_free, size));
	found(out, V_INFO, "%s kept free", bytes_text(m->min_free, size));
	return advise(
		out, "kernel.sysctl", R_NOW,
		"Little for this much memory; %s (vm.min_free_kbytes=%llu) helps where the "
		"kernel's log tells of page allocation failures.",
		bytes_text(low, want), (unsigned long long)(low / 1024));
}

static int memory_shm(struct facts *f, struct finding *out, struct err *e)
{
	static const char group[] = "/proc/sys/vm/hugetlb_shm_group";
	static const char shmmax[] = "/proc/sys/kernel/shmmax";
	uint64_t max = 0, gid = 0;
	char size[BYTES_TEXT];

	(void)e;
	if (!attr_u64(f, shmmax, &max))
		return found(out, V_SKIP, "the kernel does not tell");
	if (attr_u64(f, group, &gid))
		found_item(out, V_INFO, "hugetlb_shm_group", "%llu", (unsigned long long)gid);
	if (max >= (uint64_t)1 << 40)
		return found(out, V_INFO, "no limit that matters");
	return found(out, V_INFO, "at most %s in a segment", bytes_text(max, size));
}

static int memory_swap(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const dirty[] = { "dirty_ratio", "dirty_bytes",
					     "dirty_background_ratio",
					     "dirty_background_bytes" };
	struct memory_swaps s;
	char size[BYTES_TEXT];
	uint64_t v = 0, total = 0;
	bool disk = false;
	int r = memory_swaps_read(f->h, &s, e);

	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 0; r == 0 && i < s.n; i++) {
		total += s.v[i].size;
		disk = disk || !s.v[i].zram;
		found_item(out, V_INFO, s.v[i].path, "%s%s", bytes_text(s.v[i].size, size),
			   s.v[i].zram ? ", compressed memory" : "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirty); i++) {
		char path[64];
		uint64_t d;

		snprintf(path, sizeof(path), "/proc/sys/vm/%s", dirty[i]);
		if (attr_u64(f, path, &d) && d)
			found_item(out, V_INFO, dirty[i], "%llu", (unsigned long long)d);
	}
	if (!total)
		return found(out, V_INFO, "none");
	if (!attr_u64(f, "/proc/sys/vm/swappiness", &v))
		return found(out, V_INFO, "%s", bytes_text(total, size));
	found(out, V_INFO, "%s, swappiness %llu", bytes_text(total, size),
	      (unsigned long long)v);
	if (disk && v > 30)
		return advise(
			out, "kernel.sysctl", R_NOW,
			"Guests' memory goes to disk early: vm.swappiness=10 suits a host "
			"better.");
	return 0;
}

static int memory_overcommit(struct facts *f, struct finding *out, struct err *e)
{
	uint64_t v;
	int r = host_read_u64(f->h, "/proc/sys/vm/overcommit_memory", &v, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "the kernel does not tell");
	if (r < 0)
		return r;
	if (v != 2)
		return found(out, V_OK, "%s", v == 1 ? "always granted" : "by estimate");
	found(out, V_WARN, "strict");
	return advise(
		out, "kernel.sysctl", R_NOW,
		"Guests whose memory is not used yet count in full, and later ones do not "
		"start. vm.overcommit_memory=0 unless this is what you want.");
}

static const struct check checks[] = {
	{
		.id = "memory.size",
		.title = "Memory and its nodes",
		.why = "It bounds how many guests fit, and a guest is fastest on one node.",
		.how = "/proc/meminfo and /sys/devices/system/node.",
		.mend = "There is nothing to mend.",
		.run = memory_size,
		.kernel = true,
		.moving = true,
	},
	{
		.id = "memory.ksm",
		.title = "Sharing of equal pages (KSM)",
		.why = "It saves memory among like guests, costs processor time, and lets one guest "
		       "learn by timing what another holds.",
		.how = "/sys/kernel/mm/ksm.",
		.mend = "run=1 to switch on, run=2 to switch off and unshare.",
		.run = memory_ksm,
		.kernel = true,
	},
	{
		.id = "memory.thp",
		.title = "Transparent huge pages",
		.why = "They give guests most of what reserved huge pages give, without reserving.",
		.how = "/sys/kernel/mm/transparent_hugepage; the word in brackets holds; "
		       "enabled for guests' memory, shmem_enabled where that is a memfd.",
		.mend = "madvise or always; for a memfd advise.",
		.run = memory_thp,
		.kernel = true,
	},
	{
		.id = "memory.reserve",
		.title = "Memory the kernel keeps free",
		.why = "Packets and disk requests of guests need pages at once, when the kernel cannot "
		       "wait for any.",
		.how = "vm.min_free_kbytes against the memory that is not in huge pages.",
		.mend = "sysctl.",
		.run = memory_reserve,
		.kernel = true,
	},
	{
		.id = "memory.shm",
		.title = "Shared memory limits",
		.why = "Old programs put guests' memory into System V segments.",
		.how = "kernel.shmmax and vm.hugetlb_shm_group.",
		.mend = "There is nothing to mend for QEMU.",
		.run = memory_shm,
		.kernel = true,
	},
	{
		.id = "memory.swap",
		.title = "Swap and write-back",
		.why = "A guest whose memory went to disk stands still. Without any swap the kernel "
		       "ends a guest instead.",
		.how = "/proc/swaps, vm.swappiness, vm.dirty_*.",
		.mend = "vm.swappiness.",
		.run = memory_swap,
		.kernel = true,
	},
	{
		.id = "memory.overcommit",
		.title = "Granting of memory",
		.why = "Guests rarely use all they have. Strict accounting refuses memory that is "
		       "there.",
		.how = "vm.overcommit_memory.",
		.mend = "sysctl.",
		.run = memory_overcommit,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_memory = { "memory", "Memory", checks };
