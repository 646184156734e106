/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink.h"
#include "netlink_request.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct route_list {
	struct table routes;
	int protocol; /* only those of this rtm_protocol; 0: all */
};

static int local_route_add(const struct nlmsghdr *message, void *context)
{
	struct route_list *list = context;
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
	if (prefix.len > prefix_bits(prefix.family))
		return 0;
	destination = message_attribute(message, sizeof(*body), RTA_DST);
	if (destination && RTA_PAYLOAD(destination) == family_size(body->rtm_family))
		memcpy(prefix.addr, RTA_DATA(destination), RTA_PAYLOAD(destination));
	if (list->protocol && list->protocol != body->rtm_protocol)
		return 0;
	return table_add(&list->routes, &prefix);
}

static int local_routes_read(struct route_list *list, int af, struct error *error)
{
	struct rtmsg body = { .rtm_family = (uint8_t)af, .rtm_type = RTN_LOCAL };
	struct request request;

	request_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &body, sizeof(body));
	return netlink_ask(NETLINK_ROUTE, &request, local_route_add, list) ? netlink_fail(error, "route list") : 0;
}

static int routes_list(int protocol, struct prefix_list *out, struct error *error)
{
	struct route_list list = { .routes.size = sizeof(struct prefix), .protocol = protocol };

	memset(out, 0, sizeof(*out));
	if (local_routes_read(&list, AF_INET, error) || local_routes_read(&list, AF_INET6, error)) {
		free(list.routes.items);
		return -1;
	}
	table_sort_unique(&list.routes);
	out->items = (struct prefix *)list.routes.items;
	out->count = list.routes.count;
	return 0;
}

int netlink_local_routes(struct prefix_list *out, struct error *error)
{
	return routes_list(0, out, error);
}

int netlink_own_routes(struct prefix_list *out, struct error *error)
{
	return routes_list(ROUTE_PROTOCOL, out, error);
}

static void local_route_request(struct request *request, enum route_change change, const struct prefix *prefix)
{
	uint32_t loopback = LOOPBACK_IFINDEX;
	struct rtmsg body = {
		.rtm_family = (uint8_t)af_of(prefix->family),
		.rtm_dst_len = prefix->len,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = ROUTE_PROTOCOL,
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
	char text[PREFIX_TEXT_MAX];

	return error_state(error, prefix_format(prefix, text), "%s", reason);
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

static int route_source_take(const struct nlmsghdr *message, void *context)
{
	struct prefix *source = context;
	const struct rtmsg *body = message_body(message, RTM_NEWROUTE, sizeof(*body));
	const struct rtattr *address = body ? message_attribute(message, sizeof(*body), RTA_PREFSRC) : NULL;

	if (!address || RTA_PAYLOAD(address) != family_size(body->rtm_family))
		return 0;
	source->family = body->rtm_family == AF_INET ? 4 : 6;
	source->len = (uint8_t)prefix_bits(source->family);
	memcpy(source->addr, RTA_DATA(address), RTA_PAYLOAD(address));
	return 0;
}

int netlink_route_source(const struct prefix *to, struct prefix *source, struct error *error)
{
	struct rtmsg body = { .rtm_family = (uint8_t)af_of(to->family),
			      .rtm_dst_len = (uint8_t)prefix_bits(to->family) };
	char text[PREFIX_TEXT_MAX];
	struct request request;

	*source = (struct prefix){ 0 };
	request_begin(&request, RTM_GETROUTE, NLM_F_ACK, &body, sizeof(body));
	request_add(&request, RTA_DST, to->addr, family_size(body.rtm_family));
	address_format(to->family, to->addr, text);
	if (netlink_ask(NETLINK_ROUTE, &request, route_source_take, source))
		return error_state(error, text, "no route there: %s", strerror(errno));
	if (!source->family)
		return error_state(error, text, "this box has no address towards it");
	return 0;
}
