/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lib/ruleset*.c with the packet programs' matcher against the oracle, on random sequences of changes. A failure is
 * repeated with the seed that was printed: test_ruleset SEED, or SEED in the environment.
 */
#include "ruleset_check.h"

#define BATCH_MAX 24

struct subject {
	struct ruleset set;
	struct oracle oracle;
	uint64_t sequence; /* of the newest rule of the set */
	unsigned long steps, hits, misses, letters[128], replaced, gone, unchanged, expired, crowded, rated;
	char wrong[1600];
};

/* ---- one step ---- */

struct step {
	struct change changes[BATCH_MAX];
	struct plain_rule rules[BATCH_MAX];
	size_t count;
	bool dry_run, replace;
};

/* A rule of the set with another action, port, mode or duration, with another tag or interface, or just as it is. */
static struct plain_rule related_rule(const struct oracle *oracle)
{
	struct plain_rule rule = oracle->items[random_below((uint32_t)oracle->count)], other = pool_rule();

	switch (random_below(7)) {
	case 6:
		pool_attributes(&rule);
		break;
	case 5:
		rule.expires = random_below(2) ? pool_expires() : 0;
		break;
	case 0:
	case 1:
		rule.action = other.action;
		rule.port = other.port;
		rule.route = other.route;
		rule.max_duration = rule.rate ? 0 : other.max_duration;
		break;
	case 2:
		memcpy(rule.service, other.service, sizeof(rule.service));
		rule.ifindex = other.ifindex;
		break;
	case 3:
		rule.low = other.low;
		rule.high = other.high;
		break;
	}
	return rule;
}

static void step_add(struct step *step, const struct oracle *oracle, uint32_t shrink)
{
	enum change_kind kind = random_below(10) < shrink ? CHANGE_DELETE : CHANGE_PUT;
	bool related = oracle->count && (kind == CHANGE_DELETE ? random_below(8) != 0 : random_below(2) != 0);
	struct plain_rule rule = related ? related_rule(oracle) : pool_rule();

	if (!related && !random_below(3))
		rule.expires = pool_expires();
	if (related && kind == CHANGE_DELETE && random_below(4))
		rule = oracle->items[random_below((uint32_t)oracle->count)];
	step->rules[step->count] = rule;
	step->changes[step->count++] = (struct change){ .kind = kind, .rule = plain_record(&rule), .letter = '?' };
}

/* Most of the rules there are, in their order or not, and some others. */
static struct step step_make_replace(struct oracle *oracle)
{
	struct step step = { .dry_run = !random_below(25), .replace = true };
	bool ordered = random_below(3) != 0, all = random_below(2) && oracle->count < BATCH_MAX - 2;

	if (ordered && oracle->count)
		qsort(oracle->items, oracle->count, sizeof(*oracle->items), plain_older_first);
	for (size_t i = 0; i < oracle->count && step.count < BATCH_MAX - 2; i++) {
		if (!all && !random_below(6))
			continue;
		step.rules[step.count] = oracle->items[i];
		step.changes[step.count].rule = plain_record(&oracle->items[i]);
		step.changes[step.count++].kind = CHANGE_PUT;
	}
	while (step.count < BATCH_MAX && random_below(3))
		step_add(&step, oracle, 0);
	return step;
}

static struct step step_make(struct oracle *oracle, uint32_t shrink)
{
	struct step step = { .dry_run = !random_below(25) };
	size_t count = random_below(6) ? 1 : random_below(BATCH_MAX + 1);

	if (!random_below(12))
		return step_make_replace(oracle);
	while (step.count < count) {
		/* the same rule again in one batch: put, delete, put */
		if (step.count && !random_below(4)) {
			size_t from = random_below((uint32_t)step.count);

			step.rules[step.count] = step.rules[from];
			step.changes[step.count] = step.changes[from];
			step.changes[step.count++].kind = random_below(2) ? CHANGE_PUT : CHANGE_DELETE;
		} else {
			step_add(&step, oracle, shrink);
		}
	}
	return step;
}

