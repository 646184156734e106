/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the kernel by netlink(7) and its answers, for the files that implement netlink.h. */
#ifndef SPLICER_NETLINK_REQUEST_H
#define SPLICER_NETLINK_REQUEST_H

#include "error.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#define LOOPBACK_IFINDEX 1 /* in every network namespace; include/net/net_namespace.h */

struct request {
	union {
		struct nlmsghdr header;
		uint8_t bytes[256];
	};
};

/* type, NLM_F_* flags beyond NLM_F_REQUEST, and the fixed part. */
void request_begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t len);
void request_add(struct request *request, uint16_t type, const void *data, size_t len);

/* A socket to the kernel; -1 with errno. */
int netlink_open(int protocol);

/* Asks, and hands each message of the complete answer to take (may be NULL). -1 with errno, take's too. */
int netlink_ask(int protocol, const struct request *request, int (*take)(const struct nlmsghdr *, void *),
		void *context);

/* The error of a failed netlink_ask for a list; returns -1. */
int netlink_fail(struct error *error, const char *what);

/* NULL if the message is of another type, or too short. */
const void *message_body(const struct nlmsghdr *message, uint16_t type, size_t len);

/* An attribute among len bytes of them; NULL if there is none. */
const struct rtattr *attribute_find(const void *start, size_t len, uint16_t type);

/* The attribute after a message's fixed part of body_len bytes. */
const struct rtattr *message_attribute(const struct nlmsghdr *message, size_t body_len, uint16_t type);

/* 0 if there is none: no interface has that index. */
uint32_t attribute_u32(const struct rtattr *attribute);

/* Bytes of an address of AF_INET or AF_INET6, and that family for 4 or 6. */
size_t family_size(int af);
int af_of(uint8_t family);

#endif
