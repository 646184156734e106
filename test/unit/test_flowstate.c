/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/flowstate.c: Zeek's states, how sessions end, round trips, who serves. */
#include "flowstate.h"

#include "tap.h"

#include <netinet/in.h>

#define SECOND UINT64_C(1000000000)

/* As history_write of the program does. */
static struct flow tcp_of(const char *history)
{
	static const char letters[] = "shqiwtdafrg";
	struct flow flow = { .key.proto = IPPROTO_TCP, .key.family = 4, .start = 1 };

	for (; *history && flow.history_length < FLOW_HISTORY_MAX; history++) {
		const char *letter = strchr(letters, *history | 0x20);

		flow.history[flow.history_length++] = *history;
		if (letter && *history != '^')
			flow.seen |= 1u << ((letter - letters) + (*history & 0x20 ? FLOW_RESPONDER_SHIFT : 0));
	}
	return flow;
}

/* By Zeek 6's TCP_Analyzer and conn/main.zeek, followed by hand. */
static const struct {
	const char *history, *state;
} histories[] = {
	{ "S", "S0" },                                /* nobody answers */
	{ "SS", "S0" },                               /* again, with another sequence number */
	{ "Sa", "S0" },                               /* a bare acknowledgement of a SYN is no answer */
	{ "SAD", "S0" },                              /* only one direction is seen */
	{ "Sh", "S1" },                               /* established */
	{ "ShADad", "S1" },    { "^hA", "S1" },       /* the SYN was missed */
	{ "Ss", "S1" },                               /* simultaneous open */
	{ "ShADadFf", "SF" },  { "ShADadfFr", "SF" }, /* a reset after both FIN is nothing */
	{ "ShAFRf", "SF" },                           /* FIN and RST of one end, then FIN of the other */
	{ "ADadFf", "SF" },    { "Sr", "REJ" },        { "SaR", "RSTOS0" },
	{ "Rr", "REJ" },    /* both reset, no payload */
	{ "DRdr", "RSTR" }, /* both reset, but there was some */
	{ "ShADadF", "S2" },   { "ShADadf", "S3" },    { "ShR", "RSTO" },
	{ "ShADadR", "RSTO" }, { "ShADaFR", "RSTO" },  { "Shr", "RSTR" },
	{ "ShADadr", "RSTR" }, { "ShADadfr", "RSTR" }, { "SR", "RSTOS0" },
	{ "STR", "RSTOS0" },   { "SAR", "OTH" }, /* it went on before the reset: not half open */
	{ "^r", "RSTRH" },     { "^hr", "RSTRH" },     { "Ar", "RSTRH" },
	{ "SF", "SH" },        { "SAF", "SH" },        { "AF", "SH" },
	{ "^hf", "SHR" },      { "Af", "SHR" },        { "", "OTH" },
	{ "A", "OTH" },        { "Da", "OTH" },        { "R", "OTH" },
	{ "AR", "OTH" },       { "^h", "OTH" },        { "I", "OTH" }, /* FIN and RST in one: a reset */
	{ "ShAI", "RSTO" },    { "ShAi", "RSTR" },     { "Q", "SH" },  /* SYN and FIN */
	{ "AS", "S0" },                                                /* a SYN after a stray packet */
};

static void test_histories(void)
{
	bool seen[FLOW_STATES] = { false };
	int missing = 0;

	for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
		struct flow flow = tcp_of(histories[i].history);

		check_text(flow_state_name(flow_state(&flow)), histories[i].state, "a history of \"%s\" is %s",
			   histories[i].history, histories[i].state);
		seen[flow_state(&flow)] = true;
	}
	for (int state = 0; state < FLOW_STATES; state++)
		missing += !seen[state];
	check(missing, 0, "every state is among them");
}

static void test_syn_with_reset(void)
{
	struct flow flow = tcp_of("Q");

	flow.ended = FLOW_RST;
	check_text(flow_state_name(flow_state(&flow)), "OTH", "SYN with RST is a reset, which Zeek has no name for");
}

