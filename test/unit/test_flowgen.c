/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lib/flowgen.c, flowrotate.c and flowshelf.c on maps of the kernel, in a bpffs of its own. What programs do is done
 * here: whatever they write is counted, and must be found again, all of it and once, whenever a tool was killed: before
 * each change of a map in turn, then at random.
 */
#include "flowgen.h"

#include "abi/flow.h"
#include "tap.h"

#include <bpf/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUCKETS = 3, PACKETS = 5 };

static char dir[] = "/tmp/splicer-flowgen-XXXXXX";
static struct pins pins = { .dir = dir };
static int sessions = -1, packets = -1;      /* the maps of maps */
static uint64_t sessions_sent, packets_sent; /* by traffic(), since the maps are there */
static const struct flowgen_plan as_now;

/* ---- maps, as tc makes them ---- */

static void bpffs_enter(void)
{
	if (!mkdtemp(dir) || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", dir, "bpf", 0, NULL))
		bail_out("bpffs");
}

static void bpffs_leave(void)
{
	umount2(dir, MNT_DETACH);
	rmdir(dir);
}

static int inner_make(__u32 value_size, __u32 entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", sizeof(__u32), value_size, entries, &options);

	if (fd < 0)
		bail_out("inner map");
	return fd;
}

static int outer_make(const char *name, __u32 value_size, __u32 entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner = inner_make(value_size, entries), fd;
	char path[128];
	__u32 now = FLOW_NOW;

	options.inner_map_fd = (__u32)inner;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", sizeof(__u32), sizeof(__u32), FLOW_GENERATIONS,
			    &options);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	if (fd < 0 || bpf_map_update_elem(fd, &now, &inner, BPF_ANY) || bpf_obj_pin(fd, path))
		bail_out(name);
	close(inner);
	return fd;
}

/* Generation 0, small, and nothing in it. The heads say how large it is, for it is not what the object declares. */
static void maps_reset(void)
{
	struct flowgens gens;
	struct error error;

	if (sessions >= 0) {
		close(sessions);
		close(packets);
	}
	sessions = outer_make(FLOW_SESSIONS, sizeof(struct flow_bucket), 1 + BUCKETS);
	packets = outer_make(FLOW_PACKETS, sizeof(struct flow_packet), 1 + PACKETS);
	sessions_sent = packets_sent = 0;
	if (flowgens_open(&gens, &pins, &error))
		bail_out(error.text);
	gens.item[0].head->buckets = BUCKETS;
	gens.item[0].packets_head->room = PACKETS;
	flowgens_close(&gens);
}

/* ---- what programs do ---- */

static void head_write(int outer, __u32 slot, __u32 value_size, size_t offset)
{
	int fd = pin_inner_open(outer, slot);
	__u32 first = 0;
	uint8_t *entry = malloc(value_size);
	uint64_t count;

	if (fd < 0 || !entry || bpf_map_lookup_elem(fd, &first, entry))
		bail_out("head");
	memcpy(&count, entry + offset, sizeof(count));
	count++;
	memcpy(entry + offset, &count, sizeof(count));
	if (bpf_map_update_elem(fd, &first, entry, BPF_ANY))
		bail_out("head");
	free(entry);
	close(fd);
}

/* A packet that is counted, and a record. They go to whatever is in slot 0. */
static void traffic(void)
{
	head_write(sessions, FLOW_NOW, sizeof(struct flow_bucket), offsetof(struct flow_head, not_ip.packets));
	head_write(packets, FLOW_NOW, sizeof(struct flow_packet), offsetof(struct flow_packets_head, lost));
	sessions_sent++;
	packets_sent++;
}

/* ---- what tools find ---- */

struct found {
	uint64_t sessions, packets;
	uint32_t count;
	bool complete;
	char wrong[256];
};

