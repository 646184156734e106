/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/eventline.c, lib/eventjson.c: events as lines and JSON */
#include "eventout.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "clock.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct event_view view;
static char memory[4 * EVENT_TEXT_MAX];

static const struct event packet = {
	.size = sizeof(packet),
	.type = EVENT_DECISION,
	.object = EVENT_SPLICER,
	.hook = EVENT_INGRESS,
	.verdict = VERDICT_DROP,
	.reason = REASON_NO_RULE,
	.ifindex = 1,
	.length = 74,
	.ethertype = 0x0800,
	.family = 4,
	.proto = IPPROTO_UDP,
	.src = { 192, 0, 2, 2 },
	.dst = { 10, 0, 0, 1 },
};

static struct event udp(uint16_t sport, uint16_t dport)
{
	struct event event = packet;

	event.sport = htons(sport);
	event.dport = htons(dport);
	return event;
}

static const char *put(const struct event *event, bool json)
{
	struct text text = TEXT_OF(memory);

	(json ? event_put_json : event_put_line)(event, &view, &text);
	memory[text.length] = '\0';
	return memory;
}

/* From the first occurrence of `from` on: the time before it is another test's. */
static void check_put(const struct event *event, bool json, const char *from, const char *expected)
{
	const char *got = put(event, json), *at = strstr(got, from);

	check_text(at ? at : got, expected, "%s: %s", json ? "JSON" : "line", expected);
}

static void check_line(const struct event *event, const char *expected)
{
	check_put(event, false, expected[0] == 'B' ? "BLOCKED" : expected[0] == 'A' ? "ALLOWED" : "DETECTED", expected);
}

/* ---- lines ---- */

static void test_line(void)
{
	struct event event = udp(40000, 53);

	check_line(&event, "BLOCKED dropped no-rule lo udp 192.0.2.2:40000 > 10.0.0.1:53 len 74\n");
	event.verdict = VERDICT_DETECT;
	event.hook = EVENT_EGRESS;
	event.reason = REASON_OUT_DROP;
	event.rule = 12;
	strcpy((char *)event.service, "web");
	check_line(&event, "DETECTED passed out-drop lo udp 192.0.2.2:40000 > 10.0.0.1:53 rule 12 service web egress "
			   "len 74\n");
	event = udp(40000, 53);
	event.verdict = VERDICT_SPLICE;
	event.reason = REASON_RULE_SPLICE;
	event.splice_port = 5060;
	event.vlan = 100;
	event.object = EVENT_LB;
	event.type = EVENT_REDECISION;
	check_line(&event,
		   "ALLOWED spliced rule-splice lo udp 192.0.2.2:40000 > 10.0.0.1:53 port 5060 vlan 100 object lb "
		   "redecision len 74\n");
	event = udp(1, 2);
	event.type = EVENT_PACKET;
	event.sample = 1000;
	event.ifindex = 0;
	check_line(&event, "BLOCKED dropped no-rule - udp 192.0.2.2:1 > 10.0.0.1:2 sample 1000 len 74\n");
}

static void test_line_protocols(void)
{
	struct event event = udp(40000, 80);

	event.proto = IPPROTO_TCP;
	event.tcp_flags = 0x12;
	check_line(&event, "BLOCKED dropped no-rule lo tcp 192.0.2.2:40000 > 10.0.0.1:80 flags SA len 74\n");
	event.tcp_flags = 0xff;
	check_line(&event, "BLOCKED dropped no-rule lo tcp 192.0.2.2:40000 > 10.0.0.1:80 flags FSRPAUEC len 74\n");
	event.tcp_flags = 0;
	check_line(&event, "BLOCKED dropped no-rule lo tcp 192.0.2.2:40000 > 10.0.0.1:80 flags none len 74\n");
	event.fragment = EVENT_LATER_FRAGMENT;
	check_line(&event, "BLOCKED dropped no-rule lo tcp 192.0.2.2 > 10.0.0.1 later-fragment len 74\n");
	event = packet;
	event.proto = IPPROTO_ICMP;
	event.icmp_type = 3;
	event.icmp_code = 4;
	check_line(&event, "BLOCKED dropped no-rule lo icmp 192.0.2.2 > 10.0.0.1 type 3 code 4 len 74\n");
	event.proto = 201;
	event.fragment = EVENT_FIRST_FRAGMENT;
	check_line(&event, "BLOCKED dropped no-rule lo 201 192.0.2.2 > 10.0.0.1 first-fragment len 74\n");
	event = packet;
	event.family = 0;
	event.ethertype = 0x8cc;
	check_line(&event, "BLOCKED dropped no-rule lo ethertype 0x08cc len 74\n");
}

static struct event translated(void)
{
	struct event event = udp(40000, 53);

