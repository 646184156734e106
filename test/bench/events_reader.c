/* SPDX-License-Identifier: GPL-2.0-only */
#include "events_reader.h"

#include "abi/event.h"
#include "process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUIET_SECONDS 0.25 /* a file that has not grown for so long is complete */
#define START_SECONDS 5.0  /* a reader may take until it listens */
#define STOP_SECONDS 5.0
#define PRINT_MARK "splicer_bench:" /* in each line of printk.bpf.c, and in nobody else's */

static pid_t running;

/* It must not outlive a bench that failed. */
static void running_end(void)
{
	if (running > 0)
		kill(running, SIGKILL);
}

void reader_open(struct reader *reader, struct events *events, enum events_reader kind, const char *const *argv)
{
	struct error error;

	*reader = (struct reader){ .events = events, .kind = kind, .argv = argv };
	reader->control = pin_map(&events->pins, &pin_event_control, &error);
	reader->slots = reader->control ? pin_map(&events->pins, &pin_event_slots, &error) : NULL;
	if (!reader->slots)
		exit(error_print(&error));
	snprintf(reader->output, sizeof(reader->output), "%s/lines", events->scratch);
	if (kind == READER_NONE)
		atexit(running_end);
}

/* ---- it runs ---- */

void reader_run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	/* with one CPU they share it */
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void pause_for(double seconds)
{
	struct timespec time = { .tv_nsec = (long)(seconds * 1e9) };

	nanosleep(&time, NULL);
}

static off_t file_size(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		bench_fail(path);
	return status.st_size;
}

double reader_settle(const struct reader *reader)
{
	double since = bench_now();
	off_t size = file_size(reader->output);

	while (bench_now() - since < QUIET_SECONDS) {
		off_t now;

		pause_for(0.002);
		now = file_size(reader->output);
		if (now != size)
			since = bench_now();
		size = now;
	}
	return since;
}

/* A subscriber has its bit; trace_pipe keeps the lines until it is read. */
static void reader_await(const struct reader *reader)
{
	double start = bench_now();

	while (reader->kind != READER_PIPE &&
	       !__atomic_load_n(&reader->control->wanted[EVENT_DECISION], __ATOMIC_ACQUIRE)) {
		if (bench_now() - start > START_SECONDS)
			bench_fail("trace_tail does not listen");
		pause_for(0.002);
	}
	reader_settle(reader);
}

void reader_start(struct reader *reader)
{
	reader_run_on(1);
	reader->pid = process_start(reader->argv, reader->output, true);
	reader_run_on(0);
	if (reader->pid < 0)
		bench_fail(reader->argv[0]);
	running = reader->pid;
	reader_await(reader);
	/* what was in trace_pipe before */
	if (truncate(reader->output, 0))
		bench_fail(reader->output);
}

void reader_stop(const struct reader *reader)
{
	running = 0;
	if (!process_stop(reader->pid, SIGTERM, STOP_SECONDS))
		bench_fail("the reader does not end");
}

double reader_processor(const struct reader *reader)
{
	struct timespec time = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(reader->pid, &clock) || clock_gettime(clock, &time))
		bench_fail("clock of the reader");
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- what was lost ---- */

static uint64_t cpu_lost(const struct events *events, long cpu)
{
	unsigned long long value, sum = 0;
	char path[128], line[128];
	FILE *stats;

	snprintf(path, sizeof(path), "%s/per_cpu/cpu%ld/stats", events->trace, cpu);
	stats = fopen(path, "re");
	if (!stats)
		return 0; /* it is not there */
	while (fgets(line, sizeof(line), stats))
		if (sscanf(line, "overrun: %llu", &value) == 1 || sscanf(line, "dropped events: %llu", &value) == 1)
			sum += value;
	fclose(stats);
	return sum;
}

/* What was lost on the way to trace_pipe until now: lines overwritten and dropped. */
static uint64_t pipe_lost(const struct events *events)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	uint64_t sum = 0;

	for (long cpu = 0; cpu < cpus; cpu++)
		sum += cpu_lost(events, cpu);
	return sum;
}

uint64_t reader_lost(const struct reader *reader)
{
	if (reader->kind == READER_PIPE)
		return pipe_lost(reader->events);
	for (size_t i = 0; i < EVENT_SLOT_COUNT; i++)
		if (reader->slots[i].pid == (uint32_t)reader->pid)
			return __atomic_load_n(&reader->slots[i].lost, __ATOMIC_ACQUIRE);
	bench_fail("no place of the reader");
}

/* ---- what it wrote ---- */

static double text_count(const char *text, size_t size, const char *mark)
{
	const char *at = text, *end = text + size;
	double count = 0;

	while ((at = memmem(at, (size_t)(end - at), mark, strlen(mark)))) {
		at += strlen(mark);
		count++;
	}
	return count;
}

double reader_lines(const struct reader *reader)
{
	off_t size = file_size(reader->output);
	int fd = open(reader->output, O_RDONLY | O_CLOEXEC);
	void *text = size ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
	double count = 0;

	if (fd < 0 || text == MAP_FAILED)
		bench_fail(reader->output);
	if (text) {
		count = text_count(text, (size_t)size, reader->kind == READER_PIPE ? PRINT_MARK : "\n");
		munmap(text, (size_t)size);
	}
	close(fd);
	return count;
}
