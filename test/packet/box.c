/* SPDX-License-Identifier: GPL-2.0-only */
#include "box.h"

#include "abi/lb.h"

#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What `ip -batch` is to do for one family: an address, a route and a neighbour, as in the header. */
static void address(FILE *ip, int family, const char *text, int length, const char *link)
{
	char to[FRAME_ADDRESS_TEXT];

	spec_address(family, text, to);
	fprintf(ip, "addr add %s/%d dev %s%s\n", to, family == 6 ? length + SPEC_IPV6_LENGTH : length, link,
		family == 6 ? " nodad" : "");
}

static void route(FILE *ip, int family, const char *kind, const char *to, int length, const char *via)
{
	char prefix[FRAME_ADDRESS_TEXT], gateway[FRAME_ADDRESS_TEXT];

	fprintf(ip, "route add %s %s/%d", kind, spec_address(family, to, prefix),
		family == 6 ? length + SPEC_IPV6_LENGTH : length);
	if (via)
		fprintf(ip, " via %s", spec_address(family, via, gateway));
	fputc('\n', ip);
}

static void neighbour(FILE *ip, int family, const char *text, const char *mac, const char *link)
{
	char to[FRAME_ADDRESS_TEXT];

	fprintf(ip, "neigh add %s lladdr %s nud permanent dev %s\n", spec_address(family, text, to), mac, link);
}

static void family_up(FILE *ip, int family)
{
	address(ip, family, BOX_CLIENT_ADDRESS, 24, "clients");
	address(ip, family, BOX_BACKEND_ADDRESS, 24, "backends");
	address(ip, family, BOX_NARROW_ADDRESS, 24, "narrow");
	route(ip, family, "unicast", "198.51.100.0", 24, "192.0.2.254");
	route(ip, family, "unicast", "10.9.0.0", 16, "10.0.0.254");
	route(ip, family, "unicast", "198.18.0.0", 16, "10.1.0.254");
	route(ip, family, "unreachable", "10.66.0.0", 16, NULL);
	neighbour(ip, family, "192.0.2.254", "02:00:00:00:c0:fe", "clients");
	neighbour(ip, family, BOX_NEAR_CLIENT, "02:00:00:00:c0:50", "clients");
	neighbour(ip, family, BOX_BACKEND_CLIENTS, "02:00:00:00:c0:60", "clients");
	neighbour(ip, family, BOX_BACKEND_1, "02:00:00:00:0b:11", "backends");
	neighbour(ip, family, BOX_BACKEND_2, "02:00:00:00:0b:12", "backends");
	neighbour(ip, family, BOX_BACKEND_3, "02:00:00:00:0b:13", "backends");
	neighbour(ip, family, "10.0.0.254", "02:00:00:00:0b:fe", "backends");
	neighbour(ip, family, BOX_BACKEND_NARROW, "02:00:00:00:0a:11", "narrow");
	neighbour(ip, family, "10.1.0.254", "02:00:00:00:0a:fe", "narrow");
}

static void link_up(FILE *ip, const char *name, const char *peer)
{
	fprintf(ip, "link add %s address " BOX_MAC " type veth peer name %s\n", name, peer);
	fprintf(ip, "link set %s up\nlink set %s up\n", name, peer);
}

static void interfaces_up(void)
{
	FILE *ip = popen("ip -batch -", "we");

	if (!ip)
		err(2, "ip");
	fprintf(ip, "link set lo up\n");
	link_up(ip, "clients", "clients-far");
	link_up(ip, "backends", "backends-far");
	link_up(ip, "narrow", "narrow-far");
	fprintf(ip, "link set narrow mtu %d\n", BOX_NARROW_MTU);
	family_up(ip, 4);
	family_up(ip, 6);
	if (pclose(ip))
		errx(2, "ip: the box could not be made");
}

static int index_of(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (!index)
		err(2, "%s", name);
	return (int)index;
}

static void sysctl(const char *path, bool on)
{
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%d\n", on) < 0 || fclose(file))
		err(2, "%s", path);
}

void box_set_forwarding(bool on)
{
	sysctl("/proc/sys/net/ipv4/ip_forward", on);
	sysctl("/proc/sys/net/ipv6/conf/all/forwarding", on);
}

void box_enter(struct fixture *fixture, struct box *box)
{
	*box = (struct box){ .home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
			     .veth = fixture->veth,
			     .veth_peer = fixture->veth_peer };
	if (box->home < 0 || unshare(CLONE_NEWNET))
		err(2, "a network namespace");
	interfaces_up();
	box_set_forwarding(true);
	fixture->veth = index_of("clients");
	fixture->veth_peer = index_of("backends");
}

void box_leave(struct fixture *fixture, struct box *box)
{
	if (setns(box->home, CLONE_NEWNET))
		err(2, "setns");
	close(box->home);
	fixture->veth = box->veth;
	fixture->veth_peer = box->veth_peer;
}

void box_let_routes_age(void)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	uint64_t from = state_now();

	while (state_now() - from <= LB_ROUTE_NS)
		nanosleep(&nap, NULL);
}
