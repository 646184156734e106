/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink.h"
#include "netlink_request.h"
#include "table.h"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool kind_is(const struct rtattr *kind, const char *name)
{
	return kind && RTA_PAYLOAD(kind) == strlen(name) + 1 && !memcmp(RTA_DATA(kind), name, strlen(name) + 1);
}

static void filter_name(struct bpf_filter *filter, const struct rtattr *name)
{
	size_t len = name ? strnlen(RTA_DATA(name), RTA_PAYLOAD(name)) : 0;

	if (len >= sizeof(filter->name))
		len = sizeof(filter->name) - 1;
	if (len)
		memcpy(filter->name, RTA_DATA(name), len);
}

/* A dump also has messages of whole priorities, without options, and of other kinds of filters. */
static int filter_add(const struct nlmsghdr *message, void *context)
{
	const struct tcmsg *body = message_body(message, RTM_NEWTFILTER, sizeof(*body));
	const struct rtattr *options;
	struct bpf_filter filter = { 0 };

	if (!body || !kind_is(message_attribute(message, sizeof(*body), TCA_KIND), "bpf"))
		return 0;
	options = message_attribute(message, sizeof(*body), TCA_OPTIONS);
	if (!options)
		return 0;
	filter.prio = TC_H_MAJ(body->tcm_info) >> 16;
	filter.handle = body->tcm_handle;
	filter.prog_id = attribute_u32(attribute_find(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_ID));
	filter.direct_action = attribute_u32(attribute_find(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_FLAGS)) &
			       TCA_BPF_FLAG_ACT_DIRECT;
	filter_name(&filter, attribute_find(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_NAME));
	return filter.prog_id ? table_add(context, &filter) : 0;
}

static int clsact_add(const struct nlmsghdr *message, void *context)
{
	const struct tcmsg *body = message_body(message, RTM_NEWQDISC, sizeof(*body));
	uint32_t ifindex;

	if (!body || body->tcm_parent != TC_H_CLSACT ||
	    !kind_is(message_attribute(message, sizeof(*body), TCA_KIND), "clsact"))
		return 0;
	ifindex = (uint32_t)body->tcm_ifindex;
	return table_add(context, &ifindex);
}

/* The kernel lists all qdiscs whatever interface is asked for. */
int netlink_clsact(uint32_t **ifindices, size_t *count, struct error *error)
{
	struct table found = { .size = sizeof(**ifindices) };
	struct tcmsg body = { .tcm_family = AF_UNSPEC };
	struct request request;

	*ifindices = NULL;
	*count = 0;
	request_begin(&request, RTM_GETQDISC, NLM_F_DUMP, &body, sizeof(body));
	if (netlink_ask(NETLINK_ROUTE, &request, clsact_add, &found)) {
		free(found.items);
		return netlink_fail(error, "qdisc list");
	}
	table_sort_unique(&found);
	*ifindices = (uint32_t *)found.items;
	*count = found.count;
	return 0;
}

static int filters_read(uint32_t ifindex, enum filter_hook hook, struct table *filters)
{
	struct tcmsg body = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook == FILTER_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS),
	};
	struct request request;

	request_begin(&request, RTM_GETTFILTER, NLM_F_DUMP, &body, sizeof(body));
	return netlink_ask(NETLINK_ROUTE, &request, filter_add, filters);
}

int netlink_bpf_filters(uint32_t ifindex, enum filter_hook hook, struct bpf_filter **out, size_t *count,
			struct error *error)
{
	struct table filters = { .size = sizeof(struct bpf_filter) };
	int result = filters_read(ifindex, hook, &filters);

	*out = (struct bpf_filter *)filters.items;
	*count = filters.count;
	if (!result)
		return 0;
	free(filters.items);
	*out = NULL;
	*count = 0;
	return netlink_fail(error, "filter list");
}
