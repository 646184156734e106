/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two maps of maps are shelves here, whose slots hold what sessions and what packets of a generation are. Which
 * generation that is, it says itself: where it stands matters only to programs.
 *
 * The order of a rotation from generation n to n + 1, and what a tool leaves that is killed after each step:
 *
 *   1. the sessions in slot 1, when they wait to be handed out, go to a free slot too: they are there twice;
 *   2. the packets in slot 0 go to a free slot too: likewise;
 *   3. packets n + 1 go to slot 0: those sampled from now on are of generation n + 1, whose sessions are not there yet;
 *   4. sessions n go to slot 1 too: they are there twice;
 *   5. sessions n + 1 go to slot 0.
 *
 * Nothing is written to packets that are not in slot 0, so in the other order those of a generation that has ended
 * would not be final. What step 3 leaves, flowgens_repair completes.
 */
#include "flowgen.h"

#include "clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define HEAD_SIZE sizeof(struct flow_head)
#define OPEN_ATTEMPTS 1000
/* In a row, and then with a pause each, for a hypervisor may have taken the CPU away that has the lock. */
#define COPY_ATTEMPTS 1000
#define COPY_PAUSES 1000
#define COPY_PAUSE 100 /* us */

/* Of sessions, what is in slot 1 goes as rotations come. */
#define SESSIONS_FREE (FLOW_BEFORE + 1)
#define PACKETS_FREE (FLOW_NOW + 1)

_Static_assert(!__builtin_offsetof(struct flow_head, generation), "a head begins with its generation");
_Static_assert(sizeof(struct flow_packets_head) <= HEAD_SIZE, "either head is mapped");
_Static_assert(!__builtin_offsetof(struct flow_packets_head, generation), "a head begins with its generation");

/* A map in a slot. */
struct slot {
	__u32 id; /* 0: the slot is empty */
	int fd;
	void *head;     /* HEAD_SIZE bytes, shared with the programs: to map all of it takes long */
	size_t size;    /* bytes of all entries */
	uint32_t count; /* entries after the head */
};

struct shelf {
	const struct pin_shape *pin;
	size_t entry_size;
	int outer;
	struct slot slots[FLOW_GENERATIONS];
};

struct shelves {
	struct shelf sessions, packets;
};

/* ---- a slot ---- */

static uint64_t generation_of(const struct slot *slot)
{
	return __atomic_load_n((const uint64_t *)slot->head, __ATOMIC_RELAXED);
}

static struct flow_head *head_of(const struct slot *slot)
{
	return slot->head;
}

static void slot_close(struct slot *slot)
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

