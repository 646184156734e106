/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_filter.o: rules of the oracle, as it can have them. A frame is decided by the rule that a walk over all of them
 * finds, which alone counts it; what is malformed to splicer.o is so here.
 */
#include "oracle/draw.h"
#include "packet/xdp_rules.h"
#include "trial.h"

#include "abi/xdp.h"

#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define RULES 40
#define FRAGMENT_ICMP_PORT 0xffff

static struct {
	struct oracle model;
	struct draw draw;
	uint64_t by_rules, bytes; /* since the round began: frames that a rule decided */
} xdp;

static void open_xdp(struct trial *trial)
{
	trial->fixture.tested = XDP_FILTER;
}

static void close_xdp(struct trial *trial)
{
	if (trial->fixture.object)
		fixture_close(&trial->fixture);
	oracle_free(&xdp.model);
}

/* ---- a round ---- */

static struct plain_rule rule_draw(void)
{
	struct plain_rule rule = draw_rule(&xdp.draw, &xdp.model);

	rule.direction = RULES_IN;
	rule.action = rule.action == RULES_SPLICE ? RULES_DROP : rule.action;
	rule.mode = rule.action == RULES_DROP && rule.mode == RULES_DETECT ? RULES_DETECT : RULES_MODE_UNSET;
	rule.port = 0;
	rule.route = false;
	rule.max_duration = rule.rate = rule.burst = 0;
	rule.expires = 0;
	if (rule.priority > XDP_PRIORITY_MAX || rule.priority < -XDP_PRIORITY_MAX)
		rule.priority = 0;
	return rule;
}

static void load_rules(struct trial *trial)
{
	struct rules_record records[RULES];

	oracle_free(&xdp.model);
	while (xdp.model.count < RULES) {
		struct plain_rule rule = rule_draw();

		if (!oracle_find(&xdp.model, &rule))
			oracle_put(&xdp.model, &rule);
	}
	for (size_t i = 0; i < RULES; i++)
		records[i] = plain_record(&xdp.model.items[i]);
	if (xdp_rules_put(&trial->fixture, records, RULES))
		errx(2, "rules of xdp_filter.o");
}

static void begin_xdp(struct trial *trial)
{
	if (trial->fixture.object)
		fixture_close(&trial->fixture);
	fixture_open(&trial->fixture);
	xdp.draw = (struct draw){ .numbers = { numbers_next(&trial->numbers) },
				  .expiring = 1, /* at no time, that is: 0 */
				  .kind = (enum set_kind)numbers_below(&trial->numbers, SET_KINDS),
				  .family = (uint32_t)numbers_below(&trial->numbers, 2),
				  .interfaces = { (uint32_t)trial->fixture.veth, (uint32_t)trial->fixture.veth_peer,
						  INTERFACE_GONE } };
	load_rules(trial);
	xdp.by_rules = xdp.bytes = 0;
}

static void draw_xdp(struct trial *trial, struct frame *frame)
{
	struct plain_packet packet;

	if (ONE_IN(&trial->numbers, 3)) {
		frame_draw(&trial->numbers, frame);
		return;
	}
	packet = draw_packet(&xdp.draw, &xdp.model);
	frame_draw_for(&trial->numbers, &packet, frame);
}

static enum context where_xdp(struct trial *trial)
{
	return ONE_IN(&trial->numbers, 2) ? ON_VETH : ON_PEER;
}

/* ---- what must be said ---- */

static bool is_malformed(enum reason reason)
{
	return reason == REASON_TRUNCATED || reason == REASON_BAD_HEADER || reason == REASON_TOO_MANY_HEADERS;
}

static bool is_link_control(const struct frame *frame)
{
	static const uint8_t group[5] = { 0x01, 0x80, 0xc2, 0, 0 };

	return !memcmp(frame->data, group, sizeof(group)) && frame->data[5] < 0x10;
}

/* Without a rule for what is not IP, all of it passes. */
static bool other_holds(const struct frame *frame, const struct plain *plain, enum reason reason)
{
	if (plain->kind == PLAIN_ARP)
		return reason == REASON_ARP;
	return reason == (is_link_control(frame) ? REASON_LINK_CONTROL : REASON_DEFAULT_PASS);
}

