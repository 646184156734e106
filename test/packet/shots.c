/* SPDX-License-Identifier: GPL-2.0-only */
#include "shots.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shot shot_usual(int family)
{
	return (struct shot){ .family = family,
			      .at = SHOTS_BEGIN,
			      .proto = IPPROTO_TCP,
			      .client = 7,
			      .server = 5,
			      .sport = 40000,
			      .dport = 80,
			      .window = 1024,
			      .hops = 64,
			      .flags = TCP_ACK };
}

/* ---- as a frame ---- */

static void put32(struct frame *frame, size_t offset, uint32_t value)
{
	frame_put16(frame, offset, (uint16_t)(value >> 16));
	frame_put16(frame, offset + 2, (uint16_t)value);
}

static void build_tcp(const struct shot *shot, struct frame *frame)
{
	uint8_t *tcp = frame->data + frame->transport;

	put32(frame, frame->transport + 4, shot->seq);
	put32(frame, frame->transport + 8, shot->ack);
	tcp[12] = (uint8_t)((20 + shot->tcp_options) / 4 << 4);
	tcp[13] = shot->flags;
	frame_put16(frame, frame->transport + 14, shot->window);
}

uint8_t shot_byte(const struct shot *shot, size_t at)
{
	return (uint8_t)(shot->seq + shot->sport + shot->payload + 7 * at + (shot->back ? 100 : 0));
}

static void fill_payload(const struct shot *shot, struct frame *frame)
{
	bool has_header = !shot->fragment || shot->fragment == FIRST || shot->fragment == ATOMIC;

	if (!has_header || (shot->proto != IPPROTO_TCP && shot->proto != IPPROTO_UDP))
		return;
	for (size_t i = 0; i < shot->payload; i++)
		frame->data[frame->len - shot->payload + i] = shot_byte(shot, i);
}

void shot_build(const struct shot *shot, struct frame *frame)
{
	char client[INET_ADDRSTRLEN], server[INET_ADDRSTRLEN];
	struct spec spec = { .family = shot->family,
			     .src = client,
			     .dst = server,
			     .back = shot->back,
			     .tags = { shot->tag },
			     .options = shot->ip_options,
			     .chain = shot->chain,
			     .fragment = shot->fragment,
			     .offset = shot->offset,
			     .id = shot->proto == IPPROTO_ICMP && !shot->fragment ? shot->icmp_id : shot->id,
			     .hop_limit = shot->hops,
			     .proto = shot->proto,
			     .sport = shot->sport,
			     .dport = shot->dport,
			     .payload = (size_t)shot->payload + (shot->proto == IPPROTO_TCP ? shot->tcp_options : 0) };

	snprintf(client, sizeof(client), "198.51.100.%u", shot->client);
	snprintf(server, sizeof(server), "203.0.113.%u", shot->server);
	if (shot->server == shot->client) /* a packet to itself */
		snprintf(server, sizeof(server), "%s", client);
	if (shot->proto == IPPROTO_ICMP)
		spec.dport = (uint16_t)(shot->icmp_type << 8 | shot->icmp_code);
	spec_build(&spec, frame);
	if (shot->proto == IPPROTO_ICMP)
		frame_put16(frame, frame->transport + 4, shot->icmp_id);
	if (shot->proto == IPPROTO_TCP)
		build_tcp(shot, frame);
	fill_payload(shot, frame);
	frame_bytes(frame, shot->pad);
	frame->len -= shot->cut;
}

/* ---- a tag that the kernel took off ---- */

/*
 * A program that puts the tag where a network card does, and goes on with the one under test: BPF_PROG_TEST_RUN takes
 * no context with a tag. Its id comes as mark, the program's number in `programs` as priority.
 */
static int programs = -1, tagger = -1;

#define INSN(op, to, from, offset, number)                                                         \
	{                                                                                          \
		.code = (op), .dst_reg = (to), .src_reg = (from), .off = (offset), .imm = (number) \
	}

static int load_tagger(void)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(struct __sk_buff, mark), 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, htons(ETH_P_8021Q)),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_vlan_push),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 6, offsetof(struct __sk_buff, priority), 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, programs),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, TC_ACT_SHOT),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tagger", "GPL", insns, sizeof(insns) / sizeof(insns[0]), NULL);
}

void shots_prepare(const struct fixture *fixture)
{
	const int program[] = { fixture->program, fixture->egress };

	shots_done();
	programs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "programs", 4, 4, 2, NULL);
	tagger = programs < 0 ? -1 : load_tagger();
	if (tagger < 0)
		err(2, "tagger");
	for (uint32_t i = 0; i < 2; i++)
		if (bpf_map_update_elem(programs, &i, &program[i], BPF_ANY))
			err(2, "tagger");
}

void shots_done(void)
{
	if (tagger >= 0)
		close(tagger);
	if (programs >= 0)
		close(programs);
	tagger = programs = -1;
}

/* ---- run ---- */

