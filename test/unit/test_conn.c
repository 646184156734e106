/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/conn.c, connselect.c, flowsettings.c, keyindex.c, session.c: keys, timeouts, words. */
#include "conn.h"

#include "clock.h"
#include "connselect.h"
#include "flowsettings.h"
#include "keyindex.h"
#include "prefix.h"
#include "session.h"

#include "tap.h"

#include <netinet/in.h>

#define ROUNDS 200000

/* ---- keys ---- */

/* Few values, so that ends often have words and ports in common; some above the sign bit. */
static struct conn_end random_end(uint8_t family)
{
	static const uint8_t bytes[] = { 0, 1, 2, 127, 128, 255 };
	static const uint16_t ports[] = { 0, 1, 255, 256, 0x0102, 0x0201, 0x7fff, 0x8000, 65535 };
	struct conn_end end = { .port = RANDOM_OF(ports) };
	size_t size = family == 4 ? 4 : 16;

	for (size_t i = 0; i < size; i++)
		end.addr[i] = random_below(3) ? 10 : RANDOM_OF(bytes);
	return end;
}

/* By hand from abi/conns.h: the sign of a - b, words and ports as this machine reads memory. */
static int order_by_bytes(const uint8_t *a, const uint8_t *b, int size)
{
	const uint16_t probe = 1;
	bool little = *(const uint8_t *)&probe;

	for (int i = 0; i < size; i++) {
		int at = little ? size - 1 - i : i;

		if (a[at] != b[at])
			return a[at] < b[at] ? -1 : 1;
	}
	return 0;
}

static int end_order(const struct conn_end *a, const struct conn_end *b)
{
	const uint8_t left[2] = { a->port >> 8, a->port & 255 }, right[2] = { b->port >> 8, b->port & 255 };
	int order = order_by_bytes(a->addr, b->addr, 8);

	if (!order)
		order = order_by_bytes(a->addr + 8, b->addr + 8, 8);
	return order ? order : order_by_bytes(left, right, 2);
}

static bool end_is(const struct conn_key *key, unsigned int at, const struct conn_end *end)
{
	struct conn_end there = conn_key_end(key, at);

	return !memcmp(there.addr, end->addr, sizeof(end->addr)) && there.port == end->port;
}

static const char *key_wrong(uint8_t family, uint8_t proto, const struct conn_end *a, const struct conn_end *b)
{
	struct conn_key one, other;
	unsigned int at_a = conn_key_make(&one, family, proto, a, b);
	unsigned int at_b = conn_key_make(&other, family, proto, b, a);
	const uint8_t *bytes = (const uint8_t *)&one;

	if (memcmp(&one, &other, sizeof(one)))
		return "the two directions have different keys";
	if (!end_is(&one, at_a, a) || !end_is(&one, at_b, b) || !end_is(&one, !at_a, b))
		return "an end does not stand where it was said to";
	if (end_order(a, b) < 0 && at_a != 0)
		return "end 0 is not the lower one";
	if (end_order(a, b) > 0 && at_a != 1)
		return "end 0 is not the lower one (b)";
	if (bytes[36] != proto || bytes[37] != family || bytes[38] || bytes[39])
		return "protocol, family or reserved bytes";
	if (bytes[32] != (at_a ? b : a)->port >> 8 || bytes[33] != ((at_a ? b : a)->port & 255))
		return "the port is not in network byte order";
	return NULL;
}

static void test_keys(void)
{
	static const uint8_t protos[] = { 1, 6, 17, 58, 132, 255 };
	char wrong[512] = "";

	for (int i = 0; i < ROUNDS && !*wrong; i++) {
		uint8_t family = random_below(2) ? 4 : 6, proto = RANDOM_OF(protos);
		struct conn_end a = random_end(family), b = random_below(8) ? random_end(family) : a;
		char left[PREFIX_TEXT_MAX], right[PREFIX_TEXT_MAX];
		const char *what = key_wrong(family, proto, &a, &b);

		if (what)
			snprintf(wrong, sizeof(wrong), "%s: proto %u, %s port %u, %s port %u", what, proto,
				 address_format(family, a.addr, left), a.port, address_format(family, b.addr, right),
				 b.port);
	}
	check_property(wrong, "a connection has one key, the lower end first");
}