/* The letters that the oracle gives, and how many rules a replacement takes away. */
static size_t step_expected(const struct step *step, struct oracle *oracle, char letters[BATCH_MAX])
{
	if (step->replace)
		return oracle_replace(oracle, step->rules, step->count, letters);
	for (size_t i = 0; i < step->count; i++)
		letters[i] = oracle_apply(oracle, step->changes[i].kind, &step->rules[i]);
	return 0;
}

static const char *letters_wrong(struct subject *subject, const struct step *step, const struct changes *changes,
				 const char letters[BATCH_MAX])
{
	for (size_t i = 0; i < changes->count; i++) {
		char expected[2] = { i < step->count ? letters[i] : 'D', '\0' },
		     got[2] = { changes->items[i].letter, '\0' };
		struct plain_rule rule;

		subject->letters[expected[0] & 127]++;
		record_plain(&changes->items[i].rule, &rule);
		if (expected[0] != got[0])
			return wrong_format(plain_text(&rule), expected, got);
	}
	return "";
}

/* Numbers rise with each insertion; in a replacement, from rule to rule. */
static const char *sequences_wrong(struct subject *subject, const struct step *step, const struct changes *changes)
{
	uint64_t last = step->replace ? 0 : subject->sequence;

	for (size_t i = 0; i < step->count; i++) {
		uint64_t sequence = rules_decision_sequence(changes->items[i].rule.head.decision);

		if (changes->items[i].kind != CHANGE_PUT)
			continue;
		/* of a rule that stands there twice the last counts */
		for (size_t k = i + 1; k < step->count && step->replace; k++)
			if (plain_is_same(&step->rules[i], &step->rules[k]))
				sequence = 0;
		if (sequence && sequence <= last)
			return wrong_numbers("a sequence number, more than", last, sequence);
		if (sequence)
			last = sequence;
	}
	if (last > subject->sequence)
		subject->sequence = last;
	return "";
}

/* A replacement by what is there, in order of age, leaves even the arena; id 0: something was to be swept. */
static const char *arena_id_wrong(struct subject *subject, const struct step *step, size_t gone,
				  const char letters[BATCH_MAX], uint64_t id, bool ordered)
{
	bool same = id && step->replace && !gone && ordered;

	for (size_t i = 0; i < step->count; i++)
		same = same && letters[i] == '=';
	if (!same)
		return "";
	subject->unchanged++;
	return set_header(&subject->set)->arena == id ? "" : wrong_format("an equal set", "the same arena", "another");
}

static bool step_is_ordered(const struct step *step)
{
	for (size_t i = 1; i < step->count; i++)
		if (step->rules[i].age <= step->rules[i - 1].age)
			return false;
	return true;
}

static const char *step_check(struct subject *subject, struct step *step, struct changes *changes)
{
	struct oracle copy = oracle_copy(&subject->oracle);
	uint64_t id = ruleset_count(&subject->set) == copy.count ? set_header(&subject->set)->arena : 0;
	struct error error = { .text = "" };
	char letters[BATCH_MAX];
	const char *wrong = "";
	size_t gone = step_expected(step, &subject->oracle, letters);

	if (ruleset_apply(&subject->set, changes, step->dry_run, &error)) {
		/* more rules expire or have a rate in one place than there are layers: nothing is changed then */
		if (!strstr(error.text, "that expire"))
			wrong = wrong_format("ruleset_apply", "0", error.text);
		step->dry_run = true;
		subject->crowded++;
	} else if (changes->count != step->count + gone) {
		wrong = wrong_numbers("changes", step->count + gone, changes->count);
	} else {
		wrong = letters_wrong(subject, step, changes, letters);
		if (!*wrong && !step->dry_run)
			wrong = sequences_wrong(subject, step, changes);
		if (!*wrong)
			wrong = arena_id_wrong(subject, step, gone, letters, id, step_is_ordered(step));
	}
	subject->replaced += step->replace;
	subject->gone += gone;
	oracle_free(step->dry_run ? &subject->oracle : &copy);
	if (step->dry_run)
		subject->oracle = copy;
	return wrong;
}

