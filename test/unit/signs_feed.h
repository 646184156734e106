/* SPDX-License-Identifier: GPL-2.0-only */
/* Contacts that are made up, shown to one kind of sign, and what it said. */
#ifndef SPLICER_TEST_SIGNS_FEED_H
#define SPLICER_TEST_SIGNS_FEED_H

#include "array.h"
#include "clock.h"
#include "profile.h"
#include "signs.h"

#include "tap.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>

#define SECOND CLOCK_SECOND
/* Times of packets: what is made of them does not depend on when the test runs. */
#define EPOCH (UINT64_C(1800000000) * SECOND)

static struct signs signs;
static struct sign *found; /* what was said */
static size_t found_count;

static struct contact *contacts;
static size_t contact_count;

static inline void feed_take(void *context, const struct sign *sign)
{
	(void)context;
	found = array_room(found, found_count, sizeof(*found));
	if (!found)
		bail_out("signs");
	found[found_count++] = *sign;
}

static inline void feed_open(void)
{
	struct error error;

	if (signs_open(&signs, &error))
		bail_out(error.text);
	signs.take = feed_take;
}

static inline void feed_set(const char *text)
{
	struct error error;

	if (signs_set(&signs, text, &error))
		bail_out(error.text);
}

static inline void feed_forget(void)
{
	free(found);
	found = NULL;
	found_count = 0;
	free(contacts);
	contacts = NULL;
	contact_count = 0;
}

static inline void feed_close(void)
{
	feed_forget();
	signs_close(&signs);
}

/* An address by number: the odd ones are IPv6. */
static inline uint8_t feed_family(uint32_t number)
{
	return number % 2 ? 6 : 4;
}

static inline void feed_address(uint8_t addr[16], uint8_t family, uint32_t number)
{
	uint32_t word = htonl(number);

	memset(addr, 0, 16);
	memcpy(addr + (family == 6 ? 12 : 0), &word, sizeof(word));
	if (family == 6)
		addr[0] = 0x20;
	else
		addr[0] = 10;
}

static inline struct host feed_host(uint32_t number, uint8_t family)
{
	uint8_t addr[16];

	feed_address(addr, family, number);
	return host_of(family, addr);
}

/* One more, which the caller changes; its family is that of the destination. */
static inline struct contact *feed_contact(uint32_t src, uint32_t dst, uint64_t start)
{
	struct contact *contact;

	contacts = array_room(contacts, contact_count, sizeof(*contacts));
	if (!contacts)
		bail_out("contacts");
	contact = &contacts[contact_count++];
	*contact = (struct contact){ .family = feed_family(dst),
				     .proto = IPPROTO_TCP,
				     .dport = 443,
				     .is_attempt = true,
				     .start = start,
				     .last = start };
	feed_address(contact->src, contact->family, src);
	feed_address(contact->dst, contact->family, dst);
	return contact;
}

static inline int by_start(const void *a, const void *b)
{
	const struct contact *first = *(const struct contact *const *)a, *second = *(const struct contact *const *)b;

	if (first->start != second->start)
		return first->start < second->start ? -1 : 1;
	return (first > second) - (first < second);
}

/* All of them, of which those of the window are recent. */
static inline void feed_look(sign_look *look, uint64_t before, uint64_t now, uint64_t window, bool is_last)
{
	const struct contact **all = calloc(2 * contact_count + 1, sizeof(*all)), **recent = all + contact_count;
	struct moment moment = { .now = now, .before = before, .window = window, .is_last_of_window = is_last };
	struct error error;

	if (!all)
		bail_out("contacts");
	for (size_t i = 0; i < contact_count; i++) {
		all[moment.all_count++] = &contacts[i];
		if (contacts[i].start + window > now && contacts[i].start <= now)
			recent[moment.recent_count++] = &contacts[i];
	}
	qsort(recent, moment.recent_count, sizeof(*recent), by_start);
	moment.all = all;
	moment.recent = recent;
	if (look(&signs, &moment, &error))
		bail_out(error.text);
	if (is_last && signs.learn)
		profile_end_window(signs.learn, &moment);
	free(all);
}

/* ---- random times and sizes ---- */

static inline double random_share(void) /* in (0, 1) */
{
	return ((double)(random_next() >> 11) + 0.5) / 9007199254740992.0;
}

static inline double random_wait(double mean)
{
	return -mean * log(random_share());
}

static inline double random_normal(void)
{
	return sqrt(-2 * log(random_share())) * cos(2 * M_PI * random_share());
}

/* Always the same numbers: bounds are of these, and hold however often it is run. */
static inline void random_fixed(uint64_t seed)
{
	random_state = random_seed = seed;
	printf("# seed %" PRIu64 "\n", seed);
}

#endif
