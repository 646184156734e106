/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define LOOPBACK_IFINDEX 1

/* The kernel fills at most 32 KiB at a time, unless a single message is larger. */
#define DATAGRAM_MAX 65536

/* A dump starts over when what it lists changed meanwhile; a busy container host does that many times a second. */
#define DUMP_ATTEMPTS 16

struct request {
	union {
		struct nlmsghdr header;
		uint8_t bytes[256];
	};
};

/* All messages the kernel sent back, its final NLMSG_DONE or NLMSG_ERROR included. */
struct answer {
	uint8_t *bytes;
	size_t len, room;
	int interrupted;
};

static void *request_extend(struct request *request, size_t len)
{
	void *end = request->bytes + NLMSG_ALIGN(request->header.nlmsg_len);

	request->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + len);
	return end;
}

static void request_begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = sizeof(request->header);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(request_extend(request, len), body, len);
}

static void request_add(struct request *request, uint16_t type, const void *data, size_t len)
{
	struct rtattr *attribute = request_extend(request, RTA_LENGTH(len));

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(attribute), data, len);
}

static const struct nlmsghdr *answer_at(const struct answer *answer, size_t offset)
{
	const struct nlmsghdr *message;

	if (answer->len - offset < sizeof(*message))
		return NULL;
	message = (const struct nlmsghdr *)(answer->bytes + offset);
	if (message->nlmsg_len < sizeof(*message) || message->nlmsg_len > answer->len - offset)
		return NULL;
	return message;
}

static const struct nlmsghdr *answer_next(const struct answer *answer, const struct nlmsghdr *message)
{
	size_t offset = (size_t)((const uint8_t *)message - answer->bytes);

	return answer_at(answer, offset + NLMSG_ALIGN(message->nlmsg_len));
}

/* NULL if the message is of another type, or too short. */
static const void *message_body(const struct nlmsghdr *message, uint16_t type, size_t len)
{
	return message->nlmsg_type == type && message->nlmsg_len >= NLMSG_LENGTH(len) ? NLMSG_DATA(message) : NULL;
}

static const struct rtattr *attribute_find(const void *start, size_t len, uint16_t type)
{
	const struct rtattr *attribute = start;

	while (len >= sizeof(*attribute) && attribute->rta_len >= sizeof(*attribute) && attribute->rta_len <= len) {
		if ((attribute->rta_type & NLA_TYPE_MASK) == type)
			return attribute;
		if (RTA_ALIGN(attribute->rta_len) >= len)
			break;
		len -= RTA_ALIGN(attribute->rta_len);
		attribute = (const struct rtattr *)((const uint8_t *)attribute + RTA_ALIGN(attribute->rta_len));
	}
	return NULL;
}

/* The attribute after a message's fixed part of body_len bytes. */
static const struct rtattr *message_attribute(const struct nlmsghdr *message, size_t body_len, uint16_t type)
{
	size_t start = NLMSG_SPACE(body_len);

	if (message->nlmsg_len < start)
		return NULL;
	return attribute_find((const uint8_t *)message + start, message->nlmsg_len - start, type);
}

/* 0 if there is none: no interface has that index. */
static uint32_t attribute_u32(const struct rtattr *attribute)
{
	uint32_t value = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

static size_t family_size(int af)
{
	return af == AF_INET ? 4 : 16;
}

static int af_of(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

/*
 * Connected to the kernel, a socket takes messages from nobody else. Strict checking (4.20) makes the kernel filter
 * routes by type; without it all come, and are filtered here.
 */
static int netlink_open(int protocol)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel))) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int answer_reserve(struct answer *answer)
{
	uint8_t *bytes;
	size_t room;

	if (answer->room - answer->len >= DATAGRAM_MAX)
		return 0;
	room = 2 * answer->room + DATAGRAM_MAX;
	bytes = realloc(answer->bytes, room);
	if (!bytes)
		return -1;
	answer->bytes = bytes;
	answer->room = room;
	return 0;
}

