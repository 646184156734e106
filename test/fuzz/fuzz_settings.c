/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words NAME=VALUE, one a line, as settings of interfaces, of services, of connections, of the balancer's tables and of
 * flow.o. What is taken is written out where it can be, and must be the same once it was read again.
 */
#include "flowset.h"
#include "flowsettings.h"
#include "fuzz.h"
#include "lbtext.h"
#include "setting.h"

static struct error failure;

/* ---- interfaces ---- */

static bool same_sources(const struct prefix_list *a, const struct prefix_list *b)
{
	return a->count == b->count && (!a->count || !memcmp(a->items, b->items, a->count * sizeof(*a->items)));
}

static void require_same_said(const struct setting_said *said)
{
	struct setting_said again = { .given = { false } };

	for (size_t i = 0; i < SETTINGS; i++) {
		struct fuzz_stream text;
		FILE *stream = NULL;

		if (!said->given[i])
			continue;
		fuzz_stream_begin(&text, &stream);
		fprintf(stream, "%s=", setting_name(i));
		setting_write(stream, i, &said->value, &said->geneve);
		fuzz_stream_end(&text);
		FUZZ_REQUIRE(!setting_parse(text.text, &again, &failure));
		free(text.text);
	}
	FUZZ_REQUIRE(!memcmp(said->given, again.given, sizeof(again.given)));
	FUZZ_REQUIRE(!memcmp(&said->value, &again.value, sizeof(again.value)));
	FUZZ_REQUIRE(same_sources(&said->geneve, &again.geneve));
	setting_said_free(&again);
}

/* The words up to the first that is refused. */
static void try_iface(char *const *words, size_t count)
{
	struct setting_said said = { .given = { false } };
	size_t i = 0;

	while (i < count && !setting_parse(words[i], &said, &failure))
		i++;
	if (i < count)
		fuzz_require_message(&failure);
	else
		require_same_said(&said);
	setting_said_free(&said);
}

/* ---- services ---- */

static void try_service(char *const *words, size_t count)
{
	struct lb_settings settings = { 0 }, again = { 0 };
	char text[LB_SETTINGS_TEXT_MAX], *rest = text, *word;

	for (size_t i = 0; i < count; i++) {
		if (!lb_setting_parse(words[i], &settings, &failure))
			continue;
		fuzz_require_message(&failure);
		return;
	}
	lb_settings_format(&settings, text);
	while ((word = strsep(&rest, " ")))
		FUZZ_REQUIRE(!*word || !lb_setting_parse(word, &again, &failure));
	FUZZ_REQUIRE(!memcmp(&settings, &again, sizeof(again)));
}

/* ---- tables and timeouts ---- */

static void try_tables(const struct flow_settings_of *of, char *const *words, size_t count)
{
	struct flow_change change = { .dropped = 0 };
	size_t said = 0;

	for (size_t i = 0; i < count; i++) {
		if (!flow_change_parse(&change, of, words[i], &failure))
			continue;
		fuzz_require_message(&failure);
		return;
	}
	for (size_t i = 0; i < FLOW_SETTINGS_MAX; i++) {
		FUZZ_REQUIRE(!change.given[i] || i < of->count);
		said += change.given[i];
	}
	FUZZ_REQUIRE(said == count);
}

static void try_flow(char *const *words, size_t count)
{
	struct flowset_change change = { .given = { false } };

	for (size_t i = 0; i < count; i++) {
		struct flowset_change alone = { .given = { false } };

		if (flowset_take_operand(&change, words[i], &failure)) {
			fuzz_require_message(&failure);
			return;
		}
		FUZZ_REQUIRE(!flowset_take_operand(&alone, words[i], &failure));
	}
}

#define WORDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text, *words[WORDS_MAX], *word;
	size_t count = 0;

	while (count < WORDS_MAX && (word = strsep(&rest, "\n")))
		if (*word)
			words[count++] = word;
	if (count) {
		try_iface(words, count);
		try_service(words, count);
		try_tables(&settings_of_conns, words, count);
		try_tables(&settings_of_lb, words, count);
		try_flow(words, count);
	}
	free(text);
	return 0;
}
