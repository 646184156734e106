/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapmetrics.h"

#include "mapspec.h"
#include "mapsums.h"
#include "maptake.h"
#include "metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_ROOM 64

/* Some families of metrics while a map is read. */
struct gathering {
	const struct usermap *map;
	struct btf_fields fields;
	struct mapspec spec;
	struct mapsums *sums;     /* of each family */
	union map_total *numbers; /* room for those of an entry */
	struct text labels;       /* and for its labels */
	struct maptake take;
};

/* ---- reading ---- */

/* A histogram has its sum behind its elements, if it has one. */
static size_t family_slots(const struct map_family *family)
{
	return (size_t)family->field->count + (family->sum ? 1 : 0);
}

static void number_read(const struct btf_field *field, uint32_t i, const void *key, const void *value,
			union map_total *total)
{
	const void *bytes = field->of_key ? key : value;
	uint64_t offset = btf_field_offset(field, i);

	if (field->scalar.kind == SCALAR_FLOAT)
		total->real = scalar_read_float(&field->scalar, bytes, offset);
	else
		total->number = scalar_read(&field->scalar, bytes, offset);
}

static int family_gather(struct gathering *gather, size_t which, const void *key, const void *value)
{
	const struct map_family *family = &gather->spec.families[which];

	gather->labels.length = 0;
	for (size_t i = 0; i < family->label_count; i++) {
		map_label_text(&family->labels[i], key, value, &gather->labels);
		text_char(&gather->labels, '\0');
	}
	for (uint32_t i = 0; i < family->field->count; i++)
		number_read(family->field, i, key, value, &gather->numbers[i]);
	if (family->sum)
		number_read(family->sum, 0, key, value, &gather->numbers[family->field->count]);
	return mapsums_add(&gather->sums[which], gather->labels.data, gather->labels.length, gather->numbers);
}

static int take_entry(void *context, const void *key, const void *value)
{
	struct gathering *gather = context;

	if (gather->spec.empty_on_read && maptake_keep(&gather->take, key, value))
		return -1;
	for (uint32_t cpu = 0; cpu < gather->map->copies; cpu++)
		for (size_t i = 0; i < gather->spec.count; i++)
			if (family_gather(gather, i, key, usermap_copy(gather->map, value, cpu)))
				return -1;
	return 0;
}

/* ---- printing ---- */

static void labels_print(struct map_family *family, const char *labels)
{
	for (size_t i = 0; i < family->label_count; i++) {
		sample_label(&family->metric, family->labels[i].name, labels);
		labels += strlen(labels) + 1;
	}
}

static void number_end(struct metric *metric, const struct scalar *scalar, const union map_total *total)
{
	char number[NUMBER_ROOM];
	struct text text = { .data = number, .size = sizeof(number) - 1 };

	if (scalar->kind == SCALAR_FLOAT)
		text_float(&text, total->real, false);
	else
		text_number128(&text, total->number, scalar->kind == SCALAR_SIGNED);
	number[text.length] = '\0';
	sample_end_text(metric, number);
}

static void bound_format(const struct map_family *family, uint32_t i, char *form)
{
	struct text text = { .data = form, .size = NUMBER_ROOM - 1 };

	if (i + 1 == family->field->count) {
		text_put(&text, "+Inf");
	} else {
		text_number(&text, family->bounds[i]);
		text_put(&text, ".0"); /* it is a float to who reads it */
	}
	form[text.length] = '\0';
}

/* Buckets of OpenMetrics count what is up to their bound, those of the map what is above the bound before. */
static void histogram_print(struct map_family *family, const struct map_sum *sum)
{
	union map_total total = { 0 };
	char bound[NUMBER_ROOM];

	for (uint32_t i = 0; i < family->field->count; i++) {
		total.number += sum->totals[i].number;
		bound_format(family, i, bound);
		sample_begin_part(&family->metric, "_bucket");
		labels_print(family, sum->labels);
		sample_label(&family->metric, "le", bound);
		number_end(&family->metric, &family->field->scalar, &total);
	}
	if (!family->sum)
		return;
	sample_begin_part(&family->metric, "_count");
	labels_print(family, sum->labels);
	number_end(&family->metric, &family->field->scalar, &total);
	sample_begin_part(&family->metric, "_sum");
	labels_print(family, sum->labels);
	number_end(&family->metric, &family->sum->scalar, &sum->totals[family->field->count]);
}

