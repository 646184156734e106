/* SPDX-License-Identifier: GPL-2.0-only */
#include "subscribe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STAT_MAX 1024
#define STAT_STATE 3 /* fields of /proc/PID/stat, see proc(5); the first is the pid */
#define STAT_THREADS 20
#define STAT_START 22

/* The text of a field behind the name of the process, or NULL. */
static const char *stat_field(const char *stat, int wanted)
{
	/* the name in field 2 may hold anything, also ") " */
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < wanted; field++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : NULL;
}

static uint64_t stat_number(const char *stat, int wanted)
{
	const char *text = stat_field(stat, wanted);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* -1 with errno */
static int stat_read_file(const char *path, char *stat, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, stat, size - 1);
	close(fd);
	if (got <= 0)
		return -1;
	stat[got] = '\0';
	return 0;
}

/* Reads /proc/PID/stat. -1 with errno. */
static int stat_read(uint32_t pid, char *stat, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	return stat_read_file(path, stat, size);
}

/* It has ended, and only waits for its parent. One whose first thread alone has ended goes on. */
static bool stat_is_zombie(const char *stat)
{
	const char *state = stat_field(stat, STAT_STATE);

	return state && strchr("ZX", *state) && stat_number(stat, STAT_THREADS) < 2;
}

/*
 * Who this process is for others that look into /proc: where that is of an outer PID namespace, getpid() is another's
 * number there.
 */
static int own_identity(struct subscription *subscription, struct error *error)
{
	char stat[STAT_MAX];

	if (!stat_read_file("/proc/self/stat", stat, sizeof(stat))) {
		subscription->pid = (uint32_t)strtoul(stat, NULL, 10);
		subscription->start_time = stat_number(stat, STAT_START);
	}
	if (subscription->pid && subscription->start_time)
		return 0;
	return error_state(error, "/proc/self/stat", "cannot be read, so no subscriber could tell that this one lives");
}

/* Whether the subscriber is known to have ended: of one that cannot be looked at this is not known. */
static bool slot_is_dead(const struct event_slot *slot)
{
	char stat[STAT_MAX];

	if (stat_read(slot->pid, stat, sizeof(stat)))
		return errno == ENOENT || errno == ESRCH;
	return stat_number(stat, STAT_START) != slot->start_time || stat_is_zombie(stat);
}

/* Nobody writes to the ring of the slot when this returns: the kernel waits for programs that run. */
static void slot_stop(struct subscription *subscription, uint32_t slot)
{
	for (int type = 0; type < EVENT_TYPES; type++)
		__atomic_fetch_and(&subscription->control->wanted[type], ~(1ull << slot), __ATOMIC_SEQ_CST);
	bpf_map_delete_elem(subscription->rings, &slot);
}

/*
 * Bits last: a program that sees one must find ring and filter. The pid before them: who finds bits must be able to
 * see whose they are. What a careless subscriber left in a slot that it gave back goes first.
 */
static int slot_start(struct subscription *subscription, const struct event_filter *filter, struct error *error)
{
	struct event_slot *slot = &subscription->slots[subscription->slot];

	slot_stop(subscription, subscription->slot);
	memset(slot, 0, sizeof(*slot));
	slot->start_time = subscription->start_time;
	slot->filter = *filter;
	__atomic_store_n(&slot->pid, subscription->pid, __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(subscription->rings, &subscription->slot, &subscription->ring, 0)) {
		slot->pid = 0;
		return error_errno(error, EVENT_RINGS);
	}
	for (int type = EVENT_DECISION; type < EVENT_TYPES; type++)
		if (filter->types & 1u << type)
			__atomic_fetch_or(&subscription->control->wanted[type], 1ull << subscription->slot,
					  __ATOMIC_SEQ_CST);
	return 0;
}

/* Programs write to the rings of the dead until their bits are cleared. */
static void slots_bury(struct subscription *subscription)
{
	for (uint32_t i = 0; i < EVENT_SLOT_COUNT; i++) {
		struct event_slot *slot = &subscription->slots[i];

		if (!slot->pid || !slot_is_dead(slot))
			continue;
		slot_stop(subscription, i);
		__atomic_store_n(&slot->pid, 0, __ATOMIC_SEQ_CST);
	}
}

