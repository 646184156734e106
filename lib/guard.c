/* SPDX-License-Identifier: GPL-2.0-only */
#include "guard.h"

#include "abi/xdp.h"
#include "array.h"
#include "clock.h"
#include "question.h"
#include "rulekey.h"
#include "rulewhy.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int guard_session(struct prefix *client, struct error *error)
{
	struct session sessions[SESSIONS_MAX];

	if (!sessions_find(sessions))
		return error_state(error, "session", "no SSH session found");
	*client = (struct prefix){ .family = sessions[0].family, .len = (uint8_t)prefix_bits(sessions[0].family) };
	memcpy(client->addr, sessions[0].client.addr, sizeof(client->addr));
	return 0;
}

/* ---- what a rule does to a session ---- */

static struct question session_question(const struct session *session, uint32_t ifindex)
{
	struct question question = {
		.family = session->family,
		.proto = IPPROTO_TCP,
		.sport = session->client.port,
		.port = session->server.port,
		.ifindex = ifindex,
		.direction = RULES_IN,
	};

	memcpy(question.src, session->client.addr, sizeof(question.src));
	memcpy(question.dst, session->server.addr, sizeof(question.dst));
	return question;
}

static bool rule_drops(const struct rules_record *rule)
{
	return rules_decision_action(rule->head.decision) == RULES_DROP &&
	       rules_decision_mode(rule->head.decision) != RULES_DETECT;
}

/* Packets that stay within its rate meet it in vain: a rule to drop with a rate is for what is beyond it. */
static bool rule_is_vain(const struct rules_record *rule)
{
	return rule_rate(rule) && rules_decision_action(rule->head.decision) == RULES_DROP;
}

/* ---- whether a change can matter ---- */

/*
 * A deletion tells an identity: what the rule did is not known from it. And one that ends takes the place of one that
 * does not.
 */
static bool change_threatens(const struct change *change)
{
	return change->kind == CHANGE_DELETE || rule_is_vain(&change->rule) || rule_drops(&change->rule) ||
	       change->rule.head.expires;
}

/* By whatever interface its packets come in. */
static bool changes_threaten(const struct changes *changes, const struct session *session)
{
	struct question question = session_question(session, 0);

	for (size_t i = 0; i < changes->count; i++) {
		if (!change_threatens(&changes->items[i]))
			continue;
		question.ifindex = changes->items[i].rule.head.ifindex;
		if (rule_matches(&changes->items[i].rule, &question))
			return true;
	}
	return changes->replace;
}

/* ---- the rules after the changes ---- */

static void rivals_take_away(struct rivals *rivals, const struct rules_record *like)
{
	size_t kept = 0;

	for (size_t i = 0; i < rivals->count; i++)
		if (rule_compare(&rivals->items[i], like) != 0)
			rivals->items[kept++] = rivals->items[i];
	rivals->count = kept;
}

static void rivals_replace(struct rivals *rivals, const struct changes *changes)
{
	size_t kept = 0;

	for (size_t i = 0; i < rivals->count; i++)
		if (changes->spares && changes->spares(changes, &rivals->items[i]))
			rivals->items[kept++] = rivals->items[i];
	rivals->count = kept;
}

/* What is put is newer than all that there is, the last of it newest. */
static int rivals_put(struct rivals *rivals, const struct rules_record *rule, uint64_t sequence, struct error *error)
{
	struct rules_record *items = array_room(rivals->items, rivals->count, sizeof(*items));

	if (!items)
		return error_errno(error, "rules");
	rivals->items = items;
	items[rivals->count] = *rule;
	items[rivals->count].head.rank = rule_rank(rule);
	items[rivals->count++].head.decision = decision_renumber(rule->head.decision, sequence);
	return 0;
}

static int rivals_change(struct rivals *rivals, const struct changes *changes, const struct question *question,
			 struct error *error)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];

		if (!rule_matches(&change->rule, question))
			continue;
		rivals_take_away(rivals, &change->rule);
		if (change->kind == CHANGE_PUT &&
		    rivals_put(rivals, &change->rule, RULES_SEQUENCE_MAX - changes->count + i, error))
			return -1;
	}
	return 0;
}

/* ---- what becomes of a packet, now and later ---- */

static bool rule_is_in_force(const struct rules_record *rule, uint64_t time)
{
	return !rule->head.expires || rule->head.expires > time;
}

