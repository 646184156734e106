/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowmetrics.h"

#include "clock.h"
#include "flowstate.h"
#include "metrics.h"
#include "utf8.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sums over the rows ---- */

/* Any other protocol number is "other": whoever sends packets does not choose how many series there are. */
enum proto_class { PROTO_TCP, PROTO_UDP, PROTO_ICMP, PROTO_ICMP6, PROTO_OTHER, PROTO_CLASSES };

static const char *const proto_words[PROTO_CLASSES] = { "tcp", "udp", "icmp", "icmpv6", "other" };

enum { IPV4, IPV6, FAMILIES };

static const char *const family_words[FAMILIES] = { "4", "6" };

enum { FORWARD, REVERSE, DIRECTIONS };

static const char *const direction_words[DIRECTIONS] = { "fwd", "rev" };

/* Of the sessions of one interface. */
struct sums {
	uint64_t sessions[PROTO_CLASSES][FAMILIES][FLOW_STATES][FLOW_FINISHES];
	struct flow_tally counted[PROTO_CLASSES][FAMILIES][DIRECTIONS];
};

/* All that is told, made before the first of it is printed. */
struct flowmetrics {
	const struct flowgens *gens;
	const struct flow_scene *scene;
	struct sums *ifaces;     /* by place in scene->names, and one more for those that have gone */
	struct flow_tally total; /* of all that was counted */
};

static enum proto_class proto_class(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return PROTO_TCP;
	case IPPROTO_UDP:
		return PROTO_UDP;
	case IPPROTO_ICMP:
		return PROTO_ICMP;
	case IPPROTO_ICMPV6:
		return PROTO_ICMP6;
	default:
		return PROTO_OTHER;
	}
}

/* As ifnames.h names what has no name any more. */
static bool has_gone(const struct ifname *name)
{
	char number[INTERFACE_TEXT_MAX];

	snprintf(number, sizeof(number), "#%u", name->ifindex);
	return !strcmp(name->text, number);
}

/* Interfaces that come and go, as those of containers, are one when they have gone. */
static struct sums *iface_sums(const struct flowmetrics *metrics, uint32_t ifindex)
{
	const struct ifnames *names = &metrics->scene->names;
	size_t place = ifnames_place(names, ifindex);

	return &metrics->ifaces[place < names->count && has_gone(&names->items[place]) ? names->count : place];
}

static void row_count(struct flowmetrics *metrics, const struct flow_row *row)
{
	const struct flow *flow = row->flow;
	enum flow_finish finish = flow_finish(flow, &row->part->settings, row->part->now);
	struct sums *sums = iface_sums(metrics, row->id.key.ifindex);
	enum proto_class proto = proto_class(row->id.key.proto);
	int family = row->id.key.family == 6 ? IPV6 : IPV4;

	sums->sessions[proto][family][flow_state(flow)][finish]++;
	for (int side = 0; side < DIRECTIONS; side++) {
		sums->counted[proto][family][side].packets += flow->side[side].packets;
		sums->counted[proto][family][side].bytes += flow->side[side].bytes;
	}
}

static void total_add(struct flow_tally *total, const struct flowgen *gen)
{
	for (uint32_t i = 0; i < gen->bucket_count; i++) {
		struct flow_tally sum = flowgen_sum(&gen->buckets[i]);

		total->packets += sum.packets;
		total->bytes += sum.bytes;
	}
}

static int metrics_make(struct flowmetrics *metrics, struct error *error)
{
	metrics->ifaces = calloc(metrics->scene->names.count + 1, sizeof(*metrics->ifaces));
	if (!metrics->ifaces)
		return error_errno(error, "interfaces");
	for (size_t i = 0; i < metrics->scene->rows->count; i++)
		row_count(metrics, &metrics->scene->rows->rows[i]);
	for (uint32_t i = 0; i < metrics->gens->count; i++)
		total_add(&metrics->total, &metrics->gens->item[i]);
	return 0;
}

/* ---- counters ---- */

/* Since when the oldest generation counts; of the first one that is not known. */
static uint64_t created(const struct flowmetrics *metrics)
{
	uint64_t began = metrics->gens->item[metrics->gens->count - 1].head->began;

	return began ? clock_to_epoch_by(began, metrics->scene->rows->offset) : 0;
}

static void counter_print(const struct flowmetrics *metrics, const char *name, const char *unit, const char *help,
			  uint64_t value)
{
	struct metric metric = { .name = name, .unit = unit, .help = help, .type = METRIC_COUNTER };

	metric_open(&metric);
	sample_begin(&metric);
	sample_end(&metric, value);
	if (created(metrics))
		sample_created(&metric, created(metrics));
}

static void counters_print(const struct flowmetrics *metrics)
{
	const struct flow_losses *losses = &metrics->scene->rows->losses;

	counter_print(metrics, "splicer_flow_packets", "packets",
		      "Packets that were counted: of sessions, evicted ones included, and missed.",
		      metrics->total.packets);
	counter_print(metrics, "splicer_flow_bytes", "bytes", "Bytes of these packets: IP headers and payload.",
		      metrics->total.bytes);
	counter_print(metrics, "splicer_flow_evicted_sessions", "sessions", "Sessions whose place others took.",
		      losses->evicted);
	counter_print(metrics, "splicer_flow_evicted_packets", "packets", "Packets of these.", losses->evicted_packets);
	counter_print(metrics, "splicer_flow_evicted_bytes", "bytes", "Bytes of these.", losses->evicted_bytes);
	counter_print(metrics, "splicer_flow_missed_packets", "packets",
		      "Packets of no session, for their place was locked for too long.", losses->missed.packets);
	counter_print(metrics, "splicer_flow_missed_bytes", "bytes", "Bytes of these.", losses->missed.bytes);
	counter_print(metrics, "splicer_flow_not_ip_packets", "packets", "Packets of other ethertypes.",
		      losses->not_ip.packets);
	counter_print(metrics, "splicer_flow_not_ip_bytes", "bytes", "Bytes of these.", losses->not_ip.bytes);
	counter_print(metrics, "splicer_flow_malformed_packets", "packets",
		      "Packets whose headers contradict themselves or their length.", losses->malformed.packets);
	counter_print(metrics, "splicer_flow_malformed_bytes", "bytes", "Bytes of these.", losses->malformed.bytes);
}

