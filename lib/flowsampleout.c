/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowsample.h"

#include "ifnames.h"
#include "newfile.h"
#include "prefix.h"
#include "proto.h"
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *address_text(const struct flow_packet *packet, const __u64 addr[2], char text[PREFIX_TEXT_MAX])
{
	uint8_t bytes[16];

	memcpy(bytes, addr, sizeof(bytes));
	return address_format(packet->family, bytes, text);
}

/* What the original has of a packet beside whose it is. Where a protocol does not have it, 0. */
struct features {
	uint32_t length, flags_frag, tcp_length, tcp_ack, tcp_flags, tcp_window, udp_size, icmp_type;
};

static struct features features_of(const struct flow_packet *packet)
{
	bool is_tcp = packet->proto == IPPROTO_TCP;
	uint32_t header = sizeof(uint16_t) * 4; /* of UDP */

	return (struct features){
		.length = packet->length,
		.flags_frag = packet->flags_frag,
		.tcp_length = is_tcp ? packet->payload : 0,
		.tcp_ack = packet->ack,
		.tcp_flags = packet->tcp_flags,
		.tcp_window = packet->window,
		.udp_size = packet->udp_length > header ? packet->udp_length - header : 0,
		.icmp_type = packet->icmp_type,
	};
}

/* ---- result.json ---- */

/* A packet, and in result.json the first one of its flow. */
struct place {
	const struct flowsample *sample, *first;
};

/* What tells the flows of two packets apart. */
static int flow_compare(const struct flow_packet *a, const struct flow_packet *b)
{
	int order = memcmp(a, b, offsetof(struct flow_packet, time)); /* addresses, ports, interface */

	if (order)
		return order;
	if (a->vlan != b->vlan)
		return a->vlan < b->vlan ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return (int)a->family - (int)b->family;
}

static int by_order(const struct flowsample *a, const struct flowsample *b)
{
	return (a->order > b->order) - (a->order < b->order);
}

static int by_flow(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	int order = flow_compare(&one->sample->packet, &two->sample->packet);

	return order ? order : by_order(one->sample, two->sample);
}

static int by_first(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	int order = by_order(one->first, two->first);

	return order ? order : by_order(one->sample, two->sample);
}

/* Flows in the order of their first packets, and the packets of each together; released with free(). */
static struct place *flows_gather(const struct flowsamples *samples)
{
	struct place *places = calloc(samples->count + 1, sizeof(*places));

	if (!places || !samples->count)
		return places;
	for (size_t i = 0; i < samples->count; i++)
		places[i].sample = &samples->items[i];
	qsort(places, samples->count, sizeof(*places), by_flow);
	for (size_t i = 0; i < samples->count; i++) {
		const struct flowsample *sample = places[i].sample;
		bool same = i && !flow_compare(&places[i - 1].sample->packet, &sample->packet);

		places[i].first = same ? places[i - 1].first : sample;
	}
	qsort(places, samples->count, sizeof(*places), by_first);
	return places;
}

static void result_flow_begin(FILE *stream, const struct flow_packet *packet)
{
	char src[PREFIX_TEXT_MAX], dst[PREFIX_TEXT_MAX];

	fprintf(stream, "{\"id\":[\"%s\",%u,\"%s\",%u,%u],\"packets\":[", address_text(packet, packet->src, src),
		ntohs(packet->sport), address_text(packet, packet->dst, dst), ntohs(packet->dport), packet->proto);
}

static void result_packet(FILE *stream, const struct flow_packet *packet)
{
	struct features f = features_of(packet);

	fprintf(stream, "[%" PRIu64 ",%u,%u,%u,%u,%u,%u,%u,%u]", (uint64_t)packet->time, f.length, f.flags_frag,
		f.tcp_length, f.tcp_ack, f.tcp_flags, f.tcp_window, f.udp_size, f.icmp_type);
}

int flowsamples_result(FILE *stream, const struct flowsamples *samples, struct error *error)
{
	struct place *places = flows_gather(samples);

	if (!places)
		return error_errno(error, "flows");
	fputs("{\"flows\":[", stream);
	for (size_t i = 0; i < samples->count; i++) {
		bool begins = places[i].first == places[i].sample;

		if (i)
			fputs(begins ? "]},\n" : ",\n ", stream);
		if (begins)
			result_flow_begin(stream, &places[i].sample->packet);
		result_packet(stream, &places[i].sample->packet);
	}
	fputs(samples->count ? "]}]}\n" : "]}\n", stream);
	free(places);
	return 0;
}

int flowsamples_result_file(const char *path, const struct flowsamples *samples, struct error *error)
{
	struct newfile file;

	if (!strcmp(path, "-"))
		return flowsamples_result(stdout, samples, error);
	if (newfile_open(&file, path, error))
		return -1;
	if (!flowsamples_result(file.stream, samples, error))
		return newfile_close(&file, error);
	newfile_abandon(&file);
	return -1;
}

