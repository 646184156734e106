/* SPDX-License-Identifier: GPL-2.0-only */
/* trace_tail: follows decisions as they happen. */
#include "eventout.h"
#include "num.h"
#include "option.h"
#include "pin.h"
#include "proto.h"
#include "registry.h"
#include "rule.h"
#include "subscribe.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

enum row { ROW_INTERFACE, ROW_PROTO, ROW_VERDICT, ROW_HOOK, ROW_COUNT };

static const struct option_row rows[] = {
	[ROW_INTERFACE] = { "iface", 'i', "NAME", "only events of this interface" },
	[ROW_PROTO] = { "proto", 'p', "PROTO", "only events of this IP protocol" },
	[ROW_VERDICT] = { "verdict", 0, "VERDICT", "only these: ALLOWED, BLOCKED or DETECTED; repeatable" },
	[ROW_HOOK] = { "hook", 0, "HOOK", "only what comes in, or only what leaves: ingress or egress" },
	[ROW_COUNT] = { "count", 'c', "NUMBER", "end after that many events" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]...", NULL };

static const struct command command = {
	.name = "trace_tail",
	.synopsis = synopsis,
	.summary = "Print a line for each decision: what a rule passed or spliced, a new SSH connection, a drop. Up to "
		   "16\n"
		   "readers may follow at once. Ends on SIGINT or SIGTERM and says how many events it lost.",
	.options = rows,
	.common = "qj",
};

struct tail {
	struct event_filter filter;
	uint64_t count; /* 0: no end */
	uint64_t seen;
	bool json;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct tail *tail = context;
	uint32_t mask;
	uint16_t proto;

	switch ((enum row)row) {
	case ROW_INTERFACE:
		tail->filter.ifindexes = 1;
		return rule_parse_interface(value, &tail->filter.ifindex[0], error);
	case ROW_PROTO:
		if (proto_parse(value, &proto, error))
			return -1;
		if (proto != PROTO_ANY)
			tail->filter.protos[proto / 64] |= UINT64_C(1) << proto % 64;
		return 0;
	case ROW_VERDICT:
		if (verdict_parse(value, &mask, error))
			return -1;
		tail->filter.verdicts |= mask;
		return 0;
	case ROW_HOOK:
		return hook_parse(value, &tail->filter.hooks, error);
	default:
		return num_parse(value, 1, UINT64_MAX, &tail->count, error);
	}
}

static int take_event(void *context, void *data, size_t size)
{
	struct tail *tail = context;

	if (tail->count && tail->seen == tail->count)
		return 0;
	if (event_print(data, size, tail->json))
		return 0;
	tail->seen++;
	if (ferror(stdout) || tail->seen == tail->count)
		stopped = 1;
	return 0;
}

static int follow(struct tail *tail, const struct subscription *subscription, struct error *error)
{
	struct ring_buffer *ring = ring_buffer__new(subscription->ring, take_event, tail, NULL);
	int result = 0;

	if (!ring)
		return error_errno(error, EVENT_RINGS);
	while (!stopped && result >= 0) {
		result = ring_buffer__poll(ring, 200);
		if (result == -EINTR)
			result = 0;
	}
	ring_buffer__free(ring);
	if (ferror(stdout))
		return error_state(error, "stdout", "cannot be written");
	if (result >= 0)
		return 0;
	errno = -result;
	return error_errno(error, EVENT_RINGS);
}

/* A reader that goes away, `trace_tail | head`, must not leave its slot behind: SIGPIPE becomes a failed write. */
static void signals_set(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct subscription subscription;
	struct tail tail = { 0 };
	struct error error;
	struct pins pins;
	uint64_t lost;
	int result, count = options_parse(&command, argc, argv, &common, take_option, &tail, &error);

	if (count > 0)
		error_usage(&error, argv[argc - count], "takes no operands");
	if (count || pins_open(&pins, common.pin_dir, false, &error))
		return error_print(&error);
	tail.json = common.json;
	/* while it waits for the lock it can be ended as usual; a place taken just then goes to the next reader */
	tail.filter.types = 1u << EVENT_DECISION | 1u << EVENT_REDECISION;
	if (subscription_open(&subscription, &pins, &tail.filter, SUBSCRIPTION_RING, 0, &error))
		return error_print(&error);
	signals_set();
	result = follow(&tail, &subscription, &error);
	subscription_stop(&subscription);
	lost = subscription_lost(&subscription);
	subscription_close(&subscription);
	if (lost && !common.quiet)
		note_print("%llu events lost", (unsigned long long)lost);
	return result ? error_print(&error) : output_finish(EXIT_DONE);
}
