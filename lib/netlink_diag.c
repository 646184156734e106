/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink_diag.h"

#include "netlink_request.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

const struct inet_diag_msg *diag_body(const struct nlmsghdr *message)
{
	return message_body(message, SOCK_DIAG_BY_FAMILY, sizeof(struct inet_diag_msg));
}

static int diag_fail(struct error *error, int proto)
{
	if (errno == ENOENT)
		return error_state(error, "sock_diag", "the kernel module %s_diag is missing",
				   proto == IPPROTO_UDP ? "udp" : "tcp");
	return error_errno(error, "sock_diag");
}

int diag_dump(int af, int proto, uint32_t states, int (*take)(const struct nlmsghdr *, void *), void *context,
	      struct error *error)
{
	struct inet_diag_req_v2 body = {
		.sdiag_family = (uint8_t)af,
		.sdiag_protocol = (uint8_t)proto,
		.idiag_states = states,
	};
	struct request request;

	request_begin(&request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
	return netlink_ask(NETLINK_SOCK_DIAG, &request, take, context) ? diag_fail(error, proto) : 0;
}
