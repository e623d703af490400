/* SPDX-License-Identifier: MIT */
/*
 * --untrusted: the images may be hostile.  Before a command opens anything, the process gives
 * up what the command line does not ask for: files that it does not name (Landlock), the
 * network, other programs and processes (seccomp), memory and time without bounds.  And what an
 * image names itself, such as a backing file, is not opened (BLK_UNTRUSTED).
 */
#ifndef IMG_CMD_UNTRUSTED_H
#define IMG_CMD_UNTRUSTED_H

enum { CMD_ALLOW_MAX = 16 };

struct cmd_untrusted {
	const char *allow[CMD_ALLOW_MAX]; /* folders with what images may name */
	unsigned allow_n;
};

/* For the command argv[0] with its arguments.  0, or an exit status after a message. */
int cmd_untrusted(const struct cmd_untrusted *u, int argc, char **argv);

/* What cmd_open adds to its flags: BLK_UNTRUSTED, BLK_CONFINED; 0 without --untrusted. */
unsigned cmd_untrusted_flags(void);

#endif