/* Two examples worked out by hand, for little-endian machines: 10.0.0.2 is above 10.0.0.1, but 1.0.0.2 below 2.0.0.1.
 */
static void test_key_examples(void)
{
	static const struct {
		uint8_t a[4], b[4];
		uint16_t port_a, port_b;
		unsigned int little, big; /* where a stands */
	} examples[] = {
		{ { 10, 0, 0, 1 }, { 10, 0, 0, 2 }, 1, 1, 0, 0 },
		{ { 1, 0, 0, 2 }, { 2, 0, 0, 1 }, 1, 1, 1, 0 },
		{ { 10, 0, 0, 1 }, { 10, 0, 0, 1 }, 0x0102, 0x0201, 1, 0 },
		{ { 10, 0, 0, 1 }, { 10, 0, 0, 1 }, 80, 80, 0, 0 },
	};
	const uint16_t probe = 1;

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct conn_end a = { .port = examples[i].port_a }, b = { .port = examples[i].port_b };
		struct conn_key key;

		memcpy(a.addr, examples[i].a, 4);
		memcpy(b.addr, examples[i].b, 4);
		check(conn_key_make(&key, 4, IPPROTO_TCP, &a, &b),
		      *(const uint8_t *)&probe ? examples[i].little : examples[i].big, "example %zu: the first end", i);
	}
}

/* ---- timeouts ---- */

