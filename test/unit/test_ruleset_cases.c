/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/ruleset*.c at its limits: the cap of tuples, many rules of one key, growth, deletion of all, reuse of space. */
#include "ruleset_check.h"

#define ERROR_TEXT sizeof(((struct error *)0)->text)
#define GROWTH 50000
#define CROWD 5000

struct subject {
	struct ruleset set;
	struct oracle oracle;
};

static void subject_open(struct subject *subject)
{
	struct error error;

	*subject = (struct subject){ 0 };
	if (ruleset_new(&subject->set, &error))
		bail_out("ruleset_new");
}

static void subject_close(struct subject *subject)
{
	ruleset_close(&subject->set);
	oracle_free(&subject->oracle);
}

static struct plain_rule tcp_rule(void)
{
	struct plain_rule rule;

	memset(&rule, 0, sizeof(rule));
	rule.proto = 6;
	rule.high = 65535;
	rule.action = RULES_PASS;
	return rule;
}

/* Makes one change in the set and, when that succeeds, in the oracle. "" or what is wrong; refused is the error. */
static const char *subject_apply(struct subject *subject, enum change_kind kind, const struct plain_rule *rule,
				 char refused[ERROR_TEXT])
{
	struct change change = { .kind = kind, .rule = plain_record(rule) };
	struct changes changes = { .items = &change, .count = 1 };
	struct error error = { .text = "" };
	char expected[2] = "", got[2] = "";

	*refused = '\0';
	if (ruleset_apply(&subject->set, &changes, false, &error)) {
		snprintf(refused, ERROR_TEXT, "%s", error.text);
		return "";
	}
	expected[0] = oracle_apply(&subject->oracle, kind, rule);
	got[0] = change.letter;
	return expected[0] == got[0] ? "" : wrong_format(plain_text(rule), expected, got);
}

static const char *subject_put(struct subject *subject, const struct plain_rule *rule)
{
	char refused[ERROR_TEXT];
	const char *wrong = subject_apply(subject, CHANGE_PUT, rule, refused);

	return *refused ? wrong_format("put", "success", refused) : wrong;
}

static const char *subject_delete(struct subject *subject, const struct plain_rule *rule)
{
	char refused[ERROR_TEXT];
	const char *wrong = subject_apply(subject, CHANGE_DELETE, rule, refused);

	return *refused ? wrong_format("delete", "success", refused) : wrong;
}

/* All rules of the oracle at once into an empty set. */
static const char *subject_put_all(struct subject *subject)
{
	struct changes changes = { .count = subject->oracle.count };
	struct error error;
	int result;

	changes.items = calloc(changes.count, sizeof(*changes.items));
	if (!changes.items)
		bail_out("calloc");
	for (size_t i = 0; i < changes.count; i++)
		changes.items[i].rule = plain_record(&subject->oracle.items[i]);
	result = ruleset_apply(&subject->set, &changes, false, &error);
	free(changes.items);
	return result ? wrong_format("batch", "success", error.text) : "";
}

static const char *subject_wrong(struct subject *subject, unsigned int packets)
{
	const char *wrong = state_wrong(&subject->set, &subject->oracle);

	for (unsigned int i = 0; i < packets && !*wrong && subject->oracle.count; i++) {
		struct plain_packet packet =
			packet_for(&subject->oracle.items[random_below((uint32_t)subject->oracle.count)]);

		wrong = winner_wrong(&subject->set.arena, &subject->oracle, &packet, true);
	}
	return wrong;
}

/* ---- the cap of tuples ---- */

/* Rule number i of rules that all have different lengths. */
static struct plain_rule length_rule(unsigned int i)
{
	struct plain_rule rule = tcp_rule();

	rule.dst_len = (int)(i % 33);
	rule.src_len = (int)(i / 33);
	if (rule.dst_len)
		rule.dst[0] = 0x80;
	return rule;
}

