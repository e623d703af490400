/* SPDX-License-Identifier: MIT */
#include "emu/options.h"

#include "base/mem.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>

int options_string(char **to, const char *s, struct err *e)
{
	char *copy = mem_strdup(s, e);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

int options_take(struct optset *o, const char *key, char **to, struct err *e)
{
	const char *v = optset_get(o, key);

	return v ? options_string(to, v, e) : 0;
}

int options_all_used(const struct optset *o, const char *option, struct err *e)
{
	const char *k = optset_unused(o);

	return k ? err_set(e, -EINVAL, "%s has no '%s'", option, k) : 0;
}

static const struct option_group *const groups[] = {
	&options_run,     &options_machine, &options_boot,    &options_char,
	&options_chardev, &options_object,  &options_disk,    &options_dev,
	&options_actions, &options_display, &options_refused,
};

const struct option_row *options_row(unsigned i)
{
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		for (const struct option_row *o = groups[g]->rows; o->name; o++)
			if (!i--)
				return o;
	return NULL;
}

const struct option_row *options_find(const char *name)
{
	const struct option_row *o;

	for (unsigned i = 0; (o = options_row(i)); i++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static int call(struct parse *p, const struct option_row *o, const char *value, struct err *e)
{
	AUTO_FREE char *clean = NULL;
	int r = value ? options_check(p, o, value, &clean, e) : 0;

	/* all of it said what is so anyway */
	if (r < 0 || *p->ask != OPTIONS_RUN || (clean && !*clean))
		return r;
	return o->fn(p, clean ? clean : value, e);
}

static int known(const char *name, const struct option_row **o, struct err *e)
{
	*o = options_find(name);
	if (!*o)
		return err_set(e, -EINVAL, "there is no option '-%s'", name);
	if ((*o)->refused)
		return err_set(e, -ENOTSUP, "-%s is not supported: %s", name, (*o)->refused);
	return 0;
}

int options_one(struct parse *p, const char *name, const char *value, struct err *e)
{
	const struct option_row *o;
	int r = known(name, &o, e);

	if (r == 0 && !o->arg != !value)
		r = err_set(e, -EINVAL, value ? "-%s takes no value" : "-%s needs a value",
			    name);
	return r < 0 ? r : call(p, o, value, e);
}

static int one(struct parse *p, int argc, char **argv, int *i, struct err *e)
{
	const char *name = argv[*i];
	const struct option_row *o;
	int r;

	/* a file alone is the disk */
	if (name[0] != '-' || !name[1])
		return options_hda(p, name, e);
	r = known(name + (name[1] == '-' ? 2 : 1), &o, e);
	if (r < 0)
		return r;
	if (!o->arg)
		return call(p, o, NULL, e);
	if (*i + 1 >= argc)
		return err_set(e, -EINVAL, "-%s needs an argument: %s", o->name, o->arg);
	return call(p, o, argv[++*i], e);
}

int options_parse(int argc, char **argv, int64_t now, struct machine_config *c,
		  struct options_answer *a, struct err *e)
{
	struct parse *p = mem_zalloc(1, sizeof(*p), e);
	int r = 0;

	if (!p)
		return -ENOMEM;
	*c = (struct machine_config){ .smp = 1,
				      .cores = 1,
				      .threads = 1,
				      .mem = 128 << 20,
				      .rtc_base = now,
				      .debugcon_port = 0xe9,
				      .boot = { .splash_time = -1, .reboot_timeout = -1 } };
	*a = (struct options_answer){ .ask = OPTIONS_RUN };
	p->c = c;
	p->ask = &a->ask;
	p->about = &a->about;
	p->kind = &a->kind;
	p->now = now;
	for (int i = 1; i < argc && r == 0 && a->ask == OPTIONS_RUN; i++)
		r = one(p, argc, argv, &i, e);
	if (r == 0 && a->ask == OPTIONS_RUN)
		r = options_char_defaults(p, e);
	if (r == 0 && a->ask == OPTIONS_RUN)
		r = options_display_finish(p, e);
	if (r == 0 && a->ask == OPTIONS_RUN)
		r = options_finish(p, e);
	if (r == 0 && a->ask == OPTIONS_RUN)
		r = options_chardevs_finish(p, e);
	if (r == 0 && a->ask == OPTIONS_RUN)
		r = options_objects_finish(p, e);
	options_parse_free(p);
	free(p);
	return r;
}

void options_free(struct machine_config *c)
{
	char *const all[] = { c->memory_backend, c->accel_opts, c->log_file, c->process,
			      c->chroot,         c->cpu,        c->mem_path, c->kernel,
			      c->initrd,         c->append,     c->gdb,      c->name,
			      c->uuid,           c->runas,      c->pidfile };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i]);
	options_boot_free(c);
	options_chardevs_free(c);
	options_objects_free(c);
	for (unsigned i = 0; i < c->disks; i++)
		options_free_disk(&c->disk[i]);
	for (unsigned i = 0; i < c->nodes; i++)
		options_free_disk(&c->node[i]);
	for (unsigned i = 0; i < c->scsis; i++)
		free(c->scsi[i]);
	for (unsigned i = 0; i < c->nets; i++)
		options_free_net(&c->net[i]);
	for (unsigned i = 0; i < c->netdevs; i++)
		options_free_net(&c->netdev[i]);
	for (unsigned i = 0; i < c->devices; i++)
		options_free_device(&c->device[i]);
	*c = (struct machine_config){ 0 };
}
