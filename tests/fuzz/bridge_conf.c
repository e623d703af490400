/* SPDX-License-Identifier: MIT */
/* A bridge that was allowed is allowed afterwards, by one line at the end. */
#include "host/bridge_conf.h"

#include "tests/lib/fuzz.h"

#include <string.h>

struct input {
	const char *text;
	size_t len;
	unsigned left; /* an include of an include multiplies: this often only */
};

/* Everything that is included has the same text. */
static int include(void *arg, const char *path, char **text, size_t *len)
{
	struct input *in = arg;

	must(path[0] == '/');
	if (!in->left)
		return -EMFILE;
	in->left--;
	*text = malloc(in->len + 1);
	must(*text != NULL);
	memcpy(*text, in->text, in->len);
	(*text)[in->len] = '\0';
	*len = in->len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { (const char *)data, len, 8 };
	struct bridge_conf c;
	enum bridge_answer before;
	struct err e = { 0 };
	char *out;
	size_t out_len;
	int r = bridge_conf_parse("f", in.text, len, include, &in, &c, &e);

	if (r < 0) {
		must((r == -E2BIG || r == -ELOOP) && e.code == r);
		return 0;
	}
	for (size_t i = 0; i < c.n_lints; i++)
		must(c.lints[i].file < c.n_files && c.lints[i].text[0]);
	for (size_t i = 0; i < c.n_rules; i++)
		must(c.rules[i].file < c.n_files && c.rules[i].line);
	before = bridge_conf_ask(&c, "br0", NULL);
	must(c.refused == (before == BRIDGE_REFUSED));
	bridge_conf_free(&c);

	in.left = 8;
	r = bridge_conf_allow(in.text, len, "br0", include, &in, &out, &out_len, &e);
	must((r == 0) == (before == BRIDGE_ALLOWED));
	must((r == 1) == (before == BRIDGE_NO_RULE));
	must((r == -EPERM) == (before == BRIDGE_DENIED));
	must((r == -EUCLEAN) == (before == BRIDGE_REFUSED));
	if (r != 1)
		return 0;
	must(out_len > len && !memcmp(out, data, len));
	in.left = 8;
	must(bridge_conf_parse("f", out, out_len, include, &in, &c, NULL) == 0);
	must(bridge_conf_ask(&c, "br0", NULL) == BRIDGE_ALLOWED);
	bridge_conf_free(&c);
	free(out);
	return 0;
}
