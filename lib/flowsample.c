/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowsample.h"

#include "array.h"
#include "clock.h"
#include "proto.h"

#include <inttypes.h>
#include <stdlib.h>

/* A buffer that begins anew while it is read is read anew; after so many times what could be had is taken. */
#define READ_ATTEMPTS 16

struct reading {
	struct flowsamples *samples;
	flowsample_wanted *wanted;
	const void *context;
	int64_t epoch_offset;
};

static uint32_t round_of(const struct flow_packets_head *head)
{
	return __atomic_load_n(&head->round, __ATOMIC_ACQUIRE);
}

/*
 * The round of a record is written last, so what has that of the head is whole. Only a later round writes over it, and
 * the head counts that one before.
 */
static bool record_copy(const struct flowgen *gen, uint32_t i, uint32_t round, struct flow_packet *packet)
{
	const struct flow_packet *record = &gen->packets[i];

	if (__atomic_load_n(&record->round, __ATOMIC_ACQUIRE) != round + 1)
		return false;
	*packet = *record;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return round_of(gen->packets_head) == round;
}

/* Of ICMP there are none, though the later fragments of an echo have its identifier there. */
static void ports_tidy(struct flow_packet *packet)
{
	if (proto_ports(packet->proto) != PROTO_HAS_PORTS)
		packet->sport = packet->dport = 0;
}

static int sample_add(struct reading *reading, const struct flowgen *gen, const struct flow_packet *packet,
		      struct error *error)
{
	struct flowsamples *samples = reading->samples;
	struct flowsample sample = { .packet = *packet, .generation = gen->head->generation, .order = samples->count };
	struct flowsample *items;

	if (gen->head->settings.clock == FLOW_CLOCK_KERNEL)
		sample.packet.time = clock_to_epoch_by(packet->time, reading->epoch_offset);
	ports_tidy(&sample.packet);
	if (reading->wanted && !reading->wanted(reading->context, &sample.packet))
		return 0;
	items = array_room(samples->items, samples->count, sizeof(*items));
	if (!items)
		return error_errno(error, "sampled packets");
	samples->items = items;
	items[samples->count++] = sample;
	return 0;
}

/* One look at a generation. *whole tells whether its buffer began anew meanwhile. */
static int records_read(struct reading *reading, const struct flowgen *gen, bool *whole, struct error *error)
{
	const struct flow_packets_head *head = gen->packets_head;
	uint32_t round = round_of(head), count = __atomic_load_n(&head->next, __ATOMIC_RELAXED);
	struct flow_packet packet;

	if (count > gen->packet_count)
		count = gen->packet_count;
	for (uint32_t i = 0; i < count; i++)
		if (record_copy(gen, i, round, &packet) && sample_add(reading, gen, &packet, error))
			return -1;
	*whole = round_of(head) == round;
	return 0;
}

static int generation_read(struct reading *reading, const struct flowgen *gen, struct error *error)
{
	size_t before = reading->samples->count;
	bool whole = false;

	for (int i = 0; i < READ_ATTEMPTS && !whole; i++) {
		reading->samples->count = before;
		if (records_read(reading, gen, &whole, error))
			return -1;
	}
	return 0;
}

static void losses_add(struct flowsamples *samples, const struct flowgen *gen)
{
	samples->lost += __atomic_load_n(&gen->packets_head->lost, __ATOMIC_RELAXED);
	samples->overwritten += __atomic_load_n(&gen->packets_head->overwritten, __ATOMIC_RELAXED);
	samples->refused += __atomic_load_n(&gen->head->refused, __ATOMIC_RELAXED);
}

static int by_time(const void *a, const void *b)
{
	const struct flowsample *one = a, *two = b;

	if (one->packet.time != two->packet.time)
		return one->packet.time < two->packet.time ? -1 : 1;
	return (one->order > two->order) - (one->order < two->order);
}

static void samples_sort(struct flowsamples *samples)
{
	if (samples->count)
		qsort(samples->items, samples->count, sizeof(*samples->items), by_time);
	for (size_t i = 0; i < samples->count; i++)
		samples->items[i].order = i;
}

/* The oldest generation first, so that of one time what was recorded first comes first. */
int flowsamples_read(struct flowsamples *samples, const struct flowgens *gens, uint32_t first,
		     flowsample_wanted *wanted, const void *context, struct error *error)
{
	struct reading reading = {
		.samples = samples,
		.wanted = wanted,
		.context = context,
		.epoch_offset = clock_epoch_offset(),
	};

	for (uint32_t i = gens->count; i-- > first;) {
		if (generation_read(&reading, &gens->item[i], error))
			return -1;
		losses_add(samples, &gens->item[i]);
	}
	samples_sort(samples);
	return 0;
}

void flowsamples_free(struct flowsamples *samples)
{
	free(samples->items);
	*samples = (struct flowsamples){ 0 };
}

void flowsamples_note_losses(const struct flowsamples *samples)
{
	if (samples->lost)
		note_print("%" PRIu64 " packets found no room in the buffer", samples->lost);
	if (samples->overwritten)
		note_print("%" PRIu64 " records were written over when the buffer began anew", samples->overwritten);
	if (samples->refused)
		note_print("%" PRIu64 " packets were of sessions that are not sampled", samples->refused);
}
