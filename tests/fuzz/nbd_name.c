/* SPDX-License-Identifier: MIT */
/* Names of NBD exports: what is accepted is whole, and its URI means the same again. */
#include "img/proto/nbd_name.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static int same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct nbd_name n, again;
	struct err e = { 0 };
	char *uri;

	must(text);
	memcpy(text, data, len);
	text[len] = 0;
	if (nbd_name_parse(text, &n, &e) < 0) {
		must(e.msg[0] && !n.export);
		free(text);
		return 0;
	}
	must(n.export && (!n.path != !n.host) && !n.host == !n.port);
	uri = nbd_name_uri(&n, &e);
	must(uri);
	must(nbd_name_parse(uri, &again, &e) == 0);
	must(same(n.path, again.path) && same(n.host, again.host) && same(n.port, again.port) &&
	     same(n.export, again.export) && n.tls == again.tls);
	nbd_name_free(&again);
	nbd_name_free(&n);
	free(uri);
	free(text);
	return 0;
}
