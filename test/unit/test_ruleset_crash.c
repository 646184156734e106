/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A writer that is killed. First exactly: a child makes one change on shared memory and is stepped instruction by
 * instruction (ptrace(2)); at each state of the memory packets must get the verdict of the old set or of the new one, a
 * listing must be one of the two, and the next writer must repair it. Then at random: a child makes many changes and
 * is killed at any moment.
 */
#include "ruleset_check.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PACKETS 40
#define MARGIN 700 /* cells that one change may take, at either end of the free space */

/* ---- a rule set on memory that a child shares ---- */

static size_t arena_size(const struct arena *arena)
{
	return (size_t)arena->count * RULES_CELL_SIZE;
}

static void *memory(size_t size, int flags)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (at == MAP_FAILED)
		bail_out("mmap");
	return at;
}

/* The same cells in memory of another kind; arena_close takes either. */
static struct arena arena_copy(const struct arena *from, int flags)
{
	struct arena copy = *from;

	copy.cells = memory(arena_size(from), flags);
	memcpy(copy.cells, from->cells, arena_size(from));
	return copy;
}

static void arena_share(struct arena *arena)
{
	struct arena shared = arena_copy(arena, MAP_SHARED);

	arena_close(arena);
	*arena = shared;
}

static void put(struct ruleset *set, struct oracle *oracle, enum change_kind kind, const struct plain_rule *rule)
{
	struct change change = { .kind = kind, .rule = plain_record(rule) };
	struct changes changes = { .items = &change, .count = 1 };
	struct error error;

	if (ruleset_apply(set, &changes, false, &error))
		bail_out(error.text);
	oracle_apply(oracle, kind, rule);
}

/* ---- old or new ---- */

struct crash {
	struct ruleset set; /* shared with the child */
	struct oracle old, new;
	enum change_kind kind;
	struct plain_rule rule;
	struct plain_packet packets[PACKETS];
	unsigned long instructions, states;
	char wrong[1300];
};

static void crash_fail(struct crash *crash, const char *when, const char *wrong)
{
	if (*wrong && !*crash->wrong)
		snprintf(crash->wrong, sizeof(crash->wrong), "seed %" PRIu64 ", after %lu instructions, %s: %s",
			 random_seed, crash->instructions, when, wrong);
}

/* While the writer stands still: each packet as in one of the two sets. */
static void check_packets(struct crash *crash)
{
	for (size_t i = 0; i < PACKETS; i++) {
		if (!*winner_wrong(&crash->set.arena, &crash->old, &crash->packets[i], false))
			continue;
		crash_fail(crash, "packet, neither old nor new",
			   winner_wrong(&crash->set.arena, &crash->new, &crash->packets[i], false));
	}
}

static void check_listing(struct crash *crash)
{
	if (*listing_wrong(&crash->set, &crash->old))
		crash_fail(crash, "listing, neither old nor new", listing_wrong(&crash->set, &crash->new));
}

static const char *recovered_wrong(struct ruleset *set, const struct crash *crash, const struct oracle *base,
				   const struct plain_rule *next)
{
	struct oracle oracle = oracle_copy(base);
	const char *wrong;

	oracle_put(&oracle, next);
	wrong = state_wrong(set, &oracle);
	for (size_t i = 0; i < PACKETS && !*wrong; i++)
		wrong = winner_wrong(&set->arena, &oracle, &crash->packets[i], false);
	oracle_free(&oracle);
	return wrong;
}

/* The writer is dead here, and another makes its change. */
static void check_recovery(struct crash *crash)
{
	struct ruleset set = { .outer = -1, .arena = arena_copy(&crash->set.arena, MAP_PRIVATE) };
	struct plain_rule next = pool_rule();
	struct change change = { .kind = CHANGE_PUT, .rule = plain_record(&next) };
	struct changes changes = { .items = &change, .count = 1 };
	struct error error;

	if (ruleset_apply(&set, &changes, false, &error))
		crash_fail(crash, "next writer", error.text);
	else if (*recovered_wrong(&set, crash, &crash->old, &next))
		crash_fail(crash, "after repair, neither old nor new",
			   recovered_wrong(&set, crash, &crash->new, &next));
	ruleset_close(&set);
}

