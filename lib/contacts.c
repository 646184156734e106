/* SPDX-License-Identifier: GPL-2.0-only */
#include "contacts.h"

#include "array.h"
#include "clock.h"
#include "flowgen.h"
#include "flowstate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the clock of the programs may be behind that of tools, and more. */
#define SLACK CLOCK_SECOND
/* Until a rotation that is under way is over; one that was killed never is. */
#define ROTATION_MOST CLOCK_SECOND
#define ROTATION_PAUSE 5000 /* us */

#define BY_ORIGINATOR(letter) (1u << (letter))
#define BY_RESPONDER(letter) (1u << (letter) << FLOW_RESPONDER_SHIFT)
#define ALL_OF_RESPONDER (((1u << LETTER_COUNT) - 1) << FLOW_RESPONDER_SHIFT)
#define RESETS ((1u << LETTER_RST) | (1u << LETTER_ODD))

#define ICMP_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUESTED 128

/* ---- what became of it ---- */

static bool is_opened(const struct flow *flow)
{
	return flow->key.proto == IPPROTO_TCP && flow->seen & BY_ORIGINATOR(LETTER_SYN);
}

/* Of a session whose beginning was not seen ports tell who wants something of whom; scans without SYN are such. */
static bool is_attempt(const struct flow *flow)
{
	uint8_t request = flow->key.family == 6 ? ICMP6_ECHO_REQUESTED : ICMP_ECHO_REQUEST;

	if (!flow->side[0].last)
		return false;
	switch (flow->key.proto) {
	case IPPROTO_TCP:
		return is_opened(flow) || flow_server(flow).side == 1;
	case IPPROTO_UDP:
		return true;
	default:
		return flow->key.kind == FLOW_ECHO && flow->icmp_type == request;
	}
}

static bool is_opening(const struct flow *flow)
{
	const uint32_t further = BY_ORIGINATOR(LETTER_ACK) | BY_ORIGINATOR(LETTER_DATA) | BY_ORIGINATOR(LETTER_FIN) |
				 RESETS | RESETS << FLOW_RESPONDER_SHIFT;

	return is_opened(flow) && !(flow->flags & FLOW_OPENED) && !(flow->seen & further);
}

/* Nothing but resets came back. */
static bool is_refused(const struct flow *flow)
{
	uint32_t answers = flow->seen & ALL_OF_RESPONDER;

	return flow->key.proto == IPPROTO_TCP && answers && !(answers & ~(RESETS << FLOW_RESPONDER_SHIFT));
}

static enum contact_outcome outcome_of(const struct flow *flow)
{
	if (is_refused(flow))
		return CONTACT_REFUSED;
	return flow->side[1].last ? CONTACT_ANSWERED : CONTACT_PENDING;
}

/* ---- a look ---- */

struct look {
	struct contacts *contacts;
	uint64_t generation; /* that is being read */
	uint64_t last;       /* packet of all that was read, wanted or not */
};

static uint64_t first_of(const struct flow *flow)
{
	uint64_t a = flow->side[0].first, b = flow->side[1].first;

	return a && (!b || a < b) ? a : b;
}

/* Of 128 bits, low word first. */
static double squares_of(const __u64 squares[2])
{
	return (double)squares[1] * 18446744073709551616.0 + (double)squares[0];
}

/* What stays as it is. */
static void contact_begin(struct contact *contact, const struct flow_id *id, const struct flow *flow)
{
	*contact = (struct contact){
		.id = *id,
		.proto = flow->key.proto,
		.family = flow->key.family,
		.ifindex = flow->key.ifindex,
		.start = flow->start,
	};
	memcpy(contact->src, flow_address(flow, 0), sizeof(contact->src));
	memcpy(contact->dst, flow_address(flow, 1), sizeof(contact->dst));
	if (!flow_has_ports(flow))
		return;
	contact->sport = flow_port(flow, 0);
	contact->dport = flow_port(flow, 1);
}

/*
 * Of TCP a message and the acknowledgement of its answer are two packets, so gaps tell nothing of how regular messages
 * are; the spells of silence between them do, where flow.o keeps these.
 */
