/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject.h"

#include "clock.h"
#include "ruleset_internal.h"

#include <err.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FAR (24 * 3600 * CLOCK_SECOND) /* ns from now */

void subject_open(struct subject *subject, const char *pin_dir)
{
	*subject = (struct subject){ .set = { .outer = -1 }, .far = clock_now() + FAR };
	if (pins_open(&subject->pins, pin_dir, PINS_SPLICER, true, &subject->error) ||
	    pins_lock(&subject->pins, &subject->error) ||
	    ruleset_open(&subject->set, &subject->pins, &pin_rules, true, &subject->error))
		errx(2, "%s", subject->error.text);
}

void subject_close(struct subject *subject)
{
	ruleset_close(&subject->set);
	oracle_free(&subject->model);
	oracle_free(&subject->past);
	free(subject->places);
	free(subject->last.items);
}

/* ---- lists of rules ---- */

static int by_identity(const void *left, const void *right)
{
	const struct plain_rule *a = left, *b = right;
	int order = memcmp(a, b, offsetof(struct plain_rule, action));

	return order ? order : a->age < b->age ? -1 : a->age > b->age;
}

static int by_age(const void *left, const void *right)
{
	const struct plain_rule *a = left, *b = right;

	return a->age < b->age ? -1 : a->age > b->age;
}

void rules_sort(struct plain_rule *rules, size_t count)
{
	if (count)
		qsort(rules, count, sizeof(*rules), by_age);
}

size_t rules_unique(struct plain_rule *rules, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		rules[i].age = i;
	if (count)
		qsort(rules, count, sizeof(*rules), by_identity);
	for (size_t i = 0; i < count; i++)
		if (i + 1 == count || !plain_is_same(&rules[i], &rules[i + 1]))
			rules[kept++] = rules[i];
	rules_sort(rules, kept);
	return kept;
}

void subject_plan(struct changes *changes, enum change_kind kind, const struct plain_rule *rule)
{
	struct rules_record record = plain_record(rule);
	struct error error;

	if (changes_add(changes, kind, &record, &error))
		errx(2, "%s", error.text);
}

/* ---- the set as it stands ---- */

static int set_reopen(struct subject *subject)
{
	ruleset_close(&subject->set);
	return ruleset_open(&subject->set, &subject->pins, &pin_rules, true, &subject->error) ||
	       arena_map_whole(&subject->set.arena, &subject->error);
}

static int listing_differs(struct subject *subject)
{
	if (subject->count != subject->model.count)
		return error_state(&subject->error, "listing", "%zu rules, and %zu in the model", subject->count,
				   subject->model.count);
	for (size_t i = 0; i < subject->count; i++) {
		struct rules_record record;
		struct plain_rule got;

		if (!ruleset_read(&subject->set, &subject->places[i], &record))
			return error_state(&subject->error, "listing", "rule %zu cannot be read", i);
		record_plain(&record, &got);
		if (!plain_is_equal(&got, &subject->model.items[i]))
			return error_state(&subject->error, "listing", "%s; in the model %s", plain_text(&got),
					   plain_text(&subject->model.items[i]));
	}
	return 0;
}

enum change_outcome subject_settle(struct subject *subject)
{
	free(subject->places);
	subject->places = NULL;
	subject->count = 0;
	rules_sort(subject->model.items, subject->model.count);
	if (set_reopen(subject) || ruleset_order(&subject->set, &subject->places, &subject->count, &subject->error) ||
	    listing_differs(subject))
		return CHANGE_FAILED;
	return CHANGE_DONE;
}

/* ---- changes ---- */

/* A limit that is documented, not a failure. */
static bool is_crowded(const struct error *error)
{
	return strstr(error->text, "rules that expire have a port") || strstr(error->text, "combinations of protocol");
}

static enum change_outcome set_apply(struct subject *subject, struct changes *changes)
{
	if (!ruleset_apply(&subject->set, changes, false, &subject->error))
		return CHANGE_DONE;
	return is_crowded(&subject->error) ? CHANGE_CROWDED : CHANGE_FAILED;
}

static void last_take(struct subject *subject, struct changes *changes)
{
	free(subject->last.items);
	subject->last = *changes;
	*changes = (struct changes){ 0 };
}

/* Rules that had expired when they were put: the model forgets them at once. */
void subject_let_expire(struct subject *subject, uint64_t now)
{
	struct oracle *model = &subject->model;

	for (size_t i = 0; i < model->count;) {
		if (!model->items[i].expires || model->items[i].expires > now) {
			i++;
			continue;
		}
		oracle_append(&subject->past, &model->items[i]);
		model->items[i] = model->items[--model->count];
	}
}

