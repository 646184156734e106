/* SPDX-License-Identifier: GPL-2.0-only */
#include "flow_play.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 64
#define ROOM 64

/* ---- fields by their names ---- */

struct field {
	const char *name; /* "lengths": also lengths.0 and so on */
	size_t offset, size, count;
	bool is_time;
};

#define FIELD(of, name, count)                                                                           \
	{                                                                                                \
#name, offsetof(struct of, name), sizeof(((struct of *)0)->name) / (count), count, false \
	}
#define TIME(of, name)                                       \
	{                                                    \
#name, offsetof(struct of, name), 8, 1, true \
	}

static const struct field flow_fields[] = {
	FIELD(flow, originator, 1),
	FIELD(flow, flags, 1),
	FIELD(flow, ended, 1),
	FIELD(flow, history_length, 1),
	FIELD(flow, seen, 1),
	TIME(flow, start),
	TIME(flow, syn),
	TIME(flow, synack),
	TIME(flow, ack),
	FIELD(flow, sample_epoch, 1),
	FIELD(flow, sampled, 1),
	TIME(flow, sample_last),
	FIELD(flow, icmp_type, 1),
	FIELD(flow, icmp_code, 1),
	FIELD(flow, content_length, 2),
	FIELD(flow, content, 2 * FLOW_CONTENT_MAX),
	FIELD(flow, key.port, 2),
	FIELD(flow, key.ifindex, 1),
	FIELD(flow, key.vlan, 1),
	FIELD(flow, key.proto, 1),
	FIELD(flow, key.family, 1),
	FIELD(flow, key.kind, 1),
	{ NULL, 0, 0, 0, false },
};

static const struct field side_fields[] = {
	FIELD(flow_side, packets, 1),
	FIELD(flow_side, bytes, 1),
	FIELD(flow_side, payload, 1),
	FIELD(flow_side, length_squares, 1),
	TIME(flow_side, last),
	FIELD(flow_side, gap_squares, 2),
	FIELD(flow_side, gap_sum, 1),
	FIELD(flow_side, gap_min, 1),
	FIELD(flow_side, gap_max, 1),
	FIELD(flow_side, gaps, 1),
	TIME(flow_side, first),
	FIELD(flow_side, next, 1),
	FIELD(flow_side, length_min, 1),
	FIELD(flow_side, length_max, 1),
	FIELD(flow_side, hops_min, 1),
	FIELD(flow_side, hops_max, 1),
	FIELD(flow_side, window, 1),
	FIELD(flow_side, known, 1),
	FIELD(flow_side, zero_windows, 1),
	FIELD(flow_side, retransmitted, 1),
	FIELD(flow_side, out_of_order, 1),
	FIELD(flow_side, fragments, 1),
	FIELD(flow_side, tcp, 8),
	FIELD(flow_side, lengths, FLOW_LENGTH_BINS),
	FIELD(flow_side, hole_from, 1),
	FIELD(flow_side, hole_to, 1),
	FIELD(flow_side, hole_bytes, 1),
	TIME(flow_side, hole_time),
	FIELD(flow_side, missed, 1),
	FIELD(flow_side, missed_times, 1),
	FIELD(flow_side, letter_seq, 4),
	FIELD(flow_side, gap_times, FLOW_GAP_BINS),
	{ NULL, 0, 0, 0, false },
};

#define TIMES_OF(name)                                                                                           \
	FIELD(flow_detail, name.count, 1), FIELD(flow_detail, name.sum, 1), FIELD(flow_detail, name.squares, 2), \
		FIELD(flow_detail, name.min, 1), FIELD(flow_detail, name.max, 1)

static const struct field detail_fields[] = {
	TIMES_OF(gaps),
	TIMES_OF(active),
	TIMES_OF(idle),
	TIME(flow_detail, active_since),
	FIELD(flow_detail, pauses, 1),
	{ NULL, 0, 0, 0, false },
};

static const struct field detail_side_fields[] = {
	FIELD(flow_detail_side, payload_squares, 1),
	FIELD(flow_detail_side, headers, 1),
	FIELD(flow_detail_side, bulk_bytes, 1),
	FIELD(flow_detail_side, bulk_time, 1),
	TIME(flow_detail_side, run_start),
	TIME(flow_detail_side, run_last),
	FIELD(flow_detail_side, data_packets, 1),
	FIELD(flow_detail_side, bulks, 1),
	FIELD(flow_detail_side, bulk_packets, 1),
	FIELD(flow_detail_side, run_packets, 1),
	FIELD(flow_detail_side, run_bytes, 1),
	FIELD(flow_detail_side, payload_min, 1),
	FIELD(flow_detail_side, payload_max, 1),
	FIELD(flow_detail_side, header_min, 1),
	{ NULL, 0, 0, 0, false },
};