static const char *fill_tuples(struct subject *subject)
{
	const char *wrong = "";

	for (unsigned int i = 0; i < RULES_TUPLES_MAX && !*wrong; i++) {
		struct plain_rule rule = length_rule(i);

		wrong = subject_put(subject, &rule);
	}
	return *wrong ? wrong : subject_wrong(subject, 2000);
}

/* A batch that changes nothing: a new arena, with room for the next single change. */
static void renew(struct subject *subject)
{
	struct plain_rule rules[2] = { length_rule(0), length_rule(1) };
	struct change items[2] = { { .kind = CHANGE_PUT }, { .kind = CHANGE_PUT } };
	struct changes changes = { .items = items, .count = 2 };
	struct error error;

	for (int i = 0; i < 2; i++) {
		items[i].rule = plain_record(&rules[i]);
		oracle_apply(&subject->oracle, CHANGE_PUT, &rules[i]);
	}
	check(ruleset_apply(&subject->set, &changes, false, &error), 0, "a batch that changes nothing");
}

static void check_refused(struct subject *subject, const struct plain_rule *rule, const char *what)
{
	char refused[ERROR_TEXT];
	const char *wrong = subject_apply(subject, CHANGE_PUT, rule, refused);

	check_property(wrong, "%s", what);
	check_text(refused, "rules: more than 512 combinations of protocol and prefix lengths", "%s: refused", what);
	check_property(subject_wrong(subject, 500), "%s: nothing was changed", what);
}

static void check_batch_refused(struct subject *subject, bool dry_run)
{
	struct plain_rule rules[2] = { length_rule(5), length_rule(RULES_TUPLES_MAX) };
	struct change items[2] = { { .kind = CHANGE_PUT }, { .kind = CHANGE_PUT } };
	struct changes changes = { .items = items, .count = 2 };
	struct error error = { .exit = -1, .text = "success" };
	const char *name = dry_run ? "a dry run" : "a batch";

	rules[0].action = RULES_DROP;
	for (int i = 0; i < 2; i++)
		items[i].rule = plain_record(&rules[i]);
	check(ruleset_apply(&subject->set, &changes, dry_run, &error), -1, "%s beyond the cap of tuples", name);
	check_text(error.text, "rules: more than 512 combinations of protocol and prefix lengths", "%s: refused", name);
	check(error.exit, EXIT_STATE, "%s: exit code", name);
	check_property(subject_wrong(subject, 500), "%s: nothing was changed", name);
}

static void test_tuple_cap(void)
{
	struct plain_rule more = length_rule(RULES_TUPLES_MAX), any = more, udp = more, same = length_rule(100);
	struct plain_rule gone = length_rule(200);
	struct subject subject;

	subject_open(&subject);
	check_property(fill_tuples(&subject), "%d tuples of one class", RULES_TUPLES_MAX);
	renew(&subject);
	check_refused(&subject, &more, "one tuple more");
	any.proto = RULES_PROTO_ANY;
	check_refused(&subject, &any, "one tuple more, of any protocol");
	check_batch_refused(&subject, false);
	check_batch_refused(&subject, true);
	udp.proto = 17;
	check_property(subject_put(&subject, &udp), "another class has room");
	same.dst[0] = 0xc0;
	check_property(subject_put(&subject, &same), "another rule of a tuple that is there");
	check_property(subject_delete(&subject, &gone), "a tuple's only rule is deleted");
	check_property(subject_put(&subject, &more), "which makes room for another tuple");
	check_property(subject_wrong(&subject, 2000), "and all rules are found");
	subject_close(&subject);
}

/* ---- many rules of one key ---- */

static struct plain_rule crowd_rule(unsigned int i)
{
	struct plain_rule rule = tcp_rule();

	rule.dst[0] = 10;
	rule.dst_len = 8;
	rule.low = (int)random_below(65536);
	rule.high = rule.low + (int)random_below(random_below(2) ? 30 : 65536u - (uint32_t)rule.low);
	if (rule.high > 65535)
		rule.high = 65535;
	rule.action = RULES_PASS + (int)random_below(3);
	rule.priority = (int)random_below(3);
	snprintf(rule.service, sizeof(rule.service), "%u", i);
	return rule;
}

