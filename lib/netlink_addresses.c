/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink.h"
#include "netlink_request.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct link {
	uint32_t ifindex;
	uint32_t reached_from; /* the last interface whose walk came here */
};

struct stacking {
	uint32_t lower, upper; /* interface indices: what lower received, upper may receive next */
};

struct topology {
	struct table links, stackings, addresses, own;
	struct link **walk; /* room for every link */
};

/*
 * The kinds of device that take over frames which the device at IFLA_LINK received as they are. The others with an
 * IFLA_LINK do not: that of veth and netkit is the peer, which receives what is sent here; that of tunnels (gre, ipip,
 * vti, xfrm...) is the device of the outer packets, which are for the outer addresses; IPoIB children have a queue of
 * their own. macsec is in since with hardware offload the lower device sees plain IP.
 */
static const char *const stacked_kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec" };

static int kind_is_stacked(const struct rtattr *kind)
{
	size_t i;

	for (i = 0; i < sizeof(stacked_kinds) / sizeof(stacked_kinds[0]); i++) {
		size_t len = strlen(stacked_kinds[i]) + 1;

		if (RTA_PAYLOAD(kind) == len && !memcmp(RTA_DATA(kind), stacked_kinds[i], len))
			return 1;
	}
	return 0;
}

static int link_is_stacked(const struct nlmsghdr *message)
{
	const struct rtattr *info = message_attribute(message, sizeof(struct ifinfomsg), IFLA_LINKINFO), *kind;

	/* The index at IFLA_LINK is one of another namespace. */
	if (message_attribute(message, sizeof(struct ifinfomsg), IFLA_LINK_NETNSID))
		return 0;
	kind = info ? attribute_find(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_KIND) : NULL;
	return kind && kind_is_stacked(kind);
}

static int stacking_add(struct topology *topology, uint32_t lower, uint32_t upper)
{
	struct stacking stacking = { lower, upper };

	return lower && upper ? table_add(&topology->stackings, &stacking) : 0;
}

static int topology_add_link(const struct nlmsghdr *message, void *context)
{
	struct topology *topology = context;
	const struct ifinfomsg *body = message_body(message, RTM_NEWLINK, sizeof(*body));
	struct link link = { 0 };
	uint32_t lower;

	if (!body)
		return 0;
	link.ifindex = (uint32_t)body->ifi_index;
	if (table_add(&topology->links, &link))
		return -1;
	/* A bond, team or bridge. A VRF too, whose addresses do no harm: they are this host's. */
	if (stacking_add(topology, link.ifindex, attribute_u32(message_attribute(message, sizeof(*body), IFLA_MASTER))))
		return -1;
	lower = attribute_u32(message_attribute(message, sizeof(*body), IFLA_LINK));
	return link_is_stacked(message) ? stacking_add(topology, lower, link.ifindex) : 0;
}

static int topology_add_address(const struct nlmsghdr *message, void *context)
{
	struct topology *topology = context;
	const struct ifaddrmsg *body = message_body(message, RTM_NEWADDR, sizeof(*body));
	struct own_address address = { 0 };
	const struct rtattr *found;

	if (!body || (body->ifa_family != AF_INET && body->ifa_family != AF_INET6))
		return 0;
	/* With a peer IFA_ADDRESS is the peer's; without one IPv6 has no IFA_LOCAL. */
	found = message_attribute(message, sizeof(*body), IFA_LOCAL);
	if (!found)
		found = message_attribute(message, sizeof(*body), IFA_ADDRESS);
	if (!found || RTA_PAYLOAD(found) != family_size(body->ifa_family))
		return 0;
	address.ifindex = body->ifa_index;
	address.family = body->ifa_family == AF_INET ? 4 : 6;
	memcpy(address.addr, RTA_DATA(found), RTA_PAYLOAD(found));
	return table_add(&topology->addresses, &address);
}

