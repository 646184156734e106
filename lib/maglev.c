/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every backend walks the whole table in steps of its own, as in Maglev hashing, and is at its n-th entry at the time
 * n / weight. An entry is claimed by who is there first. There are no turns that others could shift: what a backend
 * claims, it claims whoever else there is, but for those who are earlier. So when one goes, only its entries are
 * claimed anew. (In the published algorithm a backend that finds an entry taken goes on to its next at once, so one
 * that goes shifts what others come to: some 0.6 % of the entries of 99 others then change, here half of that.)
 *
 * Claims come out even as dice do. Who has more than its quota gives those up that it came to last, and those who have
 * less share them, the one first who ranks the entry highest by a hash.
 */
#include "maglev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_BITS 10
_Static_assert(LB_BACKENDS_MAX == 1 << PLACE_BITS, "claims carry a backend in so many bits");

#define UNCLAIMED UINT64_MAX
#define FIRST_ROUND 4 /* times that all together visit as many entries as the table has, before it is looked again */

struct walker {
	const struct lb_backend *backend;
	uint32_t place;
	uint32_t quota, remainder_rank;
	uint64_t remainder;      /* of the division that made the quota */
	uint32_t offset, step;   /* of its walk */
	uint32_t phase;          /* part of a step, in 2^-32, by which it is late: so that no two are there at once */
	uint64_t hash;           /* for what is given up */
	uint32_t visited, owned; /* entries */
};

struct build {
	struct walker *walkers; /* in the order of address and port */
	uint32_t count;
	uint64_t weights;                     /* their sum */
	uint64_t claims[LB_TABLE_SIZE];       /* time << PLACE_BITS | walker */
	uint32_t sorted[LB_TABLE_SIZE];       /* entries by walker */
	uint32_t starts[LB_BACKENDS_MAX + 1]; /* in sorted, of each walker */
	uint32_t given_up[LB_TABLE_SIZE];     /* entries, in their order */
	uint32_t given_up_count;
};

bool maglev_is_available(const struct lb_backend *backend)
{
	return backend->family && backend->weight && !(backend->flags & (LB_BACKEND_DRAINED | LB_BACKEND_DOWN));
}

/* ---- hashes ---- */

/* The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Eight bytes as a number, the first is the highest: the same on every machine. */
static uint64_t word_of(const uint8_t *bytes)
{
	uint64_t word = 0;

	for (size_t i = 0; i < 8; i++)
		word = word << 8 | bytes[i];
	return word;
}

/*
 * Of family, port and address: h = mix(seed + family * 65536 + port), h = mix(h ^ the first 8 bytes of the address),
 * h = mix(h ^ the last 8), where IPv4 has 12 zero bytes after its four.
 */
static uint64_t backend_hash(const struct lb_backend *backend, uint64_t seed)
{
	uint8_t addr[16];

	memcpy(addr, backend->addr, sizeof(addr));
	seed = mix(seed + ((uint64_t)backend->family << 16) + ntohs(backend->port));
	return mix(mix(seed ^ word_of(addr)) ^ word_of(addr + 8));
}

static void walker_make(struct walker *walker, const struct lb_backend *backend, uint32_t place)
{
	uint64_t offset = backend_hash(backend, 0x9e3779b97f4a7c15ull),
		 step = backend_hash(backend, 0xc2b2ae3d27d4eb4full);

	*walker = (struct walker){
		.backend = backend,
		.place = place,
		.offset = (uint32_t)((offset >> 32) % LB_TABLE_SIZE),
		.phase = (uint32_t)offset,
		.step = (uint32_t)((step >> 32) % (LB_TABLE_SIZE - 1)) + 1,
		.hash = mix(offset ^ step),
	};
}

/* ---- who there is, and how much each gets ---- */

static int walker_order(const void *left, const void *right)
{
	const struct lb_backend *a = ((const struct walker *)left)->backend,
				*b = ((const struct walker *)right)->backend;
	int order = a->family - b->family;

	if (!order)
		order = memcmp(a->addr, b->addr, sizeof(a->addr));
	return order ? order : (ntohs(a->port) > ntohs(b->port)) - (ntohs(a->port) < ntohs(b->port));
}

static void walkers_make(struct build *build, const struct lb_service *service)
{
	for (uint32_t place = 0; place < service->backends && place < LB_BACKENDS_MAX; place++) {
		const struct lb_backend *backend = &service->backend[place];

		if (!maglev_is_available(backend))
			continue;
		walker_make(&build->walkers[build->count++], backend, place);
		build->weights += backend->weight;
	}
	if (build->count)
		qsort(build->walkers, build->count, sizeof(*build->walkers), walker_order);
}

/* Larger remainders first; walkers are an array in the order that counts for equal ones. */
static int remainder_order(const void *left, const void *right)
{
	const struct walker *a = *(const struct walker *const *)left, *b = *(const struct walker *const *)right;

	if (a->remainder != b->remainder)
		return a->remainder > b->remainder ? -1 : 1;
	return (a > b) - (a < b);
}

static void quotas_share(struct build *build)
{
	struct walker *by_remainder[LB_BACKENDS_MAX];
	uint32_t left = LB_TABLE_SIZE;

	for (uint32_t i = 0; i < build->count; i++) {
		struct walker *walker = &build->walkers[i];
		uint64_t part = (uint64_t)walker->backend->weight * LB_TABLE_SIZE;

		walker->quota = (uint32_t)(part / build->weights);
		walker->remainder = part % build->weights;
		left -= walker->quota;
		by_remainder[i] = walker;
	}
	qsort(by_remainder, build->count, sizeof(struct walker *), remainder_order);
	for (uint32_t i = 0; i < left; i++)
		by_remainder[i]->quota++;
}

