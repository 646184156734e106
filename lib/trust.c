/* SPDX-License-Identifier: GPL-2.0-only */
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool others_write(const struct stat *stat)
{
	return (stat->st_uid && stat->st_uid != geteuid()) || stat->st_mode & (S_IWGRP | S_IWOTH);
}

static int refuse(const struct stat *stat, const char *path, struct error *error)
{
	error_state(error, path,
		    "may be written by others than root (owner %u, mode %04o); chown and chmod it, or remove it and "
		    "attach again",
		    stat->st_uid, stat->st_mode & 07777);
	errno = EPERM;
	return -1;
}

static int in_bpffs(int dir_fd, const char *dir, struct error *error)
{
	struct statfs system;

	if (fstatfs(dir_fd, &system))
		return error_errno(error, dir);
	/* of several widths, signed or not */
	if ((uint32_t)system.f_type == (uint32_t)BPF_FS_MAGIC)
		return 0;
	return error_state(error, dir, "is not in a bpf file system; is one mounted there");
}

/* Whoever writes a directory with the sticky bit can rename and remove only what is his own. */
static bool parent_is_trusted(const struct stat *stat)
{
	struct stat bits = *stat;

	if (stat->st_mode & S_ISVTX)
		bits.st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
	return !others_write(&bits);
}

static int parent_refuse(const struct stat *stat, const char *dir, const char *up, struct error *error)
{
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, up);
	return refuse(stat, realpath(path, real) ? real : path, error);
}

/* ".." from the root of a mount leads to another file system. */
static int parents_check(int dir_fd, const char *dir, const struct stat *own, struct error *error)
{
	char up[PATH_MAX] = "..";
	struct stat below = *own, stat;

	for (;;) {
		if (fstatat(dir_fd, up, &stat, 0))
			return error_errno(error, dir);
		if (stat.st_dev != own->st_dev || stat.st_ino == below.st_ino)
			return 0;
		if (!parent_is_trusted(&stat))
			return parent_refuse(&stat, dir, up, error);
		if (strlen(up) + sizeof("/..") > sizeof(up))
			return error_state(error, dir, "too deep");
		strncat(up, "/..", sizeof(up) - strlen(up) - 1);
		below = stat;
	}
}

int trust_directory(int dir_fd, const char *dir, struct error *error)
{
	struct stat stat;

	if (in_bpffs(dir_fd, dir, error))
		return -1;
	if (fstat(dir_fd, &stat))
		return error_errno(error, dir);
	return others_write(&stat) ? refuse(&stat, dir, error) : parents_check(dir_fd, dir, &stat, error);
}

int trust_pin(const char *path, struct error *error)
{
	struct stat status;
	int number;

	if (!stat(path, &status))
		return others_write(&status) ? refuse(&status, path, error) : 0;
	number = errno;
	error_errno(error, path);
	errno = number;
	return -1;
}

static int directory_of(const char *path, char dir[PATH_MAX], struct error *error)
{
	char copy[PATH_MAX];
	int size = snprintf(copy, sizeof(copy), "%s", path);

	if (size >= 0 && size < PATH_MAX) {
		snprintf(dir, PATH_MAX, "%s", dirname(copy));
		return 0;
	}
	errno = ENAMETOOLONG;
	return error_errno(error, path);
}

int trust_path(const char *path, struct error *error)
{
	char dir[PATH_MAX];
	int fd, result;

	if (directory_of(path, dir, error))
		return -1;
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(error, path);
	result = trust_directory(fd, dir, error) || trust_pin(path, error) ? -1 : 0;
	close(fd);
	return result;
}
