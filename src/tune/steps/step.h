/* SPDX-License-Identifier: MIT */
/*
 * What the steps share.  A step looks at the host as the plan so far will leave it: texts and
 * accounts are read through the plan.  Where something can only be done by a person, or
 * must not be done, it leaves a note and goes on; an error is a fault of the machine's or
 * of ours.
 */
#ifndef TUNE_STEPS_STEP_H
#define TUNE_STEPS_STEP_H

#include "host/distro.h"
#include "host/users.h"
#include "tune/kind.h"
#include "tune/plan.h"
#include "tune/profile.h"

extern const struct step step_packages, step_users_accounts, step_users_members,
	step_modules_nested, step_modules_vhost, step_modules_load, step_nodes_vhost,
	step_bridge_conf, step_bridge_helper, step_bridge_interface, step_kernel_cmdline,
	step_kernel_sysctl, step_hugepages_pool, step_hugepages_mount, step_memory_ksm,
	step_memory_thp, step_cpu_governor, step_vfio_bind, step_limits_memlock,
	step_services_boot, step_host_diskless;

/* What every step works with. */
struct stepping {
	const struct host *h;
	const struct profile *p;
	struct plan *plan;
	const char *step; /* its id */
};

/* Adds a change as plan_amend() does; 0 or a negative errno. */
#define STEP_CHANGE(s, kind, target, value, when, e, ...)                                \
	step_done(plan_amend((s)->plan, (s)->h, kind, (s)->step, target, value, when, e, \
			     __VA_ARGS__))
#define STEP_NOTE(s, blocks, e, ...) plan_note((s)->plan, (s)->step, blocks, e, __VA_ARGS__)

static inline int step_done(int r)
{
	return r < 0 ? r : 0;
}

/* Changes of one file that this step made one after the other, from plan->v[@from] on, become
 * one: the reader sees each file once.  Returns @r, or the failure. */
int step_fold(const struct stepping *s, size_t from, int r, struct err *e) MUST_CHECK;

/* Text of @path once the plan is done, NULL if there is none; free() it. */
int step_text(const struct stepping *s, const char *path, char **text, struct err *e)
	MUST_CHECK;
/* Accounts as the files will be; of accounts that are made by tools step_gid() knows. */
int step_users(const struct stepping *s, struct users *out, struct err *e) MUST_CHECK;
/* -ENOENT: no such group, and none planned. */
int step_gid(const struct stepping *s, const char *group, uint32_t *gid, struct err *e)
	MUST_CHECK;
/*
 * The group whose members may use what guests need: qemu on Alpine, whose packages make it
 * and have the helper and bridge.conf belong to it; elsewhere qemu if it is there, or else kvm,
 * which udev makes and which libvirt's account is a member of.
 */
int step_guest_group(const struct stepping *s, const char **group, struct err *e) MUST_CHECK;
/* The distribution is Alpine or made of it; Debian likewise. */
bool step_alpine(const struct distro *d);
bool step_debian(const struct distro *d);

#endif
