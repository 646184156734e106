/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"
#include "flowgen.h"
#include "flowset_internal.h"

/* What the original began with. */
#define SESSIONS_DEFAULT 10
#define SESSION_RESTART_DEFAULT (5 * CLOCK_SECOND)
#define PACKET_RESTART_DEFAULT (1 * CLOCK_SECOND)
#define BUFFER_RESTART_DEFAULT (1 * CLOCK_SECOND)

uint64_t value_get(const struct state *state, enum flowset_name name)
{
	const struct flow_settings *s = &state->settings;

	switch (name) {
	case FLOWSET_CAPACITY:
		return (uint64_t)state->buckets * BUCKET_SESSIONS;
	case FLOWSET_IDLE_TCP:
		return s->idle_tcp;
	case FLOWSET_IDLE_ENDED:
		return s->idle_ended;
	case FLOWSET_IDLE_UDP:
		return s->idle_udp;
	case FLOWSET_IDLE_OTHER:
		return s->idle_other;
	case FLOWSET_DETAILS:
		return s->detailed;
	case FLOWSET_CONTENT:
		return !s->without_content;
	case FLOWSET_SESSION_PACKETS:
		return s->session_packets;
	case FLOWSET_SESSIONS:
		return s->sessions;
	case FLOWSET_PACKETS:
		return s->packets;
	case FLOWSET_SESSION_RESTART:
		return s->session_restart;
	case FLOWSET_PACKET_RESTART:
		return s->packet_restart;
	case FLOWSET_BUFFER_RESTART:
	case FLOWSET_COUNT:
		break;
	}
	return s->buffer_restart;
}

void value_put(struct state *state, enum flowset_name name, uint64_t value)
{
	struct flow_settings *s = &state->settings;
	uint32_t word = (uint32_t)value;

	switch (name) {
	case FLOWSET_CAPACITY:
		state->buckets = (word + BUCKET_SESSIONS - 1) / BUCKET_SESSIONS;
		break;
	case FLOWSET_IDLE_TCP:
		s->idle_tcp = word;
		break;
	case FLOWSET_IDLE_ENDED:
		s->idle_ended = word;
		break;
	case FLOWSET_IDLE_UDP:
		s->idle_udp = word;
		break;
	case FLOWSET_IDLE_OTHER:
		s->idle_other = word;
		break;
	case FLOWSET_DETAILS:
		s->detailed = word;
		break;
	case FLOWSET_CONTENT:
		s->without_content = !word;
		break;
	case FLOWSET_SESSION_PACKETS:
		s->session_packets = word;
		break;
	case FLOWSET_SESSIONS:
		s->sessions = word;
		break;
	case FLOWSET_PACKETS:
		s->packets = word;
		break;
	case FLOWSET_SESSION_RESTART:
		s->session_restart = value;
		break;
	case FLOWSET_PACKET_RESTART:
		s->packet_restart = value;
		break;
	case FLOWSET_BUFFER_RESTART:
	case FLOWSET_COUNT:
		s->buffer_restart = value;
		break;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* As many as the sessions sampled at a time fill, as far as there is room. */
static uint64_t packets_default(const struct state *state)
{
	const struct flow_settings *s = &state->settings;
	uint64_t sessions = s->sessions ? s->sessions : SESSIONS_DEFAULT;

	return s->session_packets ? least(sessions * s->session_packets, state->room) : state->room;
}

uint64_t value_default(const struct state *state, enum flowset_name name)
{
	/* one more, for the analyser does not know that nobody asks for FLOWSET_COUNT */
	static const uint64_t defaults[FLOWSET_COUNT + 1] = {
		[FLOWSET_CAPACITY] = FLOW_BUCKETS_DEFAULT * BUCKET_SESSIONS,
		[FLOWSET_IDLE_TCP] = FLOW_IDLE_TCP,
		[FLOWSET_IDLE_ENDED] = FLOW_IDLE_ENDED,
		[FLOWSET_IDLE_UDP] = FLOW_IDLE_UDP,
		[FLOWSET_IDLE_OTHER] = FLOW_IDLE_OTHER,
		[FLOWSET_CONTENT] = 1,
		[FLOWSET_SESSIONS] = SESSIONS_DEFAULT,
		[FLOWSET_SESSION_RESTART] = SESSION_RESTART_DEFAULT,
		[FLOWSET_PACKET_RESTART] = PACKET_RESTART_DEFAULT,
		[FLOWSET_BUFFER_RESTART] = BUFFER_RESTART_DEFAULT,
	};

	return name == FLOWSET_PACKETS ? packets_default(state) : defaults[name];
}

/* Whether 0 is what it is, and not what nobody set. */
static bool zero_counts(enum flowset_name name)
{
	return name == FLOWSET_CAPACITY || flowset_settings[name].unit == UNIT_SWITCH;
}

void value_reset(struct state *state, enum flowset_name name)
{
	value_put(state, name, zero_counts(name) ? value_default(state, name) : 0);
}

uint64_t value_shown(const struct state *state, enum flowset_name name)
{
	uint64_t value = value_get(state, name);

	return value || zero_counts(name) ? value : value_default(state, name);
}

static uint64_t places_used(const struct flowgen *gen)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < gen->bucket_count; i++)
		for (uint32_t way = 0; way < FLOW_WAYS; way++)
			used += gen->buckets[i].used[way] != 0;
	return used;
}

/* The newest generation has no sessions yet where a tool was killed: see flowgen.h. */
static void state_of(const struct flowgens *gens, struct state *state)
{
	const struct flowgen *packets = &gens->item[0], *sessions = &gens->item[packets->bucket_count ? 0 : 1];

	*state = (struct state){
		.settings = sessions->head->settings,
		.buckets = sessions->bucket_count,
		.room = packets->packet_count,
		.sessions_used = sessions->head->taken,
		.packets_used = packets->packets_head->next,
		.capacity_bytes = sessions->sessions_size,
		.packets_bytes = packets->packets_size,
	};
}

int state_read(const struct pins *pins, struct state *state, bool with_use, struct error *error)
{
	struct flowgens gens;

	if (flowgens_open(&gens, pins, error))
		return -1;
	state_of(&gens, state);
	for (uint32_t i = 0; with_use && i < gens.count; i++) {
		if (!gens.item[i].bucket_count)
			continue;
		state->capacity_used = places_used(&gens.item[i]);
		break;
	}
	flowgens_close(&gens);
	return 0;
}