static int topology_read_links(struct topology *topology, struct error *error)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	uint32_t mask = RTEXT_FILTER_SKIP_STATS;
	struct request request;

	request_begin(&request, RTM_GETLINK, NLM_F_DUMP, &body, sizeof(body));
	request_add(&request, IFLA_EXT_MASK, &mask, sizeof(mask));
	if (netlink_ask(NETLINK_ROUTE, &request, topology_add_link, topology))
		return netlink_fail(error, "interface list");
	return 0;
}

static int topology_read_addresses(struct topology *topology, struct error *error)
{
	struct ifaddrmsg body = { .ifa_family = AF_UNSPEC };
	struct request request;

	request_begin(&request, RTM_GETADDR, NLM_F_DUMP, &body, sizeof(body));
	if (netlink_ask(NETLINK_ROUTE, &request, topology_add_address, topology))
		return netlink_fail(error, "address list");
	return 0;
}

/* The addresses of one device, for packets received on another or the same. */
static int own_add(struct topology *topology, uint32_t receiver, uint32_t ifindex)
{
	size_t i = table_search(&topology->addresses, ifindex);
	const struct own_address *found;

	for (; (found = table_match(&topology->addresses, i, ifindex)); i++) {
		struct own_address address = *found;

		address.ifindex = receiver;
		if (table_add(&topology->own, &address))
			return -1;
	}
	return 0;
}

/* Appends to the walk the devices directly on ifindex that it has not come to yet; returns its new length. */
static size_t walk_extend(struct topology *topology, size_t len, uint32_t receiver, uint32_t ifindex)
{
	size_t i = table_search(&topology->stackings, ifindex);
	const struct stacking *stacking;

	for (; (stacking = table_match(&topology->stackings, i, ifindex)); i++) {
		size_t position = table_search(&topology->links, stacking->upper);
		struct link *upper = table_match(&topology->links, position, stacking->upper);

		if (!upper || upper->reached_from == receiver)
			continue;
		upper->reached_from = receiver;
		topology->walk[len++] = upper;
	}
	return len;
}

/* Breadth first, each device once: many VLANs of one interface may be ports of one bridge. */
static int own_collect(struct topology *topology, struct link *receiver)
{
	size_t i, len = 1;

	topology->walk[0] = receiver;
	receiver->reached_from = receiver->ifindex;
	for (i = 0; i < len; i++) {
		if (own_add(topology, receiver->ifindex, topology->walk[i]->ifindex))
			return -1;
		len = walk_extend(topology, len, receiver->ifindex, topology->walk[i]->ifindex);
	}
	return 0;
}

static int own_collect_all(struct topology *topology, struct error *error)
{
	size_t i;

	table_sort_unique(&topology->links);
	table_sort_unique(&topology->stackings);
	table_sort_unique(&topology->addresses);
	topology->walk = calloc(topology->links.count + 1, sizeof(struct link *));
	if (!topology->walk)
		return error_errno(error, "address list");
	for (i = 0; i < topology->links.count; i++)
		if (own_collect(topology, table_at(&topology->links, i)))
			return error_errno(error, "address list");
	table_sort_unique(&topology->own);
	return 0;
}

int netlink_own_addresses(struct own_addresses *out, struct error *error)
{
	struct topology topology = {
		.links.size = sizeof(struct link),
		.stackings.size = sizeof(struct stacking),
		.addresses.size = sizeof(struct own_address),
		.own.size = sizeof(struct own_address),
	};
	int result = -1;

	memset(out, 0, sizeof(*out));
	if (!topology_read_links(&topology, error) && !topology_read_addresses(&topology, error))
		result = own_collect_all(&topology, error);
	if (!result) {
		out->items = (struct own_address *)topology.own.items;
		out->count = topology.own.count;
		topology.own.items = NULL;
	}
	free(topology.links.items);
	free(topology.stackings.items);
	free(topology.addresses.items);
	free(topology.own.items);
	free(topology.walk);
	return result;
}
