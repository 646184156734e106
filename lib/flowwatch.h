/* SPDX-License-Identifier: GPL-2.0-only */
/* What flow_watch does: looks at sessions again and again, or once at all that there is, for signs of attack. */
#ifndef SPLICER_FLOWWATCH_H
#define SPLICER_FLOWWATCH_H

#include "contacts.h"
#include "error.h"
#include "flowselect.h"
#include "signout.h"
#include "signs.h"

#include <stdbool.h>
#include <stdint.h>

#define WATCH_INTERVAL 10 /* seconds */
#define WATCH_WINDOW 60
#define WATCH_AGAIN 300
#define WATCH_MOST 262144 /* contacts */

/* What is asked for; released with flowwatch_close. */
struct flowwatch {
	const char *pin_dir;
	struct flow_selector selector;
	uint64_t interval, window; /* seconds */
	uint64_t most;             /* contacts */
	const char *learn, *against;
	bool once, quiet, verbose;
	struct signs signs;
	struct signout out;
	/* Its own. */
	struct contacts contacts;
	struct profile *learned, *usual;
	uint64_t begun;   /* the first look */
	uint64_t dropped; /* what the profile that is learned had no room for, as it was told last */
};

/*
 * Until SIGINT or SIGTERM, or stdout takes no more; or once. Returns 0 also when stdout could not be written: errno and
 * output_finish (error.h) tell.
 */
int flowwatch_run(struct flowwatch *watch, struct error *error);

void flowwatch_close(struct flowwatch *watch);

#endif
