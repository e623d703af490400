/* SPDX-License-Identifier: MIT */
/* -net, the spelling from before -nic and -netdev: a card and a network, each by itself. */
#include "base/mem.h"
#include "base/str.h"
#include "emu/options_int.h"

#include <string.h>

/* What of "nic,..." a -nic has as well, in its words. */
static int card(struct parse *p, struct optset *o, struct err *e)
{
	const char *mac = optset_get(o, "macaddr"), *model = optset_get(o, "model");
	struct str s = STR_INIT;

	if (p->net_card)
		return err_set(e, -ENOTSUP, "a second -net nic: -nic makes a card each time");
	if (mac)
		str_addf(&s, ",mac=%s", mac);
	if (model)
		str_addf(&s, ",model=%s", model);
	p->net_card = str_take(&s, e);
	return p->net_card ? 0 : -ENOMEM;
}

int options_net(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *type;
	int r = optset_parse(&o, v, "type", e);

	if (r < 0)
		goto out;
	type = optset_get(&o, "type");
	if (!strcmp(type, "nic"))
		r = card(p, &o, e);
	else if (strcmp(type, "none") != 0 && p->net_kind)
		r = err_set(e, -ENOTSUP,
			    "-net %s: a second network; -nic makes a card and a network each "
			    "time",
			    v);
	else if (strcmp(type, "none") != 0)
		r = options_string(&p->net_kind, v, e);
out:
	optset_free(&o);
	return r;
}

int options_net_finish(struct parse *p, struct err *e)
{
	AUTO_FREE char *nic = NULL;

	if (!p->net_card && !p->net_kind)
		return 0;
	if (!p->net_card)
		return err_set(e, -EINVAL, "-net %s: no -net nic uses the network",
			       p->net_kind);
	if (!p->net_kind)
		return err_set(e, -EINVAL, "-net nic: there is no -net user for the card");
	nic = str_printf(e, "%s%s", p->net_kind, p->net_card);
	return nic ? options_one(p, "nic", nic, e) : -ENOMEM;
}
