/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splicer.o, both ways: rules of the oracle and settings of all kinds, no connections, no sockets. A frame is decided
 * as splicer(7) has it for what a plain reading of it finds, by the rule that a walk over all of them finds.
 */
#include "oracle/subject.h"
#include "trial.h"

#include <bpf/bpf.h>
#include <err.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define RULES 40

static struct {
	struct subject subject;
	struct draw draw;
	bool detect, nonip, out_drop, echo, on_truncated, tunnels;
} splicer;

static void open_splicer(struct trial *trial)
{
	trial->fixture.tested = SPLICER;
	fixture_open(&trial->fixture);
	subject_open(&splicer.subject, trial->fixture.pin_dir);
}

static void close_splicer(struct trial *trial)
{
	subject_close(&splicer.subject);
	pins_unlock(&splicer.subject.pins);
	pins_close(&splicer.subject.pins);
	fixture_close(&trial->fixture);
}

/* ---- a round ---- */

static void set_gate(struct trial *trial, enum splicer_setting setting, bool on, uint8_t value)
{
	if (on)
		fixture_set(&trial->fixture, SPLICER_IFACE_ANY, setting, value);
}

static void draw_settings(struct trial *trial)
{
	struct numbers *numbers = &trial->numbers;

	splicer.detect = ONE_IN(numbers, 4);
	splicer.nonip = ONE_IN(numbers, 3);
	splicer.out_drop = ONE_IN(numbers, 3);
	splicer.echo = ONE_IN(numbers, 3);
	splicer.on_truncated = ONE_IN(numbers, 4);
	splicer.tunnels = ONE_IN(numbers, 3);
	fixture_clear_settings(&trial->fixture);
	fixture_set(&trial->fixture, SPLICER_IFACE_ANY, SETTING_SSH, SSH_OFF);
	set_gate(trial, SETTING_MODE, splicer.detect, MODE_DETECT);
	set_gate(trial, SETTING_NONIP, splicer.nonip, GATE_PASS);
	set_gate(trial, SETTING_OUT, splicer.out_drop, GATE_DROP);
	set_gate(trial, SETTING_ICMP_ECHO, splicer.echo, GATE_PASS);
	set_gate(trial, SETTING_ON_TRUNCATED, splicer.on_truncated, GATE_PASS);
}

/* Anybody's, or nobody's. */
static void set_tunnels(const struct trial *trial)
{
	for (uint32_t family = 4; family <= 6; family += 2) {
		struct splicer_tunnel key = { .prefix_len = SPLICER_TUNNEL_BITS, .family = family };
		uint32_t one = 1;

		if (splicer.tunnels)
			bpf_map_update_elem(trial->fixture.tunnels, &key, &one, BPF_ANY);
		else
			bpf_map_delete_elem(trial->fixture.tunnels, &key);
	}
}

static void load_rules(void)
{
	struct plain_rule rules[RULES];
	struct oracle drawn = { .items = NULL };
	size_t count;

	for (size_t i = 0; i < RULES; i++) {
		rules[i] = draw_rule(&splicer.draw, &drawn);
		oracle_append(&drawn, &rules[i]);
	}
	oracle_free(&drawn);
	count = rules_unique(rules, RULES);
	if (subject_load(&splicer.subject, rules, count) != CHANGE_DONE)
		errx(2, "%s", splicer.subject.error.text);
}

static void begin_splicer(struct trial *trial)
{
	struct draw *draw = &splicer.draw;

	*draw = (struct draw){ .numbers = { numbers_next(&trial->numbers) },
			       .expiring = 1, /* at no time, that is: 0 */
			       .kind = (enum set_kind)numbers_below(&trial->numbers, SET_KINDS),
			       .family = (uint32_t)numbers_below(&trial->numbers, 2),
			       .interfaces = { (uint32_t)trial->fixture.veth, (uint32_t)trial->fixture.veth_peer,
					       INTERFACE_GONE } };
	load_rules();
	draw_settings(trial);
	set_tunnels(trial);
}

static void draw_splicer(struct trial *trial, struct frame *frame)
{
	struct plain_packet packet;

	if (ONE_IN(&trial->numbers, 3)) {
		frame_draw(&trial->numbers, frame);
		return;
	}
	packet = draw_packet(&splicer.draw, &splicer.subject.model);
	frame_draw_for(&trial->numbers, &packet, frame);
}

static enum context where_splicer(struct trial *trial)
{
	static const enum context contexts[] = { ON_VETH,  ON_VETH,  ON_PEER,     ON_PEER,
						 OUT_VETH, OUT_PEER, ON_LOOPBACK, OUT_LOOPBACK };

	return contexts[numbers_below(&trial->numbers, sizeof(contexts) / sizeof(contexts[0]))];
}

/* ---- what must be said ---- */

static bool is_malformed(enum reason reason)
{
	return reason == REASON_TRUNCATED || reason == REASON_BAD_HEADER || reason == REASON_TOO_MANY_HEADERS;
}

