/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many packets a processor can drop that come in by a veth.
 *
 * The sender is a test run of live frames (BPF_F_TEST_XDP_LIVE_FRAMES): its program makes each the next packet and
 * redirects it to a veth. The other end is polled by a thread of its own (threaded NAPI), whose processor time is the
 * receiver's and nothing else's; with that of the sender it is what one processor does in all, as where a veth is
 * polled by who sends. What others do on the machine is in neither. Both run on one processor. The thread goes first
 * whenever it has something to do (SCHED_FIFO), hence after each batch, which just fills the ring of the veth: no frame
 * is lost, and a wake-up is shared by a whole batch as it is under a flood.
 *
 * Frames are in the caches of the processor when they come in, so that the receiver alone shows more of the cost of a
 * filter than a card does. With the sender on another processor it would show what a wake-up costs there: a ring of a
 * veth is empty before the next batch.
 *
 * XDP programs are attached to the driver. The end before nft has none, but generic receive offload: one or the other
 * is needed that a veth takes frames which were redirected to it.
 */
#include "process.h"
#include "xdp.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOOD_BATCH 256 /* frames; the ring of a veth has room for so many */
#define FLOOD_FRAMES (FLOOD_BATCH * 1000)
#define FLOOD_FRAMES_QUICK (FLOOD_BATCH * 20)

static const char *const way_names[XDP_WAYS] = { "bare", "ours", "tools", "nft" };

/* The ends of a veth: frames are sent to one, come out of the other, and are dropped there. */
struct link {
	char name[IFNAMSIZ];
	uint32_t out, in;
	clockid_t clock; /* processor time of the thread that polls it */
};

static struct link links[XDP_WAYS];

/* ---- the threads that poll ---- */

static void thread_priority(pid_t pid, int cpu)
{
	struct sched_param first = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(pid, sizeof(cpus), &cpus) || (pid && sched_setscheduler(pid, SCHED_FIFO, &first)))
		bench_fail("processor");
}

static bool thread_polls(const char *pid, const struct link *link)
{
	char path[300], comm[64] = "", name[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	snprintf(name, sizeof(name), "napi/%s-", link->name);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(comm, sizeof(comm), file))
		*comm = '\0';
	fclose(file);
	return !strncmp(comm, name, strlen(name));
}

static pid_t thread_find(const struct link *link)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t pid = 0;

	while (dir && !pid && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) && thread_polls(entry->d_name, link))
			pid = atoi(entry->d_name);
	if (!pid)
		bench_fail("thread that polls");
	closedir(dir);
	return pid;
}

static void link_thread(const struct xdp_bench *bench, struct link *link, int cpu)
{
	char path[300];
	FILE *file;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/threaded", bench->scratch, link->name);
	file = fopen(path, "w");
	if (!file || fputc('1', file) < 0 || fclose(file))
		bench_fail(path);
	pid = thread_find(link);
	thread_priority(pid, cpu);
	if (clock_getcpuclockid(pid, &link->clock))
		bench_fail("clock");
}

static double processor_time(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		bench_fail("clock");
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- links ---- */

static void link_offload(const struct link *link)
{
	struct ethtool_value on = { .cmd = ETHTOOL_SGRO, .data = 1 };
	struct ifreq request = { .ifr_data = (char *)&on };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(request.ifr_name, link->name, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCETHTOOL, &request))
		bench_fail(link->name);
	close(fd);
}

static void link_attach(const struct link *link, int program)
{
	if (bpf_xdp_attach((int)link->in, program, XDP_FLAGS_DRV_MODE, NULL))
		bench_fail(link->name);
}