static void test_timeouts(void)
{
	static const struct {
		uint8_t proto, state;
		enum conn_timeout timeout;
	} cases[] = {
		{ IPPROTO_TCP, CONN_HANDSHAKE, TIMEOUT_TCP_HANDSHAKE },
		{ IPPROTO_TCP, CONN_ESTABLISHED, TIMEOUT_TCP_ESTABLISHED },
		{ IPPROTO_TCP, CONN_CLOSING, TIMEOUT_TCP_CLOSING },
		{ IPPROTO_TCP, CONN_CLOSED, TIMEOUT_TCP_CLOSED },
		{ IPPROTO_UDP, CONN_NEW, TIMEOUT_UDP },
		{ IPPROTO_UDP, CONN_ESTABLISHED, TIMEOUT_UDP_STREAM },
		{ IPPROTO_UDP, CONN_CLOSED, TIMEOUT_TCP_CLOSED },
		{ IPPROTO_ICMP, CONN_NEW, TIMEOUT_ICMP },
		{ IPPROTO_ICMPV6, CONN_ESTABLISHED, TIMEOUT_ICMP },
		{ IPPROTO_GRE, CONN_NEW, TIMEOUT_OTHER },
		{ IPPROTO_SCTP, CONN_ESTABLISHED, TIMEOUT_OTHER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct splicer_config config = { 0 };
		struct conn_key key = { .proto = cases[i].proto };
		struct conn conn = { .state = cases[i].state, .last = 5 * CLOCK_SECOND };
		const char *name = conn_state_name(cases[i].state);

		check(conn_timeout_seconds(&config, &key, &conn), conn_timeout_default(cases[i].timeout),
		      "protocol %u, %s: built in", cases[i].proto, name);
		config.timeout[cases[i].timeout] = 7;
		check(conn_timeout_seconds(&config, &key, &conn), 7, "protocol %u, %s: as set", cases[i].proto, name);
		check(conn_is_overdue(&config, &key, &conn, 12 * CLOCK_SECOND), 0, "... holds so long");
		check(conn_is_overdue(&config, &key, &conn, 12 * CLOCK_SECOND + 1), 1, "... and no longer");
		check(conn_is_overdue(&config, &key, &conn, CLOCK_SECOND), 0, "... a packet of the future holds");
	}
}

/* ---- index ---- */

struct numbered {
	struct conn_key key;
	uint32_t number;
};

static void test_index(void)
{
	enum { COUNT = 50000 };
	struct numbered *items = calloc(COUNT, sizeof(*items)), absent = { 0 };
	struct keyindex index = { .key_size = sizeof(items->key), .stride = sizeof(*items) };
	char wrong[64] = "";

	check(keyindex_find(&index, items, &absent.key) == KEYINDEX_NONE, 1, "an empty index");
	for (uint32_t i = 0; i < COUNT; i++) {
		items[i].key.addr[0][0] = i % 256;
		items[i].key.port[1] = (uint16_t)(i / 256);
		items[i].key.proto = 6;
		if (keyindex_add(&index, items, i))
			bail_out("index");
	}
	for (size_t i = 0; i < COUNT && !*wrong; i++)
		if (keyindex_find(&index, items, &items[i].key) != i)
			snprintf(wrong, sizeof(wrong), "item %zu", i);
	check_property(wrong, "all %d keys are found in their places", COUNT);
	check(keyindex_find(&index, items, &absent.key) == KEYINDEX_NONE, 1, "another key is not");
	keyindex_free(&index);
	free(items);
}

/* ---- words ---- */

static void test_settings(void)
{
	static const struct {
		const char *text;
		int setting; /* -1: refused */
		uint32_t value;
	} cases[] = {
		{ "confirmed=1", CONNS_CONFIRMED, 1 },
		{ "unconfirmed=16777216", CONNS_UNCONFIRMED, FLOW_TABLE_MAX },
		{ "confirmed=default", CONNS_CONFIRMED, 0 },
		{ "tcp_handshake=1", CONN_TABLES + TIMEOUT_TCP_HANDSHAKE, 1 },
		{ "other=4294967295", CONN_TABLES + TIMEOUT_OTHER, UINT32_MAX },
		{ "udp=5", CONN_TABLES + TIMEOUT_UDP, 5 },
		{ "udp_stream=6", CONN_TABLES + TIMEOUT_UDP_STREAM, 6 },
		{ "icmp=default", CONN_TABLES + TIMEOUT_ICMP, 0 },
		{ "confirmed=0", -1, 0 },
		{ "confirmed=16777217", -1, 0 },
		{ "udp=0", -1, 0 },
		{ "udp=4294967296", -1, 0 },
		{ "udp=", -1, 0 },
		{ "udp", -1, 0 },
		{ "=5", -1, 0 },
		{ "", -1, 0 },
		{ "ud=5", -1, 0 },
		{ "udps=5", -1, 0 },
		{ "UDP=5", -1, 0 },
		{ "udp=05", -1, 0 },
		{ "udp=-1", -1, 0 },
		{ "udp=5s", -1, 0 },
		{ "udp=defaults", -1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_change change = { 0 };
		struct error error = { 0 };
		int result = flow_change_parse(&change, &settings_of_conns, cases[i].text, &error);

		check(result, cases[i].setting < 0 ? -1 : 0, "\"%s\"", cases[i].text);
		check(error.exit, cases[i].setting < 0 ? EXIT_USAGE : 0, "... its exit status");
		if (cases[i].setting < 0)
			continue;
		check(change.given[cases[i].setting], 1, "... is of its setting");
		check(change.value[cases[i].setting], cases[i].value, "... its value");
	}
}

static void test_states(void)
{
	struct error error;
	uint8_t state;

	for (uint8_t i = CONN_NEW; i <= CONN_CLOSED; i++)
		check(conn_state_parse(conn_state_name(i), &state, &error) ? 255 : state, i, "%s is read back",
		      conn_state_name(i));
	check(conn_state_parse("unknown", &state, &error), -1, "unknown is no state");
	check_text(conn_state_name(CONN_CLOSED + 1), "unknown", "a state of a later version");
}

static void test_sessions(void)
{
	static const char *const refused[] = { "",
					       "10.0.0.1 5000 10.0.0.2",
					       "10.0.0.1 5000 ::1 22",
					       "10.0.0.1 0 10.0.0.2 22",
					       "10.0.0.1 65536 10.0.0.2 22",
					       "10.0.0.1 x 10.0.0.2 22",
					       "10.0.0.300 5000 10.0.0.2 22",
					       "UNKNOWN 65535 UNKNOWN 65535" };
	struct conn_end client = { .addr = { 0xfe, 0x80, [15] = 1 }, .port = 5000 };
	struct conn_end server = { .addr = { 0xfe, 0x80, [15] = 2 }, .port = 22 };
	struct conn_key key, expected;
	struct session session;

	conn_key_make(&expected, 6, IPPROTO_TCP, &client, &server);
	check(session_parse("fe80::1%eth0 5000 fe80::2%eth0 22", &session), 0, "a session by link-local addresses");
	session_key(&session, &key);
	check(memcmp(&key, &expected, sizeof(key)), 0, "... its key");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check(session_parse(refused[i], &session), -1, "\"%s\" is no session", refused[i]);
}

/* ---- selectors ---- */

static const struct {
	size_t option;
	const char *value;
	int result; /* 1 the row below, 0 not it, -1 refused */
} selections[] = {
	{ CONN_SELECT_PROTO, "tcp", 1 },
	{ CONN_SELECT_PROTO, "6", 1 },
	{ CONN_SELECT_PROTO, "any", 1 },
	{ CONN_SELECT_PROTO, "udp", 0 },
	{ CONN_SELECT_PROTO, "tpc", -1 },
	{ CONN_SELECT_SOURCE, "10.0.0.2", 1 },
	{ CONN_SELECT_SOURCE, "10.0.0.0/24", 1 },
	{ CONN_SELECT_SOURCE, "0.0.0.0/0", 1 },
	{ CONN_SELECT_SOURCE, "10.0.0.1-10.0.0.9", 1 },
	{ CONN_SELECT_SOURCE, "10.0.0.3-10.0.0.9", 0 },
	{ CONN_SELECT_SOURCE, "10.0.0.1", 0 },
	{ CONN_SELECT_SOURCE, "::/0", 0 },
	{ CONN_SELECT_SOURCE, "10.0.0.2/24", -1 },
	{ CONN_SELECT_DESTINATION, "10.0.0.1", 1 },
	{ CONN_SELECT_DESTINATION, "10.0.0.2", 0 },
	{ CONN_SELECT_SPORT, "4000", 1 },
	{ CONN_SELECT_SPORT, "3999-4001", 1 },
	{ CONN_SELECT_SPORT, "4000-4000", 1 },
	{ CONN_SELECT_SPORT, "4001-65535", 0 },
	{ CONN_SELECT_SPORT, "80", 0 },
	{ CONN_SELECT_SPORT, "90-80", -1 },
	{ CONN_SELECT_SPORT, "80-", -1 },
	{ CONN_SELECT_SPORT, "-80", -1 },
	{ CONN_SELECT_SPORT, "80-90-100", -1 },
	{ CONN_SELECT_SPORT, "65536", -1 },
	{ CONN_SELECT_SPORT, "", -1 },
	{ CONN_SELECT_DPORT, "80", 1 },
	{ CONN_SELECT_DPORT, "4000", 0 },
	{ CONN_SELECT_INTERFACE, "#7", 1 },
	{ CONN_SELECT_INTERFACE, "#8", 0 },
	{ CONN_SELECT_STATE, "established", 1 },
	{ CONN_SELECT_STATE, "closing", 0 },
	{ CONN_SELECT_STATE, "est", -1 },
	{ CONN_SELECT_DIR, "out", 1 },
	{ CONN_SELECT_DIR, "in", 0 },
	{ CONN_SELECT_DIR, "", -1 },
	{ CONN_SELECT_TABLE, "unconfirmed", 1 },
	{ CONN_SELECT_TABLE, "confirmed", 0 },
	{ CONN_SELECT_TABLE, "socket", 0 },
	{ CONN_SELECT_TABLE, "sockets", -1 },
	{ CONN_SELECT_RULE, "5", 1 },
	{ CONN_SELECT_RULE, "6", 1 },
	{ CONN_SELECT_RULE, "7", 0 },
	{ CONN_SELECT_RULE, "0", -1 },
};

/* From 10.0.0.2 port 4000 to 10.0.0.1 port 80: the opener is not the lower end. */
static struct conn_row sample_row(void)
{
	struct conn_end client = { .addr = { 10, 0, 0, 2 }, .port = 4000 };
	struct conn_end server = { .addr = { 10, 0, 0, 1 }, .port = 80 };
	struct conn_row row = { .place = PLACE_UNCONFIRMED };

	row.conn.opener = (uint8_t)conn_key_make(&row.key, 4, IPPROTO_TCP, &client, &server);
	row.conn.state = CONN_ESTABLISHED;
	row.conn.flags = CONN_OUTBOUND | CONN_FIN_BACK;
	conn_set_interface(&row.conn, 7);
	row.conn.verdict[0].decision = 5ull << 21;
	row.conn.verdict[1].decision = 6ull << 21;
	row.conn.verdict[0].reason = row.conn.verdict[1].reason = 1;
	return row;
}

static void test_selectors(void)
{
	static const struct conn_selector any;
	struct conn_row row = sample_row();

	check(conn_selector_matches(&any, &row), 1, "no selector matches anything");
	check((long long)conn_rule(&row.conn), 5, "the rule is that of packets that come in");
	row.conn.verdict[0].reason = 0;
	check((long long)conn_rule(&row.conn), 6, "else that of packets that leave");
	row.conn.verdict[0].reason = 1;
	for (size_t i = 0; i < sizeof(selections) / sizeof(selections[0]); i++) {
		struct conn_selector selector = { 0 };
		struct error error;
		int result = conn_selector_option(&selector, selections[i].option, selections[i].value, &error);

		if (!result)
			result = conn_selector_matches(&selector, &row);
		check(result, selections[i].result, "option %zu \"%s\"", selections[i].option, selections[i].value);
		free(selector.src.items);
		free(selector.dst.items);
	}
}

static void test_operands(void)
{
	static const char *const texts[] = { "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.2-10.0.0.7" };
	static const int results[] = { 1, 1, 0, 1 };
	struct conn_row row = sample_row();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct conn_selector selector = { 0 };
		char *operands[] = { (char *)(uintptr_t)texts[i], NULL };
		struct error error;

		check(conn_selector_operands(&selector, operands, 1, &error), 0, "the operand %s", texts[i]);
		check(conn_selector_matches(&selector, &row), results[i], "... is one of the ends, or not");
		free(selector.either.items);
	}
}

/* An identifier is no port. */
static void test_ports_of_icmp(void)
{
	struct conn_selector selector = { 0 };
	struct conn_row row = sample_row();
	struct error error;

	conn_selector_option(&selector, CONN_SELECT_DPORT, "0-65535", &error);
	check(conn_selector_matches(&selector, &row), 1, "TCP has ports");
	row.key.proto = IPPROTO_ICMP;
	check(conn_selector_matches(&selector, &row), 0, "ICMP has none");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_keys();
	test_key_examples();
	test_timeouts();
	test_index();
	test_settings();
	test_states();
	test_sessions();
	test_selectors();
	test_operands();
	test_ports_of_icmp();
	return tap_done();
}