static const struct field head_fields[] = {
	FIELD(flow_head, generation, 1),        FIELD(flow_head, epoch, 1),           FIELD(flow_head, taken, 1),
	FIELD(flow_head, refused, 1),           FIELD(flow_head, not_ip.packets, 1),  FIELD(flow_head, not_ip.bytes, 1),
	FIELD(flow_head, malformed.packets, 1), FIELD(flow_head, malformed.bytes, 1), { NULL, 0, 0, 0, false },
};

static const struct field lost_fields[] = {
	FIELD(generation_lost, evicted, 1),
	FIELD(generation_lost, evicted_tally.packets, 1),
	FIELD(generation_lost, evicted_tally.bytes, 1),
	FIELD(generation_lost, missed.packets, 1),
	{ NULL, 0, 0, 0, false },
};

static const struct field buffer_fields[] = {
	FIELD(flow_packets_head, lost, 1), FIELD(flow_packets_head, overwritten, 1),
	FIELD(flow_packets_head, next, 1), FIELD(flow_packets_head, round, 1),
	TIME(flow_packets_head, last),     { NULL, 0, 0, 0, false },
};

static const struct field record_fields[] = {
	FIELD(flow_packet, src, 2),        FIELD(flow_packet, dst, 2),       FIELD(flow_packet, sport, 1),
	FIELD(flow_packet, dport, 1),      FIELD(flow_packet, ifindex, 1),   TIME(flow_packet, time),
	FIELD(flow_packet, length, 1),     FIELD(flow_packet, payload, 1),   FIELD(flow_packet, seq, 1),
	FIELD(flow_packet, ack, 1),        FIELD(flow_packet, window, 1),    FIELD(flow_packet, flags_frag, 1),
	FIELD(flow_packet, udp_length, 1), FIELD(flow_packet, vlan, 1),      FIELD(flow_packet, proto, 1),
	FIELD(flow_packet, family, 1),     FIELD(flow_packet, tcp_flags, 1), FIELD(flow_packet, icmp_type, 1),
	FIELD(flow_packet, icmp_code, 1),  FIELD(flow_packet, hops, 1),      FIELD(flow_packet, from, 1),
	FIELD(flow_packet, egress, 1),     FIELD(flow_packet, round, 1),     FIELD(flow_packet, segments, 1),
	{ NULL, 0, 0, 0, false },
};

static uint64_t field_get(const struct field *field, const void *of, size_t index)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)of + field->offset + index * field->size, field->size);
	return value;
}

/* "name" or "name.3" */
static const struct field *field_find(const struct field *fields, const char *name, size_t *index)
{
	for (; fields->name; fields++) {
		size_t length = strlen(fields->name);

		*index = 0;
		if (!strcmp(fields->name, name))
			return fields;
		if (strncmp(fields->name, name, length) != 0 || name[length] != '.')
			continue;
		*index = strtoul(name + length + 1, NULL, 10);
		if (*index < fields->count)
			return fields;
	}
	return NULL;
}

/* ---- the stage ---- */

void stage_wrong(struct stage *stage, const char *format, ...)
{
	va_list arguments;

	if (*stage->wrong)
		return;
	va_start(arguments, format);
	vsnprintf(stage->wrong, sizeof(stage->wrong), format, arguments);
	va_end(arguments);
}

void stage_report(const struct stage *stage, const char *name, int family)
{
	if (*stage->wrong)
		tap_not_ok("as the table and the model have it", stage->wrong, "%s (IPv%d)", name, family);
	else
		tap_ok("%s (IPv%d)", name, family);
}

#define SETTING(name)                                                                                            \
	{                                                                                                        \
#name, offsetof(struct flow_settings, name), sizeof(((struct flow_settings *)0)->name), 1, false \
	}

