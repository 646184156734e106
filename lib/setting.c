/* SPDX-License-Identifier: GPL-2.0-only */
#include "setting.h"

#include "num.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

static const char *const ssh_words[] = {
	[SSH_UNSET] = "default", [SSH_AUTO] = "auto", [SSH_ANY] = "any", [SSH_OWN] = "own", [SSH_OFF] = "off", NULL,
};

static const char *const nonip_words[] = {
	[NONIP_UNSET] = "default",
	[NONIP_DROP] = "drop",
	[NONIP_PASS] = "pass",
	NULL,
};

static const char *const mode_words[] = {
	[MODE_UNSET] = "default",
	[MODE_PREVENT] = "prevent",
	[MODE_DETECT] = "detect",
	NULL,
};

static const char *const gate_words[] = {
	[GATE_UNSET] = "default",
	[GATE_DROP] = "drop",
	[GATE_PASS] = "pass",
	NULL,
};

const struct setting_kind setting_kinds[SETTING_COUNT] = {
	[SETTING_SSH] = { "ssh", ssh_words, SSH_AUTO },
	[SETTING_NONIP] = { "nonip", nonip_words, NONIP_DROP },
	[SETTING_MODE] = { "mode", mode_words, MODE_PREVENT },
	[SETTING_OUT] = { "out", gate_words, GATE_PASS },
	[SETTING_ICMP_ECHO] = { "icmp_echo", gate_words, GATE_DROP },
	[SETTING_ON_TRUNCATED] = { "on_truncated", gate_words, GATE_DROP },
	[SETTING_ON_FULL] = { "on_full", gate_words, GATE_DROP },
	[SETTING_ON_STATE] = { "on_state", gate_words, GATE_PASS },
};

const char *setting_word(enum splicer_setting setting, uint8_t value)
{
	const char *const *words = setting_kinds[setting].words;

	for (uint8_t i = 0; words[i]; i++)
		if (i == value)
			return words[i];
	return "unknown";
}

const char *setting_name(size_t setting)
{
	if (setting < SETTING_COUNT)
		return setting_kinds[setting].name;
	return setting == SETTING_NEW_FLOWS ? "new_flows" : "geneve";
}

const char *setting_fallback(size_t setting)
{
	if (setting < SETTING_COUNT)
		return setting_word((enum splicer_setting)setting, setting_kinds[setting].fallback);
	return setting == SETTING_NEW_FLOWS ? "off" : "";
}

/* "a, b or c" */
static void choices_add(char *text, size_t size, const char *word, bool first, bool last)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", first ? "" : last ? " or " : ", ", word);
}

static int word_unknown(const char *operand, const struct setting_kind *kind, struct error *error)
{
	char choices[256] = "";

	for (size_t i = 0; kind->words[i]; i++)
		choices_add(choices, sizeof(choices), kind->words[i], !i, !kind->words[i + 1]);
	return error_usage(error, operand, "%s is %s", kind->name, choices);
}

static int word_parse(const char *operand, const char *text, size_t setting, uint8_t *out, struct error *error)
{
	const struct setting_kind *kind = &setting_kinds[setting];

	for (uint8_t value = 0; kind->words[value]; value++) {
		*out = value;
		if (!strcmp(kind->words[value], text))
			return 0;
	}
	return word_unknown(operand, kind, error);
}

/* ---- new_flows ---- */

static int flows_read(const char *text, size_t size, uint32_t *out)
{
	struct error ignored;
	char digits[8];
	uint64_t value;

	if (size >= sizeof(digits))
		return -1;
	memcpy(digits, text, size);
	digits[size] = '\0';
	if (num_parse(digits, 1, NEW_FLOWS_MAX, &value, &ignored))
		return -1;
	*out = (uint32_t)value;
	return 0;
}

/* "RATE" or "RATE/BURST" */
static int rate_read(const char *text, uint32_t number[NUMBER_COUNT])
{
	size_t size = strcspn(text, "/");

	if (flows_read(text, size, &number[NUMBER_FLOW_RATE]))
		return -1;
	number[NUMBER_FLOW_BURST] = number[NUMBER_FLOW_RATE];
	text += size;
	return *text ? flows_read(text + 1, strlen(text + 1), &number[NUMBER_FLOW_BURST]) : 0;
}

static int new_flows_parse(const char *operand, const char *text, uint32_t number[NUMBER_COUNT], struct error *error)
{
	uint32_t word = strcmp(text, "off") ? 0 : FLOW_RATE_OFF;

	number[NUMBER_FLOW_RATE] = number[NUMBER_FLOW_BURST] = word;
	if (word || !strcmp(text, "default") || !rate_read(text, number))
		return 0;
	return error_usage(error, operand, "new_flows is default, off or RATE[/BURST], both from 1 to %u",
			   NEW_FLOWS_MAX);
}

