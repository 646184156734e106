/* SPDX-License-Identifier: GPL-2.0-only */
/* Services of the balancer, written straight into its maps: what lib/ does for lb_backend is not asked here. */
#ifndef TEST_SERVICES_H
#define TEST_SERVICES_H

#include "abi/lb.h"
#include "harness.h"

#define SERVICE_BACKENDS 4

/* What is zero or NULL takes its usual value. */
struct backend_spec {
	const char *addr; /* NULL ends the list; IPv4 is taken through spec_address */
	uint16_t port;    /* host byte order; 0: that of the packet */
	int weight;       /* 1; -1: none */
	uint8_t flags;
	bool is_other; /* of the other family than the VIP */
};

struct service_spec {
	const char *vip;    /* SPEC_DST */
	uint16_t low, high; /* SERVICE_PORT, both; SERVICE_ANY_PORT as high: any */
	uint8_t proto;      /* that of the run */
	enum lb_mode mode;
	uint32_t affinity;
	struct backend_spec backends[SERVICE_BACKENDS]; /* the first alone is BOX_BACKEND_1:SERVICE_BACKEND_PORT */
};

#define SERVICE_PORT 80
#define SERVICE_BACKEND_PORT 8080
#define SERVICE_ANY_PORT 65535

/* Puts a service in place of what has this index, and brings the indexes up to date. Exits when that cannot be. */
void service_put(const struct fixture *fixture, uint32_t index, int family, uint8_t proto,
		 const struct service_spec *spec);
/* Takes it away, out of the indexes first. */
void service_delete(const struct fixture *fixture, uint32_t index, int family, uint8_t proto,
		    const struct service_spec *spec);

/* The service as the maps would have it; good until the next call. */
struct lb_service *service_make(uint32_t index, int family, uint8_t proto, const struct service_spec *spec);
/* Puts just that into LB_SERVICES. */
void service_store(const struct fixture *fixture, uint32_t index, const struct lb_service *service);
/* Each available backend gets its share of the table, in turns of its weight. */
void service_fill_table(struct lb_service *service);

/* As in struct lb_backend. */
void address_words(int family, const char *text, __u64 words[2]);

struct lb_stat service_stat(const struct fixture *fixture, uint32_t stat); /* of all CPUs */
#define SERVICE_STAT(index, place) (1 + (index)*16 + (place))

#endif
