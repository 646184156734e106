/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/summary.c and lib/summaryout.c */
#include "summary.h"

#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct summary summary;

static void sums_begin(bool json)
{
	struct error error;

	if (summary_open(&summary, 10, json, &error))
		bail_out(error.text);
}

/* UDP from 192.0.2.HOST, 100 bytes. */
static struct event event_from(uint8_t host, uint8_t verdict, uint8_t reason, uint16_t port)
{
	return (struct event){ .type = EVENT_DECISION,
			       .verdict = verdict,
			       .reason = reason,
			       .length = 100,
			       .family = 4,
			       .proto = IPPROTO_UDP,
			       .src = { 192, 0, 2, host },
			       .dport = htons(port) };
}

static void take(uint8_t host, uint8_t verdict, uint8_t reason, uint16_t port, unsigned int times)
{
	struct event event = event_from(host, verdict, reason, port);

	while (times--)
		summary_take(&summary, &event);
}

/* What it prints of an interval of 10 seconds, without the times. */
static void check_block(uint64_t lost, const char *expected, const char *what)
{
	char *text, *got, *out, *at;

	output_begin();
	summary_print(&summary, 10, lost);
	text = output_end();
	got = out = calloc(1, strlen(text) + 1);
	if (!got)
		bail_out(what);
	for (at = text; *at; *out++ = *at++) {
		if (strlen(at) > 8 && at[2] == ':' && at[5] == ':' && at[8] == ' ')
			at += 8;
		if (!strncmp(at, "\"time\":", 7))
			at = strchr(at, ',') + 1;
	}
	check_text(got, expected, "%s", what);
	free(got);
	free(text);
}

static void test_table(void)
{
	struct event event;

	sums_begin(false);
	take(1, VERDICT_DROP, REASON_NO_RULE, 53, 30);
	take(2, VERDICT_PASS, REASON_RULE_PASS, 443, 5);
	take(2, VERDICT_DROP, REASON_RULE_DROP, 25, 1);
	take(3, VERDICT_DETECT, REASON_NO_RULE, 22, 5);
	for (uint16_t port = 1; port <= TALKER_PORTS + 1; port++)
		take(4, VERDICT_DROP, REASON_NO_RULE, port, 1);
	event = event_from(0, VERDICT_DROP, REASON_ETHERTYPE, 0);
	event.family = 0;
	summary_take(&summary, &event);
	event = event_from(9, VERDICT_COUNT + 7, 255, 7);
	event.family = 6;
	event.proto = IPPROTO_ICMPV6;
	event.src[0] = 0xfe;
	event.src[1] = 0x80;
	memset(event.src + 2, 0, 2);
	event.src[15] = 1;
	summary_take(&summary, &event);
	check_block(7,
		    "  10.0 s  60 events  6000 bytes  7 lost\n"
		    "VERDICT   ACTION   REASON     EVENTS  PER_S  BYTES  MEANING\n"
		    "BLOCKED   dropped  no-rule        47    4.7   4700  no rule matches\n"
		    "ALLOWED   passed   rule-pass       5    0.5    500  a pass rule matches\n"
		    "DETECTED  passed   no-rule         5    0.5    500  no rule matches\n"
		    "BLOCKED   dropped  ethertype       1    0.1    100  neither IP nor ARP\n"
		    "BLOCKED   dropped  rule-drop       1    0.1    100  a drop rule matches\n"
		    "?         ?        ?               1    0.1    100  of a later version\n"
		    "\n"
		    "SOURCE     EVENTS  PER_S  BLOCKED  BYTES  PORTS  LAST_PORT\n"
		    "192.0.2.1      30    3.0       30   3000  1             53\n"
		    "192.0.2.4      17    1.7       17   1700  >16           17\n"
		    "192.0.2.2       6    0.6        1    600  2             25\n"
		    "192.0.2.3       5    0.5        0    500  1             22\n"
		    "fe80::1         1    0.1        0    100  0              -\n",
		    "a block");
	check_block(7, "  10.0 s  0 events  0 bytes  0 lost\n", "an interval without any, after it");
	take(1, VERDICT_DROP, REASON_NO_RULE, 53, 1);
	check_block(9,
		    "  10.0 s  1 events  100 bytes  2 lost\n"
		    "VERDICT  ACTION   REASON   EVENTS  PER_S  BYTES  MEANING\n"
		    "BLOCKED  dropped  no-rule       1    0.1    100  no rule matches\n"
		    "\n"
		    "SOURCE     EVENTS  PER_S  BLOCKED  BYTES  PORTS  LAST_PORT\n"
		    "192.0.2.1       1    0.1        1    100  1             53\n",
		    "each interval begins from nothing");
	summary_close(&summary);
}

