/* SPDX-License-Identifier: GPL-2.0-only */
#include "ownwatch.h"

#include "iface.h"
#include "ownaddr.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A change seldom comes alone: milliseconds of silence that end a burst, and how many times one is waited for. */
#define QUIET_MS 20
#define QUIET_ROUNDS 10
#define RETRY_MS 1000

struct watch {
	const struct pins *pins;
	uint32_t id;           /* of the maps as it began */
	int changes, removals; /* descriptors: of the network, of the pin directory */
	own_address_callback *tell;
	void *context;
};

static int pins_check(const struct watch *watch, struct error *error)
{
	uint32_t id;

	if (pins_id(watch->pins, &id, error))
		return -1;
	return id == watch->id ? 0 : error_state(error, watch->pins->dir, "the maps were removed and made anew");
}

/* Merges two sorted lists: what is in one only was deleted or added. */
static void changes_tell(const struct watch *watch, const struct own_addresses *before,
			 const struct own_addresses *after)
{
	size_t b = 0, a = 0;

	while (b < before->count || a < after->count) {
		int order = b == before->count  ? 1
			    : a == after->count ? -1
						: memcmp(&before->items[b], &after->items[a], sizeof(*before->items));

		if (order < 0)
			watch->tell(watch->context, 'D', &before->items[b]);
		else if (order > 0)
			watch->tell(watch->context, 'A', &after->items[a]);
		b += order <= 0;
		a += order >= 0;
	}
}

static int sync_locked(const struct watch *watch, struct own_addresses *before, struct own_addresses *after,
		       struct error *error)
{
	if (watch->tell && own_addresses_read(watch->pins, before, error))
		return -1;
	if (own_addresses_sync(watch->pins, error) || ifaces_forget_gone(watch->pins, error))
		return -1;
	return watch->tell ? own_addresses_read(watch->pins, after, error) : 0;
}

static int watch_sync(const struct watch *watch, struct error *error)
{
	struct own_addresses before = { 0 }, after = { 0 };
	int result = pins_lock(watch->pins, error);

	if (!result) {
		result = sync_locked(watch, &before, &after, error);
		pins_unlock(watch->pins);
	}
	/* not under the lock: standard output may block */
	if (!result && watch->tell)
		changes_tell(watch, &before, &after);
	free(before.items);
	free(after.items);
	return result;
}

static void removals_drain(int fd)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* Until something changed, and until it is quiet again or has been busy for a while. */
static void watch_wait(const struct watch *watch, int timeout)
{
	struct pollfd fds[] = { { .fd = watch->changes, .events = POLLIN },
				{ .fd = watch->removals, .events = POLLIN } };

	for (int rounds = 0; rounds < QUIET_ROUNDS && poll(fds, 2, timeout) > 0; rounds++) {
		netlink_changes_drain(watch->changes);
		removals_drain(watch->removals);
		timeout = QUIET_MS;
	}
}

static int watch_follow(const struct watch *watch, struct error *error)
{
	for (;;) {
		int timeout = -1;

		if (pins_check(watch, error))
			return -1;
		if (watch_sync(watch, error)) {
			error_print(error);
			timeout = RETRY_MS;
		}
		if (fflush(stdout) || ferror(stdout))
			return error_state(error, "stdout", "cannot be written");
		watch_wait(watch, timeout);
	}
}

/* Listens before the first look, so that no change is missed between the two. */
static int watch_open(struct watch *watch, struct error *error)
{
	const char *dir = watch->pins->dir;

	watch->changes = netlink_changes_open(error);
	if (watch->changes < 0)
		return -1;
	watch->removals = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->removals < 0 ||
	    inotify_add_watch(watch->removals, dir, IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF) < 0)
		return error_errno(error, dir);
	return pins_id(watch->pins, &watch->id, error);
}

int own_addresses_watch(const struct pins *pins, own_address_callback *tell, void *context, struct error *error)
{
	struct watch watch = { .pins = pins, .changes = -1, .removals = -1, .tell = tell, .context = context };

	if (!watch_open(&watch, error))
		watch_follow(&watch, error);
	if (watch.changes >= 0)
		close(watch.changes);
	if (watch.removals >= 0)
		close(watch.removals);
	return -1;
}