static void link_open(const struct xdp_bench *bench, enum xdp_way way)
{
	struct link *link = &links[way];
	char other[IFNAMSIZ];

	snprintf(link->name, sizeof(link->name), "%s%.8s", way_names[way], bench->devices);
	snprintf(other, sizeof(other), "_%.14s", link->name);
	link->in = if_nametoindex(link->name);
	link->out = if_nametoindex(other);
	if (!link->in || !link->out)
		bench_fail(link->name);
	if (way == WAY_NFT)
		link_offload(link);
	else
		link_attach(link, bench_program(&bench->bench, "xdp_drop"));
}

void xdp_flood_open(struct xdp_bench *bench)
{
	int cpu = sched_getcpu();

	thread_priority(0, cpu);
	for (enum xdp_way way = 0; way < XDP_WAYS; way++) {
		link_open(bench, way);
		link_thread(bench, &links[way], cpu);
	}
	link_attach(&links[WAY_SPLICER], bench_program(&bench->bench, "xdp_filter"));
}

/* ---- counters ---- */

/* Packets that came in by the link, whatever became of them. */
static double link_packets(const struct link *link)
{
	FILE *file = fopen("/proc/self/net/dev", "r");
	char line[512], name[64];
	double bytes, packets, found = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %63[^:]: %lf %lf", name, &bytes, &packets) == 3 && !strcmp(name, link->name))
			found = packets;
	if (found < 0)
		bench_fail(link->name);
	fclose(file);
	return found;
}

/* Those of all links that no filter dropped. */
static double stack_packets(void)
{
	FILE *file = fopen("/proc/self/net/snmp6", "r");
	char line[512], name[64];
	double value, sum = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lf", name, &value) == 2 && !strcmp(name, "Ip6InReceives"))
			sum += value;
	if (file)
		fclose(file);
	file = fopen("/proc/self/net/snmp", "r");
	/* Ip: Forwarding DefaultTTL InReceives ...; first their names */
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Ip: %*d %*d %lf", &value) == 1)
			sum += value;
	if (!file)
		bench_fail("/proc/self/net/snmp");
	fclose(file);
	return sum;
}

/* ---- nft ---- */

static void nft_write(FILE *file, const struct xdp_set *set)
{
	bool ipv6 = set->family == RULES_IPV6;

	fprintf(file, "table netdev xdp_bench {\n\tset hosts {\n\t\ttype %s\n\t\telements = {",
		ipv6 ? "ipv6_addr" : "ipv4_addr");
	for (uint32_t i = 0; i < set->rules; i++) {
		struct rules_record rule = xdp_set_rule(set, i);
		char text[INET6_ADDRSTRLEN];

		fprintf(file, "%s %s", i ? "," : "",
			inet_ntop(ipv6 ? AF_INET6 : AF_INET, rule.src, text, sizeof(text)));
	}
	fprintf(file, " }\n\t}\n\tchain ingress {\n\t\ttype filter hook ingress device %s priority 0;\n",
		links[WAY_NFT].name);
	fprintf(file, "\t\t%s saddr @hosts drop\n\t}\n}\n", ipv6 ? "ip6" : "ip");
}

static bool nft_load(const struct xdp_bench *bench, const struct xdp_set *set)
{
	char path[300];
	const char *argv[] = { "nft", "-f", path, NULL };
	FILE *file;
	bool loaded;

	if (set->kind != XDP_HOSTS)
		return false;
	snprintf(path, sizeof(path), "%s/hosts.nft", bench->scratch);
	file = fopen(path, "w");
	if (!file)
		bench_fail(path);
	nft_write(file, set);
	fclose(file);
	loaded = process_time(argv, PROCESS_LIMIT, true) >= 0;
	remove(path);
	return loaded;
}

static void nft_unload(void)
{
	const char *argv[] = { "nft", "delete", "table", "netdev", "xdp_bench", NULL };

	process_time(argv, PROCESS_LIMIT, true);
}

/* ---- a flood ---- */

static void out_set(const struct bench *sender, uint32_t out)
{
	int map = bpf_object__find_map_fd_by_name(sender->wrap, "setting");
	struct bench_setting setting;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(map, &zero, &setting))
		bench_fail("setting");
	setting.out = out;
	if (bpf_map_update_elem(map, &zero, &setting, 0))
		bench_fail("setting");
}

