/* SPDX-License-Identifier: GPL-2.0-only */
#include "process.h"

#include "bench.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_WORDS_MAX 15

pid_t process_start(const char *const argv[], const char *output, bool quiet)
{
	posix_spawn_file_actions_t files;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (quiet)
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

/* False: it was too late. */
static bool process_wait(pid_t pid, double limit)
{
	struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool in_time;

	if (ended.fd < 0)
		bench_fail("pidfd_open");
	in_time = poll(&ended, 1, (int)(limit * 1000)) == 1;
	close(ended.fd);
	if (!in_time)
		kill(pid, SIGKILL);
	return in_time;
}

double process_time(const char *const argv[], double limit, bool quiet)
{
	double start = bench_now(), took;
	pid_t pid = process_start(argv, "/dev/null", quiet);
	bool in_time;
	int status;

	if (pid < 0)
		return -1;
	in_time = process_wait(pid, limit);
	if (waitpid(pid, &status, 0) != pid)
		bench_fail(argv[0]);
	took = bench_now() - start;
	return in_time && !status ? took : -1;
}

double process_tool_time(const char *tools, const char *const argv[])
{
	const char *words[PROCESS_WORDS_MAX + 1] = { NULL };
	char path[256];
	double took;

	for (size_t i = 0; argv[i] && i < PROCESS_WORDS_MAX; i++)
		words[i] = argv[i];
	snprintf(path, sizeof(path), "%s/%s", tools, argv[0]);
	words[0] = path;
	took = process_time(words, PROCESS_LIMIT, false);
	if (took < 0) {
		fprintf(stderr, "bench: %s failed\n", argv[0]);
		exit(1);
	}
	return took;
}

bool process_stop(pid_t pid, int signal, double limit)
{
	bool in_time;
	int status;

	kill(pid, signal);
	in_time = process_wait(pid, limit);
	if (waitpid(pid, &status, 0) != pid)
		bench_fail("waitpid");
	return in_time;
}