/* The best of those that decide at that time, ns of CLOCK_MONOTONIC; NULL: none. */
static const struct rules_record *rivals_best(const struct rivals *rivals, uint64_t time)
{
	const struct rules_record *best = NULL;

	for (size_t i = 0; i < rivals->count; i++) {
		const struct rules_record *rule = &rivals->items[i];

		if (rule_is_in_force(rule, time) && !rule_is_vain(rule) &&
		    (!best || precedence_compare(rule, best) > 0))
			best = rule;
	}
	return best;
}

/* How many are met in vain before it. */
static size_t rivals_vain(const struct rivals *rivals, const struct rules_record *best, uint64_t time)
{
	size_t count = 0;

	for (size_t i = 0; i < rivals->count; i++) {
		const struct rules_record *rule = &rivals->items[i];

		count += rule_is_in_force(rule, time) && rule_is_vain(rule) &&
			 (!best || precedence_compare(rule, best) > 0);
	}
	return count;
}

static bool rivals_cut(const struct rivals *rivals, uint64_t time)
{
	const struct rules_record *best = rivals_best(rivals, time);

	return (best && rule_drops(best)) || rivals_vain(rivals, best, time) > XDP_RATES_MAX;
}

/* Whether these cut now, or as soon as one of them has ended, what those let in that were there before. */
static bool rivals_cut_more(const struct rivals *rivals, const struct rivals *before)
{
	uint64_t now = clock_now();

	if (rivals_cut(rivals, now) && !rivals_cut(before, now))
		return true;
	for (size_t i = 0; i < rivals->count; i++) {
		uint64_t end = rivals->items[i].head.expires;

		if (end > now && rivals_cut(rivals, end) && !rivals_cut(before, end))
			return true;
	}
	return false;
}

static int rivals_copy(const struct rivals *rivals, struct rivals *out, struct error *error)
{
	*out = (struct rivals){ 0 };
	for (size_t i = 0; i < rivals->count; i++) {
		struct rules_record *items = array_room(out->items, out->count, sizeof(*items));

		if (!items)
			return error_errno(error, "rules");
		out->items = items;
		items[out->count++] = rivals->items[i];
	}
	return 0;
}

/* 1: let in so far, and cut by the changes. */
static int question_is_cut(const struct question *question, const struct changes *changes, struct ruleset *set,
			   struct error *error)
{
	struct rivals before, after;
	int result;

	if (rivals_find_locked(set, question, &before, error))
		return -1;
	result = rivals_copy(&before, &after, error);
	if (changes->replace)
		rivals_replace(&after, changes);
	if (!result)
		result = rivals_change(&after, changes, question, error);
	if (!result)
		result = rivals_cut_more(&after, &before);
	free(before.items);
	free(after.items);
	return result;
}

/* ---- sessions ---- */

static int refuse(const struct session *session, struct error *error)
{
	char client[PREFIX_TEXT_MAX], server[PREFIX_TEXT_MAX];

	return error_state(error, "session",
			   "would be cut: SSH from %s to %s port %u, nothing was changed; "
			   "first 'xdp_rule add session never-drop', or say --force",
			   address_format(session->family, session->client.addr, client),
			   address_format(session->family, session->server.addr, server),
			   (unsigned int)session->server.port);
}

static bool is_server(const struct own_address *own, const struct session *session)
{
	return own->family == session->family && !memcmp(own->addr, session->server.addr, sizeof(own->addr));
}

int guard_check_session(const struct session *session, const struct own_addresses *own, const struct changes *changes,
			struct ruleset *set, struct error *error)
{
	struct question question = session_question(session, 0);
	int cut = 0;

	if (!changes_threaten(changes, session))
		return 0;
	for (size_t i = 0; i < own->count && !cut; i++) {
		if (!is_server(&own->items[i], session))
			continue;
		question.ifindex = own->items[i].ifindex;
		cut = question_is_cut(&question, changes, set, error);
	}
	/* no interface has the address: what counts are rules for all of them */
	if (!question.ifindex)
		cut = question_is_cut(&question, changes, set, error);
	return cut > 0 ? refuse(session, error) : cut;
}

int guard_check(const struct changes *changes, struct ruleset *set, struct error *error)
{
	struct session sessions[SESSIONS_MAX];
	size_t count = sessions_find(sessions);
	struct own_addresses own = { 0 };
	bool known = false;
	int result = 0;

	for (size_t i = 0; i < count && !result; i++) {
		if (!changes_threaten(changes, &sessions[i]))
			continue;
		if (!known && netlink_own_addresses(&own, error))
			return -1;
		known = true;
		result = guard_check_session(&sessions[i], &own, changes, set, error);
	}
	free(own.items);
	return result;
}
