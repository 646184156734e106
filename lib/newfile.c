/* SPDX-License-Identifier: GPL-2.0-only */
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
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

static int target_open(struct newfile *file)
{
	struct stat stat_old;
	bool is_there = !stat(file->path, &stat_old);

	if (!is_there || S_ISREG(stat_old.st_mode))
		return temporary_open(file, is_there ? stat_old.st_mode & 07777 : mode_of_new());
	file->temporary[0] = '\0';
	return open(file->path, O_WRONLY | O_CLOEXEC);
}

int newfile_open(struct newfile *file, const char *path, struct error *error)
{
	int fd;

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
