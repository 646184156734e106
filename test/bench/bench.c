/* SPDX-License-Identifier: GPL-2.0-only */
#include "bench.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CALIBRATION 512 /* runs that tell how many make a round; a multiple of the batch of live frames */
#define REPEAT_MAX 200000
#define HOP_LIMIT 64
#define TRANSPORT_SIZE 28 /* TCP and 8 bytes, or UDP and 20 */

void bench_fail(const char *what)
{
	perror(what);
	exit(1);
}

double bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int double_order(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), double_order);
	return values[count / 2];
}

int bench_netns(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		bench_fail(path);
	return fd;
}

void bench_enter(int netns)
{
	if (setns(netns, CLONE_NEWNET))
		bench_fail("setns");
}

/* ---- programs ---- */

/* libbpf does not know the sections that tc does. */
static void types_set(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		if (!strncmp(bpf_program__section_name(program), "action", 6))
			bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
	}
}

struct bpf_object *bench_object(const char *path, const char *pin_dir)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = pin_dir);
	struct bpf_object *object = bpf_object__open_file(path, &options);

	if (!object)
		bench_fail(path);
	types_set(object);
	return object;
}

void bench_open(struct bench *bench, const char *splicer, const char *wrap, const char *pin_dir, const char *device)
{
	*bench = (struct bench){ .wrap_path = wrap,
				 .splicer = bench_object(splicer, pin_dir),
				 .ifindex = if_nametoindex(device),
				 .quick = getenv("BENCH_QUICK") != NULL,
				 .budgets = getenv("BENCH_BUDGETS") != NULL };
	if (!bench->ifindex)
		bench_fail(device);
	if (bpf_object__load(bench->splicer))
		bench_fail(splicer);
}

static const char *packets_map(uint32_t family)
{
	return family == RULES_IPV6 ? "packets6" : "packets4";
}

static size_t packet_size(uint32_t family)
{
	return family == RULES_IPV6 ? sizeof(struct bench_packet6) : sizeof(struct bench_packet4);
}

static int map_grow(const struct bench *bench, const char *name, uint32_t count)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(bench->wrap, name), count);
}

void bench_room(struct bench *bench, uint32_t family, uint32_t count)
{
	bpf_object__close(bench->wrap);
	bench->wrap = bench_object(bench->wrap_path, NULL);
	if (map_grow(bench, packets_map(family), count) || map_grow(bench, "probed", count) ||
	    bpf_object__load(bench->wrap))
		bench_fail(bench->wrap_path);
}

int bench_program(const struct bench *bench, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(bench->wrap, name);

	if (!program)
		program = bpf_object__find_program_by_name(bench->splicer, name);
	if (!program)
		bench_fail(name);
	return bpf_program__fd(program);
}

static int map_fd(const struct bench *bench, const char *name)
{
	return bpf_object__find_map_fd_by_name(bench->wrap, name);
}

/* ---- packets ---- */