static int answer_receive(struct answer *answer, int fd)
{
	ssize_t len;

	if (answer_reserve(answer))
		return -1;
	do
		len = recv(fd, answer->bytes + answer->len, DATAGRAM_MAX, MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -1;
	if (len > DATAGRAM_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	answer->len += NLMSG_ALIGN((size_t)len);
	return 0;
}

/* Both kinds of last message start with 0 or a negative errno; a dump that failed halfway tells it in NLMSG_DONE. */
static int message_result(const struct nlmsghdr *message)
{
	int result = 0;

	if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(result)))
		memcpy(&result, NLMSG_DATA(message), sizeof(result));
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return 1;
}

/* Looks at the messages from offset on: 1 the last one is among them, 0 more will come, -1 the kernel refused. */
static int answer_scan(struct answer *answer, size_t offset)
{
	const struct nlmsghdr *message;

	for (message = answer_at(answer, offset); message; message = answer_next(answer, message)) {
		if (message->nlmsg_type == NLMSG_ERROR)
			return message_result(message);
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			answer->interrupted = 1;
		if (message->nlmsg_type == NLMSG_DONE)
			return message_result(message);
	}
	return 0;
}

static int request_send(const struct request *request, int fd)
{
	ssize_t sent;

	do
		sent = send(fd, request->bytes, request->header.nlmsg_len, 0);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static int netlink_exchange(int fd, const struct request *request, struct answer *answer)
{
	int result = 0;

	answer->len = 0;
	answer->interrupted = 0;
	if (request_send(request, fd))
		return -1;
	while (!result) {
		size_t offset = answer->len;

		if (answer_receive(answer, fd))
			return -1;
		result = answer_scan(answer, offset);
	}
	return result < 0 ? -1 : 0;
}

/* The answer's bytes are released with free(), after an error too. */
static int answer_read(int protocol, const struct request *request, struct answer *answer)
{
	int fd = netlink_open(protocol), result, attempts = DUMP_ATTEMPTS, saved;

	memset(answer, 0, sizeof(*answer));
	if (fd < 0)
		return -1;
	do
		result = netlink_exchange(fd, request, answer);
	while (!result && answer->interrupted && --attempts);
	if (!result && answer->interrupted) {
		errno = EAGAIN;
		result = -1;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}

/* Asks, and hands each message of the complete answer to take (may be NULL). -1 with errno, take's too. */
static int netlink_ask(int protocol, const struct request *request, int (*take)(const struct nlmsghdr *, void *),
		       void *context)
{
	const struct nlmsghdr *message;
	struct answer answer;
	int result = answer_read(protocol, request, &answer);

	if (take)
		for (message = answer_at(&answer, 0); !result && message; message = answer_next(&answer, message))
			result = take(message, context);
	free(answer.bytes);
	return result;
}

static int netlink_fail(struct error *error, const char *what)
{
	if (errno == EAGAIN)
		return error_state(error, what, "kept changing while it was read");
	return error_errno(error, what);
}

/* Records of one size. Those with a uint32_t ifindex in front can be found by it once sorted. */
struct table {
	uint8_t *items;
	size_t size, count, room;
};

static int table_add(struct table *table, const void *record)
{
	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		uint8_t *items = reallocarray(table->items, room, table->size);

		if (!items)
			return -1;
		table->items = items;
		table->room = room;
	}
	memcpy(table->items + table->count++ * table->size, record, table->size);
	return 0;
}

static void *table_at(const struct table *table, size_t i)
{
	return table->items + i * table->size;
}

static int record_compare(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(size_t *)size);
}

static void table_sort_unique(struct table *table)
{
	size_t i, kept = 1;

	if (table->count < 2)
		return;
	qsort_r(table->items, table->count, table->size, record_compare, &table->size);
	for (i = 1; i < table->count; i++) {
		if (!memcmp(table_at(table, i), table_at(table, kept - 1), table->size))
			continue;
		if (i != kept)
			memcpy(table_at(table, kept), table_at(table, i), table->size);
		kept++;
	}
	table->count = kept;
}

