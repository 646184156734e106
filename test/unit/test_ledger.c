/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/ledger.c: against a plain list */
#include "ledger.h"

#include "tap.h"

struct entry {
	uint64_t key, value;
};

static int most_value_first(const void *a, const void *b)
{
	const struct entry *first = a, *second = b;

	if (first->value != second->value)
		return first->value > second->value ? -1 : 1;
	return (first->key > second->key) - (first->key < second->key);
}

static int by_key(const void *a, const void *b)
{
	return (((const struct entry *)a)->key > ((const struct entry *)b)->key) -
	       (((const struct entry *)a)->key < ((const struct entry *)b)->key);
}

static struct entry *put(struct ledger *ledger, uint64_t key)
{
	struct entry *entry = ledger_put(ledger, &key);

	if (!entry)
		bail_out("ledger");
	return entry;
}

static bool has(const struct ledger *ledger, uint64_t key, uint64_t value)
{
	const struct entry *entry = ledger_find(ledger, &key);

	return entry && entry->key == key && entry->value == value;
}

/* Room for all: each is found with what was written to it, whatever was done in between. */
static void test_all(void)
{
	struct ledger ledger = LEDGER_OF(struct entry, key, 100000, most_value_first);
	static uint64_t sums[5000];
	const char *wrong = "";

	for (int i = 0; i < 50000; i++) {
		uint32_t key = random_below(5000);

		put(&ledger, key)->value++;
		sums[key]++;
		if (i % 10000 == 9999 && ledger_sort(&ledger, i % 20000 == 9999 ? by_key : most_value_first))
			bail_out("ledger");
	}
	for (uint32_t key = 0; key < 5000; key++)
		if (sums[key] ? !has(&ledger, key, sums[key]) : ledger_find(&ledger, &(uint64_t){ key }) != NULL)
			wrong = "a key has not what was written to it";
	check_property(wrong, "50000 writes to 5000 keys, sorted in between");
	check((long long)ledger.dropped, 0, "none had to go");
	ledger_clear(&ledger);
	check((long long)ledger.count, 0, "cleared");
	check(ledger_find(&ledger, &(uint64_t){ 1 }) == NULL, true, "nothing is found then");
	put(&ledger, 1)->value = 7;
	check(has(&ledger, 1, 7), true, "and it can be used again");
	ledger_clear(&ledger);
}

static void test_worth(size_t most)
{
	struct ledger ledger = LEDGER_OF(struct entry, key, most, most_value_first);
	const char *wrong = "";

	for (uint64_t key = 1; key <= most; key++)
		put(&ledger, key)->value = key;
	check((long long)ledger.count, (long long)most, "room for %zu", most);
	/* each is worth less than those before, and so the first to go */
	for (uint64_t key = 1000; key < 1200; key++)
		put(&ledger, key);
	for (uint64_t key = most / 4 + 2; key <= most; key++)
		if (!has(&ledger, key, key))
			wrong = "one that is worth more has gone";
	check_property(wrong, "%zu: what is worth most stays", most);
	check(ledger.count <= most, true, "%zu: no more than there is room for", most);
	check((long long)(ledger.count + ledger.dropped), (long long)most + 200, "%zu: all that went is counted", most);
	ledger_clear(&ledger);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_all();
	test_worth(1);
	test_worth(3);
	test_worth(64);
	test_worth(100);
	return tap_done();
}
