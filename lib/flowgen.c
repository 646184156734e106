/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowgen.h"

#include "flowshelf.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In a row, and then with a pause each, for a hypervisor may have taken the CPU away that has the lock. */
#define READ_ATTEMPTS 1000
#define READ_PAUSES 1000
#define READ_PAUSE 100 /* us */

/* ---- opened ---- */

/* In the place of what is not there. */
static void *nothing_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int sessions_take(struct flowgen *gen, const struct slot *slot, struct error *error)
{
	struct flow_bucket *entries;

	gen->sessions_size = slot ? slot->size : sizeof(struct flow_bucket);
	entries = slot ? fd_map(slot->fd, slot->size) : nothing_map(gen->sessions_size);
	if (!entries)
		return error_errno(error, FLOW_SESSIONS);
	gen->head = (struct flow_head *)entries;
	gen->buckets = entries + 1;
	gen->bucket_count =
		slot ? least(gen->head->buckets ? gen->head->buckets : FLOW_BUCKETS_DEFAULT, slot->count) : 0;
	return 0;
}

static int packets_take(struct flowgen *gen, const struct slot *slot, struct error *error)
{
	struct flow_packet *entries;

	gen->packets_size = slot ? slot->size : sizeof(struct flow_packet);
	entries = slot ? fd_map(slot->fd, slot->size) : nothing_map(gen->packets_size);
	if (!entries)
		return error_errno(error, FLOW_PACKETS);
	gen->packets_head = (struct flow_packets_head *)entries;
	gen->packets = entries + 1;
	gen->packet_count =
		slot ? least(gen->packets_head->room ? gen->packets_head->room : FLOW_PACKETS_DEFAULT, slot->count) : 0;
	return 0;
}

/* Whether a generation waits, or is wanted though it does not. */
static bool is_wanted(const struct slot *slot, size_t place, bool all)
{
	return place == FLOW_NOW || !head_of(slot)->delivered || (all && place == FLOW_BEFORE);
}

/* The newest generation before `limit` that is wanted, or NULL. */
static struct slot *newest_find(struct shelves *shelves, uint64_t limit, bool all)
{
	struct slot *newest = NULL;

	for (size_t i = 0; i < FLOW_GENERATIONS; i++) {
		struct slot *slot = &shelves->sessions.slots[i];

		if (!slot->head || generation_of(slot) >= limit || !is_wanted(slot, i, all))
			continue;
		if (!newest || generation_of(slot) > generation_of(newest))
			newest = slot;
	}
	return newest;
}

/* Packets that are sampled already for a generation whose sessions are not there yet. */
static int unfinished_take(struct flowgens *gens, struct shelves *shelves, struct error *error)
{
	struct flowgen *gen = &gens->item[0];
	const struct flow_head *now = head_of(&shelves->sessions.slots[FLOW_NOW]);

	gens->count = 1;
	if (sessions_take(gen, NULL, error) || packets_take(gen, &shelves->packets.slots[FLOW_NOW], error))
		return -1;
	gen->head->generation = gen->packets_head->generation;
	gen->head->settings = now->settings;
	return 0;
}

static int gens_take(struct flowgens *gens, struct shelves *shelves, bool all, struct error *error)
{
	uint64_t limit = UINT64_MAX;
	struct slot *slot;

	if (is_unfinished(shelves) && unfinished_take(gens, shelves, error))
		return -1;
	while (gens->count < FLOW_GENERATIONS && (slot = newest_find(shelves, limit, all))) {
		struct flowgen *gen = &gens->item[gens->count++];

		limit = generation_of(slot);
		if (sessions_take(gen, slot, error) ||
		    packets_take(gen, generation_find(&shelves->packets, 0, limit), error))
			return -1;
	}
	return 0;
}

static int gens_open(struct flowgens *gens, const struct pins *pins, bool all, struct error *error)
{
	struct shelves shelves;
	int result;

	*gens = (struct flowgens){ 0 };
	if (shelves_open(&shelves, pins, error))
		return -1;
	result = gens_take(gens, &shelves, all, error);
	shelves_close(&shelves);
	if (result)
		flowgens_close(gens);
	return result;
}

int flowgens_open(struct flowgens *gens, const struct pins *pins, struct error *error)
{
	return gens_open(gens, pins, false, error);
}

int flowgens_open_all(struct flowgens *gens, const struct pins *pins, struct error *error)
{
	return gens_open(gens, pins, true, error);
}

void flowgens_close(struct flowgens *gens)
{
	for (uint32_t i = 0; i < gens->count; i++) {
		if (gens->item[i].head)
			munmap(gens->item[i].head, gens->item[i].sessions_size);
		if (gens->item[i].packets_head)
			munmap(gens->item[i].packets_head, gens->item[i].packets_size);
	}
	*gens = (struct flowgens){ 0 };
}

void flowgens_deliver(struct flowgens *gens)
{
	for (uint32_t i = 1; i < gens->count; i++)
		__atomic_store_n(&gens->item[i].head->delivered, 1, __ATOMIC_RELEASE);
}

/* ---- settings ---- */

static void idle_store(struct flow_settings *settings, const struct flow_settings *wanted)
{
	__atomic_store_n(&settings->idle_tcp, wanted->idle_tcp, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->idle_ended, wanted->idle_ended, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->idle_udp, wanted->idle_udp, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->idle_other, wanted->idle_other, __ATOMIC_RELAXED);
}

