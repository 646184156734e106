/* SPDX-License-Identifier: GPL-2.0-only */
/*
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
#include "clock.h"
#include "flowgen.h"
#include "flowshelf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* Of sessions, what is in slot 1 goes as rotations come. */
#define SESSIONS_FREE (FLOW_BEFORE + 1)
#define PACKETS_FREE (FLOW_NOW + 1)

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
	keeping->slot = slot_unneeded(shelves, shelf, SESSIONS_FREE);
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
	keeping->slot = slot_unneeded(shelves, shelf, PACKETS_FREE);
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
