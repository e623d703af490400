/* SPDX-License-Identifier: MIT */
/*
 * --object: what options name by an id.  The objects live as long as the program, which is
 * in main.c's hands; options are read by one thread, before any work begins.
 */
#ifndef IMG_CMD_OBJECT_H
#define IMG_CMD_OBJECT_H

#include "img/secret.h"

/* Makes the object that @def describes, "TYPE,id=ID,..." or "{...}", or shows the help it
 * asks for.  0 to go on or CMD_EXIT(status), with everything said; @failed is the status of
 * a definition that is wrong. */
int cmd_object_add(const char *def, int failed);

/* All secrets so far, for img_open.secrets. */
const struct secret_set *cmd_secrets(void);

/* Wipes and frees them all. */
void cmd_objects_free(void);

#endif
