/* SPDX-License-Identifier: MIT */
#include "host/pci.h"
#include "host/pci_use.h"

#include <string.h>

/* Buses are nested 256 deep at most. */
#define DEPTH_MAX 256

static const struct pci_dev *at(const struct pci_devs *l, uint32_t domain, const char *parent,
				uint8_t bus, uint8_t dev, uint8_t fn)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct pci_dev *d = &l->v[i];

		if (d->domain != domain || d->dev != dev || d->fn != fn)
			continue;
		if (parent ? !strcmp(d->parent, parent) : d->bus == bus)
			return d;
	}
	return NULL;
}

static bool is_below(const struct pci_devs *l, const struct pci_dev *d,
		     const struct pci_dev *bridge)
{
	for (unsigned i = 0; d && i < DEPTH_MAX; i++) {
		if (d == bridge)
			return true;
		d = d->parent[0] ? pci_find(l, d->parent) : NULL;
	}
	return false;
}

bool pci_in_scope(const struct pci_devs *l, uint16_t segment, const struct dmar_scope *scope,
		  const struct pci_dev *d)
{
	const struct pci_dev *to = NULL;

	if (scope->type != DMAR_SCOPE_ENDPOINT && scope->type != DMAR_SCOPE_BRIDGE)
		return false;
	for (unsigned i = 0; i < scope->depth && (i == 0 || to); i++)
		to = at(l, segment, i ? to->addr : NULL, scope->bus, scope->path[i].dev,
			scope->path[i].fn);
	if (!to)
		return false;
	return scope->type == DMAR_SCOPE_BRIDGE ? is_below(l, d, to) : to == d;
}

/* Linux lets go of the ranges of graphics and USB: firmware uses them before the system
 * runs only. */
static bool is_relaxable(const struct pci_dev *d)
{
	return d->class >> 16 == 0x03 || d->class >> 8 == 0x0c03;
}

static bool has_rmrr(const struct pci_devs *l, const struct dmar *dmar, const struct pci_dev *d)
{
	if (is_relaxable(d))
		return false;
	for (size_t i = 0; i < dmar->n; i++) {
		const struct dmar_part *p = &dmar->parts[i];

		for (size_t k = 0; p->kind == DMAR_RMRR && k < p->n_scopes; k++)
			if (pci_in_scope(l, p->segment, &p->scopes[k], d))
				return true;
	}
	return false;
}

static bool has_direct_region(const struct iommu_group *g)
{
	for (size_t i = 0; g && i < g->n_regions; i++)
		if (!strcmp(g->regions[i].type, "direct"))
			return true;
	return false;
}

/* Is to go to a guest as well, and the host can do without it. */
static bool is_given(const struct pci_view *v, const struct pci_dev *d)
{
	for (size_t i = 0; i < v->n_given; i++)
		if (!strcmp(v->given[i], d->addr))
			return !pci_use_of(v->uses, d->addr);
	return false;
}

/* A member without a driver does no DMA; a bridge's driver leaves it to the owner. */
static bool blocks(const struct pci_view *v, const struct pci_dev *member)
{
	return !pci_is_bridge(member) && member->driver[0] &&
	       !pci_driver_yields(member->driver) && !is_given(v, member);
}

static void judge_group(const struct pci_view *v, const struct pci_dev *d,
			struct pci_verdict *out)
{
	for (size_t i = 0; i < v->devs->n; i++) {
		const struct pci_dev *member = &v->devs->v[i];

		if (member->group != d->group)
			continue;
		out->members += !pci_is_bridge(member);
		if (member != d && blocks(v, member) && !out->blocker) {
			out->blocker = member;
			out->why |= PCI_GROUP;
		}
	}
}

void pci_verdict(const struct pci_view *v, const struct pci_dev *d, struct pci_verdict *out)
{
	const struct iommu *m = v->iommu;
	const struct iommu_group *g = d->group >= 0 ? iommu_group(m, (unsigned)d->group) : NULL;

	memset(out, 0, sizeof(*out));
	if (pci_is_bridge(d) || d->class >> 8 == 0x0600)
		out->why |= PCI_IS_BRIDGE;
	out->use = pci_use_of(v->uses, d->addr);
	if (out->use)
		out->why |= PCI_HOST;
	if (d->group < 0 || (g && g->fake))
		out->why |= PCI_NO_IOMMU;
	if (d->group >= 0)
		judge_group(v, d, out);
	if (has_direct_region(g) || (v->dmar && has_rmrr(v->devs, v->dmar, d)))
		out->why |= PCI_RMRR;
	else if (g && g->regions_unknown[0])
		out->why |= PCI_UNSURE;
	if (!pci_driver_yields(d->driver) || !strcmp(d->driver, "pci-stub"))
		out->why |= PCI_UNBOUND;
	if (d->reset_known && !d->resets)
		out->why |= PCI_NO_RESET;
	if ((m->remap == IOMMU_REMAP_NONE || m->remap == IOMMU_REMAP_OFF) &&
	    !m->unsafe_interrupts)
		out->why |= PCI_NO_REMAP;
}
