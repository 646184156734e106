/* SPDX-License-Identifier: GPL-2.0-only */
#include "harness.h"
#include "abi/flow.h"
#include "abi/lb.h"
#include "abi/xdp.h"
#include "xdp_rules.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TABLE_SIZE 4096  /* connections, sources: small enough to be cleared often */
#define FLOWS_SIZE 49152 /* of LB: more than ports that it chooses */

/* Section names say nothing to libbpf that tc would mean by them: every program of an object is of this type. */
static const struct object {
	enum bpf_prog_type type;
	const char *program, *egress; /* of what comes in, and of what leaves or NULL */
	enum event_object object;
	enum event_hook hook; /* of program */
} objects[TESTED_COUNT] = {
	[SPLICER] = { BPF_PROG_TYPE_SCHED_CLS, "splicer_ingress", "splicer_egress", EVENT_SPLICER, EVENT_INGRESS },
	[XDP_FILTER] = { BPF_PROG_TYPE_XDP, "xdp_filter", NULL, EVENT_XDP, EVENT_DRIVER },
	[LB] = { BPF_PROG_TYPE_SCHED_CLS, "lb_ingress", "lb_egress", EVENT_LB, EVENT_INGRESS },
	[FLOW] = { BPF_PROG_TYPE_SCHED_CLS, "flow_ingress", "flow_egress", EVENT_FLOW, EVENT_INGRESS },
};

static const struct object *object_of(const struct fixture *fixture)
{
	return &objects[fixture->tested];
}

static const char *path_of(const struct fixture *fixture)
{
	return fixture->object_path[fixture->tested];
}

static const char *const maps[] = { SPLICER_CONFIG,  EVENT_COUNTS,      SPLICER_ADDRS,   SPLICER_RULES,
				    SPLICER_IFACES,  SPLICER_TUNNELS,   SPLICER_CONNS,   SPLICER_FRAGS,
				    SPLICER_SPLICES, SPLICER_LISTENERS, SPLICER_SOURCES, "event1_control",
				    "event1_slots",  "event1_rings",    XDP_RULES,       XDP_FRAGS,
				    XDP_SOURCES,     XDP_TALLY,         LB_SERVICES,     LB_VIPS,
				    LB_BACKENDS,     LB_FLOWS,          LB_CLIENTS,      LB_FRAGS,
				    LB_STATS,        FLOW_SESSIONS,     FLOW_PACKETS,    FLOW_FRAGS };

static void unpin_all(const struct fixture *fixture)
{
	char path[512];

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->pin_dir, maps[i]);
		if (unlink(path) && errno != ENOENT)
			err(2, "%s", path);
	}
}

static int find_map(struct bpf_object *object, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	if (fd < 0)
		errx(2, "%s: no such map in the object", name);
	return fd;
}

static int find_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		errx(2, "%s: no such program in the object", name);
	return bpf_program__fd(program);
}

static void find_splicer(struct fixture *fixture)
{
	struct bpf_object *object = fixture->object;

	fixture->addrs = find_map(object, SPLICER_ADDRS);
	fixture->ifaces = find_map(object, SPLICER_IFACES);
	fixture->tunnels = find_map(object, SPLICER_TUNNELS);
	fixture->conns = find_map(object, SPLICER_CONNS);
	fixture->frags = find_map(object, SPLICER_FRAGS);
	fixture->splices = find_map(object, SPLICER_SPLICES);
	fixture->listeners = find_map(object, SPLICER_LISTENERS);
	fixture->sources = find_map(object, SPLICER_SOURCES);
}

static void find_filter(struct fixture *fixture)
{
	fixture->addrs = fixture->ifaces = fixture->tunnels = fixture->conns = -1;
	fixture->splices = fixture->listeners = fixture->table[0] = fixture->table[1] = -1;
	fixture->frags = find_map(fixture->object, XDP_FRAGS);
	fixture->sources = -1;
}

