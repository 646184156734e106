/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The box that the balancer stands in: a network namespace of its own, with interfaces, routes and neighbours, so that
 * a program that asks for the way gets an answer. While it is entered, the fixture's veth is the interface that clients
 * are behind, and its peer that of the backends.
 */
#ifndef TEST_BOX_H
#define TEST_BOX_H

#include "harness.h"

/* IPv6: through spec_address, prefixes through SPEC_IPV6_LENGTH. */
#define BOX_CLIENT_ADDRESS "192.0.2.1" /* /24 */
#define BOX_BACKEND_ADDRESS "10.0.0.1" /* /24 */
#define BOX_NARROW_ADDRESS "10.1.0.1"  /* /24 */
#define BOX_CLIENT "198.51.100.7"      /* is SPEC_SRC: behind a router, 192.0.2.254 */
#define BOX_NEAR_CLIENT "192.0.2.50"   /* on the link */
#define BOX_NARROW_CLIENT "198.18.0.7" /* behind a link that takes BOX_NARROW_MTU bytes */
#define BOX_BACKEND_1 "10.0.0.11"      /* on the link */
#define BOX_BACKEND_2 "10.0.0.12"
#define BOX_BACKEND_3 "10.0.0.13"
#define BOX_BACKEND_FAR "10.9.0.11"      /* behind a router, 10.0.0.254 */
#define BOX_BACKEND_UNKNOWN "10.0.0.99"  /* of whom no Ethernet address is known */
#define BOX_BACKEND_NARROW "10.1.0.11"   /* on the narrow link */
#define BOX_BACKEND_NOWHERE "10.66.0.1"  /* unreachable, by a route that says so */
#define BOX_BACKEND_CLIENTS "192.0.2.60" /* on the link where clients are */
#define BOX_NARROW_MTU 1280
#define BOX_MAC "02:00:00:00:00:01" /* of each interface; and where frames go to */

struct box {
	int home; /* the namespace that was left */
	int veth, veth_peer;
};

void box_enter(struct fixture *fixture, struct box *box);
void box_leave(struct fixture *fixture, struct box *box);

void box_set_forwarding(bool on);
/* Waits until what the program was told of routes has to be asked for again. */
void box_let_routes_age(void);

#endif