static bool leaves(enum context context)
{
	return context >= OUT_VETH;
}

static bool is_loopback(enum context context)
{
	return context == ON_LOOPBACK || context == OUT_LOOPBACK;
}

static bool is_dhcp(const struct plain *plain, bool out)
{
	uint16_t server = out ? plain->dport : plain->sport, client = out ? plain->sport : plain->dport;

	if (plain->proto != IPPROTO_UDP)
		return false;
	return plain->family == 4 ? server == 67 && client == 68 : server == 547 && client == 546;
}

static bool is_local_source(const struct plain *plain)
{
	static const uint8_t none[16];

	return (plain->src[0] == 0xfe && (plain->src[1] & 0xc0) == 0x80) || !memcmp(plain->src, none, sizeof(none));
}

static bool is_neighbour(const struct plain *plain)
{
	bool mld = (plain->type >= 130 && plain->type <= 132) || plain->type == 143;

	if (plain->family != 6 || plain->proto != IPPROTO_ICMPV6 || plain->has_fragment_header)
		return false;
	if (plain->type >= 133 && plain->type <= 137)
		return plain->hops == 255;
	return mld && plain->hops == 1 && is_local_source(plain);
}

/* Echo requests, whole or in fragments. */
static bool is_echo(const struct plain *plain)
{
	if (plain->port & 0xff)
		return false;
	return plain->family == 4 ? plain->proto == IPPROTO_ICMP && plain->type == 8
				  : plain->proto == IPPROTO_ICMPV6 && plain->type == 128;
}

/* Reasons that a rule can have: to splice, without anybody who listens, and without sockets to assign. */
static bool rule_gives(const struct plain_rule *rule, enum context context, enum reason reason)
{
	if (!rule) {
		if (!leaves(context))
			return reason == REASON_NO_RULE;
		return reason == (splicer.out_drop ? REASON_OUT_DROP : REASON_OUT);
	}
	switch (rule->action) {
	case RULES_PASS:
		return reason == REASON_RULE_PASS;
	case RULES_DROP:
		return reason == REASON_RULE_DROP;
	default:
		return reason == REASON_NO_LISTENER || reason == REASON_NO_LOOKUP || reason == REASON_ASSIGN;
	}
}

static bool other_gives(const struct plain *plain, enum context context, enum reason reason)
{
	if (plain->kind == PLAIN_ARP)
		return reason == REASON_ARP;
	if (leaves(context))
		return reason == (splicer.out_drop && !splicer.nonip ? REASON_ETHERTYPE : REASON_NONIP);
	return reason == (splicer.nonip ? REASON_NONIP : REASON_ETHERTYPE);
}

/* A later fragment whose first was never seen. */
static bool later_gives(enum context context, enum reason reason)
{
	if (leaves(context))
		return reason == (splicer.out_drop ? REASON_FRAGMENT : REASON_OUT);
	return reason == REASON_FRAGMENT || reason == REASON_FRAGMENT_EARLY;
}