static const char *crowd_packets(struct subject *subject, unsigned int count)
{
	const char *wrong = "";

	for (unsigned int i = 0; i < count && !*wrong; i++) {
		struct plain_packet packet = { .proto = 6, .ifindex = 1, .dst = { 10, 1 } };

		packet.port = (int)random_below(65536);
		wrong = winner_wrong(&subject->set.arena, &subject->oracle, &packet, true);
	}
	return wrong;
}

static void test_crowd_one_by_one(void)
{
	struct subject subject;
	const char *wrong = "";

	subject_open(&subject);
	for (unsigned int i = 0; i < 350 && !*wrong; i++) {
		struct plain_rule rule = crowd_rule(i);

		wrong = subject_put(&subject, &rule);
		if (!*wrong)
			wrong = crowd_packets(&subject, 20);
	}
	check_property(*wrong ? wrong : subject_wrong(&subject, 0), "350 rules of one key, one by one");
	while (subject.oracle.count && !*wrong) {
		struct plain_rule rule = subject.oracle.items[random_below((uint32_t)subject.oracle.count)];

		wrong = subject_delete(&subject, &rule);
		if (!*wrong)
			wrong = crowd_packets(&subject, 20);
	}
	check_property(*wrong ? wrong : subject_wrong(&subject, 0), "and deleted in another order");
	subject_close(&subject);
}

static void test_crowd(void)
{
	struct subject subject;
	const char *wrong;

	subject_open(&subject);
	for (unsigned int i = 0; i < CROWD; i++) {
		struct plain_rule rule = crowd_rule(i);

		oracle_append(&subject.oracle, &rule);
		subject.oracle.items[i].age = ++subject.oracle.clock;
	}
	wrong = subject_put_all(&subject);
	check_property(*wrong ? wrong : subject_wrong(&subject, 0), "%d rules of one key in a batch", CROWD);
	check_property(crowd_packets(&subject, 3000), "decide as the oracle says");
	for (unsigned int i = 0; i < 60 && !*wrong; i++) {
		struct plain_rule rule = subject.oracle.items[random_below(CROWD / 2)];

		rule.action = RULES_DROP;
		wrong = i % 3 ? subject_put(&subject, &rule) : subject_delete(&subject, &rule);
		if (!*wrong)
			wrong = crowd_packets(&subject, 20);
	}
	check_property(*wrong ? wrong : subject_wrong(&subject, 0), "and can be changed and deleted one by one");
	subject_close(&subject);
}

/* ---- growth and deletion ---- */

static struct plain_rule growth_rule(uint32_t i)
{
	struct plain_rule rule = tcp_rule();

	rule.dst[0] = 10;
	rule.dst[1] = (uint8_t)(i >> 14);
	rule.dst[2] = (uint8_t)(i >> 6);
	rule.dst[3] = (uint8_t)(i << 2);
	rule.dst_len = 32 - (int)(i % 3);
	rule.low = rule.high = (int)(i % 65536);
	rule.priority = (int)(i % 2);
	return rule;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The oracle would search all of its rules for each change: here every rule is new, and known by its number. */
static const char *grow(struct subject *subject)
{
	for (uint32_t i = 0; i < GROWTH; i++) {
		struct plain_rule rule = growth_rule(i);
		struct change change = { .kind = CHANGE_PUT, .rule = plain_record(&rule) };
		struct changes changes = { .items = &change, .count = 1 };
		struct error error;

		if (ruleset_apply(&subject->set, &changes, false, &error))
			return wrong_format("put", "success", error.text);
		if (change.letter != 'A')
			return wrong_format(plain_text(&rule), "A", "another letter");
		oracle_append(&subject->oracle, &rule);
		subject->oracle.items[i].age = ++subject->oracle.clock;
	}
	return "";
}

static const char *delete_all(struct subject *subject, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct plain_rule rule = growth_rule(i * 7919 % GROWTH);
		struct change change = { .kind = CHANGE_DELETE, .rule = plain_record(&rule) };
		struct changes changes = { .items = &change, .count = 1 };
		struct error error;

		if (ruleset_apply(&subject->set, &changes, false, &error))
			return wrong_format("delete", "success", error.text);
		if (change.letter != 'D')
			return wrong_format(plain_text(&rule), "D", "another letter");
	}
	return "";
}

