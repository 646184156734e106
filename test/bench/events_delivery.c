/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast one reader gets its lines: a flood of frames over a veth, from one CPU, each dropped with an event or a line
 * of bpf_printk, and the reader on another CPU, which writes to a file.
 */
#include "abi/event.h"
#include "events.h"
#include "process.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5
#define FLOOD_SECONDS 0.4
#define FLOOD_BATCH 64
#define QUIET_SECONDS 0.25 /* a file that has not grown for so long is complete */
#define START_SECONDS 5.0  /* a reader may take until it listens */
#define STOP_SECONDS 5.0
#define PRINT_MARK "splicer_bench:" /* in each line of printk.bpf.c, and in nobody else's */

struct delivery {
	struct events *events;
	enum events_reader reader;
	const char *device;      /* the sender's end of the veth */
	const char *const *argv; /* NULL: nobody reads */
	char output[256];
	int fd;
	const struct event_control *control;
	const struct event_slot *slots;
};

/* One round. */
struct flood {
	double packets, start, end; /* end: of reading */
	double sender, processor;   /* seconds */
	double lines, lost;
};

/* ---- the sender ---- */

static int packet_socket(const char *device)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		bench_fail(device);
	return fd;
}

/* The other end of a veth takes packets on the same CPU, so the sender is as slow as what meets them there. */
static void flood_send(struct flood *flood, int fd, double seconds)
{
	struct mmsghdr messages[FLOOD_BATCH] = { 0 };
	struct bench_frame frame;
	struct iovec part = { .iov_base = frame.bytes };
	double now;

	frame_make(&frame, RULES_IPV4, IPPROTO_UDP, FRAME_OTHER_PORT, false, 0);
	part.iov_len = frame.size;
	for (size_t i = 0; i < FLOOD_BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 };
	flood->start = now = bench_now();
	while (now - flood->start < seconds) {
		int done = sendmmsg(fd, messages, FLOOD_BATCH, 0);

		if (done < 0)
			bench_fail("sendmmsg");
		flood->packets += done;
		now = bench_now();
	}
	flood->sender = now - flood->start;
}

/* ---- the reader ---- */

static void run_on(int cpu)
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

static double processor_seconds(pid_t pid)
{
	struct timespec time = { 0 };
	clockid_t clock;

	if (pid > 0 && (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time)))
		bench_fail("clock of the reader");
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static off_t file_size(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		bench_fail(path);
	return status.st_size;
}

/* Waits until the reader has written all, and returns when that was. */
static double reader_settle(const struct delivery *delivery)
{
	double since = bench_now();
	off_t size = file_size(delivery->output);

	while (bench_now() - since < QUIET_SECONDS) {
		off_t now;

		pause_for(0.002);
		now = file_size(delivery->output);
		if (now != size)
			since = bench_now();
		size = now;
	}
	return since;
}

/* A subscriber has its bit; trace_pipe keeps the lines until it is read. */
static void reader_await(const struct delivery *delivery)
{
	double start = bench_now();

	while (delivery->reader != READER_PIPE &&
	       !__atomic_load_n(&delivery->control->wanted[EVENT_DECISION], __ATOMIC_ACQUIRE)) {
		if (bench_now() - start > START_SECONDS)
			bench_fail("trace_tail does not listen");
		pause_for(0.002);
	}
	reader_settle(delivery);
}

static pid_t reader_start(const struct delivery *delivery)
{
	pid_t pid;

	run_on(1);
	pid = process_start(delivery->argv, delivery->output, true);
	run_on(0);
	if (pid < 0)
		bench_fail(delivery->argv[0]);
	reader_await(delivery);
	/* what was in trace_pipe before */
	if (truncate(delivery->output, 0))
		bench_fail(delivery->output);
	return pid;
}

