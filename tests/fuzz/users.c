/* SPDX-License-Identifier: MIT */
/*
 * passwd, group and /proc/self/status.  Every row has a name without a colon and is found by it;
 * a member of a group is one by its name and by its number.
 */
#include "host/users.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct users u = { 0 };
	struct process_ids p;
	struct err e = { 0 };
	int r;

	must(users_parse_passwd(text, len, &u, NULL) == 0);
	must(users_parse_group(text, len, &u, NULL) == 0);
	for (size_t i = 0; i < u.n_users; i++) {
		must(u.users[i].name[0] && !strpbrk(u.users[i].name, ":\n"));
		must(!strpbrk(u.users[i].shell, "\n") && !strpbrk(u.users[i].home, ":\n"));
		must(users_name(&u, u.users[i].name) && users_uid(&u, u.users[i].uid));
	}
	for (size_t i = 0; i < u.n_groups; i++) {
		const struct group_row *g = &u.groups[i];

		must(g->name[0] && !strpbrk(g->name, ":\n"));
		for (size_t k = 0; k < g->members.n; k++) {
			must(users_is_member(&u, g->members.v[k], g->name));
			must(users_in_gid(&u, g->members.v[k], g->gid));
		}
	}
	users_free(&u);
	r = process_ids_parse(text, len, &p, &e);
	must(r == 0 || (r == -EINVAL && e.code == r && !p.groups));
	if (r == 0)
		for (size_t i = 0; i < p.n_groups; i++)
			must(process_ids_has(&p, p.groups[i]));
	if (r == 0)
		free(p.groups);
	return 0;
}