/* What delete_all leaves. */
static void oracle_keep(struct oracle *oracle, uint32_t from)
{
	size_t kept = 0;
	uint8_t *gone = calloc(GROWTH, 1);

	if (!gone)
		bail_out("calloc");
	for (uint32_t i = 0; i < from; i++)
		gone[i * 7919 % GROWTH] = 1;
	for (size_t i = 0; i < oracle->count; i++)
		if (!gone[i])
			oracle->items[kept++] = oracle->items[i];
	oracle->count = kept;
	free(gone);
}

static void test_growth(void)
{
	double start = seconds();
	struct subject subject;

	subject_open(&subject);
	check_property(grow(&subject), "from nothing to %d rules, one by one", GROWTH);
	printf("# %.2f s, arena of %u cells\n", seconds() - start, subject.set.arena.count);
	check_property(subject_wrong(&subject, 300), "all are listed and found");
	start = seconds();
	check_property(delete_all(&subject, 0, GROWTH - 100), "all but 100 deleted, one by one");
	printf("# %.2f s, arena of %u cells\n", seconds() - start, subject.set.arena.count);
	oracle_keep(&subject.oracle, GROWTH - 100);
	check_property(subject_wrong(&subject, 1000), "those are listed and found");
	check(subject.set.arena.count < 20000, 1, "the arena has shrunk");
	check_property(delete_all(&subject, GROWTH - 100, GROWTH), "the last deleted");
	subject.oracle.count = 0;
	check_property(subject_wrong(&subject, 0), "nothing is left");
	subject_close(&subject);
}

static void test_batch(void)
{
	struct changes changes = { .count = GROWTH };
	struct subject subject;
	struct error error;
	size_t deleted = 0;
	double start;

	subject_open(&subject);
	for (uint32_t i = 0; i < GROWTH; i++) {
		struct plain_rule rule = growth_rule(i);

		oracle_append(&subject.oracle, &rule);
		subject.oracle.items[i].age = ++subject.oracle.clock;
	}
	start = seconds();
	check_property(subject_put_all(&subject), "%d rules in a batch", GROWTH);
	printf("# %.2f s\n", seconds() - start);
	check_property(subject_wrong(&subject, 300), "all are listed and found");
	changes.items = calloc(changes.count, sizeof(*changes.items));
	if (!changes.items)
		bail_out("calloc");
	for (size_t i = 0; i < changes.count; i++)
		changes.items[i] =
			(struct change){ .kind = CHANGE_DELETE, .rule = plain_record(&subject.oracle.items[i]) };
	check(ruleset_apply(&subject.set, &changes, false, &error), 0, "all deleted in a batch");
	for (size_t i = 0; i < changes.count; i++)
		deleted += changes.items[i].letter == 'D';
	check((long long)deleted, GROWTH, "each said to be deleted");
	subject.oracle.count = 0;
	check_property(subject_wrong(&subject, 0), "nothing is left");
	free(changes.items);
	subject_close(&subject);
}

/* ---- space is used again ---- */

/* Rules of one key that overlap: each change moves the borders, so needs a new block. */
static struct plain_rule churn_rule(void)
{
	struct plain_rule rule = tcp_rule();

	rule.low = (int)random_below(4) * 10;
	rule.high = rule.low + 15;
	rule.action = RULES_PASS + (int)random_below(3);
	rule.service[0] = (char)('a' + random_below(3));
	return rule;
}