/* ---- the files of --debug ---- */

#define NAME_MAX_DEBUG 256

/* What the name of a file is made of; the protocol is not in it. */
static int name_compare(const struct flow_packet *a, const struct flow_packet *b)
{
	int order = memcmp(a, b, offsetof(struct flow_packet, ifindex)); /* addresses and ports */

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return order ? order : (int)a->family - (int)b->family;
}

static int by_name(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	int order = name_compare(&one->sample->packet, &two->sample->packet);

	return order ? order : by_order(one->sample, two->sample);
}

/* Its `number`th packet has a name with that, from the second on. */
static void name_format(const struct flow_packet *packet, size_t number, char name[NAME_MAX_DEBUG])
{
	char src[PREFIX_TEXT_MAX], dst[PREFIX_TEXT_MAX], suffix[24] = "";

	if (number > 1)
		snprintf(suffix, sizeof(suffix), "-%zu", number);
	snprintf(name, NAME_MAX_DEBUG, "%s-%u___%s-%u__%" PRIu64 "%s.csv", address_text(packet, packet->src, src),
		 ntohs(packet->sport), address_text(packet, packet->dst, dst), ntohs(packet->dport),
		 (uint64_t)packet->time, suffix);
}

/* The lines of the original, blanks and tabs included: what reads them may know them so. */
static void debug_lines(FILE *stream, const struct flow_packet *packet)
{
	struct features f = features_of(packet);

	fprintf(stream, "Seconds     ,\t%" PRIu64 "\n", (uint64_t)packet->time / 1000000000);
	fprintf(stream, "Ns          ,\t%" PRIu64 "\n", (uint64_t)packet->time % 1000000000);
	fprintf(stream, "Length      ,\t%u\n", f.length);
	fprintf(stream, "IPv4 flags  ,\t%u\n", f.flags_frag);
	fprintf(stream, "TCP len     ,\t%u\n", f.tcp_length);
	fprintf(stream, "TCP ACK     ,\t%u\n", f.tcp_ack);
	fprintf(stream, "TCP flags   ,\t%u\n", f.tcp_flags);
	fprintf(stream, "TCP Win     ,\t%u\n", f.tcp_window);
	fprintf(stream, "UDP len     ,\t%u\n", f.udp_size);
	fprintf(stream, "ICMP type   ,\t%u\n", f.icmp_type);
}

static int debug_file(const char *directory, const struct flow_packet *packet, size_t number, struct error *error)
{
	char name[NAME_MAX_DEBUG], path[PATH_MAX];
	struct newfile file;
	int size;

	name_format(packet, number, name);
	size = snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (size < 0 || (size_t)size >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return error_errno(error, directory);
	}
	if (newfile_open(&file, path, error))
		return -1;
	debug_lines(file.stream, packet);
	return newfile_close(&file, error);
}

static int debug_files(const char *directory, const struct place *sorted, size_t count, struct error *error)
{
	size_t number = 0;

	for (size_t i = 0; i < count; i++) {
		bool same = i && !name_compare(&sorted[i - 1].sample->packet, &sorted[i].sample->packet);

		number = same ? number + 1 : 1;
		if (debug_file(directory, &sorted[i].sample->packet, number, error))
			return -1;
	}
	return 0;
}

int flowsamples_debug(const char *directory, const struct flowsamples *samples, struct error *error)
{
	struct place *sorted;
	int result;

	if (mkdir(directory, 0777) && errno != EEXIST)
		return error_errno(error, directory);
	sorted = calloc(samples->count + 1, sizeof(*sorted));
	if (!sorted)
		return error_errno(error, directory);
	for (size_t i = 0; i < samples->count; i++)
		sorted[i].sample = &samples->items[i];
	qsort(sorted, samples->count, sizeof(*sorted), by_name);
	result = debug_files(directory, sorted, samples->count, error);
	free(sorted);
	return result;
}

/* ---- records ---- */

#define END_TEXT_MAX (PREFIX_TEXT_MAX + 10)

/* The time of day in the table, for a person; seconds since 1970 with all digits for programs. */
static void time_out(struct out *out, uint64_t time)
{
	time_t seconds = (time_t)(time / 1000000000);
	char text[64], day[40];
	struct tm local;

	if (!localtime_r(&seconds, &local) || !strftime(day, sizeof(day), "%F %T", &local))
		snprintf(day, sizeof(day), "%" PRIu64, time / 1000000000);
	snprintf(text, sizeof(text), "%s.%09u", day, (unsigned int)(time % 1000000000));
	out_text(out, NULL, "TIME", text);
	out_number(out, "time_ns", NULL, time);
}

