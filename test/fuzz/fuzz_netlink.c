/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as the kernel's answers: which question, then datagrams, each behind a byte that says how many words of 4 bytes
 * it has. The kernel is trusted, but nothing is read beyond an answer, and what is made of it is of the forms that the
 * rest counts on. test/fuzz/run has the linker send the calls for sockets here.
 */
#include "fuzz.h"
#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#define WORD 4

static const uint8_t *answer;
static size_t answer_size;
static bool asking; /* libFuzzer goes on as ever */

int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	return asking ? 0 : __real_connect(fd, to, size);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
	return asking ? (ssize_t)size : __real_send(fd, bytes, size, flags);
}

/* After the last one, as much as any kernel says at the end; a question that goes on then is one too many. */
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
	size_t length;

	if (!asking)
		return __real_recv(fd, bytes, size, flags);
	if (!answer_size) {
		errno = ECONNRESET;
		return -1;
	}
	length = (size_t)*answer * WORD;
	answer++, answer_size--;
	if (length > answer_size)
		length = answer_size;
	FUZZ_REQUIRE(length <= size);
	memcpy(bytes, answer, length);
	answer += length;
	answer_size -= length;
	return (ssize_t)length;
}

/* ---- questions ---- */

static struct error failure;

static void require_prefix(const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	FUZZ_REQUIRE(prefix->family == 4 || prefix->family == 6);
	FUZZ_REQUIRE(prefix->len <= prefix_bits(prefix->family));
	prefix_format(prefix, text);
}

static int ask_addresses(void)
{
	struct own_addresses own;
	int result = netlink_own_addresses(&own, &failure);

	for (size_t i = 0; !result && i < own.count; i++) {
		FUZZ_REQUIRE(own.items[i].family == 4 || own.items[i].family == 6);
		FUZZ_REQUIRE(!i || memcmp(&own.items[i - 1], &own.items[i], sizeof(*own.items)) < 0);
	}
	if (!result)
		free(own.items);
	return result;
}

static int ask_routes(void)
{
	struct prefix_list list = { .count = 0 };
	int result = netlink_local_routes(&list, &failure);

	for (size_t i = 0; !result && i < list.count; i++)
		require_prefix(&list.items[i]);
	if (!result)
		free(list.items);
	return result;
}

static int ask_source(void)
{
	const struct prefix to = { .family = 4, .len = 32, .addr = { 192, 0, 2, 1 } };
	struct prefix source;
	int result = netlink_route_source(&to, &source, &failure);

	if (!result)
		require_prefix(&source);
	return result;
}

static int ask_listeners(void)
{
	static struct listeners listeners;

	return netlink_listeners(&listeners, &failure);
}

static int ask_filters(void)
{
	struct bpf_filter *filters;
	size_t count;
	int result = netlink_bpf_filters(3, FILTER_INGRESS, &filters, &count, &failure);

	for (size_t i = 0; !result && i < count; i++)
		FUZZ_REQUIRE(memchr(filters[i].name, '\0', sizeof(filters[i].name)));
	if (!result)
		free(filters);
	return result;
}

static int ask_clsact(void)
{
	uint32_t *ifindices;
	size_t count;
	int result = netlink_clsact(&ifindices, &count, &failure);

	for (size_t i = 1; !result && i < count; i++)
		FUZZ_REQUIRE(memcmp(&ifindices[i - 1], &ifindices[i], sizeof(*ifindices)) < 0);
	if (!result)
		free(ifindices);
	return result;
}

static int ask_change(void)
{
	const struct prefix prefix = { .family = 6, .len = 64, .addr = { 0x20, 1, 0xd, 0xb8 } };

	return netlink_local_route(ROUTE_ADD, &prefix, NULL, &failure);
}

static int (*const questions[])(void) = { ask_addresses, ask_routes, ask_source, ask_listeners,
					  ask_filters,   ask_clsact, ask_change };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int result;

	if (!size)
		return 0;
	answer = data + 1;
	answer_size = size - 1;
	asking = true;
	result = questions[*data % (sizeof(questions) / sizeof(questions[0]))]();
	asking = false;
	if (result)
		fuzz_require_message(&failure);
	return 0;
}
