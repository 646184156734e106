/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapspec.h"

#include "array.h"
#include "batch.h"
#include "num.h"
#include "prefix.h"

#include <stdio.h>
#include <stdlib.h>

#define BOUND_MAX (1ull << 53) /* all numbers below are exact for who reads them */

struct line {
	struct mapspec *spec;
	int argc;
	char **argv;
	struct error *error;
};

static struct map_family *last_family(const struct mapspec *spec)
{
	return spec->count ? &spec->families[spec->count - 1] : NULL;
}

/* ---- names and texts ---- */

static bool is_name(const char *text, bool colon)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	if (!*text || (!strchr(letters, *text) && !(colon && *text == ':')))
		return false;
	for (; *text; text++)
		if (!strchr(letters, *text) && !strchr("0123456789", *text) && !(colon && *text == ':'))
			return false;
	return true;
}

static bool ends_in(const char *text, const char *end)
{
	size_t size = strlen(text), of_end = strlen(end);

	return size > of_end && !strcmp(text + size - of_end, end);
}

/* What OpenMetrics adds to the name of a family itself. */
static int check_suffix(const char *name, struct error *error)
{
	static const char *const suffixes[] = { "_total", "_created", "_bucket", "_count", "_sum", "_info" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (ends_in(name, suffixes[i]))
			return error_usage(error, name, "may not end in %s, which OpenMetrics adds itself",
					   suffixes[i]);
	return 0;
}

static int check_metric_name(const struct mapspec *spec, const char *name, struct error *error)
{
	if (!is_name(name, true))
		return error_usage(error, name, "is no name of a metric: letters, digits, _ and :");
	for (size_t i = 0; i < spec->count; i++)
		if (!strcmp(spec->families[i].metric.name, name))
			return error_usage(error, name, "there is a metric of this name already");
	return check_suffix(name, error);
}

static int check_label_name(const struct map_family *family, const char *name, struct error *error)
{
	if (!is_name(name, false) || !strncmp(name, "__", 2))
		return error_usage(error, name, "is no name of a label: letters, digits and _, and not __ in front");
	if (family->metric.type == METRIC_HISTOGRAM && !strcmp(name, "le"))
		return error_usage(error, name, "is the label of the bounds of a histogram");
	for (size_t i = 0; i < family->label_count; i++)
		if (!strcmp(family->labels[i].name, name))
			return error_usage(error, name, "there is a label of this name already");
	if (family->label_count == MAP_LABELS_MAX)
		return error_usage(error, name, "there are %d labels already", MAP_LABELS_MAX);
	return 0;
}

static int keep(const char **kept, const char *text, struct error *error)
{
	if (has_control(text))
		return error_usage(error, text, "has a control character");
	*kept = strdup(text);
	return *kept ? 0 : error_errno(error, text);
}

static struct map_family *family_of(const struct line *line)
{
	struct map_family *family = last_family(line->spec);

	if (!family)
		error_usage(line->error, line->argv[1], "there is no metric yet that it could be of");
	return family;
}

/* ---- metric NAME TYPE FIELD [BOUND]... ---- */

static int find_type(const char *word, enum metric_type *type, struct error *error)
{
	static const char *const words[] = { "counter", "gauge", "histogram" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]))
			continue;
		*type = (enum metric_type)i;
		return 0;
	}
	return error_usage(error, word, "is no type of a metric: counter, gauge or histogram");
}

static bool counts(const struct btf_field *field)
{
	return field->scalar.kind == SCALAR_UNSIGNED;
}

static int check_number(const struct btf_field *field, bool counter, const char *word, struct error *error)
{
	if (field->is_array)
		return error_usage(error, word, "is an array, of which only a histogram can be made");
	if (counter && !counts(field))
		return error_usage(error, word, "is no unsigned integer, so it is no counter");
	if (!scalar_is_number(&field->scalar) && field->scalar.kind != SCALAR_FLOAT)
		return error_usage(error, word, "is no number");
	return 0;
}

static int take_bounds(const struct line *line, struct map_family *family)
{
	uint32_t wanted = family->field->count - 1;
	int given = line->argc - 5;

	if ((uint32_t)given != wanted)
		return error_usage(line->error, line->argv[4], "has %u elements, which need %u bounds, not %d",
				   wanted + 1, wanted, given);
	family->bounds = calloc(wanted + 1, sizeof(*family->bounds));
	if (!family->bounds)
		return error_errno(line->error, line->argv[4]);
	for (uint32_t i = 0; i < wanted; i++) {
		uint64_t least = i ? family->bounds[i - 1] + 1 : 0;

		if (num_parse(line->argv[5 + i], least, BOUND_MAX, &family->bounds[i], line->error))
			return -1;
	}
	return 0;
}

static int check_histogram(const struct line *line, struct map_family *family)
{
	const struct btf_field *field = family->field;

	if (!field->is_array || !counts(field) || field->count < 2)
		return error_usage(line->error, line->argv[4], "is no array of at least two unsigned integers");
	return take_bounds(line, family);
}

