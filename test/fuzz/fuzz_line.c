/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as a batch file of map_update. What is taken is printed and read again, and must be the same rules. */
#include "../unit/rule_line.h"
#include "clock.h"
#include "fuzz.h"

#define RULES_MAX 2000 /* ranges multiply: printing all of them would say nothing new */

static char *print_rules(const struct rule_lines *rules, size_t *size)
{
	FILE *saved = stdout;
	char *text = NULL;

	stdout = open_memstream(&text, size);
	FUZZ_REQUIRE(stdout);
	for (size_t i = 0; i < rules->count; i++)
		rule_print_line(&rules->items[i]);
	fclose(stdout);
	stdout = saved;
	return text;
}

/* Text has times of day to the millisecond; rules have times of another clock, which is read for the difference. */
static void require_same_time(__u64 *again, __u64 expires)
{
	__u64 difference = *again > expires ? *again - expires : expires - *again;

	FUZZ_REQUIRE(!*again == !expires);
	FUZZ_REQUIRE(difference < CLOCK_SECOND / 10);
	*again = expires;
}

static void require_same(const struct rule_lines *rules)
{
	struct rule_lines again;
	struct error error;
	size_t size;
	char *text = print_rules(rules, &size);
	int result = rule_lines_read(text, size, &again, &error);

	if (result || again.count != rules->count)
		fprintf(stderr, "%s%s\n", text, result ? error.text : "");
	FUZZ_REQUIRE(!result);
	FUZZ_REQUIRE(again.count == rules->count);
	for (size_t i = 0; i < rules->count; i++)
		require_same_time(&again.items[i].head.expires, rules->items[i].head.expires);
	FUZZ_REQUIRE(!memcmp(again.items, rules->items, rules->count * sizeof(*rules->items)));
	free(again.items);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_lines rules;
	struct error error;

	if (!size)
		return 0;
	if (rule_lines_read((const char *)data, size, &rules, &error))
		fuzz_require_file_message(&error);
	else if (rules.count && rules.count <= RULES_MAX)
		require_same(&rules);
	free(rules.items);
	return 0;
}