static const struct plain_rule *rule_for(const struct trial *trial, enum context context, const struct plain *plain)
{
	struct plain_packet packet =
		plain_question(plain, RULES_IN, (uint32_t)context_ifindex(&trial->fixture, context));

	if (plain->kind != PLAIN_IP)
		return NULL;
	/* ports that no rule but one for all of them has */
	if (plain->is_later)
		packet.port = plain_is_icmp(plain) ? FRAGMENT_ICMP_PORT : 0;
	return oracle_match(&xdp.model, &packet);
}

static bool rule_holds(const struct plain_rule *rule, enum reason reason)
{
	if (!rule)
		return reason == REASON_DEFAULT_PASS;
	return reason == (rule->action == RULES_PASS ? REASON_RULE_PASS : REASON_RULE_DROP);
}

static bool reason_holds(const struct frame *frame, const struct plain *plain, const struct plain_rule *rule,
			 enum reason reason)
{
	if (plain->kind == PLAIN_MALFORMED)
		return is_malformed(reason);
	if (plain->kind != PLAIN_IP)
		return other_holds(frame, plain, reason);
	return reason == REASON_NEIGHBOUR ? plain->family == 6 && plain->proto == IPPROTO_ICMPV6
					  : rule_holds(rule, reason);
}

static enum verdict verdict_for(const struct plain_rule *rule, enum reason reason)
{
	if (reason == REASON_RULE_DROP && rule && rule->mode == RULES_DETECT)
		return VERDICT_DETECT;
	return reason_verdict(reason);
}

static bool run_first(struct trial *trial, enum context context, const struct frame *frame, struct outcome *outcome,
		      struct wrong *wrong)
{
	state_forget(&trial->fixture);
	fixture_run(&trial->fixture, context, frame, outcome);
	trial->frames++;
	if (!outcome_counts(trial, outcome, frame, wrong))
		return false;
	if (outcome->reason == REASON_RULE_PASS || outcome->reason == REASON_RULE_DROP) {
		xdp.by_rules++;
		xdp.bytes += frame->len;
	}
	return true;
}

static bool decision_holds(struct trial *trial, enum context context, const struct frame *frame,
			   const struct plain *plain, const struct outcome *outcome, struct wrong *wrong)
{
	const struct plain_rule *rule = rule_for(trial, context, plain);
	char got[256];

	outcome_print(outcome, frame, got, sizeof(got));
	if (!reason_holds(frame, plain, rule, outcome->reason))
		return wrong_say(wrong, "the reason is that of a plain reading and a walk over the rules",
				 "%s; rule %s", got, rule ? plain_text(rule) : "none");
	if (outcome->counted.verdict != verdict_for(rule, outcome->reason) ||
	    outcome->action != action_of(outcome->counted.verdict))
		return wrong_say(wrong, "the verdict is that of reason and rule", "%s", got);
	return true;
}

static bool holds_xdp(struct trial *trial, enum context context, const struct frame *frame, struct wrong *wrong)
{
	struct numbers numbers = { frame->len };
	struct outcome first, again;
	struct plain plain;
	struct frame other;

	plain_read(frame, &plain);
	if (!run_first(trial, context, frame, &first, wrong) ||
	    !decision_holds(trial, context, frame, &plain, &first, wrong))
		return false;
	trial_disturb(trial, context);
	if (!run_first(trial, context, frame, &again, wrong) ||
	    !same_decision(&first, &again, "a frame of other content before it has no say", wrong))
		return false;
	return !frame_trail(&numbers, frame, &plain, &other) ||
	       (run_first(trial, context, &other, &again, wrong) &&
		same_decision(&first, &again, "what is behind the IP packet has no say", wrong));
}

/* Frames that disturb others are malformed: no rule counts them. */
static bool end_xdp(struct trial *trial, struct wrong *wrong)
{
	struct rules_counted total = xdp_rules_total(&trial->fixture);

	if (total.packets == xdp.by_rules && total.bytes == xdp.bytes)
		return true;
	return wrong_say(wrong, "rules count what they decide, packets and bytes",
			 "%llu of %llu packets, %llu of %llu bytes", (unsigned long long)total.packets,
			 (unsigned long long)xdp.by_rules, (unsigned long long)total.bytes,
			 (unsigned long long)xdp.bytes);
}

const struct program program_xdp = {
	.name = "xdp_filter.o",
	.open = open_xdp,
	.begin = begin_xdp,
	.draw = draw_xdp,
	.where = where_xdp,
	.holds = holds_xdp,
	.end = end_xdp,
	.close = close_xdp,
};