static int family_fill(const struct line *line, struct map_family *family)
{
	if (find_type(line->argv[3], &family->metric.type, line->error))
		return -1;
	family->field = btf_field_find(line->spec->fields, line->argv[4], line->error);
	if (!family->field)
		return -1;
	if (family->metric.type == METRIC_HISTOGRAM)
		return check_histogram(line, family);
	if (line->argc > 5)
		return error_usage(line->error, line->argv[5], "only a histogram has bounds");
	return check_number(family->field, family->metric.type == METRIC_COUNTER, line->argv[4], line->error);
}

static int take_metric(const struct line *line)
{
	struct mapspec *spec = line->spec;
	struct map_family *families;

	if (check_metric_name(spec, line->argv[2], line->error))
		return -1;
	families = array_room(spec->families, spec->count, sizeof(*families));
	if (!families)
		return error_errno(line->error, line->argv[2]);
	spec->families = families;
	families[spec->count] = (struct map_family){ 0 };
	if (keep(&families[spec->count++].metric.name, line->argv[2], line->error))
		return -1;
	return family_fill(line, &families[spec->count - 1]);
}

/* ---- what a metric has beside ---- */

static int take_once(const char **text, const struct line *line)
{
	if (*text)
		return error_usage(line->error, line->argv[1], "this metric has one already");
	return keep(text, line->argv[2], line->error);
}

static int take_help(const struct line *line)
{
	struct map_family *family = family_of(line);

	return family ? take_once(&family->metric.help, line) : -1;
}

static int take_unit(const struct line *line)
{
	struct map_family *family = family_of(line);
	const char *unit = line->argv[2];
	size_t size;

	if (!family)
		return -1;
	size = strlen(family->metric.name);
	if (!is_name(unit, false))
		return error_usage(line->error, unit, "is no unit: letters, digits and _");
	if (!ends_in(family->metric.name, unit) || family->metric.name[size - strlen(unit) - 1] != '_')
		return error_usage(line->error, unit, "the name of the metric must end in _%s", unit);
	return take_once(&family->metric.unit, line);
}

static int take_sum(const struct line *line)
{
	struct map_family *family = family_of(line);

	if (!family)
		return -1;
	if (family->metric.type != METRIC_HISTOGRAM)
		return error_usage(line->error, line->argv[1], "only a histogram has one");
	if (family->sum)
		return error_usage(line->error, line->argv[1], "this metric has one already");
	family->sum = btf_field_find(line->spec->fields, line->argv[2], line->error);
	return family->sum ? check_number(family->sum, true, line->argv[2], line->error) : -1;
}

static const struct {
	const char *word;
	uint32_t bytes; /* of the field; 0: any */
} forms[] = {
	[LABEL_IP] = { "ip", 0 },   [LABEL_IPV4] = { "ipv4", 4 }, [LABEL_IPV6] = { "ipv6", 16 },
	[LABEL_MAC] = { "mac", 6 }, [LABEL_HEX] = { "hex", 0 },
};

static uint64_t field_bytes(const struct btf_field *field)
{
	return field->is_array ? (uint64_t)field->count * field->stride : field->scalar.bits / 8;
}

static bool has_bytes(const struct btf_field *field)
{
	return !field->scalar.offset && field->scalar.bits % 8 == 0 && field->offset % 8 == 0;
}

static int check_form(const struct btf_field *field, enum label_form form, const char *word, struct error *error)
{
	uint64_t bytes = field_bytes(field);

	if (!has_bytes(field))
		return error_usage(error, word, "the field is not of whole bytes");
	if (form == LABEL_IP && bytes != 4 && bytes != 16)
		return error_usage(error, word, "is of 4 or 16 bytes, the field of %llu", (unsigned long long)bytes);
	if (forms[form].bytes && bytes != forms[form].bytes)
		return error_usage(error, word, "is of %u bytes, the field of %llu", forms[form].bytes,
				   (unsigned long long)bytes);
	return 0;
}

static int find_form(const struct btf_field *field, const char *word, enum label_form *form, struct error *error)
{
	for (size_t i = LABEL_IP; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(word, forms[i].word))
			continue;
		*form = (enum label_form)i;
		return check_form(field, *form, word, error);
	}
	return error_usage(error, word, "is no form of a label: ip, ipv4, ipv6, mac or hex");
}

static int label_begin(const struct line *line, struct map_label **label)
{
	struct map_family *family = family_of(line);

	if (!family || check_label_name(family, line->argv[2], line->error))
		return -1;
	*label = &family->labels[family->label_count++];
	(*label)->name = strdup(line->argv[2]);
	return (*label)->name ? 0 : error_errno(line->error, line->argv[2]);
}

static int take_label(const struct line *line)
{
	struct map_label *label;

	if (label_begin(line, &label))
		return -1;
	label->field = btf_field_find(line->spec->fields, line->argv[3], line->error);
	if (!label->field)
		return -1;
	return line->argc > 4 ? find_form(label->field, line->argv[4], &label->form, line->error) : 0;
}

