/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * place_killer KILLS SEED    kills trace_tail at random instructions, and sees what it leaves to the next
 *
 * Each reader is followed instruction by instruction, from when it has the lock of the subscribers until it gives that
 * back, or from the signal that ends it until it has ended; and killed on the way. Then this program subscribes: it
 * must get the first slot, with a loss of 0, the only bits that are set must be those of its own types, and the only
 * ring its own. When it gives that back, no bit and no ring must be left. Prints how many were killed where.
 */
#include "pin.h"
#include "subscribe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum phase { SUBSCRIBING, ENDING };

/* ---- a reader that is followed ---- */

/* It wants packets of a protocol that there are none of, so it has nothing to print; without that filter it would. */
static pid_t reader_start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || !freopen("/dev/null", "w", stdout))
		err(1, "trace");
	execlp("trace_tail", "trace_tail", "--event", "redecision", "--event", "packet", "--sample", "1", "--buffer",
	       "4", NULL);
	err(1, "trace_tail");
}

/* Goes on until the next stop; the signal that stopped it, or 0: it has ended. */
static int go_on(pid_t pid, int request, int signal_number)
{
	int status;

	if (ptrace(request, pid, NULL, (void *)(long)signal_number) || waitpid(pid, &status, 0) != pid)
		err(1, "ptrace");
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

/* Whether it is about to make this system call. */
static bool is_at(pid_t pid, long number)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		err(1, "PTRACE_GET_SYSCALL_INFO");
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && (long)info.entry.nr == number;
}

static void run_to(pid_t pid, long number)
{
	do {
		if (!go_on(pid, PTRACE_SYSCALL, 0))
			errx(1, "trace_tail ended by itself");
	} while (!is_at(pid, number));
}

/* To where the phase begins; returns the signal that the next step is to deliver. */
static int run_to_phase(pid_t pid, enum phase phase)
{
	int got;

	run_to(pid, SYS_flock); /* LOCK_EX */
	if (phase == SUBSCRIBING)
		return 0;
	run_to(pid, SYS_epoll_create1); /* signals are set by now */
	kill(pid, SIGTERM);
	while ((got = go_on(pid, PTRACE_CONT, 0)) != SIGTERM)
		if (!got)
			errx(1, "trace_tail did not take SIGTERM");
	return SIGTERM;
}

/* ---- what is left ---- */

struct survey {
	struct pins pins;
	struct event_control *control;
	struct event_slot *slots;
	int rings;
};

static void survey_open(struct survey *survey)
{
	struct error error;

	if (pins_open(&survey->pins, PIN_DIR_DEFAULT, PINS_SHARED, false, &error) ||
	    !(survey->control = pin_map(&survey->pins, &pin_event_control, &error)) ||
	    !(survey->slots = pin_map(&survey->pins, &pin_event_slots, &error)) ||
	    (survey->rings = pin_open(&survey->pins, &pin_event_rings, &error)) < 0)
		errx(1, "%s", error.text);
}

/* Bits and rings are those of this slot and these types, and no others; -1: there are none at all. */
static void expect_only(const struct survey *survey, int slot, uint32_t types, const char *where)
{
	for (uint32_t i = 0; i < EVENT_SLOT_COUNT; i++) {
		uint32_t id;
		bool has = !bpf_map_lookup_elem(survey->rings, &i, &id);

		if (has != ((int)i == slot))
			errx(1, "%s: expected %s in slot %u", where, has ? "no ring" : "a ring", i);
	}
	for (int type = 0; type < EVENT_TYPES; type++) {
		uint64_t bits = __atomic_load_n(&survey->control->wanted[type], __ATOMIC_SEQ_CST);
		uint64_t expected = slot >= 0 && types & 1u << type ? 1ull << slot : 0;

		if (bits != expected)
			errx(1, "%s: type %d: expected bits %#llx, got %#llx", where, type,
			     (unsigned long long)expected, (unsigned long long)bits);
	}
}

static int take_record(void *context, void *data, size_t size)
{
	(void)data, (void)size;
	++*(long *)context;
	return 0;
}

/* The next to come: redecisions, of which there are none, are all that it wants. */
static void expect_place(struct survey *survey, const char *where)
{
	const struct event_filter filter = { .types = 1u << EVENT_REDECISION };
	struct subscription subscription;
	struct ring_buffer *ring;
	struct error error;
	long records = 0;

	if (subscription_open(&subscription, &survey->pins, &filter, SUBSCRIPTION_RING, false, &error))
		errx(1, "%s: %s", where, error.text);
	if (subscription.slot)
		errx(1, "%s: expected slot 0, got %u", where, subscription.slot);
	expect_only(survey, 0, filter.types, where);
	ring = ring_buffer__new(subscription.ring, take_record, &records, NULL);
	subscription_stop(&subscription);
	if (ring_buffer__consume(ring) < 0 || records || subscription_lost(&subscription))
		errx(1, "%s: expected no event, got %ld, lost %llu", where, records,
		     (unsigned long long)subscription_lost(&subscription));
	ring_buffer__free(ring);
	subscription_close(&subscription);
	expect_only(survey, -1, 0, where);
}

/* ---- killing ---- */

/* Whether the phase is over, as others see it. */
static bool is_over(const struct survey *survey, enum phase phase)
{
	if (phase == SUBSCRIBING)
		return __atomic_load_n(&survey->control->wanted[EVENT_PACKET], __ATOMIC_SEQ_CST);
	return !__atomic_load_n(&survey->slots[0].pid, __ATOMIC_SEQ_CST);
}

/* Follows a reader so many instructions into the phase, or until that is over; how many these were. */
static long reader_kill(const struct survey *survey, enum phase phase, long limit)
{
	pid_t pid = reader_start();
	int status, signal_number;
	long steps = 0;

	waitpid(pid, &status, 0); /* its execve */
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)))
		err(1, "PTRACE_SETOPTIONS");
	signal_number = run_to_phase(pid, phase);
	for (; steps < limit && !is_over(survey, phase); steps++) {
		if (!go_on(pid, PTRACE_SINGLESTEP, signal_number))
			return steps;
		signal_number = 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return steps;
}

/* What matters is done in the beginning and at the end; to get to the end takes long. */
static long instruction_draw(long all, long number)
{
	long first = all < 3000 ? all : 3000, last = all < 1000 ? all : 1000;

	return number % 8 ? random() % first : all - random() % last;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "subscribing", "ending" };
	struct survey survey = { 0 };
	char where[96];

	if (argc != 3)
		errx(2, "usage: place_killer KILLS SEED");
	setvbuf(stdout, NULL, _IOLBF, 0);
	srandom((unsigned int)strtoul(argv[2], NULL, 10));
	survey_open(&survey);
	for (int phase = SUBSCRIBING; phase <= ENDING; phase++) {
		long all = reader_kill(&survey, phase, __LONG_MAX__);

		for (long i = 0; i < strtol(argv[1], NULL, 10); i++) {
			long at = instruction_draw(all, i);

			snprintf(where, sizeof(where), "seed %s, %s, killed at instruction %ld of %ld", argv[2],
				 names[phase], at, all);
			reader_kill(&survey, phase, at);
			expect_place(&survey, where);
		}
		printf("seed %s: %s readers killed while %s, of %ld instructions\n", argv[2], argv[1], names[phase],
		       all);
	}
	return 0;
}
