/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast one reader gets its lines: a flood of frames over a veth, from one CPU, each dropped with an event or a line
 * of bpf_printk, and the reader on another CPU, which writes to a file.
 */
#include "events.h"
#include "events_reader.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 5
#define FLOOD_SECONDS 0.4
#define FLOOD_BATCH 64

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

/* ---- rounds ---- */

/* Every event is a line or is counted as lost. Lines of trace_pipe may also go astray in other ways. */
static void flood_check(const struct reader *reader, const struct flood *flood)
{
	if (reader->kind == READER_PIPE || flood->lines + flood->lost == flood->packets)
		return;
	fprintf(stderr, "events_bench: %.0f packets, but %.0f lines and %.0f lost\n", flood->packets, flood->lines,
		flood->lost);
	exit(1);
}

static struct flood flood_read(struct reader *reader, int fd, double seconds)
{
	struct flood flood = { 0 };

	reader_start(reader);
	flood.processor = -reader_processor(reader);
	flood.lost = -(double)reader_lost(reader);
	flood_send(&flood, fd, seconds);
	flood.end = reader_settle(reader);
	flood.processor += reader_processor(reader);
	flood.lost += (double)reader_lost(reader);
	reader_stop(reader);
	flood.lines = reader_lines(reader);
	flood_check(reader, &flood);
	return flood;
}

static struct flood flood_round(struct reader *reader)
{
	double seconds = reader->events->bench.quick ? 0.02 : FLOOD_SECONDS;
	int fd = packet_socket(reader->kind == READER_PIPE ? "print1" : "wan1");
	struct flood flood = { 0 };

	reader_run_on(0);
	if (reader->argv)
		flood = flood_read(reader, fd, seconds);
	else
		flood_send(&flood, fd, seconds);
	close(fd);
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

/* Readers take turns, so that a slow moment of the machine hits them alike. */
static void readers_flood(struct events *events, const char *const *const *argv)
{
	size_t rounds = events->bench.quick ? 1 : ROUNDS, count = events->print ? EVENTS_READERS : READER_PIPE;
	struct flood floods[EVENTS_READERS][ROUNDS];
	struct reader readers[EVENTS_READERS];

	for (size_t i = 0; i < count; i++)
		reader_open(&readers[i], events, (enum events_reader)i, argv[i]);
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < count; i++)
			floods[i][round] = flood_round(&readers[i]);
	for (size_t i = 0; i < count; i++)
		rounds_store(&events->delivery[i], floods[i], rounds);
}

void events_measure_delivery(struct events *events)
{
	char tail[256], pipe[256];
	const char *json[] = { tail, "-j", NULL }, *text[] = { tail, NULL }, *cat[] = { "cat", pipe, NULL };
	const char *const *const argv[] = { NULL, json, text, cat };

	snprintf(tail, sizeof(tail), "%s/trace_tail", events->tools);
	snprintf(pipe, sizeof(pipe), "%s/trace_pipe", events->trace ? events->trace : "");
	readers_flood(events, argv);
	events->delivery[READER_JSON].in_drop = events->delivery[READER_TEXT].in_drop = in_drop_of_event(events);
	if (events->print)
		events->delivery[READER_PIPE].in_drop = in_drop_of_print(events);
}
