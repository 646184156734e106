/* SPDX-License-Identifier: GPL-2.0-only */
/* Services: which one a packet is to, and which of its backends a new flow gets. */
#ifndef SPLICER_LIB_SERVICE_H
#define SPLICER_LIB_SERVICE_H

#include "abi/lb.h"
#include "lib/balance.h"
#include "lib/bpf.h"
#include "lib/hash.h"
#include "maps/lb.h"

static __always_inline struct lb_service *service_get(__u32 index)
{
	void *inner = bpf_map_lookup_elem(&lb1_services, &index);
	__u32 zero = 0;
	struct lb_service *service = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;

	return service && service->family ? service : NULL;
}

/* Index of the service that this destination is the VIP of; negative: of none. */
static __always_inline int service_of_vip(const struct lb_key *key)
{
	struct lb_vip vip = { .prefix_len = LB_VIP_BITS + 16, .family = key->family, .proto = key->proto };
	__u32 *index;

	__builtin_memcpy(vip.addr, key->dst, sizeof(vip.addr));
	__builtin_memcpy(vip.port, &key->dport, sizeof(vip.port));
	index = bpf_map_lookup_elem(&lb1_vips, &vip);
	return index ? (int)*index : -1;
}

/* lb_where() of the backend that an end is; LB_AMBIGUOUS: of none, or of several services. */
static __always_inline __u32 service_of_backend(const __u64 *addr, __be16 port, __u8 proto, __u8 family)
{
	struct lb_end end = { .port = port, .proto = proto, .family = family };
	__u32 *where;

	end.addr[0] = addr[0];
	end.addr[1] = addr[1];
	where = bpf_map_lookup_elem(&lb1_backends, &end);
	if (!where) {
		end.port = 0;
		where = bpf_map_lookup_elem(&lb1_backends, &end);
	}
	return where ? *where : LB_AMBIGUOUS;
}

static __always_inline struct lb_backend *service_backend(struct lb_service *service, __u32 place)
{
	return &service->backend[place & (LB_BACKENDS_MAX - 1)];
}

/* Whether it takes new flows. */
static __always_inline int backend_is_available(const struct lb_backend *backend)
{
	return backend->family && backend->weight && !backend->flags;
}

/* ---- the choice ---- */

/*
 * Of the packet alone, with no secret and in no machine's byte order, so that boxes of one configuration choose alike.
 * The end of it is that of MurmurHash3, for numbers that follow each other must not choose neighbours.
 */
static __always_inline __u64 service_hash(const struct lb_service *service, const struct lb_key *key)
{
	__u64 hash = hash_mix(bpf_be64_to_cpu(key->src[0]), bpf_be64_to_cpu(key->src[1]));

	if (!service->affinity)
		hash = hash_mix(hash, (__u64)bpf_ntohs(key->sport) << 16 | bpf_ntohs(key->dport));
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdull;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ull;
	return hash ^ hash >> 33;
}

static __always_inline __u32 service_by_table(struct lb_service *service, const struct lb_key *key)
{
	__u64 hash = service_hash(service, key);
	__u32 entry = (__u32)(hash % LB_TABLE_SIZE);

	/* the verifier does not know what a remainder is, and the compiler must not know that it is none */
	asm volatile("" : "+r"(entry));
	if (entry >= LB_TABLE_SIZE)
		return 0;
	return service->table[entry];
}

static __always_inline void client_make(struct lb_client *client, __u32 index, const struct lb_key *key)
{
	client->addr[0] = key->src[0];
	client->addr[1] = key->src[1];
	client->service = index;
	client->family = key->family;
}

/* The place of the backend that the client had last, if it is still there and takes new flows; else negative. */
static __always_inline int service_by_client(struct lb_service *service, __u32 index, const struct lb_key *key,
					     __u64 now)
{
	struct lb_backend *backend;
	struct lb_client client;
	struct lb_choice *choice;

	client_make(&client, index, key);
	choice = bpf_map_lookup_elem(&lb1_clients, &client);
	if (!choice || (now > choice->time && now - choice->time > service->affinity * NS_PER_SECOND))
		return -1;
	backend = service_backend(service, choice->place);
	if (!backend_is_available(backend) || backend->port != choice->port || backend->addr[0] != choice->addr[0] ||
	    backend->addr[1] != choice->addr[1])
		return -1;
	return choice->place;
}

static __always_inline void service_remember(struct lb_service *service, __u32 index, const struct lb_key *key,
					     __u32 place, __u64 now)
{
	struct lb_backend *backend = service_backend(service, place);
	struct lb_choice choice = {
		.time = now,
		.addr = { backend->addr[0], backend->addr[1] },
		.place = (__u16)place,
		.port = backend->port,
	};
	struct lb_client client;

	client_make(&client, index, key);
	bpf_map_update_elem(&lb1_clients, &client, &choice, BPF_ANY);
}

/* The place of a backend for a new flow; negative: none takes any. */
static __always_inline int service_choose(struct lb_service *service, __u32 index, const struct lb_key *key, __u64 now)
{
	int place = -1;

	if (!service->available)
		return -1;
	if (service->affinity)
		place = service_by_client(service, index, key, now);
	if (place < 0)
		place = (int)service_by_table(service, key);
	if (service->affinity)
		service_remember(service, index, key, (__u32)place, now);
	return place;
}

#endif
