/* SPDX-License-Identifier: GPL-2.0-only */
/* The object under test, running frames through it, and telling of the outcome in TAP. */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include "abi/config.h"
#include "abi/conns.h"
#include "abi/counts.h"
#include "abi/event.h"
#include "abi/reasons.h"
#include "frames.h"
#include "registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VETH_NAME "veth0" /* made by test/packet/run, with an address of each family */
#define VETH_PEER_NAME "veth1"
#define VETH_ADDRESS "192.0.2.1"
#define VETH_ADDRESS6 "2001:db8:c000:201::"

struct bpf_object;
struct counted;
struct rule_set;

/* The objects that can be under test. */
enum tested { SPLICER, XDP_FILTER, LB, FLOW, TESTED_COUNT };

struct fixture {
	enum tested tested; /* what fixture_open loads */
	const char *object_path[TESTED_COUNT], *pin_dir;
	const char *map_update; /* the tool that inserts rules; NULL: not there */
	int veth, veth_peer;    /* interface indices */
	struct bpf_object *object;
	int program, egress, counts, config, addrs, ifaces, tunnels;
	int conns, table[CONN_TABLES];                /* the map of tables, and small tables that stand in it */
	int frags, splices, listeners, sources;       /* those that the object has not: -1 */
	int services, vips, backends, clients, stats; /* of LB, and as table its flows */
	int sessions, packets;                        /* of FLOW: the maps of generations */
	uint32_t gso_size;      /* of frames that are run: an aggregate of segments of so many bytes; 0: none */
	struct rule_set *rules; /* of XDP_FILTER, once there were some */
	struct counted *counted;
	uint8_t out[FRAME_MAX]; /* the frame as the newest run left it */
	size_t out_len;
};

/* Where the program runs: as a packet comes in, or (OUT_) leaves. */
enum context { ON_VETH, ON_PEER, ON_LOOPBACK, NO_CONTEXT, OUT_VETH, OUT_PEER, OUT_LOOPBACK };

/* What a frame did. */
struct outcome {
	int error;                /* errno of the run; the rest says nothing then */
	int action;               /* TC_ACT_*; XDP_PASS is told as TC_ACT_UNSPEC, XDP_DROP as TC_ACT_SHOT */
	enum reason reason;       /* whose counter moved; the last, when several did */
	struct count_key counted; /* all of the counter's key */
	bool placed;              /* its interface and hook are those of the context */
	int moved;                /* packets, over all reasons */
	int64_t bytes;            /* that the counters moved by */
	bool same;                /* the frame came out as it went in */
};

/* rows leave out what is as usual */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* One row of a table: a frame and what is to become of it. */
struct row {
	const char *name; /* NULL ends a table */
	struct spec spec; /* family 0: run for both families */
	enum context context;
	enum reason reason;
	enum verdict verdict; /* VERDICT_NONE: the usual one of that reason */
	const char *conn;     /* its connection afterwards, as conn_print tells it; NULL: whatever it is */
	const char *rule;     /* inserted before the frame is run: see rule_insert */
	const char *by;       /* XDP_FILTER: the rule that counts it, as rules_counted tells; NULL: none may */
	void (*before)(struct fixture *fixture, int family);
};

/* Rows that run one after another, with all that is remembered between them. Without rules rows run as they are. */
#define SCENARIO_RULES 8
#define SCENARIO_ROWS 26
struct scenario {
	const char *name;
	int family; /* 0: both */
	const char *rules[SCENARIO_RULES];
	struct row rows[SCENARIO_ROWS];
};

/* Loads the object afresh, with small tables of connections: no pins from before, so empty maps. Exits when that cannot
 * be. */
void fixture_open(struct fixture *fixture);
/* Takes the pins away. */
void fixture_close(struct fixture *fixture);

struct splicer_config fixture_config(const struct fixture *fixture);
void fixture_configure(struct fixture *fixture, const struct splicer_config *config);
void fixture_set_rules_seen(struct fixture *fixture, uint32_t seen);
/* Makes text (an address of the family) one of the interface's own. */
void fixture_add_address(struct fixture *fixture, int ifindex, int family, const char *text);
/* Says a value of an interface (SPLICER_IFACE_ANY: of all), as iface_set does; takes all such words back. */
void fixture_set(struct fixture *fixture, int ifindex, enum splicer_setting setting, uint8_t value);
void fixture_set_number(struct fixture *fixture, int ifindex, enum splicer_number number, uint32_t value);
void fixture_clear_settings(struct fixture *fixture);

