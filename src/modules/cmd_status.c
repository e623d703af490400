/* SPDX-License-Identifier: MIT */
#include "host/modprobe_conf.h"
#include "modules/cmds.h"
#include "modules/kvm_vendor.h"
#include "modules/params.h"
#include "modules/persist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_VERBOSE = 1 };

const struct cli_opt cmd_status_opts[] = {
	{ "verbose", 'v', NULL, OPT_VERBOSE },
	TOOL_OPT_JSON,
	TOOL_OPT_ROOT,
	TOOL_OPT_END,
};

/* What guests are made of, in the order it is shown. */
static const char *const usual[] = { "kvm",
				     "kvm_intel",
				     "kvm_amd",
				     "tun",
				     "tap",
				     "bridge",
				     "vhost",
				     "vhost_net",
				     "vhost_vsock",
				     "vfio",
				     "vfio_iommu_type1",
				     "vfio_pci",
				     "iommufd" };

struct row {
	struct module mod;
	struct params params; /* only with -v */
	char boot[96];        /* the list that has it loaded at boot, or "" */
	char blacklist[128];  /* "FILE, line 3", or "" */
};

struct report {
	const struct host *h;
	const struct modules *m;
	struct kvm_vendor kvm;
	bool knows_kvm; /* the processor could be asked */
	bool verbose, all_run;
	struct row *rows;
	size_t n;
};

static int each(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct report *r = ctx;

	r->verbose |= id == OPT_VERBOSE;
	return 0;
}

/* A usual one that says nothing about this host: the module of other processors. */
static bool is_foreign(const struct report *r, const char *name)
{
	if (!r->knows_kvm || strncmp(name, "kvm_", 4))
		return false;
	return (!r->kvm.module || strcmp(name, r->kvm.module)) && strcmp(name, r->kvm.live);
}

static int add(struct report *r, const struct modprobe_conf *conf, const char *name,
	       struct err *e)
{
	struct row *row = &r->rows[r->n];
	const struct modprobe_line *black;
	int k = module_get(r->m, name, &row->mod, e);

	if (k < 0)
		return k;
	r->n++;
	r->all_run &= module_runs(&row->mod);
	k = persist_find(r->h, row->mod.name, row->boot, sizeof(row->boot), e);
	if (k >= 0 && r->verbose && row->mod.state != MODULE_UNKNOWN)
		k = params_get(r->m, row->mod.name, &row->params, e);
	black = modprobe_conf_find(conf, MODPROBE_BLACKLIST, row->mod.name);
	if (black)
		snprintf(row->blacklist, sizeof(row->blacklist), "%.90s, line %u", black->file,
			 black->line);
	return k < 0 ? k : 0;
}

static int gather(struct report *r, char **names, size_t n, struct err *e)
{
	struct modprobe_conf conf = { 0 };
	int k = host_has_kernel(r->h) ? kvm_vendor_get(r->m, &r->kvm, NULL) : -ENOTSUP;

	r->knows_kvm = k == 0;
	r->all_run = true;
	r->rows = calloc(n ? n : ARRAY_SIZE(usual), sizeof(*r->rows));
	if (!r->rows)
		return err_set(e, -ENOMEM, "out of memory");
	k = modprobe_conf_read(r->h, &conf, e);
	for (size_t i = 0; k == 0 && i < n; i++)
		k = add(r, &conf, names[i], e);
	for (size_t i = 0; k == 0 && !n && i < ARRAY_SIZE(usual); i++)
		if (!is_foreign(r, usual[i]))
			k = add(r, &conf, usual[i], e);
	modprobe_conf_free(&conf);
	return k;
}

static void release(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		module_free(&r->rows[i].mod);
		params_free(&r->rows[i].params);
	}
	free(r->rows);
}

static json_t *names_json(char *const *v, size_t n)
{
	json_t *l = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(l, out_text(v[i]));
	return l;
}

static json_t *params_json(const struct params *p)
{
	json_t *l = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct param *v = &p->v[i];
		json_t *o = json_pack("{s:o, s:o, s:o, s:b, s:o}", "name", out_text(v->name),
				      "type", out_text(v->type_text[0] ? v->type_text : NULL),
				      "value", out_text(v->value), "writable",
				      (v->mode & 0222) != 0, "about", out_text(v->about));

		json_array_append_new(l, o);
	}
	return l;
}