	event.object = EVENT_LB;
	event.verdict = VERDICT_TRANSLATE;
	event.reason = REASON_RULE_PASS;
	event.family = 6;
	inet_pton(AF_INET6, "2001:db8::2", event.src);
	inet_pton(AF_INET6, "2001:db8::1", event.dst);
	inet_pton(AF_INET6, "fd00::2", event.new_src);
	inet_pton(AF_INET6, "fd00::1", event.new_dst);
	event.new_sport = htons(1024);
	event.new_dport = htons(5353);
	event.new_ifindex = 1;
	event.l4_check_before = htons(1);
	event.l4_check_after = htons(0xffff);
	memcpy(event.next_hop, "\x02\x00\x00\x00\x00\x0a", 6);
	return event;
}

static void test_line_translated(void)
{
	struct event event = translated();

	check_line(&event,
		   "ALLOWED translated rule-pass lo udp [2001:db8::2]:40000 > [2001:db8::1]:53 -> [fd00::2]:1024 > "
		   "[fd00::1]:5353 via lo 02:00:00:00:00:0a object lb len 74\n");
	memset(event.next_hop, 0, sizeof(event.next_hop));
	check_line(&event,
		   "ALLOWED translated rule-pass lo udp [2001:db8::2]:40000 > [2001:db8::1]:53 -> [fd00::2]:1024 > "
		   "[fd00::1]:5353 via lo object lb len 74\n");
}

static void test_faked(void)
{
	struct event event = udp(1, 2);

	strcpy((char *)event.service, "x len 1\n00:00:00 \033[32mALLOWED \"");
	check_line(&event, "BLOCKED dropped no-rule lo udp 192.0.2.2:1 > 10.0.0.1:2 service "
			   "\"x len 1\\x0a00:00:00 \\x1b[32mALLOWED \\\"\" len 74\n");
	memset(event.service, 0xff, sizeof(event.service));
	check((long long)strlen(put(&event, false)) < EVENT_TEXT_MAX, 1, "the longest tag fits");
}

/* ---- times, columns, colour ---- */

static void check_time(uint64_t epoch_ns, bool absolute, const char *zone, const char *expected)
{
	struct event event = packet;
	struct text text = TEXT_OF(memory);

	setenv("TZ", zone, 1);
	tzset();
	memset(&view, 0, sizeof(view));
	view.absolute = absolute;
	event_view_refresh(&view);
	event.time = epoch_ns - (uint64_t)clock_epoch_offset();
	view.offset = (int64_t)(epoch_ns - event.time);
	event_view_time(&view, event.time, &text);
	memory[text.length] = '\0';
	check_text(memory, expected, "the time %s", expected);
	memset(&view, 0, sizeof(view));
	event_view_refresh(&view);
}

static void test_times(void)
{
	const uint64_t moment = UINT64_C(1795281603123456789);

	check_time(moment, false, "UTC0", "17:20:03.123456");
	check_time(moment, true, "CET-1", "2026-11-21T18:20:03.123456+01:00");
	check_time(moment, true, "NST3:30", "2026-11-21T13:50:03.123456-03:30");
	check_time(UINT64_C(1795281603000000999), true, "UTC0", "2026-11-21T17:20:03.000000+00:00");
}

static void test_json_time(void)
{
	struct event event = packet;
	uint64_t before = clock_to_epoch(clock_now()) / 1000, us = 0;
	unsigned long long seconds = 0, rest = 0;

	event_view_refresh(&view);
	event.time = clock_now();
	if (sscanf(put(&event, true), "{\"time\":%llu.%6llu,", &seconds, &rest) == 2)
		us = seconds * 1000000 + rest;
	check(us + 1 >= before && us <= clock_to_epoch(clock_now()) / 1000 + 1, 1, "JSON has the time since the epoch");
}

static void test_aligned(void)
{
	struct event narrow = udp(1, 2), wide = udp(40000, 53);

	view.aligned = true;
	check_line(&narrow, "BLOCKED dropped no-rule lo udp 192.0.2.2:1 > 10.0.0.1:2 len 74\n");
	wide.verdict = VERDICT_SPLICE;
	wide.reason = REASON_RULE_SPLICE;
	wide.proto = IPPROTO_UDPLITE;
	check_line(&wide, "ALLOWED spliced rule-splice lo udplite 192.0.2.2:40000 > 10.0.0.1:53 len 74\n");
	check_line(&narrow, "BLOCKED dropped no-rule     lo udp     192.0.2.2:1     > 10.0.0.1:2 len 74\n");
	memset(&view, 0, sizeof(view));
}

static void test_colour(void)
{
	struct event event = udp(1, 2);

	view.colour = true;
	check_put(&event, false, "\033",
		  "\033[31m BLOCKED\033[0m dropped no-rule lo udp 192.0.2.2:1 > 10.0.0.1:2 len 74\n");
	event.verdict = VERDICT_DETECT;
	check_put(&event, false, "\033",
		  "\033[33m DETECTED\033[0m passed no-rule lo udp 192.0.2.2:1 > 10.0.0.1:2 len 74\n");
	event.verdict = VERDICT_PASS;
	check_put(&event, false, "\033",
		  "\033[32m ALLOWED\033[0m passed no-rule lo udp 192.0.2.2:1 > 10.0.0.1:2 len 74\n");
	view.colour = false;
}

