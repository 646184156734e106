/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random filters, random frames: the program must send to each slot what a plain matcher, written from the comments in
 * bpf/abi/event.h, says that its filter takes. What an event has is read from a listener that takes everything; that
 * this is right is for event_cases.c to say. PACKET_TEST_SEED repeats, PACKET_TEST_FILTERS (rounds of 15 filters and 8
 * frames) lengthens it.
 */
#include "listener.h"

#include <linux/if_ether.h>

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_ROUNDS 400
#define FRAMES 8
#define RING 65536
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ALL TYPES(EVENT_DECISION, EVENT_REDECISION, EVENT_PACKET)

/* ---- the plain matcher ---- */

/* Whether bit n of words is set; a mask without any bit holds for all. */
static bool mask_holds(const __u64 *words, size_t count, unsigned int n)
{
	bool any = true;

	for (size_t i = 0; i < count; i++)
		any = any && !words[i];
	return any || (n < 64 * count && words[n / 64] >> n % 64 & 1);
}

static bool word_holds(uint32_t mask, unsigned int n)
{
	__u64 word = mask;

	return mask_holds(&word, 1, n);
}

/* Any protocol, or a listed one of IP. */
static bool proto_holds(const struct event_filter *f, const struct event *event)
{
	static const __u64 none[4];

	return !memcmp(f->protos, none, sizeof(none)) || (event->family && mask_holds(f->protos, 4, event->proto));
}

static bool event_has_ports(const struct event *event)
{
	static const uint8_t with[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP };

	return event->family && event->fragment != EVENT_LATER_FRAGMENT && memchr(with, event->proto, sizeof(with));
}

static bool ports_hold(const struct event_ports *ports, size_t count, const struct event *event, uint16_t port)
{
	bool holds = !count;

	for (size_t i = 0; i < count; i++)
		if (event_has_ports(event) && ntohs(port) >= ports[i].low && ntohs(port) <= ports[i].high)
			holds = true;
	return holds;
}

static bool address_in(const struct event_range *range, const uint8_t address[16], unsigned int family)
{
	uint64_t low[2] = { htobe64(range->low[0]), htobe64(range->low[1]) };
	uint64_t high[2] = { htobe64(range->high[0]), htobe64(range->high[1]) };

	return range->family == family && memcmp(address, low, 16) >= 0 && memcmp(address, high, 16) <= 0;
}

static bool one_holds(const struct event_range *ranges, size_t count, const uint8_t address[16], unsigned int family)
{
	for (size_t i = 0; i < count; i++)
		if (address_in(&ranges[i], address, family))
			return true;
	return false;
}

static bool addresses_hold(const struct event_filter *f, const struct event *event)
{
	bool src = one_holds(f->src, f->srcs, event->src, event->family);
	bool dst = one_holds(f->dst, f->dsts, event->dst, event->family);
	bool end = one_holds(f->end, f->ends, event->src, event->family) ||
		   one_holds(f->end, f->ends, event->dst, event->family);

	return (src || !f->srcs) && (dst || !f->dsts) && (end || !f->ends);
}

static bool interface_holds(const struct event_filter *f, uint32_t ifindex)
{
	for (size_t i = 0; i < f->ifindexes; i++)
		if (f->ifindex[i] == ifindex)
			return true;
	return !f->ifindexes;
}

static bool filter_holds(const struct event_filter *f, const struct event *event)
{
	if (!(f->types >> event->type & 1) || (event->type == EVENT_PACKET && !f->sample))
		return false;
	return word_holds(f->verdicts, event->verdict) && word_holds(f->hooks, event->hook) &&
	       word_holds(f->objects, event->object) && mask_holds(f->reasons, 2, event->reason) &&
	       proto_holds(f, event) && (!f->rule || f->rule == event->rule) && interface_holds(f, event->ifindex) &&
	       ports_hold(f->sport, f->sports, event, event->sport) &&
	       ports_hold(f->dport, f->dports, event, event->dport) && addresses_hold(f, event) &&
	       (!f->service[0] || !memcmp(f->service, event->service, sizeof(f->service)));
}

/* ---- random frames ---- */

static const char *const rules[] = {
	"-a drop -S sip 203.0.113.0 24 80 80 0 tcp",
	"-S sip-trunk 203.0.113.0 24 81 81 0 tcp",
	"--mode detect -a drop 203.0.113.0 24 82 82 0 udp",
	"-S web 203.0.113.0 24 81 83 0 udp",
	"--direction out -a drop -S sip 203.0.113.0 24 84 84 0 tcp",
};
static const char *const tags[] = { "sip", "sip-trunk", "web", "si" };
static const char *const sources4[] = { "198.51.100.0", "198.51.100.7", "198.51.100.255", "198.51.101.0", "10.0.0.1" };
static const char *const sources6[] = { "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::", "2001:db8:0:2::1",
					"2001:db8:0:2:8000::", "fd00::1" };