static json_t *row_json(const struct report *r, const struct row *row)
{
	const struct module *m = &row->mod;
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", m->name,
			      "state", module_state_name(m->state), "references",
			      m->refcnt < 0 ? json_null() : json_integer(m->refcnt), "holders",
			      names_json(m->holders, m->n_holders), "needs",
			      names_json(m->needs, m->n_needs), "file", out_text(m->path),
			      "boot", out_text(row->boot[0] ? row->boot : NULL), "blacklist",
			      out_text(row->blacklist[0] ? row->blacklist : NULL));

	if (r->verbose)
		json_object_set_new(o, "parameters", params_json(&row->params));
	return o;
}

static json_t *kvm_json(const struct report *r)
{
	const struct kvm_vendor *k = &r->kvm;

	if (!r->knows_kvm)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:s}", "module", out_text(k->module), "flag",
			 out_text(k->flag), "live", out_text(k->live[0] ? k->live : NULL),
			 "nested", kvm_nested_name(k->nested));
}

static int print_json(const struct report *r, int status)
{
	json_t *l = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(l, row_json(r, &r->rows[i]));
	return out_json(json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}", "schema", "vmod-status/1",
				  "root", out_text(host_root(r->h)), "kernel",
				  out_text(modules_release(r->m)[0] ? modules_release(r->m)
								    : NULL),
				  "has_lists", modules_have_lists(r->m), "kvm", kvm_json(r),
				  "modules", l),
			status);
}

static void holders_text(const struct module *m, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < m->n_holders && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
					 m->holders[i]);
}

static void print_params(const struct row *row)
{
	struct out_table t = { 0 };

	printf("\n%s: parameters\n", row->mod.name);
	if (!row->params.n) {
		printf("  none%s\n", row->params.complete ? "" : " that can be seen");
		return;
	}
	out_row(&t, "NAME", "TYPE", "NOW", "ABOUT");
	for (size_t i = 0; i < row->params.n; i++) {
		const struct param *p = &row->params.v[i];

		out_row(&t, p->name, p->type_text[0] ? p->type_text : "?",
			p->value ? p->value : "-", p->about ? p->about : "");
	}
	out_table(&t, 2);
}

static void print_head(const struct report *r)
{
	const struct kvm_vendor *k = &r->kvm;

	if (modules_release(r->m)[0])
		printf("Kernel %s%s\n", modules_release(r->m),
		       modules_have_lists(r->m) ? ""
						: ", whose modules are not installed here");
	else
		printf("No kernel is installed here\n");
	if (r->knows_kvm && k->module)
		printf("KVM module of this processor: %s%s%s%s, nested virtualization %s\n",
		       k->module, k->flag ? " (" : "", k->flag ? k->flag : "",
		       k->flag ? ")" : "", kvm_nested_name(k->nested));
	else if (r->knows_kvm && k->live[0])
		printf("KVM runs by %s; this processor has neither vmx nor svm\n", k->live);
	else if (r->knows_kvm)
		printf("KVM module of this processor: none; 'hostcheck --only kvm' says why\n");
	printf("\n");
}

static void print_text(const struct report *r)
{
	struct out_table t = { .right = { [2] = true } };

	print_head(r);
	out_row(&t, "MODULE", "STATE", "USED", "BY", "AT BOOT");
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->rows[i];
		char used[24] = "", by[256], boot[256];

		if (row->mod.refcnt >= 0)
			snprintf(used, sizeof(used), "%ld", row->mod.refcnt);
		holders_text(&row->mod, by, sizeof(by));
		snprintf(boot, sizeof(boot), "%s%s%s%s", row->boot,
			 row->boot[0] && row->blacklist[0] ? "; " : "",
			 row->blacklist[0] ? "blacklisted: " : "", row->blacklist);
		out_row(&t, row->mod.name, module_state_name(row->mod.state), used, by, boot);
	}
	out_table(&t, 0);
	for (size_t i = 0; r->verbose && i < r->n; i++)
		if (r->rows[i].mod.state != MODULE_UNKNOWN)
			print_params(&r->rows[i]);
}

int cmd_status(const struct tool_cmd *c, int argc, char **argv)
{
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	AUTO_MODULES struct modules *m = NULL;
	struct report r = { 0 };
	struct err e = { 0 };
	int n, status = tool_parse(c, argc, argv, &args, each, &r, 0, -1, &n);

	if (status >= 0)
		return status;
	if (cmd_open(&args, &h, &m, &e) < 0)
		return tool_fail(&args, &e);
	r.h = h;
	r.m = m;
	if (gather(&r, argv + 1, (size_t)n, &e) < 0) {
		status = tool_fail(&args, &e);
	} else {
		status = n && host_has_kernel(h) && !r.all_run ? TOOL_NEGATIVE : TOOL_OK;
		if (args.json)
			status = print_json(&r, status);
		else
			print_text(&r);
	}
	release(&r);
	return status;
}
