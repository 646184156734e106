/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that appears when it is whole: written under another name beside it, and renamed. */
#ifndef SPLICER_NEWFILE_H
#define SPLICER_NEWFILE_H

#include "error.h"

#include <limits.h>
#include <stdio.h>

struct newfile {
	FILE *stream;
	char path[PATH_MAX];
	char temporary[PATH_MAX]; /* "": written in place, as it is no regular file */
};

/*
 * Where the caller has a file of this name the new one gets its mode; where it is a symbolic link, what that leads to
 * is replaced; what is no regular file (a pipe, a terminal) is written to. EXIT_STATE when it cannot be, also where
 * somebody else has put a link or a pipe in a directory that all may write.
 */
int newfile_open(struct newfile *file, const char *path, struct error *error);

/* Puts it in its place. -1 with *error when it could not be written; the file of that name is as it was then. */
int newfile_close(struct newfile *file, struct error *error);

/* Leaves nothing behind. */
void newfile_abandon(struct newfile *file);

#endif