static void settings_read(struct flow_settings *settings, const char *text)
{
	static const struct field fields[] = {
		SETTING(idle_tcp),        SETTING(idle_ended),     SETTING(idle_udp), SETTING(idle_other),
		SETTING(session_packets), SETTING(sessions),       SETTING(packets),  SETTING(session_restart),
		SETTING(packet_restart),  SETTING(buffer_restart), SETTING(detailed), SETTING(without_content),
		{ NULL, 0, 0, 0, false },
	};
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " "))) {
		char *equals = strchr(word, '=');
		const struct field *field;
		uint64_t value;
		size_t index;

		if (!equals)
			errx(2, "%s: not a setting", word);
		*equals = '\0';
		field = field_find(fields, word, &index);
		if (!field)
			errx(2, "%s: no such setting", word);
		value = shots_number(equals + 1);
		memcpy((char *)settings + field->offset, &value, field->size);
	}
}

/*
 * To put a map into another one takes some ms: the generation of a stage is that of the stage before, emptied, if it
 * has the right size and is still in its place.
 */
static struct {
	struct generation *now;
	bool is_before_there;
} kept;

void stages_open(struct fixture *fixture)
{
	fixture_open(fixture);
	shots_prepare(fixture);
	kept.now = NULL;
	kept.is_before_there = false;
}

void stages_close(struct fixture *fixture)
{
	generation_free(kept.now);
	kept.now = NULL;
	shots_done();
	fixture_close(fixture);
}

static struct generation *first_generation(const struct fixture *fixture, uint32_t buckets)
{
	struct generation *generation = kept.now;

	kept.now = NULL;
	if (generation && generation->bucket_count == buckets) {
		generation_clear(generation, 0);
	} else {
		generation_free(generation);
		generation = generation_new(0, buckets, ROOM);
		generation_place(fixture, generation, FLOW_NOW);
	}
	if (kept.is_before_there)
		generation_remove(fixture, FLOW_BEFORE);
	kept.is_before_there = false;
	return generation;
}

struct stage *stage_open(struct fixture *fixture, uint32_t buckets, const char *settings)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		err(2, "stage");
	stage->fixture = fixture;
	stage->now = first_generation(fixture, buckets);
	stage->generations = 1;
	if (settings)
		settings_read(&stage->now->head->settings, settings);
	stage->model.settings = stage->now->head->settings;
	state_forget(fixture);
	return stage;
}

void stage_close(struct stage *stage)
{
	if (stage->now)
		kept.now = stage->now;
	generation_free(stage->before);
	free(stage);
}

void stage_rotate(struct stage *stage, uint32_t buckets)
{
	struct generation *next = generation_new(stage->generations++, buckets, ROOM);

	next->head->settings = stage->now->head->settings;
	generation_place(stage->fixture, next, FLOW_NOW);
	generation_place(stage->fixture, stage->now, FLOW_BEFORE);
	kept.is_before_there = true;
	generation_free(stage->before);
	stage->before = stage->now;
	stage->now = next;
	model_rotate(&stage->model);
}

static void stage_double(struct stage *stage)
{
	generation_place(stage->fixture, stage->now, FLOW_BEFORE);
	kept.is_before_there = true;
}

/* The part of the transport header that is read is there. */
static bool is_readable(const struct shot *shot)
{
	struct frame frame;

	shot_build(shot, &frame);
	return frame.len >= frame.transport + (shot->proto == IPPROTO_TCP ? 16 : 8);
}

void stage_shoot(struct stage *stage, const struct shot *shot)
{
	char why[128];

	if (!shot_run(stage->fixture, shot, why, sizeof(why)))
		stage_wrong(stage, "%s", why);
	if (!shot->cut || is_readable(shot))
		model_see(&stage->model, shot, (uint32_t)context_ifindex(stage->fixture, shot->on));
}

/* ---- comparing with the model ---- */

static bool fields_differ(struct stage *stage, const struct field *fields, const char *prefix, const void *expected,
			  const void *got)
{
	for (; fields->name; fields++)
		for (size_t i = 0; i < fields->count; i++) {
			uint64_t a = field_get(fields, expected, i), b = field_get(fields, got, i);

			if (a == b)
				continue;
			stage_wrong(stage, "%s%s.%zu %llu, where the model has %llu", prefix, fields->name, i,
				    (unsigned long long)b, (unsigned long long)a);
			return true;
		}
	return false;
}

/* Sampling is no business of the model. */
static struct flow without_sampling(const struct flow *flow)
{
	struct flow copy = *flow;

	copy.sample_epoch = copy.sampled = 0;
	copy.sample_last = 0;
	return copy;
}

