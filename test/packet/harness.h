/* SPDX-License-Identifier: GPL-2.0-only */
/* The object under test, running frames through it, and telling of the outcome in TAP. */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include "abi/config.h"
#include "abi/reasons.h"
#include "frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VETH_NAME "veth0" /* made by test/packet/run, with an address of each family */
#define VETH_PEER_NAME "veth1"
#define VETH_ADDRESS "192.0.2.1"
#define VETH_ADDRESS6 "2001:db8:c000:201::"
#define COUNT_CPUS_MAX 1024

struct bpf_object;

struct fixture {
	const char *object_path, *pin_dir;
	const char *map_update; /* the tool that inserts rules; NULL: not there */
	int veth, veth_peer;    /* interface indices */
	struct bpf_object *object;
	int program, counts, config, addrs, ifaces;
	int cpus;
	struct splicer_count now[REASON_COUNT]; /* sums over CPUs, after the newest run */
};

enum context { ON_VETH, ON_PEER, ON_LOOPBACK, NO_CONTEXT };

/* What a frame did. */
struct outcome {
	int error;          /* errno of the run; the rest says nothing then */
	int action;         /* TC_ACT_* */
	enum reason reason; /* whose counter moved; the last, when several did */
	int moved;          /* packets, over all reasons */
	int64_t bytes;      /* that the counters moved by */
	bool same;          /* the frame came out as it went in */
};

/* One row of a table: a frame and what is to become of it. */
struct row {
	const char *name; /* NULL ends a table */
	struct spec spec; /* family 0: run for both families */
	enum context context;
	enum reason reason;
};

/* Loads the object afresh: no pins from before, so empty maps. Exits when that cannot be. */
void fixture_open(struct fixture *fixture);
/* Takes the pins away. */
void fixture_close(struct fixture *fixture);

void fixture_set_rules_seen(struct fixture *fixture, uint32_t seen);
/* Makes text (an address of the family) one of the interface's own. */
void fixture_add_address(struct fixture *fixture, int ifindex, int family, const char *text);
/* Says a value of an interface (SPLICER_IFACE_ANY: of all), as iface_set does; takes all such words back. */
void fixture_set(struct fixture *fixture, int ifindex, enum splicer_setting setting, uint8_t value);
void fixture_clear_settings(struct fixture *fixture);

void fixture_run(struct fixture *fixture, enum context context, const struct frame *frame, struct outcome *outcome);
/* Whether everything is as it must be when this reason decides. */
bool outcome_is(const struct outcome *outcome, enum reason reason, const struct frame *frame);
/* "drop no-rule", and whatever else is odd. */
void outcome_print(const struct outcome *outcome, const struct frame *frame, char *text, size_t size);

/* Runs rows and reports each; rows of family 0 twice. */
void rows_run(struct fixture *fixture, const struct row *rows);
void row_run(struct fixture *fixture, const struct row *row, int family);

const char *reason_name(enum reason reason);

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

/* The groups of cases. */
void header_cases(struct fixture *fixture);
void setting_cases(struct fixture *fixture);
void truncation_cases(struct fixture *fixture);
void socket_cases(struct fixture *fixture);
void rule_cases(struct fixture *fixture);
void sweep_cases(struct fixture *fixture);
void oracle_cases(struct fixture *fixture);
void mutation_cases(struct fixture *fixture);

/* Inserts a rule: the operands of map_update, blank separated, IPv4 ones taken to the family as in spec_address. */
int rule_insert(struct fixture *fixture, int family, const char *text);

/* Sockets on the loopback address; they exit when they cannot be made. Ports in host byte order. */
int socket_listen(int family, int type, uint16_t port);
int socket_connect(int family, int type, uint16_t port);
uint16_t socket_port(int fd);

#endif
