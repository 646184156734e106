/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes by a command. */
#include "array.h"
#include "probe_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- its environment ---- */

static size_t list_length(char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static bool is_named_in(const char *variable, char *const *list)
{
	size_t name = strcspn(variable, "=") + 1;

	for (; list && *list; list++)
		if (!strncmp(variable, *list, name))
			return true;
	return false;
}

/* Ours, and what the probe has in its stead or beside it; released with free(). */
static char **environment_make(const struct probe *probe)
{
	size_t own = list_length(environ), more = list_length(probe->environment), count = 0;
	char **list = calloc(own + more + 1, sizeof(*list));

	if (!list)
		return NULL;
	for (size_t i = 0; i < own; i++)
		if (!is_named_in(environ[i], probe->environment))
			list[count++] = environ[i];
	for (size_t i = 0; i < more; i++)
		list[count++] = probe->environment[i];
	return list;
}

/* ---- running it ---- */

/* In a process group of its own, with signals as usual, no descriptors of ours, and nothing to read. What it prints is
 * nobody's business but for errors. */
static int spawn_prepare(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *files)
{
	sigset_t none, ignored;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	errno = posix_spawnattr_setflags(attributes,
					 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!errno)
		errno = posix_spawnattr_setsigmask(attributes, &none);
	if (!errno)
		errno = posix_spawnattr_setsigdefault(attributes, &ignored);
	if (!errno)
		errno = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!errno)
		errno = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!errno)
		errno = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return errno ? -1 : 0;
}

/* Its number, or -1 with errno. */
static pid_t shell_spawn(const char *command, char **environment)
{
	char *words[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	pid_t pid = -1;

	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_init(&files);
	if (!spawn_prepare(&attributes, &files)) {
		errno = posix_spawn(&pid, "/bin/sh", &files, &attributes, words, environment);
		if (errno)
			pid = -1;
	}
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

/* All of its group; it is reaped when it is gone, which one in the middle of the kernel's work may not be yet. */
static void command_kill(struct prober *prober, pid_t pid)
{
	pid_t *killed = array_room(prober->killed, prober->killed_count, sizeof(*killed));

	kill(-pid, SIGKILL);
	if (!killed)
		return;
	prober->killed = killed;
	killed[prober->killed_count++] = pid;
}

void probes_reap(struct prober *prober)
{
	for (size_t i = prober->killed_count; i-- > 0;)
		if (waitpid(prober->killed[i], NULL, WNOHANG))
			prober->killed[i] = prober->killed[--prober->killed_count];
}

static int command_start(struct prober *prober, struct probe *probe)
{
	char **environment = environment_make(probe);
	pid_t pid = environment ? shell_spawn(probe->how->command, environment) : -1;
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1, number = errno;

	free(environment);
	if (fd < 0) {
		if (pid > 0)
			command_kill(prober, pid);
		return probe_end(probe, PROBE_NOT_MADE, "cannot run it: %s", strerror(number));
	}
	probe->state.command.pid = pid;
	probe->state.command.fd = fd;
	return 0;
}

/* Also when it is done: then there is nobody to kill. */
static void command_stop(struct prober *prober, struct probe *probe)
{
	close(probe->state.command.fd);
	if (probe->state.command.pid)
		command_kill(prober, probe->state.command.pid);
}

void probe_collect_command(struct prober *prober, struct probe *probe)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)probe->state.command.fd, &info, WEXITED | WNOHANG) || !info.si_pid)
		return;
	probe->state.command.pid = 0;
	if (info.si_code != CLD_EXITED)
		probe_end(probe, PROBE_FAILURE, "killed by signal %d", info.si_status);
	else
		probe_end(probe, info.si_status ? PROBE_FAILURE : PROBE_SUCCESS, "exit status %d", info.si_status);
	probe_finish(prober, probe);
}

const struct probe_ops probe_command = {
	.name = "command",
	.start = command_start,
	.stop = command_stop,
	.late = "not done",
};
