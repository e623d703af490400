/* SPDX-License-Identifier: MIT */
#include "modules/params.h"

#include "base/mem.h"
#include "base/str.h"
#include "modules/modinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct param *find(struct params *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->n; i++) {
		char *have = p->v[i].name;
		size_t k = 0;

		while (k < len && have[k] &&
		       (have[k] == name[k] || (have[k] == '_' && name[k] == '-') ||
			(have[k] == '-' && name[k] == '_')))
			k++;
		if (k == len && !have[k])
			return &p->v[i];
	}
	return NULL;
}

const struct param *params_find(const struct params *p, const char *name)
{
	/* find() does not change it */
	return find((struct params *)(uintptr_t)p, name, strlen(name));
}

/* The parameter of that name, a new one if there is none. */
static struct param *get(struct params *p, const char *name, size_t len, struct err *e)
{
	struct param *v = find(p, name, len);

	if (v)
		return v;
	if (mem_grow((void **)&p->v, p->n + 1, sizeof(*p->v), e) < 0)
		return NULL;
	v = &p->v[p->n];
	memset(v, 0, sizeof(*v));
	v->name = mem_zalloc(len + 1, 1, e);
	v->type_text = mem_strdup("", e);
	if (!v->name || !v->type_text) {
		free(v->name);
		free(v->type_text);
		return NULL;
	}
	memcpy(v->name, name, len);
	p->n++;
	return v;
}

/* "nested:int" of parmtype, "nested:What it is" of parm */
static int declare(struct params *p, const struct modinfo_pair *pair, struct err *e)
{
	const char *colon = strchr(pair->value, ':');
	bool type = !strcmp(pair->key, "parmtype");
	struct param *v;
	char *text;

	if (!colon || colon == pair->value || (!type && strcmp(pair->key, "parm")))
		return 0;
	v = get(p, pair->value, (size_t)(colon - pair->value), e);
	text = v ? mem_strdup(colon + 1, e) : NULL;
	if (!text)
		return -ENOMEM;
	if (type) {
		free(v->type_text);
		v->type_text = text;
		v->type = param_type_parse(text, &v->array);
	} else {
		free(v->about);
		v->about = text;
	}
	return 0;
}

static int read_declared(const struct modules *m, const struct module *mod, struct params *p,
			 struct err *e)
{
	struct modinfo info;
	struct err mine = { 0 };
	int r = modinfo_read(m, mod, &info, &mine);

	if (r < 0) /* without the declarations there are still the live ones */
		return r == -ENOMEM ? err_set(e, r, "%s", mine.msg) : 0;
	p->complete = info.n > 0;
	for (size_t i = 0; i < info.n && r == 0; i++)
		r = declare(p, &info.v[i], e);
	modinfo_free(&info);
	return r;
}

/* The value of the file @path; one that we may not or cannot read is none. */
static int read_value(const struct host *h, const char *path, struct param *v, struct err *e)
{
	struct host_stat st;
	size_t len;
	int r = host_stat(h, path, &st, NULL);

	if (r < 0 || st.node != NODE_FILE)
		return 0;
	v->in_sysfs = true;
	v->mode = st.mode;
	if (!(st.mode & 0444))
		return 0;
	r = host_read(h, path, &v->value, &len, NULL);
	if (r == -ENOMEM)
		return err_set(e, r, "%s: out of memory", path);
	while (r == 0 && len && (v->value[len - 1] == '\n' || v->value[len - 1] == ' '))
		v->value[--len] = '\0';
	return 0;
}

static int read_live(const struct host *h, const struct module *mod, struct params *p,
		     struct err *e)
{
	struct host_list l;
	char dir[128], path[400];
	int r;

	snprintf(dir, sizeof(dir), "/sys/module/%s/parameters", mod->name);
	r = host_list(h, dir, &l, NULL);
	if (r < 0)
		return r == -ENOMEM ? err_set(e, r, "%s: out of memory", dir) : 0;
	for (size_t i = 0; i < l.n && r == 0; i++) {
		struct param *v = get(p, l.v[i], strlen(l.v[i]), e);

		snprintf(path, sizeof(path), "%s/%s", dir, l.v[i]);
		r = v ? read_value(h, path, v, e) : -ENOMEM;
	}
	host_list_free(&l);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct param *)a)->name, ((const struct param *)b)->name);
}

int params_get(const struct modules *m, const char *module, struct params *out, struct err *e)
{
	AUTO_MODULE struct module mod;
	int r = module_get(m, module, &mod, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (mod.state == MODULE_UNKNOWN)
		return err_set(e, -ENOENT, "there is no module '%s'", module);
	r = read_declared(m, &mod, out, e);
	if (r == 0 && host_has_kernel(modules_host(m)))
		r = read_live(modules_host(m), &mod, out, e);
	if (r < 0)
		params_free(out);
	else if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	return r;
}

void params_free(struct params *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].type_text);
		free(p->v[i].about);
		free(p->v[i].value);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}

int params_check(const struct params *p, const char *module, const char *name,
		 const char *value, struct err *e)
{
	const struct param *v = params_find(p, name);
	struct str s = STR_INIT;
	char *known;

	if (v)
		return param_check(v, value, e);
	if (!p->complete)
		return 0;
	for (size_t i = 0; i < p->n; i++)
		str_addf(&s, "%s%s", i ? ", " : "", p->v[i].name);
	known = str_take(&s, e);
	if (!known)
		return -ENOMEM;
	err_set(e, -EINVAL, "%s has no parameter '%.60s'; it has %.360s", module, name,
		*known ? known : "none");
	free(known);
	return -EINVAL;
}
