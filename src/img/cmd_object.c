/* SPDX-License-Identifier: MIT */
#include "img/cmd_object.h"

#include "img/cmd_common.h"
#include "img/open.h"
#include "img/tls_creds.h"

#include <stdio.h>
#include <string.h>

static struct secret_set secrets; /* see cmd_object.h for who may use it when */

const struct secret_set *cmd_secrets(void)
{
	return &secrets;
}

void cmd_objects_free(void)
{
	secret_set_free(&secrets);
}

static int add_secret(struct optset *def, struct err *e)
{
	return secret_add(&secrets, def, e);
}

static int add_psk(struct optset *def, struct err *e)
{
	return tls_creds_add(&secrets, def, true, e);
}

static int add_x509(struct optset *def, struct err *e)
{
	return tls_creds_add(&secrets, def, false, e);
}

/* One kind of object; options are for its help, in alphabetical order. */
static const struct object_type {
	const char *name;
	int (*add)(struct optset *def, struct err *e);
	const char *const *options;
} types[] = {
	{ "secret", add_secret,
	  (const char *const[]){ "data=<string>", "file=<string>",
				 "format=<QCryptoSecretFormat>", "iv=<string>",
				 "keyid=<string>", NULL } },
	{ "tls-creds-psk", add_psk,
	  (const char *const[]){ "dir=<string>", "endpoint=<QCryptoTLSCredsEndpoint>",
				 "username=<string>", "verify-peer=<bool>", NULL } },
	{ "tls-creds-x509", add_x509,
	  (const char *const[]){ "dir=<string>", "endpoint=<QCryptoTLSCredsEndpoint>",
				 "verify-peer=<bool>", NULL } },
};

/* What qemu-img has besides. */
static const char *const unsupported[] = {
	"authz-list",     "authz-list-file", "authz-pam",         "authz-simple",
	"iothread",       "main-loop",       "pr-manager-helper", "secret_keyring",
	"thread-context", "throttle-group",  "tls-cipher-suites", "tls-creds-anon",
};

static const struct object_type *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

static int help(const char *def)
{
	const struct object_type *t = NULL;
	char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(def, ","), def);
	t = find(name);
	if (t)
		printf("%s options:\n", t->name);
	else
		printf("List of user creatable objects:\n");
	for (size_t i = 0; t && t->options[i]; i++)
		printf("  %s\n", t->options[i]);
	for (size_t i = 0; !t && i < ARRAY_SIZE(types); i++)
		printf("  %s\n", types[i].name);
	return CMD_EXIT(0);
}

static int add(const char *def, struct optset *set, struct err *e)
{
	const struct object_type *t;
	const char *name;
	int r = *def == '{' ? open_json_opts(def, set, e)
			    : optset_parse(set, def, "qom-type", e);

	if (r < 0)
		return r;
	name = optset_get(set, "qom-type");
	if (!name)
		return err_set(e, -EINVAL, "Parameter 'qom-type' is missing");
	t = find(name);
	if (t)
		return t->add(set, e);
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		if (!strcmp(unsupported[i], name))
			return err_set(e, -ENOTSUP, "--object: '%s' is not supported", name);
	return err_set(e, -EINVAL, "Parameter 'qom-type' does not accept value '%s'", name);
}

int cmd_object_add(const char *def, int failed)
{
	struct optset set = OPTSET_INIT;
	struct err e = { 0 };
	int r;

	if (*def != '{' && optset_wants_help(def))
		return help(def);
	r = add(def, &set, &e);
	optset_free(&set);
	if (r == -EEXIST && !cmd_is_qemu_img()) {
		cmd_error("--object: there is an object of that id already");
		return CMD_EXIT(failed);
	}
	if (r == 0)
		return 0;
	cmd_fail(&e, "%s", "");
	return CMD_EXIT(failed);
}