/* Fills in reason, moved and bytes: what has been counted since it was asked last. */
void counts_compare(struct fixture *fixture, struct outcome *outcome);
int context_ifindex(const struct fixture *fixture, enum context context);
int context_program(const struct fixture *fixture, enum context context);
void fixture_run(struct fixture *fixture, enum context context, const struct frame *frame, struct outcome *outcome);
/* The same without a look at the counters, for the many: the action; below -100: errno. Sets out, out_len. */
int fixture_run_quick(struct fixture *fixture, enum context context, const struct frame *frame);
/* Asks instead (abi/config.h): the reason, the verdict << 16; -1 when the frame could not be run. */
int fixture_ask(struct fixture *fixture, enum context context, const struct frame *frame);
/* Whether everything is as it must be when this reason decides. */
bool outcome_is(const struct outcome *outcome, enum reason reason, const struct frame *frame);
bool outcome_has(const struct outcome *outcome, enum reason reason, enum verdict verdict, const struct frame *frame);
/* The TC_ACT_* that carries a verdict out, and what tables call it. */
int action_of(enum verdict verdict);
const char *action_name(int action);
/* "drop no-rule", and whatever else is odd. */
void outcome_print(const struct outcome *outcome, const struct frame *frame, char *text, size_t size);

/* Runs rows and reports each; rows of family 0 twice. */
void rows_run(struct fixture *fixture, const struct row *rows);
void row_run(struct fixture *fixture, const struct row *row, int family);
/* Each in a fixture of its own, for each of its families; rules of splicer.o need map_update, or all is skipped. */
void scenarios_run(struct fixture *fixture, const struct scenario *scenarios, size_t count);

/* For row.before: settings of the veth interface; the sk_lookup program linked; the deadlines of all passed. */
void before_detect(struct fixture *fixture, int family);
void before_prevent(struct fixture *fixture, int family);
void before_out_drop(struct fixture *fixture, int family);
void before_echo_pass(struct fixture *fixture, int family);
void before_linked(struct fixture *fixture, int family);
void before_overdue(struct fixture *fixture, int family);

/* ---- what the program remembers ---- */

/* Connections, fragments, splices and sources that are remembered are forgotten. */
void state_forget(struct fixture *fixture);
/* As if seconds had passed since the last packet of each connection. False: the machine is not up so long. */
bool state_age(struct fixture *fixture, unsigned int seconds);
/* Entries of a map. */
size_t state_count(int map);
/* ns of the clock that the program reads */
uint64_t state_now(void);
/* The key of the frame's connection, made as abi/conns.h says. */
void conn_key_of(const struct frame *frame, struct conn_key *key);
/* In which table it stands (enum conn_table); CONN_TABLES: in none. */
int conn_get(const struct fixture *fixture, const struct conn_key *key, struct conn *conn);
/* "unconfirmed handshake 1/0 outbound cut": table, state, packets forward and back, flags; "none" */
#define CONN_TEXT_MAX 96
void conn_print(const struct fixture *fixture, const struct frame *frame, char text[CONN_TEXT_MAX]);

/* Whether this kernel is that one or a later, for what is right to differ. */
bool kernel_has(int major, int minor);

