/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet costs in splicer.o, beside an empty program and one exact hash probe in the same run.
 * path_bench SPLICER.o WRAP.o PIN_DIR MAP_UPDATE IFINDEX; run by scripts/bench in a box of its own.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 7 /* the median is reported */
#define REPEAT 200000

struct bench {
	int wrap, empty, probe, splicer; /* programs */
	int target, spread, probed;      /* maps */
	uint32_t ifindex;
	const char *map_update;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* An IPv4 packet with 8 bytes of payload. */
static size_t frame_make(uint8_t frame[128], uint8_t proto, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	size_t transport = proto == IPPROTO_TCP ? 20 : 8, length = 20 + transport + 8;
	uint16_t field;

	memset(frame, 0, 128);
	frame[0] = frame[6] = 2;
	frame[12] = 8;
	frame[14] = 0x45;
	field = htons((uint16_t)length);
	memcpy(frame + 16, &field, 2);
	frame[22] = 64;
	frame[23] = proto;
	memcpy(frame + 26, &src, 4);
	memcpy(frame + 30, &dst, 4);
	memcpy(frame + 34, &sport, 2);
	memcpy(frame + 36, &dport, 2);
	frame[46] = 0x50;
	frame[47] = 0x10;
	if (proto == IPPROTO_UDP) {
		field = htons(16);
		memcpy(frame + 38, &field, 2);
	}
	return 14 + length;
}

/* Nanoseconds of one run of the wrapper around `program`. */
static int run_once(const struct bench *bench, int program, const uint8_t *frame, size_t size)
{
	struct __sk_buff context = { .ifindex = bench->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)size, .repeat = REPEAT,
		    .ctx_in = &context, .ctx_size_in = sizeof(context));
	uint32_t zero = 0;

	if (bpf_map_update_elem(bench->target, &zero, &program, 0) || bpf_prog_test_run_opts(bench->wrap, &options))
		fail("test run");
	return (int)options.duration;
}

static int int_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Medians of rounds in which the programs take turns, so that a slow moment of the machine hits them alike. */
static void run_row(const struct bench *bench, const char *name, uint32_t spread, const uint8_t *frame, size_t size)
{
	int programs[] = { bench->empty, bench->probe, bench->splicer }, took[3][ROUNDS];
	uint32_t zero = 0;

	if (bpf_map_update_elem(bench->spread, &zero, &spread, 0))
		fail("spread");
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < 3; i++)
			took[i][round] = run_once(bench, programs[i], frame, size);
	for (int i = 0; i < 3; i++)
		qsort(took[i], ROUNDS, sizeof(int), int_order);
	printf("%-44s %7d %7d %8d %8d\n", name, took[0][ROUNDS / 2], took[1][ROUNDS / 2] - took[0][ROUNDS / 2],
	       took[2][ROUNDS / 2], took[2][ROUNDS / 2] - took[0][ROUNDS / 2]);
	fflush(stdout);
}

/* A connection over loopback to 127.0.0.1; a frame of it arriving elsewhere is that of an established socket. */
static size_t established_frame(uint8_t frame[128])
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			   client = server;
	socklen_t size = sizeof(server);
	int listener = socket(AF_INET, SOCK_STREAM, 0), end = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&server, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&server, &size) ||
	    connect(end, (struct sockaddr *)&server, size) || getsockname(end, (struct sockaddr *)&client, &size) ||
	    accept(listener, NULL, NULL) < 0)
		fail("connection");
	return frame_make(frame, IPPROTO_TCP, client.sin_addr.s_addr, server.sin_addr.s_addr, client.sin_port,
			  server.sin_port);
}

static void rules_load(const struct bench *bench, uint32_t count)
{
	char command[512];
	FILE *input;

	snprintf(command, sizeof(command), "%s -f -", bench->map_update);
	input = popen(command, "w");
	if (!input)
		fail(command);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t key = htonl(0x0a000000 + i);
		uint64_t value = i;

		fprintf(input, "10.%u.%u.%u 32 5060 5060 0 udp\n", i >> 16, i >> 8 & 255, i & 255);
		if (bpf_map_update_elem(bench->probed, &key, &value, 0))
			fail("probed");
	}
	if (pclose(input))
		fail("map_update");
}

static struct bpf_object *object_load(const char *path, const char *pin_dir)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = pin_dir);
	struct bpf_object *object = bpf_object__open_file(path, &options);
	struct bpf_program *program;

	if (!object)
		fail(path);
	bpf_object__for_each_program(program, object) bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
	if (bpf_object__load(object))
		fail(path);
	return object;
}

static int program_fd(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

int main(int argc, char **argv)
{
	struct bpf_object *splicer, *wrap;
	struct bench bench;
	uint8_t frame[128];
	size_t size;

	if (argc != 6) {
		fprintf(stderr, "usage: path_bench SPLICER.o WRAP.o PIN_DIR MAP_UPDATE IFINDEX\n");
		return 2;
	}
	splicer = object_load(argv[1], argv[3]);
	wrap = object_load(argv[2], argv[3]);
	bench = (struct bench){
		.wrap = program_fd(wrap, "wrap"),
		.empty = program_fd(wrap, "empty"),
		.probe = program_fd(wrap, "probe"),
		.splicer = program_fd(splicer, "splicer_ingress"),
		.target = bpf_object__find_map_fd_by_name(wrap, "target"),
		.spread = bpf_object__find_map_fd_by_name(wrap, "spread"),
		.probed = bpf_object__find_map_fd_by_name(wrap, "probed"),
		.ifindex = (uint32_t)atoi(argv[5]),
		.map_update = argv[4],
	};
	printf("%-44s %7s %7s %8s %8s\n", "ns per packet, medians", "empty", "+probe", "splicer", "+net");
	size = established_frame(frame);
	run_row(&bench, "established TCP, by socket lookup", 0, frame, size);
	size = frame_make(frame, IPPROTO_UDP, htonl(0xc0000202), htonl(0x0a000001), htons(4000), htons(5060));
	run_row(&bench, "new UDP flow, no rule", 0, frame, size);
	for (uint32_t count = 10, i = 0; i < 4; count = (uint32_t[]){ 1000, 100000, 1000000 }[i++]) {
		char name[64];

		rules_load(&bench, count);
		snprintf(name, sizeof(name), "new UDP flow, %u rules, one destination", count);
		run_row(&bench, name, 0, frame, size);
		snprintf(name, sizeof(name), "new UDP flow, %u rules, any destination", count);
		run_row(&bench, name, count, frame, size);
		if (i == 3)
			break;
	}
	return 0;
}