static void found_fail(struct found *found, const char *what, uint64_t expected, uint64_t got)
{
	if (!*found->wrong)
		snprintf(found->wrong, sizeof(found->wrong), "%s: expected %" PRIu64 ", got %" PRIu64, what, expected,
			 got);
}

/* From item `first` on; each generation once, and its two halves together. */
static void gens_look(const struct flowgens *gens, uint32_t first, struct found *found)
{
	*found = (struct found){ .count = gens->count, .complete = found->complete };
	if (!gens->count || gens->count > FLOW_GENERATIONS)
		found_fail(found, "generations", 1, gens->count);
	for (uint32_t i = 0; i < gens->count; i++) {
		const struct flowgen *gen = &gens->item[i];

		if (gen->packets_head->generation != gen->head->generation)
			found_fail(found, "generation of packets", gen->head->generation,
				   gen->packets_head->generation);
		if (i && gen->head->generation + 1 != gens->item[i - 1].head->generation)
			found_fail(found, "the generation before", gens->item[i - 1].head->generation - 1,
				   gen->head->generation);
		if (i < first)
			continue;
		found->sessions += gen->head->not_ip.packets;
		found->packets += gen->packets_head->lost;
	}
}

static void look(struct found *found)
{
	struct flowgens gens;
	struct error error;

	if (flowgens_open(&gens, &pins, &error))
		bail_out(error.text);
	gens_look(&gens, 0, found);
	flowgens_close(&gens);
}

/* What flow_dump --reset does; what was taken is counted no more. */
static void take(struct found *found)
{
	struct flowgens gens;
	struct error error;
	bool complete;

	if (flowgens_take(&gens, &pins, &complete, &error))
		bail_out(error.text);
	/* final: what comes now is of the next one */
	traffic();
	found->complete = complete;
	gens_look(&gens, 1, found);
	flowgens_deliver(&gens);
	flowgens_close(&gens);
	sessions_sent -= found->sessions;
	packets_sent -= found->packets;
}

static void rotate(void)
{
	struct error error;

	if (flowgens_rotate(&pins, &as_now, &error))
		bail_out(error.text);
}

/* All that was sent and not taken is there, once. */
static const char *all_wrong(struct found *found)
{
	look(found);
	if (found->sessions != sessions_sent)
		found_fail(found, "packets of sessions", sessions_sent, found->sessions);
	if (found->packets != packets_sent)
		found_fail(found, "records", packets_sent, found->packets);
	return found->wrong;
}

/* ... and taking hands out all but what comes since. */
static const char *take_wrong(struct found *found)
{
	bool room;

	take(found);
	room = found->complete;
	if (room && sessions_sent != 1)
		found_fail(found, "packets of sessions that are left", 1, sessions_sent);
	if (room && packets_sent != 1)
		found_fail(found, "records that are left", 1, packets_sent);
	if (!*found->wrong)
		all_wrong(found);
	if (!*found->wrong && found->count != 1)
		found_fail(found, "generations that are left", 1, found->count);
	return found->wrong;
}

/* ---- a tool that is killed ---- */

typedef void tool(void);

static void tool_rotate(void)
{
	struct error error;

	if (flowgens_rotate(&pins, &as_now, &error))
		_exit(1);
}

static void tool_take(void)
{
	struct flowgens gens;
	struct error error;
	bool complete;

	if (flowgens_take(&gens, &pins, &complete, &error))
		_exit(1);
	flowgens_close(&gens);
}

static void tool_grow(void)
{
	const struct flow_settings settings = { .session_packets = 5, .sessions = 1, .packets = PACKETS };
	const struct flowgen_plan plan = { .buckets = BUCKETS + 2, .packets = PACKETS + 3, .settings = &settings };
	struct error error;

	if (flowgens_rotate(&pins, &plan, &error) || flowgens_set(&pins, &settings, &error))
		_exit(1);
}

static bool one_by_one; /* as on kernels that do not take several changes of a map of maps at once */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

