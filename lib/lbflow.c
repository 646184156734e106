/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbflow.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- sums ---- */

/* RFC 1071: of 16-bit words as this machine reads them, with its carries not yet taken in. */
static uint64_t words_sum(const void *data, size_t size, bool complement)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i += sizeof(uint16_t)) {
		uint16_t word;

		memcpy(&word, (const uint8_t *)data + i, sizeof(word));
		sum += complement ? (uint16_t)~word : word;
	}
	return sum;
}

/* As bpf_csum_diff(from, to, 0) of bpf-helpers(7) has it since 6.13; before, the same sum may have more bits. */
static uint32_t sum_difference(const void *from, const void *to, size_t size)
{
	uint64_t sum = words_sum(to, size, false) + words_sum(from, size, true);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

void lb_entry_sum(struct lb_entry *entry)
{
	const struct lb_key *key = &entry->key;
	struct lb_flow *flow = &entry->flow;
	__u64 from[4] = { key->src[0], key->src[1], key->dst[0], key->dst[1] };
	__u64 to[4] = { flow->src[0], flow->src[1], flow->dst[0], flow->dst[1] };
	__be16 ports[2] = { key->sport, key->dport }, new_ports[2] = { flow->sport, flow->dport };

	flow->addr_diff = sum_difference(from, to, sizeof(from));
	flow->port_diff = sum_difference(ports, new_ports, sizeof(ports));
}

/* ---- directions ---- */

bool lb_flow_is_double(const struct lb_flow *flow)
{
	return flow->kind != LB_DIRECT && flow->mode != LB_DSR;
}

static void addr_copy(__u64 to[2], const __u64 from[2])
{
	to[0] = from[0];
	to[1] = from[1];
}

struct lb_entry lb_entry_other(const struct lb_entry *entry)
{
	const struct lb_key *key = &entry->key;
	const struct lb_flow *flow = &entry->flow;
	struct lb_entry other = { .flow = *flow };

	other.key = (struct lb_key){
		.sport = flow->dport, .dport = flow->sport, .proto = key->proto, .family = key->family
	};
	addr_copy(other.key.src, flow->dst);
	addr_copy(other.key.dst, flow->src);
	addr_copy(other.flow.src, key->dst);
	addr_copy(other.flow.dst, key->src);
	other.flow.sport = key->dport;
	other.flow.dport = key->sport;
	other.flow.kind = flow->kind == LB_FORWARD ? LB_REPLY : LB_FORWARD;
	other.flow.told = 0;
	other.flow.ifindex = other.flow.mtu = other.flow.next_hop_family = 0;
	memset(other.flow.next_hop, 0, sizeof(other.flow.next_hop));
	lb_entry_sum(&other);
	return other;
}

/* ---- services ---- */

void lb_flow_services_make(struct lb_flow_services *services, const struct lbset *set)
{
	memset(services, 0, sizeof(*services));
	services->set = set;
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].index < LB_SERVICES_MAX)
			services->at[set->items[i].index] = &set->items[i];
}

static bool is_backend(const struct lb_backend *backend, const struct lb_flow *flow)
{
	return backend->family && backend->family == flow->family &&
	       !memcmp(backend->addr, flow->dst, sizeof(flow->dst)) &&
	       (flow->mode == LB_DSR || !backend->port || backend->port == flow->dport);
}

static bool is_service(const struct lb_item *item, const struct lb_key *key)
{
	const struct lb_name *name = &item->name;
	uint16_t port = ntohs(key->dport);

	return name->family == key->family && name->proto == key->proto && name->low <= port && port <= name->high &&
	       !memcmp(name->addr, key->dst, sizeof(name->addr));
}

/* The counters are of one backend only, as following.h compares: a place may be another's by now. */
static bool resolve_by_index(struct lb_flow_row *row, const struct lb_flow_services *services)
{
	const struct lb_flow *flow = &row->forward.flow;
	const struct lb_item *item = flow->service < LB_SERVICES_MAX ? services->at[flow->service] : NULL;

	if (!item || flow->place >= item->places || item->backends[flow->place].stat != flow->stat ||
	    !is_service(item, &row->forward.key) || !is_backend(&item->backends[flow->place], flow))
		return false;
	row->item = item;
	row->backend = &item->backends[flow->place];
	return true;
}

static const struct lb_backend *backend_of(const struct lb_item *item, const struct lb_flow *flow)
{
	for (size_t i = 0; i < item->places; i++)
		if (is_backend(&item->backends[i], flow))
			return &item->backends[i];
	return NULL;
}

static void resolve_by_address(struct lb_flow_row *row, const struct lbset *set)
{
	for (size_t i = 0; i < set->count && !row->backend; i++) {
		if (!is_service(&set->items[i], &row->forward.key))
			continue;
		row->item = &set->items[i];
		row->backend = backend_of(row->item, &row->forward.flow);
	}
}

void lb_flow_resolve(struct lb_flow_row *row, const struct lb_flow_services *services)
{
	row->item = NULL;
	row->backend = NULL;
	if (row->forward.flow.kind != LB_DIRECT && !resolve_by_index(row, services))
		resolve_by_address(row, services->set);
}

/* ---- ends ---- */

static struct lb_flow_end end_of(uint8_t family, const __u64 addr[2], __be16 port)
{
	struct lb_flow_end end = { .family = family, .port = ntohs(port) };

	memcpy(end.addr, addr, sizeof(end.addr));
	return end;
}

bool lb_flow_end_is(const struct lb_flow_end *a, const struct lb_flow_end *b)
{
	return a->family == b->family && a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

struct lb_flow_end lb_flow_client(const struct lb_flow_row *row)
{
	const struct lb_key *key = &row->forward.key;

	if (row->forward.flow.kind == LB_DIRECT)
		return end_of(key->family, key->dst, key->dport);
	return end_of(key->family, key->src, key->sport);
}

struct lb_flow_end lb_flow_vip(const struct lb_flow_row *row)
{
	const struct lb_key *key = &row->forward.key;

	if (row->forward.flow.kind == LB_DIRECT)
		return end_of(key->family, key->src, key->sport);
	return end_of(key->family, key->dst, key->dport);
}

struct lb_flow_end lb_flow_backend(const struct lb_flow_row *row)
{
	const struct lb_flow *flow = &row->forward.flow;

	return end_of(flow->family, flow->dst, flow->dport);
}

struct lb_flow_end lb_flow_source(const struct lb_flow_row *row)
{
	const struct lb_flow *flow = &row->forward.flow;

	return end_of(flow->family, flow->src, flow->sport);
}

const char *lb_flow_mode_name(const struct lb_flow *flow)
{
	return flow->kind == LB_DIRECT ? "direct" : lb_mode_name(flow->mode);
}
