/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of a service: quotas, what it depends on, and what moves when backends come and go. */
#include "maglev.h"
#include "tap.h"

#include <arpa/inet.h>

static struct lb_service *make(void)
{
	struct lb_service *service = calloc(1, sizeof(*service));

	if (!service)
		bail_out("memory");
	return service;
}

static void backend_put(struct lb_service *service, uint32_t place, uint64_t who, uint32_t weight)
{
	struct lb_backend *backend = &service->backend[place];

	*backend = (struct lb_backend){ .family = who & 1 ? 6 : 4,
					.port = htons((uint16_t)(who >> 48)),
					.weight = weight };
	memcpy(backend->addr, &who, who & 1 ? 8 : 4);
	if (place >= service->backends)
		service->backends = place + 1;
}

static void built(struct lb_service *service)
{
	if (maglev_build(service))
		bail_out("maglev_build");
}

static uint32_t entries_of(const struct lb_service *service, uint32_t place)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < LB_TABLE_SIZE; i++)
		count += service->table[i] == place;
	return count;
}

/* ---- quotas, by another way: the entries that one gets are at most one away from its exact part ---- */

static double part(const struct lb_service *service, uint32_t place, double weights)
{
	return service->backend[place].weight * (double)LB_TABLE_SIZE / weights;
}

static void check_quotas(const struct lb_service *service, char *wrong, size_t size)
{
	uint32_t counts[LB_BACKENDS_MAX] = { 0 };
	double weights = 0, rounded_up = 1, rounded_down = 0;

	for (uint32_t i = 0; i < LB_TABLE_SIZE; i++)
		counts[service->table[i]]++;
	for (uint32_t i = 0; i < service->backends; i++)
		weights += maglev_is_available(&service->backend[i]) ? service->backend[i].weight : 0;
	for (uint32_t i = 0; i < service->backends; i++) {
		double exact = maglev_is_available(&service->backend[i]) ? part(service, i, weights) : 0;
		double rest = exact - (double)(uint32_t)exact;
		uint32_t up = counts[i] - (uint32_t)exact;

		if (up > 1 || counts[i] != service->backend[i].share)
			snprintf(wrong, size, "place %u: expected %f, got %u, share %u", i, exact, counts[i],
				 service->backend[i].share);
		if (up && rest < rounded_up)
			rounded_up = rest;
		if (!up && rest > rounded_down)
			rounded_down = rest;
	}
	if (rounded_down > rounded_up + 1e-6)
		snprintf(wrong, size, "a remainder of %f was rounded down, one of %f up", rounded_down, rounded_up);
}

static uint32_t random_weight(uint32_t kind)
{
	if (kind == 0)
		return 1;
	if (kind == 1)
		return (uint32_t)(random_next() % 10);
	return (uint32_t)(random_next() % 65536);
}

static void random_fill(struct lb_service *service, uint32_t count, uint32_t kind)
{
	for (uint32_t i = 0; i < count; i++) {
		backend_put(service, i, random_next(), random_weight(kind));
		if (kind && !(random_next() % 8))
			service->backend[i].flags = (uint8_t)(random_next() % 4);
	}
}

static void test_quotas(void)
{
	char wrong[256] = "";

	for (uint32_t i = 0; i < 60 && !*wrong; i++) {
		struct lb_service *service = make();
		uint32_t count = i % 3 ? 1 + (uint32_t)(random_next() % 60) : 1 + (uint32_t)(random_next() % 1024);

		random_fill(service, count, i % 4);
		built(service);
		if (service->available)
			check_quotas(service, wrong, sizeof(wrong));
		free(service);
	}
	check_property(wrong, "random weights get what is theirs, to the largest remainders");
}

static void test_ties(void)
{
	struct lb_service *service = make();

	/* 65537 = 3 * 21845 + 2: the lower addresses get one more, wherever they stand */
	backend_put(service, 2, 0x0100000a, 7);
	backend_put(service, 0, 0x0200000a, 7);
	backend_put(service, 1, 0x0300000a, 7);
	service->backend[0].family = service->backend[1].family = service->backend[2].family = 4;
	built(service);
	check(service->backend[2].share, 21846, "of equal remainders the lowest address is first");
	check(service->backend[0].share, 21846, "then the next");
	check(service->backend[1].share, 21845, "and the last one gets none");
	free(service);
}

static void test_few(void)
{
	struct lb_service *service = make();

	built(service);
	check(service->available, 0, "nobody: none available");
	backend_put(service, 3, 2, 0);
	backend_put(service, 4, 4, 5);
	service->backend[4].flags = LB_BACKEND_DOWN;
	built(service);
	check(service->available, 0, "of weight 0, or down: none available");
	backend_put(service, 7, 6, 1);
	built(service);
	check(service->available, 1, "one: is available");
	check(entries_of(service, 7), LB_TABLE_SIZE, "and has all of the table");
	backend_put(service, 8, 8, 65535);
	built(service);
	check(entries_of(service, 7), 1, "1 of 65536 is one entry");
	backend_put(service, 8, 8, 65535);
	service->backend[8].flags = LB_BACKEND_DRAINED;
	built(service);
	check(service->backend[8].share, 0, "who was drained has no share any more");
	free(service);
}

/* ---- what it depends on ---- */

/* The address of whom an entry leads to, as a number. */
static uint64_t leads_to(const struct lb_service *service, uint32_t entry)
{
	const struct lb_backend *backend = &service->backend[service->table[entry]];

	return backend->addr[0] ^ (uint64_t)backend->port << 48;
}

static uint32_t moved(const struct lb_service *before, const struct lb_service *after, uint64_t gone)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < LB_TABLE_SIZE; i++)
		count += leads_to(before, i) != leads_to(after, i) && leads_to(before, i) != gone;
	return count;
}