static void gaps_take(struct contact *contact, const struct flow *flow)
{
	const struct flow_times *idle = &flow->detail.idle;

	contact->gaps = flow->side[0].gaps;
	contact->gap_sum = flow->side[0].gap_sum;
	contact->gap_squares = squares_of(flow->side[0].gap_squares);
	if (flow->key.proto != IPPROTO_TCP || !(flow->flags & FLOW_DETAILED) || !idle->count)
		return;
	contact->gaps = idle->count;
	contact->gap_sum = idle->sum;
	contact->gap_squares = squares_of(idle->squares);
}

/* The record with which a look finds it tells the state of the whole session, up to then. */
static void state_take(struct contact *contact, const struct flow *flow)
{
	enum service service = service_of(flow);

	contact->is_opened = is_opened(flow);
	contact->is_attempt = is_attempt(flow);
	contact->is_opening = is_opening(flow);
	contact->is_proven = flow->key.proto == IPPROTO_TCP && flow->flags & FLOW_OPENED;
	contact->outcome = outcome_of(flow);
	if (service != SERVICE_NONE)
		contact->service = service;
	if (flow_last(flow) > contact->last)
		contact->last = flow_last(flow);
	gaps_take(contact, flow);
}

static void count_add(struct contact_count *count, const struct flow *flow)
{
	for (int side = 0; side < 2; side++) {
		count->packets[side] += flow->side[side].packets;
		count->bytes[side] += flow->side[side].bytes;
		count->payload[side] += flow->side[side].payload;
	}
}

/* Several records of one generation may be of one session: it lost its place and found another, or clocks are coarse.
 */
static void record_read(struct contact *contact, const struct flow *flow, uint64_t generation)
{
	uint64_t first = first_of(flow);

	if (!contact->is_reading)
		contact->reading = (struct contact_record){ .generation = generation, .first = first };
	contact->is_reading = true;
	if (first < contact->reading.first)
		contact->reading.first = first;
	count_add(&contact->reading.count, flow);
}

static bool is_same_record(const struct contact *contact)
{
	const struct contact_record *now = &contact->reading, *before = &contact->counted;

	return contact->has_counted && now->generation == before->generation && now->first == before->first &&
	       now->count.packets[0] >= before->count.packets[0] && now->count.packets[1] >= before->count.packets[1];
}

/* When that which is new may have begun to come; a contact that was forgotten and came back has older packets, too. */
static uint64_t more_since(const struct contacts *contacts, const struct contact *contact)
{
	uint64_t first = contact->reading.first;

	if (contact->has_counted || (first < contacts->before && first + SLACK >= contacts->looked))
		return contacts->before;
	return first;
}

/* All of the contact that a generation has was read: what it did not have at the look before is new. */
static void record_settle(const struct contacts *contacts, struct contact *contact)
{
	const struct contact_count none = { 0 }, *now = &contact->reading.count;
	const struct contact_count *known = is_same_record(contact) ? &contact->counted.count : &none;

	if (!contact->is_reading)
		return;
	for (int side = 0; side < 2; side++) {
		contact->packets[side] += now->packets[side] - known->packets[side];
		contact->bytes[side] += now->bytes[side] - known->bytes[side];
		contact->payload[side] += now->payload[side] - known->payload[side];
		contact->more_bytes += now->bytes[side] - known->bytes[side];
	}
	if (!contact->more_to)
		contact->more_from = more_since(contacts, contact);
	contact->more_to = contact->last;
	contact->counted = contact->reading;
	contact->has_counted = true;
	contact->is_reading = false;
}

/* Silent since the look before, which saw it then: `most` had no room for it. */
static bool is_old(const struct look *look, const struct flow *flow)
{
	return look->contacts->before && flow_last(flow) + SLACK < look->contacts->looked;
}

/* NULL with errno 0: it is no news. */
static struct contact *contact_make(const struct look *look, const struct flow_id *id, const struct flow *flow)
{
	struct contacts *contacts = look->contacts;
	struct contact *items;

	errno = 0;
	if (is_old(look, flow))
		return NULL;
	items = array_room(contacts->items, contacts->count, sizeof(*items));
	if (!items)
		return NULL;
	contacts->items = items;
	contact_begin(&items[contacts->count], id, flow);
	if (keyindex_add(&contacts->index, items, contacts->count))
		return NULL;
	return &items[contacts->count++];
}