static void family_print(struct map_family *family, struct mapsums *sums)
{
	metric_open(&family->metric);
	mapsums_merge(sums);
	for (size_t i = 0; i < sums->count; i++) {
		if (family->metric.type == METRIC_HISTOGRAM) {
			histogram_print(family, sums->items[i]);
			continue;
		}
		sample_begin(&family->metric);
		labels_print(family, sums->items[i]->labels);
		number_end(&family->metric, &family->field->scalar, &sums->items[i]->totals[0]);
	}
}

/* ---- all of it ---- */

static bool has_fields(const struct map_family *family)
{
	for (size_t i = 0; i < family->label_count; i++)
		if (family->labels[i].field)
			return true;
	return false;
}

/* What does not depend on entries is there also when there are none: zero. */
static int zero_add(struct gathering *gather, size_t which)
{
	const struct map_family *family = &gather->spec.families[which];

	if (has_fields(family))
		return 0;
	gather->labels.length = 0;
	for (size_t i = 0; i < family->label_count; i++) {
		map_label_text(&family->labels[i], NULL, NULL, &gather->labels);
		text_char(&gather->labels, '\0');
	}
	memset(gather->numbers, 0, family_slots(family) * sizeof(union map_total));
	return mapsums_add(&gather->sums[which], gather->labels.data, gather->labels.length, gather->numbers);
}

/* Room for the labels and the numbers of the family that has most of them. */
static int rooms_make(struct gathering *gather)
{
	size_t slots = 1, bytes = 1;

	for (size_t i = 0; i < gather->spec.count; i++) {
		const struct map_family *family = &gather->spec.families[i];
		size_t room = 1;

		for (size_t k = 0; k < family->label_count; k++)
			room += map_label_room(&family->labels[k]) + 1;
		bytes = room > bytes ? room : bytes;
		slots = family_slots(family) > slots ? family_slots(family) : slots;
	}
	gather->labels = (struct text){ .data = malloc(bytes), .size = bytes };
	gather->numbers = calloc(slots, sizeof(union map_total));
	gather->sums = calloc(gather->spec.count + 1, sizeof(struct mapsums));
	return gather->labels.data && gather->numbers && gather->sums ? 0 : -1;
}

static int sums_begin(struct gathering *gather, struct error *error)
{
	if (rooms_make(gather))
		return error_errno(error, gather->map->path);
	for (size_t i = 0; i < gather->spec.count; i++) {
		const struct map_family *family = &gather->spec.families[i];

		gather->sums[i].slots = family_slots(family);
		gather->sums[i].real = family->field->scalar.kind == SCALAR_FLOAT;
		if (zero_add(gather, i))
			return error_errno(error, gather->map->path);
	}
	return 0;
}

static int map_read(struct gathering *gather, struct error *error)
{
	if (gather->spec.empty_on_read && maptake_open(&gather->take, gather->map, &gather->spec, error))
		return -1;
	if (sums_begin(gather, error))
		return -1;
	return usermap_each(gather->map, take_entry, gather) ? error_errno(error, gather->map->path) : 0;
}

/* Nothing goes before all of it is where it was to go. */
static int hand_out(struct gathering *gather, struct error *error)
{
	for (size_t i = 0; i < gather->spec.count; i++)
		family_print(&gather->spec.families[i], &gather->sums[i]);
	metrics_end();
	if (!gather->spec.empty_on_read || fflush(stdout) || ferror(stdout))
		return 0;
	return maptake_finish(&gather->take, error);
}

static void gathering_end(struct gathering *gather)
{
	for (size_t i = 0; gather->sums && i < gather->spec.count; i++)
		mapsums_free(&gather->sums[i]);
	free(gather->sums);
	free(gather->numbers);
	free(gather->labels.data);
	maptake_close(&gather->take);
	mapspec_free(&gather->spec);
	btf_fields_free(&gather->fields);
}

int mapmetrics_print(const struct usermap *map, const char *file, struct error *error)
{
	struct gathering gather = { .map = map, .take = { .lock = -1 } };
	int result;

	if (map->of_maps)
		return error_state(error, map->path, "is a map of maps: it has no values of its own");
	signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error of stdout, not the end */
	result = usermap_fields(map, &gather.fields, error);
	if (!result)
		result = mapspec_read(&gather.spec, &gather.fields, file, error);
	if (!result)
		result = map_read(&gather, error);
	if (!result)
		result = hand_out(&gather, error);
	gathering_end(&gather);
	return result;
}
