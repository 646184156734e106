/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as a file of flow_dump --metrics. What is taken can be shown of any entry, and is what OpenMetrics allows. */
#include "../unit/map_lines.h"
#include "fuzz.h"

static void require_label(const struct map_label *label)
{
	uint8_t key[28], value[72];
	size_t room = map_label_room(label);
	struct text text = { .data = malloc(room + 1), .size = room };

	FUZZ_REQUIRE(text.data);
	for (int fill = 0; fill < 256; fill += 85) {
		memset(key, fill, sizeof(key));
		memset(value, fill, sizeof(value));
		text.length = 0;
		map_label_text(label, key, value, &text);
		FUZZ_REQUIRE(text.length <= room);
	}
	free(text.data);
}

static void require_family(const struct mapspec *spec, size_t which)
{
	const struct map_family *family = &spec->families[which];

	FUZZ_REQUIRE(family->field && family->metric.name && family->metric.help);
	FUZZ_REQUIRE(!strpbrk(family->metric.name, " \t{}\"\\"));
	for (size_t i = 0; i < which; i++)
		FUZZ_REQUIRE(strcmp(spec->families[i].metric.name, family->metric.name));
	for (uint32_t i = 1; family->bounds && i + 1 < family->field->count; i++)
		FUZZ_REQUIRE(family->bounds[i] > family->bounds[i - 1]);
	for (size_t i = 0; i < family->label_count; i++)
		require_label(&family->labels[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct map_lines_types types;
	struct mapspec spec;
	struct error error;

	if (!types.btf)
		map_lines_types_make(&types);
	if (!size)
		return 0;
	if (map_lines_read((const char *)data, size, &types, &spec, &error)) {
		fuzz_require_message(&error);
	} else {
		FUZZ_REQUIRE(spec.count);
		for (size_t i = 0; i < spec.count; i++)
			require_family(&spec, i);
	}
	mapspec_free(&spec);
	return 0;
}