/* ---- stepping ---- */

/* Where a change can write: all but the middle of the free space. */
struct parts {
	size_t low, high; /* bytes from the start, and from there to the end */
};

static struct parts arena_parts(const struct arena *arena)
{
	const struct rules_header *header = (const void *)arena->cells;
	uint32_t low = header->records_end + MARGIN, high = header->blocks_start;

	if (high < MARGIN || high - MARGIN < low)
		return (struct parts){ arena_size(arena), arena_size(arena) };
	return (struct parts){ (size_t)low * RULES_CELL_SIZE, (size_t)(high - MARGIN) * RULES_CELL_SIZE };
}

static bool parts_changed(const struct arena *now, const struct arena *before, const struct parts *parts)
{
	const char *a = (const char *)now->cells, *b = (const char *)before->cells;

	return memcmp(a, b, parts->low) || memcmp(a + parts->high, b + parts->high, arena_size(now) - parts->high);
}

static pid_t child_start(struct crash *crash)
{
	struct change change = { .kind = crash->kind, .rule = plain_record(&crash->rule) };
	struct changes changes = { .items = &change, .count = 1 };
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct error error;

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(77);
		_exit(ruleset_apply(&crash->set, &changes, false, &error) ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork");
	return WIFSTOPPED(status) ? pid : 0;
}

/* False when the child has ended. */
static bool child_step(struct crash *crash, pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		bail_out("ptrace");
	crash->instructions++;
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		crash_fail(crash, "writer", "expected exit 0, got a crash or an error");
	if (WIFSTOPPED(status))
		kill(pid, SIGKILL);
	return false;
}

/* 1: ptrace is not allowed here. */
static int crash_run(struct crash *crash)
{
	struct arena before = arena_copy(&crash->set.arena, MAP_PRIVATE);
	struct parts parts = arena_parts(&before);
	pid_t pid = child_start(crash);

	if (!pid)
		return 1;
	while (child_step(crash, pid)) {
		if (!parts_changed(&crash->set.arena, &before, &parts))
			continue;
		memcpy(before.cells, crash->set.arena.cells, arena_size(&before));
		crash->states++;
		check_packets(crash);
		check_listing(crash);
		check_recovery(crash);
	}
	arena_close(&before);
	return 0;
}

/* ---- the changes that are stepped ---- */

static struct plain_rule base_rule(int low, int high, int action)
{
	struct plain_rule rule;

	memset(&rule, 0, sizeof(rule));
	rule.proto = 6;
	rule.dst[0] = 10;
	rule.dst_len = 8;
	rule.low = low;
	rule.high = high;
	rule.action = action;
	rule.port = action == RULES_SPLICE ? 7 : 0;
	return rule;
}

static struct plain_rule limited(void)
{
	struct plain_rule rule = base_rule(80, 90, RULES_SPLICE);

	rule.proto = 17;
	rule.max_duration = 3600;
	return rule;
}

/* Three rules of one key that overlap, one with a limit, one of a tuple of its own, and some at random. */
static void base_set(struct crash *crash)
{
	struct plain_rule wide = base_rule(0, 65535, RULES_PASS), lone = base_rule(80, 80, RULES_PASS);
	struct plain_rule held = limited();
	struct plain_rule left = base_rule(80, 90, RULES_SPLICE), right = base_rule(85, 95, RULES_SPLICE);
	struct error error;

	if (ruleset_new(&crash->set, &error))
		bail_out("ruleset_new");
	lone.dst_len = 16;
	lone.proto = 17;
	put(&crash->set, &crash->old, CHANGE_PUT, &wide);
	put(&crash->set, &crash->old, CHANGE_PUT, &left);
	put(&crash->set, &crash->old, CHANGE_PUT, &right);
	put(&crash->set, &crash->old, CHANGE_PUT, &lone);
	put(&crash->set, &crash->old, CHANGE_PUT, &held);
	for (int i = 0; i < 12; i++) {
		struct plain_rule rule = pool_rule();

		put(&crash->set, &crash->old, CHANGE_PUT, &rule);
	}
}

static void crash_packets(struct crash *crash)
{
	for (size_t i = 0; i < PACKETS; i++) {
		const struct plain_rule *rule = &crash->rule;

		if (i % 4 == 3)
			rule = &crash->old.items[random_below((uint32_t)crash->old.count)];
		crash->packets[i] = packet_for(rule);
		crash->packets[i].port = (int)(i % 2 ? 75 + i : (size_t)crash->packets[i].port);
	}
}

static struct plain_rule new_key(void)
{
	struct plain_rule rule = base_rule(80, 85, RULES_DROP);

	rule.dst[1] = 9;
	rule.dst_len = 17;
	return rule;
}

static struct plain_rule any_protocol(void)
{
	struct plain_rule rule = base_rule(0, 65535, RULES_DROP);

	rule.proto = RULES_PROTO_ANY;
	rule.dst_len = 11;
	return rule;
}

static struct plain_rule same_key(void)
{
	struct plain_rule rule = base_rule(82, 92, RULES_DROP);

	rule.service[0] = 'x';
	return rule;
}

/* Of the tuple of the base rules, and above all of them. */
static struct plain_rule higher_rank(void)
{
	struct plain_rule rule = base_rule(81, 83, RULES_PASS);

	rule.priority = 9;
	return rule;
}

/* It takes the ports that it shares with another from it. */
static struct plain_rule to_drop(void)
{
	return base_rule(80, 90, RULES_DROP);
}

/* It loses those. */
static struct plain_rule to_pass(void)
{
	return base_rule(85, 95, RULES_PASS);
}

static struct plain_rule in_its_place(void)
{
	return base_rule(85, 95, RULES_DROP);
}

static struct plain_rule other_port(void)
{
	struct plain_rule rule = base_rule(80, 90, RULES_SPLICE);

	rule.port = 9;
	return rule;
}

static struct plain_rule newest_again(void)
{
	return base_rule(80, 90, RULES_SPLICE);
}

static struct plain_rule with_route(void)
{
	struct plain_rule rule = other_port();

	rule.route = true;
	return rule;
}

/* Its mode and duration change at once: two words, of which only one decides. */
static struct plain_rule with_limit(void)
{
	struct plain_rule rule = other_port();

	rule.mode = RULES_DETECT;
	rule.max_duration = 60;
	return rule;
}

static struct plain_rule without_limit(void)
{
	struct plain_rule rule = limited();

	rule.mode = RULES_PREVENT;
	rule.max_duration = 0;
	return rule;
}

static struct plain_rule other_mode(void)
{
	struct plain_rule rule = limited();

	rule.mode = RULES_DETECT;
	return rule;
}

static struct plain_rule one_of_three(void)
{
	return base_rule(85, 95, RULES_SPLICE);
}

static struct plain_rule first_of_three(void)
{
	return base_rule(0, 65535, RULES_PASS);
}

static struct plain_rule last_of_key(void)
{
	struct plain_rule rule = base_rule(80, 80, RULES_PASS);

	rule.dst_len = 16;
	rule.proto = 17;
	return rule;
}

static const struct scenario {
	const char *name;
	enum change_kind kind;
	struct plain_rule (*rule)(void);
	unsigned int fill; /* rules added and deleted before, so that space is used again */
} scenarios[] = {
	{ "add, a new key", CHANGE_PUT, new_key, 0 },
	{ "add, any protocol: four lists", CHANGE_PUT, any_protocol, 0 },
	{ "add, a key that has rules", CHANGE_PUT, same_key, 0 },
	{ "add, of higher rank than its tuple", CHANGE_PUT, higher_rank, 0 },
	{ "change, to drop (it rises)", CHANGE_PUT, to_drop, 0 },
	{ "change, to pass (it falls)", CHANGE_PUT, to_pass, 0 },
	{ "change, to drop, no border moves", CHANGE_PUT, in_its_place, 0 },
	{ "change, another port", CHANGE_PUT, other_port, 0 },
	{ "change, another port and a route", CHANGE_PUT, with_route, 0 },
	{ "change, a mode and a limit", CHANGE_PUT, with_limit, 0 },
	{ "change, a mode and no limit any more", CHANGE_PUT, without_limit, 0 },
	{ "change, a mode, with the limit as it was", CHANGE_PUT, other_mode, 0 },
	{ "insert again: it becomes the newest", CHANGE_PUT, newest_again, 0 },
	{ "delete, one of several", CHANGE_DELETE, one_of_three, 0 },
	{ "delete, the first of several", CHANGE_DELETE, first_of_three, 0 },
	{ "delete, the last of its key", CHANGE_DELETE, last_of_key, 0 },
	{ "add, in space used again", CHANGE_PUT, same_key, 1 },
	{ "delete, in space used again", CHANGE_DELETE, one_of_three, 1 },
};

/* Changes the rules of one key until the free space in the middle is used up. */
static void use_up_space(struct crash *crash)
{
	const struct rules_header *header = (const void *)crash->set.arena.cells;
	struct plain_rule rule = base_rule(87, 99, RULES_DROP);

	for (int i = 0; i < 100000 && header->blocks_start - header->records_end > 60; i++) {
		put(&crash->set, &crash->old, i % 2 ? CHANGE_DELETE : CHANGE_PUT, &rule);
		header = (const void *)crash->set.arena.cells;
	}
}

/* 1: ptrace is not allowed here. */
static int scenario_run(const struct scenario *scenario)
{
	struct crash crash = { .kind = scenario->kind, .rule = scenario->rule() };

	base_set(&crash);
	if (scenario->fill)
		use_up_space(&crash);
	crash_packets(&crash);
	crash.new = oracle_copy(&crash.old);
	oracle_apply(&crash.new, crash.kind, &crash.rule);
	arena_share(&crash.set.arena);
	if (crash_run(&crash))
		return 1;
	if (!*crash.wrong)
		crash_fail(&crash, "at the end", listing_wrong(&crash.set, &crash.new));
	if (crash.states < 4)
		crash_fail(&crash, "states seen", "expected at least 4");
	printf("# %lu instructions, %lu states\n", crash.instructions, crash.states);
	check_property(crash.wrong, "killed at any instruction: %s", scenario->name);
	ruleset_close(&crash.set);
	oracle_free(&crash.old);
	oracle_free(&crash.new);
	return 0;
}

/* The two processes take turns: on one processor that is faster. */
static void test_steps(void)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_getaffinity(0, sizeof(all), &all);
	sched_setaffinity(0, sizeof(one), &one);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (scenario_run(&scenarios[i])) {
			check(0, 0, "killed at any instruction: %s # SKIP no ptrace", scenarios[i].name);
			break;
		}
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* ---- killed at random ---- */

#define STREAM 4000
#define KILLS 150
#define STREAM_LIMIT 60 /* max_duration, seconds */

struct stream {
	struct ruleset set;
	struct oracle oracle; /* before the first change */
	struct change *changes;
	struct plain_rule *rules;
	uint32_t *done; /* shared: changes made */
	bool repaired;  /* by the next writer */
};

static void stream_open(struct stream *stream)
{
	struct error error;

	if (ruleset_new(&stream->set, &error))
		bail_out("ruleset_new");
	for (int i = 0; i < 30; i++) {
		struct plain_rule rule = pool_rule();

		/* one limit for another is not put in place, nor a rate for none */
		rule.max_duration = rule.max_duration ? STREAM_LIMIT : 0;
		rule.rate = rule.burst = 0;
		put(&stream->set, &stream->oracle, CHANGE_PUT, &rule);
	}
	arena_share(&stream->set.arena);
	stream->done = memory(sizeof(*stream->done), MAP_SHARED);
	stream->changes = calloc(STREAM, sizeof(*stream->changes));
	stream->rules = calloc(STREAM, sizeof(*stream->rules));
	if (!stream->changes || !stream->rules)
		bail_out("calloc");
	/* few deletions of last rules of keys: those lead to a new arena, which the parent would not see */
	for (int i = 0; i < STREAM; i++) {
		enum change_kind kind = random_below(40) ? CHANGE_PUT : CHANGE_DELETE;

		stream->rules[i] = random_below(8) ? stream->oracle.items[random_below((uint32_t)stream->oracle.count)]
						   : pool_rule();
		stream->rules[i].action = RULES_PASS + (int)random_below(3);
		stream->rules[i].port = 0;
		stream->rules[i].route = false;
		stream->rules[i].mode = (int)random_below(3);
		stream->rules[i].max_duration = random_below(2) ? STREAM_LIMIT : 0;
		stream->rules[i].rate = stream->rules[i].burst = 0;
		stream->rules[i].packets = 0;
		stream->changes[i] = (struct change){ .kind = kind, .rule = plain_record(&stream->rules[i]) };
	}
}

/* Makes changes until it is killed, or the arena is replaced in this process alone. */
static void __attribute__((noreturn)) stream_child(struct stream *stream)
{
	const struct rules_cell *shared = stream->set.arena.cells;

	for (uint32_t i = 0; i < STREAM; i++) {
		struct changes changes = { .items = &stream->changes[i], .count = 1 };
		struct error error;

		if (ruleset_apply(&stream->set, &changes, false, &error) || stream->set.arena.cells != shared)
			break;
		__atomic_store_n(stream->done, i + 1, __ATOMIC_SEQ_CST);
	}
	for (;;)
		pause();
}

/* The changes that are told done are; the one in work is or is not. */
static const char *stream_wrong(struct stream *stream)
{
	struct plain_rule next = pool_rule();
	struct change change = { .kind = CHANGE_PUT, .rule = plain_record(&next) };
	struct changes changes = { .items = &change, .count = 1 };
	struct oracle old = oracle_copy(&stream->oracle), new;
	struct error error = { .text = "" };
	const char *wrong;

	for (uint32_t i = 0; i < *stream->done; i++)
		oracle_apply(&old, stream->changes[i].kind, &stream->rules[i]);
	new = oracle_copy(&old);
	oracle_apply(&new, stream->changes[*stream->done].kind, &stream->rules[*stream->done]);
	oracle_put(&old, &next);
	oracle_put(&new, &next);
	wrong = ruleset_apply(&stream->set, &changes, false, &error) ? error.text : state_wrong(&stream->set, &old);
	stream->repaired = changes.repaired;
	if (*wrong)
		wrong = *error.text ? wrong_format("next writer", "0", error.text) : state_wrong(&stream->set, &new);
	oracle_free(&old);
	oracle_free(&new);
	return wrong;
}

static void test_kills(void)
{
	unsigned long changes = 0, repairs = 0;
	char wrong[1300] = "";

	for (int n = 0; n < KILLS && !*wrong; n++) {
		struct stream stream = { 0 };
		const char *what;
		pid_t pid;

		stream_open(&stream);
		pid = fork();
		if (!pid)
			stream_child(&stream);
		if (pid < 0)
			bail_out("fork");
		usleep(300 + random_below(4000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		changes += *stream.done;
		what = *stream.done < STREAM ? stream_wrong(&stream) : "";
		repairs += stream.repaired;
		if (*what)
			snprintf(wrong, sizeof(wrong), "seed %" PRIu64 ", kill %d, after %u changes: %s", random_seed,
				 n, *stream.done, what);
		ruleset_close(&stream.set);
		oracle_free(&stream.oracle);
		munmap(stream.done, sizeof(*stream.done));
		free(stream.changes);
		free(stream.rules);
	}
	printf("# %lu changes made, %lu of %d kills left something to repair\n", changes, repairs, KILLS);
	check_property(wrong, "killed at random moments, %d times", KILLS);
	check(repairs > 0, 1, "some kills came in the middle of a change");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_steps();
	test_kills();
	return tap_done();
}
