/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/eventselect.c: options to the filter that programs apply */
#include "eventselect.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "prefix.h"
#include "tap.h"

/* ---- from a command line, "ROW=VALUE"s and operands, to a filter ---- */

static const struct option_row rows[] = { EVENT_SELECT_OPTION_ROWS, { 0 } };

static int take(struct event_select *select, const char *word, struct error *error)
{
	const char *value = strchr(word, '=');
	char *operand = (char *)(uintptr_t)word;

	if (!value)
		return event_select_operands(select, &operand, 1, error);
	for (size_t row = 0; rows[row].name; row++)
		if (strlen(rows[row].name) == (size_t)(value - word) &&
		    !strncmp(rows[row].name, word, (size_t)(value - word)))
			return event_select_option(select, row, value + 1, error);
	return error_usage(error, word, "is no option: the test is wrong");
}

static int select_words(const char *const *words, struct event_select *select, struct error *error)
{
	memset(select, 0, sizeof(*select));
	for (; *words; words++)
		if (take(select, *words, error))
			return -1;
	return event_select_finish(select, error);
}

#define SELECT(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What there is in a filter, without what is zero. */
static void ranges_print(const char *name, const struct event_range *ranges, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++)
		printf(" %s%u:%llx.%llx-%llx.%llx", name, ranges[i].family, (unsigned long long)ranges[i].low[0],
		       (unsigned long long)ranges[i].low[1], (unsigned long long)ranges[i].high[0],
		       (unsigned long long)ranges[i].high[1]);
}

static void ports_print(const char *name, const struct event_ports *ports, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++)
		printf(" %s%u-%u", name, ports[i].low, ports[i].high);
}

static void words_print(const char *name, const __u64 *words, int count)
{
	for (int i = 0; i < count; i++)
		if (words[i])
			printf(" %s%d:%llx", name, i, (unsigned long long)words[i]);
}

static void filter_print(const struct event_filter *filter)
{
	printf("types%x", filter->types);
	words_print("verdicts", &(__u64){ filter->verdicts }, 1);
	words_print("hooks", &(__u64){ filter->hooks }, 1);
	words_print("objects", &(__u64){ filter->objects }, 1);
	words_print("reasons", filter->reasons, 2);
	words_print("protos", filter->protos, 4);
	words_print("rule", &filter->rule, 1);
	words_print("sample", &(__u64){ filter->sample }, 1);
	for (uint8_t i = 0; i < filter->ifindexes; i++)
		printf(" if%u", filter->ifindex[i]);
	ports_print("sport", filter->sport, filter->sports);
	ports_print("dport", filter->dport, filter->dports);
	ranges_print("src", filter->src, filter->srcs);
	ranges_print("dst", filter->dst, filter->dsts);
	ranges_print("end", filter->end, filter->ends);
	if (filter->service[0])
		printf(" service %.64s", filter->service);
}

static void check_filter(const char *const *words, const char *expected)
{
	struct event_select select;
	struct error error;
	char *got;

	output_begin();
	if (select_words(words, &select, &error))
		printf("error: %s", error.text);
	else
		filter_print(&select.filter);
	got = output_end();
	check_text(got, expected, "%s: %s", words[0] ? words[0] : "nothing", expected);
	free(got);
}

/* ---- what comes of each ---- */

static void test_words(void)
{
	check_filter((const char *const[]){ NULL }, "types6");
	check_filter(SELECT("iface=lo"), "types6 if1");
	check_filter(SELECT("iface=lo", "iface=#70000"), "types6 if1 if70000");
	check_filter(SELECT("proto=tcp", "proto=udp", "proto=200"), "types6 protos0:20040 protos3:100");
	check_filter(SELECT("proto=tcp", "proto=any"), "types6");
	check_filter(SELECT("service=a b"), "types6 service a b");
	check_filter(SELECT("rule=1099511627775"), "types6 rule0:ffffffffff");
	check_filter(SELECT("reason=no-rule", "reason=rule-splice"), "types6 reasons0:40 reasons1:100000000");
	check_filter(SELECT("hook=egress", "hook=driver"), "types6 hooks0:c");
	check_filter(SELECT("object=lb"), "types6 objects0:8");
}

static void test_verdicts(void)
{
	check_filter(SELECT("verdict=BLOCKED"), "types6 verdicts0:2");
	check_filter(SELECT("verdict=ALLOWED"), "types6 verdicts0:2c");
	check_filter(SELECT("verdict=allowed", "verdict=detected"), "types6 verdicts0:3c");
	check_filter(SELECT("action=passed"), "types6 verdicts0:14");
	check_filter(SELECT("verdict=ALLOWED", "action=passed"), "types6 verdicts0:4");
	check_filter(SELECT("action=passed", "verdict=DETECTED"), "types6 verdicts0:10");
	check_filter(SELECT("verdict=ALLOWED", "action=spliced", "action=dropped"), "types6 verdicts0:8");
	check_filter(SELECT("verdict=BLOCKED", "action=spliced"),
		     "error: spliced: no packet of this verdict is spliced");
}

