/* SPDX-License-Identifier: GPL-2.0-only */
#include "flow_model.h"

#include "abi/conns.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000000ull
#define USUAL_REORDERING 3000000ull /* ns, while the round trip is not known */
#define ENDS (TCP_FIN | TCP_SYN | TCP_RST)

enum { FIN_AT, SYN_AT, RST_AT, PSH_AT, ACK_AT, URG_AT, ECE_AT, CWR_AT };

/* A packet: whose it is, and what the wire had. */
struct seen {
	const struct shot *shot;
	struct flow_key key;
	int end; /* of the key that sent it */
	bool is_later, is_fragment;
	uint8_t icmp_type, icmp_code;
	uint32_t payload; /* of all */
	uint32_t segments;
	uint32_t length[128]; /* IP, of each segment */
	uint32_t header;      /* transport */
	uint32_t before;      /* payload: headers */
};

void model_reset(struct model *model, const struct flow_settings *settings)
{
	memset(model, 0, sizeof(*model));
	model->settings = *settings;
}

void model_rotate(struct model *model)
{
	model->before = model->now;
	memset(&model->now, 0, sizeof(model->now));
}

/* ---- what the wire had ---- */

static uint32_t headers_of(const struct shot *shot)
{
	uint32_t size = shot->family == 4 ? 20u + shot->ip_options : 40;

	for (const char *c = shot->family == 6 ? shot->chain : NULL; c && *c; c++)
		size += *c == 'R' || *c == 'S' ? 24 : *c == 'D' ? 16 : *c == 'L' ? 256 : 8;
	return size + (shot->family == 6 && shot->fragment ? 8 : 0);
}

/* The transport header as the builder of frames makes it; and as much of that as is no payload. */
static uint32_t transport_of(const struct shot *shot, bool of_frame)
{
	switch (shot->proto) {
	case IPPROTO_TCP:
		return 20u + shot->tcp_options;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
		return 8;
	default:
		return of_frame ? 4 : 0;
	}
}

static void see_wire(struct seen *seen)
{
	const struct shot *shot = seen->shot;
	uint32_t ip = headers_of(shot), all = transport_of(shot, true) + shot->payload;
	uint32_t transport = seen->is_later ? 0 : transport_of(shot, false), rest;

	seen->payload = rest = all - transport;
	seen->header = transport;
	seen->before = ip + transport;
	if (!shot->gso_size || rest <= shot->gso_size) {
		seen->segments = 1;
		seen->length[0] = ip + all;
		return;
	}
	while (rest) {
		uint32_t part = rest < shot->gso_size ? rest : shot->gso_size;

		seen->length[seen->segments++] = ip + transport + part;
		rest -= part;
	}
}

/* ---- whose it is ---- */

static void address_of(const struct shot *shot, bool server, uint64_t words[2])
{
	char text[INET_ADDRSTRLEN], address[FRAME_ADDRESS_TEXT];

	if (server && shot->server != shot->client)
		snprintf(text, sizeof(text), "203.0.113.%u", shot->server);
	else
		snprintf(text, sizeof(text), "198.51.100.%u", shot->client);
	words[0] = words[1] = 0;
	if (inet_pton(shot->family == 6 ? AF_INET6 : AF_INET, spec_address(shot->family, text, address), words) != 1)
		errx(2, "%s: not an address", text);
}

