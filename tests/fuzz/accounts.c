/* SPDX-License-Identifier: MIT */
/* Accounts put into an image's files: their reader finds them, doing it twice changes nothing,
 * and no line that was there is lost. */
#include "tune/accounts.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

static char *text_of(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);

	must(s != NULL);
	memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct account_user qemu = { "qemu",          "qemu", "/home/qemu",
						  "/sbin/nologin", 36,     34 };
	struct account_files f = { text_of(data, len), text_of(data, len), text_of(data, len),
				   text_of(data, len) };
	struct users u = { 0 };
	struct err e = { 0 };
	size_t before = strlen(f.group);
	uint32_t id;
	int r = accounts_add_group(&f, "kvm", 34, &e);

	must(r == 0 || r == 1);
	must(accounts_add_group(&f, "kvm", 34, &e) == 0);
	r = accounts_add_user(&f, &qemu, &e);
	must(r == 0 || r == 1);
	must(accounts_add_user(&f, &qemu, &e) == 0);
	must(strlen(f.group) >= before);
	r = accounts_add_member(&f, "kvm", "alice", &e);
	must(r == 0 || r == 1 || r == -EUCLEAN);
	if (r >= 0) {
		must(accounts_add_member(&f, "kvm", "alice", &e) == 0);
		if (users_parse_group(f.group, strlen(f.group), &u, &e) == 0 &&
		    users_group(&u, "kvm"))
			must(users_is_member(&u, "alice", "kvm"));
	}
	if (accounts_pick(&u, false, 34, &id, &e) == 0)
		must(!users_gid(&u, id) && (id == 34 || (id >= 100 && id <= 999)));
	users_free(&u);
	accounts_free(&f);
	return 0;
}