/* Sampling is turned off first and on last. */
static void settings_store(struct flow_settings *settings, const struct flow_settings *wanted)
{
	if (!wanted->session_packets)
		__atomic_store_n(&settings->session_packets, 0, __ATOMIC_SEQ_CST);
	idle_store(settings, wanted);
	__atomic_store_n(&settings->clock, wanted->clock, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->detailed, wanted->detailed, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->without_content, wanted->without_content, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->sessions, wanted->sessions, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->packets, wanted->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->session_restart, wanted->session_restart, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->packet_restart, wanted->packet_restart, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->buffer_restart, wanted->buffer_restart, __ATOMIC_RELAXED);
	__atomic_store_n(&settings->session_packets, wanted->session_packets, __ATOMIC_SEQ_CST);
}

int flowgens_set(const struct pins *pins, const struct flow_settings *settings, struct error *error)
{
	struct shelves shelves;
	struct slot *slots = shelves.sessions.slots;

	if (shelves_open(&shelves, pins, error))
		return -1;
	settings_store(&head_of(&slots[FLOW_NOW])->settings, settings);
	if (slots[FLOW_BEFORE].head)
		idle_store(&head_of(&slots[FLOW_BEFORE])->settings, settings);
	shelves_close(&shelves);
	return 0;
}

/* ---- what is in one ---- */

struct flow_settings flowgen_settings(const struct flowgen *gen)
{
	struct flow_settings settings = gen->head->settings;

	settings.idle_tcp = flow_idle_seconds(&settings, IPPROTO_TCP, FLOW_OPEN);
	settings.idle_ended = flow_idle_seconds(&settings, IPPROTO_TCP, FLOW_FIN);
	settings.idle_udp = flow_idle_seconds(&settings, IPPROTO_UDP, FLOW_OPEN);
	settings.idle_other = flow_idle_seconds(&settings, IPPROTO_RAW, FLOW_OPEN);
	return settings;
}

/* ---- a bucket, while programs write ---- */

/* Reads something of a bucket; what it has read is worth nothing when somebody wrote meanwhile. */
typedef void bucket_reader(const struct flow_bucket *bucket, void *context);

/* Whether it was read in one piece: the lock was free, and nobody had it meanwhile. */
static bool read_try(const struct flow_bucket *bucket, bucket_reader *read, void *context)
{
	uint32_t lock = __atomic_load_n(&bucket->lock, __ATOMIC_ACQUIRE);

	read(bucket, context);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(lock & 1) && __atomic_load_n(&bucket->lock, __ATOMIC_RELAXED) == lock;
}

static void bucket_read(const struct flow_bucket *bucket, bucket_reader *read, void *context)
{
	for (int attempt = 0; attempt < READ_ATTEMPTS + READ_PAUSES; attempt++) {
		if (read_try(bucket, read, context))
			return;
		if (attempt >= READ_ATTEMPTS)
			usleep(READ_PAUSE);
	}
}

static bool is_used(const struct flow_bucket *bucket, uint32_t way)
{
	return __atomic_load_n(&bucket->used[way], __ATOMIC_RELAXED) != 0;
}

struct copy {
	uint32_t way;
	struct flow *flow;
	bool used;
};

static void read_copy(const struct flow_bucket *bucket, void *context)
{
	struct copy *copy = context;

	copy->used = is_used(bucket, copy->way);
	if (copy->used)
		memcpy(copy->flow, &bucket->flows[copy->way], sizeof(*copy->flow));
}

bool flowgen_copy(const struct flow_bucket *bucket, uint32_t way, struct flow *flow)
{
	struct copy copy = { .way = way, .flow = flow };

	bucket_read(bucket, read_copy, &copy);
	return copy.used;
}

/* Loads that the compiler neither repeats nor leaves out. */
static uint64_t load(const __u64 *number)
{
	return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static void read_sum(const struct flow_bucket *bucket, void *context)
{
	struct flow_tally *sum = context;

	sum->packets = load(&bucket->evicted_packets) + load(&bucket->missed_packets);
	sum->bytes = load(&bucket->evicted_bytes) + load(&bucket->missed_bytes);
	for (uint32_t way = 0; way < FLOW_WAYS && is_used(bucket, way); way++) {
		const struct flow_side *side = bucket->flows[way].side;

		sum->packets += load(&side[0].packets) + load(&side[1].packets);
		sum->bytes += load(&side[0].bytes) + load(&side[1].bytes);
	}
}

struct flow_tally flowgen_sum(const struct flow_bucket *bucket)
{
	struct flow_tally sum = { 0 };

	bucket_read(bucket, read_sum, &sum);
	return sum;
}

/* Places of a bucket are taken from the first on. */
static int bucket_visit(const struct flow_bucket *bucket, bool is_changing, flow_visit *visit, void *context)
{
	for (uint32_t way = 0; way < FLOW_WAYS; way++) {
		struct flow copy;

		if (!__atomic_load_n(&bucket->used[way], __ATOMIC_RELAXED))
			break;
		if (is_changing && !flowgen_copy(bucket, way, &copy))
			break;
		if (visit(context, is_changing ? &copy : &bucket->flows[way]))
			return -1;
	}
	return 0;
}

int flowgen_visit(const struct flowgen *gen, bool is_changing, flow_visit *visit, void *context)
{
	for (uint32_t i = 0; i < gen->bucket_count; i++)
		if (bucket_visit(&gen->buckets[i], is_changing, visit, context))
			return -1;
	return 0;
}