/* The position of the first record of the interface, or where it would be. */
static size_t table_search(const struct table *table, uint32_t ifindex)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(table_at(table, middle), &ifindex, sizeof(ifindex)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The record at the position if it is one of the interface, else NULL. */
static void *table_match(const struct table *table, size_t i, uint32_t ifindex)
{
	return i < table->count && !memcmp(table_at(table, i), &ifindex, sizeof(ifindex)) ? table_at(table, i) : NULL;
}

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

static int local_route_add(const struct nlmsghdr *message, void *routes)
{
	const struct rtmsg *body = message_body(message, RTM_NEWROUTE, sizeof(*body));
	const struct rtattr *destination;
	struct prefix prefix = { 0 };

	if (!body || body->rtm_type != RTN_LOCAL || body->rtm_flags & RTM_F_CLONED)
		return 0;
	/* Without IPv6 in the kernel, asking for its routes brings those of all other families. */
	if (body->rtm_family != AF_INET && body->rtm_family != AF_INET6)
		return 0;
	prefix.family = body->rtm_family == AF_INET ? 4 : 6;
	prefix.len = body->rtm_dst_len;
	destination = message_attribute(message, sizeof(*body), RTA_DST);
	if (destination && RTA_PAYLOAD(destination) == family_size(body->rtm_family))
		memcpy(prefix.addr, RTA_DATA(destination), RTA_PAYLOAD(destination));
	return table_add(routes, &prefix);
}

static int local_routes_read(struct table *routes, int af, struct error *error)
{
	struct rtmsg body = { .rtm_family = (uint8_t)af, .rtm_type = RTN_LOCAL };
	struct request request;

	request_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &body, sizeof(body));
	return netlink_ask(NETLINK_ROUTE, &request, local_route_add, routes) ? netlink_fail(error, "route list") : 0;
}

int netlink_local_routes(struct prefix_list *out, struct error *error)
{
	struct table routes = { .size = sizeof(struct prefix) };

	memset(out, 0, sizeof(*out));
	if (local_routes_read(&routes, AF_INET, error) || local_routes_read(&routes, AF_INET6, error)) {
		free(routes.items);
		return -1;
	}
	table_sort_unique(&routes);
	out->items = (struct prefix *)routes.items;
	out->count = routes.count;
	return 0;
}