static const char *step_apply(struct subject *subject, struct step *step)
{
	struct changes changes = { .replace = step->replace };
	const char *wrong;
	struct error error;

	for (size_t i = 0; i < step->count; i++)
		if (changes_add(&changes, step->changes[i].kind, &step->changes[i].rule, &error))
			bail_out(error.text);
	wrong = step_check(subject, step, &changes);
	free(changes.items);
	return wrong;
}

/* The time of one of the rules is up, all at once. The next writer may look for it or not yet. */
static void rule_expire(struct subject *subject)
{
	struct rules_header *header = set_header(&subject->set);
	struct plain_rule rule;

	for (uint32_t cell = header->records; cell < header->records_end; cell += RULES_RECORD_CELLS) {
		struct rules_record *record = set_record(&subject->set, cell);

		if (record->head.state != RULES_LIVE || record->head.expires < 2 || random_below(3))
			continue;
		record_plain(record, &rule);
		oracle_delete(&subject->oracle, &rule);
		record->head.expires = 1;
		header->sweep = random_below(2) ? 1 : header->sweep;
		subject->expired++;
		return;
	}
}

static const char *packets_wrong(struct subject *subject, unsigned int count)
{
	const char *wrong = "";

	for (unsigned int i = 0; i < count && !*wrong; i++) {
		struct plain_packet packet = pool_packet();
		const struct plain_rule *best;

		if (subject->oracle.count && random_below(3))
			packet = packet_for(&subject->oracle.items[random_below((uint32_t)subject->oracle.count)]);
		best = oracle_match(&subject->oracle, &packet);
		if (best)
			subject->hits++;
		else
			subject->misses++;
		subject->rated += best && best->rate;
		wrong = winner_wrong(&subject->set.arena, &subject->oracle, &packet, random_below(2));
	}
	return wrong;
}

/* ---- sequences ---- */

static void sequence_run(struct subject *subject, unsigned int steps, uint32_t shrink)
{
	struct error error;

	subject->sequence = 0;
	if (ruleset_new(&subject->set, &error))
		bail_out("ruleset_new");
	for (unsigned int i = 0; i < steps && !*subject->wrong; i++, subject->steps++) {
		struct step step = step_make(&subject->oracle, shrink);
		const char *wrong = step_apply(subject, &step);

		if (!*wrong && !random_below(4))
			rule_expire(subject);

		if (!*wrong)
			wrong = state_wrong(&subject->set, &subject->oracle);
		if (!*wrong)
			wrong = packets_wrong(subject, 12);
		if (*wrong)
			snprintf(subject->wrong, sizeof(subject->wrong),
				 "seed %" PRIu64 ", step %lu (%zu changes, %zu rules after it): %s", random_seed,
				 subject->steps, step.count, subject->oracle.count, wrong);
	}
	ruleset_close(&subject->set);
	oracle_free(&subject->oracle);
}

static void sequences_run(struct subject *subject, unsigned int sequences, unsigned int steps, uint32_t shrink,
			  const char *name)
{
	unsigned int i;

	*subject->wrong = '\0';
	for (i = 0; i < sequences && !*subject->wrong; i++)
		sequence_run(subject, 1 + random_below(steps), shrink);
	check_property(subject->wrong, "%s: %u sequences of up to %u steps", name, sequences, steps);
}

/* ---- an arena that is swapped in while a packet is on its way ---- */

