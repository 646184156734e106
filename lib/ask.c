/* SPDX-License-Identifier: GPL-2.0-only */
#include "ask.h"

#include "abi/reasons.h"
#include "attachment.h"
#include "rule.h"

#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the packet ---- */

#define HOP_LIMIT 64
#define ND_HOP_LIMIT 255 /* RFC 4861 */
#define MLD_HOP_LIMIT 1  /* RFC 2710, 3810 */
#define MLD2_REPORT 143

/* RFC 1071 */
static uint16_t ip_checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t put_ipv4(const struct question *question, size_t payload, uint8_t *at)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(ip) + payload)),
		.ttl = HOP_LIMIT,
		.protocol = question->proto,
	};

	memcpy(&ip.saddr, question->src, sizeof(ip.saddr));
	memcpy(&ip.daddr, question->dst, sizeof(ip.daddr));
	memcpy(at, &ip, sizeof(ip));
	ip.check = ip_checksum(at, sizeof(ip));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

static uint8_t hop_limit(const struct question *question)
{
	unsigned int type = question->port >> 8;

	if (question->proto != IPPROTO_ICMPV6)
		return HOP_LIMIT;
	if (type >= ND_ROUTER_SOLICIT && type <= ND_NEIGHBOR_ADVERT)
		return ND_HOP_LIMIT;
	if ((type >= MLD_LISTENER_QUERY && type <= MLD_LISTENER_REDUCTION) || type == MLD2_REPORT)
		return MLD_HOP_LIMIT;
	return HOP_LIMIT;
}

static size_t put_ipv6(const struct question *question, size_t payload, uint8_t *at)
{
	struct ip6_hdr ip = { 0 };

	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_plen = htons((uint16_t)payload);
	ip.ip6_nxt = question->proto;
	ip.ip6_hlim = hop_limit(question);
	memcpy(&ip.ip6_src, question->src, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, question->dst, sizeof(ip.ip6_dst));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t transport_size(const struct question *question)
{
	return question->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
}

/* The first 8 bytes of the rest are those of UDP and ICMP, or begin with two ports, or mean nothing. */
static void put_transport(const struct question *question, uint8_t *at)
{
	switch (question->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put16(at, question->port);
		return;
	case IPPROTO_TCP:
		at[12] = sizeof(struct tcphdr) / 4 << 4;
		at[13] = TH_SYN;
		break;
	case IPPROTO_UDP:
		put16(at + 4, 8);
		break;
	}
	put16(at, question->sport);
	put16(at + 2, question->port);
}

size_t ask_frame(const struct question *question, uint8_t frame[ASK_FRAME_MAX])
{
	static const uint8_t destination[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 1 };
	size_t size = ETH_HLEN, payload = transport_size(question);

	memset(frame, 0, ASK_FRAME_MAX);
	memcpy(frame, destination, sizeof(destination));
	put16(frame + ETH_HLEN - 2, question->family == 4 ? ETH_P_IP : ETH_P_IPV6);
	size += question->family == 4 ? put_ipv4(question, payload, frame + size)
				      : put_ipv6(question, payload, frame + size);
	put_transport(question, frame + size);
	return size + payload;
}

/* ---- the program ---- */

/* The programs that a question is for, on its hook. */
struct candidates {
	const struct attachments *list;
	enum attachment_hook hook;
};

static bool is_candidate(const struct candidates *from, size_t i, bool ours)
{
	return from->list->items[i].ours == ours && from->list->items[i].hook == from->hook;
}

/* The first at the interface, which sees packets first; 0: at any. NULL: none. */
static const struct attachment *candidate_at(const struct candidates *from, uint32_t ifindex, bool ours)
{
	for (size_t i = 0; i < from->list->count; i++)
		if (is_candidate(from, i, ours) && (!ifindex || from->list->items[i].ifindex == ifindex))
			return &from->list->items[i];
	return NULL;
}

/* Whether a program of splicer's is there that uses other maps; ifindex 0: anywhere. */
static bool is_stale_at(const struct candidates *from, uint32_t ifindex)
{
	return candidate_at(from, ifindex, false);
}

/* Adds "name, " once for each interface that has a program. */
static void names_list(const struct candidates *from, char *text, size_t size)
{
	uint32_t last = 0;
	size_t used = 0;

	for (size_t i = 0; i < from->list->count && used < size; i++) {
		char name[INTERFACE_TEXT_MAX];

		if (!is_candidate(from, i, true) || from->list->items[i].ifindex == last)
			continue;
		last = from->list->items[i].ifindex;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
					 interface_format(last, name));
	}
}