static void shuffle(const struct lb_service *from, struct lb_service *to)
{
	uint32_t places[LB_BACKENDS_MAX];

	for (uint32_t i = 0; i < LB_BACKENDS_MAX; i++)
		places[i] = i;
	for (uint32_t i = LB_BACKENDS_MAX - 1; i; i--) {
		uint32_t other = (uint32_t)(random_next() % (i + 1)), saved = places[i];

		places[i] = places[other];
		places[other] = saved;
	}
	for (uint32_t i = 0; i < from->backends; i++)
		to->backend[places[i]] = from->backend[i];
	to->backends = LB_BACKENDS_MAX;
}

static void test_order(void)
{
	char wrong[64] = "";

	for (uint32_t i = 0; i < 20; i++) {
		struct lb_service *one = make(), *other = make();

		random_fill(one, 1 + (uint32_t)(random_next() % 200), 2);
		one->backend[0].flags = 0;
		shuffle(one, other);
		other->backend[LB_BACKENDS_MAX - 1].flags |=
			other->backend[LB_BACKENDS_MAX - 1].family ? 0 : LB_BACKEND_DOWN;
		memset(other->table, 0x5a, sizeof(other->table));
		built(one);
		built(other);
		if (one->available && moved(one, other, ~0ull))
			snprintf(wrong, sizeof(wrong), "case %u: %u entries differ", i, moved(one, other, ~0ull));
		free(one);
		free(other);
	}
	check_property(wrong, "the table does not depend on places, nor on what was there before");
}

/* So that a box of an older version, or of another byte order, chooses as this one does. */
static void test_golden(void)
{
	struct lb_service *service = make();
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 10; i++) {
		const uint8_t addr[4] = { 10, 0, 0, (uint8_t)(i + 1) };

		service->backend[i] = (struct lb_backend){ .family = 4, .port = htons(8080), .weight = i + 1 };
		memcpy(service->backend[i].addr, addr, sizeof(addr));
	}
	service->backend[9].family = 6;
	service->backends = 10;
	built(service);
	for (uint32_t i = 0; i < LB_TABLE_SIZE; i++)
		sum = sum * 31 + service->table[i];
	check((long long)sum, -4742070442538210743ll, "the table of ten backends is as it has always been");
	free(service);
}

/* ---- what moves ---- */

struct moves {
	double most, sum;
	uint32_t cases;
};

static void moves_take(struct moves *moves, const struct lb_service *before, const struct lb_service *after,
		       uint64_t gone)
{
	uint32_t others = 0;
	double share;

	for (uint32_t i = 0; i < LB_TABLE_SIZE; i++)
		others += leads_to(before, i) != gone;
	share = 100.0 * moved(before, after, gone) / others;
	moves->sum += share;
	moves->cases++;
	if (share > moves->most)
		moves->most = share;
}

static void moves_check(const struct moves *moves, double most, const char *what)
{
	printf("# %s: %.2f %% of the others' entries move on average, %.2f %% at most\n", what,
	       moves->sum / moves->cases, moves->most);
	check(moves->most <= most, 1, "%s: at most %.1f %% of the others' entries move", what, most);
}

/* The change that is made to the backend in a place; returns whose entries are not counted. */
typedef uint64_t change_one(struct lb_service *service, uint32_t place);

static uint64_t remove_one(struct lb_service *service, uint32_t place)
{
	const struct lb_backend gone = service->backend[place];

	service->backend[place] = (struct lb_backend){ 0 };
	return gone.addr[0] ^ (uint64_t)gone.port << 48;
}

static uint64_t drain_one(struct lb_service *service, uint32_t place)
{
	const struct lb_backend *backend = &service->backend[place];

	service->backend[place].flags = LB_BACKEND_DRAINED;
	return backend->addr[0] ^ (uint64_t)backend->port << 48;
}

static uint64_t double_one(struct lb_service *service, uint32_t place)
{
	service->backend[place].weight *= 2;
	return ~0ull;
}

static void test_moves(uint32_t backends, uint32_t kind, change_one *change, double most, const char *what)
{
	struct moves moves = { 0 };

	for (uint32_t i = 0; i < 12; i++) {
		struct lb_service *before = make(), *after = make();
		uint64_t gone;

		random_fill(before, backends, kind);
		for (uint32_t n = 0; n < backends; n++)
			before->backend[n].flags = 0;
		*after = *before;
		gone = change(after, (uint32_t)(random_next() % backends));
		built(before);
		built(after);
		moves_take(&moves, before, after, gone);
		free(before);
		free(after);
	}
	moves_check(&moves, most, what);
}

/* ---- how long it takes: only told ---- */

static void tell_speed(uint32_t backends)
{
	struct lb_service *service = make();
	struct timespec from, to;

	random_fill(service, backends, 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	built(service);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("# a table of %u backends: %.1f ms\n", backends,
	       (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
	free(service);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_quotas();
	test_ties();
	test_few();
	test_order();
	test_golden();
	test_moves(100, 0, remove_one, 1.5, "one of 100 equal backends goes");
	test_moves(100, 0, drain_one, 1.5, "one of 100 equal backends is drained");
	test_moves(100, 0, double_one, 2.5, "one of 100 equal backends weighs twice as much");
	test_moves(3, 0, remove_one, 5, "one of 3 equal backends goes");
	test_moves(1000, 0, remove_one, 1.5, "one of 1000 equal backends goes");
	test_moves(100, 2, remove_one, 1.5, "one of 100 backends of random weights goes");
	tell_speed(1);
	tell_speed(100);
	tell_speed(1024);
	return tap_done();
}
