/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one seam to bpf(2): pinned maps opened and verified, the writers' lock, the namespace rule.
 */
#ifndef SPLICER_PIN_H
#define SPLICER_PIN_H

#include "abi/config.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where iproute2 pins the maps of a tc program (LIBBPF_PIN_BY_NAME). */
#define PIN_DIR_DEFAULT "/sys/fs/bpf/tc/globals"

/* Whose maps a tool needs. Those of the other objects may be there or not. */
enum pins_of {
	PINS_SHARED, /* of all: configuration, counters, events */
	PINS_SPLICER,
	PINS_XDP,
	PINS_LB,
	PINS_FLOW,
};

struct pins {
	const char *dir;
	int dir_fd;
	enum pins_of of;               /* whose maps are needed */
	struct splicer_config *config; /* shared with the programs */
};

/* What a pinned map must be; anything else is refused before the first write. */
struct pin_shape {
	const char *name; /* in the pin directory */
	enum pins_of of;
	uint32_t type;                              /* enum bpf_map_type */
	uint32_t key_size, value_size, max_entries; /* bytes, bytes, entries */
	uint32_t flags;
};

extern const struct pin_shape pin_config, pin_counts, pin_addrs, pin_rules, pin_ifaces, pin_tunnels, pin_conns,
	pin_event_control, pin_event_slots, pin_event_rings, pin_xdp_rules, pin_xdp_tally, pin_xdp_sources,
	pin_lb_services, pin_lb_vips, pin_lb_backends, pin_lb_flows, pin_lb_clients, pin_lb_frags, pin_lb_stats,
	pin_flow_sessions, pin_flow_packets, pin_flow_frags;

/*
 * Opens the pin directory and the configuration, and refuses (EXIT_STATE) when the object was never attached, when
 * others than root and the caller could write directory or pins (trust.h), when the maps speak another ABI, or when
 * they belong to another network namespace than the caller's. With `claim` the first tool to come records its own; a
 * tool that changes nothing only compares.
 */
int pins_open(struct pins *pins, const char *dir, enum pins_of of, bool claim, struct error *error);

/* What a program that goes on without them owes; one that ends need not. */
void pins_close(struct pins *pins);

/* Whether something is pinned under its name: maps of an object that was never attached are not there. */
bool pin_is_there(const struct pins *pins, const struct pin_shape *shape);

/* The descriptor of a pinned map of exactly this shape, which nobody else could have put there; or -1. */
int pin_open(const struct pins *pins, const struct pin_shape *shape, struct error *error);

/* The map in a slot of an opened map of maps, whatever its shape; -1 with errno. */
int pin_inner_open(int outer, uint32_t slot);

/* The id of a pinned map, which tells it from others that were pinned here before or after. */
int pin_id(const struct pins *pins, const struct pin_shape *shape, uint32_t *id, struct error *error);

/* That of the configuration, which every set of maps has. */
int pins_id(const struct pins *pins, uint32_t *id, struct error *error);

/* The values of a mmapable pinned array of this shape, shared with the programs; NULL with *error. */
void *pin_map(const struct pins *pins, const struct pin_shape *shape, struct error *error);

/* Gives what pin_map returned back; NULL is nothing. */
void pin_unmap(const struct pin_shape *shape, void *memory);

/* Waits for the writers' lock; it goes with the process, however that ends, or with pins_unlock. */
int pins_lock(const struct pins *pins, struct error *error);
void pins_unlock(const struct pins *pins);

#endif
