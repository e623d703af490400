/* SPDX-License-Identifier: MIT */
/*
 * bridge.conf and the helper that reads it.  Lines of others stay as they are: a missing rule is
 * added, a deny is the administrator's word and is not argued with.  Only that one file gets a
 * group, not the folder with whatever else is in it.
 */
#include "host/bridge.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/bridge_conf.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                     \
	"# Bridges that qemu-bridge-helper may attach guests of plain users to.  Each line is\n" \
	"# read to its end, so a comment needs a line of its own.\n"

/* The text with all bridges allowed that can be. */
static int allow_all(const struct stepping *s, char **text, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->p->bridges.n; i++) {
		const char *bridge = s->p->bridges.v[i];
		struct err why = { 0 };
		char *fresh;
		size_t len;

		r = bridge_conf_allow_on(s->h, *text, strlen(*text), bridge, &fresh, &len,
					 &why);
		if (r > 0) {
			free(*text);
			*text = fresh;
		} else if (r == -EPERM) {
			r = STEP_NOTE(s, true, e, "%s is denied, which wins over any allow: %s",
				      bridge, why.msg);
		} else if (r == -EUCLEAN) {
			return STEP_NOTE(
				s, true, e,
				"the helper refuses everybody because of a line in " BRIDGE_CONF
				": %s",
				why.msg);
		} else if (r < 0) {
			return err_set(e, r, "%s", why.msg);
		}
	}
	return r < 0 ? r : 0;
}

/* root, the group of those who run guests, 0640. */
static int owner(const struct stepping *s, struct err *e)
{
	const char *group = NULL;
	struct host_stat dir;
	char attr[48];
	uint32_t gid;
	int r = step_guest_group(s, &group, e);

	if (r < 0)
		return r;
	if (step_gid(s, group, &gid, NULL) < 0)
		return STEP_NOTE(s, true, e,
				 "there is no group %s for " BRIDGE_CONF " to belong to; "
				 "'create = yes' in [users] makes it",
				 group);
	snprintf(attr, sizeof(attr), "0640 0:%u", gid);
	r = STEP_CHANGE(s, &kind_attr, BRIDGE_CONF, attr, WHEN_NOW, e,
			"the helper reads it as the user who calls it, a member of %s", group);
	if (r == 0 && host_stat(s->h, "/etc/qemu", &dir, NULL) == 0 && !(dir.mode & 01) &&
	    !((dir.mode & 010) && dir.gid == gid))
		r = STEP_NOTE(s, true, e,
			      "/etc/qemu cannot be entered by members of %s ('chmod o+x "
			      "/etc/qemu')",
			      group);
	return r;
}

static int plan_conf(const struct host *h, const struct profile *p, struct plan *out,
		     struct err *e)
{
	const struct stepping s = { h, p, out, "bridge.conf" };
	AUTO_FREE char *text = NULL;
	struct err why = { 0 };
	int r;

	if (!p->bridges.n)
		return 0;
	r = step_text(&s, BRIDGE_CONF, &text, &why);
	if (r == -EACCES)
		return STEP_NOTE(&s, true, e, BRIDGE_CONF " can only be read by root");
	if (r < 0)
		return err_set(e, r, "%s", why.msg);
	if (!text)
		text = mem_strdup(HEAD, e);
	if (!text)
		return -ENOMEM;
	r = allow_all(&s, &text, e);
	if (r == 0)
		r = STEP_CHANGE(&s, &kind_file, BRIDGE_CONF, text, WHEN_NOW, e,
				"guests of plain users may be attached to what the profile "
				"lists");
	return r == 0 ? owner(&s, e) : r;
}

static int helper_on(const struct stepping *s, const struct bridge_helper *b, struct err *e)
{
	const char *group = NULL;
	struct distro d;
	char attr[48];
	uint32_t gid;
	int r;

	if (b->suid)
		return 0;
	r = step_guest_group(s, &group, e);
	if (r == 0)
		r = distro_read(s->h, &d, e);
	if (r < 0)
		return r;
	if (step_gid(s, group, &gid, NULL) < 0)
		return STEP_NOTE(s, true, e, "there is no group %s for %s to belong to", group,
				 b->path);
	snprintf(attr, sizeof(attr), "4710 0:%u", gid);
	r = STEP_CHANGE(s, &kind_attr, b->path, attr, WHEN_NOW, e,
			"making a network device takes root; members of %s may have it made",
			group);
	if (r == 0 && step_debian(&d))
		r = STEP_NOTE(s, false, e,
			      "an update of the package resets the mode of %s; "
			      "'dpkg-statoverride --add root %s 4710 %s' keeps it",
			      b->path, group, b->path);
	return r;
}

static int plan_helper(const struct host *h, const struct profile *p, struct plan *out,
		       struct err *e)
{
	const struct stepping s = { h, p, out, "bridge.helper" };
	struct bridge_helper b;
	char attr[48];
	int r;

	if (!p->bridges.n && p->helper_suid == WISH_KEEP)
		return 0;
	r = bridge_helper_find(h, &b, NULL);
	if (r < 0)
		return STEP_NOTE(
			&s, p->helper_suid == WISH_YES, e,
			"qemu-bridge-helper, by which QEMU and vemu put guests into "
			"bridges, is not installed (Alpine: qemu-bridge-helper, Debian: "
			"qemu-system-common)");
	if (p->helper_suid == WISH_YES)
		return helper_on(&s, &b, e);
	if (p->helper_suid == WISH_NO && (b.st.mode & 04000)) {
		snprintf(attr, sizeof(attr), "%04o %u:%u", b.st.mode & 03777, b.st.uid,
			 b.st.gid);
		return STEP_CHANGE(&s, &kind_attr, b.path, attr, WHEN_NOW, e,
				   "the profile takes the right to make network devices away");
	}
	if (p->helper_suid == WISH_KEEP && !b.suid)
		return STEP_NOTE(&s, false, e,
				 "%s is not set-user-ID root, so bridge.conf serves root's "
				 "guests alone; 'helper_suid = yes' changes that",
				 b.path);
	return 0;
}

const struct step step_bridge_conf = {
	.id = "bridge.conf",
	.title = "Bridges for guests",
	.why = "qemu-bridge-helper lets plain users attach guests to the bridges that "
	       "/etc/qemu/bridge.conf allows, and refuses everybody for one bad line.",
	.plan = plan_conf,
};

const struct step step_bridge_helper = {
	.id = "bridge.helper",
	.title = "qemu-bridge-helper's right",
	.why = "The helper needs to be set-user-ID root; Alpine's package has it so, Debian's "
	       "leaves it to the administrator.",
	.plan = plan_helper,
};
