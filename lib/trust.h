/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may write pins: who can replace or open what decides packets is root, or the caller, and nobody else. To read
 * them is another matter: the kernel gives a map only to who may use bpf(2).
 */
#ifndef SPLICER_TRUST_H
#define SPLICER_TRUST_H

#include "error.h"

/*
 * An opened directory of pins: it must be in a bpf file system, and neither it nor a directory that it is in, up to the
 * root of that file system, may belong to anybody else, or be writable for a group or others. For what it is in the
 * sticky bit will do, as in the root of a bpf file system that was mounted without a mode. EXIT_STATE, with owner and
 * mode.
 */
int trust_directory(int dir_fd, const char *dir, struct error *error);

/*
 * What is pinned at a path, by the same rule. A link counts as what it leads to: who could have made it was
 * asked of the directory. -1 with errno ENOENT where nothing is; else EXIT_STATE and errno EPERM.
 */
int trust_pin(const char *path, struct error *error);

/* Both, of a pin that is named by its path. */
int trust_path(const char *path, struct error *error);

#endif
