/* SPDX-License-Identifier: MIT */
/*
 * Lists of modules and files of options, edited.  The first byte chooses the form.  What is
 * added is there afterwards, a second time there is nothing to do, and every byte that was
 * there still is, in order.
 */
#include "modules/persist.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static int in_order(const char *old, const char *fresh)
{
	for (; *old; old++, fresh++) {
		fresh = strchr(fresh, *old);
		if (!fresh)
			return 0;
	}
	return 1;
}

static void list(const char *old, enum persist_form form)
{
	struct err e = { 0 };
	char *fresh = NULL, *again = NULL;
	int r = persist_add(old, form, "vhost-net", &fresh, &e);

	must((r == 1) == (fresh != NULL));
	if (r == -EUCLEAN) {
		must(form == PERSIST_CONFD && e.msg[0]);
		return;
	}
	must(r == 0 || r == 1);
	must((r == 0) == persist_has(old, form, "vhost_net"));
	if (!r)
		return;
	must(in_order(old, fresh));
	must(persist_has(fresh, form, "vhost_net"));
	must(persist_add(fresh, form, "vhost_net", &again, &e) == 0 && !again);
	free(fresh);
}

static void options(const char *old)
{
	const struct persist_option o[] = { { "nested", "1" }, { "dyndbg", "+p x" } };
	struct err e = { 0 };
	char *fresh = NULL, *again = NULL;
	int r = persist_options(old, "kvm_amd", o, 2, &fresh, &e);

	must(r == 0 || r == 1);
	if (r) {
		must(strstr(fresh, " nested=1 dyndbg=\"+p x\"\n") != NULL);
		r = persist_options(fresh, "kvm_amd", o, 2, &again, &e);
		must(r == 0 && !again);
	}
	free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *old = malloc(len + 1);

	must(old != NULL);
	if (!len) {
		free(old);
		return 0;
	}
	memcpy(old, data + 1, len - 1);
	old[len - 1] = '\0';
	if (data[0] % 3 == 2)
		options(old);
	else
		list(old, data[0] % 3 ? PERSIST_CONFD : PERSIST_LINES);
	free(old);
	return 0;
}