/* One that died since the dead were buried is still in its slot, and bits and ring are, too. */
static int slot_take(struct subscription *subscription, const struct event_filter *filter, struct error *error)
{
	for (subscription->slot = 0; subscription->slot < EVENT_SLOT_COUNT; subscription->slot++)
		if (!subscription->slots[subscription->slot].pid)
			return slot_start(subscription, filter, error);
	return error_state(error, EVENT_SLOTS, "all %d places of subscribers are taken", EVENT_SLOT_COUNT);
}

/* The id comes first: if the maps are replaced meanwhile, it tells. */
static int maps_open(struct subscription *subscription, const struct pins *pins, struct error *error)
{
	if (pin_id(pins, &pin_event_control, &subscription->id, error))
		return -1;
	subscription->control = pin_map(pins, &pin_event_control, error);
	subscription->slots = subscription->control ? pin_map(pins, &pin_event_slots, error) : NULL;
	subscription->rings = subscription->slots ? pin_open(pins, &pin_event_rings, error) : -1;
	return subscription->rings < 0 ? -1 : 0;
}

static void all_close(struct subscription *subscription)
{
	pin_unmap(&pin_event_control, subscription->control);
	pin_unmap(&pin_event_slots, subscription->slots);
	if (subscription->rings >= 0)
		close(subscription->rings);
	if (subscription->ring >= 0)
		close(subscription->ring);
}

static bool slot_is_free(const struct subscription *subscription)
{
	for (int i = 0; i < EVENT_SLOT_COUNT; i++)
		if (!subscription->slots[i].pid)
			return true;
	return false;
}

static int place_take(struct subscription *subscription, const struct event_filter *filter, bool spares,
		      struct error *error)
{
	int result;

	if (pins_lock(subscription->pins, error))
		return -1;
	if (!spares || !slot_is_free(subscription))
		slots_bury(subscription);
	result = slot_take(subscription, filter, error);
	pins_unlock(subscription->pins);
	return result;
}

int subscription_open(struct subscription *subscription, const struct pins *pins, const struct event_filter *filter,
		      uint32_t ring_bytes, bool spares, struct error *error)
{
	int result;

	*subscription = (struct subscription){ .pins = pins, .ring = -1, .rings = -1 };
	if (own_identity(subscription, error))
		return -1;
	result = maps_open(subscription, pins, error);
	if (!result) {
		subscription->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "event_ring", 0, 0, ring_bytes, NULL);
		result = subscription->ring < 0 ? error_errno(error, "event_ring")
						: place_take(subscription, filter, spares, error);
	}
	if (result)
		all_close(subscription);
	return result;
}

uint64_t subscription_lost(struct subscription *subscription)
{
	uint64_t lost = __atomic_load_n(&subscription->slots[subscription->slot].lost, __ATOMIC_SEQ_CST);

	/* read before it is known whose it was */
	if (subscription_holds(subscription))
		subscription->lost = lost;
	return subscription->lost;
}

bool subscription_holds(const struct subscription *subscription)
{
	const struct event_slot *slot = &subscription->slots[subscription->slot];

	return slot->pid == subscription->pid && slot->start_time == subscription->start_time;
}

void subscription_set_polls(struct subscription *subscription, bool polls)
{
	if (subscription_holds(subscription))
		__atomic_store_n(&subscription->slots[subscription->slot].polls, polls, __ATOMIC_SEQ_CST);
}

void subscription_stop(struct subscription *subscription)
{
	if (subscription_holds(subscription))
		slot_stop(subscription, subscription->slot);
}

void subscription_close(struct subscription *subscription)
{
	if (subscription_holds(subscription))
		__atomic_store_n(&subscription->slots[subscription->slot].pid, 0, __ATOMIC_SEQ_CST);
	all_close(subscription);
}

int subscribers_read(const struct pins *pins, struct subscriber *subscribers, size_t *count, struct error *error)
{
	struct event_slot *slots = pin_map(pins, &pin_event_slots, error);

	*count = 0;
	if (!slots)
		return -1;
	for (uint32_t i = 0; i < EVENT_SLOT_COUNT; i++) {
		struct event_slot slot = slots[i];

		if (slot.pid && !slot_is_dead(&slot))
			subscribers[(*count)++] = (struct subscriber){ .slot = i, .pid = slot.pid, .lost = slot.lost };
	}
	munmap(slots, sizeof(*slots) * EVENT_SLOT_COUNT);
	return 0;
}
