/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule engine in the kernel against a walk over all rules (test/unit/oracle.h): random rule sets, random changes,
 * random packets, each put to the attached program as a question; its reason and its deciding rule are compared.
 *
 *     oracle_test OBJECT.o PIN_DIR       SEED repeats a run, ORACLE_COMPARISONS says how many
 */
#include "clock.h"
#include "shrink.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define COMPARISONS 240000 /* 10 million in `make test-oracle` */
#define RULES_MAX 3000
#define RULES_LARGE 50000
#define LARGE_SHARE 40         /* one comparison in so many is on large sets */
#define ROUNDS 25              /* changes of a set before another is loaded */
#define BATCH_MAX 24           /* changes at once */
#define PARTS 3                /* of the comparisons of a kind and family: one for each way of changing */
#define VARIETY_EVERY 16       /* looks at why the winner wins once in so many */
#define VARIETY_MIN 20         /* of each reason to win, at COMPARISONS */
#define TTL (2 * CLOCK_SECOND) /* of the rules whose time is waited for */
#define TTL_MARGIN (CLOCK_SECOND / 2)

/* The first thing in which two rules that match a packet differ. */
enum step { BY_PRIORITY, BY_DST, BY_SRC, BY_PORTS, BY_INTERFACE, BY_ACTION, BY_AGE, STEPS };
static const char *const step_names[STEPS] = { "priority",  "destination", "source", "ports",
					       "interface", "action",      "age" };

struct tally {
	unsigned long comparisons, hits, misses, changes, crowded, past, steps[STEPS];
};

struct trial {
	uint64_t seed;
	unsigned long comparisons; /* that are wanted in all */
	struct subject subject;
	struct asker asker;
	struct draw draw;
	struct tally tally;
};

/* ---- asking ---- */

static enum step first_difference(const struct plain_rule *a, const struct plain_rule *b)
{
	if (a->priority != b->priority)
		return BY_PRIORITY;
	if (a->dst_len != b->dst_len)
		return BY_DST;
	if (a->src_len != b->src_len)
		return BY_SRC;
	if (a->high - a->low != b->high - b->low)
		return BY_PORTS;
	if (!a->ifindex != !b->ifindex)
		return BY_INTERFACE;
	return a->action != b->action ? BY_ACTION : BY_AGE;
}

/* Why the winner wins over each other rule that matches; and whether an expired one would have won. */
static void variety_count(struct trial *trial, const struct plain_packet *packet)
{
	const struct oracle *model = &trial->subject.model;
	const struct plain_rule *winner = oracle_match(model, packet), *past;

	past = oracle_match(&trial->subject.past, packet);
	if (past && (!winner || plain_beats(past, winner)))
		trial->tally.past++;
	for (size_t i = 0; i < model->count && winner; i++)
		if (&model->items[i] != winner && plain_matches(&model->items[i], packet))
			trial->tally.steps[first_difference(winner, &model->items[i])]++;
	*(winner ? &trial->tally.hits : &trial->tally.misses) += 1;
}

/* One comparison. */
static bool packet_try(struct trial *trial, const struct plain_packet *packet)
{
	if (trial->tally.comparisons++ % VARIETY_EVERY == 0)
		variety_count(trial, packet);
	return packet_agrees(&trial->subject, &trial->asker, packet);
}

static bool packets_try(struct trial *trial, unsigned long count, struct plain_packet *packet)
{
	while (count--) {
		*packet = draw_packet(&trial->draw, &trial->subject.model);
		if (!packet_try(trial, packet))
			return false;
	}
	return true;
}

/* ---- changes ---- */

static struct plain_rule rule_to_delete(struct draw *draw, const struct oracle *model)
{
	if (!model->count || !draw_below(draw, 10))
		return draw_rule(draw, model);
	return model->items[draw_below(draw, (uint32_t)model->count)];
}

/* Half of the changes delete; where rules expire, some have done so when they are put. */
static void plan_one(struct trial *trial, struct changes *changes)
{
	struct draw *draw = &trial->draw;
	const struct oracle *model = &trial->subject.model;
	bool deletes = model->count > RULES_MAX || draw_below(draw, 2);
	struct plain_rule rule = deletes ? rule_to_delete(draw, model) : draw_rule(draw, model);

	if (!deletes && rule.expires && !draw_below(draw, 8))
		rule.expires = EXPIRES_PAST;
	subject_plan(changes, deletes ? CHANGE_DELETE : CHANGE_PUT, &rule);
}

static enum change_outcome change_one(struct trial *trial)
{
	struct changes changes = { 0 };

	plan_one(trial, &changes);
	return subject_change(&trial->subject, &changes);
}

