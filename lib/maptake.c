/* SPDX-License-Identifier: GPL-2.0-only */
#include "maptake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES_FIRST 1024
#define ATTEMPTS 1000 /* a program makes an entry anew each time between two system calls */

/* ---- whether it can be done ---- */

/* Programs may still write to a frozen map, but nobody else. */
static bool is_frozen(int fd)
{
	char path[64], line[128];
	FILE *file;
	unsigned int frozen = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "frozen: %u", &frozen) == 1)
			break;
	fclose(file);
	return frozen;
}

static int check_map(const struct usermap *map, struct error *error)
{
	if (map->info.type == BPF_MAP_TYPE_LPM_TRIE)
		return error_state(
			error, map->path,
			"empty-on-read is not for an LPM trie: the kernel cannot take out what it hands over");
	if (is_frozen(map->fd))
		return error_state(error, map->path, "is frozen, so it cannot be emptied");
	return 0;
}

/* The file in bpffs of a map that has BTF can be opened like any other. */
static int lock_take(struct maptake *take, struct error *error)
{
	take->lock = open(take->map->path, O_RDONLY | O_CLOEXEC);
	if (take->lock < 0)
		return error_errno(error, take->map->path);
	if (!flock(take->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return error_state(error, take->map->path, "another process reads and empties it now");
	return error_errno(error, take->map->path);
}

/* Bytes of an entry of a mmapable array: kernel/bpf/arraymap.c */
static size_t array_stride(const struct usermap *map)
{
	return (map->info.value_size + 7ul) / 8 * 8;
}

static int memory_map(struct maptake *take, struct error *error)
{
	const struct usermap *map = take->map;
	void *memory;

	if (!map->is_array || map->per_cpu || !(map->info.map_flags & BPF_F_MMAPABLE))
		return 0;
	take->memory_bytes = array_stride(map) * map->info.max_entries;
	memory = mmap(NULL, take->memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	if (memory == MAP_FAILED)
		return error_errno(error, map->path);
	take->memory = memory;
	return 0;
}

int maptake_open(struct maptake *take, const struct usermap *map, const struct mapspec *spec, struct error *error)
{
	*take = (struct maptake){ .map = map, .spec = spec, .lock = -1 };
	take->entry_bytes = map->info.key_size + usermap_value_bytes(map);
	if (check_map(map, error) || lock_take(take, error) || memory_map(take, error))
		return -1;
	take->found = calloc(2, usermap_value_bytes(map));
	return take->found ? 0 : error_errno(error, map->path);
}

void maptake_close(struct maptake *take)
{
	if (take->memory)
		munmap(take->memory, take->memory_bytes);
	if (take->map && take->lock >= 0)
		close(take->lock);
	free(take->entries);
	free(take->found);
	*take = (struct maptake){ .lock = -1 };
}

/* ---- what was read ---- */

static uint8_t *entry_key(const struct maptake *take, size_t i)
{
	return take->entries + i * take->entry_bytes;
}

static uint8_t *entry_value(const struct maptake *take, size_t i)
{
	return entry_key(take, i) + take->map->info.key_size;
}

int maptake_keep(struct maptake *take, const void *key, const void *value)
{
	if (take->count == take->room) {
		size_t room = take->room ? 2 * take->room : ENTRIES_FIRST;
		uint8_t *entries = reallocarray(take->entries, room, take->entry_bytes);

		if (!entries)
			return -1;
		take->entries = entries;
		take->room = room;
	}
	memcpy(entry_key(take, take->count), key, take->map->info.key_size);
	memcpy(entry_value(take, take->count++), value, usermap_value_bytes(take->map));
	return 0;
}

/* ---- the fields of a value that were handed out ---- */

/* What to do with one number; `count` tells one that grows from a gauge. Returns whether something is left of it. */
typedef bool number_change(const struct btf_field *field, bool count, uint64_t offset, void *now, const void *read);

static bool field_change(const struct btf_field *field, bool count, number_change *change, void *now, const void *read)
{
	bool left = false;

	for (uint32_t i = 0; field && !field->of_key && i < field->count; i++)
		left |= change(field, count, btf_field_offset(field, i), now, read);
	return left;
}

/* A field that two metrics have is changed once. */
static bool is_first(const struct mapspec *spec, size_t family, const struct btf_field *field)
{
	for (size_t i = 0; i < family; i++)
		if (spec->families[i].field == field || spec->families[i].sum == field)
			return false;
	return true;
}

/* All of a value; in copies, of all CPUs. */
static bool value_change(const struct maptake *take, number_change *change, void *now, const void *read)
{
	const struct mapspec *spec = take->spec;
	bool left = false;

	for (size_t i = 0; i < spec->count; i++) {
		const struct map_family *family = &spec->families[i];
		bool count = family->metric.type != METRIC_GAUGE;

		for (uint32_t cpu = 0; cpu < take->map->copies; cpu++) {
			size_t offset = cpu * take->map->stride;
			uint8_t *to = (uint8_t *)now + offset;
			const uint8_t *from = (const uint8_t *)read + offset;

			if (is_first(spec, i, family->field))
				left |= field_change(family->field, count, change, to, from);
			if (is_first(spec, i, family->sum))
				left |= field_change(family->sum, count, change, to, from);
		}
	}
	return left;
}

/* Lower than it was: the entry was made anew since, and this is all of it. */
static scalar_number lowered(scalar_number now, scalar_number read)
{
	return now >= read ? now - read : now;
}

static bool is_same(const struct btf_field *field, uint64_t offset, const void *now, const void *read)
{
	return scalar_read(&field->scalar, now, offset) == scalar_read(&field->scalar, read, offset);
}

/* A float is as many bits as any other. */
static bool number_lower(const struct btf_field *field, bool count, uint64_t offset, void *now, const void *read)
{
	scalar_number left = scalar_read(&field->scalar, now, offset);

	if (count)
		left = lowered(left, scalar_read(&field->scalar, read, offset));
	else if (is_same(field, offset, now, read))
		left = 0;
	scalar_write(&field->scalar, now, offset, left);
	return left != 0;
}

/* To `now` what `read` has counted, of an entry that was made meanwhile. */
static bool number_raise(const struct btf_field *field, bool count, uint64_t offset, void *now, const void *read)
{
	if (count)
		scalar_write(&field->scalar, now, offset,
			     scalar_read(&field->scalar, now, offset) + scalar_read(&field->scalar, read, offset));
	return true;
}

/* ---- in memory that programs share ---- */

/* Lowered in one step where a program adds to it in one step. */
static void lower_shared64(uint64_t *place, bool count, uint64_t was)
{
	if (!count)
		__atomic_compare_exchange_n(place, &was, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	else if (__atomic_load_n(place, __ATOMIC_RELAXED) >= was)
		__atomic_fetch_sub(place, was, __ATOMIC_SEQ_CST);
}

static void lower_shared32(uint32_t *place, bool count, uint32_t was)
{
	if (!count)
		__atomic_compare_exchange_n(place, &was, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	else if (__atomic_load_n(place, __ATOMIC_RELAXED) >= was)
		__atomic_fetch_sub(place, was, __ATOMIC_SEQ_CST);
}

static bool is_whole(const struct scalar *scalar, const uint8_t *at, uint64_t offset)
{
	return (scalar->bits == 64 || scalar->bits == 32) && !scalar->offset && !scalar->swapped && offset % 8 == 0 &&
	       (uintptr_t)at % (scalar->bits / 8) == 0;
}

static bool number_lower_shared(const struct btf_field *field, bool count, uint64_t offset, void *now, const void *read)
{
	const struct scalar *scalar = &field->scalar;
	uint8_t *at = (uint8_t *)now + offset / 8;
	uint64_t was = (uint64_t)scalar_read(scalar, read, offset);

	if (!is_whole(scalar, at, offset))
		number_lower(field, count, offset, now, read);
	else if (scalar->bits == 64)
		lower_shared64((uint64_t *)(void *)at, count, was);
	else
		lower_shared32((uint32_t *)(void *)at, count, (uint32_t)was);
	return false;
}

/* ---- entries ---- */

/* Each entry of an array stays; of what it holds, what was handed out goes. */
static int array_lower(const struct maptake *take, size_t i)
{
	const struct usermap *map = take->map;
	uint32_t index;

	memcpy(&index, entry_key(take, i), sizeof(index));
	if (take->memory) {
		value_change(take, number_lower_shared, take->memory + index * array_stride(map), entry_value(take, i));
		return 0;
	}
	if (bpf_map_lookup_elem(map->fd, &index, take->found))
		return -1;
	value_change(take, number_lower, take->found, entry_value(take, i));
	return bpf_map_update_elem(map->fd, &index, take->found, BPF_EXIST);
}

/*
 * Puts back what is left of an entry that was taken out. A program may have made it anew since: then that one is taken
 * out too, and both are put back as one.
 */
static int hash_put_back(const struct maptake *take, const void *key)
{
	const struct usermap *map = take->map;
	uint8_t *again = take->found + usermap_value_bytes(map);

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (!bpf_map_update_elem(map->fd, key, take->found, BPF_NOEXIST))
			return 0;
		if (errno != EEXIST)
			return -1;
		if (bpf_map_lookup_and_delete_elem(map->fd, key, again)) {
			if (errno != ENOENT)
				return -1;
			continue;
		}
		value_change(take, number_raise, again, take->found);
		memcpy(take->found, again, usermap_value_bytes(map));
	}
	errno = EBUSY;
	return -1;
}

static int hash_lower(const struct maptake *take, size_t i)
{
	const void *key = entry_key(take, i);

	if (bpf_map_lookup_and_delete_elem(take->map->fd, key, take->found))
		return errno == ENOENT ? 0 : -1;
	if (!value_change(take, number_lower, take->found, entry_value(take, i)))
		return 0;
	return hash_put_back(take, key);
}

int maptake_finish(struct maptake *take, struct error *error)
{
	size_t failed = 0;
	int reason = 0;

	for (size_t i = 0; i < take->count; i++)
		if (take->map->is_array ? array_lower(take, i) : hash_lower(take, i)) {
			failed++;
			reason = errno;
		}
	if (!failed)
		return 0;
	return error_state(error, take->map->path,
			   "of %zu entries that were printed, what came since or all is not as it was: %s", failed,
			   strerror(reason));
}
