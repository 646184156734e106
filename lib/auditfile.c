/* SPDX-License-Identifier: GPL-2.0-only */
#include "auditfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* not waiting for the other end of a pipe, before it is refused; to read the last byte, see audit_file_is_torn */
#define FILE_FLAGS (O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define FILE_MODE 0600

int audit_path_open(struct audit_path *path, const char *text, struct error *error)
{
	const char *slash = strrchr(text, '/');
	char *copy;

	*path = (struct audit_path){ .text = text, .name = slash ? slash + 1 : text };
	if (!*path->name)
		return error_usage(error, text, "is no file name");
	copy = strdup(text);
	path->directory = copy ? realpath(dirname(copy), NULL) : NULL;
	free(copy);
	return path->directory ? 0 : error_errno(error, text);
}

void audit_path_close(struct audit_path *path)
{
	free(path->directory);
	path->directory = NULL;
}

/* With an access control list the bits of the group are what any user or group that it names may do at most. */
static bool has_acl(const char *directory)
{
	return lgetxattr(directory, "system.posix_acl_access", NULL, 0) > 0;
}

/*
 * Who may write a directory may put another file, or another directory, in the place of what is in it. A group may
 * write the directories that the log's own is in: /var/log belongs to such a group on Ubuntu.
 */
static int directory_check(const char *directory, bool own, struct error *error)
{
	struct stat stat;

	if (lstat(directory, &stat))
		return error_errno(error, directory);
	if (!S_ISDIR(stat.st_mode))
		return error_state(error, directory, "is not a directory any more");
	if (stat.st_uid)
		return error_state(error, directory, "belongs to user %u, not to root", stat.st_uid);
	if (stat.st_mode & S_ISVTX)
		return 0;
	if (stat.st_mode & S_IWOTH || (own && stat.st_mode & S_IWGRP && (stat.st_gid || has_acl(directory))))
		return error_state(error, directory, "may be written by others than root (mode %04o)",
				   stat.st_mode & 07777);
	return 0;
}

/* The directory and all that it is in. */
static int directories_check(const char *directory, struct error *error)
{
	char *path = strdup(directory), *slash;
	int result;

	if (!path)
		return error_errno(error, directory);
	result = directory_check(path, true, error);
	while (!result && (slash = strrchr(path, '/')) && path[1]) {
		slash[slash == path] = '\0';
		result = directory_check(path, false, error);
	}
	free(path);
	return result;
}

/* An open one, so that nobody changes what it is meanwhile. */
static int file_check(const char *path, const struct stat *stat, struct error *error)
{
	if (!S_ISREG(stat->st_mode))
		return error_state(error, path, "is not a regular file");
	if (stat->st_uid)
		return error_state(error, path, "belongs to user %u, not to root", stat->st_uid);
	if (stat->st_nlink != 1)
		return error_state(error, path, "has %u links", (unsigned int)stat->st_nlink);
	if (stat->st_mode & (S_IWGRP | S_IWOTH))
		return error_state(error, path, "may be written by others than root (mode %04o)",
				   stat->st_mode & 07777);
	if (stat->st_mode & (S_IROTH))
		return error_state(error, path, "may be read by all (mode %04o)", stat->st_mode & 07777);
	return 0;
}

/* What is there, or a new one; one that comes or goes in between makes it look again. */
static int file_find(int directory, const char *name)
{
	for (int tries = 0; tries < 8; tries++) {
		int file = openat(directory, name, FILE_FLAGS);

		if (file >= 0 || errno != ENOENT)
			return file;
		file = openat(directory, name, FILE_FLAGS | O_CREAT | O_EXCL, FILE_MODE);
		if (file >= 0)
			fchmod(file, FILE_MODE); /* the umask may have taken of it */
		if (file >= 0 || errno != EEXIST)
			return file;
	}
	return -1;
}

static bool same_file(const struct stat *stat, int other)
{
	struct stat second;

	return other >= 0 && !fstat(other, &second) && second.st_dev == stat->st_dev && second.st_ino == stat->st_ino;
}

/* The descriptor to go on with, or -1 and *error. */
static int file_accept(int file, const char *path, int other, struct error *error)
{
	struct stat stat;

	if (fstat(file, &stat))
		return error_errno(error, path);
	if (file_check(path, &stat, error))
		return -1;
	if (same_file(&stat, other))
		return other;
	if (!flock(file, LOCK_EX | LOCK_NB))
		return file;
	if (errno == EWOULDBLOCK)
		return error_state(error, path, "another process writes to it");
	return error_errno(error, path);
}

int audit_file_open(const struct audit_path *path, int other, struct error *error)
{
	int directory, file, accepted;

	if (geteuid())
		return error_state(error, path->text, "only root can own an audit log");
	if (directories_check(path->directory, error))
		return -1;
	directory = open(path->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return error_errno(error, path->directory);
	file = file_find(directory, path->name);
	if (file < 0 && errno == ELOOP)
		error_state(error, path->text, "is a symbolic link");
	else if (file < 0)
		error_errno(error, path->text);
	close(directory);
	if (file < 0)
		return -1;
	accepted = file_accept(file, path->text, other, error);
	if (accepted != file)
		close(file);
	return accepted;
}

bool audit_file_is_torn(int file)
{
	off_t end = lseek(file, 0, SEEK_END);
	char last = '\n';

	return end > 0 && pread(file, &last, 1, end - 1) == 1 && last != '\n';
}
