/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One word, given to each parser of single words: what is taken is within its range, and reads back as it prints; what
 * is not is refused with a message.
 */
#include "audit.h"
#include "collector.h"
#include "conn.h"
#include "flowcols.h"
#include "flowstate.h"
#include "fuzz.h"
#include "lbtext.h"
#include "num.h"
#include "portrange.h"
#include "registry.h"
#include "session.h"
#include "xdpproto.h"

#include <inttypes.h>

static struct error failure;

/* Whether it was taken. */
static int taken(int result)
{
	if (result)
		fuzz_require_message(&failure);
	return !result;
}

/* Numbers have one form each. */
static void try_numbers(const char *text)
{
	uint64_t number;
	int64_t of_sign;
	char again[32];

	if (taken(num_parse(text, 7, UINT64_MAX - 1, &number, &failure))) {
		FUZZ_REQUIRE(number >= 7 && number < UINT64_MAX);
		snprintf(again, sizeof(again), "%" PRIu64, number);
		FUZZ_REQUIRE(!strcmp(again, text));
	}
	if (taken(num_parse_signed(text, INT64_MIN, INT64_MAX, &of_sign, &failure))) {
		snprintf(again, sizeof(again), "%" PRId64, of_sign);
		FUZZ_REQUIRE(!strcmp(again, text));
	}
}

static void try_seconds(const char *text)
{
	uint64_t first, second;
	char again[32];

	if (!taken(num_parse_seconds(text, 86400, &first, &failure)))
		return;
	FUZZ_REQUIRE(first >= 1 && first <= 86400000);
	snprintf(again, sizeof(again), "%" PRIu64 ".%03" PRIu64, first / 1000, first % 1000);
	FUZZ_REQUIRE(!num_parse_seconds(again, 86400, &second, &failure) && first == second);
}

static void try_ports(const char *text)
{
	uint16_t low, high;
	char again[32];

	if (!taken(portrange_parse(text, &low, &high, &failure)))
		return;
	FUZZ_REQUIRE(low <= high);
	snprintf(again, sizeof(again), "%u-%u", low, high);
	if (!strchr(text, '-'))
		*strchr(again, '-') = '\0';
	FUZZ_REQUIRE(!strcmp(again, text));
}

typedef int proto_parser(const char *text, uint16_t *out, struct error *error);
typedef char *proto_formatter(uint16_t proto, char buf[PROTO_TEXT_MAX]);

static void try_proto(const char *text, proto_parser *parse, proto_formatter *format, uint16_t most)
{
	uint16_t first, second;
	char again[PROTO_TEXT_MAX];

	if (!taken(parse(text, &first, &failure)))
		return;
	FUZZ_REQUIRE(first <= most);
	FUZZ_REQUIRE(!parse(format(first, again), &second, &failure) && first == second);
}

typedef int mask_parser(const char *text, uint32_t *mask, struct error *error);

/* A word of a registry stands for one number or more. */
static void try_masks(const char *text)
{
	static mask_parser *const parsers[] = { verdict_parse, verdict_action_parse, event_type_parse, hook_parse,
						object_parse };
	__u64 reasons[2] = { 0 };

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		uint32_t mask = 0;

		FUZZ_REQUIRE(taken(parsers[i](text, &mask, &failure)) == (mask != 0));
	}
	if (!taken(reason_parse(text, reasons, &failure)))
		return;
	FUZZ_REQUIRE(__builtin_popcountll(reasons[0]) + __builtin_popcountll(reasons[1]) == 1);
	FUZZ_REQUIRE(!strcasecmp(text, reason_name(reasons[0] ? (unsigned int)__builtin_ctzll(reasons[0])
							      : 64u + (unsigned int)__builtin_ctzll(reasons[1]))));
}

static void try_states(const char *text)
{
	enum flow_finish finish;
	enum flow_state state;
	uint64_t sync;
	uint8_t conn;

	if (taken(conn_state_parse(text, &conn, &failure)))
		FUZZ_REQUIRE(!strcmp(text, conn_state_name(conn)));
	taken(flow_state_parse(text, &state, &failure));
	taken(flow_finish_parse(text, &finish, &failure));
	taken(audit_sync_parse(text, &sync, &failure));
}

static void try_service(const char *text)
{
	struct lb_name name, name_again;
	struct lb_target target, target_again;
	char again[LB_TEXT_MAX];

	if (taken(lb_name_parse(text, &name, &failure))) {
		FUZZ_REQUIRE(name.low <= name.high);
		FUZZ_REQUIRE(!lb_name_parse(lb_name_format(&name, again), &name_again, &failure));
		FUZZ_REQUIRE(!memcmp(&name, &name_again, sizeof(name)));
		FUZZ_REQUIRE(lb_name_overlap(&name, &name_again) == LB_SAME);
	}
	if (taken(lb_target_parse(text, &target, &failure))) {
		FUZZ_REQUIRE(!lb_target_parse(lb_target_format(&target, again), &target_again, &failure));
		FUZZ_REQUIRE(!memcmp(&target, &target_again, sizeof(target)));
	}
}

static void try_collector(const char *text)
{
	struct collector collector;
	uint64_t port;

	if (!taken(collector_parse(text, &collector, &failure)))
		return;
	FUZZ_REQUIRE(*collector.host && strlen(collector.host) < sizeof(collector.host));
	FUZZ_REQUIRE(!num_parse(collector.port, 1, UINT16_MAX, &port, &failure));
}

static void try_session(const char *text)
{
	struct conn_key key;
	struct session session;

	if (session_parse(text, &session))
		return;
	FUZZ_REQUIRE(session.family == 4 || session.family == 6);
	session_key(&session, &key);
	FUZZ_REQUIRE(key.family == session.family);
}

static void try_columns(const char *text)
{
	struct flow_choice choice = { .count = 0 };

	if (!taken(flow_choice_parse(text, &choice, &failure)))
		return;
	FUZZ_REQUIRE(choice.count >= 1 && choice.count <= FLOW_COLUMNS_MAX);
	for (size_t i = 0; i < choice.count; i++)
		for (size_t j = 0; j < i; j++)
			FUZZ_REQUIRE(choice.items[i] != choice.items[j]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	try_numbers(text);
	try_seconds(text);
	try_ports(text);
	try_proto(text, proto_parse, proto_format, PROTO_ANY);
	try_proto(text, xdp_proto_parse, xdp_proto_format, PROTO_ANY + 1);
	try_masks(text);
	try_states(text);
	try_service(text);
	try_collector(text);
	try_session(text);
	try_columns(text);
	free(text);
	return 0;
}