static void compare_flow(struct stage *stage, const struct flow *expected, const struct flow *got)
{
	struct flow copy = without_sampling(got);

	if (!memcmp(expected, &copy, sizeof(copy)))
		return;
	if (memcmp(expected->history, copy.history, sizeof(copy.history)) != 0)
		stage_wrong(stage, "history %.*s, where the model has %.*s", copy.history_length, copy.history,
			    expected->history_length, expected->history);
	else if (!fields_differ(stage, flow_fields, "", expected, &copy) &&
		 !fields_differ(stage, side_fields, "o.", &expected->side[0], &copy.side[0]) &&
		 !fields_differ(stage, side_fields, "r.", &expected->side[1], &copy.side[1]) &&
		 !fields_differ(stage, detail_fields, "d.", &expected->detail, &copy.detail) &&
		 !fields_differ(stage, detail_side_fields, "od.", &expected->detail.side[0], &copy.detail.side[0]) &&
		 !fields_differ(stage, detail_side_fields, "rd.", &expected->detail.side[1], &copy.detail.side[1]))
		stage_wrong(stage, "reserved bytes of a session");
}

static const struct flow *flow_like(const struct flow *sessions[], size_t count, const struct flow *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (sessions[i]->start == wanted->start &&
		    !memcmp(&sessions[i]->key, &wanted->key, sizeof(wanted->key)))
			return sessions[i];
	return NULL;
}

static void wrong_without(struct stage *stage, const struct flow *flow)
{
	stage_wrong(stage, "no session of protocol %u, kind %u, ports %u and %u, vlan %u, interface %u, begun %llu",
		    flow->key.proto, flow->key.kind, ntohs(flow->key.port[0]), ntohs(flow->key.port[1]), flow->key.vlan,
		    flow->key.ifindex, (unsigned long long)(flow->start - SHOTS_BEGIN));
}

void stage_compare(struct stage *stage)
{
	static const struct flow *sessions[SESSIONS_MAX];
	size_t count = generation_sessions(stage->now, sessions);

	if (!generation_is_free(stage->now))
		stage_wrong(stage, "a lock is still held");
	for (size_t i = 0; i < stage->model.now.count; i++) {
		const struct flow *flow = flow_like(sessions, count, &stage->model.now.flows[i]);

		if (flow)
			compare_flow(stage, &stage->model.now.flows[i], flow);
		else
			wrong_without(stage, &stage->model.now.flows[i]);
	}
	if (count != stage->model.now.count)
		stage_wrong(stage, "%zu sessions, where the model has %zu", count, stage->model.now.count);
}

/* ---- plays ---- */

static void play_packet(struct stage *stage, struct shot *shot, char *words)
{
	unsigned long times = 1;
	char *word;

	while ((word = strsep(&words, " "))) {
		if (!*word)
			continue;
		if (!strncmp(word, "x=", 2))
			times = strtoul(word + 2, NULL, 10);
		else if (!shot_word(shot, word))
			errx(2, "%s: not a word of a packet", word);
	}
	for (unsigned long i = 0; i < times; i++)
		stage_shoot(stage, shot);
}

void stage_play(struct stage *stage, int family, const char *play)
{
	char *copy = strdup(play), *rest = copy, *step;
	uint64_t at = SHOTS_BEGIN;

	if (!copy)
		err(2, "play");
	while ((step = strsep(&rest, ";"))) {
		struct shot shot = shot_usual(family);

		step += strspn(step, " ");
		shot.at = at;
		if (!strncmp(step, "rotate", 6))
			stage_rotate(stage, BUCKETS / 2 + 1);
		else if (!strncmp(step, "both", 4))
			stage_double(stage);
		else
			play_packet(stage, &shot, step);
		at = shot.at;
	}
	free(copy);
}

/* ---- what is expected ---- */

static uint64_t value_read(const struct field *field, const char *text)
{
	if (!strcmp(text, "none"))
		return 0;
	return shots_number(text) + (field->is_time ? SHOTS_BEGIN : 0);
}

static void expect_field(struct stage *stage, const struct field *fields, const void *of, const char *name,
			 const char *shown, const char *value)
{
	size_t index;
	const struct field *field = field_find(fields, name, &index);
	uint64_t got;

	if (!field)
		errx(2, "%s: no such field", shown);
	got = field_get(field, of, index);
	if (field->is_time && got)
		got -= SHOTS_BEGIN;
	if (field_get(field, of, index) != value_read(field, value))
		stage_wrong(stage, "%s is %llu, not %s", shown, (unsigned long long)got, value);
}

