/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowreplay.h"

#include "attachment.h"
#include "capture.h"
#include "flowgen.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the hash, instead of one that programs choose by chance: which sessions share a bucket is always the same then. */
#define SEED 1

/* ---- the program ---- */

static const struct attachment *attachment_find(const struct attachments *attachments, uint32_t ifindex)
{
	for (size_t i = 0; i < attachments->count; i++) {
		const struct attachment *one = &attachments->items[i];

		if (one->ifindex == ifindex && one->hook == ATTACH_INGRESS && one->ours)
			return one;
	}
	return NULL;
}

static int program_open(struct flow_replay *replay, const struct pins *pins, struct error *error)
{
	const struct attachment *attachment;
	struct attachments attachments;

	if (attachments_read(pins, ATTACH_FLOW, &attachments, error))
		return -1;
	attachment = attachment_find(&attachments, replay->ifindex);
	if (attachment)
		replay->program = attachment_open(attachment, error);
	else
		error_state(error, replay->iface, "flow.o is not on its ingress");
	free(attachments.items);
	return replay->program < 0 ? -1 : 0;
}

/* ---- the clock ---- */

/* Places of a bucket are taken from the first on. */
static bool has_sessions(const struct flowgens *gens)
{
	for (uint32_t i = 0; i < gens->count; i++)
		for (uint32_t bucket = 0; bucket < gens->item[i].bucket_count; bucket++)
			if (gens->item[i].buckets[bucket].used[0])
				return true;
	return false;
}

static int clock_change(const struct flowgens *gens, const char *iface, struct error *error)
{
	struct flow_head *head = gens->item[0].head;

	if (head->settings.clock == FLOW_CLOCK_PACKET)
		return 0;
	if (has_sessions(gens))
		return error_state(error, iface,
				   "has sessions of live packets, with other times; replay in a box of its own, as "
				   "splicer_replay does");
	head->seed = SEED;
	head->settings.clock = FLOW_CLOCK_PACKET;
	return 0;
}

static int clock_set(const struct pins *pins, const char *iface, struct error *error)
{
	struct flowgens gens;
	int result;

	if (flowgens_open(&gens, pins, error))
		return -1;
	result = clock_change(&gens, iface, error);
	flowgens_close(&gens);
	return result;
}

static int clock_set_locked(const struct pins *pins, const char *iface, struct error *error)
{
	int result;

	if (pins_lock(pins, error))
		return -1;
	result = clock_set(pins, iface, error);
	pins_unlock(pins);
	return result;
}

/* Which entries an LRU map gives up depends on the CPUs that took them. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int flow_replay_open(struct flow_replay *replay, const struct pins *pins, const char *iface, struct error *error)
{
	*replay = (struct flow_replay){ .program = -1, .ifindex = if_nametoindex(iface), .iface = iface };
	if (!replay->ifindex)
		return error_errno(error, iface);
	if (program_open(replay, pins, error))
		return -1;
	if (clock_set_locked(pins, iface, error)) {
		flow_replay_close(replay);
		return -1;
	}
	stay_on_this_cpu();
	return 0;
}

void flow_replay_close(struct flow_replay *replay)
{
	close(replay->program);
	replay->program = -1;
}

/* ---- packets ---- */

/* The kernel takes no shorter ones for a test run, and the program could only call them malformed. */
static bool has_header(const struct capture_packet *packet)
{
	const uint8_t *frame = packet->frame;

	if (packet->length < sizeof(struct ethhdr))
		return false;
	switch (frame[12] << 8 | frame[13]) {
	case ETH_P_IP:
		return packet->length >= sizeof(struct ethhdr) + sizeof(struct iphdr);
	case ETH_P_IPV6:
		return packet->length >= sizeof(struct ethhdr) + sizeof(struct ipv6hdr);
	default:
		return true;
	}
}

static void note(struct flow_replayed *replayed, const struct capture_packet *packet)
{
	if (!replayed->packets || packet->time < replayed->first)
		replayed->first = packet->time;
	if (packet->time > replayed->last)
		replayed->last = packet->time;
	replayed->packets++;
	replayed->bytes += packet->wire;
	replayed->no_header += !has_header(packet);
}

static int packet_run(const struct flow_replay *replay, const struct capture_packet *packet)
{
	struct __sk_buff in = { .ifindex = replay->ifindex, .tstamp = packet->time };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->frame, .data_size_in = packet->length, .ctx_in = &in,
		    .ctx_size_in = sizeof(in));
	int result;

	if (!has_header(packet))
		return 0;
	/* a signal that comes while it runs is no reason to leave a packet out */
	do
		result = bpf_prog_test_run_opts(replay->program, &options);
	while (result && errno == EINTR);
	return result;
}

static int packets_run(const struct flow_replay *replay, struct capture *capture, struct flow_replayed *replayed,
		       struct error *error)
{
	struct capture_packet packet;
	int more;

	while ((more = capture_next(capture, &packet, error)) > 0) {
		if (packet_run(replay, &packet))
			return error_errno(error, replay->iface);
		note(replayed, &packet);
	}
	return more;
}

/* ---- a file ---- */

static int evicted_read(const struct pins *pins, uint64_t *evicted, struct error *error)
{
	struct flowgens gens;

	if (flowgens_open(&gens, pins, error))
		return -1;
	*evicted = 0;
	for (uint32_t i = 0; i < gens.count; i++)
		for (uint32_t bucket = 0; bucket < gens.item[i].bucket_count; bucket++)
			*evicted += gens.item[i].buckets[bucket].evicted;
	flowgens_close(&gens);
	return 0;
}

static int capture_run(const struct flow_replay *replay, const struct pins *pins, struct capture *capture,
		       struct flow_replayed *replayed, struct error *error)
{
	uint64_t before, after;
	struct error ignored;
	int result;

	if (evicted_read(pins, &before, error))
		return -1;
	result = packets_run(replay, capture, replayed, error);
	if (evicted_read(pins, &after, result ? &ignored : error))
		return -1;
	/* fewer: somebody has taken them meanwhile */
	replayed->evicted = after > before ? after - before : 0;
	return result;
}

int flow_replay_check(const char *path, struct error *error)
{
	static struct capture capture;
	struct stat status;

	if (!strcmp(path, "-") || stat(path, &status) || !S_ISREG(status.st_mode))
		return 0;
	if (capture_open(&capture, path, error))
		return -1;
	capture_close(&capture);
	return 0;
}

int flow_replay_file(const struct flow_replay *replay, const struct pins *pins, const char *path,
		     struct flow_replayed *replayed, struct error *error)
{
	static struct capture capture;
	int result;

	*replayed = (struct flow_replayed){ 0 };
	if (capture_open(&capture, path, error))
		return -1;
	replayed->opened = true;
	result = capture_run(replay, pins, &capture, replayed, error);
	capture_close(&capture);
	return result;
}
