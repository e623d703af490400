/* SPDX-License-Identifier: MIT */
#include "base/size.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { OPT_SHRINK = 1, OPT_PREALLOC };

const struct cli_opt cmd_resize_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	{ "shrink", 0, NULL, OPT_SHRINK },
	{ "preallocation", 0, "MODE", OPT_PREALLOC },
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct resize {
	struct cmd_opts o;
	bool shrink;
	enum blk_prealloc prealloc;
	const char *text; /* the size as given */
	int sign;         /* of a relative one, else 0 */
	uint64_t n;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	static const char modes[][12] = { "off", "metadata", "falloc", "full" };
	struct resize *c = ctx;

	if (id == OPT_SHRINK) {
		c->shrink = true;
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i], value))
			continue;
		c->prealloc = (enum blk_prealloc)i;
		return 0;
	}
	cmd_error("Invalid preallocation mode '%s'", value);
	return CMD_EXIT(1);
}

/* "-1G" is a size, not an option, wherever it stands: takes it out of argv. */
static const char *take_negative(int *argc, char **argv)
{
	for (int i = *argc - 1; i > 0; i--) {
		char *text = argv[i];

		if (text[0] != '-' || !isdigit((unsigned char)text[1]))
			continue;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i - 1) * sizeof(*argv));
		--*argc;
		return text;
	}
	return NULL;
}

static int parse_size(struct resize *c)
{
	const char *text = c->text;
	int r;

	if (*text == '+' || *text == '-')
		c->sign = *text++ == '+' ? 1 : -1;
	r = size_parse(text, 'b', &c->n, NULL);
	if (r == -ERANGE) {
		cmd_error("New image size must be positive");
	} else if (r < 0) {
		cmd_error("Parameter 'size' expects a non-negative number below 2^64\n"
			  "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, "
			  "tera-, peta-\nand exabytes, respectively.");
	}
	return r;
}

/* The size that the image shall have; false if there is none. */
static bool new_size(const struct resize *c, uint64_t now, uint64_t *out)
{
	if (c->sign < 0)
		*out = now > c->n ? now - c->n : 0;
	else if (__builtin_add_overflow(c->sign ? now : 0, c->n, out) || *out > INT64_MAX)
		return false;
	return *out > 0;
}

static int resize(const struct resize *c, struct blk *b)
{
	uint64_t now = b->size, size;
	struct cmd_progress cp;
	struct blk_watch w;
	struct err e = { 0 };
	int r;

	if (!new_size(c, now, &size)) {
		cmd_error("New image size must be positive");
		return 1;
	}
	if (size <= now && c->prealloc != PREALLOC_OFF) {
		cmd_error("Preallocation can only be used for growing images");
		return 1;
	}
	if (size < now && !c->shrink) {
		cmd_error("Use the --shrink option to perform a shrink operation.");
		cmd_warn("Shrinking an image will delete all data beyond the shrunken image's "
			 "end. Before performing such an operation, make sure there is no "
			 "important data there.");
		return 1;
	}
	w.stop = cmd_stop_flag();
	w.progress = cmd_progress_start(&cp, &c->o, 1);
	r = blk_resize_watched(b, size, c->prealloc, &w, &e);
	cmd_progress_end(&cp, r == 0);
	if (r == -EINTR)
		return 1; /* no message: the signal says why */
	return r < 0 ? cmd_fail(&e, "%s", "") : 0;
}

int cmd_resize(int argc, char **argv)
{
	struct resize c = { 0 };
	struct blk *b = NULL;
	int n = 0, args = argc, r;

	c.text = take_negative(&argc, argv);
	r = cmd_parse(cmd_resize_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (args < 3)
		return cmd_usage(&c.o, cmd_is_qemu_img()
					       ? "Not enough arguments"
					       : "Expecting image file name and size");
	if (n + (c.text != NULL) != 2)
		return cmd_usage(&c.o, "Expecting image file name and size");
	if (!c.text)
		c.text = argv[2];
	if (parse_size(&c) < 0)
		return 1;
	if (cmd_open(&c.o, argv[1], c.o.fmt, BLK_WRITE | BLK_UNMAP, &b) < 0)
		return 1;
	r = resize(&c, b);
	if (cmd_close(&b, argv[1]))
		return 1;
	cmd_stop_now();
	if (r == 0 && !c.o.quiet)
		printf("Image resized.\n");
	return r;
}
