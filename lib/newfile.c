/* SPDX-License-Identifier: GPL-2.0-only */
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_DEFAULT 0666 /* less what umask takes */

static mode_t mode_of_new(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return MODE_DEFAULT & ~mask;
}

/*
 * In a directory that all may write, as /tmp is, a link or a pipe that somebody else has put there leads the output
 * where that one likes. As the kernel has it with fs.protected_symlinks, which is not set everywhere, and which names
 * that were resolved here go past.
 */
static int trap_check(const char *path, struct error *error)
{
	char copy[PATH_MAX];
	struct stat entry, directory;

	/* what is not there, or cannot be looked at, is told of by whoever opens it */
	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy) || lstat(path, &entry) ||
	    S_ISREG(entry.st_mode) || stat(dirname(copy), &directory))
		return 0;
	if ((directory.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) || entry.st_uid == geteuid() ||
	    entry.st_uid == directory.st_uid)
		return 0;
	return error_state(error, path, "is of user %u, no regular file, and in a directory that all may write",
			   entry.st_uid);
}

static int path_resolve(struct newfile *file, const char *path)
{
	int size;

	if (realpath(path, file->path))
		return 0;
	size = snprintf(file->path, sizeof(file->path), "%s", path);
	if (size >= 0 && (size_t)size < sizeof(file->path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int temporary_open(struct newfile *file, mode_t mode)
{
	int size = snprintf(file->temporary, sizeof(file->temporary), "%s.XXXXXX", file->path), fd;

	if (size < 0 || (size_t)size >= sizeof(file->temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(file->temporary, O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, mode)) {
		close(fd);
		unlink(file->temporary);
		return -1;
	}
	return fd;
}

/* What is left of a link is one to a file that has no name here, as that of a descriptor: /dev/stdout. */
static bool is_link(const char *path)
{
	struct stat entry;

	return !lstat(path, &entry) && S_ISLNK(entry.st_mode);
}

static int target_open(struct newfile *file)
{
	struct stat old;
	bool is_there = !stat(file->path, &old), own = is_there && old.st_uid == geteuid();

	if (!is_there || (S_ISREG(old.st_mode) && !is_link(file->path)))
		return temporary_open(file, own ? old.st_mode & 07777 : mode_of_new());
	file->temporary[0] = '\0';
	return open(file->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
}

int newfile_open(struct newfile *file, const char *path, struct error *error)
{
	int fd;

	if (trap_check(path, error))
		return -1;
	if (path_resolve(file, path))
		return error_errno(error, path);
	fd = target_open(file);
	file->stream = fd < 0 ? NULL : fdopen(fd, "w");
	return file->stream ? 0 : error_errno(error, path);
}

static int stream_close(struct newfile *file)
{
	bool failed = ferror(file->stream);

	/* a write that failed before left its errno to nobody */
	if (fflush(file->stream) || failed) {
		int reason = failed && !errno ? EIO : errno;

		fclose(file->stream);
		errno = reason;
		return -1;
	}
	return fclose(file->stream) ? -1 : 0;
}

int newfile_close(struct newfile *file, struct error *error)
{
	if (!stream_close(file) && (!*file->temporary || !rename(file->temporary, file->path)))
		return 0;
	error_errno(error, file->path);
	if (*file->temporary)
		unlink(file->temporary);
	return -1;
}

void newfile_abandon(struct newfile *file)
{
	fclose(file->stream);
	if (*file->temporary)
		unlink(file->temporary);
}
