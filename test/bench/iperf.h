/* SPDX-License-Identifier: GPL-2.0-only */
/* What TCP connections of iperf3 carry from one network namespace to another. Every failure ends the process. */
#ifndef SPLICER_BENCH_IPERF_H
#define SPLICER_BENCH_IPERF_H

#include "bench.h"

#include <sys/types.h>

pid_t iperf_serve(int netns, const char *address, const char *port);
void iperf_stop(pid_t server);

/* Bits per second that came to the server from so many streams. output: a file for what iperf3 prints. */
double iperf_run(const struct bench *bench, int netns, const char *address, const char *port, const char *streams,
		 const char *output);

#endif