/* Of the calls of bpf(2), BPF_MAP_UPDATE_BATCH fails. */
static int batches_deny(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + LOW_HALF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_MAP_UPDATE_BATCH, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTSUP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static pid_t child_start(tool *run)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if ((one_by_one && batches_deny()) || ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(77);
		run();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork");
	if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD))
		return 0;
	return pid;
}

/* Whether it stands before a call that changes a map. */
static bool is_before_change(pid_t pid)
{
	struct __ptrace_syscall_info info; /* as glibc has it */

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		bail_out("ptrace");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != __NR_bpf)
		return false;
	return info.entry.args[0] == BPF_MAP_UPDATE_ELEM || info.entry.args[0] == BPF_MAP_DELETE_ELEM ||
	       info.entry.args[0] == BPF_MAP_UPDATE_BATCH;
}

/* Lets it go to before its next change; false: it has ended. */
static bool child_go(pid_t pid)
{
	int status;

	do {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
			bail_out("ptrace");
	} while (WIFSTOPPED(status) && !is_before_change(pid));
	if (WIFSTOPPED(status))
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		bail_out("the tool failed");
	return false;
}

/* Runs it and kills it before so many changes and one; false: it had ended before. */
static bool run_killed(tool *run, int changes)
{
	pid_t pid = child_start(run);
	int status;

	if (!pid)
		bail_out("ptrace is not allowed");
	for (int i = 0; i <= changes; i++)
		if (!child_go(pid))
			return false;
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		bail_out("kill");
	return true;
}

/* ---- tests: what it is for ---- */

static void test_take(void)
{
	struct found found = { 0 };

	maps_reset();
	traffic();
	check_property(all_wrong(&found), "what was counted is there");
	check(found.count, 1, "one generation at first");
	check_property(take_wrong(&found), "it is taken, and counts no more");
	for (int i = 0; i < 20 && !*found.wrong; i++)
		take_wrong(&found);
	check_property(found.wrong, "so it is twenty times");
	rotate();
	rotate();
	check_property(all_wrong(&found), "two that wait are there, and the one in force");
	check(found.count, 3, "three generations");
	check_property(take_wrong(&found), "all are taken at once");
}

static int slot_generation(int outer, __u32 slot)
{
	int fd = pin_inner_open(outer, slot);
	union {
		uint64_t generation;
		struct flow_bucket sessions;
		struct flow_packet packets;
	} entry;
	__u32 first = 0;

	if (fd < 0)
		return -1;
	if (bpf_map_lookup_elem(fd, &first, &entry))
		bail_out("slot");
	close(fd);
	return (int)entry.generation;
}

static void test_before(void)
{
	struct found found = { 0 };

	maps_reset();
	check(slot_generation(sessions, FLOW_BEFORE), -1, "nothing was before the first generation");
	rotate();
	rotate();
	check(slot_generation(sessions, FLOW_NOW), 2, "programs write to the newest");
	check(slot_generation(sessions, FLOW_BEFORE), 1, "and read the one before");
	take(&found);
	take(&found);
	check(slot_generation(sessions, FLOW_BEFORE), 3, "which stays when it was handed out");
	for (__u32 i = FLOW_BEFORE + 1; i < FLOW_GENERATIONS; i++)
		check(slot_generation(sessions, i), -1, "others do not: slot %u", i);
}

