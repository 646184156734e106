/* SPDX-License-Identifier: GPL-2.0-only */
/* Services and backends of the load balancer (abi/lb.h) as text. */
#ifndef SPLICER_LBTEXT_H
#define SPLICER_LBTEXT_H

#include "abi/lb.h"
#include "error.h"
#include "prefix.h"

#include <stdbool.h>
#include <stdint.h>

/* Which packets a service is for. No two services have the same. */
struct lb_name {
	uint8_t family;     /* 4 or 6 */
	uint8_t proto;      /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t low, high; /* ports, host byte order, both included; 0-65535: any */
	uint8_t addr[16];   /* as in struct prefix */
};

/* A backend of a service, which has no two that are the same. */
struct lb_target {
	uint8_t family;   /* 4 or 6 */
	uint16_t port;    /* host byte order; 0: the one that the packet came to */
	uint8_t addr[16]; /* as in struct prefix */
};

#define LB_TEXT_MAX 80 /* bytes that the functions below write at most, with the terminator */
#define LB_WEIGHT_MAX 65535
#define LB_AFFINITY_MAX 31536000 /* seconds: a year */

/* "192.0.2.1:443/tcp", "[2001:db8::1]:5000-5999/udp", "192.0.2.1:any/udp", of which the '*' is another form. */
int lb_name_parse(const char *text, struct lb_name *out, struct error *error);
char *lb_name_format(const struct lb_name *name, char buf[LB_TEXT_MAX]);

/* "10.0.0.2:8080", "[2001:db8::2]:8080"; and without a port, or with the port '*' or "any": "10.0.0.2", "2001:db8::2".
 */
int lb_target_parse(const char *text, struct lb_target *out, struct error *error);
char *lb_target_format(const struct lb_target *target, char buf[LB_TEXT_MAX]);

/* As qsort(3) has it: by family, address, protocol and port, IPv4 first. */
int lb_name_order(const struct lb_name *a, const struct lb_name *b);
int lb_target_order(const struct lb_target *a, const struct lb_target *b);

/* How two services lie to each other. */
enum lb_overlap { LB_APART, LB_SAME, LB_INSIDE, LB_AROUND, LB_ACROSS };
enum lb_overlap lb_name_overlap(const struct lb_name *a, const struct lb_name *b);

/* To the fields of struct lb_backend and back. */
struct lb_target lb_target_of(const struct lb_backend *backend);
void lb_target_put(const struct lb_target *target, struct lb_backend *backend);

int lb_weight_parse(const char *text, uint32_t *out, struct error *error);

/* The word of an enum lb_mode: "nat". */
const char *lb_mode_name(unsigned int mode);

/* "up", "down", "drained" or "drained+down": of lb_backend.flags. */
const char *lb_state_name(unsigned int flags);

/* What was said of a service, in words like affinity=60. */
struct lb_settings {
	bool has_affinity, has_mode, has_source;
	uint32_t affinity;
	uint8_t mode;
	struct prefix source; /* family 0: source=auto, the kernel is asked */
};

/* One word; what was said before of another setting stays. One that is said twice is an error. */
int lb_setting_parse(const char *text, struct lb_settings *settings, struct error *error);

#define LB_SETTINGS_TEXT_MAX 128

/* The words for what was said: "mode=dsr affinity=60"; "" for nothing. */
char *lb_settings_format(const struct lb_settings *settings, char buf[LB_SETTINGS_TEXT_MAX]);

#endif