static void local_route_request(struct request *request, enum route_change change, const struct prefix *prefix)
{
	uint32_t loopback = LOOPBACK_IFINDEX;
	struct rtmsg body = {
		.rtm_family = (uint8_t)af_of(prefix->family),
		.rtm_dst_len = prefix->len,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = prefix->family == 4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_LOCAL,
	};

	if (change == ROUTE_ADD)
		request_begin(request, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	else
		request_begin(request, RTM_DELROUTE, NLM_F_ACK, &body, sizeof(body));
	request_add(request, RTA_DST, prefix->addr, family_size(body.rtm_family));
	request_add(request, RTA_OIF, &loopback, sizeof(loopback));
}

static int route_fail(struct error *error, const struct prefix *prefix, const char *reason)
{
	char address[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN + sizeof("/255")];

	inet_ntop(af_of(prefix->family), prefix->addr, address, sizeof(address));
	snprintf(text, sizeof(text), "%s/%u", address, prefix->len);
	return error_state(error, text, "%s", reason);
}

/* EEXIST may also be a broadcast route to the same prefix, say: then packets to it would not arrive. */
static int route_check_local(const struct prefix *prefix, struct error *error)
{
	struct prefix_list list;
	int found = 0;
	size_t i;

	if (netlink_local_routes(&list, error))
		return -1;
	for (i = 0; i < list.count && !found; i++)
		found = !memcmp(&list.items[i], prefix, sizeof(*prefix));
	free(list.items);
	return found ? 0 : route_fail(error, prefix, "the table \"local\" has a route of another type to it");
}

int netlink_local_route(enum route_change change, const struct prefix *prefix, int *changed, struct error *error)
{
	struct request request;
	int result;

	local_route_request(&request, change, prefix);
	result = netlink_ask(NETLINK_ROUTE, &request, NULL, NULL);
	if (changed)
		*changed = !result;
	if (!result || (change == ROUTE_DELETE && errno == ESRCH))
		return 0;
	if (change == ROUTE_ADD && errno == EEXIST)
		return route_check_local(prefix, error);
	return route_fail(error, prefix, strerror(errno));
}

static void port_set(uint8_t *ports, uint16_t port)
{
	ports[port / 8] |= (uint8_t)(1u << port % 8);
}

static int is_loopback_or_any(const void *ipv4)
{
	uint32_t address;

	memcpy(&address, ipv4, sizeof(address));
	return address == htonl(INADDR_LOOPBACK) || address == htonl(INADDR_ANY);
}

static int socket_takes_ipv4(const struct nlmsghdr *message, const struct inet_diag_msg *body)
{
	const struct rtattr *v6only = message_attribute(message, sizeof(*body), INET_DIAG_SKV6ONLY);
	struct in6_addr address;

	if (body->idiag_family == AF_INET)
		return is_loopback_or_any(body->id.idiag_src);
	memcpy(&address, body->id.idiag_src, sizeof(address));
	if (IN6_IS_ADDR_V4MAPPED(&address))
		return is_loopback_or_any(&address.s6_addr[12]);
	return IN6_IS_ADDR_UNSPECIFIED(&address) &&
	       !(v6only && RTA_PAYLOAD(v6only) && *(const uint8_t *)RTA_DATA(v6only));
}

static int socket_takes_ipv6(const struct inet_diag_msg *body)
{
	struct in6_addr address;

	memcpy(&address, body->id.idiag_src, sizeof(address));
	return body->idiag_family == AF_INET6 && (IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LOOPBACK(&address));
}

/* The bits of one protocol. */
struct ports {
	uint8_t *ipv4, *ipv6;
};

static int ports_add(const struct nlmsghdr *message, void *context)
{
	const struct ports *ports = context;
	const struct inet_diag_msg *body = message_body(message, SOCK_DIAG_BY_FAMILY, sizeof(*body));

	/* A socket bound to the device lo gets no packet received elsewhere, which is where rules are. */
	if (!body || body->id.idiag_if == LOOPBACK_IFINDEX)
		return 0;
	if (socket_takes_ipv4(message, body))
		port_set(ports->ipv4, ntohs(body->id.idiag_sport));
	if (socket_takes_ipv6(body))
		port_set(ports->ipv6, ntohs(body->id.idiag_sport));
	return 0;
}

static int listeners_fail(struct error *error, int udp)
{
	if (errno == ENOENT)
		return error_state(error, "sock_diag", "the kernel module %s_diag is missing", udp ? "udp" : "tcp");
	return error_errno(error, "sock_diag");
}

/* A UDP socket without a peer has the state of a closed TCP one. */
static int listeners_read(struct listeners *out, int af, int udp, struct error *error)
{
	struct inet_diag_req_v2 body = {
		.sdiag_family = (uint8_t)af,
		.sdiag_protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
		.idiag_states = 1u << (udp ? TCP_CLOSE : TCP_LISTEN),
	};
	struct ports ports = { out->ipv4[udp], out->ipv6[udp] };
	struct request request;

	request_begin(&request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
	return netlink_ask(NETLINK_SOCK_DIAG, &request, ports_add, &ports) ? listeners_fail(error, udp) : 0;
}

int netlink_listeners(struct listeners *out, struct error *error)
{
	int udp;

	memset(out, 0, sizeof(*out));
	for (udp = 0; udp < 2; udp++)
		if (listeners_read(out, AF_INET, udp, error) || listeners_read(out, AF_INET6, udp, error))
			return -1;
	return 0;
}

int listeners_have(const struct listeners *listeners, uint8_t family, int proto, uint16_t port)
{
	const uint8_t *ports = (family == 4 ? listeners->ipv4 : listeners->ipv6)[proto == IPPROTO_UDP];

	return ports[port / 8] >> port % 8 & 1;
}

int netlink_namespace(uint64_t *cookie, struct error *error)
{
	socklen_t len = sizeof(*cookie);
	int fd = netlink_open(NETLINK_ROUTE), result = 0;

	if (fd < 0)
		return error_errno(error, "network namespace");
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		result = errno == ENOPROTOOPT
				 ? error_state(error, "network namespace", "no cookie: the kernel is older than 5.14")
				 : error_errno(error, "network namespace");
	close(fd);
	return result;
}