static void test_heads(void)
{
	struct flow_settings settings = { .idle_tcp = 7, .session_packets = 2, .sessions = 1, .packets = 3 };
	struct flowgen_plan plan = { .buckets = BUCKETS + 1, .packets = PACKETS + 2, .settings = &settings };
	struct flowgens gens;
	struct error error;

	maps_reset();
	if (flowgens_rotate(&pins, &plan, &error) || flowgens_rotate(&pins, &as_now, &error) ||
	    flowgens_open(&gens, &pins, &error))
		bail_out(error.text);
	check(gens.count, 3, "three generations");
	check(gens.item[0].bucket_count, BUCKETS + 1, "a size stays: buckets");
	check(gens.item[0].head->buckets, BUCKETS + 1, "the head says it");
	check(gens.item[0].packet_count, PACKETS + 2, "a size stays: packets");
	check(gens.item[0].packets_head->room, PACKETS + 2, "the head says it");
	check(gens.item[2].bucket_count, BUCKETS, "the first has what it had");
	check(!memcmp(&gens.item[0].head->settings, &settings, sizeof(settings)), 1, "settings stay");
	check(gens.item[0].head->ended, 0, "the one in force has not ended");
	check(gens.item[1].head->ended == gens.item[0].head->began && gens.item[1].head->ended, 1,
	      "one ends when the next begins");
	check(gens.item[0].head->seed && gens.item[0].head->seed != gens.item[1].head->seed, 1,
	      "each has a seed of its own");
	check(flowgen_settings(&gens.item[0]).idle_tcp, 7, "what is set");
	check(flowgen_settings(&gens.item[0]).idle_udp, FLOW_IDLE_UDP, "what is not is the default");
	flowgens_close(&gens);
}

static void test_set(void)
{
	struct flow_settings settings = { .idle_tcp = 7,
					  .idle_ended = 8,
					  .idle_udp = 9,
					  .idle_other = 10,
					  .clock = FLOW_CLOCK_PACKET,
					  .session_packets = 2,
					  .sessions = 1,
					  .packets = 3,
					  .session_restart = 4,
					  .packet_restart = 5,
					  .buffer_restart = 6 };
	struct flowgens gens;
	struct error error;

	maps_reset();
	rotate();
	rotate();
	if (flowgens_set(&pins, &settings, &error) || flowgens_open(&gens, &pins, &error))
		bail_out(error.text);
	check(!memcmp(&gens.item[0].head->settings, &settings, sizeof(settings)), 1, "all are in force");
	check(gens.item[1].head->settings.idle_other, 10, "programs have idle times for the generation before too");
	check(gens.item[1].head->settings.session_packets, 0, "but it was sampled as it was");
	check(gens.item[2].head->settings.idle_other, 0, "older ones are left alone");
	flowgens_close(&gens);
}

static void test_full(void)
{
	struct found found = { 0 };
	struct error error;
	int rotations = 0;

	maps_reset();
	for (; rotations < 20; rotations++) {
		traffic();
		if (flowgens_rotate(&pins, &as_now, &error))
			break;
	}
	check(rotations, FLOW_GENERATIONS - 1, "so many can wait");
	check(error.exit, EXIT_STATE, "another rotation is refused");
	check(strstr(error.text, "flow_dump --reset") != NULL, 1, "and the error says what helps");
	check_property(all_wrong(&found), "nothing is lost");
	take(&found);
	check(found.complete, false, "those that wait are taken without a rotation");
	check(sessions_sent, 2, "what came since is left");
	check_property(all_wrong(&found), "and is there");
	check_property(take_wrong(&found), "the next time it is taken");
	check(found.complete, true, "wholly");
}

static void test_refused(void)
{
	struct flowgens gens;
	struct error error;

	maps_reset();
	close(packets);
	packets = outer_make(FLOW_PACKETS, sizeof(struct flow_packet) + 8, 1 + PACKETS);
	check(flowgens_open(&gens, &pins, &error), -1, "packets of another shape are refused");
	check(error.exit, EXIT_STATE, "as the state");
	check(strstr(error.text, "value 96") != NULL, 1, "by what they are");
	check(flowgens_rotate(&pins, &as_now, &error), -1, "nor does a rotation touch them");
	check(slot_generation(sessions, FLOW_BEFORE), -1, "or sessions");
}

/* ---- tests: killed ---- */

/* What a tool may come upon. */
struct start {
	const char *name;
	int waiting;     /* generations that wait */
	bool taken;      /* and one before them that was handed out */
	bool unfinished; /* a tool was killed when packets had taken their place and sessions had not */
};

