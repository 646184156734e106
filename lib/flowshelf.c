/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowshelf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD_SIZE sizeof(struct flow_head)
#define OPEN_ATTEMPTS 1000

_Static_assert(!__builtin_offsetof(struct flow_head, generation), "a head begins with its generation");
_Static_assert(sizeof(struct flow_packets_head) <= HEAD_SIZE, "either head is mapped");
_Static_assert(!__builtin_offsetof(struct flow_packets_head, generation), "a head begins with its generation");

/* ---- a slot ---- */

void slot_close(struct slot *slot)
{
	if (slot->head)
		munmap(slot->head, HEAD_SIZE);
	if (slot->fd >= 0)
		close(slot->fd);
	*slot = (struct slot){ .fd = -1 };
}

static int slot_check(const struct shelf *shelf, const struct bpf_map_info *info, struct error *error)
{
	if (info->type == BPF_MAP_TYPE_ARRAY && info->key_size == sizeof(__u32) &&
	    info->value_size == shelf->entry_size && info->max_entries > 1 && info->map_flags & BPF_F_MMAPABLE)
		return 0;
	return error_state(error, shelf->pin->name,
			   "holds a map of another kind: type %u key %u value %u flags %#x, expected type %u key %zu "
			   "value %zu flags %#x",
			   info->type, info->key_size, info->value_size, info->map_flags, BPF_MAP_TYPE_ARRAY,
			   sizeof(__u32), shelf->entry_size, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
}

void *fd_map(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int slot_look(const struct shelf *shelf, struct slot *slot, struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(slot->fd, &info, &size))
		return error_errno(error, shelf->pin->name);
	if (slot_check(shelf, &info, error))
		return -1;
	slot->id = info.id;
	slot->count = info.max_entries - 1;
	slot->size = shelf->entry_size * info.max_entries;
	slot->head = fd_map(slot->fd, HEAD_SIZE);
	if (slot->head)
		return 0;
	error_errno(error, shelf->pin->name);
	return -1;
}

/* ---- both shelves, as they stand at one moment ---- */

static int ids_read(const struct shelf *shelf, __u32 ids[FLOW_GENERATIONS], struct error *error)
{
	for (__u32 i = 0; i < FLOW_GENERATIONS; i++) {
		if (!bpf_map_lookup_elem(shelf->outer, &i, &ids[i]))
			continue;
		if (errno != ENOENT)
			return error_errno(error, shelf->pin->name);
		ids[i] = 0;
	}
	return 0;
}

static void shelf_empty(struct shelf *shelf)
{
	for (size_t i = 0; i < FLOW_GENERATIONS; i++)
		slot_close(&shelf->slots[i]);
}

static int slot_open(struct shelf *shelf, size_t i, __u32 id, struct error *error)
{
	struct slot *slot = &shelf->slots[i];

	if (!id)
		return i == FLOW_NOW ? error_state(error, shelf->pin->name, "holds nothing that programs write to") : 0;
	slot->fd = bpf_map_get_fd_by_id(id);
	if (slot->fd >= 0)
		return slot_look(shelf, slot, error);
	error_errno(error, shelf->pin->name);
	return -1;
}

static int shelf_fill(struct shelf *shelf, const __u32 ids[FLOW_GENERATIONS], struct error *error)
{
	shelf_empty(shelf);
	for (size_t i = 0; i < FLOW_GENERATIONS; i++)
		if (slot_open(shelf, i, ids[i], error))
			return -1;
	return 0;
}

struct ids {
	__u32 sessions[FLOW_GENERATIONS], packets[FLOW_GENERATIONS];
};

static int both_ids_read(const struct shelves *shelves, struct ids *ids, struct error *error)
{
	*ids = (struct ids){ 0 };
	return ids_read(&shelves->sessions, ids->sessions, error) || ids_read(&shelves->packets, ids->packets, error)
		       ? -1
		       : 0;
}

/* Others may rotate meanwhile: what they stood at is only known when they stand there still. */
static int shelves_fill(struct shelves *shelves, struct error *error)
{
	struct ids before, after;
	int failed = 0;

	if (both_ids_read(shelves, &before, error))
		return -1;
	for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		struct error ignored;

		failed = shelf_fill(&shelves->sessions, before.sessions, error) ||
			 shelf_fill(&shelves->packets, before.packets, error);
		if (both_ids_read(shelves, &after, failed ? &ignored : error))
			return -1;
		if (!memcmp(&before, &after, sizeof(before)))
			return failed ? -1 : 0;
		before = after;
	}
	return error_state(error, shelves->sessions.pin->name, "changes faster than it can be read");
}

static void shelf_close(struct shelf *shelf)
{
	shelf_empty(shelf);
	if (shelf->outer >= 0)
		close(shelf->outer);
}

void shelves_close(struct shelves *shelves)
{
	shelf_close(&shelves->sessions);
	shelf_close(&shelves->packets);
}

static struct shelf shelf_of(const struct pin_shape *pin, size_t entry_size)
{
	struct shelf shelf = { .pin = pin, .entry_size = entry_size, .outer = -1 };

	for (size_t i = 0; i < FLOW_GENERATIONS; i++)
		shelf.slots[i].fd = -1;
	return shelf;
}

int shelves_open(struct shelves *shelves, const struct pins *pins, struct error *error)
{
	*shelves = (struct shelves){
		.sessions = shelf_of(&pin_flow_sessions, sizeof(struct flow_bucket)),
		.packets = shelf_of(&pin_flow_packets, sizeof(struct flow_packet)),
	};
	shelves->sessions.outer = pin_open(pins, shelves->sessions.pin, error);
	if (shelves->sessions.outer >= 0)
		shelves->packets.outer = pin_open(pins, shelves->packets.pin, error);
	if (shelves->packets.outer >= 0 && !shelves_fill(shelves, error))
		return 0;
	shelves_close(shelves);
	return -1;
}

/* ---- what stands where ---- */

struct slot *generation_find(struct shelf *shelf, size_t first, uint64_t generation)
{
	for (size_t i = first; i < FLOW_GENERATIONS; i++)
		if (shelf->slots[i].head && generation_of(&shelf->slots[i]) == generation)
			return &shelf->slots[i];
	return NULL;
}

/* Whether a generation waits to be handed out, or is in force. */
static bool is_waiting(struct shelves *shelves, uint64_t generation)
{
	struct slot *slot = generation_find(&shelves->sessions, 0, generation);

	return slot && (slot == &shelves->sessions.slots[FLOW_NOW] || !head_of(slot)->delivered);
}

bool is_unfinished(const struct shelves *shelves)
{
	return generation_of(&shelves->packets.slots[FLOW_NOW]) > generation_of(&shelves->sessions.slots[FLOW_NOW]);
}

bool is_needed(struct shelves *shelves, struct shelf *shelf, size_t first, size_t i)
{
	struct slot *slot = &shelf->slots[i];

	return slot->head && is_waiting(shelves, generation_of(slot)) &&
	       generation_find(shelf, first, generation_of(slot)) == slot;
}

int slot_unneeded(struct shelves *shelves, struct shelf *shelf, size_t first)
{
	int found = -1;

	for (size_t i = first; i < FLOW_GENERATIONS; i++) {
		if (is_needed(shelves, shelf, first, i))
			continue;
		if (shelf->slots[i].head)
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}