static uint64_t lost_now(const struct delivery *delivery, pid_t pid)
{
	if (delivery->reader == READER_PIPE)
		return events_pipe_lost(delivery->events);
	for (size_t i = 0; i < EVENT_SLOT_COUNT; i++)
		if (delivery->slots[i].pid == (uint32_t)pid)
			return __atomic_load_n(&delivery->slots[i].lost, __ATOMIC_ACQUIRE);
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

static double lines_count(const struct delivery *delivery)
{
	off_t size = file_size(delivery->output);
	int fd = open(delivery->output, O_RDONLY | O_CLOEXEC);
	void *text = size ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
	double count = 0;

	if (fd < 0 || text == MAP_FAILED)
		bench_fail(delivery->output);
	if (text) {
		count = text_count(text, (size_t)size, delivery->reader == READER_PIPE ? PRINT_MARK : "\n");
		munmap(text, (size_t)size);
	}
	close(fd);
	return count;
}

/* Every event is a line or is counted as lost. Lines of trace_pipe may also go astray in other ways. */
static void flood_check(const struct delivery *delivery, const struct flood *flood)
{
	if (delivery->reader == READER_PIPE || flood->lines + flood->lost == flood->packets)
		return;
	fprintf(stderr, "events_bench: %.0f packets, but %.0f lines and %.0f lost\n", flood->packets, flood->lines,
		flood->lost);
	exit(1);
}

/* ---- rounds ---- */

static struct flood flood_read(const struct delivery *delivery, double seconds)
{
	pid_t pid = reader_start(delivery);
	double processor = processor_seconds(pid), lost = (double)lost_now(delivery, pid);
	struct flood flood = { 0 };

	flood_send(&flood, delivery->fd, seconds);
	flood.end = reader_settle(delivery);
	flood.processor = processor_seconds(pid) - processor;
	flood.lost = (double)lost_now(delivery, pid) - lost;
	if (!process_stop(pid, SIGTERM, STOP_SECONDS))
		bench_fail("the reader does not end");
	flood.lines = lines_count(delivery);
	flood_check(delivery, &flood);
	return flood;
}

static struct flood flood_round(const struct delivery *delivery)
{
	double seconds = delivery->events->bench.quick ? 0.02 : FLOOD_SECONDS;
	struct flood flood = { 0 };

	if (delivery->argv)
		return flood_read(delivery, seconds);
	run_on(0);
	flood_send(&flood, delivery->fd, seconds);
	return flood;
}

/* The rates are those of rounds: a median of lines over a median of time would be of no round. */
static void rounds_store(struct events_delivery *row, const struct flood *floods, size_t count)
{
	double packets[ROUNDS], lines[ROUNDS], lost[ROUNDS], sender[ROUNDS], rate[ROUNDS], busy[ROUNDS];

	for (size_t i = 0; i < count; i++) {
		const struct flood *one = &floods[i];

		packets[i] = one->packets;
		lines[i] = one->lines;
		lost[i] = one->lost;
		sender[i] = one->sender * 1e9 / one->packets;
		rate[i] = one->lines ? one->lines / (one->end - one->start) : 0;
		busy[i] = one->processor > 0 ? one->lines / one->processor : 0;
	}
	row->packets = bench_median(packets, count);
	row->lines = bench_median(lines, count);
	row->lost = bench_median(lost, count);
	row->sender = bench_median(sender, count);
	row->rate = bench_median(rate, count);
	row->busy = bench_median(busy, count);
	row->done = true;
}

/* Nanoseconds that the event of a dropped packet costs with one subscriber: as measured before. */
static double in_drop_of_event(const struct events *events)
{
	for (size_t i = 0; i < events->costs; i++)
		if (events->cost[i].subscribers == 1 && !strcmp(events->cost[i].wants, "this packet"))
			return events->cost[i].splicer - events->cost[i].none;
	return 0;
}

static double in_drop_of_print(const struct events *events)
{
	const struct bpf_program *print = bpf_object__find_program_by_name(events->print, "print_drop");
	int programs[] = { bench_program(&events->bench, "drop"), bpf_program__fd(print) };
	struct bench_frame frame;
	double ns[2];

	frame_make(&frame, RULES_IPV4, IPPROTO_UDP, FRAME_OTHER_PORT, false, 0);
	bench_run(&events->bench, &frame, programs, ns, 2);
	return ns[1] - ns[0];
}

static void readers_open(struct events *events, struct delivery *readers, const char *const *const *argv)
{
	struct error error;
	const struct event_control *control = pin_map(&events->pins, &pin_event_control, &error);
	const struct event_slot *slots = control ? pin_map(&events->pins, &pin_event_slots, &error) : NULL;

	if (!slots)
		exit(error_print(&error));
	for (size_t i = 0; i < EVENTS_READERS; i++) {
		readers[i] = (struct delivery){ .events = events,
						.reader = (enum events_reader)i,
						.device = i == READER_PIPE ? "print1" : "wan1",
						.argv = argv[i],
						.control = control,
						.slots = slots };
		snprintf(readers[i].output, sizeof(readers[i].output), "%s/lines", events->scratch);
		readers[i].fd = packet_socket(readers[i].device);
	}
}

static void readers_flood(const struct events *events, const struct delivery *readers, struct flood (*floods)[ROUNDS],
			  size_t rounds)
{
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < EVENTS_READERS; i++)
			if (i != READER_PIPE || events->print)
				floods[i][round] = flood_round(&readers[i]);
}

void events_measure_delivery(struct events *events)
{
	char tail[256], pipe[256];
	const char *json[] = { tail, "-j", NULL }, *text[] = { tail, NULL }, *cat[] = { "cat", pipe, NULL };
	const char *const *const argv[] = { NULL, json, text, cat };
	size_t rounds = events->bench.quick ? 1 : ROUNDS;
	struct flood floods[EVENTS_READERS][ROUNDS];
	struct delivery readers[EVENTS_READERS];

	snprintf(tail, sizeof(tail), "%s/trace_tail", events->tools);
	snprintf(pipe, sizeof(pipe), "%s/trace_pipe", events->trace ? events->trace : "");
	readers_open(events, readers, argv);
	readers_flood(events, readers, floods, rounds);
	for (size_t i = 0; i < EVENTS_READERS; i++)
		if (i != READER_PIPE || events->print)
			rounds_store(&events->delivery[i], floods[i], rounds);
	events->delivery[READER_JSON].in_drop = events->delivery[READER_TEXT].in_drop = in_drop_of_event(events);
	if (events->print)
		events->delivery[READER_PIPE].in_drop = in_drop_of_print(events);
}