static void random_batch(struct ruleset *set, struct oracle *oracle)
{
	struct step step = { .count = 0 };
	struct changes changes = { .items = step.changes, .count = BATCH_MAX };
	struct error error;

	while (step.count < BATCH_MAX)
		step_add(&step, oracle, 4);
	for (size_t i = 0; i < step.count; i++)
		oracle_apply(oracle, step.changes[i].kind, &step.rules[i]);
	if (ruleset_apply(set, &changes, false, &error))
		bail_out(error.text);
}

static struct ruleset set_copy(const struct ruleset *from)
{
	struct ruleset copy = { .outer = -1, .tally = -1 };
	struct error error;

	if (arena_allocate(&copy.arena, from->arena.count, &error))
		bail_out(error.text);
	memcpy(copy.arena.cells, from->arena.cells, (size_t)from->arena.count * RULES_CELL_SIZE);
	return copy;
}

/* At whatever lookup the swap comes, the packet gets the verdict of one of the two sets. */
static const char *swap_wrong(struct ruleset *before, const struct oracle *old, struct ruleset *after,
			      const struct oracle *new, const struct plain_packet *packet)
{
	const char *wrong = "";

	for (unsigned int at = 1; at < 12 && !*wrong; at++) {
		matcher_swap.next = &after->arena;
		matcher_swap.countdown = at;
		if (*winner_wrong(&before->arena, old, packet, false)) {
			matcher_swap.countdown = at;
			wrong = winner_wrong(&before->arena, new, packet, false);
		}
	}
	matcher_swap.countdown = 0;
	return wrong;
}

static void test_swap(void)
{
	struct oracle old = { 0 }, new;
	struct ruleset before, after;
	const char *wrong = "";
	struct error error;

	if (ruleset_new(&before, &error))
		bail_out("ruleset_new");
	for (int n = 0; n < 60 && !*wrong; n++) {
		random_batch(&before, &old);
		after = set_copy(&before);
		new = oracle_copy(&old);
		random_batch(&after, &new);
		for (int i = 0; i < 100 && !*wrong && old.count; i++) {
			struct plain_packet packet = packet_for(&old.items[random_below((uint32_t)old.count)]);

			wrong = swap_wrong(&before, &old, &after, &new, &packet);
		}
		ruleset_close(&before);
		oracle_free(&old);
		before = after;
		old = new;
	}
	check_property(wrong, "swapped in during a search: the old verdict or the new one");
	ruleset_close(&before);
	oracle_free(&old);
}

/* A comparison that never found a rule, or always did, would show nothing. */
static void check_variety(const struct subject *subject)
{
	printf("# %lu steps; letters A %lu C %lu D %lu = %lu; packets with a rule %lu, without %lu\n", subject->steps,
	       subject->letters['A'], subject->letters['C'], subject->letters['D'], subject->letters['='],
	       subject->hits, subject->misses);
	check(subject->letters['A'] > 1000 && subject->letters['C'] > 200 && subject->letters['D'] > 1000 &&
		      subject->letters['='] > 200,
	      1, "every letter occurred often");
	printf("# %lu replacements took %lu rules away, %lu changed nothing; %lu rules expired, %lu found no layer\n",
	       subject->replaced, subject->gone, subject->unchanged, subject->expired, subject->crowded);
	check(subject->replaced > 300 && subject->gone > 300 && subject->unchanged > 20 && subject->expired > 300, 1,
	      "replacements and expiries occurred often");
	printf("# packets at rules with a rate %lu\n", subject->rated);
	check(subject->rated > subject->steps / 50, 1, "rules with a rate decided often");
	check(subject->hits > subject->steps && subject->misses > subject->steps, 1,
	      "packets with a rule and without occurred often");
}

int main(int argc, char **argv)
{
	static struct subject subject;

	random_start(argc, argv);
	sequences_run(&subject, 1500, 6, 2, "short");
	sequences_run(&subject, 120, 100, 3, "growing");
	sequences_run(&subject, 60, 150, 5, "as many deleted as added");
	sequences_run(&subject, 2, 1500, 4, "long");
	check_variety(&subject);
	test_swap();
	return tap_done();
}