static void test_churn(void)
{
	struct plain_rule anchor = tcp_rule();
	struct subject subject;
	const char *wrong;
	uint32_t largest = 0;

	subject_open(&subject);
	wrong = subject_put(&subject, &anchor);
	for (int i = 0; i < 25000 && !*wrong; i++) {
		struct plain_rule rule = churn_rule();

		wrong = random_below(2) ? subject_put(&subject, &rule) : subject_delete(&subject, &rule);
		if (!*wrong && i % 25 == 0)
			wrong = subject_wrong(&subject, 10);
		if (subject.set.arena.count > largest)
			largest = subject.set.arena.count;
	}
	check_property(wrong, "25000 changes of a few rules");
	check(largest < 20000, 1, "the arena did not grow by them");
	subject_close(&subject);
}

/* ---- keys that meet in the table ---- */

#define BUCKET_BITS 9 /* of the smallest table that a build makes */

/* The next host rule, from *number on, whose key's bucket has these low bits. */
static struct plain_rule rule_in_bucket(uint32_t *number, unsigned int bits, uint32_t bucket)
{
	struct plain_rule rule = tcp_rule();

	rule.dst_len = 32;
	for (;;) {
		struct rules_record record;
		struct rules_key key;

		++*number;
		rule.dst[0] = 10;
		rule.dst[1] = (uint8_t)(*number >> 16);
		rule.dst[2] = (uint8_t)(*number >> 8);
		rule.dst[3] = (uint8_t)*number;
		record = plain_record(&rule);
		key = rule_key(&record);
		if (rules_bucket_index(rules_hash(&key), (1u << bits) - 1) == bucket)
			return rule;
	}
}

/* Rules of two neighbouring buckets come and go: what one displaced must be found when it is gone. */
static void test_displaced(void)
{
	struct plain_rule rules[26];
	struct subject subject;
	const char *wrong = "";
	uint32_t number = 0;

	for (size_t i = 0; i < 26; i++)
		rules[i] = rule_in_bucket(&number, BUCKET_BITS, (510 + (uint32_t)i % 3) % (1u << BUCKET_BITS));
	subject_open(&subject);
	for (int i = 0; i < 3000 && !*wrong; i++) {
		const struct plain_rule *rule = &rules[random_below(26)];

		wrong = random_below(10) < 6 ? subject_put(&subject, rule) : subject_delete(&subject, rule);
		if (!*wrong)
			wrong = subject_wrong(&subject, 20);
	}
	check_property(wrong, "3000 changes of keys that share three buckets");
	check(((const struct rules_header *)(const void *)subject.set.arena.cells)->bucket_mask, (1 << BUCKET_BITS) - 1,
	      "the table is as small as this test supposes");
	subject_close(&subject);
}

static void test_crowded(void)
{
	struct subject subject;
	struct plain_rule rule;
	const char *wrong = "";
	char refused[ERROR_TEXT] = "";
	uint32_t number = 0;

	subject_open(&subject);
	for (int i = 0; i < 60 && !*wrong; i++) {
		rule = rule_in_bucket(&number, BUCKET_BITS, 77);
		wrong = subject_put(&subject, &rule);
	}
	check_property(*wrong ? wrong : subject_wrong(&subject, 500), "60 keys of one bucket: the table grows");
	subject_close(&subject);
	subject_open(&subject);
	for (int i = 0; i < 60 && !*wrong && !*refused; i++) {
		rule = rule_in_bucket(&number, 14, 77);
		wrong = subject_apply(&subject, CHANGE_PUT, &rule, refused);
	}
	check_property(wrong, "keys that share a bucket in any table");
	check_text(refused, "rules: the table of keys is crowded", "one is refused");
	check((long long)subject.oracle.count, RULES_PROBES * RULES_SLOTS, "after as many as are looked at");
	check_property(subject_wrong(&subject, 500), "and nothing was changed");
	subject_close(&subject);
}

/* ---- counters outlive a new arena ---- */

