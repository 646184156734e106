/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signs of attack: what kinds there are, what is said of one, and how it is looked for. A kind is one row of a table,
 * from which options, the output, the list of signs and the manual derive, and one function that looks for it.
 */
#ifndef SPLICER_SIGNS_H
#define SPLICER_SIGNS_H

#include "contacts.h"
#include "error.h"
#include "ledger.h"
#include "service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sign_kind {
	SIGN_PORT_SCAN,
	SIGN_ADDRESS_SCAN,
	SIGN_SYN_FLOOD,
	SIGN_FAILED,
	SIGN_LOGINS,
	SIGN_BEACON,
	SIGN_ENTROPY,
	SIGN_NEW_TALKER,
	SIGN_VOLUME,
	SIGN_KINDS
};

/* What is said of one. */
struct sign {
	enum sign_kind kind;
	uint8_t family;
	bool has_src, has_dst, has_dport;
	uint8_t src[16], dst[16];
	uint16_t dport;
	int16_t proto;                        /* -1: none in particular */
	enum service service;                 /* SERVICE_NONE: none in particular */
	uint32_t ifindex;                     /* 0: none in particular */
	bool is_proven;                       /* src completed a handshake, so it is no forgery */
	double observed, expected, threshold; /* in the unit of the kind */
	uint64_t samples;                     /* what that was observed in */
	uint64_t sources;                     /* distinct ones, where the kind counts them; 0: it does not */
	bool is_least;                        /* flow.o gave places of sessions to others: it may be more */
	uint64_t since, until;                /* the time that it was observed in, by the clock of contacts */
};

#define SIGN_SETTINGS_MAX 4

/* A threshold that can be set: KIND.NAME=VALUE. */
struct sign_setting {
	const char *name;
	double value, least, most;
	const char *meaning;
};

/* What detectors are shown: all that lies before `now`, live or, of what was counted long ago, window after window. */
struct moment {
	uint64_t now;                        /* clock of contacts */
	uint64_t before;                     /* the moment before this one; 0: there was none */
	uint64_t window;                     /* ns */
	const struct contact *const *recent; /* whose start is in (now - window, now], oldest first */
	size_t recent_count;
	const struct contact *const *all; /* whose start is before `now`, in no order; also those that ended */
	size_t all_count;
	uint64_t evicted;       /* of contacts, since the moment before */
	bool is_last_of_window; /* windows that do not overlap, one of which ends at this moment */
};

struct signs;

/* Looks for signs of its kind and says them with sign_found. -1 without memory. */
typedef int sign_look(struct signs *signs, const struct moment *moment, struct error *error);

struct sign_row {
	const char *name;
	const char *subject;  /* what it is said of */
	const char *observed; /* one line each, as the manual has them */
	const char *expected;
	const char *rule;
	const char *unit;   /* of observed, expected and threshold */
	const char *text;   /* what is told of one: %o is what was observed, %n samples, %a sources */
	bool is_for_bans;   /* src is who does it, and may be shut out */
	bool needs_profile; /* there is nothing to say without --against */
	sign_look *look;
	struct sign_setting settings[SIGN_SETTINGS_MAX]; /* up to the first without a name */
};

extern const struct sign_row sign_rows[SIGN_KINDS];

/* Takes what detectors find. */
typedef void sign_take(void *context, const struct sign *sign);

struct profile; /* profile.h */
struct repeats; /* repeats.h: what was said lately */

/* What all detectors share; opened with signs_open, released with signs_close. */
struct signs {
	double settings[SIGN_KINDS][SIGN_SETTINGS_MAX]; /* in force */
	bool wanted[SIGN_KINDS];
	const struct profile *against; /* what is usual; NULL: nothing is known */
	struct profile *learn;         /* takes what is seen; NULL: nothing is learned */
	/* what outlives a window, of whom it is; who looks opens it */
	struct ledger beats;    /* signbeacon.c */
	struct ledger usual;    /* signentropy.c */
	bool usual_failed;      /* there was no memory */
	struct ledger talkers;  /* signprofile.c */
	uint64_t talkers_until; /* the sums are of the time up to then */
	struct repeats *repeats;
	uint64_t seed;  /* of hashes */
	uint64_t again; /* ns until the same is said again */
	sign_take *take;
	void *context;
};

int signs_open(struct signs *signs, struct error *error);
void signs_close(struct signs *signs);

/* "KIND.NAME=VALUE"; EXIT_USAGE errors name the choices. */
int signs_set(struct signs *signs, const char *text, struct error *error);

/* "KIND,KIND...": only these are looked for. */
int signs_choose(struct signs *signs, const char *text, struct error *error);

/* The value of a setting, by its name in the row. */
double sign_setting(const struct signs *signs, enum sign_kind kind, const char *name);

/* "KIND.NAME=VALUE" of all settings in force, one line each, or the whole table as JSON. */
void signs_list(const struct signs *signs, bool json);

/* All kinds that are wanted, in their order. */
int signs_look(struct signs *signs, const struct moment *moment, struct error *error);

/*
 * What a subject was found to have: while a profile is learned, it becomes a part of it at the end of a window.
 * Otherwise it is a sign where the rule of the kind says so and, with signs->against, no window that was learned from
 * had as much; sign->expected is the learned mean then, and the threshold no less than the most that was learned.
 */
void sign_judge(struct signs *signs, const struct moment *moment, struct sign *sign, bool is_sign);

/* The learned mean of what subjects of a kind have, or without a profile what is said instead. */
double sign_expected(const struct signs *signs, enum sign_kind kind, double otherwise);

/*
 * One was found. It is handed on unless the same subject (kind, addresses, protocol, port, service) was within
 * signs->again. Without sign->until it was observed in the window of the moment. While a profile is learned, nothing is
 * handed on: what is observed is learned as usual.
 */
void sign_found(struct signs *signs, const struct moment *moment, const struct sign *sign);

/* A sign of a kind with the subject of a contact filled in as far as the arguments say; without ports it has none. */
#define SIGN_OF_SRC 1
#define SIGN_OF_DST 2
#define SIGN_OF_DPORT 4
#define SIGN_OF_PROTO 8
#define SIGN_OF_SERVICE 16
struct sign sign_of(enum sign_kind kind, const struct contact *contact, unsigned int parts);

/* ---- the functions of the rows ---- */

sign_look signs_look_port_scan, signs_look_address_scan; /* signscan.c */
sign_look signs_look_syn_flood;                          /* signflood.c */
sign_look signs_look_failed, signs_look_logins;          /* signfail.c */
sign_look signs_look_beacon;                             /* signbeacon.c */
sign_look signs_look_entropy;                            /* signentropy.c */
sign_look signs_look_new_talker, signs_look_volume;      /* signprofile.c */

#endif
