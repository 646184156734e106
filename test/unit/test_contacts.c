/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions remembered from look to look: what becomes of them, and that no byte is lost or counted twice. */
#include "clock.h"
#include "contacts.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define SECOND CLOCK_SECOND

/* ---- generations, as flow.o and its tools would have them ---- */

#define BUCKETS 8
#define CLOCK_PLACE ((BUCKETS - 1) * FLOW_WAYS) /* of the session that tells the time */

struct table {
	struct flow_head head;
	struct flow_bucket buckets[BUCKETS];
};

static struct table *tables[FLOW_GENERATIONS]; /* newest first */
static uint32_t table_count;
static struct contacts contacts;
static uint64_t now;

static void table_add(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		bail_out("memory");
	table->head.generation = table_count ? tables[0]->head.generation + 1 : 0;
	table->head.settings.clock = FLOW_CLOCK_PACKET;
	memmove(tables + 1, tables, sizeof(tables) - sizeof(tables[0]));
	tables[0] = table;
	table_count++;
}

static void tables_drop(uint32_t kept)
{
	while (table_count > kept)
		free(tables[--table_count]);
}

static void begin(void)
{
	contacts_free(&contacts);
	contacts = (struct contacts){ .most = 1000 };
	tables_drop(0);
	table_add();
	now = 1000 * SECOND;
}

static void look(void)
{
	struct flowgens gens = { .count = table_count };
	struct error error;

	for (uint32_t i = 0; i < table_count; i++)
		gens.item[i] = (struct flowgen){
			.head = &tables[i]->head,
			.buckets = tables[i]->buckets,
			.bucket_count = BUCKETS,
		};
	if (contacts_take(&contacts, &gens, &error))
		bail_out(error.text);
}

/* ---- sessions ---- */

static struct flow *place_of(struct table *table, uint32_t place, uint32_t **used)
{
	struct flow_bucket *bucket = &table->buckets[place / FLOW_WAYS];

	*used = &bucket->used[place % FLOW_WAYS];
	return &bucket->flows[place % FLOW_WAYS];
}

static struct flow *flow_begin(struct table *table, uint32_t place, uint32_t number, uint64_t start)
{
	uint32_t *used;
	struct flow *flow = place_of(table, place, &used);

	*used = 1;
	*flow = (struct flow){
		.key = { .proto = IPPROTO_TCP, .family = 4, .ifindex = 3 },
		.originator = 0,
		.start = start,
	};
	flow->key.addr[0][0] = htonl(0x0a000000 + number);
	flow->key.addr[1][0] = htonl(0xc0000201);
	flow->key.port[0] = htons(40000);
	flow->key.port[1] = htons(443);
	return flow;
}

static void packet(struct flow *flow, unsigned int side, enum flow_letter letter, uint64_t bytes)
{
	struct flow_side *from = &flow->side[side];

	flow->seen |= 1u << letter << (side ? FLOW_RESPONDER_SHIFT : 0);
	if (!from->first)
		from->first = now;
	from->last = now;
	from->packets++;
	from->bytes += bytes;
}

/* The clock goes on: the last packet is what tells the time. */
static void time_pass(uint64_t ns)
{
	now += ns;
	packet(flow_begin(tables[0], CLOCK_PLACE, 999999, now), 0, LETTER_DATA, 0);
}

static const struct contact *contact_of(uint32_t number)
{
	uint32_t address = htonl(0x0a000000 + number);

	for (size_t i = 0; i < contacts.count; i++)
		if (!memcmp(contacts.items[i].src, &address, sizeof(address)))
			return &contacts.items[i];
	return NULL;
}

/* ---- what became of them ---- */

static void test_outcomes(void)
{
	struct flow *silent, *refused, *answered, *flooding, *midstream;

	begin();
	silent = flow_begin(tables[0], 0, 1, now);
	packet(silent, 0, LETTER_SYN, 60);
	refused = flow_begin(tables[0], 1, 2, now);
	packet(refused, 0, LETTER_SYN, 60);
	packet(refused, 1, LETTER_RST, 40);
	answered = flow_begin(tables[0], 2, 3, now);
	packet(answered, 0, LETTER_SYN, 60);
	packet(answered, 1, LETTER_HANDSHAKE, 60);
	packet(answered, 0, LETTER_ACK, 52);
	answered->flags |= FLOW_OPENED;
	flooding = flow_begin(tables[0], 3, 4, now);
	packet(flooding, 0, LETTER_SYN, 60);
	packet(flooding, 1, LETTER_HANDSHAKE, 60);
	midstream = flow_begin(tables[0], 4, 5, now);
	packet(midstream, 0, LETTER_ACK, 52);
	look();
	check(contact_of(1)->outcome, CONTACT_PENDING, "a SYN just now: nothing is known yet");
	check(contact_of(1)->is_opening && !contact_of(1)->is_half_open, 1, "it is opening, not half open yet");
	check(contact_of(2)->outcome, CONTACT_REFUSED, "nothing but a reset is a refusal");
	check(contact_of(2)->is_opening, 0, "which opens nothing");
	check(contact_of(3)->outcome, CONTACT_ANSWERED, "SYN and ACK is an answer");
	check(contact_of(3)->is_proven && !contact_of(4)->is_proven, 1, "the handshake proves the source");
	check(contact_of(4)->outcome, CONTACT_ANSWERED, "also where the handshake is not completed");
	time_pass(CONTACT_PATIENCE);
	look();
	check(contact_of(1)->outcome, CONTACT_FAILED, "after a while without an answer it failed");
	check(contact_of(1)->is_half_open && contact_of(4)->is_half_open, 1, "and is half open");
	check(contact_of(2)->is_half_open || contact_of(3)->is_half_open, 0, "which the others are not");
	check(contact_of(5)->is_opened, 0, "without SYN nothing was opened");
	check(contact_of(5)->is_attempt, 1, "but it is an attempt, by its ports");
	packet(silent, 1, LETTER_HANDSHAKE, 60);
	look();
	check(contact_of(1)->outcome, CONTACT_ANSWERED, "a late answer is one");
}

