/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets by sock_diag(7), for the files that ask for them. */
#ifndef SPLICER_NETLINK_DIAG_H
#define SPLICER_NETLINK_DIAG_H

#include "error.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <stdint.h>

/*
 * Hands each socket of the caller's namespace to take: of AF_INET or AF_INET6, IPPROTO_TCP or IPPROTO_UDP, in one of
 * the states, bit 1 << TCP_ESTABLISHED and so on. A UDP socket is TCP_ESTABLISHED with a peer, TCP_CLOSE without. -1
 * with *error.
 */
int diag_dump(int af, int proto, uint32_t states, int (*take)(const struct nlmsghdr *, void *), void *context,
	      struct error *error);

/* The fixed part; NULL: another message. */
const struct inet_diag_msg *diag_body(const struct nlmsghdr *message);

#endif