static void frames_send(const struct bench *sender, const struct bench_frame *frame, uint32_t out)
{
	struct xdp_md context = { .data_end = frame->size, .ingress_ifindex = sender->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes, .data_size_in = frame->size,
		    .repeat = sender->quick ? FLOOD_FRAMES_QUICK : FLOOD_FRAMES, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = FLOOD_BATCH);

	out_set(sender, out);
	if (bpf_prog_test_run_opts(bench_program(sender, "send"), &options))
		bench_fail("live frames");
}

/* The thread has nothing left to do when it lets the sender go on. */
static void flood_round(const struct bench *sender, const struct bench_frame *frame, enum xdp_way way,
			double rate[XDP_RATES])
{
	const struct link *link = &links[way];
	double sent = processor_time(CLOCK_PROCESS_CPUTIME_ID), received = processor_time(link->clock);
	double packets = link_packets(link), passed = stack_packets();

	frames_send(sender, frame, link->out);
	sent = processor_time(CLOCK_PROCESS_CPUTIME_ID) - sent;
	received = processor_time(link->clock) - received;
	packets = link_packets(link) - packets;
	passed = stack_packets() - passed;
	if (packets < 1 || passed > packets / 100) {
		fprintf(stderr, "bench: %s: of %.0f packets %.0f were not dropped\n", link->name, packets, passed);
		exit(1);
	}
	rate[RATE_RECEIVER] = packets / received;
	rate[RATE_BOTH] = packets / (sent + received);
}

struct way_rates {
	double rounds[XDP_RATES][BENCH_ROUNDS];
};

static void way_run(const struct xdp_bench *bench, const struct xdp_frames *frames, enum xdp_way way, size_t round,
		    struct way_rates *rates)
{
	double rate[XDP_RATES];

	if (way == WAY_TOOLS)
		flood_round(&bench->first, &frames->first, way, rate);
	else
		flood_round(&bench->bench, &frames->all, way, rate);
	for (enum xdp_rate i = 0; i < XDP_RATES; i++)
		rates->rounds[i][round] = rate[i];
}

static void choice_run(struct xdp_bench *bench, const struct xdp_set *set, enum xdp_choice choice,
		       const struct xdp_frames *frames, const bool there[XDP_WAYS])
{
	struct xdp_flood *flood = &bench->floods[bench->flood_count++];
	size_t rounds = bench_rounds(&bench->bench);
	struct way_rates rates[XDP_WAYS];

	*flood = (struct xdp_flood){ .set = *set, .choice = choice };
	bench_choose(&bench->bench, set->family, xdp_choose(choice, set->rules));
	bench_choose(&bench->first, set->family, xdp_choose(choice, bench->first_hosts));
	for (size_t round = 0; round < rounds; round++)
		for (enum xdp_way way = 0; way < XDP_WAYS; way++)
			if (there[way])
				way_run(bench, frames, way, round, &rates[way]);
	for (enum xdp_rate i = 0; i < XDP_RATES; i++)
		for (enum xdp_way way = 0; way < XDP_WAYS; way++)
			flood->rate[i][way] = there[way] ? bench_median(rates[way].rounds[i], rounds) : NONE;
}

void xdp_flood_run(struct xdp_bench *bench, const struct xdp_set *set, const struct xdp_tools *tools,
		   const struct xdp_frames *frames)
{
	bool there[XDP_WAYS] = { true, true, tools->first != NULL, !bench->bench.budgets && nft_load(bench, set) };

	if (tools->first)
		link_attach(&links[WAY_TOOLS], xdp_tools_program(tools->first));
	for (enum xdp_choice choice = 0; choice < XDP_CHOICES; choice++)
		choice_run(bench, set, choice, frames, there);
	if (there[WAY_NFT])
		nft_unload();
}