static void new_flows_write(FILE *to, const uint32_t number[NUMBER_COUNT])
{
	uint32_t rate = number[NUMBER_FLOW_RATE], burst = number[NUMBER_FLOW_BURST];

	if (!rate)
		fputs("default", to);
	else if (rate == FLOW_RATE_OFF)
		fputs("off", to);
	else if (rate > NEW_FLOWS_MAX || !burst || burst > NEW_FLOWS_MAX)
		fputs("unknown", to);
	else if (rate == burst)
		fprintf(to, "%u", rate);
	else
		fprintf(to, "%u/%u", rate, burst);
}

/* ---- geneve ---- */

static int cover_check(const char *operand, const struct prefix_list *cover, struct error *error)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < cover->count; i++)
		if (!cover->items[i].len)
			return error_usage(error, operand, "%s is everyone: name those who may send tunnels",
					   prefix_format(&cover->items[i], text));
	return 0;
}

static int cover_add(const char *operand, const char *source, struct prefix_list *list, struct error *error)
{
	struct prefix_list cover;
	int result = prefix_parse_cover(source, NULL, &cover, error);

	if (!result)
		result = cover_check(operand, &cover, error);
	for (size_t i = 0; i < cover.count && !result; i++)
		if (prefix_list_add(list, &cover.items[i]))
			result = error_errno(error, operand);
	error->operand = operand; /* not the copy */
	free(cover.items);
	return result;
}

/* The text has its commas replaced. */
static int sources_parse(const char *operand, char *text, struct prefix_list *list, struct error *error)
{
	char *source;

	while ((source = strsep(&text, ","))) {
		if (!*source)
			return error_usage(error, operand, "geneve is default or SOURCE[,SOURCE...]");
		if (cover_add(operand, source, list, error))
			return -1;
	}
	prefix_list_sort(list);
	prefix_list_unique(list);
	return 0;
}

static int geneve_parse(const char *operand, const char *text, struct prefix_list *list, struct error *error)
{
	char *copy;
	int result;

	if (!strcmp(text, "default"))
		return 0;
	if (!strcmp(text, "off"))
		return error_usage(error, operand, "default takes the sources away; those of any stay allowed");
	copy = strdup(text);
	if (!copy)
		return error_errno(error, operand);
	result = sources_parse(operand, copy, list, error);
	free(copy);
	return result;
}

static void geneve_write(FILE *to, const struct prefix_list *list)
{
	char text[PREFIX_TEXT_MAX];

	if (!list->count)
		fputs("default", to);
	for (size_t i = 0; i < list->count; i++)
		fprintf(to, "%s%s", i ? "," : "", prefix_format(&list->items[i], text));
}

/* ---- all ---- */

static int setting_unknown(const char *operand, struct error *error)
{
	char choices[256] = "";

	for (size_t i = 0; i < SETTINGS; i++)
		choices_add(choices, sizeof(choices), setting_name(i), !i, i + 1 == SETTINGS);
	return error_usage(error, operand, "expected SETTING=VALUE, where SETTING is %s", choices);
}

static size_t setting_find(const char *name, size_t size)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (strlen(setting_name(i)) == size && !memcmp(setting_name(i), name, size))
			break;
	return i;
}

int setting_parse(const char *operand, struct setting_said *said, struct error *error)
{
	size_t size = strcspn(operand, "="), setting = setting_find(operand, size);
	const char *text = operand + size + 1;

	if (setting == SETTINGS || !operand[size])
		return setting_unknown(operand, error);
	if (said->given[setting])
		return error_usage(error, operand, "%s was said already", setting_name(setting));
	said->given[setting] = true;
	if (setting == SETTING_NEW_FLOWS)
		return new_flows_parse(operand, text, said->value.number, error);
	if (setting == SETTING_GENEVE)
		return geneve_parse(operand, text, &said->geneve, error);
	return word_parse(operand, text, setting, &said->value.setting[setting], error);
}

void setting_said_free(struct setting_said *said)
{
	free(said->geneve.items);
	said->geneve = (struct prefix_list){ 0 };
}

bool setting_is_set(size_t setting, const struct splicer_iface *value, const struct prefix_list *geneve)
{
	if (setting == SETTING_NEW_FLOWS)
		return value->number[NUMBER_FLOW_RATE] != 0;
	if (setting == SETTING_GENEVE)
		return geneve->count != 0;
	return value->setting[setting] != 0;
}

void setting_write(FILE *to, size_t setting, const struct splicer_iface *value, const struct prefix_list *geneve)
{
	if (setting == SETTING_NEW_FLOWS)
		new_flows_write(to, value->number);
	else if (setting == SETTING_GENEVE)
		geneve_write(to, geneve);
	else
		fputs(setting_word((enum splicer_setting)setting, value->setting[setting]), to);
}
