/* SPDX-License-Identifier: GPL-2.0-only */
#include "shrink.h"

#include "rule.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 30 /* of rules in a report */

static bool answer_is(const struct answer *a, const struct answer *b)
{
	return !a->error && !b->error && a->reason == b->reason && a->rule == b->rule;
}

bool packet_agrees(struct subject *subject, struct asker *asker, const struct plain_packet *packet)
{
	struct answer expected, got;

	subject_expect(subject, packet, &expected);
	question_ask(asker, packet, &got);
	return answer_is(&expected, &got);
}

/* ---- making the set smaller ---- */

struct suspects {
	struct plain_rule *rules; /* oldest first */
	size_t count;
	unsigned long tries;
};

/* Those that have expired may be to blame as well. */
static struct suspects suspects_of(const struct subject *subject)
{
	struct suspects all = { .rules = calloc(subject->model.count + subject->past.count + 1, sizeof(*all.rules)) };
	size_t past = 0;

	if (!all.rules)
		err(2, "rules");
	for (size_t i = 0; i < subject->past.count; i++)
		if (!oracle_find(&subject->model, &subject->past.items[i]))
			all.rules[past++] = subject->past.items[i];
	for (size_t i = 0; i < past; i++)
		all.rules[i].expires = EXPIRES_PAST;
	all.count = past;
	for (size_t i = 0; i < subject->model.count; i++)
		all.rules[all.count++] = subject->model.items[i];
	rules_sort(all.rules, all.count);
	all.count = rules_unique(all.rules, all.count);
	return all;
}

static bool still_fails(struct subject *subject, struct asker *asker, const struct plain_packet *packet,
			const struct plain_rule *rules, size_t count)
{
	return subject_load(subject, rules, count) == CHANGE_DONE && !packet_agrees(subject, asker, packet);
}

/* Whether it fails without `count` rules from `first` on; they are gone then. */
static bool suspects_drop(struct subject *subject, struct asker *asker, const struct plain_packet *packet,
			  struct suspects *all, size_t first, size_t count)
{
	size_t left = all->count - count;
	struct plain_rule *rules = calloc(left + 1, sizeof(*rules));
	bool fails;

	if (!rules)
		err(2, "rules");
	memcpy(rules, all->rules, first * sizeof(*rules));
	memcpy(rules + first, all->rules + first + count, (left - first) * sizeof(*rules));
	all->tries++;
	fails = still_fails(subject, asker, packet, rules, left);
	if (fails) {
		memcpy(all->rules, rules, left * sizeof(*rules));
		all->count = left;
	}
	free(rules);
	return fails;
}

/* Halves, quarters, and so on to single rules; then single rules until none can be spared. */
static void suspects_shrink(struct subject *subject, struct asker *asker, const struct plain_packet *packet,
			    struct suspects *all)
{
	size_t chunk = (all->count + 1) / 2, before;

	while (all->count && chunk) {
		before = all->count;
		for (size_t first = 0; first < all->count;) {
			size_t count = chunk < all->count - first ? chunk : all->count - first;

			if (!suspects_drop(subject, asker, packet, all, first, count))
				first += count;
		}
		if (chunk > 1)
			chunk = (chunk + 1) / 2;
		else if (all->count == before)
			chunk = 0;
	}
}

/* ---- telling ---- */

static void rule_note(const char *word, const struct plain_rule *rule)
{
	struct rules_record record = plain_record(rule);

	printf("#   %s ", word);
	rule_print_line(&record);
}

static void answer_note(const struct subject *subject, const char *who, const struct answer *answer)
{
	const struct plain_rule *rule = subject_rule(subject, answer->rule);

	if (answer->error) {
		tap_note("%s: %s", who, strerror(answer->error));
		return;
	}
	tap_note("%s: %s%s", who, reason_name(answer->reason), rule ? ", by the rule" : "");
	if (rule)
		rule_note("map_update", rule);
	else if (answer->rule)
		tap_note("  by rule number %" PRIu64 ", which is not in the set or has expired", answer->rule);
}

static void answers_note(struct subject *subject, struct asker *asker, const struct plain_packet *packet)
{
	struct answer expected, got;

	subject_expect(subject, packet, &expected);
	question_ask(asker, packet, &got);
	answer_note(subject, "oracle", &expected);
	answer_note(subject, "program", &got);
}

static void change_note(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count && i < LINES_MAX; i++) {
		printf("#   %s ", changes->items[i].kind == CHANGE_DELETE ? "(delete)" : "map_update");
		rule_print_line(&changes->items[i].rule);
	}
	if (changes->count > LINES_MAX)
		tap_note("  and %zu more", changes->count - LINES_MAX);
}

static void suspects_note(const struct suspects *all)
{
	for (size_t i = 0; i < all->count && i < LINES_MAX; i++)
		rule_note(all->rules[i].expires == EXPIRES_PAST ? "(expired since) map_update" : "map_update",
			  &all->rules[i]);
	if (all->count > LINES_MAX)
		tap_note("  and %zu more", all->count - LINES_MAX);
}

static void mismatch_note_change(const struct subject *subject, size_t count)
{
	tap_note("the same %zu rules loaded afresh agree: it depends on the changes before. The newest of them%s:",
		 count, subject->last.replace ? ", a replacement" : "");
	change_note(&subject->last);
}

static void mismatch_shrink(struct subject *subject, struct asker *asker, const struct plain_packet *packet,
			    struct suspects *all)
{
	size_t count = all->count;

	suspects_shrink(subject, asker, packet, all);
	tap_note("of %zu rules these %zu show it still (%lu tries):", count, all->count, all->tries);
	suspects_note(all);
	if (subject_load(subject, all->rules, all->count) == CHANGE_DONE)
		answers_note(subject, asker, packet);
}

void mismatch_print(struct subject *subject, struct asker *asker, const struct plain_packet *packet)
{
	struct suspects all = suspects_of(subject);
	struct changes last = subject->last;

	subject->last = (struct changes){ 0 };
	printf("# packet: ");
	question_print(packet);
	putchar('\n');
	answers_note(subject, asker, packet);
	if (still_fails(subject, asker, packet, all.rules, all.count)) {
		mismatch_shrink(subject, asker, packet, &all);
	} else {
		free(subject->last.items);
		subject->last = last;
		last = (struct changes){ 0 };
		mismatch_note_change(subject, all.count);
	}
	free(last.items);
	free(all.rules);
}
