/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/connline.c, lbflowline.c, lbflow.c: connections and flows as text and back. */
#include "flow_lines.h"

#include "clock.h"
#include "prefix.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define ROUNDS 100000

/* ---- what is drawn ---- */

static void addr_draw(uint8_t family, uint8_t addr[16])
{
	memset(addr, 0, 16);
	for (size_t i = 0; i < (family == 4 ? 4u : 16u); i++)
		addr[i] = random_below(3) ? (uint8_t)random_next() : 0;
	/* who can have packets, as services want it */
	addr[0] = family == 4 ? 10 : 0x20;
}

/* ns since the epoch, in this century or so */
static uint64_t time_draw(void)
{
	return 1600000000ull * CLOCK_SECOND + random_next() % (3000000000ull * CLOCK_SECOND);
}

static uint64_t counter_draw(void)
{
	return random_next() >> random_below(64);
}

static uint32_t ifindex_draw(void)
{
	/* the loopback, nothing, and what nobody is */
	static const uint32_t indices[] = { 1, 0, 70000, CONN_INTERFACE_GONE };

	return RANDOM_OF(indices);
}

static struct conn_end end_draw(uint8_t family, uint16_t port)
{
	struct conn_end end = { .port = port };

	addr_draw(family, end.addr);
	return end;
}

/* By their keys, for the text must have nothing to do with which end is the lower. */
static struct conn_row conn_draw(void)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_GRE, 0, 255 };
	uint8_t family = random_below(2) ? 4 : 6, proto = RANDOM_OF(protos);
	struct conn_row row = { .place = random_below(2) ? PLACE_CONFIRMED : PLACE_UNCONFIRMED };
	bool has_ports = proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
	uint16_t id = proto == IPPROTO_ICMP ? (uint16_t)random_next() : 0;
	struct conn_end a = end_draw(family, has_ports ? (uint16_t)random_next() : id);
	struct conn_end b = end_draw(family, has_ports ? (uint16_t)random_next() : id);

	if (proto == IPPROTO_ICMP && family == 6)
		proto = IPPROTO_ICMPV6;
	row.conn.opener = (uint8_t)conn_key_make(&row.key, family, proto, &a, &b);
	row.conn.state = (uint8_t)random_below(CONN_CLOSED + 1);
	row.conn.flags = (uint8_t)random_next();
	row.conn.created = time_draw();
	row.conn.last = time_draw();
	row.conn.deadline = random_below(2) ? time_draw() : 0;
	for (int i = 0; i < 2; i++) {
		row.conn.packets[i] = counter_draw();
		row.conn.bytes[i] = counter_draw();
		row.conn.ifindex[i] = ifindex_draw();
	}
	return row;
}

/* ---- connections ---- */

static void conn_again(const struct conn_row *row, char wrong[2048])
{
	char line[CONN_LINE_MAX];
	struct text text = TEXT_OF(line);
	struct conn_updates again = { 0 };
	struct error error = { 0 };
	int result;

	text_conn_line(&text, row);
	result = flow_lines_read(line, text.length, conn_lines_take, &again, &error);
	if (result || again.count != 1 || memcmp(&again.items[0], row, sizeof(*row)) != 0)
		snprintf(wrong, 2048, "%.*s is read as something else; %s", (int)text.length, line, error.text);
	conn_updates_free(&again);
}

static void test_conns(void)
{
	char wrong[2048] = "";

	for (int i = 0; i < ROUNDS && !*wrong; i++) {
		struct conn_row row = conn_draw();

		conn_again(&row, wrong);
	}
	check_property(wrong, "a connection that is printed and read is the same");
}

