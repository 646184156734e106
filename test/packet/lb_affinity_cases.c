/* SPDX-License-Identifier: GPL-2.0-only */
/* The balancer where a source address keeps its backend. */
#include "exchange_steps.h"

#include <netinet/in.h>

/* clang-format off */
#define AFFINITY 60
#define ONE { .affinity = AFFINITY }
#define SERVICE(...) { .affinity = AFFINITY, .backends = { { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT, __VA_ARGS__ }, { .addr = BOX_BACKEND_2, .port = SERVICE_BACKEND_PORT, .weight = 60000 } } }
#define PUT(...) .put = &(const struct service_spec)__VA_ARGS__
#define OTHER .src = "198.51.100.8"

/* After the first, all but one of the entries of the table are the second backend's. */
static const struct exchange exchanges[] = {
	{ "affinity", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "another of the same client", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND, PUT(SERVICE(.weight = 1)) },
		{ "of another client", TO_VIP(OTHER), ON_VETH, BALANCED, TO_BACKEND_2 },
		{ "not long after", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND, .age = AFFINITY - 10 },
		{ "not long after that: each new flow renews it", TO_VIP(.sport = 5), ON_VETH, BALANCED, TO_BACKEND, .age = AFFINITY - 10 },
		{ "too late", TO_VIP(.sport = 6), ON_VETH, BALANCED, TO_BACKEND_2, .age = AFFINITY + 2 },
		{ "that is kept now", TO_VIP(.sport = 7), ON_VETH, BALANCED, TO_BACKEND_2, PUT(SERVICE(.weight = 65535)) },
	} },
	{ "affinity, drained", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "it goes on", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND, PUT(SERVICE(.flags = LB_BACKEND_DRAINED)) },
		{ "a new one goes elsewhere", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2 },
		{ "undrained: the client stays where it went", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND_2, PUT(SERVICE(.weight = 65535)) },
	} },
	{ "affinity, down", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "a new one goes elsewhere", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2, PUT(SERVICE(.flags = LB_BACKEND_DOWN)) },
	} },
	{ "affinity, weight 0", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "a new one goes elsewhere", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2, PUT(SERVICE(.weight = -1)) },
	} },
	{ "affinity, another in the backend's place", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "is not taken for it", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2,
		  PUT({ .affinity = AFFINITY, .backends = { { .addr = BOX_BACKEND_3, .port = SERVICE_BACKEND_PORT }, { .addr = BOX_BACKEND_2, .port = SERVICE_BACKEND_PORT, .weight = 60000 } } }) },
	} },
	{ "affinity, another port in the backend's place", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "is not taken for it", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2,
		  PUT({ .affinity = AFFINITY, .backends = { { .addr = BOX_BACKEND_1, .port = 9 }, { .addr = BOX_BACKEND_2, .port = SERVICE_BACKEND_PORT, .weight = 60000 } } }) },
	} },
	{ "affinity is of one service", .services = { ONE, { .vip = "203.0.113.6", .affinity = AFFINITY, .backends = { { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT }, { .addr = BOX_BACKEND_2, .port = SERVICE_BACKEND_PORT, .weight = 60000 } } } }, .steps = {
		{ "to one", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "to the other", TO_VIP(.dst = "203.0.113.6", .sport = 3), ON_VETH, BALANCED, TO_BACKEND_2 },
	} },
	{ "affinity is taken away", .services = { ONE }, .steps = {
		{ "the first flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "by the table", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2,
		  PUT({ .backends = { { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT }, { .addr = BOX_BACKEND_2, .port = SERVICE_BACKEND_PORT, .weight = 60000 } } }) },
	} },
};
/* clang-format on */

void lb_affinity_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
}