/* ---- JSON ---- */

#define NOT_TRANSLATED                                                                                 \
	"\"new_src\":null,\"new_sport\":null,\"new_dst\":null,\"new_dport\":null,\"new_iface\":null,"  \
	"\"next_hop\":null,\"ip_check_before\":null,\"ip_check_after\":null,\"l4_check_before\":null," \
	"\"l4_check_after\":null}\n"

static void test_json(void)
{
	struct event event = packet;

	check_put(&event, true, "\"object\"",
		  "\"object\":\"splicer\",\"iface\":\"lo\",\"hook\":\"ingress\",\"type\":\"decision\",\"verdict\":"
		  "\"BLOCKED\",\"action\":\"dropped\",\"reason\":\"no-rule\",\"proto\":\"udp\","
		  "\"src\":\"192.0.2.2\",\"sport\":0,\"dst\":\"10.0.0.1\",\"dport\":0,\"rule\":null,\"service\":null,"
		  "\"port\":null,\"length\":74,\"ethertype\":2048,\"vlan\":null,\"tcp_flags\":null,"
		  "\"icmp_type\":null,\"icmp_code\":null,\"fragment\":null,\"sample\":null," NOT_TRANSLATED);
	event.hook = EVENT_EGRESS;
	event.verdict = VERDICT_DETECT;
	event.reason = REASON_MAX_DURATION;
	event.rule = 7;
	event.type = EVENT_PACKET;
	event.sample = 100;
	strcpy((char *)event.service, "a \"b\"");
	check_put(&event, true, "\"hook\"",
		  "\"hook\":\"egress\",\"type\":\"packet\",\"verdict\":\"DETECTED\",\"action\":"
		  "\"passed\",\"reason\":\"max-duration\","
		  "\"proto\":\"udp\",\"src\":\"192.0.2.2\",\"sport\":0,\"dst\":\"10.0.0.1\",\"dport\":0,\"rule\":7,"
		  "\"service\":\"a \\\"b\\\"\",\"port\":null,\"length\":74,\"ethertype\":2048,\"vlan\":null,"
		  "\"tcp_flags\":null,\"icmp_type\":null,\"icmp_code\":null,\"fragment\":null,\"sample\":"
		  "100," NOT_TRANSLATED);
	event = packet;
	event.family = 0;
	event.ifindex = 0;
	check_put(&event, true, "\"iface\"",
		  "\"iface\":null,\"hook\":\"ingress\",\"type\":\"decision\",\"verdict\":\"BLOCKED\",\"action\":"
		  "\"dropped\",\"reason\":\"no-rule\",\"proto\":null,\"src\":null,\"sport\":null,\"dst\":null,"
		  "\"dport\":null,\"rule\":null,\"service\":null,\"port\":null,\"length\":74,\"ethertype\":2048,"
		  "\"vlan\":null,\"tcp_flags\":null,\"icmp_type\":null,\"icmp_code\":null,\"fragment\":null,"
		  "\"sample\":null," NOT_TRANSLATED);
}

static void test_json_translated(void)
{
	struct event event = translated();

	check_put(&event, true, "\"new_src\"",
		  "\"new_src\":\"fd00::2\",\"new_sport\":1024,\"new_dst\":\"fd00::1\",\"new_dport\":5353,"
		  "\"new_iface\":\"lo\",\"next_hop\":\"02:00:00:00:00:0a\",\"ip_check_before\":null,"
		  "\"ip_check_after\":null,\"l4_check_before\":1,\"l4_check_after\":65535}\n");
	event.family = 4;
	memset(event.new_src, 0, sizeof(event.new_src));
	memcpy(event.new_dst, "\x0a\x00\x00\x02", 4);
	memset(event.next_hop, 0, sizeof(event.next_hop));
	event.ip_check_before = htons(0x1234);
	event.fragment = EVENT_LATER_FRAGMENT;
	check_put(&event, true, "\"new_src\"",
		  "\"new_src\":\"0.0.0.0\",\"new_sport\":null,\"new_dst\":\"10.0.0.2\",\"new_dport\":null,"
		  "\"new_iface\":\"lo\",\"next_hop\":null,\"ip_check_before\":4660,\"ip_check_after\":0,"
		  "\"l4_check_before\":1,\"l4_check_after\":65535}\n");
}

int main(void)
{
	event_view_refresh(&view);
	test_line();
	test_line_protocols();
	test_line_translated();
	test_faked();
	test_times();
	test_json_time();
	test_aligned();
	test_colour();
	test_json();
	test_json_translated();
	return tap_done();
}
