/* SPDX-License-Identifier: GPL-2.0-only */
#include "subscribe.h"

#include <bpf/bpf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* When a process started, field 22 of /proc/PID/stat (proc(5)), or 0 when there is none. */
static uint64_t process_start(uint32_t pid)
{
	char path[32], line[1024], *at;
	uint64_t start = 0;
	size_t size;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	stat = fopen(path, "re");
	if (!stat)
		return 0;
	size = fread(line, 1, sizeof(line) - 1, stat);
	fclose(stat);
	line[size] = '\0';
	/* the name in field 2 may hold anything, also ") " */
	at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%" SCNu64, &start) == 1 ? start : 0;
}

static bool slot_is_free(const struct event_slot *slot)
{
	return !slot->pid || process_start(slot->pid) != slot->start_time;
}

/* Nobody writes to the ring of the slot when this returns: the kernel waits for programs that run. */
static void slot_stop(struct subscription *subscription, uint32_t slot)
{
	for (int type = 0; type < EVENT_TYPES; type++)
		__atomic_fetch_and(&subscription->control->wanted[type], ~(1ull << slot), __ATOMIC_SEQ_CST);
	bpf_map_delete_elem(subscription->rings, &slot);
}

/* Bits last: a program that sees one must find ring and filter. */
static int slot_start(struct subscription *subscription, const struct event_filter *filter, uint32_t wakeup,
		      struct error *error)
{
	struct event_slot *slot = &subscription->slots[subscription->slot];
	uint32_t pid = (uint32_t)getpid();

	memset(slot, 0, sizeof(*slot));
	slot->start_time = process_start(pid);
	slot->pid = pid;
	slot->wakeup = wakeup;
	slot->filter = *filter;
	if (bpf_map_update_elem(subscription->rings, &subscription->slot, &subscription->ring, 0)) {
		slot->pid = 0;
		return error_errno(error, EVENT_RINGS);
	}
	for (int type = 0; type < EVENT_TYPES; type++)
		if (filter->types & 1u << type)
			__atomic_fetch_or(&subscription->control->wanted[type], 1ull << subscription->slot,
					  __ATOMIC_SEQ_CST);
	return 0;
}

/* Programs write to the rings of the dead until their bits are cleared. */
static void slots_bury(struct subscription *subscription)
{
	for (uint32_t i = 0; i < EVENT_SLOT_COUNT; i++) {
		if (!subscription->slots[i].pid || !slot_is_free(&subscription->slots[i]))
			continue;
		slot_stop(subscription, i);
		subscription->slots[i].pid = 0;
	}
}

static int slot_take(struct subscription *subscription, const struct event_filter *filter, uint32_t wakeup,
		     struct error *error)
{
	for (subscription->slot = 0; subscription->slot < EVENT_SLOT_COUNT; subscription->slot++)
		if (slot_is_free(&subscription->slots[subscription->slot]))
			return slot_start(subscription, filter, wakeup, error);
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

static int place_take(struct subscription *subscription, const struct event_filter *filter, uint32_t wakeup,
		      struct error *error)
{
	int result;

	if (pins_lock(subscription->pins, error))
		return -1;
	slots_bury(subscription);
	result = slot_take(subscription, filter, wakeup, error);
	pins_unlock(subscription->pins);
	return result;
}

int subscription_open(struct subscription *subscription, const struct pins *pins, const struct event_filter *filter,
		      uint32_t ring_bytes, uint32_t wakeup, struct error *error)
{
	int result;

	*subscription = (struct subscription){ .pins = pins, .ring = -1, .rings = -1 };
	result = maps_open(subscription, pins, error);
	if (!result) {
		subscription->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "event_ring", 0, 0, ring_bytes, NULL);
		result = subscription->ring < 0 ? error_errno(error, "event_ring")
						: place_take(subscription, filter, wakeup, error);
	}
	if (result)
		all_close(subscription);
	return result;
}

uint64_t subscription_lost(const struct subscription *subscription)
{
	return __atomic_load_n(&subscription->slots[subscription->slot].lost, __ATOMIC_SEQ_CST);
}

void subscription_set_wakeup(struct subscription *subscription, uint32_t wakeup)
{
	__atomic_store_n(&subscription->slots[subscription->slot].wakeup, wakeup, __ATOMIC_SEQ_CST);
}

void subscription_stop(struct subscription *subscription)
{
	slot_stop(subscription, subscription->slot);
}

void subscription_close(struct subscription *subscription)
{
	__atomic_store_n(&subscription->slots[subscription->slot].pid, 0, __ATOMIC_SEQ_CST);
	all_close(subscription);
}