/* ---- claims ---- */

/* When it is at its n-th entry, n from 0. Below 2^50. */
static uint64_t visit_time(const struct walker *walker, uint32_t n)
{
	return ((uint64_t)n << 32 | walker->phase) / walker->backend->weight;
}

static uint32_t visit_entry(const struct walker *walker, uint32_t n)
{
	return (uint32_t)((walker->offset + (uint64_t)n * walker->step) % LB_TABLE_SIZE);
}

/* Lets it walk until a time; returns how many entries nobody had claimed before. */
static uint32_t walk_until(struct build *build, uint32_t who, uint64_t until)
{
	struct walker *walker = &build->walkers[who];
	uint32_t found = 0;

	for (; walker->visited < LB_TABLE_SIZE; walker->visited++) {
		uint64_t time = visit_time(walker, walker->visited), *entry;
		uint64_t claim = time << PLACE_BITS | who;

		if (time >= until)
			break;
		entry = &build->claims[visit_entry(walker, walker->visited)];
		found += *entry == UNCLAIMED;
		if (claim < *entry)
			*entry = claim;
	}
	return found;
}

/* Time goes on until every entry is claimed; what is claimed by then nobody else comes to earlier. */
static void claims_make(struct build *build)
{
	uint64_t until = ((uint64_t)FIRST_ROUND * LB_TABLE_SIZE << 32) / build->weights + 1, period = until / 2;
	uint32_t left = LB_TABLE_SIZE;

	memset(build->claims, 0xff, sizeof(build->claims));
	while (left) {
		for (uint32_t who = 0; who < build->count; who++)
			left -= walk_until(build, who, until);
		until += period;
	}
}

/* ---- quotas ---- */

static uint32_t claimant(const struct build *build, uint32_t entry)
{
	return (uint32_t)build->claims[entry] & (LB_BACKENDS_MAX - 1);
}

static void claims_sort(struct build *build)
{
	uint32_t at[LB_BACKENDS_MAX];

	for (uint32_t entry = 0; entry < LB_TABLE_SIZE; entry++)
		build->walkers[claimant(build, entry)].owned++;
	build->starts[0] = 0;
	for (uint32_t who = 0; who < build->count; who++) {
		at[who] = build->starts[who];
		build->starts[who + 1] = build->starts[who] + build->walkers[who].owned;
	}
	for (uint32_t entry = 0; entry < LB_TABLE_SIZE; entry++)
		build->sorted[at[claimant(build, entry)]++] = entry;
}

static int latest_first(const void *left, const void *right, void *context)
{
	const struct build *build = context;
	uint64_t a = build->claims[*(const uint32_t *)left], b = build->claims[*(const uint32_t *)right];

	return (a < b) - (a > b);
}

static int entry_order(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void excess_give_up(struct build *build)
{
	for (uint32_t who = 0; who < build->count; who++) {
		struct walker *walker = &build->walkers[who];
		uint32_t *own = build->sorted + build->starts[who];

		if (walker->owned <= walker->quota)
			continue;
		qsort_r(own, walker->owned, sizeof(*own), latest_first, build);
		for (uint32_t i = 0; walker->owned > walker->quota; i++, walker->owned--)
			build->given_up[build->given_up_count++] = own[i];
	}
	if (build->given_up_count)
		qsort(build->given_up, build->given_up_count, sizeof(build->given_up[0]), entry_order);
}

/* Of those who have less than their quota. */
static uint32_t highest_rank(const struct build *build, const uint32_t *poor, uint32_t count, uint32_t entry)
{
	uint64_t best = 0;
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t rank = mix(build->walkers[poor[i]].hash + entry);

		if (!i || rank > best) {
			best = rank;
			found = i;
		}
	}
	return found;
}

static void excess_share(struct build *build)
{
	uint32_t poor[LB_BACKENDS_MAX], count = 0;

	for (uint32_t who = 0; who < build->count; who++)
		if (build->walkers[who].owned < build->walkers[who].quota)
			poor[count++] = who;
	for (uint32_t i = 0; count && i < build->given_up_count; i++) {
		uint32_t entry = build->given_up[i], at = highest_rank(build, poor, count, entry), who = poor[at];

		build->claims[entry] = who;
		if (++build->walkers[who].owned < build->walkers[who].quota)
			continue;
		memmove(&poor[at], &poor[at + 1], (--count - at) * sizeof(poor[0]));
	}
}

/* ---- the table ---- */

static void table_fill(const struct build *build, struct lb_service *service)
{
	for (uint32_t entry = 0; entry < LB_TABLE_SIZE; entry++)
		service->table[entry] = (uint16_t)build->walkers[claimant(build, entry)].place;
	for (uint32_t who = 0; who < build->count; who++)
		service->backend[build->walkers[who].place].share = build->walkers[who].quota;
}

static void service_clear(struct lb_service *service, uint32_t available)
{
	service->available = available;
	for (uint32_t place = 0; place < LB_BACKENDS_MAX; place++)
		service->backend[place].share = 0;
	memset(service->table, 0, sizeof(service->table));
}

int maglev_build(struct lb_service *service)
{
	struct build *build = calloc(1, sizeof(*build));

	if (build)
		build->walkers = calloc(LB_BACKENDS_MAX, sizeof(*build->walkers));
	if (!build || !build->walkers) {
		free(build);
		return -1;
	}
	walkers_make(build, service);
	service_clear(service, build->count);
	if (build->count) {
		quotas_share(build);
		claims_make(build);
		claims_sort(build);
		excess_give_up(build);
		excess_share(build);
		table_fill(build, service);
	}
	free(build->walkers);
	free(build);
	return 0;
}
