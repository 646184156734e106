/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowipfix.h"

#include "flowstate.h"
#include "ipfix.h"
#include "ipfixout.h"
#include "progress.h"
#include "proto.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DOMAIN 1          /* what flow.o observes is one */
#define TEMPLATE_V4 256   /* and the next one, of IPv6 */
#define TEMPLATES_EACH 32 /* messages, where some may be lost */
#define MILLISECOND 1000000

/* ---- what an element is made of ---- */

/* A row, and the column that an element is of; NULL: of none. */
struct source {
	const struct flow_scene *scene;
	const struct flow_row *row;
	const struct flow_column *column;
};

typedef uint64_t number_function(const struct source *source);

static struct flow_value value_at(const struct source *source)
{
	return source->column->value(source->scene, source->row, source->column);
}

/* The number of the column; what is not known or does not apply is 0. */
static uint64_t number(const struct source *source)
{
	struct flow_value value = value_at(source);

	return value.kind == VALUE_NONE ? 0 : value.number;
}

static uint64_t milliseconds(const struct source *source)
{
	return number(source) / MILLISECOND;
}

static uint64_t id(const struct source *source)
{
	return strtoull(value_at(source).word, NULL, 16);
}

static uint64_t protocol(const struct source *source)
{
	return source->row->id.key.proto;
}

static uint64_t interface(const struct source *source)
{
	return source->row->id.key.ifindex;
}

/* type << 8 | code, of ICMP */
static uint64_t type_and_code(const struct source *source)
{
	const struct flow *flow = source->row->flow;

	if (proto_ports(flow->key.proto) != PROTO_HAS_TYPES)
		return 0;
	return (uint64_t)flow->icmp_type << 8 | flow->icmp_code;
}

/* The bits as TCP has them (RFC 7125): those that any packet had. */
static uint64_t tcp_bits(const struct source *source)
{
	const struct flow_side *side = &source->row->flow->side[source->column->side];
	uint64_t bits = 0;

	for (unsigned int bit = 0; bit < 8; bit++)
		bits |= (uint64_t) !!side->tcp[bit] << bit;
	return source->row->id.key.proto == IPPROTO_TCP ? bits : 0;
}

/* flowEndReason of RFC 5102: what goes on is told of while it does. */
static uint64_t end_reason(const struct source *source)
{
	static const uint8_t reasons[FLOW_FINISHES] = {
		[FLOW_FINISH_IDLE] = 1, /* idle timeout */
		[FLOW_FINISH_OPEN] = 2, /* active timeout */
		[FLOW_FINISH_FIN] = 3,  /* end of flow detected */
		[FLOW_FINISH_RST] = 3,
	};
	const struct flow_row *row = source->row;

	return reasons[flow_finish(row->flow, &row->part->settings, row->part->now)];
}

/* biflowDirection of RFC 5103: the source is who initiated it. */
static uint64_t initiator(const struct source *source)
{
	(void)source;
	return 1;
}

/* ---- the table ---- */

#define FAMILIES 2
#define V4 0
#define V6 1

/*
 * Templates and records derive from it, in this order. Where there is no function the value is an address, as it is.
 * splicer.flows(5) has the same table, and test/net/flow_ipfix.bats holds it against what a reader of IPFIX prints.
 */
static const struct element {
	uint16_t number;         /* as IANA has it */
	uint8_t bytes[FAMILIES]; /* may be fewer than its type has (RFC 7011 section 6.2); 0: not in this template */
	uint32_t enterprise;
	const char *column; /* of flow_dump; "": none */
	number_function *make;
} elements[] = {
/* The responder's first: nfdump takes most of them for the originator's, of which the last one counts. */
#define BOTH(number, bytes, column, make)                                 \
	{ number, { bytes, bytes }, IPFIX_REVERSE, column "_rev", make }, \
	{                                                                 \
		number, { bytes, bytes }, 0, column "_fwd", make          \
	}
	{ 152, { 8, 8 }, 0, "start", milliseconds },      /* flowStartMilliseconds */
	{ 153, { 8, 8 }, 0, "last", milliseconds },       /* flowEndMilliseconds */
	{ 8, { 4, 0 }, 0, "src", NULL },                  /* sourceIPv4Address */
	{ 12, { 4, 0 }, 0, "dst", NULL },                 /* destinationIPv4Address */
	{ 27, { 0, 16 }, 0, "src", NULL },                /* sourceIPv6Address */
	{ 28, { 0, 16 }, 0, "dst", NULL },                /* destinationIPv6Address */
	{ 7, { 2, 2 }, 0, "sport", number },              /* sourceTransportPort */
	{ 11, { 2, 2 }, 0, "dport", number },             /* destinationTransportPort */
	{ 4, { 1, 1 }, 0, "proto", protocol },            /* protocolIdentifier */
	{ 32, { 2, 0 }, 0, "icmp_type", type_and_code },  /* icmpTypeCodeIPv4 */
	{ 139, { 0, 2 }, 0, "icmp_type", type_and_code }, /* icmpTypeCodeIPv6 */
	BOTH(2, 8, "packets", number),                    /* packetDeltaCount */
	BOTH(1, 8, "bytes", number),                      /* octetDeltaCount */
	BOTH(401, 8, "payload", number),                  /* transportOctetDeltaCount */
	BOTH(198, 8, "length_squares", number),           /* octetDeltaSumOfSquares */
	BOTH(6, 2, "fin", tcp_bits),                      /* tcpControlBits */
	BOTH(25, 2, "length_min", number),                /* minimumIpTotalLength */
	BOTH(26, 2, "length_max", number),                /* maximumIpTotalLength */
	BOTH(52, 1, "hops_min", number),                  /* minimumTTL */
	BOTH(53, 1, "hops_max", number),                  /* maximumTTL */
	{ 10, { 4, 4 }, 0, "iface", interface },          /* ingressInterface */
	{ 58, { 2, 2 }, 0, "vlan", number },              /* vlanId */
	{ 148, { 8, 8 }, 0, "id", id },                   /* flowId */
	{ 136, { 1, 1 }, 0, "end", end_reason },          /* flowEndReason */
	{ 239, { 1, 1 }, 0, "", initiator },              /* biflowDirection */
#undef BOTH
};