/* TCP that leaves as an answer is of a socket, or of the kernel's own. */
static bool is_answer(const struct plain *plain, enum context context)
{
	return leaves(context) && plain->proto == IPPROTO_TCP &&
	       (plain->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

static bool reason_holds(const struct plain *plain, enum context context, const struct plain_rule *rule,
			 enum reason reason)
{
	bool out = leaves(context);

	if (plain->kind == PLAIN_MALFORMED)
		return is_malformed(reason);
	if (is_loopback(context))
		return reason == REASON_LOOPBACK ||
		       (rule && rule->action == RULES_SPLICE && rule_gives(rule, context, reason));
	if (plain->kind != PLAIN_IP)
		return other_gives(plain, context, reason);
	if (plain->is_later)
		return later_gives(context, reason);
	if (is_neighbour(plain))
		return reason == REASON_NEIGHBOUR;
	if (is_dhcp(plain, out))
		return reason == REASON_DHCP;
	/* the kernel lends a test run a socket, of TCP or not as it looks at the frame */
	if (is_answer(plain, context) && reason == REASON_ESTABLISHED)
		return true;
	if (!out && splicer.echo && is_echo(plain))
		return reason == REASON_ECHO;
	return rule_gives(rule, context, reason);
}

static enum verdict verdict_for(enum context context, const struct plain_rule *rule, enum reason reason)
{
	enum verdict usual = reason_verdict(reason);
	int mode = rule && !is_malformed(reason) ? rule->mode : RULES_MODE_UNSET;

	if (usual != VERDICT_DROP)
		return usual;
	if (is_malformed(reason) && !leaves(context) && splicer.on_truncated)
		return VERDICT_PASS;
	if (mode != RULES_MODE_UNSET)
		return mode == RULES_DETECT ? VERDICT_DETECT : VERDICT_DROP;
	return splicer.detect ? VERDICT_DETECT : VERDICT_DROP;
}

/* Whether a rule has a say in what became of it. */
static bool is_of_rule(const struct plain *plain, enum context context, enum reason reason)
{
	(void)context;
	return plain->kind == PLAIN_IP && !plain->is_later &&
	       (reason == REASON_RULE_DROP || reason == REASON_RULE_PASS || reason == REASON_NO_LISTENER ||
		reason == REASON_NO_LOOKUP || reason == REASON_ASSIGN);
}

/* ---- frames ---- */

static const struct plain_rule *rule_for(const struct trial *trial, enum context context, const struct plain *plain)
{
	struct plain_packet packet = plain_question(plain, leaves(context) ? RULES_OUT : RULES_IN,
						    (uint32_t)context_ifindex(&trial->fixture, context));

	return plain->kind == PLAIN_IP ? oracle_match(&splicer.subject.model, &packet) : NULL;
}

static bool decision_holds(struct trial *trial, enum context context, const struct frame *frame,
			   const struct plain *plain, const struct outcome *outcome, struct wrong *wrong)
{
	const struct plain_rule *rule = rule_for(trial, context, plain);
	const struct plain_rule *of = is_of_rule(plain, context, outcome->reason) ? rule : NULL;
	char got[256];

	outcome_print(outcome, frame, got, sizeof(got));
	if (!reason_holds(plain, context, rule, outcome->reason))
		return wrong_say(wrong, "the reason is that of a plain reading and a walk over the rules",
				 "%s; rule %s", got, rule ? plain_text(rule) : "none");
	if (outcome->counted.verdict != verdict_for(context, of, outcome->reason))
		return wrong_say(wrong, "the verdict is that of reason, rule and settings", "%s", got);
	if (outcome->action != action_of(outcome->counted.verdict))
		return wrong_say(wrong, "the action carries the verdict out", "%s", got);
	return true;
}

/* Run as if it were the first of all. */
static bool run_first(struct trial *trial, enum context context, const struct frame *frame, struct outcome *outcome,
		      struct wrong *wrong)
{
	state_forget(&trial->fixture);
	fixture_run(&trial->fixture, context, frame, outcome);
	trial->frames++;
	return outcome_counts(trial, outcome, frame, wrong);
}

/* A frame that may be taken out of its tunnel: which is decided then is not known here. */
static bool opens_tunnel(const struct plain *plain, enum context context)
{
	return splicer.tunnels && !leaves(context) && plain->kind == PLAIN_IP && plain->proto == IPPROTO_UDP &&
	       plain->dport == 6081 && !plain->is_later && !plain->is_first;
}

/* Only that it is decided, counted once, and whole; what it was in is gone. */
static bool tunnel_holds(struct trial *trial, enum context context, const struct frame *frame, struct wrong *wrong)
{
	struct outcome outcome;

	state_forget(&trial->fixture);
	fixture_run(&trial->fixture, context, frame, &outcome);
	trial->frames++;
	trial->decided[outcome.reason]++;
	if (outcome.error)
		return wrong_say(wrong, "a run succeeds", "errno %d", outcome.error);
	if (outcome.moved != 1 || outcome.bytes != (int64_t)trial->fixture.out_len)
		return wrong_say(wrong, "what comes out of a tunnel is counted once", "%d packets, %lld bytes of %zu",
				 outcome.moved, (long long)outcome.bytes, trial->fixture.out_len);
	if (outcome.counted.verdict == VERDICT_NONE || outcome.action != action_of(outcome.counted.verdict))
		return wrong_say(wrong, "the action carries the verdict out", "%s", action_name(outcome.action));
	return true;
}

static bool holds_splicer(struct trial *trial, enum context context, const struct frame *frame, struct wrong *wrong)
{
	struct numbers numbers = { frame->len };
	struct outcome first, again;
	struct plain plain;
	struct frame other;

	if (frame->len < frame_shortest(frame))
		return true; /* no run is to be had for it */
	plain_read(frame, &plain);
	if (opens_tunnel(&plain, context))
		return tunnel_holds(trial, context, frame, wrong);
	if (!run_first(trial, context, frame, &first, wrong) ||
	    !decision_holds(trial, context, frame, &plain, &first, wrong))
		return false;
	trial_disturb(trial, context);
	if (!run_first(trial, context, frame, &again, wrong) ||
	    !same_decision(&first, &again, "a frame of other content before it has no say", wrong))
		return false;
	if (!frame_trail(&numbers, frame, &plain, &other) || other.len < frame_shortest(&other))
		return true;
	return run_first(trial, context, &other, &again, wrong) &&
	       same_decision(&first, &again, "what is behind the IP packet has no say", wrong);
}

static bool end_splicer(struct trial *trial, struct wrong *wrong)
{
	(void)trial, (void)wrong;
	return true;
}

const struct program program_splicer = {
	.name = "splicer.o",
	.open = open_splicer,
	.begin = begin_splicer,
	.draw = draw_splicer,
	.where = where_splicer,
	.holds = holds_splicer,
	.end = end_splicer,
	.close = close_splicer,
};