static const char *const targets[] = { "203.0.113.5", "203.0.113.6" };
static const uint16_t ports[] = { 79, 80, 81, 82, 83, 84, 255, 256, 65535 };
static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_UDP,  IPPROTO_UDP, IPPROTO_ICMP,
				  IPPROTO_GRE, IPPROTO_SCTP, IPPROTO_DCCP, 103,         253 };
static const enum context contexts[] = { ON_VETH, ON_VETH, ON_PEER, OUT_VETH, OUT_PEER };

#define PICK(numbers, array) ((array)[numbers_below((numbers), COUNT(array))])

static const char *source_draw(struct numbers *numbers, int family)
{
	return family == 6 ? PICK(numbers, sources6) : PICK(numbers, sources4);
}

static struct spec spec_draw(struct numbers *numbers)
{
	struct spec spec = { .family = numbers_below(numbers, 2) ? 6 : 4, .id = 77, .payload = 16 };

	if (!numbers_below(numbers, 20))
		return (struct spec){ .family = spec.family, .ethertype = 0x88cc };
	spec.src = source_draw(numbers, spec.family);
	spec.dst = PICK(numbers, targets);
	spec.proto = PICK(numbers, protos);
	spec.sport = PICK(numbers, ports);
	spec.dport = spec.proto == IPPROTO_ICMP ? 8 << 8 : PICK(numbers, ports);
	if (!numbers_below(numbers, 6))
		spec.fragment = numbers_below(numbers, 2) ? FIRST : LATER;
	if (!numbers_below(numbers, 8))
		spec.tags[0] = ETH_P_8021Q;
	return spec;
}

/* ---- random filters ---- */

static bool chance(struct numbers *numbers)
{
	return !numbers_below(numbers, 7);
}

static struct event_range range_draw(struct numbers *numbers)
{
	int family = numbers_below(numbers, 2) ? 6 : 4;
	bool target = !numbers_below(numbers, 3);
	char text[2 * FRAME_ADDRESS_TEXT];
	struct event_range range;

	snprintf(text, sizeof(text), "%s %s", target ? PICK(numbers, targets) : source_draw(numbers, family),
		 target ? PICK(numbers, targets) : source_draw(numbers, family));
	range = range_of(family, text);
	/* one to the side of what frames have; an empty range takes nothing */
	if (!numbers_below(numbers, 4))
		range.low[family == 6]++;
	if (!numbers_below(numbers, 4))
		range.high[family == 6]--;
	return range;
}

static uint8_t ranges_draw(struct numbers *numbers, struct event_range ranges[EVENT_TERMS])
{
	/* those beyond the count are there to be ignored */
	for (int i = 0; i < EVENT_TERMS; i++)
		ranges[i] = range_draw(numbers);
	return chance(numbers) ? (uint8_t)(1 + numbers_below(numbers, EVENT_TERMS)) : 0;
}

static uint8_t ports_draw(struct numbers *numbers, struct event_ports terms[EVENT_TERMS])
{
	for (int i = 0; i < EVENT_TERMS; i++)
		terms[i] = (struct event_ports){ PICK(numbers, ports), PICK(numbers, ports) };
	return chance(numbers) ? (uint8_t)(1 + numbers_below(numbers, EVENT_TERMS)) : 0;
}

static void terms_draw(const struct fixture *fixture, struct numbers *numbers, struct event_filter *f)
{
	for (int i = 0; i < EVENT_TERMS; i++)
		f->ifindex[i] = numbers_below(numbers, 3)
					? 1000 + (uint32_t)i
					: (uint32_t)(numbers_below(numbers, 2) ? fixture->veth : fixture->veth_peer);
	f->ifindexes = chance(numbers) ? (uint8_t)(1 + numbers_below(numbers, EVENT_TERMS)) : 0;
	f->sports = ports_draw(numbers, f->sport);
	f->dports = ports_draw(numbers, f->dport);
	f->srcs = ranges_draw(numbers, f->src);
	f->dsts = ranges_draw(numbers, f->dst);
	f->ends = ranges_draw(numbers, f->end);
}

static struct event_filter filter_draw(const struct fixture *fixture, struct numbers *numbers)
{
	struct event_filter f = { .types = (uint32_t)(1 + numbers_below(numbers, 7)) << 1,
				  .sample = (uint32_t)numbers_below(numbers, 2) };

