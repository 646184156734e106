/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink_request.h"

#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The kernel fills at most 32 KiB at a time, unless a single message is larger. */
#define DATAGRAM_MAX 65536

#define ERRNO_MAX 4095 /* include/linux/err.h: no number of an error is larger */

/* A dump starts over when what it lists changed meanwhile; a busy container host does that many times a second. */
#define DUMP_ATTEMPTS 16

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

void request_begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = sizeof(request->header);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(request_extend(request, len), body, len);
}

void request_add(struct request *request, uint16_t type, const void *data, size_t len)
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

const void *message_body(const struct nlmsghdr *message, uint16_t type, size_t len)
{
	return message->nlmsg_type == type && message->nlmsg_len >= NLMSG_LENGTH(len) ? NLMSG_DATA(message) : NULL;
}

const struct rtattr *attribute_find(const void *start, size_t len, uint16_t type)
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

const struct rtattr *message_attribute(const struct nlmsghdr *message, size_t body_len, uint16_t type)
{
	size_t start = NLMSG_SPACE(body_len);

	if (message->nlmsg_len < start)
		return NULL;
	return attribute_find((const uint8_t *)message + start, message->nlmsg_len - start, type);
}

uint32_t attribute_u32(const struct rtattr *attribute)
{
	uint32_t value = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

size_t family_size(int af)
{
	return af == AF_INET ? 4 : 16;
}

int af_of(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

/*
 * Connected to the kernel, a socket takes messages from nobody else. Strict checking (4.20) makes the kernel filter
 * routes by type; without it all come, and are filtered here.
 */
int netlink_open(int protocol)
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
		errno = result < -ERRNO_MAX ? EPROTO : -result;
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

int netlink_ask(int protocol, const struct request *request, int (*take)(const struct nlmsghdr *, void *),
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

int netlink_fail(struct error *error, const char *what)
{
	if (errno == EAGAIN)
		return error_state(error, what, "kept changing while it was read");
	return error_errno(error, what);
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