static int take_constant(const struct line *line)
{
	struct map_label *label;
	const char *kept = NULL;

	if (label_begin(line, &label) || keep(&kept, line->argv[3], line->error))
		return -1;
	label->constant = (char *)kept;
	return 0;
}

static int take_empty(const struct line *line)
{
	if (line->spec->empty_on_read)
		return error_usage(line->error, line->argv[1], "was said already");
	line->spec->empty_on_read = true;
	return 0;
}

/* ---- lines ---- */

static const struct {
	const char *word, *operands;
	int least, most; /* words in all, with the program's name */
	int (*take)(const struct line *line);
} commands[] = {
	{ "metric", "NAME TYPE FIELD [BOUND]...", 5, BATCH_WORDS_MAX + 1, take_metric },
	{ "help", "TEXT", 3, 3, take_help },
	{ "unit", "NAME", 3, 3, take_unit },
	{ "sum", "FIELD", 3, 3, take_sum },
	{ "label", "NAME FIELD [FORM]", 4, 5, take_label },
	{ "constant", "NAME TEXT", 4, 4, take_constant },
	{ "empty-on-read", "", 2, 2, take_empty },
};

static int take_line(void *context, unsigned long number, int argc, char **argv, struct error *error)
{
	struct line line = { .spec = context, .argc = argc, .argv = argv, .error = error };

	(void)number;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].word))
			continue;
		if (argc < commands[i].least || argc > commands[i].most)
			return error_usage(error, argv[1], "takes %s",
					   *commands[i].operands ? commands[i].operands : "nothing");
		return commands[i].take(&line);
	}
	return error_usage(error, argv[1],
			   "no such word; there are metric, help, unit, sum, label, constant and empty-on-read");
}

static int helps_complete(struct mapspec *spec, struct error *error)
{
	for (size_t i = 0; i < spec->count; i++) {
		struct map_family *family = &spec->families[i];

		if (!family->metric.help && keep(&family->metric.help, family->field->name, error))
			return -1;
	}
	return 0;
}

int mapspec_read(struct mapspec *spec, const struct btf_fields *fields, const char *path, struct error *error)
{
	*spec = (struct mapspec){ .fields = fields };
	if (batch_read(path, take_line, spec, error))
		return -1;
	if (!spec->count)
		return error_usage(error, strcmp(path, "-") ? path : "stdin", "has no metric");
	return helps_complete(spec, error);
}

void mapspec_free(struct mapspec *spec)
{
	for (size_t i = 0; i < spec->count; i++) {
		struct map_family *family = &spec->families[i];

		for (size_t k = 0; k < family->label_count; k++) {
			free(family->labels[k].name);
			free(family->labels[k].constant);
		}
		free((char *)family->metric.name);
		free((char *)family->metric.help);
		free((char *)family->metric.unit);
		free(family->bounds);
	}
	free(spec->families);
	*spec = (struct mapspec){ 0 };
}

/* ---- labels of an entry ---- */

static void address_text(struct text *text, const uint8_t *bytes, uint64_t size, bool unmap)
{
	struct prefix prefix = { .family = size == 4 ? 4 : 6, .len = size == 4 ? 32 : 128 };

	memcpy(prefix.addr, bytes, size);
	if (unmap && prefix.family == 6)
		prefix_unmap(&prefix);
	text_address(text, prefix.family, prefix.addr);
}

/* A number as one; anything else in the order in which it lies in memory. */
static void hex_text(struct text *text, const struct btf_field *field, const void *bytes, uint64_t size)
{
	const uint8_t *at = (const uint8_t *)bytes + field->offset / 8;
	scalar_number number;

	text_put(text, "0x");
	if (!field->is_array && scalar_is_number(&field->scalar)) {
		number = scalar_read(&field->scalar, bytes, field->offset);
		for (uint64_t i = size; i-- > 0;)
			text_hex(text, (uint8_t)(number >> 8 * i), 2);
		return;
	}
	for (uint64_t i = 0; i < size; i++)
		text_hex(text, at[i], 2);
}

void map_label_text(const struct map_label *label, const void *key, const void *value, struct text *text)
{
	const struct btf_field *field = label->field;
	const void *bytes = field && field->of_key ? key : value;
	const uint8_t *at;

	if (!field) {
		text_put(text, label->constant);
		return;
	}
	at = (const uint8_t *)bytes + field->offset / 8;
	switch (label->form) {
	case LABEL_IP:
	case LABEL_IPV4:
	case LABEL_IPV6:
		address_text(text, at, field_bytes(field), label->form == LABEL_IP);
		break;
	case LABEL_MAC:
		text_mac(text, at);
		break;
	case LABEL_HEX:
		hex_text(text, field, bytes, field_bytes(field));
		break;
	default:
		btf_field_text(field, bytes, ESCAPE_BYTES, text);
	}
}

size_t map_label_room(const struct map_label *label)
{
	const struct btf_field *field = label->field;

	if (!field)
		return strlen(label->constant);
	return field->count * (scalar_text_room(&field->scalar) + 1) + 2 * field_bytes(field) + PREFIX_TEXT_MAX;
}
