/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of an audit log: opened only where nobody but root can have made it, read it or put another in its place. */
#ifndef SPLICER_AUDITFILE_H
#define SPLICER_AUDITFILE_H

#include "error.h"

#include <stdbool.h>

struct audit_path {
	const char *text; /* as it was given, for messages */
	char *directory;  /* without symbolic links; found once, so that a link changed later leads nowhere else */
	const char *name; /* in it */
};

/* Takes the path apart. The directory must be there. -1 with *error. */
int audit_path_open(struct audit_path *path, const char *text, struct error *error);
void audit_path_close(struct audit_path *path);

/*
 * Opens the file to append to it, locked (flock) against a second writer, and makes it with mode 0600 if there is none.
 * EXIT_STATE when the caller is not root, when a directory on the way belongs to another user or can be
 * written by others (but for those with the sticky bit), when it is not a regular file, has a second link, belongs to
 * another user, may be written by its group or others, or read by others.
 * other: a descriptor that the caller has of what may be the same file, which is then returned; -1: none.
 */
int audit_file_open(const struct audit_path *path, int other, struct error *error);

/* Whether it has something and that does not end with a line: its writer was killed. */
bool audit_file_is_torn(int file);

#endif
