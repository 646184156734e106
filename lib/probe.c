/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe.h"

#include "clock.h"
#include "probe_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that are for other things than probes. */
#define OTHER_FILES 64

static const struct probe_ops *const kinds[] = {
	[PROBE_TCP] = &probe_tcp,
	[PROBE_HTTP] = &probe_http,
	[PROBE_ICMP] = &probe_icmp,
	[PROBE_COMMAND] = &probe_command,
};

const char *probe_kind_name(enum probe_kind kind)
{
	return kinds[kind]->name;
}

/* ---- results ---- */

int probe_end(struct probe *probe, enum probe_result result, const char *format, ...)
{
	va_list arguments;

	probe->outcome.result = result;
	va_start(arguments, format);
	vsnprintf(probe->outcome.why, sizeof(probe->outcome.why), format, arguments);
	va_end(arguments);
	return -1;
}

static bool is_shortage(int number)
{
	static const int shortages[] = { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL };

	for (size_t i = 0; i < sizeof(shortages) / sizeof(shortages[0]); i++)
		if (number == shortages[i])
			return true;
	return false;
}

int probe_end_errno(struct probe *probe, int number)
{
	return probe_end(probe, is_shortage(number) ? PROBE_NOT_MADE : PROBE_FAILURE, "%s", strerror(number));
}

static void hand_over(struct prober *prober, struct probe *probe)
{
	probe->outcome.took = clock_now() - probe->begun;
	probe->active = false;
	prober->done(prober->context, probe);
}

static void running_remove(struct prober *prober, const struct probe *probe)
{
	for (size_t i = 0; i < prober->count; i++)
		if (prober->running[i] == probe) {
			prober->running[i] = prober->running[--prober->count];
			return;
		}
}

void probe_finish(struct prober *prober, struct probe *probe)
{
	kinds[probe->how->kind]->stop(prober, probe);
	running_remove(prober, probe);
	hand_over(prober, probe);
}

/* ---- beginning ---- */

void prober_start(struct prober *prober, struct probe *probe)
{
	probe->active = true;
	probe->next = NULL;
	if (prober->last)
		prober->last->next = probe;
	else
		prober->first = probe;
	prober->last = probe;
}

static struct probe *waiting_take(struct prober *prober)
{
	struct probe *probe = prober->first;

	prober->first = probe->next;
	if (!prober->first)
		prober->last = NULL;
	return probe;
}

static void waiting_remove(struct prober *prober, const struct probe *probe)
{
	struct probe *before = NULL, *at = prober->first;

	for (; at && at != probe; at = at->next)
		before = at;
	if (!at)
		return;
	if (before)
		before->next = at->next;
	else
		prober->first = at->next;
	if (prober->last == at)
		prober->last = before;
}

static void begin(struct prober *prober, struct probe *probe)
{
	probe->outcome.why[0] = '\0';
	probe->begun = clock_now();
	probe->deadline = probe->begun + probe->how->timeout;
	if (kinds[probe->how->kind]->start(prober, probe))
		hand_over(prober, probe);
	else
		prober->running[prober->count++] = probe;
}

/* Those that were waiting when this was called, as many as there is room for. */
static void begin_waiting(struct prober *prober)
{
	const struct probe *last = prober->last;
	struct probe *probe = NULL;

	while (prober->first && probe != last && prober->count < prober->limit) {
		probe = waiting_take(prober);
		begin(prober, probe);
	}
}

void prober_drop(struct prober *prober, struct probe *probe)
{
	size_t before = prober->count;

	waiting_remove(prober, probe);
	running_remove(prober, probe);
	if (prober->count != before)
		kinds[probe->how->kind]->stop(prober, probe);
	probe->active = false;
}

bool prober_busy(const struct prober *prober)
{
	return prober->count || prober->first;
}

/* ---- waiting ---- */

/* The caller's time between two waits is a gift to all. */
static void deadlines_move(struct prober *prober)
{
	uint64_t away = clock_now() - prober->left;

	for (size_t i = 0; i < prober->count; i++)
		prober->running[i]->deadline += away;
}

static void deadlines_check(struct prober *prober)
{
	uint64_t now = clock_now();

	for (size_t i = prober->count; i-- > 0;) {
		struct probe *probe = prober->running[i];

		if (probe->deadline > now)
			continue;
		probe_end(probe, PROBE_FAILURE, "%s within %g s", kinds[probe->how->kind]->late,
			  (double)probe->how->timeout / CLOCK_SECOND);
		probe_finish(prober, probe);
	}
}

