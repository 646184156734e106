/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapinner.h"

#include "csv.h"
#include "out.h"
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_TEXT 64 /* bytes of a key that are shown, as hexadecimal digits */

/* What is told of one. */
struct inner {
	char key[KEY_TEXT];
	struct bpf_map_info info; /* all zero but its id if it has gone meanwhile */
};

/* A slot of an array is a number; of a hash nothing is known but bytes. */
static void key_format(const struct usermap *map, const uint8_t *key, char *text)
{
	struct text form = { .data = text, .size = KEY_TEXT - 1 };
	uint32_t slot;

	if (map->info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS) {
		memcpy(&slot, key, sizeof(slot));
		text_number(&form, slot);
	} else {
		text_put(&form, "0x");
		for (uint32_t i = 0; i < map->info.key_size; i++)
			text_hex(&form, key[i], 2);
	}
	text[form.length] = '\0';
}

static void info_read(uint32_t id, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, info, &size))
		*info = (struct bpf_map_info){ .id = id };
	if (fd >= 0)
		close(fd);
}

/* The next key after the one in `key`, into it. Slots that are empty have none to look up. */
static int inners_read(const struct usermap *map, uint8_t *key, struct table *inners)
{
	for (bool first = true;; first = false) {
		struct inner inner = { 0 };
		uint32_t id;

		if (bpf_map_get_next_key(map->fd, first ? NULL : key, key))
			return errno == ENOENT ? 0 : -1;
		if (bpf_map_lookup_elem(map->fd, key, &id))
			continue;
		key_format(map, key, inner.key);
		info_read(id, &inner.info);
		if (table_add(inners, &inner))
			return -1;
	}
}

static void inner_out(struct out *out, bool numbered, const struct inner *inner)
{
	const struct bpf_map_info *info = &inner->info;

	out_begin(out);
	if (numbered)
		out_made(out, "slot", "slot", inner->key, inner->key);
	else
		out_text(out, "slot", "slot", inner->key);
	out_number(out, "id", "id", info->id);
	out_text(out, "type", "type", usermap_kind(info->type));
	out_text(out, "name", "name", *info->name ? info->name : NULL);
	out_number(out, "key_size", "key_size", info->key_size);
	out_number(out, "value_size", "value_size", info->value_size);
	out_number(out, "entries", "entries", info->max_entries);
	out_end(out);
}

static void inner_csv(const struct inner *inner)
{
	const struct bpf_map_info *info = &inner->info;
	const char *type = usermap_kind(info->type);
	uint32_t numbers[] = { info->key_size, info->value_size, info->max_entries };
	char number[16];

	csv_field(inner->key, true);
	snprintf(number, sizeof(number), "%u", info->id);
	csv_field(number, false);
	csv_field(type ? type : "", false);
	csv_field(info->name, false);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(number, sizeof(number), "%u", numbers[i]);
		csv_field(number, false);
	}
	csv_end();
}

static void inners_print(const struct table *inners, bool numbered, enum flow_form form)
{
	struct out out;

	if (form == FLOW_AS_CSV) {
		fputs("slot,id,type,name,key_size,value_size,entries\r\n", stdout);
		for (size_t i = 0; i < inners->count; i++)
			inner_csv(table_at(inners, i));
		return;
	}
	out_open(&out, form == FLOW_AS_TABLE ? OUT_TABLE : form == FLOW_AS_JSON_LINES ? OUT_JSON_LINES : OUT_JSON);
	do {
		for (size_t i = 0; i < inners->count; i++)
			inner_out(&out, numbered, table_at(inners, i));
	} while (out_again(&out));
}

int mapinner_print(const struct usermap *map, enum flow_form form, struct error *error)
{
	struct table inners = { .size = sizeof(struct inner) };
	uint8_t *key = calloc(1, map->info.key_size);
	int result = !key || inners_read(map, key, &inners) ? error_errno(error, map->path) : 0;

	if (!result)
		inners_print(&inners, map->info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS, form);
	free(inners.items);
	free(key);
	return result;
}