static enum change_outcome change_batch(struct trial *trial)
{
	struct changes changes = { 0 };

	for (uint32_t count = 2 + draw_below(&trial->draw, BATCH_MAX - 1); count; count--)
		plan_one(trial, &changes);
	return subject_change(&trial->subject, &changes);
}

/* Most of the rules, often in another order, and new ones among them. */
static enum change_outcome change_all(struct trial *trial)
{
	const struct oracle *model = &trial->subject.model;
	struct changes changes = { .replace = true };
	struct draw *draw = &trial->draw;
	size_t from = draw_below(draw, 2) && model->count ? draw_below(draw, (uint32_t)model->count) : 0;

	for (size_t i = 0; i < model->count; i++)
		if (draw_below(draw, 8))
			subject_plan(&changes, CHANGE_PUT, &model->items[(i + from) % model->count]);
	for (uint32_t count = draw_below(draw, BATCH_MAX); count; count--) {
		struct plain_rule rule = draw_rule(draw, model);

		subject_plan(&changes, CHANGE_PUT, &rule);
	}
	return subject_change(&trial->subject, &changes);
}

/* From the last to the first: subject_expire upsets the order behind. */
static enum change_outcome change_by_time(struct trial *trial)
{
	struct subject *subject = &trial->subject;

	for (size_t i = subject->model.count; i--;)
		if (subject->model.items[i].expires && !draw_below(&trial->draw, 8))
			subject_expire(subject, i);
	return subject_settle(subject);
}

static enum change_outcome change_singly(struct trial *trial)
{
	return change_one(trial);
}

static enum change_outcome change_much(struct trial *trial)
{
	return draw_below(&trial->draw, 2) ? change_batch(trial) : change_all(trial);
}

static enum change_outcome change_expiring(struct trial *trial)
{
	switch (draw_below(&trial->draw, 8)) {
	case 0:
		return change_batch(trial);
	case 1:
		return change_all(trial);
	case 2:
	case 3:
		return change_by_time(trial);
	default:
		return change_one(trial);
	}
}

static const struct way {
	const char *name;
	enum change_outcome (*change)(struct trial *trial);
	unsigned int expiring;   /* one rule in so many */
	unsigned int per_change; /* packets */
} ways[PARTS] = {
	{ "changes in place", change_singly, 16, 40 },
	{ "batches and replacements", change_much, 16, 100 },
	{ "rules that expire", change_expiring, 2, 60 },
};

/* ---- sets ---- */

/* Rules drawn one after the other, each perhaps a relative of one before. */
static size_t rules_draw(struct draw *draw, size_t count, struct plain_rule **rules)
{
	struct oracle drawn = { 0 };

	while (drawn.count < count) {
		struct plain_rule rule = draw_rule(draw, &drawn);

		oracle_append(&drawn, &rule);
	}
	count = rules_unique(drawn.items, drawn.count);
	*rules = drawn.items;
	return count;
}

/* As many small sets as large ones. What is too crowded is halved until it fits. */
static enum change_outcome set_load(struct trial *trial)
{
	uint32_t scale = 2u << draw_below(&trial->draw, 12), size = 1 + draw_below(&trial->draw, scale);
	struct plain_rule *rules;
	size_t count = rules_draw(&trial->draw, size < RULES_MAX ? size : RULES_MAX, &rules);
	enum change_outcome outcome = subject_load(&trial->subject, rules, count);

	while (outcome == CHANGE_CROWDED) {
		trial->tally.crowded++;
		count /= 2;
		outcome = subject_load(&trial->subject, rules, count);
	}
	free(rules);
	return outcome;
}

static unsigned long smaller(unsigned long a, unsigned long b)
{
	return a < b ? a : b;
}

/* A set and what becomes of it. False: *packet shows a difference, or subject.error says what went wrong. */
static bool set_try(struct trial *trial, const struct way *way, unsigned long *left, struct plain_packet *packet)
{
	enum change_outcome outcome = set_load(trial);

	for (int round = 0; round < ROUNDS && *left && outcome != CHANGE_FAILED; round++) {
		unsigned long count = smaller(way->per_change, *left);

		packet->family = -1;
		if (!packets_try(trial, count, packet))
			return false;
		*left -= count;
		outcome = way->change(trial);
		trial->tally.changes++;
		trial->tally.crowded += outcome == CHANGE_CROWDED;
	}
	packet->family = -1;
	return outcome != CHANGE_FAILED;
}

/* ---- reporting ---- */