/* Times are of another clock in the maps; what cannot be there comes back as what can. */
static void test_clocks(void)
{
	const int64_t offset = 1700000000 * (int64_t)CLOCK_SECOND;
	const uint64_t now = 5000 * CLOCK_SECOND;
	char wrong[256] = "";
	struct conn_row row = conn_draw();

	for (int i = 0; i < 1000 && !*wrong; i++) {
		uint64_t last = 1 + random_next() % now, created = 1 + random_next() % last;

		row.conn.created = created;
		row.conn.last = last;
		row.conn.deadline = random_below(2) ? 1 + random_next() % (2 * now) : 0;
		uint64_t deadline = row.conn.deadline;
		conn_row_to_epoch(&row, offset);
		conn_row_from_epoch(&row, offset, now);
		if (row.conn.created != created || row.conn.last != last || row.conn.deadline != deadline)
			snprintf(wrong, sizeof(wrong), "created %" PRIu64 " last %" PRIu64, created, last);
	}
	check_property(wrong, "times go to the epoch and back");
	row.conn.last = row.conn.created = row.conn.deadline = (uint64_t)offset + 2 * now;
	conn_row_from_epoch(&row, offset, now);
	check((long long)row.conn.last, (long long)now, "a packet of the future came now");
	check((long long)row.conn.created, (long long)now, "... and so did its connection");
	check((long long)row.conn.deadline, (long long)(2 * now), "but a deadline may be ahead");
	row.conn.last = row.conn.created = row.conn.deadline = (uint64_t)offset - CLOCK_SECOND;
	conn_row_from_epoch(&row, offset, now);
	check((long long)row.conn.last, 1, "what is older than the machine came as it started");
	check((long long)row.conn.deadline, 1, "... and such a deadline is past, not none");
}

/* ---- what is refused ---- */

