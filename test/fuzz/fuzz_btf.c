/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as the types of somebody's map: a type's number and the size of a value, 2 bytes each, then BTF as it stands in
 * an object. What is said to be showable is shown, of a value of just that size, as JSON and as fields.
 */
#include "btffield.h"
#include "fuzz.h"

#include <bpf/libbpf.h>

struct input {
	uint16_t type, size;
} __attribute__((packed));

static void *value_make(size_t size)
{
	uint8_t *value = malloc(size ? size : 1);

	FUZZ_REQUIRE(value);
	for (size_t i = 0; i < size; i++)
		value[i] = (uint8_t)(i * 37 + 129);
	return value;
}

/* Braces and quotes come in pairs; no control characters. */
static void require_json(const char *text, size_t size)
{
	bool quoted = false;
	long depth = 0;

	FUZZ_REQUIRE(size && strlen(text) == size);
	for (const char *at = text; *at; at++) {
		FUZZ_REQUIRE((unsigned char)*at >= ' ' || *at == '\n');
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\')
			FUZZ_REQUIRE(*++at);
		else if (!quoted)
			depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		FUZZ_REQUIRE(depth >= 0);
	}
	FUZZ_REQUIRE(!quoted && !depth);
}

static void try_json(const struct btf *btf, uint32_t type, const void *value)
{
	struct fuzz_stream out;
	int result;

	fuzz_stream_begin(&out, &stdout);
	result = btf_value_json(btf, type, value);
	fuzz_stream_end(&out);
	FUZZ_REQUIRE(!result);
	require_json(out.text, out.size);
	free(out.text);
}

static void try_text(const struct btf_fields *fields, const void *value)
{
	size_t room = btf_fields_room(fields);
	struct text text = { .data = malloc(room), .size = room };

	FUZZ_REQUIRE(text.data);
	for (size_t i = 0; i < fields->count; i++) {
		text.length = 0;
		btf_field_text(&fields->items[i], value, ESCAPE_CONTROLS, &text);
		FUZZ_REQUIRE(text.length < room);
		text.data[text.length] = '\0';
		FUZZ_REQUIRE(!has_control(text.data));
	}
	free(text.data);
}

static void try_fields(const struct btf *btf, uint32_t type, const void *value)
{
	struct btf_fields fields = { .count = 0 };
	struct error error;

	if (btf_fields_add(&fields, btf, type, "value", false, &error))
		fuzz_require_message(&error);
	else
		try_text(&fields, value);
	btf_fields_free(&fields);
}

static void try_type(const struct btf *btf, uint32_t type, size_t size)
{
	struct error error;
	void *value;

	if (btf_value_check(btf, type, size, "map", &error)) {
		fuzz_require_message(&error);
		return;
	}
	value = value_make(size);
	try_json(btf, type, value);
	try_fields(btf, type, value);
	free(value);
}

/* The kernel refuses what libbpf would read unaligned (btf_check_type_section of kernel/bpf/btf.c: "Unaligned
 * type_off"). */
static bool is_aligned(const uint8_t *data, size_t size)
{
	struct btf_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	return header.hdr_len % 4 == 0 && header.type_off % 4 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	struct btf *btf;

	libbpf_set_print(NULL);
	if (size < sizeof(input))
		return 0;
	memcpy(&input, data, sizeof(input));
	data += sizeof(input);
	size -= sizeof(input);
	if (!is_aligned(data, size))
		return 0;
	btf = btf__new(data, (uint32_t)size);
	if (!btf)
		return 0;
	try_type(btf, input.type, input.size);
	btf__free(btf);
	return 0;
}