/* How many changes a rotation makes until packets have taken their place and sessions have not. */
static int unfinished_changes;

static void start_make(const struct start *start)
{
	struct found found = { 0 };

	maps_reset();
	traffic();
	if (start->taken)
		take(&found);
	for (int i = 0; i < start->waiting; i++) {
		rotate();
		traffic();
	}
	/* where one waits, that is kept first; an attempt at several at once counts too */
	if (start->unfinished &&
	    (!run_killed(tool_rotate, unfinished_changes + (start->waiting ? 1 + one_by_one : 0)) ||
	     slot_generation(packets, FLOW_NOW) <= slot_generation(sessions, FLOW_NOW)))
		bail_out("no half of a rotation");
	traffic();
}

static void killed_fail(char wrong[400], const char *what, int changes, const char *when)
{
	if (*what && !*wrong)
		snprintf(wrong, 400, "killed after %d changes, %s: %s", changes, when, what);
}

/* All that must hold after a tool was killed. */
static void killed_check(char wrong[400], int changes)
{
	struct found found = { 0 };

	killed_fail(wrong, all_wrong(&found), changes, "at once");
	traffic();
	killed_fail(wrong, all_wrong(&found), changes, "after a packet");
	killed_fail(wrong, take_wrong(&found), changes, "the next tool");
	if (!found.complete)
		killed_fail(wrong, take_wrong(&found), changes, "the one after that");
}

static void test_killed_tool(const struct start *start, tool *run, const char *name)
{
	char wrong[400] = "";
	int changes = 0;

	for (bool killed = true; killed; changes++) {
		start_make(start);
		killed = run_killed(run, changes);
		killed_check(wrong, changes);
	}
	check_property(wrong, "%s killed before each of %d changes, %s%s", name, changes - 1, start->name,
		       one_by_one ? ", one by one" : "");
}

static int unfinished_find(void)
{
	const struct start empty = { 0 };
	struct found found = { 0 };

	for (int changes = 0;; changes++) {
		start_make(&empty);
		if (!run_killed(tool_rotate, changes))
			bail_out("no half of a rotation was found");
		look(&found);
		if (slot_generation(sessions, FLOW_NOW) == 0 && found.count == 2)
			return changes;
	}
}

static void test_killed(void)
{
	const struct start starts[] = {
		{ "from the beginning", 0, false, false },
		{ "after one was handed out", 0, true, false },
		{ "one waiting", 1, false, false },
		{ "three waiting", 3, true, false },
		{ "one place left", FLOW_GENERATIONS - 2, true, false },
		{ "after another was killed", 0, false, true },
		{ "after another was killed, one waiting", 1, false, true },
	};

	unfinished_changes = unfinished_find();
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		test_killed_tool(&starts[i], tool_take, "taking");
	test_killed_tool(&starts[2], tool_grow, "growth");
}

/* Killed again and again, with a packet between each two; sometimes all is taken. */
static void test_killed_random(void)
{
	struct found found = { 0 };
	char wrong[400] = "";
	int i = 0;

	maps_reset();
	for (; i < 50 && !*wrong; i++) {
		traffic();
		one_by_one = random_below(2);
		run_killed(tool_take, (int)random_below(8));
		killed_fail(wrong, all_wrong(&found), i, "at random");
		if (random_below(5))
			continue;
		take(&found);
		killed_fail(wrong, found.wrong, i, "taken");
	}
	check_property(wrong, "killed %d times at random: nothing is lost, nothing is there twice", i);
	take(&found);
	take(&found);
	check(sessions_sent == 1 && packets_sent == 1, 1, "and all is taken in the end");
}

/* ---- tests: a copy while it is written ---- */

static struct flow_bucket bucket;
static bool stop;

/* All words of the session say the same. */
static void session_write(uint64_t n)
{
	uint64_t *words = (uint64_t *)&bucket.flows[1];

	for (size_t i = 0; i < sizeof(struct flow) / sizeof(uint64_t); i++)
		__atomic_store_n(&words[i], n, __ATOMIC_RELAXED);
}