static void find_balancer(struct fixture *fixture)
{
	struct bpf_object *object = fixture->object;

	fixture->addrs = fixture->ifaces = fixture->tunnels = fixture->conns = -1;
	fixture->splices = fixture->listeners = fixture->sources = -1;
	fixture->frags = find_map(object, LB_FRAGS);
	fixture->services = find_map(object, LB_SERVICES);
	fixture->vips = find_map(object, LB_VIPS);
	fixture->backends = find_map(object, LB_BACKENDS);
	fixture->clients = find_map(object, LB_CLIENTS);
	fixture->stats = find_map(object, LB_STATS);
}

static void find_analyser(struct fixture *fixture)
{
	fixture->addrs = fixture->ifaces = fixture->tunnels = fixture->conns = -1;
	fixture->splices = fixture->listeners = fixture->sources = -1;
	fixture->table[0] = fixture->table[1] = -1;
	fixture->frags = find_map(fixture->object, FLOW_FRAGS);
	fixture->sessions = find_map(fixture->object, FLOW_SESSIONS);
	fixture->packets = find_map(fixture->object, FLOW_PACKETS);
}

static void (*const find_own[TESTED_COUNT])(struct fixture *fixture) = {
	[SPLICER] = find_splicer,
	[XDP_FILTER] = find_filter,
	[LB] = find_balancer,
	[FLOW] = find_analyser,
};

static void find_parts(struct fixture *fixture)
{
	const struct object *object = object_of(fixture);

	fixture->program = find_program(fixture->object, object->program);
	fixture->egress = object->egress ? find_program(fixture->object, object->egress) : -1;
	fixture->counts = find_map(fixture->object, EVENT_COUNTS);
	fixture->config = find_map(fixture->object, SPLICER_CONFIG);
	find_own[fixture->tested](fixture);
}

/* The counters as they were found after the newest run, each cell of each CPU. */
struct counted {
	size_t cpus, known;
	uint32_t cell[COUNT_CELLS]; /* the first `known`: those in use, as far as was seen */
	struct count_cell before[]; /* of CPU c: [cell * cpus + c] */
};

static struct counted *counted_new(void)
{
	int cpus = libbpf_num_possible_cpus();
	struct counted *counted;

	if (cpus < 1)
		errx(2, "%d: possible CPUs", cpus);
	counted = calloc(1, sizeof(*counted) + COUNT_CELLS * (size_t)cpus * sizeof(struct count_cell));
	if (!counted)
		err(2, EVENT_COUNTS);
	counted->cpus = (size_t)cpus;
	return counted;
}

static int place_table(int outer, uint32_t slot, size_t key, size_t value, uint32_t entries)
{
	int table = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "table", (uint32_t)key, (uint32_t)value, entries, NULL);

	if (table < 0 || bpf_map_update_elem(outer, &slot, &table, BPF_ANY))
		err(2, "table");
	return table;
}

static void place_tables(struct fixture *fixture)
{
	if (fixture->tested == FLOW)
		return;
	if (fixture->tested == XDP_FILTER) {
		fixture->sources = place_table(find_map(fixture->object, XDP_SOURCES), 0, sizeof(struct xdp_source),
					       sizeof(uint64_t), TABLE_SIZE);
		return;
	}
	for (uint32_t i = 0; i < CONN_TABLES; i++)
		fixture->table[i] = fixture->tested == LB
					    ? place_table(find_map(fixture->object, LB_FLOWS), i, sizeof(struct lb_key),
							  sizeof(struct lb_flow), FLOWS_SIZE)
					    : place_table(fixture->conns, i, sizeof(struct conn_key),
							  sizeof(struct conn), TABLE_SIZE);
}

/* Cases write settings to the map themselves, where a tool would say first that it does. */
static void expect_settings(struct fixture *fixture)
{
	struct splicer_config config = fixture_config(fixture);

	config.settings_seen = ~0ull;
	fixture_configure(fixture, &config);
}