static void test_types(void)
{
	check_filter(SELECT("event=redecision"), "types4");
	check_filter(SELECT("event=decision", "event=redecision"), "types6");
	check_filter(SELECT("sample=100"), "types8 sample0:64");
	check_filter(SELECT("sample=1", "event=packet"), "types8 sample0:1");
	check_filter(SELECT("sample=4294967295", "event=decision"), "typesa sample0:ffffffff");
	check_filter(SELECT("event=packet"), "error: packet: needs --sample NUMBER: one in so many");
}

static void test_addresses(void)
{
	check_filter(SELECT("source=192.0.2.7"), "types6 src4:c000020700000000.0-c000020700000000.0");
	check_filter(SELECT("destination=10.0.0.0/8"), "types6 dst4:a00000000000000.0-affffff00000000.0");
	check_filter(SELECT("0.0.0.0/0"), "types6 end4:0.0-ffffffff00000000.0");
	check_filter(SELECT("::/0", "10.0.0.1-10.0.0.9"),
		     "types6 end6:0.0-ffffffffffffffff.ffffffffffffffff end4:a00000100000000.0-a00000900000000.0");
	check_filter(SELECT("source=2001:db8::/33"),
		     "types6 src6:20010db800000000.0-20010db87fffffff.ffffffffffffffff");
	check_filter(SELECT("source=2001:db8::1-2001:db8::1:0"),
		     "types6 src6:20010db800000000.1-20010db800000000.10000");
}

static void test_ports(void)
{
	check_filter(SELECT("sport=0", "dport=80-90"), "types6 sport0-0 dport80-90");
	check_filter(SELECT("dport=1", "dport=2", "dport=3", "dport=65535-65535"),
		     "types6 dport1-1 dport2-2 dport3-3 dport65535-65535");
}

static void test_errors(void)
{
	check_filter(SELECT("iface=lo", "iface=lo", "iface=lo", "iface=lo", "iface=lo"),
		     "error: lo: at most 4 of a kind");
	check_filter(SELECT("::1", "::2", "::3", "::4", "::5"), "error: ::5: at most 4 of a kind");
	check_filter(SELECT("sport=1", "sport=2", "sport=3", "sport=4", "sport=5"), "error: 5: at most 4 of a kind");
	check_filter(SELECT("source=10.0.0.1/8"), "error: 10.0.0.1/8: host bits set, did you mean 10.0.0.0/8");
	check_filter(SELECT("10.0.0.9-10.0.0.1"), "error: 10.0.0.9-10.0.0.1: the range ends before it starts");
	check_filter(SELECT("10.0.0.9-::1"), "error: 10.0.0.9-::1: a range of two address families");
	check_filter(SELECT("dport=90-80"), "error: 90-80: the range of ports ends before it starts");
	check_filter(SELECT("dport=65536"), "error: 65536: out of range (0-65535)");
	check_filter(SELECT("service=a", "service=b"), "error: b: the service is given twice");
	check_filter(SELECT("rule=1", "rule=2"), "error: 2: the rule is given twice");
	check_filter(SELECT("rule=0"), "error: 0: out of range (1-1099511627775)");
	check_filter(SELECT("sample=0"), "error: 0: out of range (1-4294967295)");
	check_filter(SELECT("sample=4294967296"), "error: 4294967296: out of range (1-4294967295)");
	check_filter(SELECT("verdict=drop"), "error: drop: unknown verdict (BLOCKED, ALLOWED, DETECTED)");
	check_filter(SELECT("event=all"), "error: all: unknown type of event (decision, redecision, packet)");
}

/* ---- any prefix is the range of its first and last address ---- */

static bool bit_of(const uint8_t addr[16], unsigned int bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

/* Whether the words are the prefix's bits and then all `host`. */
static bool words_are(const __u64 words[2], const uint8_t addr[16], unsigned int len, unsigned int bits, bool host)
{
	for (unsigned int bit = 0; bit < 128; bit++) {
		bool expected = bit < len ? bit_of(addr, bit) : bit < bits && host;

		if ((words[bit / 64] >> (63 - bit % 64) & 1) != expected)
			return false;
	}
	return true;
}

static void test_any_prefix(void)
{
	char text[PREFIX_TEXT_MAX], wrong[200] = "";

	for (int i = 0; i < 20000 && !*wrong; i++) {
		struct prefix prefix = { .family = random_below(2) ? 4 : 6 };
		struct event_select select = { 0 };
		const struct event_range *range = &select.filter.src[0];
		unsigned int bits = prefix_bits(prefix.family);
		struct error error;

		prefix.len = (uint8_t)random_below(bits + 1);
		for (unsigned int byte = 0; byte < bits / 8; byte++)
			prefix.addr[byte] = (uint8_t)random_next();
		prefix_mask(&prefix);
		prefix_format(&prefix, text);
		if (event_select_option(&select, EVENT_SELECT_SOURCE, text, &error) || range->family != prefix.family ||
		    !words_are(range->low, prefix.addr, prefix.len, bits, false) ||
		    !words_are(range->high, prefix.addr, prefix.len, bits, true))
			snprintf(wrong, sizeof(wrong), "expected all of %s, got another range, seed %" PRIu64, text,
				 random_seed);
	}
	check_property(wrong, "a prefix becomes its first to its last address");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_words();
	test_verdicts();
	test_types();
	test_addresses();
	test_ports();
	test_errors();
	test_any_prefix();
	return tap_done();
}