/* One more packet of 100 bytes each time, from one side or the other; each third session makes room for the next. */
static void session_evict(uint64_t n)
{
	struct flow_side *side = bucket.flows[0].side;

	if (n % 3 == 0) {
		bucket.evicted_packets += side[0].packets + side[1].packets;
		bucket.evicted_bytes += side[0].bytes + side[1].bytes;
		memset(side, 0, 2 * sizeof(*side));
	}
	side[n & 1].packets++;
	side[n & 1].bytes += 100;
}

/* As a program does, from 1 on. */
static void *writer(void *context)
{
	void (*write)(uint64_t n) = context;

	for (uint64_t n = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
		__atomic_fetch_add(&bucket.lock, 1, __ATOMIC_SEQ_CST);
		write(n);
		__atomic_fetch_add(&bucket.lock, 1, __ATOMIC_SEQ_CST);
		for (volatile int pause = 0; pause < 300; pause++)
			;
	}
	return NULL;
}

static pthread_t writer_start(void (*write)(uint64_t n))
{
	pthread_t thread;

	stop = false;
	if (pthread_create(&thread, NULL, writer, write))
		bail_out("thread");
	return thread;
}

static void writer_stop(pthread_t thread)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

static bool is_whole(const struct flow *flow)
{
	uint64_t words[sizeof(*flow) / sizeof(uint64_t)];

	memcpy(words, flow, sizeof(*flow));
	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i] != words[0])
			return false;
	return true;
}

static void test_copy(void)
{
	uint64_t pieces = 0, changes = 0, last = 0;
	pthread_t thread;
	struct flow flow;

	bucket.used[1] = 1;
	check(flowgen_copy(&bucket, 0, &flow), false, "a free place has no session");
	thread = writer_start(session_write);
	while (changes < 20000) {
		if (!flowgen_copy(&bucket, 1, &flow))
			break;
		pieces += !is_whole(&flow);
		changes += flow.key.addr[0][0] != last;
		last = flow.key.addr[0][0];
	}
	writer_stop(thread);
	check((long long)changes, 20000, "a session is copied while it changes");
	check((long long)pieces, 0, "and never in pieces");
	bucket.lock |= 1;
	check(flowgen_copy(&bucket, 1, &flow), true, "from a bucket that stays locked it is copied in the end");
}

static void test_sum(void)
{
	uint64_t changes = 0, falls = 0, pieces = 0;
	struct flow_tally last = { 0 }, sum;
	pthread_t thread;

	bucket = (struct flow_bucket){ .used = { 1 }, .missed_packets = 3, .missed_bytes = 300 };
	bucket.flows[1].side[0].packets = 1000; /* of a place that is free */
	sum = flowgen_sum(&bucket);
	check((long long)sum.packets, 3, "of no session what was missed is left");
	thread = writer_start(session_evict);
	while (changes < 20000) {
		sum = flowgen_sum(&bucket);
		changes += sum.packets != last.packets;
		falls += sum.packets < last.packets;
		pieces += sum.bytes != sum.packets * 100;
		last = sum;
	}
	writer_stop(thread);
	check((long long)falls, 0, "while sessions make room for others, a sum never falls");
	check((long long)pieces, 0, "and packets and bytes are of one moment");
	check(bucket.evicted_packets > 0, 1, "some were evicted");
	sum = flowgen_sum(&bucket);
	bucket.lock |= 1;
	last = flowgen_sum(&bucket);
	check((long long)last.packets, (long long)sum.packets, "a bucket that stays locked has a sum in the end");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	bpffs_enter();
	test_take();
	test_before();
	test_heads();
	test_set();
	test_full();
	test_refused();
	test_killed();
	one_by_one = true;
	test_killed();
	test_killed_random();
	test_copy();
	test_sum();
	bpffs_leave();
	return tap_done();
}
