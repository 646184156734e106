/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole processes, started as a shell would, and their time from start to end. */
#ifndef SPLICER_BENCH_PROCESS_H
#define SPLICER_BENCH_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_RUNS 30     /* of one command that is quick; the median is reported */
#define PROCESS_LIMIT 120.0 /* seconds; a tool that takes longer has a defect */

/*
 * Seconds from start to end; -1 when it failed or took longer than `limit` seconds (then it is killed). What it prints
 * is thrown away; errors too where `quiet`: of a program that may refuse.
 */
double process_time(const char *const argv[], double limit, bool quiet);

/* Seconds of a run of one of the tools in the directory, which must succeed. argv[0] is its name only. */
double process_tool_time(const char *tools, const char *const argv[]);

/* Starts it; what it prints is appended to the file, made empty before; errors as above. -1: it could not be started.
 */
pid_t process_start(const char *const argv[], const char *output, bool quiet);

/* Sends it the signal and waits; false: it did not end within `limit` seconds, and was killed. */
bool process_stop(pid_t pid, int signal, double limit);

#endif