static void model_change(struct subject *subject, const struct changes *changes)
{
	size_t count = changes->count;
	struct plain_rule *rules = calloc(count + 1, sizeof(*rules));
	char *letters = calloc(count + 1, 1);

	if (!rules || !letters)
		err(2, "rules");
	for (size_t i = 0; i < count; i++)
		record_plain(&changes->items[i].rule, &rules[i]);
	if (changes->replace)
		oracle_replace(&subject->model, rules, count, letters);
	for (size_t i = 0; i < count && !changes->replace; i++)
		oracle_apply(&subject->model, changes->items[i].kind, &rules[i]);
	free(rules);
	free(letters);
	subject_let_expire(subject, EXPIRES_PAST);
}

enum change_outcome subject_change(struct subject *subject, struct changes *changes)
{
	size_t count = changes->count;
	enum change_outcome outcome = set_apply(subject, changes);

	/* a replacement has appended its deletions, of which the model need not be told */
	changes->count = count;
	if (outcome == CHANGE_DONE)
		model_change(subject, changes);
	last_take(subject, changes);
	return outcome == CHANGE_DONE ? subject_settle(subject) : outcome;
}

static void model_load(struct subject *subject, const struct plain_rule *rules, size_t count)
{
	oracle_free(&subject->model);
	oracle_free(&subject->past);
	for (size_t i = 0; i < count; i++) {
		oracle_append(&subject->model, &rules[i]);
		subject->model.items[i].age = ++subject->model.clock;
		subject->model.items[i].packets = 0;
		if (rules[i].expires == EXPIRES_PAST)
			subject->model.items[i].expires = subject->far;
	}
}

static enum change_outcome loaded_expire(struct subject *subject, const struct plain_rule *rules, size_t count)
{
	size_t expired = 0;

	for (size_t i = count; i--;) {
		if (rules[i].expires != EXPIRES_PAST)
			continue;
		subject_expire(subject, i);
		expired++;
	}
	return expired ? subject_settle(subject) : CHANGE_DONE;
}

/* A rule that takes its own place would count on. */
static enum change_outcome set_clear(struct subject *subject)
{
	struct changes none = { .replace = true };
	enum change_outcome outcome = set_apply(subject, &none);

	return outcome == CHANGE_DONE && set_reopen(subject) ? CHANGE_FAILED : outcome;
}

enum change_outcome subject_load(struct subject *subject, const struct plain_rule *rules, size_t count)
{
	struct changes changes = { .replace = true }, none = { 0 };
	enum change_outcome outcome = set_clear(subject);

	if (outcome != CHANGE_DONE)
		return outcome;
	model_load(subject, rules, count);
	for (size_t i = 0; i < count; i++)
		subject_plan(&changes, CHANGE_PUT, &subject->model.items[i]);
	outcome = set_apply(subject, &changes);
	free(changes.items);
	last_take(subject, &none);
	if (outcome == CHANGE_DONE)
		outcome = subject_settle(subject);
	return outcome == CHANGE_DONE ? loaded_expire(subject, rules, count) : outcome;
}

/* The record keeps its place in the arena; `sweep` would have a writer look for it. The model loses its order. */
void subject_expire(struct subject *subject, size_t i)
{
	struct rules_record *record = set_record(&subject->set, subject->places[i].cell);
	struct plain_rule *rule = &subject->model.items[i];

	__atomic_store_n(&record->head.expires, EXPIRES_PAST, __ATOMIC_RELEASE);
	rule->expires = EXPIRES_PAST;
	oracle_append(&subject->past, rule);
	oracle_delete(&subject->model, rule);
}

/* ---- answers ---- */

static enum reason reason_of(const struct plain_rule *rule)
{
	if (!rule)
		return REASON_NO_RULE;
	switch (rule->action) {
	case RULES_SPLICE:
		return rule->port == LISTENER_PORT ? REASON_RULE_SPLICE : REASON_NO_LISTENER;
	case RULES_PASS:
		return REASON_RULE_PASS;
	default:
		return REASON_RULE_DROP;
	}
}

void subject_expect(const struct subject *subject, const struct plain_packet *packet, struct answer *answer)
{
	const struct plain_rule *rule = oracle_match(&subject->model, packet);

	*answer = (struct answer){ .reason = reason_of(rule) };
	if (rule)
		answer->rule = subject->places[rule - subject->model.items].sequence;
}

const struct plain_rule *subject_rule(const struct subject *subject, uint64_t sequence)
{
	for (size_t i = 0; i < subject->count; i++)
		if (subject->places[i].sequence == sequence)
			return &subject->model.items[i];
	return NULL;
}