static void test_lost_place(void)
{
	begin();
	packet(flow_begin(tables[0], 0, 1, now), 0, LETTER_SYN, 60);
	look();
	packet(flow_begin(tables[0], 0, 2, now), 0, LETTER_SYN, 60);
	tables[0]->buckets[0].evicted = 1;
	time_pass(CONTACT_PATIENCE);
	look();
	check((long long)contacts.evicted, 1, "one lost its place");
	check(contact_of(1)->outcome, CONTACT_PENDING, "whether it was answered after that is not known");
	check(contact_of(1)->is_half_open, 1, "but its handshake was not completed when it went");
	look();
	check((long long)contacts.evicted, 0, "it is told of once");
	table_add();
	tables[0]->buckets[1].evicted = 5;
	tables[1]->buckets[1].evicted = 2;
	look();
	check((long long)contacts.evicted, 7, "in each generation what was lost since");
}

static void test_forget(void)
{
	struct flow *flow;
	struct error error;

	begin();
	packet(flow_begin(tables[0], 0, 1, now), 0, LETTER_SYN, 60);
	flow = flow_begin(tables[0], 1, 2, now);
	packet(flow, 0, LETTER_SYN, 60);
	look();
	packet(flow_begin(tables[0], 0, 3, now), 0, LETTER_SYN, 60);
	time_pass(100 * SECOND);
	look();
	check(contacts_forget(&contacts, now - 60 * SECOND, &error), 0, "what is past is forgotten");
	check(contact_of(1) == NULL, 1, "where it lost its place");
	check(contact_of(2) != NULL, 1, "not where it still has it");
	time_pass(10 * SECOND);
	packet(flow, 0, LETTER_DATA, 1000);
	look();
	check((long long)contact_of(2)->more_bytes, 1000, "so that only what is new counts");
	check((long long)contact_of(2)->bytes[0], 1060, "beside what was");
}

static void test_most(void)
{
	begin();
	contacts.most = 10;
	for (uint32_t i = 0; i < 20; i++) {
		now += SECOND;
		packet(flow_begin(tables[0], i, 100 + i, now), 0, LETTER_SYN, 60);
	}
	look();
	check((long long)contacts.count, 10, "no more are kept than asked for");
	check((long long)contacts.dropped, 10, "the others are counted");
	check(contact_of(109) == NULL && contact_of(110) != NULL, 1, "those that were silent longest are gone");
	look();
	check((long long)contacts.count, 10, "and do not come back");
	check((long long)contacts.dropped, 10, "nor are they dropped again");
}

static void test_missed(void)
{
	begin();
	look();
	table_add();
	look();
	check((long long)contacts.missed, 0, "a generation after the other");
	table_add();
	table_add();
	tables_drop(2);
	look();
	check((long long)contacts.missed, 0, "the one before the newest is seen");
	table_add();
	table_add();
	table_add();
	tables_drop(2);
	look();
	check((long long)contacts.missed, 1, "one came and went");
}

static void test_within(void)
{
	struct contact contact = { .more_bytes = 1000, .more_from = 100, .more_to = 200 };

	check((long long)contact_bytes_within(&contact, 0, 300), 1000, "all bytes");
	check((long long)contact_bytes_within(&contact, 0, 150), 500, "half of them");
	check((long long)contact_bytes_within(&contact, 150, 300), 500, "the other half");
	check((long long)contact_bytes_within(&contact, 200, 300), 0, "none after");
	check((long long)contact_bytes_within(&contact, 0, 100), 0, "none before");
	contact.more_from = contact.more_to = 100;
	check((long long)contact_bytes_within(&contact, 99, 100), 1000, "of one packet all, where it lies");
	check((long long)contact_bytes_within(&contact, 100, 101), 0, "and nowhere else");
}