/* TAP. The name is a format. */
void tap_ok(const char *name, ...) __attribute__((format(printf, 1, 2)));
void tap_skip(const char *why, const char *name, ...) __attribute__((format(printf, 2, 3)));
void tap_not_ok(const char *expected, const char *got, const char *name, ...) __attribute__((format(printf, 3, 4)));
void tap_note(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* The plan; returns the exit status. */
int tap_done(void);

/* Random numbers that can be had again: environment PACKET_TEST_SEED. */
struct numbers {
	uint64_t state;
};
struct numbers numbers_seeded(void);
uint64_t numbers_next(struct numbers *numbers);
size_t numbers_below(struct numbers *numbers, size_t limit);
unsigned long numbers_setting(const char *name, unsigned long usual); /* a number in the environment */

/* Rows of header_cases.c that all objects decide by the same code, but for what no header decides. */
extern const struct row header_malformed[], header_neighbour[], header_dhcp[], header_reach[];
/* Those of truncation_cases.c: as rows, and then cut at every byte. */
extern const struct row truncation_shapes[], truncation_without_length[];
void truncation_cuts(struct fixture *fixture);
/* A frame of mutation_cases.c with random bytes changed. */
void mutation_draw(struct numbers *numbers, struct frame *frame);

/* The groups of cases. */
void header_cases(struct fixture *fixture);
void setting_cases(struct fixture *fixture);
void truncation_cases(struct fixture *fixture);
void socket_cases(struct fixture *fixture);
void rule_cases(struct fixture *fixture);
void sweep_cases(struct fixture *fixture);
void oracle_cases(struct fixture *fixture);
void mutation_cases(struct fixture *fixture);
void boundary_cases(struct fixture *fixture);
void fragment_cases(struct fixture *fixture);
void icmp_cases(struct fixture *fixture);
void tracking_cases(struct fixture *fixture);
void flow_cases(struct fixture *fixture);
void memory_cases(struct fixture *fixture);
void mode_cases(struct fixture *fixture);
void flood_cases(struct fixture *fixture);
void duration_cases(struct fixture *fixture);
void tunnel_cases(struct fixture *fixture);
void question_cases(struct fixture *fixture);
void device_cases(struct fixture *fixture);
void event_cases(struct fixture *fixture);
void event_filter_cases(struct fixture *fixture);
void event_oracle_cases(struct fixture *fixture);
void event_ring_cases(struct fixture *fixture);
void event_count_cases(struct fixture *fixture);

void xdp_header_cases(struct fixture *fixture);
void xdp_link_cases(struct fixture *fixture);
void xdp_rule_cases(struct fixture *fixture);
void xdp_fragment_cases(struct fixture *fixture);
void xdp_rate_cases(struct fixture *fixture);
void xdp_event_cases(struct fixture *fixture);
void xdp_count_cases(struct fixture *fixture);
void xdp_oracle_cases(struct fixture *fixture);

void lb_nat_cases(struct fixture *fixture);
void lb_dsr_cases(struct fixture *fixture);
void lb_header_cases(struct fixture *fixture);
void lb_big_cases(struct fixture *fixture);
void lb_icmp_cases(struct fixture *fixture);
void lb_fragment_cases(struct fixture *fixture);
void lb_flow_cases(struct fixture *fixture);
void lb_port_cases(struct fixture *fixture);
void lb_affinity_cases(struct fixture *fixture);
void lb_choice_cases(struct fixture *fixture);
void lb_event_cases(struct fixture *fixture);
void lb_oracle_cases(struct fixture *fixture);

void flow_header_cases(struct fixture *fixture);
void flow_key_cases(struct fixture *fixture);
void flow_count_cases(struct fixture *fixture);
void flow_fragment_cases(struct fixture *fixture);
void flow_tcp_cases(struct fixture *fixture);
void flow_history_cases(struct fixture *fixture);
void flow_begin_cases(struct fixture *fixture);
void flow_place_cases(struct fixture *fixture);
void flow_generation_cases(struct fixture *fixture);
void flow_detail_cases(struct fixture *fixture);
void flow_content_cases(struct fixture *fixture);
void flow_sample_cases(struct fixture *fixture);
void flow_race_cases(struct fixture *fixture);
void flow_oracle_cases(struct fixture *fixture);

/*
 * Inserts a rule: the operands of map_update, or for XDP_FILTER the words of xdp_rules_insert; blank separated, IPv4
 * ones taken to the family as in spec_address.
 */
int rule_insert(struct fixture *fixture, int family, const char *text);

/* Sockets on the loopback address; they exit when they cannot be made. Ports in host byte order. */
int socket_listen(int family, int type, uint16_t port);
int socket_connect(int family, int type, uint16_t port);
uint16_t socket_port(int fd);

#endif