#define ELEMENTS (sizeof(elements) / sizeof(elements[0]))

/* ---- templates ---- */

struct family_template {
	uint16_t id;
	struct ipfix_field fields[ELEMENTS];
	size_t count;
	size_t record; /* bytes */
};

static void template_make(struct family_template *template, unsigned int family)
{
	*template = (struct family_template){ .id = (uint16_t)(TEMPLATE_V4 + family) };
	for (size_t i = 0; i < ELEMENTS; i++) {
		const struct element *element = &elements[i];

		if (!element->bytes[family])
			continue;
		template->fields[template->count++] = (struct ipfix_field){
			.number = element->number,
			.length = element->bytes[family],
			.enterprise = element->enterprise,
		};
		template->record += element->bytes[family];
	}
}

/* ---- an export ---- */

struct export
{
	const struct flow_scene *scene;
	const struct flow_column *columns[ELEMENTS];
	struct family_template templates[FAMILIES];
	struct ipfixout out;
	uint64_t messages;
	struct ipfix_message message;
};

/* They fit: a message has at least 512 bytes. */
static void templates_put(struct export *export)
{
	for (unsigned int family = 0; family < FAMILIES; family++) {
		const struct family_template *template = &export->templates[family];

		if (ipfix_reserve(&export->message, IPFIX_TEMPLATES,
				  ipfix_template_size(template->fields, template->count)))
			ipfix_put_template(&export->message, template->id, template->fields, template->count);
	}
}

static void message_begin(struct export *export)
{
	ipfix_begin(&export->message);
	if (!export->messages || (export->out.is_lossy && export->messages % TEMPLATES_EACH == 0))
		templates_put(export);
	export->messages++;
}

static int message_send(struct export *export, struct error *error)
{
	ipfix_seal(&export->message, (uint32_t)time(NULL));
	return ipfixout_send(&export->out, export->message.bytes, export->message.size, error);
}

static void record_put(struct export *export, const struct flow_row *row, unsigned int family)
{
	struct source source = { .scene = export->scene, .row = row };

	for (size_t i = 0; i < ELEMENTS; i++) {
		const struct element *element = &elements[i];
		uint8_t bytes = element->bytes[family];

		source.column = export->columns[i];
		if (bytes && element->make)
			ipfix_put(&export->message, element->make(&source), bytes);
		else if (bytes)
			ipfix_put_bytes(&export->message, flow_address(row->flow, source.column->side), bytes);
	}
	export->message.records++;
}

static int row_export(struct export *export, const struct flow_row *row, struct error *error)
{
	unsigned int family = row->id.key.family == 4 ? V4 : V6;
	const struct family_template *template = &export->templates[family];

	while (!ipfix_reserve(&export->message, template->id, template->record)) {
		if (message_send(export, error))
			return -1;
		message_begin(export);
	}
	record_put(export, row, family);
	return 0;
}

static int rows_export(struct export *export, size_t count, struct error *error)
{
	message_begin(export);
	for (size_t i = 0; i < count; i++) {
		if (row_export(export, &export->scene->rows->rows[i], error))
			return -1;
		if (export->out.kind == IPFIX_TO_COLLECTOR)
			progress_show("%zu of %zu sessions", i + 1, count);
	}
	progress_end();
	return message_send(export, error);
}

static void export_prepare(struct export *export)
{
	struct error ignored;

	for (size_t i = 0; i < ELEMENTS; i++)
		if (*elements[i].column)
			export->columns[i] = flow_column_find(elements[i].column, &ignored);
	for (unsigned int family = 0; family < FAMILIES; family++)
		template_make(&export->templates[family], family);
	export->message.limit = export->out.limit;
	export->message.domain = DOMAIN;
}

static int export_run(struct export *export, size_t count, struct error *error)
{
	if (ipfixout_open(&export->out, error))
		return -1;
	export_prepare(export);
	if (!rows_export(export, count, error))
		return ipfixout_close(&export->out, error);
	ipfixout_abandon(&export->out);
	return -1;
}

int flowipfix_export(const struct flow_scene *scene, size_t count, const char *to, struct error *error)
{
	struct export *export = calloc(1, sizeof(*export));
	int result;

	if (!export)
		return error_errno(error, to);
	export->scene = scene;
	result = ipfixout_parse(&export->out, to, error);
	if (!result)
		result = export_run(export, count, error);
	free(export);
	return result;
}

int flowipfix_check(const char *to, struct error *error)
{
	struct ipfixout out;

	return ipfixout_parse(&out, to, error);
}