static void report_failure(struct trial *trial, const struct plain_packet *packet, const char *name)
{
	printf("# seed %" PRIu64 "\n", trial->seed);
	if (packet->family < 0) {
		tap_not_ok("the model's rules", trial->subject.error.text, "%s", name);
		return;
	}
	tap_not_ok("the same answer of program and oracle", "different ones", "%s", name);
	mismatch_print(&trial->subject, &trial->asker, packet);
}

static void draw_begin(struct trial *trial, enum set_kind kind, uint32_t family, unsigned int phase)
{
	struct draw *draw = &trial->draw;

	/* each phase by itself, so that what one draws does not depend on the length of another */
	draw->numbers.state = set_mix(trial->seed + ((uint64_t)phase << 32 | (uint64_t)kind << 16 | family));
	draw->kind = kind;
	draw->family = family;
	draw->expires = trial->subject.far;
}

static void set_name(const struct draw *draw, const char *what, char name[128])
{
	snprintf(name, 128, "%s, IPv%d: %s", set_names[draw->kind], draw->family == RULES_IPV6 ? 6 : 4, what);
}

static void way_run(struct trial *trial, enum set_kind kind, uint32_t family, unsigned int number)
{
	unsigned long left = trial->comparisons / (2 * SET_KINDS * PARTS) + 1, wanted = left;
	const struct way *way = &ways[number];
	struct plain_packet packet;
	char name[128];

	draw_begin(trial, kind, family, number);
	trial->draw.expiring = way->expiring;
	set_name(&trial->draw, way->name, name);
	while (left) {
		if (!set_try(trial, way, &left, &packet)) {
			report_failure(trial, &packet, name);
			return;
		}
	}
	tap_ok("%s (%lu comparisons)", name, wanted);
}

/* ---- a large set ---- */

static enum change_outcome large_load(struct trial *trial)
{
	struct draw *draw = &trial->draw;
	struct plain_rule *rules = calloc(RULES_LARGE, sizeof(*rules));
	enum change_outcome outcome;
	size_t count;

	if (!rules)
		err(2, "rules");
	for (uint32_t i = 0; i < RULES_LARGE; i++) {
		struct rules_record record = set_rule(draw->kind, draw->family, i);

		/* ports that wrap around are no rule */
		if (record.head.high < record.head.low)
			record.head.high = 65535;
		record_plain(&record, &rules[i]);
	}
	count = rules_unique(rules, RULES_LARGE);
	outcome = subject_load(&trial->subject, rules, count);
	free(rules);
	return outcome;
}

static void large_run(struct trial *trial, enum set_kind kind, uint32_t family)
{
	unsigned long count = trial->comparisons / (LARGE_SHARE * 2 * SET_KINDS) + 1;
	struct plain_packet packet = { .family = -1 };
	enum change_outcome outcome;
	char name[128];

	draw_begin(trial, kind, family, PARTS);
	trial->draw.expiring = 16;
	set_name(&trial->draw, "a large set", name);
	outcome = large_load(trial);
	for (int i = 0; i < 3 && outcome == CHANGE_DONE; i++)
		outcome = change_one(trial);
	if (outcome == CHANGE_DONE && packets_try(trial, count, &packet))
		tap_ok("%s (%zu rules, %lu comparisons)", name, trial->subject.count, count);
	else
		report_failure(trial, &packet, name);
}

/* ---- rules whose time is waited for ---- */