/* ---- gauges ---- */

/* "": those that have gone. What is no UTF-8 goes by its number, or two of them might have one label. */
static const char *iface_word(const struct flowmetrics *metrics, size_t place, char number[INTERFACE_TEXT_MAX])
{
	const struct ifnames *names = &metrics->scene->names;

	if (place == names->count)
		return "";
	if (utf8_is_text(names->items[place].text))
		return names->items[place].text;
	snprintf(number, INTERFACE_TEXT_MAX, "#%u", names->items[place].ifindex);
	return number;
}

/* What samples are of. */
struct labels {
	const char *iface;
	int proto, family;
};

static void labels_print(struct metric *metric, const struct labels *labels)
{
	sample_begin(metric);
	sample_label(metric, "iface", labels->iface);
	sample_label(metric, "proto", proto_words[labels->proto]);
	sample_label(metric, "family", family_words[labels->family]);
}

typedef void samples_printer(struct metric *metric, const struct sums *sums, const struct labels *labels);

/* A family of gauges: `print` is asked for the samples of each interface, protocol and family. */
static void gauges_print(const struct flowmetrics *metrics, struct metric *metric, samples_printer *print)
{
	metric_open(metric);
	for (size_t place = 0; place <= metrics->scene->names.count; place++) {
		char number[INTERFACE_TEXT_MAX];
		struct labels labels = { .iface = iface_word(metrics, place, number) };

		for (labels.proto = 0; labels.proto < PROTO_CLASSES; labels.proto++)
			for (labels.family = 0; labels.family < FAMILIES; labels.family++)
				print(metric, &metrics->ifaces[place], &labels);
	}
}

/* States and ends that no session has are not there. */
static void sessions_print(struct metric *metric, const struct sums *sums, const struct labels *labels)
{
	for (int state = 0; state < FLOW_STATES; state++)
		for (int finish = 0; finish < FLOW_FINISHES; finish++) {
			uint64_t count = sums->sessions[labels->proto][labels->family][state][finish];

			if (!count)
				continue;
			labels_print(metric, labels);
			sample_label(metric, "state", flow_state_name((enum flow_state)state));
			sample_label(metric, "end", flow_finish_name((enum flow_finish)finish));
			sample_end(metric, count);
		}
}

/* Of interfaces, protocols and families that have no session, nothing. */
static void tallies_print(struct metric *metric, const struct sums *sums, const struct labels *labels, bool bytes)
{
	const struct flow_tally *counted = sums->counted[labels->proto][labels->family];

	if (!counted[FORWARD].packets && !counted[REVERSE].packets)
		return;
	for (int side = 0; side < DIRECTIONS; side++) {
		labels_print(metric, labels);
		sample_label(metric, "direction", direction_words[side]);
		sample_end(metric, bytes ? counted[side].bytes : counted[side].packets);
	}
}

static void packets_print(struct metric *metric, const struct sums *sums, const struct labels *labels)
{
	tallies_print(metric, sums, labels, false);
}

static void bytes_print(struct metric *metric, const struct sums *sums, const struct labels *labels)
{
	tallies_print(metric, sums, labels, true);
}

static void all_gauges_print(const struct flowmetrics *metrics)
{
	struct metric sessions = { .name = "splicer_flow_sessions",
				   .unit = "sessions",
				   .help = "Sessions that are there.",
				   .type = METRIC_GAUGE };
	struct metric packets = { .name = "splicer_flow_session_packets",
				  .unit = "packets",
				  .help = "Packets of the sessions that are there.",
				  .type = METRIC_GAUGE };
	struct metric bytes = { .name = "splicer_flow_session_bytes",
				.unit = "bytes",
				.help = "Bytes of these packets: IP headers and payload.",
				.type = METRIC_GAUGE };
	const struct flowgen *now = &metrics->gens->item[0];

	gauges_print(metrics, &sessions, sessions_print);
	gauges_print(metrics, &packets, packets_print);
	gauges_print(metrics, &bytes, bytes_print);
	gauge_print("splicer_flow_capacity_sessions", "sessions", "Places for sessions in the generation in force.",
		    (uint64_t)now->bucket_count * FLOW_WAYS);
	gauge_print("splicer_flow_generation", NULL, "Number of the generation in force.", now->head->generation);
	gauge_print("splicer_flow_waiting_generations", "generations", "Generations before it that nobody was handed.",
		    metrics->gens->count - 1);
}

int flowmetrics_print(const struct flowgens *gens, const struct flow_scene *scene, struct error *error)
{
	struct flowmetrics metrics = { .gens = gens, .scene = scene };

	if (metrics_make(&metrics, error))
		return -1;
	counters_print(&metrics);
	all_gauges_print(&metrics);
	metrics_end();
	free(metrics.ifaces);
	return 0;
}