static void end_out(struct out *out, const struct flow_packet *packet, bool is_source)
{
	const __u64 *addr = is_source ? packet->src : packet->dst;
	uint16_t port = ntohs(is_source ? packet->sport : packet->dport);
	bool has_port = proto_ports(packet->proto) == PROTO_HAS_PORTS;
	char address[PREFIX_TEXT_MAX], text[END_TEXT_MAX];

	address_text(packet, addr, address);
	if (!has_port)
		snprintf(text, sizeof(text), "%s", address);
	else
		snprintf(text, sizeof(text), packet->family == 6 ? "[%s]:%u" : "%s:%u", address, port);
	out_text(out, is_source ? "src" : "dst", NULL, address);
	out_number_or(out, is_source ? "sport" : "dport", NULL, has_port ? port : -1, NULL);
	out_text(out, NULL, is_source ? "SOURCE" : "DESTINATION", text);
}

/* As tcpdump has them. */
static const char *flags_text(uint8_t flags, char text[9])
{
	static const char letters[] = "FSRP.UEW";
	size_t length = 0;

	for (unsigned int i = 0; i < 8; i++)
		if (flags >> i & 1)
			text[length++] = letters[i];
	text[length] = '\0';
	return text;
}

static void where_out(struct out *out, const struct ifnames *names, const struct flowsample *sample)
{
	const struct flow_packet *packet = &sample->packet;

	out_number(out, "generation", NULL, sample->generation);
	out_text(out, "iface", "IFACE", ifnames_find(names, packet->ifindex));
	out_text(out, "hook", "HOOK", packet->egress ? "egress" : "ingress");
	out_rare(out, packet->vlan);
	out_number_or(out, "vlan", "VLAN", packet->vlan ? packet->vlan : -1, "-");
	out_text(out, "from", "FROM", packet->from ? "responder" : "originator");
}

static void transport_out(struct out *out, const struct flow_packet *packet)
{
	bool is_tcp = packet->proto == IPPROTO_TCP, is_icmp = proto_ports(packet->proto) == PROTO_HAS_TYPES;
	bool is_udp = packet->proto == IPPROTO_UDP;
	char flags[9];

	out_rare(out, is_tcp);
	out_text(out, NULL, "FLAGS", is_tcp ? flags_text(packet->tcp_flags, flags) : NULL);
	out_number_or(out, "tcp_flags", NULL, is_tcp ? packet->tcp_flags : -1, NULL);
	out_rare(out, is_tcp);
	out_number_or(out, "seq", "SEQ", is_tcp ? (int64_t)packet->seq : -1, "-");
	out_rare(out, is_tcp);
	out_number_or(out, "ack", "ACK", is_tcp ? (int64_t)packet->ack : -1, "-");
	out_rare(out, is_tcp);
	out_number_or(out, "window", "WINDOW", is_tcp ? packet->window : -1, "-");
	out_number_or(out, "udp_length", NULL, is_udp ? packet->udp_length : -1, NULL);
	out_rare(out, is_icmp);
	out_number_or(out, "icmp_type", "TYPE", is_icmp ? packet->icmp_type : -1, "-");
	out_rare(out, is_icmp);
	out_number_or(out, "icmp_code", "CODE", is_icmp ? packet->icmp_code : -1, "-");
}

static void size_out(struct out *out, const struct flow_packet *packet)
{
	char fragment[8];

	out_number(out, "length", "LENGTH", packet->length);
	out_number(out, "payload", "PAYLOAD", packet->payload);
	out_rare(out, packet->segments > 1);
	out_number(out, "segments", "SEGMENTS", packet->segments);
	out_number(out, "hops", "HOPS", packet->hops);
	snprintf(fragment, sizeof(fragment), "0x%04x", packet->flags_frag);
	out_rare(out, packet->flags_frag & ~0x4000); /* more than DF */
	out_text(out, NULL, "FRAG", fragment);
	out_number(out, "flags_frag", NULL, packet->flags_frag);
}

static void sample_out(struct out *out, const struct ifnames *names, const struct flowsample *sample)
{
	char proto[PROTO_TEXT_MAX];

	out_begin(out);
	time_out(out, sample->packet.time);
	where_out(out, names, sample);
	out_text(out, "proto", "PROTO", proto_format(sample->packet.proto, proto));
	end_out(out, &sample->packet, true);
	end_out(out, &sample->packet, false);
	size_out(out, &sample->packet);
	transport_out(out, &sample->packet);
	out_end(out);
}

int flowsamples_print(const struct flowsamples *samples, enum out_form form, struct error *error)
{
	struct ifnames names = { 0 };
	struct out out;

	for (size_t i = 0; i < samples->count; i++)
		if (ifnames_add(&names, samples->items[i].packet.ifindex, error)) {
			ifnames_free(&names);
			return -1;
		}
	ifnames_read(&names);
	out_open(&out, form);
	do {
		for (size_t i = 0; i < samples->count; i++)
			sample_out(&out, &names, &samples->items[i]);
	} while (out_again(&out));
	ifnames_free(&names);
	return 0;
}