static const struct {
	const char *line, *error; /* NULL: taken */
} conn_lines[] = {
	{ "tcp 10.0.0.1:1 10.0.0.2:2", NULL },
	{ "6 10.0.0.1:1 10.0.0.2:2 iface=nobody0", NULL },
	{ "icmp 10.0.0.1 10.0.0.2 icmp_id=5", NULL },
	{ "gre fd00::1 fd00::2", NULL },
	{ "tcp 10.0.0.1:1", "stdin:1:5: 10.0.0.1:1: expected PROTO SRC[:PORT] DST[:PORT] [NAME=VALUE]..." },
	{ "any 10.0.0.1:1 10.0.0.2:2", "stdin:1:1: any: a connection has one protocol" },
	{ "tcp 10.0.0.1:1 10.0.0.2", "stdin:1:16: 10.0.0.2: needs a port" },
	{ "gre 10.0.0.1 10.0.0.2:2", "stdin:1:14: 10.0.0.2:2: has a port, where none belongs" },
	{ "tcp 10.0.0.1:1 [fd00::1]:2", "stdin:1:16: [fd00::1]:2: not of the family of 10.0.0.1:1" },
	{ "icmp fd00::1 fd00::2 icmp_id=5", "stdin:1:1: icmp: not a protocol of IPv6" },
	{ "icmp 10.0.0.1 10.0.0.2", "stdin:1:1: icmp: needs icmp_id=, the identifier of its echo requests" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 icmp_id=5", "stdin:1:27: icmp_id=5: is for icmp and icmpv6" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 dir=in dir=in", "stdin:1:34: dir=in: said twice" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 dir=both", "stdin:1:27: dir=both: a direction is in or out" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 table=socket", "stdin:1:27: table=socket: a table is confirmed or unconfirmed" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 state=open",
	  "stdin:1:27: state=open: a state is new, handshake, established, closing or closed" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 packets=5",
	  "stdin:1:27: packets=5: expected two numbers: of the opener, and back" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 packets=5,18446744073709551616",
	  "stdin:1:27: packets=5,18446744073709551616: expected two numbers: of the opener, and back" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 last=soon",
	  "stdin:1:27: last=soon: not a time in seconds since the epoch, before 2261, as in 1795236126.362" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 last=1.0123456789",
	  "stdin:1:27: last=1.0123456789: not a time in seconds since the epoch, before 2261, as in 1795236126.362" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 flags=fin,",
	  "stdin:1:27: flags=fin,: flags are cut, fin, fin-back, rst, rst-back, "
	  "back-left and in-doubt" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 iface=", "stdin:1:27: iface=: interface: not an interface name" },
	{ "tcp 10.0.0.1:1 10.0.0.2:2 x=1",
	  "stdin:1:27: x=1: expected NAME=VALUE, where NAME is icmp_id, dir, state, table, iface, iface_rev, packets, "
	  "bytes, created, last, deadline or flags" },
};

static const struct {
	const char *line, *error;
} flow_lines[] = {
	{ "192.0.2.1:80/tcp 10.0.0.2:8080 10.0.0.9:4000", NULL },
	{ "192.0.2.1:any/udp 10.0.0.2 10.0.0.9:4000 port=7", NULL },
	{ "192.0.2.1:80/tcp fd00::2 10.0.0.9:4000 mode=dsr source=[fd00::1]:4000", NULL },
	{ "direct/udp 10.0.0.2:53 10.0.0.9:4000", NULL },
	{ "192.0.2.1:80/tcp 10.0.0.2",
	  "stdin:1:18: 10.0.0.2: expected SERVICE BACKEND[:PORT] CLIENT:PORT [NAME=VALUE]..." },
	{ "192.0.2.1:80/tcp 10.0.0.2 10.0.0.9", "stdin:1:27: 10.0.0.9: needs a port" },
	{ "192.0.2.1:80/tcp 10.0.0.2 [fd00::9]:1", "stdin:1:27: [fd00::9]:1: not of the family of 192.0.2.1:80/tcp" },
	{ "192.0.2.1:1-9/tcp 10.0.0.2 10.0.0.9:4000",
	  "stdin:1:1: 192.0.2.1:1-9/tcp: has several ports: which one? expected port=PORT" },
	{ "192.0.2.1:1-9/tcp 10.0.0.2 10.0.0.9:4000 port=10", "stdin:1:42: port=10: none of 192.0.2.1:1-9/tcp" },
	{ "192.0.2.1:80/tcp fd00::2 10.0.0.9:4000 mode=nat",
	  "stdin:1:18: fd00::2: not of the family of 192.0.2.1:80/tcp" },
	{ "192.0.2.1:80/tcp 10.0.0.2 10.0.0.9:4000 source=[fd00::1]:1",
	  "stdin:1:41: source=[fd00::1]:1: not of the family of 10.0.0.2" },
	{ "192.0.2.1:80/tcp 10.0.0.2 10.0.0.9:4000 source=10.0.0.1", "stdin:1:41: source=10.0.0.1: needs a port" },
	{ "192.0.2.1:80/tcp 10.0.0.2 10.0.0.9:4000 mode=direct",
	  "stdin:1:41: mode=direct: a mode is nat, masquerade or dsr" },
	{ "192.0.2.1:80/tcp 10.0.0.2 10.0.0.9:4000 answered=1", "stdin:1:41: answered=1: it is yes or no" },
	{ "direct/icmp 10.0.0.2:53 10.0.0.9:4000", "stdin:1:1: direct/icmp: the protocol is tcp or udp" },
	{ "direct/tcp 10.0.0.2 10.0.0.9:4000", "stdin:1:12: 10.0.0.2: needs a port" },
	{ "direct/tcp 10.0.0.2:1 10.0.0.9:4000 port=5", "stdin:1:37: port=5: is of a VIP" },
	{ "direct/tcp 10.0.0.2:1 10.0.0.9:4000 source=10.0.0.1:1",
	  "stdin:1:37: source=10.0.0.1:1: direct flows stay as they are: neither source= nor mode=" },
};

static void check_line(const char *line, const char *expected, batch_callback *take, void *context)
{
	struct error error = { 0 };
	int result = flow_lines_read(line, strlen(line), take, context, &error);

	check_text(result ? error.text : "taken", expected ? expected : "taken", "\"%s\"", line);
}

static void test_refusals(void)
{
	struct conn_updates rows = { 0 };
	struct lb_flow_lines lines = { 0 };

	for (size_t i = 0; i < sizeof(conn_lines) / sizeof(conn_lines[0]); i++)
		check_line(conn_lines[i].line, conn_lines[i].error, conn_lines_take, &rows);
	check(rows.items[1].conn.ifindex[0], CONN_INTERFACE_GONE, "an interface that is gone is nobody's");
	for (size_t i = 0; i < sizeof(flow_lines) / sizeof(flow_lines[0]); i++)
		check_line(flow_lines[i].line, flow_lines[i].error, lb_flow_lines_take, &lines);
	conn_updates_free(&rows);
	free(lines.items);
}

/* A file may name an interface that is gone, but who types one has made a mistake. */
static void test_command_line(void)
{
	char *words[] = { (char *)(uintptr_t) "gre", (char *)(uintptr_t) "10.0.0.1", (char *)(uintptr_t) "10.0.0.2",
			  (char *)(uintptr_t) "iface=nobody0" };
	struct error error = { 0 };
	struct conn_row row;

	check(conn_line_parse(words, 4, FLOW_LINES_NOW, false, &row, &error), -1, "no such interface");
	check_text(error.text, "iface=nobody0: no such interface", "... is said");
	check(error.exit, EXIT_STATE, "... with the status of what is not there");
	check(conn_line_parse(words, 3, FLOW_LINES_NOW, false, &row, &error), 0, "nothing but the ends");
	check(row.conn.state, CONN_ESTABLISHED, "is established");
	check((long long)row.conn.last, (long long)FLOW_LINES_NOW, "... was used now");
	check((long long)row.conn.created, (long long)FLOW_LINES_NOW, "... and began now");
}

/* ---- flows ---- */

/* By hand, as RFC 1071 says it: the words of both, one after the other, in ones' complement. */
static uint32_t sum_by_hand(const void *from, const void *to, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2) {
		uint16_t gone, come;

		memcpy(&gone, (const char *)from + i, 2);
		memcpy(&come, (const char *)to + i, 2);
		sum += come;
		sum = (sum & 0xffff) + (sum >> 16);
		sum += 0xffffu - gone;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static struct lb_backend backend_draw(uint8_t family)
{
	struct lb_backend backend = { .family = family, .stat = 1 + random_below(1000), .weight = 1 };

	addr_draw(family, (uint8_t *)backend.addr);
	addr_draw(family, (uint8_t *)backend.source);
	backend.port = random_below(2) ? htons((uint16_t)(1 + random_below(65535))) : 0;
	return backend;
}

struct drawn {
	struct lb_backend backends[4];
	struct lb_item item;
	struct lb_flow_row row;
};

static void service_draw(struct drawn *drawn)
{
	struct lb_item *item = &drawn->item;
	uint8_t backends;

	*item = (struct lb_item){
		.name = { .family = random_below(2) ? 4 : 6, .proto = random_below(2) ? IPPROTO_TCP : IPPROTO_UDP },
		.index = random_below(LB_SERVICES_MAX),
		.mode = (uint8_t)random_below(3),
		.backends = drawn->backends,
		.places = 4,
	};
	item->name.low = (uint16_t)(1 + random_below(65535));
	item->name.high = random_below(2) ? item->name.low : 65535;
	addr_draw(item->name.family, item->name.addr);
	backends = item->mode == LB_DSR && random_below(2) ? 10 - item->name.family : item->name.family;
	for (size_t i = 0; i < 4; i++)
		drawn->backends[i] = backend_draw(backends);
}

/* As opening.h makes one. */
static void flow_draw(struct drawn *drawn, uint64_t now)
{
	const struct lb_item *item = &drawn->item;
	uint16_t place = (uint16_t)random_below(4);
	const struct lb_backend *backend = &drawn->backends[place];
	struct lb_flow_row *row = &drawn->row;
	struct lb_key *key = &row->forward.key;
	struct lb_flow *flow = &row->forward.flow;

	*row = (struct lb_flow_row){ .table = (enum conn_table)random_below(2), .item = item, .backend = backend };
	key->family = item->name.family;
	key->proto = item->name.proto;
	addr_draw(key->family, (uint8_t *)key->src);
	memcpy(key->dst, item->name.addr, sizeof(key->dst));
	key->sport = htons((uint16_t)random_next());
	key->dport = htons((uint16_t)(item->name.low + random_below(item->name.high - item->name.low + 1u)));
	memcpy(flow->src, item->mode == LB_NAT ? key->src : backend->source, sizeof(flow->src));
	memcpy(flow->dst, backend->addr, sizeof(flow->dst));
	flow->sport = item->mode != LB_DSR && random_below(2) ? htons((uint16_t)random_next()) : key->sport;
	flow->dport = backend->port && item->mode != LB_DSR ? backend->port : key->dport;
	flow->kind = LB_FORWARD;
	flow->mode = item->mode;
	flow->state = (uint8_t)random_below(CONN_CLOSED + 1);
	flow->flags = (uint8_t)random_next() & 0xfe;
	flow->service = item->index;
	flow->stat = backend->stat;
	flow->place = place;
	flow->family = backend->family;
	flow->is_answered = (uint8_t)random_below(2);
	flow->last = 1 + random_next() % now;
	flow->created = 1 + random_next() % flow->last;
	lb_entry_sum(&row->forward);
}

static void direct_draw(struct drawn *drawn, uint64_t now)
{
	struct lb_flow_row *row = &drawn->row;
	struct lb_key *key = &row->forward.key;
	struct lb_flow *flow = &row->forward.flow;

	*row = (struct lb_flow_row){ .table = CONNS_UNCONFIRMED };
	key->family = drawn->item.name.family;
	key->proto = drawn->item.name.proto;
	addr_draw(key->family, (uint8_t *)key->src);
	addr_draw(key->family, (uint8_t *)key->dst);
	key->sport = htons((uint16_t)random_next());
	key->dport = htons((uint16_t)random_next());
	memcpy(flow->src, key->dst, sizeof(flow->src));
	memcpy(flow->dst, key->src, sizeof(flow->dst));
	flow->sport = key->dport;
	flow->dport = key->sport;
	flow->kind = LB_DIRECT;
	flow->family = key->family;
	flow->state = CONN_ESTABLISHED;
	flow->created = flow->last = 1 + random_next() % now;
}

static void flow_again(const struct drawn *drawn, uint64_t now, char wrong[2048])
{
	const int64_t offset = 1700000000 * (int64_t)CLOCK_SECOND;
	struct lb_flow_line line = lb_flow_line_of(&drawn->row, offset);
	char one[LB_FLOW_LINE_MAX];
	struct text text = TEXT_OF(one);
	struct lb_flow_lines again = { 0 };
	struct lb_flow_row row = { 0 };
	struct error error = { 0 };

	text_lb_flow_line(&text, &line);
	if (flow_lines_read(one, text.length, lb_flow_lines_take, &again, &error) || again.count != 1) {
		snprintf(wrong, 2048, "%.*s is refused: %s", (int)text.length, one, error.text);
		return;
	}
	row = lb_flow_line_row(&again.items[0], drawn->row.item, drawn->row.backend, offset, now);
	if (row.table != drawn->row.table || memcmp(&row.forward, &drawn->row.forward, sizeof(row.forward)) != 0)
		snprintf(wrong, 2048, "%.*s becomes another flow", (int)text.length, one);
	free(again.items);
}

static void test_flows(void)
{
	const uint64_t now = 5000 * CLOCK_SECOND;
	struct drawn drawn;
	char wrong[2048] = "";

	for (int i = 0; i < ROUNDS && !*wrong; i++) {
		service_draw(&drawn);
		if (random_below(4))
			flow_draw(&drawn, now);
		else
			direct_draw(&drawn, now);
		flow_again(&drawn, now, wrong);
	}
	check_property(wrong, "a flow that is printed, read and made is the same, all bytes of it");
}

/* The other direction's other direction is this one, and both sums take each other back. */
static void test_directions(void)
{
	char wrong[256] = "";
	struct drawn drawn;

	for (int i = 0; i < ROUNDS && !*wrong; i++) {
		struct lb_entry *entry = &drawn.row.forward, other, back;

		service_draw(&drawn);
		drawn.item.mode = (uint8_t)random_below(2);
		flow_draw(&drawn, 1000);
		other = lb_entry_other(entry);
		back = lb_entry_other(&other);
		if (memcmp(&back, entry, sizeof(back)) != 0)
			snprintf(wrong, sizeof(wrong), "there and back, case %d", i);
		if (entry->flow.addr_diff != sum_by_hand(entry->key.src, entry->flow.src, 32) ||
		    entry->flow.port_diff != sum_by_hand(&entry->key.sport, &entry->flow.sport, 4))
			snprintf(wrong, sizeof(wrong), "differences of sums, case %d: %x %x", i, entry->flow.addr_diff,
				 entry->flow.port_diff);
		if ((entry->flow.addr_diff + other.flow.addr_diff) % 0xffff ||
		    (entry->flow.port_diff + other.flow.port_diff) % 0xffff)
			snprintf(wrong, sizeof(wrong), "sums there and back, case %d", i);
	}
	check_property(wrong, "the other direction leads back, and so do its sums");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_conns();
	test_clocks();
	test_refusals();
	test_command_line();
	test_flows();
	test_directions();
	return tap_done();
}