/* The checksum of an IPv4 header as bench_frame makes it (RFC 1071): the stack looks at it. */
static void header_sum(const struct set_packet *packet, uint8_t *out)
{
	uint32_t sum = 0x4500 + 20 + TRANSPORT_SIZE + (HOP_LIMIT << 8 | packet->proto);

	for (size_t i = 0; i < 4; i += 2)
		sum += (uint32_t)(packet->src[i] << 8 | packet->src[i + 1]) +
		       (uint32_t)(packet->dst[i] << 8 | packet->dst[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	out[0] = (uint8_t)(sum >> 8);
	out[1] = (uint8_t)sum;
}

static void packet_encode(uint32_t family, const struct set_packet *packet, uint16_t sport, uint8_t *out)
{
	size_t size = family == RULES_IPV6 ? 16 : 4, before = family == RULES_IPV6 ? 2 : 3;
	uint16_t ports[2] = { htons(sport), htons(packet->port) };

	memset(out, 0, before);
	out[0] = packet->proto;
	if (family == RULES_IPV6)
		out[1] = HOP_LIMIT;
	memcpy(out + before, packet->src, size);
	memcpy(out + before + size, packet->dst, size);
	memcpy(out + before + 2 * size, ports, sizeof(ports));
	if (family == RULES_IPV4)
		header_sum(packet, out + 1);
}

static void probe_add(int map, const struct set_packet *packet, uint32_t family)
{
	struct bench_key key = { .port = htons(packet->port), .proto = packet->proto };
	uint64_t value = 1;

	memcpy(key.dst, packet->dst, family == RULES_IPV6 ? 16 : 4);
	if (bpf_map_update_elem(map, &key, &value, 0))
		bench_fail("probed");
}

/* Into no order, always the same one: Fisher and Yates. */
static void packets_shuffle(uint8_t *packets, uint32_t count, size_t size)
{
	struct bench_packet6 kept; /* the larger */

	for (uint32_t i = count - 1; i > 0; i--) {
		uint32_t other = (uint32_t)(set_mix(i) % (i + 1));

		memcpy(&kept, packets + i * size, size);
		memmove(packets + i * size, packets + other * size, size);
		memcpy(packets + other * size, &kept, size);
	}
}

void bench_prepare(const struct bench *bench, uint32_t family, uint32_t count,
		   struct set_packet (*packet_of)(void *context, uint32_t i), void *context)
{
	int probed = map_fd(bench, "probed");
	size_t size = packet_size(family);
	uint8_t *packets;

	packets = mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(bench, packets_map(family)), 0);
	if (packets == MAP_FAILED)
		bench_fail("packets");
	for (uint32_t i = 0; i < count; i++) {
		struct set_packet packet = packet_of(context, i);

		packet_encode(family, &packet, BENCH_SPORT, packets + i * size);
		probe_add(probed, &packet, family);
	}
	packets_shuffle(packets, count, size);
	munmap(packets, count * size);
}

void bench_choose(const struct bench *bench, uint32_t family, uint32_t count)
{
	struct bench_setting setting = { .count = count, .ipv6 = family == RULES_IPV6 };
	uint32_t zero = 0;

	if (bpf_map_update_elem(map_fd(bench, "setting"), &zero, &setting, 0))
		bench_fail("setting");
}

void bench_advance(const struct bench *bench, uint32_t bytes)
{
	struct bench_setting setting;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(map_fd(bench, "setting"), &zero, &setting))
		bench_fail("setting");
	setting.advance = bytes;
	if (bpf_map_update_elem(map_fd(bench, "setting"), &zero, &setting, 0))
		bench_fail("setting");
}

void bench_frame(struct bench_frame *frame, uint32_t family, const struct set_packet *packet, uint16_t sport)
{
	uint8_t *ip = frame->bytes + 14, *transport = ip + (family == RULES_IPV6 ? 40 : 20);

	memset(frame->bytes, 0, sizeof(frame->bytes));
	frame->bytes[0] = frame->bytes[6] = 2;
	if (family == RULES_IPV6) {
		memcpy(frame->bytes + 12, "\x86\xdd\x60", 3);
		ip[5] = TRANSPORT_SIZE;
		packet_encode(family, packet, sport, frame->bytes + PACKET_IPV6_OFFSET);
	} else {
		memcpy(frame->bytes + 12, "\x08\x00\x45", 3);
		ip[3] = 20 + TRANSPORT_SIZE;
		ip[8] = HOP_LIMIT;
		packet_encode(family, packet, sport, frame->bytes + PACKET_IPV4_OFFSET);
	}
	/* the length of UDP is part of the sequence number of TCP, the offset and SYN of TCP are payload of UDP */
	transport[5] = TRANSPORT_SIZE;
	transport[12] = 0x50;
	transport[13] = 0x02;
	frame->size = (uint32_t)(transport + TRANSPORT_SIZE - frame->bytes);
}

/* ---- runs ---- */

double bench_run_once(const struct bench *bench, const struct bench_frame *frame, int program, int repeat)
{
	struct __sk_buff context = { .ifindex = bench->ifindex, .ingress_ifindex = bench->ingress_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes, .data_size_in = frame->size, .repeat = repeat,
		    .ctx_in = &context, .ctx_size_in = sizeof(context));
	uint32_t zero = 0;

	if (bpf_map_update_elem(map_fd(bench, "target"), &zero, &program, 0) ||
	    bpf_prog_test_run_opts(bench_program(bench, "wrap"), &options))
		bench_fail("test run");
	return options.duration;
}