static int take_flow(void *context, const struct flow *flow)
{
	struct look *look = context;
	struct contacts *contacts = look->contacts;
	struct flow_id id = { .key = flow->key, .start = flow->start };
	struct contact *contact;
	size_t place;

	if (flow_last(flow) > look->last)
		look->last = flow_last(flow);
	if (contacts->selector && !flow_selector_wants(contacts->selector, flow))
		return 0;
	place = keyindex_find(&contacts->index, contacts->items, &id);
	contact = place == KEYINDEX_NONE ? contact_make(look, &id, flow) : &contacts->items[place];
	if (!contact)
		return errno ? -1 : 0;
	contact->look = contacts->look;
	/* it was final when a newer one was read */
	if (contact->has_counted && look->generation < contact->counted.generation)
		return 0;
	if (contact->is_reading && contact->reading.generation != look->generation)
		record_settle(contacts, contact);
	record_read(contact, flow, look->generation);
	state_take(contact, flow);
	return 0;
}

/* ---- what happened to flow.o ---- */

/* Generations are counted from 0 again, and none of its sessions is one that was seen. */
static void begin_anew(struct contacts *contacts, uint32_t map)
{
	contacts->is_anew = contacts->map != 0;
	contacts->map = map;
	contacts->generation = contacts->generation_evicted = 0;
	for (size_t i = 0; i < contacts->count; i++)
		contacts->items[i].has_counted = false;
}

static uint64_t evicted_of(const struct flowgen *gen)
{
	uint64_t evicted = 0;

	for (uint32_t i = 0; i < gen->bucket_count; i++)
		evicted += __atomic_load_n(&gen->buckets[i].evicted, __ATOMIC_RELAXED);
	return evicted;
}

static void losses_take(struct contacts *contacts, const struct flowgen *gen)
{
	uint64_t generation = gen->head->generation, evicted = evicted_of(gen);

	if (contacts->look > 1 && generation < contacts->generation)
		return;
	if (contacts->look > 1 && generation > contacts->generation + 1)
		contacts->missed += generation - contacts->generation - 1;
	contacts->evicted += evicted - (generation == contacts->generation ? contacts->generation_evicted : 0);
	contacts->generation = generation;
	contacts->generation_evicted = evicted;
}

/* While one ends programs may write to it and to the next one; what they still do would be missed. */
static void rotation_wait(const struct flowgens *gens)
{
	const struct flow_head *now = gens->item[0].head;

	while (gens->count > 1 && now->began && clock_now() - now->began < ROTATION_MOST &&
	       !__atomic_load_n(&gens->item[1].head->ended, __ATOMIC_ACQUIRE))
		usleep(ROTATION_PAUSE);
}

/* ---- the whole of it ---- */

static void look_begin(struct contacts *contacts, struct look *look)
{
	contacts->index.key_size = sizeof(struct flow_id);
	contacts->index.stride = sizeof(struct contact);
	contacts->before = contacts->now;
	contacts->evicted = 0;
	contacts->look++;
	look->contacts = contacts;
	for (size_t i = 0; i < contacts->count; i++)
		contacts->items[i].more_bytes = contacts->items[i].more_from = contacts->items[i].more_to = 0;
}

static bool has_packet_clock(const struct flowgen *gen)
{
	return gen->head->settings.clock == FLOW_CLOCK_PACKET;
}

/* The oldest first, so that what comes of a session is its newest state. */
static int generations_read(struct look *look, const struct flowgens *gens)
{
	for (uint32_t i = gens->count; i-- > 0;) {
		const struct flowgen *gen = &gens->item[i];

		losses_take(look->contacts, gen);
		if (has_packet_clock(gen) != has_packet_clock(&gens->item[0]))
			continue;
		look->generation = gen->head->generation;
		if (flowgen_visit(gen, i == 0, take_flow, look))
			return -1;
	}
	return 0;
}

