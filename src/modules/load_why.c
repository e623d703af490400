/* SPDX-License-Identifier: MIT */
#include "modules/load_why.h"

#include "host/modprobe_conf.h"
#include "host/virt.h"
#include "modules/context.h"
#include "modules/kvm_vendor.h"

#include <stdio.h>
#include <string.h>

int load_why_config(const struct modules *m, enum modprobe_cmd cmd, const char *name,
		    const char *said, struct err *e)
{
	struct modprobe_conf conf = { 0 };
	const struct modprobe_line *l = NULL;
	char where[128] = "modprobe.d";

	if (modprobe_conf_read(m->h, &conf, NULL) == 0)
		l = modprobe_conf_find(&conf, cmd, name);
	if (l)
		snprintf(where, sizeof(where), "%.100s, line %u", l->file, l->line);
	err_set(e, -EPERM, "load %s: it %s (%s)", name, said, where);
	modprobe_conf_free(&conf);
	return -EPERM;
}

/* module_blacklist= is the kernel's own, and libkmod knows nothing of it. */
static bool on_cmdline(const struct modules *m, const char *name)
{
	struct modprobe_conf conf = { 0 };
	bool found = false;

	if (modprobe_conf_read(m->h, &conf, NULL) == 0)
		for (size_t i = 0; i < conf.n; i++)
			found |= conf.v[i].cmd == MODPROBE_BLACKLIST &&
				 !strcmp(conf.v[i].file, "/proc/cmdline") &&
				 modprobe_same_name(conf.v[i].module, name);
	modprobe_conf_free(&conf);
	return found;
}

int load_why_rights(const struct modules *m, const char *verb, const char *name, struct err *e)
{
	uint64_t off = 0;

	if (host_euid(m->h) != 0)
		return err_set(e, -EPERM, "%s %s: only root can do that", verb, name);
	if (host_read_u64(m->h, "/proc/sys/kernel/modules_disabled", &off, NULL) == 0 && off)
		return err_set(e, -EPERM,
			       "%s %s: switched off until the next boot "
			       "(kernel.modules_disabled)",
			       verb, name);
	if (on_cmdline(m, name))
		return err_set(e, -EPERM, "%s %s: the kernel's command line forbids it", verb,
			       name);
	return err_set(e, -EPERM,
		       "%s %s: the kernel does not permit it here (a container, or lockdown)",
		       verb, name);
}

/* The options that modprobe.d gave to a module that would not have them. */
static int refused_options(const struct modules *m, const char *name, struct err *e)
{
	struct modprobe_conf conf = { 0 };
	struct modprobe_options o = { 0 };
	char given[256] = "";
	size_t used = 0;

	if (modprobe_conf_read(m->h, &conf, NULL) == 0 &&
	    modprobe_options(&conf, name, &o, NULL) == 0) {
		for (size_t i = 0; i < o.n && used < sizeof(given); i++) {
			const char *v = o.v[i].value;

			used += (size_t)snprintf(given + used, sizeof(given) - used, " %s%s%s",
						 o.v[i].param, v ? "=" : "", v ? v : "");
		}
	}
	if (given[0])
		err_set(e, -EINVAL,
			"load %s: it refuses its options:%s; their types: vmod "
			"status -v %s",
			name, given, name);
	else
		err_set(e, -EINVAL, "load %s: it refuses to start; dmesg says why", name);
	modprobe_options_free(&o);
	modprobe_conf_free(&conf);
	return -EINVAL;
}

static int no_kvm(const struct modules *m, const char *name, struct err *e)
{
	struct virt v = { 0 };

	if (!strncmp(name, "kvm", 3) && virt_detect(m->h, &v, NULL) == 0 &&
	    v.state != VIRT_USABLE && v.why[0])
		return err_set(e, -EOPNOTSUPP, "load %s: %s", name, v.why);
	return err_set(e, -EOPNOTSUPP,
		       "load %s: the processor cannot, or its firmware has it switched off",
		       name);
}

int load_why(const struct modules *m, const struct module *mod, int r, struct err *e)
{
	const char *name = mod->name;

	switch (-r) {
	case EPERM:
	case EACCES:
		return load_why_rights(m, "load", name, e);
	case ENOENT:
		return err_set(e, r,
			       "load %s: its firmware or a symbol it needs is not there; dmesg "
			       "says which",
			       name);
	case ENODEV:
	case ENXIO:
		return err_set(e, -ENODEV, "load %s: there is no hardware for it", name);
	case EOPNOTSUPP:
	case EIO:
		return no_kvm(m, name, e);
	case ENOEXEC:
		return err_set(e, r, "load %s: %s was built for another kernel than %s", name,
			       mod->path ? mod->path : "its file", m->release);
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		return err_set(e, r, "load %s: this kernel does not trust its signature", name);
	case EINVAL:
		return refused_options(m, name, e);
	default:
		return err_set(e, r, "load %s: %s", name, strerror(-r));
	}
}

int load_why_not_there(const struct modules *m, const char *name, struct err *e)
{
	struct kvm_vendor v;

	if (!strncmp(name, "kvm_", 4) && kvm_vendor_live(m, &v.live, NULL) == 0 && v.live[0])
		return err_set(e, -EEXIST,
			       "load %s: %s is loaded, and kvm takes one such module at a time",
			       name, v.live);
	return err_set(e, -EIO,
		       "load %s: no error was reported, yet it does not run; dmesg says why",
		       name);
}

int load_why_unknown(const struct modules *m, const char *name, struct err *e)
{
	if (!m->lists)
		return err_set(e, -ENOENT,
			       "load %s: /lib/modules/%s/modules.dep is not there, so nothing "
			       "can be loaded; was the kernel updated since the last boot?",
			       name, m->release);
	return err_set(e, -ENOENT, "load %s: kernel %s has no such module", name, m->release);
}
