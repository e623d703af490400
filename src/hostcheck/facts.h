/* SPDX-License-Identifier: MIT */
/*
 * What checks read, each thing once: a fact is read when the first check asks for it, and all
 * later ones see the same.  A fact that could not be read stays so, with its error.
 *
 *	const struct virt *v;
 *	int r = facts_virt(f, &v, e);
 *
 * Facts belong to the struct facts.  One thread.
 */
#ifndef HOSTCHECK_FACTS_H
#define HOSTCHECK_FACTS_H

#include "host/bootloader.h"
#include "host/cpuinfo.h"
#include "host/distro.h"
#include "host/fstab.h"
#include "host/iommu.h"
#include "host/kernels.h"
#include "host/kvm.h"
#include "host/memory.h"
#include "host/modprobe_conf.h"
#include "host/modules_load.h"
#include "host/mounts.h"
#include "host/pci.h"
#include "host/pci_use.h"
#include "host/security.h"
#include "host/users.h"
#include "host/virt.h"
#include "hostcheck/check.h"
#include "hugepages/mount.h"
#include "hugepages/pools.h"
#include "modules/kvm_vendor.h"
#include "modules/module.h"

/* One line for each fact: name, type, what reads it, what frees it. */
#define FACTS(X)                                                                  \
	X(cpuinfo, struct cpuinfo, cpuinfo_read, cpuinfo_free)                    \
	X(virt, struct virt, virt_detect, facts_keep_virt)                        \
	X(kvm, struct kvm, kvm_probe, facts_keep_kvm)                             \
	X(users, struct users, users_read, users_free)                            \
	X(ids, struct process_ids, process_ids_read, facts_free_ids)              \
	X(mounts, struct mounts, mounts_read, mounts_free)                        \
	X(fstab, struct fstab, fstab_read, fstab_free)                            \
	X(iommu, struct iommu, iommu_read, iommu_free)                            \
	X(dmar, struct dmar, dmar_read, dmar_free)                                \
	X(pci, struct pci_devs, pci_read, pci_free)                               \
	X(pci_uses, struct pci_uses, pci_uses_read, pci_uses_free)                \
	X(bootloader, struct bootloader, bootloader_read, bootloader_free)        \
	X(modprobe, struct modprobe_conf, modprobe_conf_read, modprobe_conf_free) \
	X(loads, struct modules_load, modules_load_read, modules_load_free)       \
	X(distro, struct distro, distro_read, facts_keep_distro)                  \
	X(memory, struct memory, memory_read, facts_keep_memory)                  \
	X(nodes, struct memory_nodes, memory_nodes_read, memory_nodes_free)       \
	X(kernels, struct kernels, kernels_read, kernels_free)                    \
	X(security, struct security, security_read, security_free)                \
	X(modules, struct modules *, modules_open, facts_close_modules)           \
	X(vendor, struct kvm_vendor, facts_read_vendor, facts_keep_vendor)        \
	X(pools, struct hugepools, hugepools_read, hugepools_free)                \
	X(hugemounts, struct hugemounts, hugemounts_read, hugemounts_free)        \
	X(cmdline, char *, cmdline_read, facts_free_text)

struct facts {
	const struct host *h;
	const struct check_opts *o;
	struct facts_store *store; /* private */
};

int facts_open(const struct host *h, const struct check_opts *o, struct facts **out,
	       struct err *e) MUST_CHECK;
void facts_close(struct facts *f);

#define FACTS_DECLARE(name, type, read, release) \
	int facts_##name(struct facts *f, type const **out, struct err *e) MUST_CHECK;
FACTS(FACTS_DECLARE)
#undef FACTS_DECLARE

/* Release of the running kernel, "" where none runs. */
const char *facts_kernel(struct facts *f);
/* i386, x86_64, arm, aarch64. */
bool facts_is_guest(const char *arch);
/* x86, of 32 or 64 bits; arm64. */
bool facts_is_x86(const struct facts *f);
bool facts_is_arm64(const struct facts *f);

#endif