	if (chance(numbers))
		f.verdicts = (uint32_t)numbers_next(numbers);
	if (chance(numbers))
		f.hooks = (uint32_t)numbers_next(numbers);
	if (chance(numbers))
		f.objects = (uint32_t)numbers_next(numbers) | 1u << EVENT_SPLICER;
	for (int i = 0; i < 2 && chance(numbers); i++)
		f.reasons[numbers_below(numbers, 2)] |= numbers_next(numbers);
	for (int i = 0; i < 2 && chance(numbers); i++)
		f.protos[numbers_below(numbers, 4)] |= numbers_next(numbers) | 1ull << IPPROTO_TCP;
	if (chance(numbers))
		f.rule = 1 + numbers_below(numbers, COUNT(rules));
	if (chance(numbers))
		snprintf((char *)f.service, sizeof(f.service), "%s", PICK(numbers, tags));
	terms_draw(fixture, numbers, &f);
	return f;
}

/* ---- the comparison ---- */

struct tally {
	unsigned long taken, refused;
};

/* Whether the slot got just what it should of what there was; each of those in its turn. */
static bool slot_agrees(const struct listener *all, const struct listener *some, const struct event_filter *filter,
			struct tally *tally)
{
	size_t next = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct event got;

		if (!filter_holds(filter, &all->event[i])) {
			tally->refused++;
			continue;
		}
		tally->taken++;
		if (next >= some->count)
			return false;
		got = some->event[next++];
		if (memcmp(&got, &all->event[i], sizeof(got)))
			return false;
	}
	return next == some->count;
}

struct oracle {
	struct fixture *fixture;
	struct numbers numbers;
	struct listener listeners[EVENT_SLOT_COUNT]; /* the first takes everything */
	struct event_filter filters[EVENT_SLOT_COUNT];
	struct tally tally;
};

static void filters_draw(struct oracle *oracle)
{
	for (int i = 1; i < EVENT_SLOT_COUNT; i++) {
		oracle->filters[i] = filter_draw(oracle->fixture, &oracle->numbers);
		listener_set(&oracle->listeners[i], &oracle->filters[i]);
	}
}

/* The slot that disagrees, or 0. */
static int frame_run(struct oracle *oracle, struct outcome *outcome)
{
	struct spec spec = spec_draw(&oracle->numbers);
	enum context context = PICK(&oracle->numbers, contexts);
	struct frame frame;

	spec_build(&spec, &frame);
	fixture_run(oracle->fixture, context, &frame, outcome);
	for (int i = 0; i < EVENT_SLOT_COUNT; i++)
		listener_read(&oracle->listeners[i]);
	for (int i = 1; i < EVENT_SLOT_COUNT; i++)
		if (!slot_agrees(&oracle->listeners[0], &oracle->listeners[i], &oracle->filters[i], &oracle->tally))
			return i;
	return 0;
}

static int rounds_run(struct oracle *oracle, unsigned long rounds, char *got, size_t size)
{
	struct outcome outcome;

	for (unsigned long round = 0; round < rounds; round++) {
		filters_draw(oracle);
		state_forget(oracle->fixture);
		for (int i = 0; i < FRAMES; i++) {
			int slot = frame_run(oracle, &outcome);

			if (!slot)
				continue;
			snprintf(got, size, "round %lu, frame %d (%s), slot %d: %zu of %zu events", round, i,
				 reason_name(outcome.reason), slot, oracle->listeners[slot].count,
				 oracle->listeners[0].count);
			return -1;
		}
	}
	return 0;
}

static void oracle_open(struct oracle *oracle, const struct plane *plane)
{
	oracle->filters[0] = (struct event_filter){ .types = ALL, .sample = 1 };
	for (uint32_t i = 0; i < EVENT_SLOT_COUNT; i++)
		listener_open(&oracle->listeners[i], plane, i, &oracle->filters[i], RING);
	for (size_t i = 0; i < COUNT(rules); i++)
		for (int family = 4; family <= 6; family += 2)
			rule_insert(oracle->fixture, family, rules[i]);
}

void event_oracle_cases(struct fixture *fixture)
{
	static struct oracle oracle;
	unsigned long rounds = numbers_setting("PACKET_TEST_FILTERS", DEFAULT_ROUNDS);
	struct plane plane;
	char got[160];

	if (!fixture->map_update) {
		tap_skip("no map_update", "random filters");
		return;
	}
	oracle = (struct oracle){ .fixture = fixture, .numbers = numbers_seeded() };
	fixture_open(fixture);
	plane = plane_of(fixture);
	oracle_open(&oracle, &plane);
	if (rounds_run(&oracle, rounds, got, sizeof(got)))
		tap_not_ok("what the plain matcher takes", got, "random filters, random frames");
	else if (!oracle.tally.taken || !oracle.tally.refused)
		tap_not_ok("some taken, some refused", "all one way", "random filters, random frames");
	else
		tap_ok("random filters, random frames: %lu taken, %lu refused, as the plain matcher says",
		       oracle.tally.taken, oracle.tally.refused);
	for (int i = 0; i < EVENT_SLOT_COUNT; i++)
		listener_close(&oracle.listeners[i]);
	fixture_close(fixture);
}