/* A history of 32 letters has no room for the end, which is seen nevertheless. */
static void test_full_history(void)
{
	struct flow flow = tcp_of("ShADadTTTTTTTTTttttttttttWWWWWWwwwwww");

	check(flow.history_length, FLOW_HISTORY_MAX, "the history is full");
	check_text(flow_state_name(flow_state(&flow)), "S1", "established");
	flow.seen |= 1u << LETTER_FIN;
	check_text(flow_state_name(flow_state(&flow)), "S2", "FIN of the originator did not fit");
	flow.seen |= 1u << (LETTER_FIN + FLOW_RESPONDER_SHIFT);
	check_text(flow_state_name(flow_state(&flow)), "SF", "nor that of the responder");
	flow = tcp_of("ShADadTTTTTTTTTttttttttttWWWWWWwwwwww");
	flow.seen |= 1u << (LETTER_RST + FLOW_RESPONDER_SHIFT);
	check_text(flow_state_name(flow_state(&flow)), "RSTR", "RST of the responder did not fit");
	flow.history_length = 255;
	check_text(flow_state_name(flow_state(&flow)), "RSTR", "a length that cannot be is no more than there is");
}

static void test_other_protocols(void)
{
	struct flow flow = { .key.proto = IPPROTO_UDP };

	check_text(flow_state_name(flow_state(&flow)), "OTH", "UDP: nobody");
	flow.side[0].last = 1;
	check_text(flow_state_name(flow_state(&flow)), "S0", "UDP: the originator only");
	flow.side[1].last = 1;
	check_text(flow_state_name(flow_state(&flow)), "SF", "UDP: both");
	flow.side[0].last = 0;
	check_text(flow_state_name(flow_state(&flow)), "SHR", "UDP: the responder only");
	flow.side[0].last = 1;
	flow.key.proto = IPPROTO_ICMP;
	check_text(flow_state_name(flow_state(&flow)), "OTH", "ICMP");
	flow.key.proto = IPPROTO_GRE;
	check_text(flow_state_name(flow_state(&flow)), "OTH", "GRE");
}

static void test_names(void)
{
	enum flow_state state;
	enum flow_finish finish;
	struct error error;
	int wrong = 0;

	for (int i = 0; i < FLOW_STATES; i++)
		wrong += flow_state_parse(flow_state_name((enum flow_state)i), &state, &error) || (int)state != i;
	for (int i = 0; i < FLOW_FINISHES; i++)
		wrong += flow_finish_parse(flow_finish_name((enum flow_finish)i), &finish, &error) || (int)finish != i;
	check(wrong, 0, "each state and each end is read back from its name");
	check(flow_state_parse("sf", &state, &error), -1, "sf is none");
	check(error.exit, EXIT_USAGE, "of usage");
	check(flow_finish_parse("", &finish, &error), -1, "nothing is no end");
}

/* ---- ends ---- */

static void check_finish(uint8_t proto, uint8_t ended, uint64_t idle, enum flow_finish expected)
{
	const struct flow_settings settings = { .idle_tcp = 100, .idle_ended = 10, .idle_udp = 20, .idle_other = 30 };
	struct flow flow = { .key.proto = proto, .ended = ended };

	flow.side[1].last = 1000 * SECOND;
	flow.side[0].last = 5;
	check_text(flow_finish_name(flow_finish(&flow, &settings, 1000 * SECOND + idle)), flow_finish_name(expected),
		   "protocol %u, ended %u, %" PRIu64 " ns after its last packet: %s", proto, ended, idle,
		   flow_finish_name(expected));
}

static void test_finish(void)
{
	check_finish(IPPROTO_TCP, FLOW_OPEN, 100 * SECOND, FLOW_FINISH_OPEN);
	check_finish(IPPROTO_TCP, FLOW_OPEN, 100 * SECOND + 1, FLOW_FINISH_IDLE);
	check_finish(IPPROTO_TCP, FLOW_FIN, 0, FLOW_FINISH_FIN);
	check_finish(IPPROTO_TCP, FLOW_FIN, 1000 * SECOND, FLOW_FINISH_FIN);
	check_finish(IPPROTO_TCP, FLOW_RST, 11 * SECOND, FLOW_FINISH_RST);
	check_finish(IPPROTO_UDP, FLOW_OPEN, 20 * SECOND, FLOW_FINISH_OPEN);
	check_finish(IPPROTO_UDP, FLOW_OPEN, 20 * SECOND + 1, FLOW_FINISH_IDLE);
	check_finish(IPPROTO_ICMP, FLOW_OPEN, 30 * SECOND, FLOW_FINISH_OPEN);
	check_finish(IPPROTO_ICMP, FLOW_OPEN, 30 * SECOND + 1, FLOW_FINISH_IDLE);
	/* a clock that is behind */
	check_finish(IPPROTO_UDP, FLOW_OPEN, (uint64_t)-1, FLOW_FINISH_OPEN);
}