static void sleep_until(uint64_t then)
{
	struct timespec time = { .tv_sec = (time_t)(then / CLOCK_SECOND), .tv_nsec = (long)(then % CLOCK_SECOND) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
		;
}

static bool ttl_load(struct trial *trial, uint64_t expires)
{
	struct draw *draw = &trial->draw;
	struct plain_rule *rules;
	size_t count;
	bool done;

	draw->expiring = 2;
	draw->expires = expires;
	count = rules_draw(draw, 60, &rules);
	done = subject_load(&trial->subject, rules, count) == CHANGE_DONE;
	free(rules);
	return done;
}

/* Before their time they match, after it they do not. Where this machine slept on the way, before does not count. */
static void ttl_run(struct trial *trial, uint32_t family)
{
	uint64_t expires = clock_now() + TTL;
	struct plain_packet packet = { .family = -1 };
	char name[128];
	bool agree;

	draw_begin(trial, SET_ROUTER, family, PARTS + 1);
	set_name(&trial->draw, "before and after the time of rules is up", name);
	agree = ttl_load(trial, expires) && packets_try(trial, 500, &packet);
	if (!agree && clock_now() > expires - TTL_MARGIN) {
		tap_note("%s: this machine was too slow to see it before", name);
		agree = true;
	}
	if (agree) {
		sleep_until(expires + TTL_MARGIN);
		subject_let_expire(&trial->subject, expires);
		packet.family = -1;
		agree = subject_settle(&trial->subject) == CHANGE_DONE && packets_try(trial, 500, &packet);
	}
	if (agree)
		tap_ok("%s", name);
	else
		report_failure(trial, &packet, name);
}

/* ---- all of it ---- */

/* A comparison in which nothing can go wrong shows nothing. */
static void check_variety(const struct trial *trial)
{
	const struct tally *tally = &trial->tally;
	unsigned long least = VARIETY_MIN * trial->comparisons / COMPARISONS;
	char got[160] = "", *at = got;

	for (int i = 0; i < STEPS; i++)
		at += sprintf(at, "%s %lu, ", step_names[i], tally->steps[i]);
	tap_note("a winner won by: %.*s", (int)(at - got) - 2, got);
	tap_note("one in %d of the packets: %lu had a rule, %lu had none, %lu would have had one that has expired",
		 VARIETY_EVERY, tally->hits, tally->misses, tally->past);
	tap_note("%lu changes, %lu found no room", tally->changes, tally->crowded);
	for (int i = 0; i < STEPS; i++)
		least = smaller(least, tally->steps[i]);
	least = smaller(least, smaller(tally->hits, smaller(tally->misses, tally->past)));
	if (least >= VARIETY_MIN * trial->comparisons / COMPARISONS && tally->crowded * 3 <= tally->changes + 30)
		tap_ok("each step of precedence decided, and rules that had expired mattered");
	else
		tap_not_ok("each often, and seldom no room", got, "each step of precedence decided");
}

static void trial_run(struct trial *trial)
{
	for (enum set_kind kind = 0; kind < SET_KINDS; kind++) {
		for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
			for (unsigned int i = 0; i < PARTS; i++)
				way_run(trial, kind, family, i);
			large_run(trial, kind, family);
		}
	}
	ttl_run(trial, RULES_IPV4);
	ttl_run(trial, RULES_IPV6);
	check_variety(trial);
}

static void cost_note(const struct trial *trial, uint64_t began)
{
	double seconds = (double)(clock_now() - began) / (double)CLOCK_SECOND;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	tap_note("%lu comparisons in %.1f s, %.0f a second, with %ld MiB of memory at most", trial->tally.comparisons,
		 seconds, (double)trial->tally.comparisons / seconds, usage.ru_maxrss / 1024);
}

/* Every packet is to reach the rules: SSH is none of the program's business here. */
static void ssh_off(const struct fixture *fixture)
{
	struct splicer_iface any = { .setting = { [SETTING_SSH] = SSH_OFF } };
	int map = bpf_object__find_map_fd_by_name(fixture->object, SPLICER_IFACES);
	uint32_t key = SPLICER_IFACE_ANY;

	if (bpf_map_update_elem(map, &key, &any, BPF_ANY))
		err(2, SPLICER_IFACES);
}

static void listen_once(void)
{
	for (int family = 4; family <= 6; family += 2) {
		socket_listen(family, SOCK_STREAM, LISTENER_PORT);
		socket_listen(family, SOCK_DGRAM, LISTENER_PORT);
	}
}

static uint32_t interface_index(const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (!index)
		err(2, "%s", name);
	return index;
}

static void trial_open(struct trial *trial, struct fixture *fixture)
{
	const char *seed = getenv("SEED");

	trial->seed = seed ? strtoull(seed, NULL, 0) : set_mix(clock_now()) >> 32;
	trial->comparisons = numbers_setting("ORACLE_COMPARISONS", COMPARISONS);
	printf("# seed %" PRIu64 "\n", trial->seed);
	fixture_open(fixture);
	ssh_off(fixture);
	listen_once();
	subject_open(&trial->subject, fixture->pin_dir);
	asker_init(&trial->asker, fixture->program);
	trial->draw.interfaces[0] = interface_index(VETH_NAME);
	trial->draw.interfaces[1] = interface_index(VETH_PEER_NAME);
	trial->draw.interfaces[2] = INTERFACE_GONE;
}

int main(int argc, char **argv)
{
	static struct trial trial;
	struct fixture fixture = { 0 };
	uint64_t began = clock_now();

	if (argc != 3) {
		fprintf(stderr, "usage: oracle_test OBJECT.o PIN_DIR\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fixture.object_path[SPLICER] = argv[1];
	fixture.pin_dir = argv[2];
	trial_open(&trial, &fixture);
	trial_run(&trial);
	cost_note(&trial, began);
	subject_close(&trial.subject);
	fixture_close(&fixture);
	return tap_done();
}
