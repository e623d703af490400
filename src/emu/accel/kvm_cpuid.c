/* SPDX-License-Identifier: MIT */
/* CPUID of the guest: what KVM can do, and how it is told what the guest shall see. */
#include "base/io.h"
#include "base/mem.h"
#include "emu/accel/kvm.h"

#include <string.h>
#include <sys/ioctl.h>

#define ENTRIES 128u

struct table {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 e[ENTRIES];
};

static const struct kvm_cpuid_entry2 *find(const struct table *t, uint32_t leaf, uint32_t sub)
{
	for (unsigned i = 0; i < t->head.nent && i < ENTRIES; i++)
		if (t->e[i].function == leaf && t->e[i].index == sub)
			return &t->e[i];
	return NULL;
}

int kvm_features(uint32_t feat[FEAT_WORDS], struct err *e)
{
	AUTO_FREE struct table *t = mem_zalloc(1, sizeof(*t), e);
	static const struct {
		uint32_t leaf, sub;
		enum cpuid_word ebx, ecx, edx, eax; /* FEAT_WORDS: not kept */
	} rows[] = {
		{ 1, 0, FEAT_WORDS, FEAT_1_ECX, FEAT_1_EDX, FEAT_WORDS },
		{ 7, 0, FEAT_7_EBX, FEAT_7_ECX, FEAT_7_EDX, FEAT_WORDS },
		{ 0x80000001, 0, FEAT_WORDS, FEAT_8_ECX, FEAT_8_EDX, FEAT_WORDS },
		{ 0x80000008, 0, FEAT_88_EBX, FEAT_WORDS, FEAT_WORDS, FEAT_WORDS },
		{ 0xd, 1, FEAT_WORDS, FEAT_WORDS, FEAT_WORDS, FEAT_D1_EAX },
	};
	uint32_t host[FEAT_WORDS];
	AUTO_CLOSE int fd = kvm_dev(e);

	if (!t || fd < 0)
		return t ? fd : -ENOMEM;
	t->head.nent = ENTRIES;
	if (ioctl(fd, KVM_GET_SUPPORTED_CPUID, t) < 0)
		return err_errno(e, "KVM_GET_SUPPORTED_CPUID");
	memset(feat, 0, FEAT_WORDS * sizeof(*feat));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct kvm_cpuid_entry2 *x = find(t, rows[i].leaf, rows[i].sub);

		if (!x)
			continue;
		if (rows[i].eax < FEAT_WORDS)
			feat[rows[i].eax] = x->eax;
		if (rows[i].ebx < FEAT_WORDS)
			feat[rows[i].ebx] = x->ebx;
		if (rows[i].ecx < FEAT_WORDS)
			feat[rows[i].ecx] = x->ecx;
		if (rows[i].edx < FEAT_WORDS)
			feat[rows[i].edx] = x->edx;
	}
	/* state components that struct x86_cpu has no room for are not offered */
	x86_cpuid_host(host);
	for (unsigned i = 0; i < FEAT_WORDS; i++)
		feat[i] &= host[i];
	feat[FEAT_1_EDX] |= 1u << 9;
	/* MONITOR, x2APIC, deadline: the local APIC is not KVM's */
	feat[FEAT_1_ECX] &= ~(1u << 3 | 1u << 21 | 1u << 24);
	feat[FEAT_1_ECX] |= 1u << 31;
	return 0;
}

static void add(struct table *t, const struct x86_cpuid *c, unsigned index, uint32_t leaf,
		uint32_t sub, bool subs)
{
	const struct x86_cpuid_env env = { .index = index, .apic = true, .xcr0 = c->xcr0 };
	uint32_t r[4];

	if (t->head.nent == ENTRIES)
		return;
	x86_cpuid(c, &env, leaf, sub, r);
	t->e[t->head.nent++] = (struct kvm_cpuid_entry2){
		.function = leaf,
		.index = sub,
		.flags = subs ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = r[0],
		.ebx = r[1],
		.ecx = r[2],
		.edx = r[3],
	};
}

int kvm_set_cpuid(int fd, const struct x86_cpuid *c, unsigned index, struct err *e)
{
	AUTO_FREE struct table *t = mem_zalloc(1, sizeof(*t), e);

	if (!t)
		return -ENOMEM;
	for (uint32_t leaf = 0; leaf <= c->max_leaf && leaf < 0x40; leaf++) {
		bool subs = leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;

		for (uint32_t sub = 0; sub < (subs ? 4u : 1u); sub++)
			add(t, c, index, leaf, sub, subs);
	}
	if (c->hypervisor) {
		for (uint32_t leaf = 0x40000000; leaf <= 0x40000001; leaf++)
			add(t, c, index, leaf, 0, false);
		add(t, c, index, 0x40000010, 0, false);
	}
	for (uint32_t leaf = 0x80000000; leaf <= c->max_ext && leaf < 0x80000040; leaf++)
		add(t, c, index, leaf, 0, false);
	if (ioctl(fd, KVM_SET_CPUID2, t) < 0)
		return err_errno(e, "KVM_SET_CPUID2");
	return 0;
}