void fixture_open(struct fixture *fixture)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = fixture->pin_dir);
	const char *path = path_of(fixture);
	struct bpf_program *program;

	unpin_all(fixture);
	fixture->object = bpf_object__open_file(path, &options);
	if (!fixture->object)
		err(2, "%s", path);
	bpf_object__for_each_program(program, fixture->object) bpf_program__set_type(program, object_of(fixture)->type);
	if (bpf_object__load(fixture->object))
		err(2, "%s: load", path);
	find_parts(fixture);
	place_tables(fixture);
	expect_settings(fixture);
	free(fixture->counted);
	fixture->counted = counted_new();
}

void fixture_close(struct fixture *fixture)
{
	xdp_rules_close(fixture);
	for (int i = 0; i < CONN_TABLES; i++)
		if (fixture->table[i] >= 0)
			close(fixture->table[i]);
	if (fixture->tested == XDP_FILTER)
		close(fixture->sources);
	bpf_object__close(fixture->object);
	fixture->object = NULL;
	unpin_all(fixture);
}

struct splicer_config fixture_config(const struct fixture *fixture)
{
	struct splicer_config config;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(fixture->config, &zero, &config))
		err(2, SPLICER_CONFIG);
	return config;
}

void fixture_configure(struct fixture *fixture, const struct splicer_config *config)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(fixture->config, &zero, config, BPF_ANY))
		err(2, SPLICER_CONFIG);
}

void fixture_set_rules_seen(struct fixture *fixture, uint32_t seen)
{
	struct splicer_config config = fixture_config(fixture);

	config.rules_seen = seen;
	fixture_configure(fixture, &config);
}

void fixture_add_address(struct fixture *fixture, int ifindex, int family, const char *text)
{
	struct splicer_addr key = { .ifindex = ifindex, .family = family };
	char address[FRAME_ADDRESS_TEXT];
	uint32_t one = 1;

	if (inet_pton(family == 6 ? AF_INET6 : AF_INET, spec_address(family, text, address), key.addr) != 1)
		errx(2, "%s: not an address", text);
	if (bpf_map_update_elem(fixture->addrs, &key, &one, BPF_ANY))
		err(2, SPLICER_ADDRS);
}

static struct splicer_iface iface_get(const struct fixture *fixture, int ifindex)
{
	struct splicer_iface iface = { 0 };

	if (bpf_map_lookup_elem(fixture->ifaces, &ifindex, &iface) && errno != ENOENT)
		err(2, SPLICER_IFACES);
	return iface;
}

static void iface_put(struct fixture *fixture, int ifindex, const struct splicer_iface *iface)
{
	if (bpf_map_update_elem(fixture->ifaces, &ifindex, iface, BPF_ANY))
		err(2, SPLICER_IFACES);
}

void fixture_set(struct fixture *fixture, int ifindex, enum splicer_setting setting, uint8_t value)
{
	struct splicer_iface iface = iface_get(fixture, ifindex);

	iface.setting[setting] = value;
	iface_put(fixture, ifindex, &iface);
}

void fixture_set_number(struct fixture *fixture, int ifindex, enum splicer_number number, uint32_t value)
{
	struct splicer_iface iface = iface_get(fixture, ifindex);

	iface.number[number] = value;
	iface_put(fixture, ifindex, &iface);
}

void fixture_clear_settings(struct fixture *fixture)
{
	uint32_t key;

	while (!bpf_map_get_next_key(fixture->ifaces, NULL, &key))
		if (bpf_map_delete_elem(fixture->ifaces, &key))
			err(2, SPLICER_IFACES);
}

