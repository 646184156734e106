/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as a file of xdp_rule. What is taken is printed and read again, and must be the same rules. */
#include "../unit/xdp_line.h"
#include "clock.h"
#include "fuzz.h"

#define RULES_MAX 2000 /* ranges multiply: printing all of them would say nothing new */

static char *print_rules(const struct changes *rules, size_t *size)
{
	FILE *saved = stdout;
	char *text = NULL;

	stdout = open_memstream(&text, size);
	FUZZ_REQUIRE(stdout);
	for (size_t i = 0; i < rules->count; i++)
		if (!xdp_rule_is_default(&rules->items[i].rule) || rules->items[i].rule.proto == XDP_PROTO_NONIP)
			xdp_rule_print_line(&rules->items[i].rule);
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

static void require_same(const struct changes *rules)
{
	struct xdp_work again = { 0 };
	struct error error;
	size_t size;
	char *text = print_rules(rules, &size);
	int result = xdp_lines_read(text, size, &again, &error);

	if (result || again.change.changes.count != rules->count)
		fprintf(stderr, "%s%s\n", text, result ? error.text : "");
	FUZZ_REQUIRE(!result);
	FUZZ_REQUIRE(again.change.changes.count == rules->count);
	for (size_t i = 0; i < rules->count; i++) {
		struct rules_record *rule = &again.change.changes.items[i].rule;

		require_same_time(&rule->head.expires, rules->items[i].rule.head.expires);
		FUZZ_REQUIRE(!memcmp(rule, &rules->items[i].rule, sizeof(*rule)));
	}
	free(again.change.changes.items);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xdp_work work = { 0 };
	struct changes *rules = &work.change.changes;
	struct error error;

	if (!size)
		return 0;
	if (xdp_lines_read((const char *)data, size, &work, &error))
		fuzz_require_file_message(&error);
	else if (rules->count && rules->count <= RULES_MAX)
		require_same(rules);
	free(rules->items);
	return 0;
}