static void test_times(void)
{
	struct flow flow = { .start = 100, .syn = 100, .synack = 350, .ack = 360 };
	uint64_t ns = 0;

	flow.side[0].last = 900;
	flow.side[1].last = 800;
	check((long long)flow_last(&flow), 900, "the last of both ends");
	check((long long)flow_duration(&flow), 800, "from the first packet to it");
	check(flow_rtt_responder(&flow, &ns), true, "the handshake was seen");
	check((long long)ns, 250, "to the responder and back");
	check(flow_rtt_originator(&flow, &ns), true, "whole");
	check((long long)ns, 10, "to the originator and back");
	flow.ack = 0;
	check(flow_rtt_originator(&flow, &ns), false, "not all of it");
	flow.syn = 0;
	check(flow_rtt_responder(&flow, &ns), false, "no SYN");
	flow.syn = 351;
	check(flow_rtt_responder(&flow, &ns), false, "SYN and ACK before it");
	flow.start = 901;
	check((long long)flow_duration(&flow), 0, "no time runs backwards");
}

/* ---- who serves ---- */

static void check_server(const struct flow *flow, const char *method, unsigned int side, const char *what)
{
	struct flow_server server = flow_server(flow);

	check_text(flow_method_name(server.method), method, "%s: by %s", what, method);
	check(server.side, side, "%s: the %s", what, side ? "responder" : "originator");
}

static struct flow with_ports(struct flow flow, uint16_t originator, uint16_t responder, uint8_t end)
{
	flow.originator = end;
	flow.key.port[end] = htons(originator);
	flow.key.port[!end] = htons(responder);
	return flow;
}

static void test_server(void)
{
	struct flow udp = { .key.proto = IPPROTO_UDP, .key.family = 4 }, flow;

	for (uint8_t end = 0; end < 2; end++) {
		flow = with_ports(tcp_of("ShA"), 80, 50000, end);
		check_server(&flow, "syn", 1, "who was called, though the other port is 80");
		flow = with_ports(tcp_of("^hA"), 80, 50000, end);
		check_server(&flow, "synack", 1, "who answered");
		flow = with_ports(tcp_of("As"), 80, 50000, end);
		check_server(&flow, "syn", 0, "who was called later");
		flow = with_ports(tcp_of("Ss"), 80, 50000, end);
		check_server(&flow, "well-known", 0, "both called");
		flow = with_ports(udp, 53, 1024, end);
		check_server(&flow, "well-known", 0, "53 and 1024");
		flow = with_ports(udp, 1024, 1023, end);
		check_server(&flow, "well-known", 1, "1024 and 1023");
		flow = with_ports(udp, 49152, 49151, end);
		check_server(&flow, "registered", 1, "49152 and 49151");
		flow = with_ports(udp, 123, 500, end);
		check_server(&flow, "lower", 0, "123 and 500");
		flow = with_ports(udp, 50001, 50000, end);
		check_server(&flow, "lower", 1, "50001 and 50000");
		flow = with_ports(udp, 123, 123, end);
		check_server(&flow, "first", 1, "equal ports");
		flow = with_ports(udp, 0, 0, end);
		check_server(&flow, "first", 1, "no ports");
	}
}

static void test_echo(void)
{
	struct flow flow = { .key.proto = IPPROTO_ICMP, .key.family = 4, .key.kind = FLOW_ECHO, .icmp_type = 8 };

	check_server(&flow, "echo", 1, "who was asked");
	flow.icmp_type = 0;
	check_server(&flow, "echo", 0, "who replied first");
	flow.key.family = 6;
	flow.icmp_type = 128;
	check_server(&flow, "echo", 1, "who was asked, IPv6");
	flow.icmp_type = 129;
	check_server(&flow, "echo", 0, "who replied first, IPv6");
	flow.key.kind = FLOW_ICMP;
	flow.key.port[0] = flow.key.port[1] = htons(0x0300);
	check_server(&flow, "first", 1, "other ICMP");
}

int main(void)
{
	test_histories();
	test_syn_with_reset();
	test_full_history();
	test_other_protocols();
	test_names();
	test_finish();
	test_times();
	test_server();
	test_echo();
	return tap_done();
}
