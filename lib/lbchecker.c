/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbchecker.h"

#include "clock.h"
#include "lbcheckout.h"
#include "lbset.h"
#include "pin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* So long a change waits for others of the same moment: each is a new table of the service. */
#define GATHER_NS (CLOCK_SECOND / 10)

/* What may pass: it is told once, and again when it is another. */
struct trouble {
	char told[sizeof(((struct error *)0)->text)]; /* "": there is none */
};

struct checker {
	const struct lb_check *check;
	bool once;
	struct prober *prober;
	struct lb_targets targets;
	int signals;      /* signalfd */
	uint64_t pending; /* clock_now of the first change that was not made yet; 0: none */
	struct trouble reading, writing;
};

/* ---- signals ---- */

/* They are read from a descriptor; the second one ends the process as usual. */
static int signals_open(struct error *error)
{
	sigset_t ours;
	int fd;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_errno(error, "signals") : fd;
}

static void signals_take(int fd)
{
	struct signalfd_siginfo info;
	sigset_t ours;

	if (read(fd, &info, sizeof(info)) < 0)
		return;
	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

/* ---- results ---- */

static bool wants_change(const struct lb_probed *probed)
{
	return probed->health.up == probed->down;
}

static void unprobed_tell(const struct checker *checker, struct lb_probed *probed)
{
	if (checker->once || checker->check->quiet || !strcmp(probed->told, probed->probe.outcome.why))
		return;
	memcpy(probed->told, probed->probe.outcome.why, sizeof(probed->told));
	lb_unprobed_note(probed);
}

static void outcome_take(const struct checker *checker, struct lb_probed *probed)
{
	const struct probe_outcome *outcome = &probed->probe.outcome;

	probed->told[0] = '\0';
	if (health_take(&probed->health, &checker->check->rule, outcome->result == PROBE_SUCCESS))
		probed->decisive = *outcome;
}

static void result_take(void *context, struct probe *probe)
{
	struct checker *checker = context;
	struct lb_probed *probed = probe->owner;

	if (probe->outcome.result == PROBE_NOT_MADE)
		unprobed_tell(checker, probed);
	else
		outcome_take(checker, probed);
	if (wants_change(probed) && !checker->pending)
		checker->pending = clock_now();
	if (checker->check->verbose && !checker->once)
		lb_result_print(probed, checker->check->json);
}

/* ---- making changes ---- */

static size_t verdicts_list(const struct checker *checker, struct lb_verdict *verdicts)
{
	size_t count = 0;

	for (size_t i = 0; i < checker->targets.count; i++) {
		const struct lb_probed *probed = checker->targets.items[i];

		if (wants_change(probed))
			verdicts[count++] = (struct lb_verdict){
				.service = probed->service,
				.backend = probed->backend,
				.down = !probed->health.up,
				.letter = 'C',
			};
	}
	return count;
}

/* What each verdict came to. Who is gone meanwhile is not told: the next round does not have it. */
static void verdicts_take(struct checker *checker, const struct lb_verdict *verdicts)
{
	for (size_t i = 0; i < checker->targets.count; i++) {
		struct lb_probed *probed = checker->targets.items[i];

		probed->changed = wants_change(probed) && verdicts->letter == 'C';
		if (!wants_change(probed))
			continue;
		verdicts++;
		probed->down = !probed->health.up;
		if (!checker->check->dry_run)
			probed->stored = probed->down;
		if (probed->changed && !checker->once)
			lb_change_print(probed, checker->check->json);
	}
}

static int verdicts_write(const struct lb_check *check, struct lb_verdict *verdicts, size_t count, struct error *error)
{
	struct pins pins;
	int result;

	if (check->dry_run || !count)
		return 0;
	if (pins_open(&pins, check->pin_dir, PINS_LB, true, error))
		return -1;
	result = lbset_mark(&pins, verdicts, count, error);
	pins_close(&pins);
	return result;
}

/* All that are due, in one change of each service. */
static int changes_make(struct checker *checker, struct error *error)
{
	struct lb_verdict *verdicts = calloc(checker->targets.count + 1, sizeof(*verdicts));
	int result;

	if (!verdicts)
		return error_errno(error, "backends");
	result = verdicts_write(checker->check, verdicts, verdicts_list(checker, verdicts), error);
	if (!result)
		verdicts_take(checker, verdicts);
	free(verdicts);
	checker->pending = 0;
	return result;
}

/* ---- a round ---- */

static int set_read(struct checker *checker, const struct pins *pins, struct error *error)
{
	const struct lb_check *check = checker->check;
	struct lbset set;
	int result = 0;

	if (lbset_open(pins, &set, error))
		return -1;
	if (checker->once)
		result = lb_select_check(&check->select, &set, error);
	if (!result)
		result = lb_targets_read(&checker->targets, &set, &check->select, &check->how, checker->prober, error);
	lbset_close(&set);
	return result;
}

/* By name each time: the maps may be made anew while this runs. */
static int targets_read(struct checker *checker, struct error *error)
{
	struct pins pins;
	int result;

	if (pins_open(&pins, checker->check->pin_dir, PINS_LB, !checker->check->dry_run, error))
		return -1;
	result = set_read(checker, &pins, error);
	pins_close(&pins);
	return result;
}

static void target_start(struct checker *checker, struct lb_probed *probed)
{
	struct probe *probe = &probed->probe;

	if (lb_probed_has_port(probed)) {
		prober_start(checker->prober, probe);
		return;
	}
	probe->outcome.result = PROBE_NOT_MADE;
	snprintf(probe->outcome.why, sizeof(probe->outcome.why), "which port? it keeps that of the packet (--port)");
	result_take(checker, probe);
}

/* Who has not answered in the round before is asked still. */
static void round_start(struct checker *checker)
{
	for (size_t i = 0; i < checker->targets.count; i++)
		if (!checker->targets.items[i]->probe.active)
			target_start(checker, checker->targets.items[i]);
}

/* ---- the whole ---- */

static int checker_open(struct checker *checker, const struct lb_check *check, struct error *error)
{
	checker->check = check;
	checker->signals = signals_open(error);
	if (checker->signals < 0)
		return -1;
	checker->prober = prober_open(result_take, checker, error);
	if (checker->prober)
		return 0;
	close(checker->signals);
	return -1;
}

static void checker_close(struct checker *checker)
{
	lb_targets_free(&checker->targets, checker->prober);
	prober_close(checker->prober);
	close(checker->signals);
}

static int round_finish(struct checker *checker, struct error *error)
{
	while (prober_busy(checker->prober)) {
		int ended = prober_wait(checker->prober, CLOCK_SECOND, checker->signals, error);

		if (ended > 0) {
			signals_take(checker->signals);
			return error_state(error, "signal", "ended before all were probed; nothing was changed");
		}
		if (ended < 0)
			return -1;
	}
	return 0;
}

static bool all_healthy(const struct lb_targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		if (targets->items[i]->probe.outcome.result != PROBE_SUCCESS)
			return false;
	return true;
}

int lb_check_once(const struct lb_check *check, bool *healthy, struct error *error)
{
	struct checker checker = { .once = true };
	struct lb_check single = *check;
	int result;

	single.rule = (struct health_rule){ .rise = 1, .fall = 1 };
	if (checker_open(&checker, &single, error))
		return -1;
	result = targets_read(&checker, error);
	if (!result) {
		round_start(&checker);
		result = round_finish(&checker, error);
	}
	if (!result)
		result = changes_make(&checker, error);
	if (!result) {
		lb_results_print(&checker.targets, check->json);
		*healthy = all_healthy(&checker.targets);
	}
	checker_close(&checker);
	return result;
}

static void trouble_tell(struct trouble *trouble, const struct error *error)
{
	if (!strcmp(trouble->told, error->text))
		return;
	memcpy(trouble->told, error->text, sizeof(trouble->told));
	error_print(error);
}

static void round_next(struct checker *checker)
{
	struct error error;

	if (targets_read(checker, &error))
		trouble_tell(&checker->reading, &error);
	else
		checker->reading.told[0] = '\0';
	round_start(checker);
}

/* After the time to gather, or when there is nothing to wait for. What failed is tried again after the next result. */
static void changes_next(struct checker *checker)
{
	struct error error;

	if (!checker->pending)
		return;
	if (prober_busy(checker->prober) && clock_now() - checker->pending < GATHER_NS)
		return;
	if (changes_make(checker, &error))
		trouble_tell(&checker->writing, &error);
	else
		checker->writing.told[0] = '\0';
}

static uint64_t time_left(const struct checker *checker, uint64_t next)
{
	uint64_t now = clock_now(), until = next;

	if (checker->pending && checker->pending + GATHER_NS < until)
		until = checker->pending + GATHER_NS;
	return until > now ? until - now : 0;
}

static int rounds_run(struct checker *checker, struct error *error)
{
	uint64_t next = clock_now() + checker->check->interval;
	int ended = 0;

	while (!ended && !ferror(stdout)) {
		if (clock_now() >= next) {
			round_next(checker);
			next += checker->check->interval;
			/* what was missed is not made up for */
			if (next < clock_now())
				next = clock_now();
		}
		ended = prober_wait(checker->prober, time_left(checker, next), checker->signals, error);
		changes_next(checker);
	}
	if (ended > 0)
		signals_take(checker->signals);
	return ended < 0 ? -1 : 0;
}

int lb_check_run(const struct lb_check *check, struct error *error)
{
	struct checker checker = { 0 };
	int result;

	if (checker_open(&checker, check, error))
		return -1;
	result = targets_read(&checker, error);
	if (!result) {
		round_start(&checker);
		result = rounds_run(&checker, error);
	}
	checker_close(&checker);
	return result;
}