static bool is_echo(const struct shot *shot)
{
	return !shot->icmp_code && (shot->family == 4 ? shot->icmp_type == 8 || shot->icmp_type == 0
						      : shot->icmp_type == 128 || shot->icmp_type == 129);
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

/* What stands for ports in the key, as the packet itself has it. */
static void ports_of(struct seen *seen, uint16_t *from, uint16_t *to)
{
	const struct shot *shot = seen->shot;

	*from = *to = 0;
	if (seen->is_later)
		return;
	if (shot->proto == IPPROTO_ICMP) {
		seen->key.kind = is_echo(shot) ? FLOW_ECHO : FLOW_ICMP;
		*from = *to = htons(is_echo(shot) ? shot->icmp_id : (uint16_t)(shot->icmp_type << 8 | shot->icmp_code));
		seen->icmp_type = shot->icmp_type;
		seen->icmp_code = shot->icmp_code;
	} else if (has_ports(shot->proto)) {
		*from = htons(shot->back ? shot->dport : shot->sport);
		*to = htons(shot->back ? shot->sport : shot->dport);
	}
}

static bool is_same_datagram(const struct model_fragment *a, const struct model_fragment *b)
{
	return a->id == b->id && !memcmp(&a->key, &b->key, sizeof(a->key));
}

/* What the first fragment said, or says, of all. */
static void follow_fragment(struct model *model, struct seen *seen, const uint64_t addr[2][2], uint16_t *from,
			    uint16_t *to)
{
	struct model_fragment fragment = { .id = seen->shot->id ? seen->shot->id : 0x1234,
					   .time = seen->shot->at,
					   .sport = *from,
					   .dport = *to,
					   .proto = seen->key.proto,
					   .kind = seen->key.kind,
					   .icmp_type = seen->icmp_type,
					   .icmp_code = seen->icmp_code };
	size_t at = 0;

	memcpy(fragment.key.addr, addr, sizeof(fragment.key.addr));
	fragment.key.family = seen->key.family;
	fragment.key.proto = seen->key.family == 4 ? seen->key.proto : 0;
	while (at < model->fragment_count && !is_same_datagram(&model->fragments[at], &fragment))
		at++;
	if (!seen->is_later) {
		if (at == MODEL_FRAGMENTS)
			errx(2, "model: too many fragments");
		model->fragments[at] = fragment;
		model->fragment_count += at == model->fragment_count;
		return;
	}
	if (at == model->fragment_count || (fragment.time > model->fragments[at].time &&
					    fragment.time - model->fragments[at].time >= FRAG_SECONDS * SECOND))
		return;
	*from = model->fragments[at].sport;
	*to = model->fragments[at].dport;
	seen->key.proto = model->fragments[at].proto;
	seen->key.kind = model->fragments[at].kind;
	seen->icmp_type = model->fragments[at].icmp_type;
	seen->icmp_code = model->fragments[at].icmp_code;
}

static bool is_lower(const uint64_t addr[2][2], uint16_t from, uint16_t to)
{
	for (int i = 0; i < 2; i++)
		if (addr[0][i] != addr[1][i])
			return addr[0][i] < addr[1][i];
	return from <= to;
}

static void see(struct model *model, const struct shot *shot, uint32_t ifindex, struct seen *seen)
{
	uint64_t addr[2][2];
	uint16_t port[2];

	memset(seen, 0, sizeof(*seen));
	seen->shot = shot;
	seen->is_later = shot->fragment == LATER || shot->fragment == LAST;
	seen->is_fragment = seen->is_later || shot->fragment == FIRST;
	seen->key.family = (uint8_t)shot->family;
	seen->key.proto = shot->proto == IPPROTO_ICMP && shot->family == 6 ? IPPROTO_ICMPV6 : shot->proto;
	seen->key.ifindex = ifindex;
	seen->key.vlan = shot->vlan ? shot->vlan : shot->tag ? 100 : 0;
	address_of(shot, shot->back, addr[0]);
	address_of(shot, !shot->back, addr[1]);
	ports_of(seen, &port[0], &port[1]);
	if (seen->is_fragment)
		follow_fragment(model, seen, addr, &port[0], &port[1]);
	seen->end = !is_lower(addr, port[0], port[1]);
	for (int i = 0; i < 2; i++) {
		memcpy(seen->key.addr[i ^ seen->end], addr[i], sizeof(addr[i]));
		seen->key.port[i ^ seen->end] = port[i];
	}
	see_wire(seen);
}

/* ---- which session ---- */

static uint64_t last_of(const struct flow *flow)
{
	return flow->side[0].last > flow->side[1].last ? flow->side[0].last : flow->side[1].last;
}

static uint64_t idle_of(const struct flow_settings *settings, const struct flow *flow)
{
	if (flow->key.proto == IPPROTO_TCP && flow->ended)
		return settings->idle_ended ? settings->idle_ended : FLOW_IDLE_ENDED;
	if (flow->key.proto == IPPROTO_TCP)
		return settings->idle_tcp ? settings->idle_tcp : FLOW_IDLE_TCP;
	if (flow->key.proto == IPPROTO_UDP)
		return settings->idle_udp ? settings->idle_udp : FLOW_IDLE_UDP;
	return settings->idle_other ? settings->idle_other : FLOW_IDLE_OTHER;
}

static bool is_tcp(const struct seen *seen, uint8_t flags)
{
	return seen->key.proto == IPPROTO_TCP && !seen->is_later && (seen->shot->flags & (ENDS | TCP_ACK)) == flags;
}

static bool is_over(const struct model *model, const struct flow *flow, const struct seen *seen)
{
	uint64_t last = last_of(flow), now = seen->shot->at;

	if (now > last && now - last > idle_of(&model->settings, flow) * SECOND)
		return true;
	return flow->ended && is_tcp(seen, TCP_SYN);
}

static struct flow *find(struct model_generation *generation, const struct flow_key *key, size_t *at)
{
	for (*at = 0; *at < generation->count; ++*at)
		if (!generation->over[*at] && !memcmp(&generation->flows[*at].key, key, sizeof(*key)))
			return &generation->flows[*at];
	return NULL;
}

const struct flow *model_find(const struct model *model, const struct shot *shot, uint32_t ifindex)
{
	static struct model copy; /* looking changes nothing */
	struct seen seen;
	size_t at;

	copy.fragment_count = 0;
	see(&copy, shot, ifindex, &seen);
	return find((struct model_generation *)&model->now, &seen.key, &at);
}

static void continue_side(struct flow_side *side, const struct flow_side *before)
{
	side->last = before->last;
	side->next = before->next;
	side->known = before->known;
	side->window = before->window;
	side->hole_from = before->hole_from;
	side->hole_to = before->hole_to;
	side->hole_time = before->hole_time;
	side->hole_bytes = before->hole_bytes;
	memcpy(side->letter_seq, before->letter_seq, sizeof(side->letter_seq));
}

static void continue_detail(struct flow_detail *detail, const struct flow_detail *before)
{
	struct flow_detail next = { .active_since = before->active_since };

	for (int side = 0; side < 2; side++) {
		next.side[side].run_start = before->side[side].run_start;
		next.side[side].run_last = before->side[side].run_last;
		next.side[side].run_packets = before->side[side].run_packets;
		next.side[side].run_bytes = before->side[side].run_bytes;
	}
	*detail = next;
}

/* All but what is counted. */
static void go_on(struct flow *flow, const struct flow *before)
{
	*flow = *before;
	flow->flags |= FLOW_CONTINUED;
	for (int side = 0; side < 2; side++) {
		memset(&flow->side[side], 0, sizeof(flow->side[side]));
		continue_side(&flow->side[side], &before->side[side]);
	}
	continue_detail(&flow->detail, &before->detail);
}

static void plan(struct flow *flow, const struct flow_settings *settings)
{
	if (settings->detailed)
		flow->flags |= FLOW_DETAILED;
	if (settings->without_content)
		flow->side[0].known = flow->side[1].known = FLOW_KNOWS_CONTENT;
}

static void begin(struct flow *flow, const struct flow_settings *settings, const struct seen *seen)
{
	memset(flow, 0, sizeof(*flow));
	flow->key = seen->key;
	flow->start = seen->shot->at;
	flow->originator = (uint8_t)seen->end;
	flow->icmp_type = seen->icmp_type;
	flow->icmp_code = seen->icmp_code;
	plan(flow, settings);
	if (!is_tcp(seen, TCP_SYN | TCP_ACK))
		return;
	flow->originator = !seen->end;
	flow->flags |= FLOW_FLIPPED;
	flow->history[flow->history_length++] = '^';
}

static struct flow *session_of(struct model *model, const struct seen *seen)
{
	size_t at, there;
	struct flow *flow = find(&model->now, &seen->key, &at), *before = NULL;

	if (flow && !is_over(model, flow, seen))
		return flow;
	if (flow)
		model->now.over[at] = true;
	else
		before = find(&model->before, &seen->key, &there);
	if (model->now.count == MODEL_FLOWS)
		errx(2, "model: too many sessions");
	flow = &model->now.flows[model->now.count++];
	if (before && !is_over(model, before, seen))
		go_on(flow, before);
	else
		begin(flow, &model->settings, seen);
	return flow;
}

/* ---- what every packet tells ---- */

static uint32_t bin_of(uint64_t value, uint32_t lowest, uint32_t bins)
{
	uint32_t bin = 0;

	while (bin + 1 < bins && value >> (lowest + bin + 1))
		bin++;
	return bin;
}

static void note_length(struct flow_side *side, uint32_t length)
{
	side->packets++;
	side->bytes += length;
	side->length_squares += (uint64_t)length * length;
	if (side->packets == 1 || length < side->length_min)
		side->length_min = (uint16_t)length;
	if (length > side->length_max)
		side->length_max = (uint16_t)length;
	side->lengths[bin_of(length, FLOW_LENGTH_BIN_LOG2, FLOW_LENGTH_BINS)]++;
}

static void note_gap(struct flow_side *side, uint64_t gap)
{
	unsigned __int128 squares = (unsigned __int128)side->gap_squares[1] << 64 | side->gap_squares[0];

	squares += (unsigned __int128)gap * gap;
	side->gap_squares[0] = (uint64_t)squares;
	side->gap_squares[1] = (uint64_t)(squares >> 64);
	side->gap_sum += gap;
	if (!side->gaps || gap < side->gap_min)
		side->gap_min = gap;
	if (gap > side->gap_max)
		side->gap_max = gap;
	side->gaps++;
	side->gap_times[bin_of(gap, FLOW_GAP_BIN_LOG2, FLOW_GAP_BINS)]++;
}

static void note_packets(struct flow_side *side, const struct seen *seen)
{
	uint64_t now = seen->shot->at;

	if (!side->packets || seen->shot->hops < side->hops_min)
		side->hops_min = seen->shot->hops;
	if (seen->shot->hops > side->hops_max)
		side->hops_max = seen->shot->hops;
	if (!side->packets)
		side->first = now;
	for (uint32_t i = 0; i < seen->segments; i++) {
		note_length(side, seen->length[i]);
		if (side->last)
			note_gap(side, now > side->last ? now - side->last : 0);
		if (now > side->last)
			side->last = now;
	}
	side->payload += seen->payload;
	side->fragments += seen->is_fragment;
}

/* ---- details, segment by segment ---- */

static void add_time(struct flow_times *times, uint64_t time)
{
	unsigned __int128 squares = (unsigned __int128)times->squares[1] << 64 | times->squares[0];

	squares += (unsigned __int128)time * time;
	times->squares[0] = (uint64_t)squares;
	times->squares[1] = (uint64_t)(squares >> 64);
	times->sum += time;
	if (!times->count++ || time < times->min)
		times->min = time;
	if (time > times->max)
		times->max = time;
}

static void detail_gap(struct flow_detail *detail, uint64_t last, uint64_t now)
{
	uint64_t gap = now > last ? now - last : 0;

	if (!last) {
		detail->active_since = now;
		return;
	}
	add_time(&detail->gaps, gap);
	detail->pauses += gap > SECOND;
	if (gap <= 5 * SECOND)
		return;
	if (last > detail->active_since)
		add_time(&detail->active, last - detail->active_since);
	add_time(&detail->idle, gap);
	detail->active_since = now;
}

static void detail_segment(struct flow_detail_side *side, uint32_t payload, uint32_t header, bool is_first)
{
	if (is_first || payload < side->payload_min)
		side->payload_min = (uint16_t)payload;
	if (payload > side->payload_max)
		side->payload_max = (uint16_t)payload;
	if (is_first || header < side->header_min)
		side->header_min = (uint16_t)header;
	side->payload_squares += (uint64_t)payload * payload;
	side->headers += header;
	side->data_packets += payload != 0;
}

/* Of the fourth packet in a row all four count, then each. */
static void detail_row(struct flow_detail_side *side, uint32_t payload, uint64_t now)
{
	if (!side->run_start || (now > side->run_last && now - side->run_last > SECOND)) {
		side->run_start = side->run_last = now;
		side->run_packets = side->run_bytes = 0;
	}
	side->run_packets++;
	side->run_bytes += payload;
	if (side->run_packets == 4) {
		side->bulks++;
		side->bulk_packets += 4;
		side->bulk_bytes += side->run_bytes;
		side->bulk_time += now > side->run_start ? now - side->run_start : 0;
	} else if (side->run_packets > 4) {
		side->bulk_packets++;
		side->bulk_bytes += payload;
		side->bulk_time += now > side->run_last ? now - side->run_last : 0;
	}
	if (side->run_packets >= 4)
		side->run_bytes = 0;
	if (now > side->run_last)
		side->run_last = now;
}

static void note_detail(struct flow *flow, const struct seen *seen, int which)
{
	struct flow_detail *detail = &flow->detail;
	uint64_t now = seen->shot->at, last = last_of(flow);

	for (uint32_t i = 0; i < seen->segments; i++) {
		uint32_t payload = seen->length[i] - seen->before;

		detail_gap(detail, last, now);
		detail_segment(&detail->side[which], payload, seen->header, !flow->side[which].packets && !i);
		if (payload) {
			detail->side[!which].run_start = 0;
			detail_row(&detail->side[which], payload, now);
		}
		last = now > last ? now : last;
	}
}

/* The first bytes of the first payload; of a frame that ends before there are so many, none. */
static void note_content(struct flow *flow, const struct seen *seen, int which)
{
	const struct shot *shot = seen->shot;
	uint32_t lost = shot->cut > shot->pad ? shot->cut - shot->pad : 0;
	uint32_t wanted = seen->payload < FLOW_CONTENT_MAX ? seen->payload : FLOW_CONTENT_MAX;

	if (!wanted || seen->is_later || flow->side[which].known & FLOW_KNOWS_CONTENT ||
	    (seen->key.proto != IPPROTO_TCP && seen->key.proto != IPPROTO_UDP))
		return;
	flow->side[which].known |= FLOW_KNOWS_CONTENT;
	if (lost + wanted > seen->payload)
		return;
	for (uint32_t i = 0; i < wanted; i++)
		flow->content[which][i] = shot_byte(shot, i);
	flow->content_length[which] = (uint8_t)wanted;
}

/* ---- history ---- */

static void put_letter(struct flow *flow, int which, char letter)
{
	if (flow->history_length < FLOW_HISTORY_MAX)
		flow->history[flow->history_length++] = (char)(which ? letter : letter - 'a' + 'A');
}

static bool has_letter(struct flow *flow, int which, enum flow_letter letter)
{
	uint32_t bit = 1u << (letter + (which ? FLOW_RESPONDER_SHIFT : 0));
	bool had = flow->seen & bit;

	flow->seen |= bit;
	return had;
}

static void write_once(struct flow *flow, int which, enum flow_letter letter, char text)
{
	if (!has_letter(flow, which, letter))
		put_letter(flow, which, text);
}

/* Again, when its number is another. */
static void write_numbered(struct flow *flow, int which, enum flow_letter letter, char text, int index, uint32_t number)
{
	uint32_t *last = &flow->side[which].letter_seq[index];
	bool had = has_letter(flow, which, letter);

	if (!had || *last != number)
		put_letter(flow, which, text);
	*last = number;
}

/* The first, the tenth, the hundredth... */
static void write_counted(struct flow *flow, int which, enum flow_letter letter, char text, uint32_t before,
			  uint32_t after)
{
	write_once(flow, which, letter, text);
	for (uint64_t times = 10; times <= after; times *= 10)
		if (times > before)
			put_letter(flow, which, text);
}

static void note_flags(struct flow *flow, const struct seen *seen, int which)
{
	uint8_t flags = seen->shot->flags & ENDS;
	uint32_t seq = seen->shot->seq;
	bool is_ack = seen->shot->flags & TCP_ACK;

	if ((flags & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST))
		write_once(flow, which, LETTER_ODD, 'i');
	else if (flags & TCP_SYN && flags != TCP_SYN)
		write_once(flow, which, LETTER_MULTI, 'q');
	else if (flags == TCP_SYN && is_ack)
		write_numbered(flow, which, LETTER_HANDSHAKE, 'h', 1, seq);
	else if (flags == TCP_SYN)
		write_numbered(flow, which, LETTER_SYN, 's', 0, seq);
	else if (flags == TCP_FIN)
		write_numbered(flow, which, LETTER_FIN, 'f', 2, seq + seen->payload);
	else if (flags == TCP_RST)
		write_numbered(flow, which, LETTER_RST, 'r', 3, seq);
	else if (seen->payload)
		write_once(flow, which, LETTER_DATA, 'd');
	else if (is_ack)
		write_once(flow, which, LETTER_ACK, 'a');
}

/* ---- sequence numbers ---- */

static bool is_before(uint32_t a, uint32_t b)
{
	return a != b && b - a < 0x80000000u;
}

static bool is_within(uint32_t from, uint32_t to, uint32_t low, uint32_t high)
{
	return low != high && !is_before(from, low) && !is_before(high, to);
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void fill_hole(struct flow_side *side, uint32_t from, uint32_t to)
{
	side->hole_bytes -= less(side->hole_bytes, to - from);
	if (!side->hole_bytes)
		side->hole_from = side->hole_to;
	else if (from == side->hole_from)
		side->hole_from = to;
	else
		side->hole_to = from;
	side->hole_bytes = less(side->hole_bytes, side->hole_to - side->hole_from);
}

static void jump(struct flow_side *side, uint32_t to, uint64_t now)
{
	bool is_first = side->hole_from == side->hole_to;

	side->hole_bytes = (is_first ? 0 : side->hole_bytes) + (to - side->next);
	if (is_first)
		side->hole_from = side->next;
	side->hole_to = to;
	side->hole_time = now;
}

/* A SYN with another number than those before counts from there: RFC 9293 section 3.5. */
static bool restarts(const struct flow *flow, const struct seen *seen, int which)
{
	const uint32_t *numbers = flow->side[which].letter_seq;

	return (seen->shot->flags & ENDS) == TCP_SYN && seen->shot->seq != numbers[0] && seen->shot->seq != numbers[1];
}

/* Whether it was sent before. */
static bool note_old(const struct flow *flow, struct flow_side *side, const struct seen *seen, uint32_t to)
{
	uint64_t soon = flow->syn && flow->ack > flow->syn ? flow->ack - flow->syn : USUAL_REORDERING;
	uint64_t now = seen->shot->at;

	if (seen->payload == 1 && to == seen->shot->seq + 1 && to == side->next)
		return false; /* keep-alive */
	if (is_within(seen->shot->seq, to, side->hole_from, side->hole_to)) {
		fill_hole(side, seen->shot->seq, to);
		if (now < side->hole_time + soon) {
			side->out_of_order += seen->segments;
			return false;
		}
	} else if (is_before(side->next, to)) {
		side->next = to;
	}
	side->retransmitted += seen->segments;
	return true;
}

static bool note_sequence(const struct flow *flow, struct flow_side *side, const struct seen *seen, int which)
{
	const struct shot *shot = seen->shot;
	uint32_t to = shot->seq + seen->payload + !!(shot->flags & TCP_SYN) + !!(shot->flags & TCP_FIN);

	if (to == shot->seq || seen->is_fragment)
		return false;
	if (!(side->known & FLOW_KNOWS_SEQUENCE) || restarts(flow, seen, which)) {
		side->known |= FLOW_KNOWS_SEQUENCE;
		side->hole_from = side->hole_to;
		side->next = to;
		return false;
	}
	if (is_before(shot->seq, side->next))
		return note_old(flow, side, seen, to);
	if (shot->seq != side->next)
		jump(side, shot->seq, shot->at);
	side->next = to;
	return false;
}

static bool note_ack(struct flow_side *other, const struct seen *seen)
{
	const struct shot *shot = seen->shot;
	uint64_t missed = other->missed;

	if (!(shot->flags & TCP_ACK) || shot->flags & TCP_RST || seen->is_fragment ||
	    !(other->known & FLOW_KNOWS_SEQUENCE))
		return false;
	if (other->hole_from != other->hole_to && !is_before(shot->ack, other->hole_to)) {
		other->missed += other->hole_bytes;
		other->hole_from = other->hole_to;
	}
	if (is_before(other->next, shot->ack)) {
		other->missed += shot->ack - other->next;
		other->next = shot->ack;
	}
	if (other->missed == missed)
		return false;
	other->missed_times++;
	return true;
}

/* ---- TCP ---- */

/* Segments of one aggregate all have ACK and ECE; the rest only one has. */
static void count_flags(struct flow_side *side, const struct seen *seen)
{
	for (int bit = FIN_AT; bit <= CWR_AT; bit++)
		if (seen->shot->flags & 1 << bit)
			side->tcp[bit] += bit == ACK_AT || bit == ECE_AT ? seen->segments : 1;
}

static void note_window(struct flow *flow, const struct seen *seen, int which)
{
	struct flow_side *side = &flow->side[which];
	uint32_t before = side->zero_windows;

	if (!(side->known & FLOW_KNOWS_WINDOW))
		side->window = seen->shot->window;
	side->known |= FLOW_KNOWS_WINDOW;
	if (seen->shot->window || seen->shot->flags & TCP_RST)
		return;
	side->zero_windows += seen->segments;
	write_counted(flow, which, LETTER_WINDOW, 'w', before, side->zero_windows);
}

static void note_handshake(struct flow *flow, const struct seen *seen, int which)
{
	uint64_t now = seen->shot->at;

	if (!which && is_tcp(seen, TCP_SYN) && !flow->syn)
		flow->syn = now;
	if (which && is_tcp(seen, TCP_SYN | TCP_ACK) && !flow->synack)
		flow->synack = now;
	if (!which && is_tcp(seen, TCP_ACK) && flow->synack && !flow->ack && seen->shot->ack == flow->side[1].next) {
		flow->ack = now;
		flow->flags |= FLOW_OPENED;
	}
}

static void note_end(struct flow *flow, const struct seen *seen)
{
	uint32_t fins = 1u << LETTER_FIN | 1u << (LETTER_FIN + FLOW_RESPONDER_SHIFT);

	if (flow->ended)
		return;
	if (seen->shot->flags & TCP_RST)
		flow->ended = FLOW_RST;
	else if ((flow->seen & fins) == fins)
		flow->ended = FLOW_FIN;
}

static void note_tcp(struct flow *flow, const struct seen *seen, int which)
{
	struct flow_side *side = &flow->side[which], *other = &flow->side[!which];
	uint32_t before = side->retransmitted, gaps = other->missed_times;
	bool is_again = note_sequence(flow, side, seen, which);

	count_flags(side, seen);
	note_flags(flow, seen, which);
	note_window(flow, seen, which);
	if (is_again && seen->payload)
		write_counted(flow, which, LETTER_AGAIN, 't', before, side->retransmitted);
	if (note_ack(other, seen))
		write_counted(flow, !which, LETTER_GAP, 'g', gaps, other->missed_times);
	note_handshake(flow, seen, which);
	note_end(flow, seen);
}

void model_see(struct model *model, const struct shot *shot, uint32_t ifindex)
{
	struct seen seen;
	struct flow *flow;
	int which;

	if (shot->on == OUT_LOOPBACK)
		return;
	see(model, shot, ifindex, &seen);
	flow = session_of(model, &seen);
	which = seen.end != flow->originator;
	if (flow->flags & FLOW_DETAILED)
		note_detail(flow, &seen, which);
	note_packets(&flow->side[which], &seen);
	if (seen.key.proto == IPPROTO_TCP && !seen.is_later)
		note_tcp(flow, &seen, which);
	else if (seen.key.proto == IPPROTO_UDP && seen.payload)
		write_once(flow, which, LETTER_DATA, 'd');
	note_content(flow, &seen, which);
}