static bool is_attached_to_several(const struct candidates *from)
{
	const struct attachment *first = candidate_at(from, 0, true);

	for (size_t i = 0; first && i < from->list->count; i++)
		if (is_candidate(from, i, true) && from->list->items[i].ifindex != first->ifindex)
			return true;
	return false;
}

static void error_unattached(const struct candidates *from, struct error *error)
{
	error_state(error, "splicer.o",
		    is_stale_at(from, 0)          ? "attached, but its maps were removed: attach it anew"
		    : from->hook == ATTACH_EGRESS ? "not attached to the egress of any interface"
						  : "not attached to any interface");
}

/* The program elsewhere that answers for the interface, where none is attached. */
static const struct attachment *candidate_elsewhere(const struct candidates *from, uint32_t ifindex)
{
	const struct attachment *chosen = candidate_at(from, 0, true);
	char name[INTERFACE_TEXT_MAX];

	if (chosen)
		note_print("%s %s%s: this is what it would do",
			   is_stale_at(from, ifindex) ? "other maps are used on" : "not attached to",
			   from->hook == ATTACH_EGRESS ? "the egress of " : "", interface_format(ifindex, name));
	return chosen;
}

static const struct attachment *candidate_choose(const struct candidates *from, struct question *question,
						 struct error *error)
{
	const struct attachment *chosen = candidate_at(from, question->ifindex, true);
	char names[256];

	if (!chosen && question->ifindex)
		chosen = candidate_elsewhere(from, question->ifindex);
	if (!chosen) {
		error_unattached(from, error);
		return NULL;
	}
	if (!question->ifindex && is_attached_to_several(from)) {
		names_list(from, names, sizeof(names));
		error_usage(error, "--match", "name the interface, it is attached to several: %s", names);
		return NULL;
	}
	if (!question->ifindex)
		question->ifindex = chosen->ifindex;
	return chosen;
}

int ask_open(const struct pins *pins, struct question *question, struct error *error)
{
	struct attachments list;
	struct candidates from = { &list, question->direction == RULES_OUT ? ATTACH_EGRESS : ATTACH_INGRESS };
	const struct attachment *chosen;
	int program;

	if (attachments_read(pins, ATTACH_SPLICER, &list, error))
		return -1;
	chosen = candidate_choose(&from, question, error);
	program = chosen ? attachment_open(chosen, error) : -1;
	free(list.items);
	return program;
}

/* ---- the answer ---- */

/* See QUESTION_REASON. A program that says no verdict decides as its reason says. */
static void answer_read(const struct __sk_buff *after, struct answer *out)
{
	uint32_t word = after->cb[QUESTION_REASON];

	out->reason = word & 0xffff;
	out->verdict = word >> 16 ? word >> 16 : reason_verdict(out->reason);
	out->rule = (uint64_t)after->cb[QUESTION_RULE_HIGH] << 32 | after->cb[QUESTION_RULE_LOW];
}

int ask(int program, const struct question *question, struct answer *out, struct error *error)
{
	struct __sk_buff in = { .ifindex = question->ifindex }, after = { 0 };
	uint8_t frame[ASK_FRAME_MAX];
	char name[INTERFACE_TEXT_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)ask_frame(question, frame),
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &after, .ctx_size_out = sizeof(after));

	in.cb[QUESTION_WORD0] = QUESTION_MAGIC0;
	in.cb[QUESTION_WORD1] = QUESTION_MAGIC1;
	if (bpf_prog_test_run_opts(program, &options))
		return error_errno(error, interface_format(question->ifindex, name));
	if (!after.cb[QUESTION_REASON])
		return error_state(error, "splicer.o", "the attached program does not answer: attach this version");
	answer_read(&after, out);
	return 0;
}