static void expect_history(struct stage *stage, const struct flow *flow, const char *value)
{
	size_t length = strcmp(value, "none") ? strlen(value) : 0;

	if (flow->history_length != length || memcmp(flow->history, value, length) != 0)
		stage_wrong(stage, "history is %.*s, not %s", flow->history_length, flow->history, value);
}

static void expect_word(struct stage *stage, const struct generation *generation, const struct flow *flow, char *word)
{
	const struct generation_lost lost = generation_lost(generation);
	char name[64], *equals = strchr(word, '=');
	const struct {
		const char *prefix;
		const struct field *fields;
		const void *of;
	} parts[] = {
		{ "head.", head_fields, generation->head },
		{ "lost.", lost_fields, &lost },
		{ "buffer.", buffer_fields, generation->packets_head },
		{ "o.", side_fields, flow ? &flow->side[0] : NULL },
		{ "r.", side_fields, flow ? &flow->side[1] : NULL },
		{ "d.", detail_fields, flow ? &flow->detail : NULL },
		{ "od.", detail_side_fields, flow ? &flow->detail.side[0] : NULL },
		{ "rd.", detail_side_fields, flow ? &flow->detail.side[1] : NULL },
		{ "", flow_fields, flow },
	};

	if (!equals)
		errx(2, "%s: not a field", word);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
	if (flow && !strcmp(name, "history")) {
		expect_history(stage, flow, equals + 1);
		return;
	}
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!strncmp(parts[i].prefix, name, strlen(parts[i].prefix)) && parts[i].of) {
			expect_field(stage, parts[i].fields, parts[i].of, name + strlen(parts[i].prefix), name,
				     equals + 1);
			return;
		}
	errx(2, "%s: of no session", word);
}

void stage_expect(struct stage *stage, const struct generation *generation, const char *expected)
{
	static const struct flow *sessions[SESSIONS_MAX];
	size_t count = generation_sessions(generation, sessions), at = 0;
	char *copy = strdup(expected ? expected : ""), *rest = copy, *group, *word;

	if (!copy)
		err(2, "expected");
	for (; expected && (group = strsep(&rest, ";")); at++)
		while ((word = strsep(&group, " ")))
			if (*word && (at < count || strchr(word, '.')))
				expect_word(stage, generation, at < count ? sessions[at] : NULL, word);
	free(copy);
	if (at != count)
		stage_wrong(stage, "%zu sessions, not %zu", count, at);
}

static void expect_record(struct stage *stage, const struct flow_packet *record, char *words)
{
	char *word;

	while ((word = strsep(&words, " "))) {
		char *equals = strchr(word, '=');

		if (!equals)
			continue;
		*equals = '\0';
		expect_field(stage, record_fields, record, word, word, equals + 1);
	}
	if (record->reserved)
		stage_wrong(stage, "reserved bytes of a record");
}

void stage_expect_records(struct stage *stage, const char *expected)
{
	char *copy = strdup(expected ? expected : ""), *rest = copy, *group;
	const struct flow_packets_head *head = stage->now->packets_head;
	uint32_t count = 0;

	if (!copy)
		err(2, "expected");
	for (; expected && (group = strsep(&rest, ";")); count++)
		if (count < stage->now->room)
			expect_record(stage, &stage->now->records[count], group);
	free(copy);
	if (count != head->next)
		stage_wrong(stage, "%u records, not %u", head->next, count);
	for (uint32_t i = 0; i < stage->now->room; i++)
		if (i < count ? stage->now->records[i].round != head->round + 1
			      : stage->now->records[i].round > head->round)
			stage_wrong(stage, "record %u is of round %u", i, stage->now->records[i].round);
}

static void scene_run(struct fixture *fixture, const struct scene *scene, int family)
{
	struct stage *stage = stage_open(fixture, BUCKETS, scene->settings);

	stage_play(stage, family, scene->play);
	stage_expect(stage, stage->now, scene->expected);
	stage_compare(stage);
	stage_report(stage, scene->name, family);
	stage_close(stage);
}

void scenes_run(struct fixture *fixture, const struct scene *scenes, size_t count)
{
	stages_open(fixture);
	for (size_t i = 0; i < count; i++)
		for (int family = 4; family <= 6; family += 2)
			if (!scenes[i].family || scenes[i].family == family)
				scene_run(fixture, &scenes[i], family);
	stages_close(fixture);
}