/* Adds what a cell moved by; whether it did. */
static bool cell_compare(struct counted *counted, uint32_t cell, const struct count_cell *now, struct outcome *outcome)
{
	struct count_cell *before = &counted->before[cell * counted->cpus];
	bool moved = false;

	for (size_t cpu = 0; cpu < counted->cpus; cpu++) {
		if (!memcmp(&before[cpu], &now[cpu], sizeof(*now)))
			continue;
		moved = true;
		outcome->counted = now[cpu].key;
		outcome->moved += (int)(now[cpu].packets - before[cpu].packets);
		outcome->bytes += (int64_t)(now[cpu].bytes - before[cpu].bytes);
		before[cpu] = now[cpu];
	}
	return moved;
}

static bool known_compare(struct fixture *fixture, struct count_cell *now, struct outcome *outcome)
{
	struct counted *counted = fixture->counted;
	bool moved = false;

	for (size_t i = 0; i < counted->known; i++) {
		if (bpf_map_lookup_elem(fixture->counts, &counted->cell[i], now))
			err(2, EVENT_COUNTS);
		moved |= cell_compare(counted, counted->cell[i], now, outcome);
	}
	return moved;
}

static void all_compare(struct fixture *fixture, struct count_cell *now, struct outcome *outcome)
{
	struct counted *counted = fixture->counted;
	static uint32_t cells[COUNT_CELLS];
	uint32_t next, count = COUNT_CELLS;
	LIBBPF_OPTS(bpf_map_batch_opts, options);

	if (bpf_map_lookup_batch(fixture->counts, NULL, &next, cells, now, &count, &options) && errno != ENOENT)
		err(2, EVENT_COUNTS);
	if (count != COUNT_CELLS)
		errx(2, EVENT_COUNTS ": %u cells, not %u", count, COUNT_CELLS);
	for (uint32_t i = 0; i < count; i++)
		if (cell_compare(counted, cells[i], now + i * counted->cpus, outcome))
			counted->cell[counted->known++] = cells[i];
}

/* Mostly a cell moves that did before. All are looked at when none of those did: it takes a hundred times as long. */
void counts_compare(struct fixture *fixture, struct outcome *outcome)
{
	static struct count_cell *now;

	if (!now)
		now = calloc(COUNT_CELLS * fixture->counted->cpus, sizeof(*now));
	if (!now)
		err(2, EVENT_COUNTS);
	if (!known_compare(fixture, now, outcome))
		all_compare(fixture, now, outcome);
	outcome->reason = outcome->counted.reason;
}

int context_ifindex(const struct fixture *fixture, enum context context)
{
	switch (context) {
	case ON_LOOPBACK:
	case OUT_LOOPBACK:
		return 1;
	case ON_PEER:
	case OUT_PEER:
		return fixture->veth_peer;
	default:
		return fixture->veth;
	}
}

int context_program(const struct fixture *fixture, enum context context)
{
	return context >= OUT_VETH ? fixture->egress : fixture->program;
}

/* What it does to the frame, in the words of tc. */
static int action_of_xdp(uint32_t returned)
{
	switch (returned) {
	case XDP_PASS:
		return TC_ACT_UNSPEC;
	case XDP_DROP:
		return TC_ACT_SHOT;
	default:
		return (int)returned + 1000;
	}
}

void fixture_run(struct fixture *fixture, enum context context, const struct frame *frame, struct outcome *outcome)
{
	struct __sk_buff skb = { .ifindex = context_ifindex(fixture, context),
				 .gso_size = fixture->gso_size,
				 .gso_segs = fixture->gso_size ? 2 : 0 };
	struct xdp_md md = { .data_end = (uint32_t)frame->len, .ingress_ifindex = skb.ifindex };
	bool is_xdp = fixture->tested == XDP_FILTER;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = frame->len,
		    .data_out = fixture->out, .data_size_out = sizeof(fixture->out));

	memset(outcome, 0, sizeof(*outcome));
	if (context != NO_CONTEXT) {
		options.ctx_in = is_xdp ? (void *)&md : (void *)&skb;
		options.ctx_size_in = is_xdp ? sizeof(md) : sizeof(skb);
	}
	if (bpf_prog_test_run_opts(context_program(fixture, context), &options)) {
		outcome->error = errno;
		return;
	}
	fixture->out_len = options.data_size_out;
	outcome->action = is_xdp ? action_of_xdp(options.retval) : (int)options.retval;
	outcome->same = options.data_size_out == frame->len && !memcmp(fixture->out, frame->data, frame->len);
	counts_compare(fixture, outcome);
	outcome->placed = outcome->counted.object == object_of(fixture)->object &&
			  outcome->counted.ifindex == (context == NO_CONTEXT ? 1 : skb.ifindex) &&
			  outcome->counted.hook == (context >= OUT_VETH ? EVENT_EGRESS : object_of(fixture)->hook);
}