/* A moment with a time: what was not answered until now, and where what is new ends. */
static void contact_finish(const struct contacts *contacts, struct contact *contact)
{
	bool is_late = contact->start + CONTACT_PATIENCE <= contacts->now;

	record_settle(contacts, contact);
	/* of one that lost its place before, nobody knows whether it was answered then */
	if (is_late && contact->look == contacts->look && contact->outcome == CONTACT_PENDING)
		contact->outcome = CONTACT_FAILED;
	contact->is_half_open = is_late && contact->is_opening;
	if (!contact->more_to)
		return;
	if (contact->more_to > contacts->now)
		contact->more_to = contacts->now;
	if (contact->more_to <= contacts->before)
		contact->more_to = contacts->before + 1;
}

static int last_order(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static int index_again(struct contacts *contacts)
{
	keyindex_free(&contacts->index);
	for (size_t i = 0; i < contacts->count; i++)
		if (keyindex_add(&contacts->index, contacts->items, i))
			return -1;
	return 0;
}

/* Of those that were silent since before a time, as many as may go. */
static int silent_drop(struct contacts *contacts, uint64_t limit, size_t may_go, bool also_seen)
{
	size_t kept = 0, count = contacts->count;

	for (size_t i = 0; i < count; i++) {
		const struct contact *contact = &contacts->items[i];
		bool goes = may_go && contact->last < limit && (also_seen || contact->look != contacts->look);

		may_go -= goes;
		if (!goes && kept++ != i)
			contacts->items[kept - 1] = *contact;
	}
	contacts->count = kept;
	return kept == count ? 0 : index_again(contacts);
}

static int most_keep(struct contacts *contacts)
{
	size_t excess = contacts->most && contacts->count > contacts->most ? contacts->count - contacts->most : 0;
	uint64_t *lasts, limit;

	if (!excess)
		return 0;
	lasts = malloc(contacts->count * sizeof(*lasts));
	if (!lasts)
		return -1;
	for (size_t i = 0; i < contacts->count; i++)
		lasts[i] = contacts->items[i].last;
	qsort(lasts, contacts->count, sizeof(*lasts), last_order);
	limit = lasts[excess - 1] + 1;
	free(lasts);
	contacts->dropped += excess;
	return silent_drop(contacts, limit, excess, true);
}

int contacts_take(struct contacts *contacts, const struct flowgens *gens, struct error *error)
{
	struct look look = { .last = 0 };
	uint64_t began = clock_now();
	int result;

	look_begin(contacts, &look);
	result = generations_read(&look, gens);
	contacts->by_packets = has_packet_clock(&gens->item[0]);
	contacts->now = contacts->by_packets ? look.last : clock_now();
	if (contacts->now <= contacts->before)
		contacts->now = contacts->before + 1;
	for (size_t i = 0; i < contacts->count; i++)
		contact_finish(contacts, &contacts->items[i]);
	contacts->looked = contacts->by_packets ? contacts->now : began;
	return result || most_keep(contacts) ? error_errno(error, "sessions") : 0;
}

int contacts_look(struct contacts *contacts, const struct pins *pins, struct error *error)
{
	struct flowgens gens;
	uint32_t map;
	int result;

	if (pin_id(pins, &pin_flow_sessions, &map, error) || flowgens_open_all(&gens, pins, error))
		return -1;
	contacts->is_anew = false;
	if (map != contacts->map)
		begin_anew(contacts, map);
	rotation_wait(&gens);
	result = contacts_take(contacts, &gens, error);
	flowgens_close(&gens);
	return result;
}

int contacts_forget(struct contacts *contacts, uint64_t before, struct error *error)
{
	return silent_drop(contacts, before, contacts->count, false) ? error_errno(error, "sessions") : 0;
}

void contacts_free(struct contacts *contacts)
{
	free(contacts->items);
	keyindex_free(&contacts->index);
	contacts->items = NULL;
	contacts->count = 0;
}

/* ---- bytes by time ---- */

/* Those until a time; sums of intervals in turn are exact. */
static uint64_t bytes_until(const struct contact *contact, uint64_t time)
{
	if (time >= contact->more_to)
		return contact->more_bytes;
	if (time <= contact->more_from)
		return 0;
	return (uint64_t)((unsigned __int128)contact->more_bytes * (time - contact->more_from) /
			  (contact->more_to - contact->more_from));
}

uint64_t contact_bytes_within(const struct contact *contact, uint64_t from, uint64_t to)
{
	return bytes_until(contact, to) - bytes_until(contact, from);
}