/* A sampled packet is as many as it stands for; a decision is one whatever stands there. */
static void test_sampled(void)
{
	struct event event = event_from(1, VERDICT_SPLICE, REASON_RULE_SPLICE, 5060);

	sums_begin(true);
	event.sample = 50;
	summary_take(&summary, &event);
	event.type = EVENT_PACKET;
	summary_take(&summary, &event);
	check_block(
		0,
		"{\"kind\":\"interval\",\"seconds\":10.000000,\"events\":51,\"eps\":5.100000,\"bytes\":5100,\"lost\":0,"
		"\"sources\":1,\"missed\":0}\n"
		"{\"kind\":\"verdict\",\"verdict\":\"ALLOWED\",\"action\":\"spliced\",\"reason\":\"rule-splice\","
		"\"events\":51,\"eps\":5.100000,\"bytes\":5100,\"text\":\"a splice rule matches\"}\n"
		"{\"kind\":\"source\",\"src\":\"192.0.2.1\",\"events\":51,\"eps\":5.100000,\"blocked\":0,\"bytes\":"
		"5100,"
		"\"ports\":1,\"more_ports\":false,\"dport\":5060,\"missed\":0}\n",
		"JSON, a decision and a packet that stands for 50");
	summary_close(&summary);
}

static void test_fragment(void)
{
	struct event event = event_from(1, VERDICT_DROP, REASON_FRAGMENT, 0);

	sums_begin(true);
	event.fragment = EVENT_LATER_FRAGMENT;
	summary_take(&summary, &event);
	check(summary.talkers.items[0].sum.port, -1, "a later fragment has no port");
	summary_close(&summary);
}

/* No more than ten sources, and what may be missing is said. */
static void test_many_sources(void)
{
	char *text, *end;
	size_t rows = 0;

	sums_begin(false);
	for (uint32_t i = 0; i < 2 * TALKERS_PLACES + 100; i++) {
		struct event event = event_from(0, VERDICT_DROP, REASON_NO_RULE, 1);
		uint32_t address = htonl(0x0a000000 + i);

		memcpy(event.src, &address, sizeof(address));
		summary_take(&summary, &event);
	}
	take(1, VERDICT_DROP, REASON_NO_RULE, 1, 100);
	output_begin();
	summary_print(&summary, 10, 0);
	text = output_end();
	for (char *at = text; (at = strstr(at, "\n10.")); at++)
		rows++;
	check((long long)rows, SUMMARY_SOURCES - 1, "ten rows with the busiest");
	end = strstr(text, "MISSED\n");
	check(end && !strncmp(end + 7, "192.0.2.1", 9), true,
	      "the busiest first, in a table that tells what it missed");
	end = strstr(text, "\nmore");
	check_text(end ? end : text, "\nmore sources than can be counted: any that is missing sent 2 events at most\n",
		   "what is missing");
	check(summary.talkers.error, 0, "and all is forgotten then");
	free(text);
	summary_close(&summary);
}

static void test_finish(void)
{
	char *text;

	sums_begin(false);
	output_begin();
	summary_finish(&summary, 0);
	text = output_end();
	check_text(text, "", "nothing came since the last block: no block");
	free(text);
	take(1, VERDICT_DROP, REASON_NO_RULE, 1, 1);
	output_begin();
	summary_finish(&summary, 0);
	text = output_end();
	check(strstr(text, " 1 events ") && strstr(text, "192.0.2.1"), true, "what came since it, in the end");
	free(text);
	output_begin();
	summary_finish(&summary, 3);
	text = output_end();
	check(strstr(text, " 3 lost") != NULL, true, "or was lost");
	free(text);
	summary_close(&summary);
}

int main(void)
{
	test_table();
	test_sampled();
	test_fragment();
	test_many_sources();
	test_finish();
	return tap_done();
}