int fixture_run_quick(struct fixture *fixture, enum context context, const struct frame *frame)
{
	struct __sk_buff skb = { .ifindex = context_ifindex(fixture, context) };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = frame->len,
		    .data_out = fixture->out, .data_size_out = sizeof(fixture->out), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb));

	if (bpf_prog_test_run_opts(context_program(fixture, context), &options))
		return -errno - 100;
	fixture->out_len = options.data_size_out;
	return (int)options.retval;
}

int fixture_ask(struct fixture *fixture, enum context context, const struct frame *frame)
{
	struct __sk_buff in = { .ifindex = context_ifindex(fixture, context),
				.cb = { QUESTION_MAGIC0, QUESTION_MAGIC1 } },
			 out = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = frame->len, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));

	if (bpf_prog_test_run_opts(context_program(fixture, context), &options) || options.retval != TC_ACT_SHOT)
		return -1;
	return (int)out.cb[QUESTION_REASON];
}

int action_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_DETECT:
		return TC_ACT_UNSPEC;
	case VERDICT_SPLICE:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
}

const char *action_name(int action)
{
	switch (action) {
	case TC_ACT_UNSPEC:
		return "pass";
	case TC_ACT_OK:
		return "splice";
	case TC_ACT_SHOT:
		return "drop";
	case TC_ACT_REDIRECT:
		return "redirect";
	default:
		return "unknown action";
	}
}

bool outcome_has(const struct outcome *outcome, enum reason reason, enum verdict verdict, const struct frame *frame)
{
	return !outcome->error && outcome->action == action_of(verdict) && outcome->reason == reason &&
	       outcome->counted.verdict == verdict && outcome->placed && outcome->moved == 1 &&
	       outcome->bytes == (int64_t)frame->len && outcome->same;
}

bool outcome_is(const struct outcome *outcome, enum reason reason, const struct frame *frame)
{
	return outcome_has(outcome, reason, reason_verdict(reason), frame);
}

void outcome_print(const struct outcome *outcome, const struct frame *frame, char *text, size_t size)
{
	int used;

	if (outcome->error) {
		snprintf(text, size, "test run: %s", strerror(outcome->error));
		return;
	}
	used = snprintf(text, size, "%s (%d) %s", action_name(outcome->action), outcome->action,
			reason_name(outcome->reason));
	if (outcome->moved != 1 || outcome->bytes != (int64_t)frame->len)
		used += snprintf(text + used, size - (size_t)used, ", counters moved by %d packets, %lld bytes",
				 outcome->moved, (long long)outcome->bytes);
	if (!outcome->placed || action_of(outcome->counted.verdict) != outcome->action)
		used += snprintf(text + used, size - (size_t)used, ", counted as verdict %u on hook %u of interface %u",
				 outcome->counted.verdict, outcome->counted.hook, outcome->counted.ifindex);
	if (!outcome->same)
		snprintf(text + used, size - (size_t)used, ", frame changed");
}

bool kernel_has(int major, int minor)
{
	struct utsname name;
	int got_major, got_minor;

	if (uname(&name) || sscanf(name.release, "%d.%d", &got_major, &got_minor) != 2)
		errx(2, "uname");
	return got_major > major || (got_major == major && got_minor >= minor);
}
