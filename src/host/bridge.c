/* SPDX-License-Identifier: MIT */
#include "host/bridge.h"

#include "base/mem.h"
#include "host/bridge_helper.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET "/sys/class/net"

static int read_ports(const struct host *h, struct bridge_dev *b, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[96];
	int r = 0;

	snprintf(path, sizeof(path), NET "/%s/brif", b->name);
	if (host_list(h, path, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		if (strlen(l.v[i]) >= sizeof(b->ports->name))
			continue;
		r = mem_grow((void **)&b->ports, b->n_ports + 1, sizeof(*b->ports), e);
		if (r == 0)
			snprintf(b->ports[b->n_ports++].name, sizeof(b->ports->name), "%s",
				 l.v[i]);
	}
	return r;
}

static int read_one(const struct host *h, const char *name, struct bridge_dev *b, struct err *e)
{
	char path[96];
	uint64_t v;

	memset(b, 0, sizeof(*b));
	snprintf(b->name, sizeof(b->name), "%s", name);
	snprintf(path, sizeof(path), NET "/%s/flags", b->name);
	b->up = host_read_u64(h, path, &v, NULL) == 0 && (v & IFF_UP);
	snprintf(path, sizeof(path), NET "/%s/operstate", b->name);
	if (host_read_line(h, path, b->operstate, sizeof(b->operstate), NULL) < 0)
		b->operstate[0] = '\0';
	snprintf(path, sizeof(path), NET "/%s/bridge/stp_state", b->name);
	b->stp = host_read_u64(h, path, &v, NULL) == 0 && v != 0;
	return read_ports(h, b, e);
}

int bridges_read(const struct host *h, struct bridges *out, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	struct err mine = { 0 };
	char path[96];
	int r;

	memset(out, 0, sizeof(*out));
	r = host_list(h, NET, &l, &mine);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		if (strlen(l.v[i]) >= IFNAMSIZ)
			continue;
		snprintf(path, sizeof(path), NET "/%s/bridge", l.v[i]);
		if (!host_exists(h, path))
			continue;
		r = mem_grow((void **)&out->v, out->n + 1, sizeof(*out->v), e);
		if (r == 0)
			r = read_one(h, l.v[i], &out->v[out->n++], e);
	}
	if (r < 0)
		bridges_free(out);
	return r;
}

void bridges_free(struct bridges *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].ports);
	free(b->v);
	memset(b, 0, sizeof(*b));
}

const struct bridge_dev *bridges_find(const struct bridges *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->v[i].name, name))
			return &b->v[i];
	return NULL;
}

bool bridge_name_taken(const struct host *h, const char *name)
{
	char path[96];

	if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), NET "/%s", name);
	return host_exists(h, path);
}

int bridge_helper_find(const struct host *h, struct bridge_helper *out, struct err *e)
{
	const char *path;

	for (size_t i = 0; (path = bridge_helper_path(i)); i++) {
		memset(out, 0, sizeof(*out));
		if (host_stat(h, path, &out->st, NULL) < 0 || out->st.node != NODE_FILE)
			continue;
		snprintf(out->path, sizeof(out->path), "%s", path);
		out->suid = (out->st.mode & 04000) && out->st.uid == 0;
		return 0;
	}
	memset(out, 0, sizeof(*out));
	return err_set(e, -ENOENT, "no qemu-bridge-helper is installed");
}