/* Milliseconds until the next deadline, or as the caller has it; 0 while there are some to begin. */
static int wait_ms(const struct prober *prober, uint64_t ns)
{
	uint64_t now = clock_now(), until = now + ns;

	if (prober->first && prober->count < prober->limit)
		return 0;
	for (size_t i = 0; i < prober->count; i++)
		if (prober->running[i]->deadline < until)
			until = prober->running[i]->deadline;
	return until > now ? (int)((until - now + 999999) / 1000000) : 0;
}

/* What curl does not know of: the caller's, sockets for echoes, commands. The probe of each, if it is of one. */
struct others {
	struct curl_waitfd fds[PROBES_MAX + 3];
	struct probe *probes[PROBES_MAX + 3];
	unsigned int count;
};

static void others_add(struct others *others, int fd, struct probe *probe)
{
	others->fds[others->count] = (struct curl_waitfd){ .fd = fd, .events = CURL_WAIT_POLLIN };
	others->probes[others->count++] = probe;
}

static void others_list(const struct prober *prober, int other, struct others *others)
{
	others->count = 0;
	if (other >= 0)
		others_add(others, other, NULL);
	for (size_t i = 0; i < 2; i++)
		if (prober->echo[i].fd >= 0)
			others_add(others, prober->echo[i].fd, NULL);
	for (size_t i = 0; i < prober->count; i++)
		if (prober->running[i]->how->kind == PROBE_COMMAND)
			others_add(others, prober->running[i]->state.command.fd, prober->running[i]);
}

/* Whether the caller's descriptor is among those that have something. */
static bool others_collect(struct prober *prober, int other, const struct others *others)
{
	bool ours = false;

	for (unsigned int i = 0; i < others->count; i++) {
		if (!others->fds[i].revents)
			continue;
		if (others->probes[i])
			probe_collect_command(prober, others->probes[i]);
		ours |= other >= 0 && others->fds[i].fd == other;
	}
	for (size_t i = 0; i < 2; i++)
		if (prober->echo[i].fd >= 0)
			probes_collect_echoes(prober, &prober->echo[i]);
	return ours;
}

int prober_wait(struct prober *prober, uint64_t ns, int other, struct error *error)
{
	static struct others others; /* 12 KiB */
	bool ours = false;
	CURLMcode code;

	deadlines_move(prober);
	begin_waiting(prober);
	others_list(prober, other, &others);
	code = curl_multi_poll(prober->multi, others.fds, others.count, wait_ms(prober, ns), NULL);
	if (code == CURLM_OK) {
		/* first all that came, so that whoever did answer is not late because we are */
		ours = others_collect(prober, other, &others);
		probes_collect_curl(prober);
		deadlines_check(prober);
	}
	probes_reap(prober);
	prober->left = clock_now();
	return code == CURLM_OK ? ours : error_state(error, "probes", "%s", curl_multi_strerror(code));
}

/* ---- the whole ---- */

static size_t files_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > PROBES_MAX + OTHER_FILES)
		return PROBES_MAX;
	return limit.rlim_cur > OTHER_FILES ? limit.rlim_cur - OTHER_FILES : 1;
}

struct prober *prober_open(probe_done *done, void *context, struct error *error)
{
	struct prober *prober = calloc(1, sizeof(*prober));

	if (!prober || curl_global_init(CURL_GLOBAL_DEFAULT) || !(prober->multi = curl_multi_init()) ||
	    getrandom(&prober->echo_nonce, sizeof(prober->echo_nonce), 0) < 0) {
		errno = ENOMEM;
		error_errno(error, "probes");
		free(prober);
		return NULL;
	}
	prober->done = done;
	prober->context = context;
	prober->echo[0].fd = prober->echo[1].fd = -1;
	prober->limit = files_limit();
	prober->left = clock_now();
	return prober;
}

void prober_close(struct prober *prober)
{
	if (!prober)
		return;
	while (prober->first)
		prober_drop(prober, prober->first);
	while (prober->count)
		prober_drop(prober, prober->running[0]);
	for (size_t i = 0; i < 2; i++)
		if (prober->echo[i].fd >= 0)
			close(prober->echo[i].fd);
	curl_multi_cleanup(prober->multi);
	curl_global_cleanup();
	free(prober->killed);
	free(prober);
}
