/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tools ask the kernel's network configuration: addresses, stacked devices, local routes, listeners, filters.
 * All in the network namespace of the caller, by rtnetlink(7) and sock_diag(7). Each function returns 0, or -1 with
 * *error.
 */
#ifndef SPLICER_NETLINK_H
#define SPLICER_NETLINK_H

#include "error.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address that counts as own for packets received on an interface. */
struct own_address {
	uint32_t ifindex; /* the receiving interface */
	uint32_t family;  /* 4 or 6 */
	uint8_t addr[16]; /* as in struct prefix */
};

struct own_addresses {
	struct own_address *items; /* sorted bytewise, without doubles; released with free() */
	size_t count;
};

/*
 * The addresses of every interface: its own and those of devices stacked on it, to any depth (a VLAN or macvlan on it,
 * the bond or bridge it is a port of).
 */
int netlink_own_addresses(struct own_addresses *out, struct error *error);

/* Prefixes of type "local", of all routing tables, both families, in no order. */
int netlink_local_routes(struct prefix_list *out, struct error *error);

/*
 * The rtm_protocol of routes that the tools add (ip-route(8): "proto 83"), which tells them from those of others, also
 * after a tool was killed.
 */
#define ROUTE_PROTOCOL 83

/* Those of the local routes that tools added. */
int netlink_own_routes(struct prefix_list *out, struct error *error);

enum route_change { ROUTE_ADD, ROUTE_DELETE };

/*
 * "ip route add|del local PREFIX dev lo". Adding one that is there, or deleting one that is not, is not an error:
 * *changed (may be NULL) tells whether anything was done.
 */
int netlink_local_route(enum route_change change, const struct prefix *prefix, int *changed, struct error *error);

/* The address that this box has towards another, as it would send there: "ip route get". */
int netlink_route_source(const struct prefix *to, struct prefix *source, struct error *error);

/* Sockets that a splice rule can reach: which (protocol, family, port) someone listens on at loopback. */
struct listeners {
	/* bit PORT of each: [0] TCP in state LISTEN, [1] UDP sockets not connected to a peer */
	uint8_t ipv4[2][65536 / 8]; /* bound to 127.0.0.1, to any IPv4 address, or to :: without IPV6_V6ONLY */
	uint8_t ipv6[2][65536 / 8]; /* bound to ::1 or :: */
};

int netlink_listeners(struct listeners *out, struct error *error);

/* Whether someone listens; family 4 or 6, proto IPPROTO_TCP or IPPROTO_UDP, port in host byte order. */
int listeners_have(const struct listeners *listeners, uint8_t family, int proto, uint16_t port);

/* The hooks that a clsact qdisc offers; an "ingress" qdisc has the first. */
enum filter_hook { FILTER_INGRESS, FILTER_EGRESS };

#define FILTER_NAME_MAX 64

/* A filter of kind "bpf" (tc-bpf(8)) at such a hook. */
struct bpf_filter {
	uint32_t prio;    /* 1-65535; lower is asked first */
	uint32_t handle;  /* tells filters of one prio apart */
	uint32_t prog_id; /* as in bpf_prog_get_fd_by_id; filters of classic BPF are not listed */
	bool direct_action;
	char name[FILTER_NAME_MAX]; /* as tc shows it, cut to fit; any bytes */
};

/*
 * Those of one interface in the order they are asked; without a qdisc there are none. FILTER_EGRESS is for interfaces
 * that netlink_clsact names: of an "ingress" qdisc the kernel lists the ingress filters at either hook
 * (net/sched/sch_ingress.c). *out is released with free().
 */
int netlink_bpf_filters(uint32_t ifindex, enum filter_hook hook, struct bpf_filter **out, size_t *count,
			struct error *error);

/* The interfaces that have a clsact qdisc, in the order of lib/table.h; *ifindices is released with free(). */
int netlink_clsact(uint32_t **ifindices, size_t *count, struct error *error);

/*
 * A descriptor that becomes readable when an address, an interface or what it is stacked on has changed in the
 * caller's namespace; -1 with *error.
 */
int netlink_changes_open(struct error *error);

/* Takes what there is to read, if anything. What was changed the kernel may have forgotten: read all anew. */
void netlink_changes_drain(int fd);

/* SO_NETNS_COOKIE of the caller's namespace (socket(7), kernel 5.14). */
int netlink_namespace(uint64_t *cookie, struct error *error);

#endif