static void test_counters(void)
{
	struct plain_rule rule = tcp_rule(), other = tcp_rule();
	struct plain_packet packet = { .proto = 6, .ifindex = 1 };
	struct subject subject;
	struct rules_hit hit;
	bool broken;

	subject_open(&subject);
	other.proto = 17;
	check_property(subject_put(&subject, &rule), "a rule");
	matcher_winner(&subject.set.arena, &packet, &hit, &broken);
	rules_count(hit.head, 1000);
	rules_count(hit.head, 24);
	subject.oracle.items[0].packets = 2;
	/* the next arena comes when this one is full */
	for (int i = 0; i < 6000; i++) {
		other.port = i;
		subject_put(&subject, &other);
		snprintf(other.service, sizeof(other.service), "%d", i % 2000);
	}
	check_property(subject_wrong(&subject, 0), "its counter after growth");
	check(matcher_winner(&subject.set.arena, &packet, &hit, &broken), 1, "it is found");
	check((long long)hit.head->bytes, 1024, "bytes are kept");
	check(hit.head->last > 0, 1, "the time of the last hit is kept");
	check_property(subject_delete(&subject, &rule), "deleted");
	check_property(subject_put(&subject, &rule), "and inserted again");
	matcher_winner(&subject.set.arena, &packet, &hit, &broken);
	check(hit.head->packets == 0 && hit.head->bytes == 0 && hit.head->last == 0, 1, "it counts from zero");
	subject_close(&subject);
}

/* ---- mode and duration are changed where the rule stands ---- */

/* The rule with these, once more. Its arena stays, unless one limit takes the place of another; its counter does. */
static void attributes_put(struct subject *subject, int mode, uint32_t max_duration, bool in_place)
{
	uint64_t id = set_header(&subject->set)->arena;
	struct plain_packet packet = { .proto = 6, .ifindex = 1 };
	struct plain_rule rule = tcp_rule();

	rule.mode = mode;
	rule.max_duration = max_duration;
	check_property(subject_put(subject, &rule), "mode %d, %u seconds", mode, max_duration);
	check(set_header(&subject->set)->arena == id, in_place, "%s", in_place ? "in place" : "in a new arena");
	check_property(winner_wrong(&subject->set.arena, &subject->oracle, &packet, true), "as the packet sees it");
	check_property(subject_wrong(subject, 0), "as it is listed, with its counter");
}

static void test_attributes(void)
{
	struct plain_rule rule = tcp_rule();
	struct subject subject;

	subject_open(&subject);
	check_property(subject_put(&subject, &rule), "a rule");
	attributes_put(&subject, RULES_DETECT, 0, true);
	attributes_put(&subject, RULES_PREVENT, 60, true);
	attributes_put(&subject, RULES_DETECT, 60, true);
	attributes_put(&subject, RULES_DETECT, 61, false);
	attributes_put(&subject, RULES_MODE_UNSET, 0, true);
	attributes_put(&subject, RULES_MODE_UNSET, 7, true);
	check((long long)subject.oracle.items[0].packets, 6, "packets were counted");
	subject_close(&subject);
}

/* ---- the least rank there is: 0 ---- */

static void test_least_rank(void)
{
	struct plain_rule least = tcp_rule(), other = tcp_rule();
	struct plain_packet packet = { .proto = 6, .ifindex = 1 };
	struct subject subject;

	subject_open(&subject);
	least.priority = INT32_MIN;
	other.proto = 17;
	check_property(subject_put(&subject, &least), "a rule of rank 0, in a new arena");
	check_property(winner_wrong(&subject.set.arena, &subject.oracle, &packet, true), "it is found");
	check_property(subject_put(&subject, &other), "another, in place");
	check_property(winner_wrong(&subject.set.arena, &subject.oracle, &packet, true), "it is found still");
	subject_close(&subject);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_least_rank();
	test_tuple_cap();
	test_crowd_one_by_one();
	test_crowd();
	test_growth();
	test_batch();
	test_churn();
	test_displaced();
	test_crowded();
	test_counters();
	test_attributes();
	return tap_done();
}
