/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/eventout.c: events as lines and JSON */
#include "eventout.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* The clocks of an event: what it prints of them is left out of the comparison. */
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

/* From the first occurrence of `from` on. */
static void check_printed(const struct event *event, bool json, const char *from, const char *expected)
{
	char *got, *at;

	output_begin();
	event_print(event, sizeof(*event), json);
	got = output_end();
	at = strstr(got, from);
	check_text(at ? at : got, expected, "%s: %s", json ? "JSON" : "line", from);
	free(got);
}

static void test_line(void)
{
	struct event event = packet;

	event.sport = htons(40000);
	event.dport = htons(53);
	check_printed(&event, false, "BLOCKED ",
		      "BLOCKED  dropped    no-rule      lo udp 192.0.2.2:40000 > 10.0.0.1:53 len 74\n");
	event.verdict = VERDICT_DETECT;
	check_printed(&event, false, "DETECTED ",
		      "DETECTED passed     no-rule      lo udp 192.0.2.2:40000 > 10.0.0.1:53 len 74\n");
	event.hook = EVENT_EGRESS;
	event.reason = REASON_OUT_DROP;
	strcpy((char *)event.service, "web");
	check_printed(
		&event, false, "DETECTED ",
		"DETECTED passed     out-drop     lo udp 192.0.2.2:40000 > 10.0.0.1:53 service web egress len 74\n");
}

static void test_json(void)
{
	struct event event = packet;

	check_printed(
		&event, true, "\"iface\"",
		"\"iface\":\"lo\",\"hook\":\"ingress\",\"type\":\"decision\",\"verdict\":\"BLOCKED\",\"action\":"
		"\"dropped\",\"reason\":\"no-rule\",\"proto\":\"udp\","
		"\"src\":\"192.0.2.2\",\"sport\":0,\"dst\":\"10.0.0.1\",\"dport\":0,\"rule\":null,\"service\":null,"
		"\"port\":null,\"length\":74,\"ethertype\":2048,\"vlan\":null,\"tcp_flags\":null,"
		"\"icmp_type\":null,\"icmp_code\":null,\"fragment\":null}\n");
	event.hook = EVENT_EGRESS;
	event.verdict = VERDICT_DETECT;
	event.reason = REASON_MAX_DURATION;
	event.rule = 7;
	check_printed(&event, true, "\"iface\"",
		      "\"iface\":\"lo\",\"hook\":\"egress\",\"type\":\"decision\",\"verdict\":\"DETECTED\",\"action\":"
		      "\"passed\",\"reason\":\"max-duration\","
		      "\"proto\":\"udp\",\"src\":\"192.0.2.2\",\"sport\":0,\"dst\":\"10.0.0.1\",\"dport\":0,\"rule\":7,"
		      "\"service\":null,\"port\":null,\"length\":74,\"ethertype\":2048,\"vlan\":null,"
		      "\"tcp_flags\":null,\"icmp_type\":null,\"icmp_code\":null,\"fragment\":null}\n");
}

static void test_short(void)
{
	int result;

	output_begin();
	result = event_print(&packet, sizeof(packet) - 1, false);
	free(output_end());
	check(result, -1, "a record that is too short");
}

int main(void)
{
	test_line();
	test_json();
	test_short();
	return tap_done();
}