/* ---- no byte is lost, none counted twice ---- */

#define SESSIONS 90

/* What a session did, beside what the tables have of it. */
struct truth {
	uint64_t start;
	uint64_t unseen, unseen_here; /* bytes since the last look: in older generations, and in the newest one */
	bool has_place;               /* in the newest one */
	uint32_t place;
	bool is_known;       /* one before has it, which is this: */
	uint64_t generation; /* counted from 1 */
};

static struct truth truths[SESSIONS];
static uint64_t lost; /* with a place, before a look saw them */

static struct flow *truth_flow(const struct truth *truth)
{
	uint32_t *used;

	return place_of(tables[0], truth->place, &used);
}

static void place_lose(uint32_t place)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct truth *truth = &truths[i];

		if (!truth->has_place || truth->place != place)
			continue;
		lost += truth->unseen_here;
		truth->unseen_here = 0;
		truth->has_place = false;
	}
}

/* In a bucket that has room the next one, otherwise any. */
static uint32_t place_choose(void)
{
	uint32_t bucket = random_below(BUCKETS - 1), way = 0;

	while (way < FLOW_WAYS && tables[0]->buckets[bucket].used[way])
		way++;
	return bucket * FLOW_WAYS + (way < FLOW_WAYS ? way : random_below(FLOW_WAYS));
}

/* Programs know what a session was from the generation before, and from no other. */
static void place_take(struct truth *truth, uint32_t number)
{
	bool continues = truth->is_known && truth->generation + 1 == tables[0]->head.generation;

	if (!continues)
		*truth = (struct truth){ .start = now, .unseen = truth->unseen };
	truth->place = place_choose();
	place_lose(truth->place);
	truth->has_place = true;
	flow_begin(tables[0], truth->place, number + 1, truth->start)->flags = continues ? FLOW_CONTINUED : 0;
}

static void session_send(uint32_t number)
{
	struct truth *truth = &truths[number];
	uint64_t bytes = 40 + random_below(1400);

	if (!truth->has_place)
		place_take(truth, number);
	packet(truth_flow(truth), random_below(2), LETTER_DATA, bytes);
	truth->unseen_here += bytes;
}

static void rotate(void)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct truth *truth = &truths[i];

		truth->unseen += truth->unseen_here;
		truth->unseen_here = 0;
		truth->is_known = truth->has_place;
		truth->generation = tables[0]->head.generation;
		truth->has_place = false;
	}
	table_add();
}

/* Sums of what contacts say came since the look before. */
static uint64_t news(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < contacts.count; i++) {
		const struct contact *contact = &contacts.items[i];
		uint64_t middle = contacts.before + (contacts.now - contacts.before) / 3;
		uint64_t parts = contact_bytes_within(contact, contacts.before, middle) +
				 contact_bytes_within(contact, middle, contacts.now);

		sum += parts == contact->more_bytes ? parts : UINT64_MAX / 2;
	}
	return sum;
}

static uint64_t totals(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < contacts.count; i++)
		sum += contacts.items[i].bytes[0] + contacts.items[i].bytes[1];
	return sum;
}

static uint64_t unseen_take(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		sum += truths[i].unseen + truths[i].unseen_here;
		truths[i].unseen = truths[i].unseen_here = 0;
	}
	return sum;
}

/* Rounds of packets and rotations, and a look. What was handed out goes, but for the newest of it. */
static void history_run(char counterexample[256])
{
	uint64_t expected = 0, got, all = 0;

	*counterexample = '\0';
	memset(truths, 0, sizeof(truths));
	begin();
	for (int round = 0; round < 30 && !*counterexample; round++) {
		for (uint32_t packets = random_below(200); packets; packets--) {
			now += 1 + random_below(50) * (SECOND / 50);
			session_send(random_below(SESSIONS));
			if (!random_below(300) && table_count < FLOW_GENERATIONS)
				rotate();
		}
		time_pass(1);
		look();
		expected = unseen_take();
		got = news();
		all += expected;
		if (got != expected || totals() != all)
			snprintf(counterexample, 256,
				 "round %d: %" PRIu64 " new bytes, got %" PRIu64 "; %" PRIu64 " in all, got %" PRIu64,
				 round, expected, got, all, totals());
		if (random_below(2))
			tables_drop(table_count > 2 ? 2 : table_count);
	}
}

static void test_bytes(void)
{
	char counterexample[256] = "";

	for (int run = 0; run < 300 && !*counterexample; run++)
		history_run(counterexample);
	check_property(counterexample,
		       "across generations, lost places and sessions that go on, each byte counts once");
	check(lost != 0, 1, "(and some lost their place before anybody saw them)");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_outcomes();
	test_lost_place();
	test_forget();
	test_most();
	test_missed();
	test_within();
	test_bytes();
	contacts_free(&contacts);
	tables_drop(0);
	return tap_done();
}