bool frame_runs(struct fixture *fixture, const struct shot *as, const struct frame *frame, char *why, size_t size)
{
	struct __sk_buff skb = { .ifindex = (uint32_t)context_ifindex(fixture, as->on),
				 .tstamp = as->at,
				 .gso_size = as->gso_size,
				 .gso_segs = as->gso_segs,
				 .mark = as->vlan,
				 .priority = as->vlan && as->on >= OUT_VETH };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = (uint32_t)frame->len,
		    .data_out = fixture->out, .data_size_out = sizeof(fixture->out), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb));

	if (bpf_prog_test_run_opts(as->vlan ? tagger : context_program(fixture, as->on), &options)) {
		snprintf(why, size, "test run: %s", strerror(errno));
		return false;
	}
	if ((int)options.retval != TC_ACT_UNSPEC) {
		snprintf(why, size, "verdict %d", (int)options.retval);
		return false;
	}
	snprintf(why, size, "another frame");
	return options.data_size_out == frame->len && !memcmp(fixture->out, frame->data, frame->len);
}

bool shot_run(struct fixture *fixture, const struct shot *shot, char *why, size_t size)
{
	struct frame frame;

	shot_build(shot, &frame);
	return frame_runs(fixture, shot, &frame, why, size);
}

/* ---- as words ---- */

uint64_t shots_number(const char *text)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "", 1 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	char *end;
	uint64_t number = strtoull(text, &end, 0);

	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].name))
			return number * units[i].ns;
	errx(2, "%s: not a number", text);
}

static bool word_flags(struct shot *shot, const char *word)
{
	static const char letters[] = "FSRPAUEC";
	uint8_t flags = 0;

	if (strspn(word, letters) != strlen(word) && strcmp(word, ".") != 0)
		return false;
	for (const char *c = word; *c && *c != '.'; c++)
		flags |= (uint8_t)(1 << (strchr(letters, *c) - letters));
	shot->proto = IPPROTO_TCP;
	shot->flags = flags;
	return true;
}

static const char *const contexts[] = {
	[ON_VETH] = "veth", [ON_PEER] = "peer",     [ON_LOOPBACK] = "lo",     [NO_CONTEXT] = "",
	[OUT_VETH] = "out", [OUT_PEER] = "outpeer", [OUT_LOOPBACK] = "outlo",
};
static const char *const fragments[] = {
	[WHOLE] = "whole", [FIRST] = "first", [LATER] = "later", [LAST] = "last", [ATOMIC] = "atomic",
};

static unsigned int index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return (unsigned int)i;
	errx(2, "%s: no such name", name);
}

static bool word_named(struct shot *shot, const char *key, const char *value)
{
	if (!strcmp(key, "on"))
		shot->on = index_of(contexts, sizeof(contexts) / sizeof(contexts[0]), value);
	else if (!strcmp(key, "frag"))
		shot->fragment = index_of(fragments, sizeof(fragments) / sizeof(fragments[0]), value);
	else if (!strcmp(key, "chain"))
		shot->chain = value;
	else
		return false;
	return true;
}

#define NUMBER(name, member)                                                            \
	{                                                                               \
		name, offsetof(struct shot, member), sizeof(((struct shot *)0)->member) \
	}

static bool word_number(struct shot *shot, const char *key, const char *value)
{
	static const struct {
		const char *name;
		size_t offset, size;
	} numbers[] = {
		NUMBER("client", client),    NUMBER("server", server),   NUMBER("sport", sport),
		NUMBER("dport", dport),      NUMBER("seq", seq),         NUMBER("ack", ack),
		NUMBER("win", window),       NUMBER("opt", tcp_options), NUMBER("type", icmp_type),
		NUMBER("code", icmp_code),   NUMBER("echo", icmp_id),    NUMBER("len", payload),
		NUMBER("ipopt", ip_options), NUMBER("ttl", hops),        NUMBER("tag", tag),
		NUMBER("vlan", vlan),        NUMBER("off", offset),      NUMBER("id", id),
		NUMBER("gso", gso_size),     NUMBER("segs", gso_segs),   NUMBER("pad", pad),
		NUMBER("cut", cut),          NUMBER("proto", proto),
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t number;

		if (strcmp(numbers[i].name, key) != 0)
			continue;
		number = shots_number(value);
		memcpy((char *)shot + numbers[i].offset, &number, numbers[i].size);
		return true;
	}
	return false;
}

static bool word_proto(struct shot *shot, const char *word)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} protos[] = {
		{ "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP }, { "sctp", IPPROTO_SCTP }, { "gre", IPPROTO_GRE }
	};

	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (!strcmp(protos[i].name, word)) {
			shot->proto = protos[i].proto;
			return true;
		}
	return false;
}

bool shot_word(struct shot *shot, const char *word)
{
	const char *equals = strchr(word, '=');
	char key[16];

	if (!strcmp(word, ">") || !strcmp(word, "<"))
		return shot->back = *word == '<', true;
	if (*word == '@')
		return shot->at = SHOTS_BEGIN + shots_number(word + 1), true;
	if (*word == '+')
		return shot->at += shots_number(word + 1), true;
	if (!equals)
		return word_proto(shot, word) || word_flags(shot, word);
	snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
	return word_named(shot, key, equals + 1) || word_number(shot, key, equals + 1);
}
