/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/eventout.c: events as lines and JSON, and the names of verdicts and hooks both ways */
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
	check_printed(&event, false, "drop ", "drop   no-rule      lo udp 192.0.2.2:40000 > 10.0.0.1:53 len 74\n");
	event.verdict = VERDICT_DETECT;
	check_printed(&event, false, "detect ", "detect no-rule      lo udp 192.0.2.2:40000 > 10.0.0.1:53 len 74\n");
	event.hook = EVENT_EGRESS;
	event.reason = REASON_OUT_DROP;
	strcpy((char *)event.service, "web");
	check_printed(&event, false, "detect ",
		      "detect out-drop     lo udp 192.0.2.2:40000 > 10.0.0.1:53 service web egress len 74\n");
}

static void test_json(void)
{
	struct event event = packet;

	check_printed(
		&event, true, "\"iface\"",
		"\"iface\":\"lo\",\"hook\":\"ingress\",\"verdict\":\"drop\",\"reason\":\"no-rule\",\"proto\":\"udp\","
		"\"src\":\"192.0.2.2\",\"sport\":0,\"dst\":\"10.0.0.1\",\"dport\":0,\"rule\":null,\"service\":null,"
		"\"port\":null,\"length\":74,\"ethertype\":2048,\"vlan\":null,\"tcp_flags\":null,"
		"\"icmp_type\":null,\"icmp_code\":null,\"fragment\":null}\n");
	event.hook = EVENT_EGRESS;
	event.verdict = VERDICT_DETECT;
	event.reason = REASON_MAX_DURATION;
	event.rule = 7;
	check_printed(&event, true, "\"iface\"",
		      "\"iface\":\"lo\",\"hook\":\"egress\",\"verdict\":\"detect\",\"reason\":\"max-duration\","
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

static void test_names(void)
{
	static const char *const verdicts[] = { [VERDICT_DROP] = "drop",
						[VERDICT_PASS] = "pass",
						[VERDICT_SPLICE] = "splice",
						[VERDICT_DETECT] = "detect" };
	struct error error;
	uint32_t verdict;
	uint8_t hook;

	for (uint32_t i = VERDICT_DROP; i <= VERDICT_DETECT; i++) {
		check_text(verdict_name(i), verdicts[i], "verdict %u", i);
		check(verdict_parse(verdicts[i], &verdict, &error) ? -1 : (int)verdict, i, "%s", verdicts[i]);
	}
	check_text(verdict_name(VERDICT_DETECT + 1), "?", "a verdict of a later version");
	check(verdict_parse("?", &verdict, &error), -1, "which is not to be asked for");
	check(hook_parse("ingress", &hook, &error) ? -1 : hook, EVENT_INGRESS, "ingress");
	check(hook_parse("egress", &hook, &error) ? -1 : hook, EVENT_EGRESS, "egress");
	check(hook_parse("out", &hook, &error), -1, "no hook");
}

/* Every reason has a name of its own. */
static void test_reasons(void)
{
	unsigned int named = 0, twice = 0;

	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		if (!strcmp(reason_name(i), "?"))
			continue;
		named++;
		for (unsigned int k = 0; k < i; k++)
			twice += !strcmp(reason_name(i), reason_name(k));
	}
	check(named > 30, 1, "reasons have names");
	check(twice, 0, "each its own");
	check_text(reason_name(REASON_FRAGMENT_SPLICE), "fragment-splice", "the newest of them");
	check_text(reason_name(REASON_COUNT), "?", "a reason of a later version");
}

int main(void)
{
	test_line();
	test_json();
	test_short();
	test_names();
	test_reasons();
	return tap_done();
}
