/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions as bpf/abi/flow.h and RFC 9293 have them, kept by a list and plain loops: what flow.o is held against. It
 * is told what a packet is, and reads no bytes. Its tables are never full.
 */
#ifndef TEST_FLOW_MODEL_H
#define TEST_FLOW_MODEL_H

#include "abi/flow.h"
#include "shots.h"

#define MODEL_FLOWS 1024
#define MODEL_FRAGMENTS 2048

struct model_generation {
	struct flow flows[MODEL_FLOWS];
	bool over[MODEL_FLOWS]; /* another session with the same key came */
	size_t count;
};

struct model_fragment {
	struct flow_key key; /* without ports: addresses as they came */
	uint32_t id;
	uint64_t time;
	uint16_t sport, dport;
	uint8_t proto, kind, icmp_type, icmp_code;
};

struct model {
	struct flow_settings settings;
	struct model_generation now, before;
	struct model_fragment fragments[MODEL_FRAGMENTS];
	size_t fragment_count;
};

void model_reset(struct model *model, const struct flow_settings *settings);
/* A packet that came in by, or leaves by, this interface. */
void model_see(struct model *model, const struct shot *shot, uint32_t ifindex);
void model_rotate(struct model *model);

/* The session that a packet of this kind belongs to now; NULL: none. For who draws packets. */
const struct flow *model_find(const struct model *model, const struct shot *shot, uint32_t ifindex);

#endif