static void *fd_map(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* What slot->fd is. */
static int slot_look(const struct shelf *shelf, struct slot *slot, struct error *error)
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

static void shelves_close(struct shelves *shelves)
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

static int shelves_open(struct shelves *shelves, const struct pins *pins, struct error *error)
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

/* A slot from `first` on with this generation, or NULL. */
static struct slot *generation_find(struct shelf *shelf, size_t first, uint64_t generation)
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

/* Whether a tool was killed when packets of the next generation had taken their place, and its sessions had not. */
static bool is_unfinished(const struct shelves *shelves)
{
	return generation_of(&shelves->packets.slots[FLOW_NOW]) > generation_of(&shelves->sessions.slots[FLOW_NOW]);
}

/* Whether others than the programs need what is in the slot, and it stands nowhere else before. */
static bool is_needed(struct shelves *shelves, struct shelf *shelf, size_t first, size_t i)
{
	struct slot *slot = &shelf->slots[i];

	return slot->head && is_waiting(shelves, generation_of(slot)) &&
	       generation_find(shelf, first, generation_of(slot)) == slot;
}

/* One that nobody needs; -1: none. One that has to be emptied anyway is taken first. */
static int slot_free(struct shelves *shelves, struct shelf *shelf, size_t first)
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

/* The newest generation before `limit` that waits, or NULL. */
static struct slot *newest_find(struct shelves *shelves, uint64_t limit)
{
	struct slot *newest = NULL;

	for (size_t i = 0; i < FLOW_GENERATIONS; i++) {
		struct slot *slot = &shelves->sessions.slots[i];

		if (!slot->head || generation_of(slot) >= limit || (i != FLOW_NOW && head_of(slot)->delivered))
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

static int gens_take(struct flowgens *gens, struct shelves *shelves, struct error *error)
{
	uint64_t limit = UINT64_MAX;
	struct slot *slot;

	if (is_unfinished(shelves) && unfinished_take(gens, shelves, error))
		return -1;
	while (gens->count < FLOW_GENERATIONS && (slot = newest_find(shelves, limit))) {
		struct flowgen *gen = &gens->item[gens->count++];

		limit = generation_of(slot);
		if (sessions_take(gen, slot, error) ||
		    packets_take(gen, generation_find(&shelves->packets, 0, limit), error))
			return -1;
	}
	return 0;
}

int flowgens_open(struct flowgens *gens, const struct pins *pins, struct error *error)
{
	struct shelves shelves;
	int result;

	*gens = (struct flowgens){ 0 };
	if (shelves_open(&shelves, pins, error))
		return -1;
	result = gens_take(gens, &shelves, error);
	shelves_close(&shelves);
	if (result)
		flowgens_close(gens);
	return result;
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

/* ---- a new generation ---- */

static void make_fail(const struct shelf *shelf, size_t bytes, struct error *error)
{
	if (errno == ENOMEM || errno == E2BIG)
		error_state(error, shelf->pin->name, "no memory for another generation of %zu KiB: %s", bytes >> 10,
			    strerror(errno));
	else if (errno == EPERM)
		error_state(error, shelf->pin->name, "may not make a map, which takes root: %s", strerror(errno));
	else
		error_errno(error, shelf->pin->name);
}

/* Returns its head, or NULL. */
static void *slot_make(const struct shelf *shelf, uint32_t count, struct slot *slot, struct error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	const char *name = shelf->pin == &pin_flow_sessions ? "flow_sessions" : "flow_packets";

	slot->fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32), (__u32)shelf->entry_size, count + 1, &options);
	if (slot->fd >= 0)
		return slot_look(shelf, slot, error) ? NULL : slot->head;
	make_fail(shelf, shelf->entry_size * (count + 1), error);
	return NULL;
}

static int seed_choose(uint64_t *seed, struct error *error)
{
	if (getrandom(seed, sizeof(*seed), 0) != sizeof(*seed))
		return error_errno(error, "getrandom");
	*seed |= 1;
	return 0;
}

static int sessions_make(const struct shelves *shelves, const struct flowgen_plan *plan, struct slot *new,
			 struct error *error)
{
	const struct slot *now = &shelves->sessions.slots[FLOW_NOW];
	uint32_t count = plan->buckets ? plan->buckets : now->count;
	struct flow_head *head;
	uint64_t seed = 0;

	if (seed_choose(&seed, error))
		return -1;
	head = slot_make(&shelves->sessions, count, new, error);
	if (!head)
		return -1;
	head->generation = generation_of(now) + 1;
	head->seed = seed;
	head->began = clock_now();
	head->buckets = count;
	head->settings = plan->settings ? *plan->settings : head_of(now)->settings;
	return 0;
}

static int packets_make(const struct shelves *shelves, const struct flowgen_plan *plan, struct slot *new,
			struct error *error)
{
	const struct slot *now = &shelves->packets.slots[FLOW_NOW];
	uint32_t count = plan->packets ? plan->packets : now->count;
	struct flow_packets_head *head;

	head = slot_make(&shelves->packets, count, new, error);
	if (!head)
		return -1;
	head->generation = generation_of(&shelves->sessions.slots[FLOW_NOW]) + 1;
	head->room = count;
	return 0;
}

/* ---- put in place ---- */

/* Which map goes where, in this order. */
struct moves {
	__u32 slots[2];
	int fds[2];
	__u32 count;
};

static void move_add(struct moves *moves, __u32 slot, int fd)
{
	moves->slots[moves->count] = slot;
	moves->fds[moves->count++] = fd;
}

static int moves_one_by_one(const struct shelf *shelf, const struct moves *moves, struct error *error)
{
	for (__u32 i = 0; i < moves->count; i++)
		if (bpf_map_update_elem(shelf->outer, &moves->slots[i], &moves->fds[i], BPF_ANY))
			return error_errno(error, shelf->pin->name);
	return 0;
}

/* At once where the kernel can: one by one, each waits for some ms. */
static int moves_do(const struct shelf *shelf, const struct moves *moves, struct error *error)
{
	__u32 count = moves->count;

	if (!count || !bpf_map_update_batch(shelf->outer, moves->slots, moves->fds, &count, NULL))
		return 0;
	return moves_one_by_one(shelf, moves, error);
}

/* What is handed out by now, or is there twice. */
static int shelf_tidy(struct shelves *shelves, struct shelf *shelf, size_t first, int used, struct error *error)
{
	for (__u32 i = (__u32)first; i < FLOW_GENERATIONS; i++) {
		if ((int)i == used || !shelf->slots[i].head || is_needed(shelves, shelf, first, i))
			continue;
		if (bpf_map_delete_elem(shelf->outer, &i) && errno != ENOENT)
			return error_errno(error, shelf->pin->name);
	}
	return 0;
}

static int full_fail(const struct shelf *shelf, struct error *error)
{
	return error_state(error, shelf->pin->name,
			   "holds as many generations as it can that were not handed out; flow_dump --reset does so");
}

/* A step of a rotation: what a slot has is kept in another one. */
struct keeping {
	int fd; /* -1: there is no need */
	int slot;
};

/* Sessions in slot 1 that wait, unless that is one that a killed tool put there or kept elsewhere. */
static int before_keep(struct shelves *shelves, struct keeping *keeping, struct error *error)
{
	struct shelf *shelf = &shelves->sessions;
	const struct slot *before = &shelf->slots[FLOW_BEFORE];

	*keeping = (struct keeping){ .fd = -1, .slot = -1 };
	if (!before->head || head_of(before)->delivered || before->id == shelf->slots[FLOW_NOW].id ||
	    generation_find(shelf, SESSIONS_FREE, generation_of(before)))
		return 0;
	keeping->fd = before->fd;
	keeping->slot = slot_free(shelves, shelf, SESSIONS_FREE);
	return keeping->slot < 0 ? full_fail(shelf, error) : 0;
}

/* Packets that programs write to, likewise. */
static int packets_keep(struct shelves *shelves, struct keeping *keeping, struct error *error)
{
	struct shelf *shelf = &shelves->packets;
	const struct slot *now = &shelf->slots[FLOW_NOW];

	*keeping = (struct keeping){ .fd = -1, .slot = -1 };
	if (is_unfinished(shelves) || generation_find(shelf, PACKETS_FREE, generation_of(now)))
		return 0;
	keeping->fd = now->fd;
	keeping->slot = slot_free(shelves, shelf, PACKETS_FREE);
	return keeping->slot < 0 ? full_fail(shelf, error) : 0;
}

static int packets_put(struct shelves *shelves, const struct keeping *keeping, const struct slot *new,
		       struct error *error)
{
	struct moves moves = { .count = 0 };

	if (keeping->fd >= 0)
		move_add(&moves, (__u32)keeping->slot, keeping->fd);
	if (new->fd >= 0)
		move_add(&moves, FLOW_NOW, new->fd);
	return moves_do(&shelves->packets, &moves, error);
}

/*
 * One right after the other: what a session was before the old generation is not known while that is in both slots. The
 * second one is done twice, for not every kernel waits after several that no program uses the old map.
 */
static int sessions_put(struct shelves *shelves, const struct slot *new, struct error *error)
{
	const struct shelf *shelf = &shelves->sessions;
	struct moves both = { .count = 0 }, last = { .count = 0 };

	move_add(&both, FLOW_BEFORE, shelf->slots[FLOW_NOW].fd);
	move_add(&both, FLOW_NOW, new->fd);
	move_add(&last, FLOW_NOW, new->fd);
	return moves_do(shelf, &both, error) ? -1 : moves_one_by_one(shelf, &last, error);
}

static int before_put(struct shelves *shelves, const struct keeping *keeping, struct error *error)
{
	struct moves moves = { .count = 0 };

	if (keeping->fd >= 0)
		move_add(&moves, (__u32)keeping->slot, keeping->fd);
	return moves_do(&shelves->sessions, &moves, error);
}

/* Both new maps are there. */
static int generation_put(struct shelves *shelves, const struct slot *sessions, const struct slot *packets,
			  struct error *error)
{
	struct keeping before, old;

	if (before_keep(shelves, &before, error) || packets_keep(shelves, &old, error) ||
	    before_put(shelves, &before, error) ||
	    shelf_tidy(shelves, &shelves->sessions, SESSIONS_FREE, before.slot, error) ||
	    shelf_tidy(shelves, &shelves->packets, PACKETS_FREE, old.slot, error) ||
	    packets_put(shelves, &old, packets, error) || sessions_put(shelves, sessions, error))
		return -1;
	head_of(&shelves->sessions.slots[FLOW_NOW])->ended = head_of(sessions)->began;
	return 0;
}

static bool has_room(struct shelves *shelves, struct error *error)
{
	struct keeping before, old;

	return !before_keep(shelves, &before, error) && !packets_keep(shelves, &old, error);
}

static int advance(struct shelves *shelves, const struct flowgen_plan *plan, struct error *error)
{
	struct slot sessions = { .fd = -1 }, packets = { .fd = -1 };
	int result = has_room(shelves, error) ? 0 : -1;

	if (!result)
		result = sessions_make(shelves, plan, &sessions, error);
	if (!result && !is_unfinished(shelves))
		result = packets_make(shelves, plan, &packets, error);
	if (!result)
		result = generation_put(shelves, &sessions, &packets, error);
	slot_close(&sessions);
	slot_close(&packets);
	return result;
}

/* ---- commands ---- */

/* A tool may have been killed before it wrote this. */
static void ends_repair(struct shelves *shelves)
{
	const struct slot *now = &shelves->sessions.slots[FLOW_NOW];

	for (size_t i = FLOW_BEFORE; i < FLOW_GENERATIONS; i++) {
		const struct slot *slot = &shelves->sessions.slots[i], *next;

		if (!slot->head || generation_of(slot) == generation_of(now) || head_of(slot)->ended)
			continue;
		next = generation_find(&shelves->sessions, 0, generation_of(slot) + 1);
		head_of(slot)->ended = next ? head_of(next)->began : clock_now();
	}
}

int flowgens_repair(const struct pins *pins, struct error *error)
{
	const struct flowgen_plan as_now = { 0 };
	struct shelves shelves;
	int result = 0;

	if (shelves_open(&shelves, pins, error))
		return -1;
	ends_repair(&shelves);
	if (is_unfinished(&shelves))
		result = advance(&shelves, &as_now, error);
	shelves_close(&shelves);
	return result;
}

int flowgens_rotate(const struct pins *pins, const struct flowgen_plan *plan, struct error *error)
{
	struct shelves shelves;
	int result;

	if (flowgens_repair(pins, error) || shelves_open(&shelves, pins, error))
		return -1;
	result = advance(&shelves, plan, error);
	shelves_close(&shelves);
	return result;
}

static int rotate_if_room(const struct pins *pins, bool *complete, struct error *error)
{
	const struct flowgen_plan as_now = { 0 };
	struct shelves shelves;
	struct error full;
	int result = 0;

	if (flowgens_repair(pins, error) || shelves_open(&shelves, pins, error))
		return -1;
	*complete = has_room(&shelves, &full);
	if (*complete)
		result = advance(&shelves, &as_now, error);
	shelves_close(&shelves);
	return result;
}

int flowgens_take(struct flowgens *gens, const struct pins *pins, bool *complete, struct error *error)
{
	return rotate_if_room(pins, complete, error) ? -1 : flowgens_open(gens, pins, error);
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

	settings.idle_tcp = settings.idle_tcp ? settings.idle_tcp : FLOW_IDLE_TCP;
	settings.idle_ended = settings.idle_ended ? settings.idle_ended : FLOW_IDLE_ENDED;
	settings.idle_udp = settings.idle_udp ? settings.idle_udp : FLOW_IDLE_UDP;
	settings.idle_other = settings.idle_other ? settings.idle_other : FLOW_IDLE_OTHER;
	return settings;
}

/* Whether the copy is of one piece: the lock was free, and nobody had it meanwhile. */
static bool copy_try(const struct flow_bucket *bucket, uint32_t way, struct flow *flow, bool *used)
{
	uint32_t lock = __atomic_load_n(&bucket->lock, __ATOMIC_ACQUIRE);

	*used = __atomic_load_n(&bucket->used[way], __ATOMIC_RELAXED) != 0;
	if (*used)
		memcpy(flow, &bucket->flows[way], sizeof(*flow));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(lock & 1) && __atomic_load_n(&bucket->lock, __ATOMIC_RELAXED) == lock;
}

bool flowgen_copy(const struct flow_bucket *bucket, uint32_t way, struct flow *flow)
{
	bool used = false;

	for (int attempt = 0; attempt < COPY_ATTEMPTS + COPY_PAUSES; attempt++) {
		if (copy_try(bucket, way, flow, &used))
			break;
		if (attempt >= COPY_ATTEMPTS)
			usleep(COPY_PAUSE);
	}
	return used;
}