/* What runs take turns of: the context of those below. */
struct turns {
	const struct bench *bench;
	const struct bench_frame *frame;
};

static double run_wrapped(void *context, uint32_t program, int repeat)
{
	const struct turns *turns = context;

	return bench_run_once(turns->bench, turns->frame, (int)program, repeat);
}

static double run_live(void *context, uint32_t ifindex, int repeat)
{
	const struct turns *turns = context;
	struct xdp_md frame = { .data_end = turns->frame->size, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = turns->frame->bytes, .data_size_in = turns->frame->size,
		    .repeat = repeat, .ctx_in = &frame, .ctx_size_in = sizeof(frame),
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (bpf_prog_test_run_opts(bench_program(turns->bench, "live"), &options))
		bench_fail("test run of live frames");
	return options.duration;
}

static double run_boxed(void *context, uint32_t subject, int repeat)
{
	const struct turns *turns = context;
	const struct bench_box *box = &turns->bench->boxes[subject];

	bench_enter(box->netns);
	return run_live(context, box->ifindex, repeat);
}

/* So many runs that a round takes some 40 ms. */
static int repeat_for(const struct bench *bench, double ns)
{
	double repeat = (bench->quick ? 2e6 : 40e6) / (ns > 1 ? ns : 1);

	return repeat > REPEAT_MAX ? REPEAT_MAX : repeat < 64 ? 64 : (int)repeat;
}

size_t bench_rounds(const struct bench *bench)
{
	return bench->rounds ? bench->rounds : BENCH_ROUNDS;
}

void bench_take_turns(const struct bench *bench, bench_runner run, void *context, const uint32_t *subjects, double *ns,
		      size_t count)
{
	double took[count][BENCH_ROUNDS];
	int repeat[count];

	for (size_t i = 0; i < count; i++)
		repeat[i] = repeat_for(bench, run(context, subjects[i], CALIBRATION));
	for (size_t round = 0; round < bench_rounds(bench); round++)
		for (size_t i = 0; i < count; i++)
			took[i][round] = run(context, subjects[i], repeat[i]);
	for (size_t i = 0; i < count; i++)
		ns[i] = bench_median(took[i], bench_rounds(bench));
}

/* The stack or a program changes what it forwards, and frames are used again: each is restored before it goes. */
static void front_keep(const struct bench *bench, const struct bench_frame *frame)
{
	struct bench_setting setting;
	struct bench_front front;
	uint32_t zero = 0;

	memcpy(front.bytes, frame->bytes, sizeof(front.bytes));
	if (bpf_map_update_elem(map_fd(bench, "front"), &zero, &front, 0) ||
	    bpf_map_lookup_elem(map_fd(bench, "setting"), &zero, &setting))
		bench_fail("front");
	setting.restore = 1;
	if (bpf_map_update_elem(map_fd(bench, "setting"), &zero, &setting, 0))
		bench_fail("setting");
}

void bench_run(const struct bench *bench, const struct bench_frame *frame, const int *programs, double *ns,
	       size_t count)
{
	struct turns turns = { bench, frame };
	uint32_t subjects[count];

	if (bench->restores)
		front_keep(bench, frame);
	for (size_t i = 0; i < count; i++)
		subjects[i] = (uint32_t)programs[i];
	bench_take_turns(bench, run_wrapped, &turns, subjects, ns, count);
}

void bench_run_live(const struct bench *bench, const struct bench_frame *frame, const uint32_t *ifindexes, double *ns,
		    size_t count)
{
	struct turns turns = { bench, frame };

	bench_take_turns(bench, run_live, &turns, ifindexes, ns, count);
}

void bench_run_boxes(const struct bench *bench, const struct bench_frame *frame, double *ns)
{
	struct turns turns = { bench, frame };
	uint32_t subjects[bench->box_count];

	front_keep(bench, frame);
	for (uint32_t i = 0; i < bench->box_count; i++)
		subjects[i] = i;
	bench_take_turns(bench, run_boxed, &turns, subjects, ns, bench->box_count);
}

void bench_send(const struct bench *bench, const struct bench_frame *frame, uint32_t box, uint32_t ifindex)
{
	struct turns turns = { bench, frame };

	front_keep(bench, frame);
	bench_enter(bench->boxes[box].netns);
	run_live(&turns, ifindex, 1);
}
