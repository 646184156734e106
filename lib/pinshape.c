/* SPDX-License-Identifier: GPL-2.0-only */
/* What each pinned map must be: as bpf/maps declares it. */
#include "pin_internal.h"

#include "abi/conns.h"
#include "abi/counts.h"
#include "abi/event.h"
#include "abi/flow.h"
#include "abi/lb.h"
#include "abi/rules.h"
#include "abi/xdp.h"

#include <linux/bpf.h>

const struct pin_shape pin_config = {
	.name = SPLICER_CONFIG,
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct splicer_config),
	.max_entries = 1,
	.flags = BPF_F_MMAPABLE,
};

const struct pin_shape pin_counts = {
	.name = EVENT_COUNTS,
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct count_cell),
	.max_entries = COUNT_CELLS,
};

const struct pin_shape pin_addrs = {
	.name = SPLICER_ADDRS,
	.of = PINS_SPLICER,
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(struct splicer_addr),
	.value_size = sizeof(__u32),
	.max_entries = SPLICER_ADDRS_MAX,
	.flags = BPF_F_NO_PREALLOC,
};

const struct pin_shape pin_rules = {
	.name = SPLICER_RULES,
	.of = PINS_SPLICER,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 1,
};

const struct pin_shape pin_ifaces = {
	.name = SPLICER_IFACES,
	.of = PINS_SPLICER,
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct splicer_iface),
	.max_entries = SPLICER_IFACES_MAX,
	.flags = BPF_F_NO_PREALLOC,
};

const struct pin_shape pin_conns = {
	.name = SPLICER_CONNS,
	.of = PINS_SPLICER,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = CONN_TABLES,
};

const struct pin_shape pin_tunnels = {
	.name = SPLICER_TUNNELS,
	.of = PINS_SPLICER,
	.type = BPF_MAP_TYPE_LPM_TRIE,
	.key_size = sizeof(struct splicer_tunnel),
	.value_size = sizeof(__u32),
	.max_entries = SPLICER_TUNNELS_MAX,
	.flags = BPF_F_NO_PREALLOC,
};

const struct pin_shape pin_event_control = {
	.name = EVENT_CONTROL,
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct event_control),
	.max_entries = 1,
	.flags = BPF_F_MMAPABLE,
};

const struct pin_shape pin_event_slots = {
	.name = EVENT_SLOTS,
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct event_slot),
	.max_entries = EVENT_SLOT_COUNT,
	.flags = BPF_F_MMAPABLE,
};

const struct pin_shape pin_event_rings = {
	.name = EVENT_RINGS,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = EVENT_SLOT_COUNT,
};

const struct pin_shape pin_xdp_rules = {
	.name = XDP_RULES,
	.of = PINS_XDP,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 1,
};

const struct pin_shape pin_xdp_tally = {
	.name = XDP_TALLY,
	.of = PINS_XDP,
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct rules_tally),
	.max_entries = RULES_TALLIES,
};

const struct pin_shape pin_xdp_sources = {
	.name = XDP_SOURCES,
	.of = PINS_XDP,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 1,
};

const struct pin_shape pin_lb_services = {
	.name = LB_SERVICES,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = LB_SERVICES_MAX,
};

const struct pin_shape pin_lb_vips = {
	.name = LB_VIPS,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_LPM_TRIE,
	.key_size = sizeof(struct lb_vip),
	.value_size = sizeof(__u32),
	.max_entries = LB_ENDS_MAX,
	.flags = BPF_F_NO_PREALLOC,
};

const struct pin_shape pin_lb_backends = {
	.name = LB_BACKENDS,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(struct lb_end),
	.value_size = sizeof(__u32),
	.max_entries = LB_ENDS_MAX,
	.flags = BPF_F_NO_PREALLOC,
};

const struct pin_shape pin_lb_flows = {
	.name = LB_FLOWS,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = CONN_TABLES,
};

const struct pin_shape pin_lb_clients = {
	.name = LB_CLIENTS,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_LRU_HASH,
	.key_size = sizeof(struct lb_client),
	.value_size = sizeof(struct lb_choice),
	.max_entries = LB_CLIENTS_MAX,
};

const struct pin_shape pin_lb_frags = {
	.name = LB_FRAGS,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_LRU_HASH,
	.key_size = sizeof(struct frag_key),
	.value_size = sizeof(struct lb_frag),
	.max_entries = LB_FRAGS_MAX,
};

const struct pin_shape pin_lb_stats = {
	.name = LB_STATS,
	.of = PINS_LB,
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(struct lb_stat),
	.max_entries = LB_STATS_MAX,
};

const struct pin_shape pin_flow_sessions = {
	.name = FLOW_SESSIONS,
	.of = PINS_FLOW,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = FLOW_GENERATIONS,
};

const struct pin_shape pin_flow_packets = {
	.name = FLOW_PACKETS,
	.of = PINS_FLOW,
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = FLOW_GENERATIONS,
};

const struct pin_shape pin_flow_frags = {
	.name = FLOW_FRAGS,
	.of = PINS_FLOW,
	.type = BPF_MAP_TYPE_LRU_HASH,
	.key_size = sizeof(struct frag_key),
	.value_size = sizeof(struct flow_frag),
	.max_entries = FLOW_FRAGS_MAX,
};

const struct pin_shape *const pin_shapes[] = {
	&pin_config,      &pin_counts,        &pin_addrs,         &pin_rules,        &pin_ifaces,     &pin_tunnels,
	&pin_conns,       &pin_event_control, &pin_event_slots,   &pin_event_rings,  &pin_xdp_rules,  &pin_xdp_tally,
	&pin_xdp_sources, &pin_lb_services,   &pin_lb_vips,       &pin_lb_backends,  &pin_lb_flows,   &pin_lb_clients,
	&pin_lb_frags,    &pin_lb_stats,      &pin_flow_sessions, &pin_flow_packets, &pin_flow_frags, NULL,
};

const char *const pin_unread[] = {
	SPLICER_FRAGS, SPLICER_SPLICES, SPLICER_LISTENERS, SPLICER_SOURCES, SPLICER_LOOKUP_LINK, XDP_FRAGS, NULL,
};
