/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/netlink.c against the kernel, in network namespaces of its own. Needs root and ip(8). */
#include "netlink.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int tests, failures;

static void __attribute__((format(printf, 3, 4))) check(long got, long expected, const char *format, ...)
{
	va_list arguments;

	printf("%sok %d - ", got == expected ? "" : "not ", ++tests);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	if (got != expected) {
		printf("# expected %ld, got %ld\n", expected, got);
		failures++;
	}
	fflush(stdout);
}

static void check_text(const char *got, const char *expected, const char *what)
{
	check(strcmp(got, expected), 0, "%s", what);
	if (strcmp(got, expected))
		printf("# expected \"%s\", got \"%s\"\n", expected, got);
}

static void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void shell(const char *text)
{
	if (system(text))
		bail_out(text);
}

/* Runs "ip ..." and gives up if it fails. */
static void __attribute__((format(printf, 1, 2))) ip(const char *format, ...)
{
	char command[512] = "ip ";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, arguments);
	va_end(arguments);
	if (system(command))
		bail_out(command);
}

static FILE *ip_batch(void)
{
	FILE *batch = popen("ip -batch -", "w");

	if (!batch)
		bail_out("ip -batch");
	return batch;
}

static struct prefix prefix_of(const char *address, uint8_t len)
{
	struct prefix prefix = { .family = strchr(address, ':') ? 6 : 4, .len = len };

	if (inet_pton(prefix.family == 4 ? AF_INET : AF_INET6, address, prefix.addr) != 1)
		bail_out(address);
	return prefix;
}

static struct own_addresses own_addresses_get(void)
{
	struct own_addresses own;
	struct error error;

	if (netlink_own_addresses(&own, &error)) {
		printf("# %s\n", error.text);
		bail_out("netlink_own_addresses");
	}
	return own;
}

static int own_has(const struct own_addresses *own, const char *device, const char *address)
{
	struct prefix prefix = prefix_of(address, 0);
	struct own_address wanted = { .ifindex = if_nametoindex(device), .family = prefix.family };
	size_t i;

	memcpy(wanted.addr, prefix.addr, sizeof(wanted.addr));
	for (i = 0; i < own->count; i++)
		if (!memcmp(&own->items[i], &wanted, sizeof(wanted)))
			return 1;
	return 0;
}

static void check_own(const struct own_addresses *own, const char *device, const char *address, int expected,
		      const char *why)
{
	check(own_has(own, device, address), expected, "%s %s %s: %s", device, expected ? "owns" : "does not own",
	      address, why);
}

static int own_is_sorted(const struct own_addresses *own)
{
	size_t i;

	for (i = 1; i < own->count; i++)
		if (memcmp(&own->items[i - 1], &own->items[i], sizeof(own->items[i])) >= 0)
			return 0;
	return 1;
}

static void test_own_of_interface(void)
{
	struct own_addresses own;

	ip("link add v0 type veth peer name v1");
	ip("addr add 192.0.2.1/24 dev v0");
	ip("addr add 192.0.2.2/24 dev v0");
	ip("addr add 2001:db8::1/64 dev v0 nodad");
	ip("addr add 198.51.100.1/24 dev v1");
	ip("addr add 203.0.113.1 peer 203.0.113.2/32 dev v0");
	ip("addr add 2001:db8:1::1 peer 2001:db8:1::2/128 dev v0 nodad");
	own = own_addresses_get();
	check_own(&own, "lo", "127.0.0.1", 1, "loopback");
	check_own(&own, "lo", "::1", 1, "loopback");
	check_own(&own, "v0", "192.0.2.1", 1, "first of three");
	check_own(&own, "v0", "192.0.2.2", 1, "secondary");
	check_own(&own, "v0", "2001:db8::1", 1, "IPv6");
	check_own(&own, "v0", "203.0.113.1", 1, "local end of a point-to-point link");
	check_own(&own, "v0", "203.0.113.2", 0, "its peer");
	check_own(&own, "v0", "2001:db8:1::1", 1, "local end of a point-to-point link");
	check_own(&own, "v0", "2001:db8:1::2", 0, "its peer");
	check_own(&own, "v0", "127.0.0.1", 0, "on another interface");
	check_own(&own, "v0", "198.51.100.1", 0, "on its veth peer");
	check_own(&own, "v1", "192.0.2.1", 0, "on its veth peer");
	free(own.items);
}

/* m0 and m2 are macvlans on v0, m1 one on the bridge br0, whose ports are v2 and m2. */
static void test_own_of_stacked(void)
{
	struct own_addresses own;

	ip("link add v2 type veth peer name v3");
	ip("link add br0 type bridge");
	ip("link set v2 master br0");
	ip("addr add 10.1.0.1/24 dev br0");
	ip("link add m0 link v0 type macvlan mode bridge");
	ip("addr add 10.2.0.1/24 dev m0");
	ip("link add m1 link br0 type macvtap mode bridge");
	ip("addr add 10.3.0.1/24 dev m1");
	ip("addr add 2001:db8:3::1/64 dev m1 nodad");
	ip("link add m2 link v0 type macvlan mode bridge");
	ip("link set m2 master br0");
	ip("link add vx0 type vxlan id 4 dev v0 dstport 4789");
	ip("addr add 10.4.0.1/24 dev vx0");
	own = own_addresses_get();
	check_own(&own, "br0", "10.1.0.1", 1, "its own");
	check_own(&own, "v2", "10.1.0.1", 1, "of the bridge it is a port of");
	check_own(&own, "v3", "10.1.0.1", 0, "peer of a bridge port");
	check_own(&own, "br0", "192.0.2.1", 0, "of a device below");
	check_own(&own, "v0", "10.2.0.1", 1, "macvlan on it");
	check_own(&own, "m0", "10.2.0.1", 1, "its own");
	check_own(&own, "m0", "192.0.2.1", 0, "of the device below");
	check_own(&own, "v1", "10.2.0.1", 0, "macvlan on its veth peer");
	check_own(&own, "br0", "10.3.0.1", 1, "macvtap on it");
	check_own(&own, "v2", "10.3.0.1", 1, "macvtap on the bridge it is a port of");
	check_own(&own, "v0", "10.3.0.1", 1, "three levels up");
	check_own(&own, "v0", "2001:db8:3::1", 1, "three levels up, IPv6");
	check_own(&own, "v3", "10.3.0.1", 0, "peer of a bridge port");
	check_own(&own, "v0", "10.4.0.1", 0, "vxlan that only sends through it");
	check(own_is_sorted(&own), 1, "own addresses are sorted and without doubles");
	free(own.items);
}

static int wait_ok(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void pipe_open(int fds[2])
{
	if (pipe(fds))
		bail_out("pipe");
}

static void pipe_signal(int fd)
{
	if (write(fd, "", 1) != 1)
		bail_out("write");
}

static void pipe_wait(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		bail_out("read");
}

/* In a namespace where another interface has the index of the macvlan's lower device. Exits 0 if all is well. */
static void foreign_lower_child(unsigned int lower, int ready, int moved)
{
	struct own_addresses own;

	if (unshare(CLONE_NEWNET))
		bail_out("unshare");
	ip("link add other index %u type bridge", lower);
	pipe_signal(ready);
	pipe_wait(moved);
	ip("addr add 10.5.0.1/24 dev m3");
	own = own_addresses_get();
	_exit(!own_has(&own, "m3", "10.5.0.1") || own_has(&own, "other", "10.5.0.1"));
}

static void test_own_of_foreign_lower(void)
{
	int ready[2], moved[2];
	pid_t pid;

	pipe_open(ready);
	pipe_open(moved);
	ip("link add m3 link v0 type macvlan mode bridge");
	pid = fork();
	if (!pid)
		foreign_lower_child(if_nametoindex("v0"), ready[1], moved[0]);
	pipe_wait(ready[0]);
	ip("link set m3 netns %d", (int)pid);
	pipe_signal(moved[1]);
	check(wait_ok(pid), 1, "a macvlan whose lower device is in another namespace is stacked on none here");
}

#define MANY 3000

static size_t own_count_many(const struct own_addresses *own, const char *device)
{
	uint32_t ifindex = if_nametoindex(device);
	size_t i, count = 0;

	for (i = 0; i < own->count; i++)
		count += own->items[i].ifindex == ifindex && own->items[i].family == 4 && own->items[i].addr[0] == 11;
	return count;
}

static void test_own_many(void)
{
	FILE *batch = ip_batch();
	struct own_addresses own;
	int i;

	for (i = 0; i < MANY; i++)
		fprintf(batch, "addr add 11.0.%d.%d/32 dev br0\n", i / 250, i % 250 + 1);
	check(pclose(batch), 0, "many addresses added");
	own = own_addresses_get();
	check((long)own_count_many(&own, "br0"), MANY, "all addresses of an answer of many datagrams");
	check((long)own_count_many(&own, "v2"), MANY, "all of them for a bridge port");
	check((long)own_count_many(&own, "v0"), MANY, "all of them two levels down, once");
	check(own_is_sorted(&own), 1, "many addresses are sorted and without doubles");
	free(own.items);
}

/* An address of scope host becomes the first in the list: taking it away makes a running dump skip another. */
static void __attribute__((noreturn)) churn_child(void)
{
	FILE *batch = ip_batch();

	for (;;) {
		fprintf(batch, "addr add 12.0.0.1/32 dev br0 scope host\naddr del 12.0.0.1/32 dev br0\n");
		fflush(batch);
		usleep(2000);
	}
}

/* What the kernel marks as inconsistent must never be returned. */
static void test_own_during_changes(void)
{
	int i, complete = 0, refused = 0;
	struct own_addresses own;
	struct error error;
	pid_t pid = fork();

	if (!pid)
		churn_child();
	for (i = 0; i < 100; i++) {
		if (netlink_own_addresses(&own, &error))
			refused += !strcmp(error.text, "address list: kept changing while it was read");
		else
			complete += own_count_many(&own, "v2") == MANY;
		free(own.items);
	}
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	check(complete + refused, 100, "while addresses change: complete (%d) or refused (%d)", complete, refused);
}

static long routes_with(const char *address, uint8_t len)
{
	struct prefix prefix = prefix_of(address, len);
	struct prefix_list list;
	struct error error;
	long found = 0;
	size_t i;

	if (netlink_local_routes(&list, &error)) {
		printf("# %s\n", error.text);
		return -1;
	}
	for (i = 0; i < list.count; i++)
		found += !memcmp(&list.items[i], &prefix, sizeof(prefix));
	free(list.items);
	return found;
}

static void test_routes_present(void)
{
	ip("link set v0 up");
	ip("link set v1 up");
	ip("route add local 10.64.0.0/10 dev lo table 77");
	ip("route add 10.9.0.0/16 dev v0");
	ip("route add blackhole 10.10.0.0/16");
	ip("-6 route add anycast 2001:db8:7:: dev v0 table local");
	check(routes_with("127.0.0.0", 8), 1, "127.0.0.0/8 is local");
	check(routes_with("127.0.0.1", 32), 1, "127.0.0.1 is local");
	check(routes_with("::1", 128), 1, "::1 is local");
	check(routes_with("192.0.2.1", 32), 1, "an interface's address is local");
	check(routes_with("2001:db8::1", 128), 1, "an interface's IPv6 address is local");
	check(routes_with("10.64.0.0", 10), 1, "a local route of table 77 is local");
	check(routes_with("192.0.2.255", 32), 0, "a broadcast address is not local");
	check(routes_with("192.0.2.0", 24), 0, "a connected network is not local");
	check(routes_with("10.9.0.0", 16), 0, "a unicast route is not local");
	check(routes_with("10.10.0.0", 16), 0, "a blackhole is not local");
	check(routes_with("2001:db8:7::", 128), 0, "an anycast address is not local");
	check(routes_with("0.0.0.0", 0), 0, "there is no local default");
}

/* Returns *changed, or -1. */
static int route_change(enum route_change change, const char *address, uint8_t len, struct error *error)
{
	struct prefix prefix = prefix_of(address, len);
	int changed = -1;

	return netlink_local_route(change, &prefix, &changed, error) ? -1 : changed;
}

static void test_route_changes(const char *address, uint8_t len)
{
	struct error error;

	check(route_change(ROUTE_DELETE, address, len, &error), 0, "delete %s/%u, not there: no change", address, len);
	check(route_change(ROUTE_ADD, address, len, &error), 1, "add %s/%u: changed", address, len);
	check(routes_with(address, len), 1, "%s/%u is local", address, len);
	check(route_change(ROUTE_ADD, address, len, &error), 0, "add %s/%u again: no change", address, len);
	check(routes_with(address, len), 1, "%s/%u is local once", address, len);
	check(route_change(ROUTE_DELETE, address, len, &error), 1, "delete %s/%u: changed", address, len);
	check(routes_with(address, len), 0, "%s/%u is not local", address, len);
	check(route_change(ROUTE_DELETE, address, len, &error), 0, "delete %s/%u again: no change", address, len);
}

static void test_routes_of_others(void)
{
	struct prefix prefix = prefix_of("10.33.0.0", 16);
	struct error error;

	ip("route add local 10.33.0.0/16 dev lo");
	check(route_change(ROUTE_ADD, "10.33.0.0", 16, &error), 0, "add what the user added: no change");
	check(route_change(ROUTE_DELETE, "10.33.0.0", 16, &error), 0, "delete what the user added: no change");
	check(routes_with("10.33.0.0", 16), 1, "the user's route stays");
	ip("route del local 10.33.0.0/16 dev lo");
	check(netlink_local_route(ROUTE_ADD, &prefix, NULL, &error), 0, "changed may be NULL");
	check(routes_with("10.33.0.0", 16), 1, "and the route is added");
	ip("route del local 10.33.0.0/16 dev lo");
	check(routes_with("10.33.0.0", 16), 0, "the man page's \"ip route del\" finds our route");
	check(route_change(ROUTE_DELETE, "192.0.2.1", 32, &error), 0, "delete an interface's address: no change");
	check(routes_with("192.0.2.1", 32), 1, "an interface's route stays");
	check(route_change(ROUTE_DELETE, "2001:db8::1", 128, &error), 0, "the same with IPv6: no change");
	check(routes_with("2001:db8::1", 128), 1, "an interface's IPv6 route stays");
}

static void test_route_errors(void)
{
	struct error error = { 0 };

	check(route_change(ROUTE_ADD, "192.0.2.255", 32, &error), -1, "add over a broadcast route: refused");
	check_text(error.text, "192.0.2.255/32: the table \"local\" has a route of another type to it", "and said so");
	if (seteuid(65534))
		bail_out("seteuid");
	check(route_change(ROUTE_ADD, "2001:db8::", 32, &error), -1, "add without the capability: refused");
	check_text(error.text, "2001:db8::/32: Operation not permitted", "and said so");
	check(error.exit, EXIT_STATE, "with the exit code of a state");
	check(route_change(ROUTE_DELETE, "10.34.0.0", 16, &error), -1, "delete without the capability: refused");
	if (seteuid(0))
		bail_out("seteuid");
}

enum { V6ONLY = 1, CONNECTED = 2, UNCONNECTED = 4 };

/* A listening TCP socket or a bound UDP one. */
static int socket_bind(int type, const char *address, uint16_t port, int flags, const char *device)
{
	struct prefix prefix = prefix_of(address, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(prefix.family == 4 ? AF_INET : AF_INET6, type, 0), on = !!(flags & V6ONLY), result;

	memcpy(&in.sin_addr, prefix.addr, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, prefix.addr, sizeof(in6.sin6_addr));
	if (device)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device));
	if (prefix.family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	result = prefix.family == 4 ? bind(fd, (struct sockaddr *)&in, sizeof(in))
				    : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	if (result)
		bail_out(address);
	return fd;
}

static int socket_open(int type, const char *address, uint16_t port, int flags, const char *device)
{
	int fd = socket_bind(type, address, port, flags, device);
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (type == SOCK_STREAM && !(flags & UNCONNECTED) && listen(fd, 1))
		bail_out("listen");
	if (flags & CONNECTED &&
	    (getsockname(fd, (struct sockaddr *)&peer, &len) || connect(fd, (struct sockaddr *)&peer, len)))
		bail_out("connect");
	return fd;
}

static const struct listener_case {
	const char *address;
	int flags;
	const char *device;
	int ipv4, ipv6; /* expected */
} listener_cases[] = {
	{ "127.0.0.1", 0, NULL, 1, 0 },
	{ "0.0.0.0", 0, NULL, 1, 0 },
	{ "0.0.0.0", 0, "v0", 1, 0 },
	{ "0.0.0.0", 0, "lo", 0, 0 },
	{ "127.0.0.2", 0, NULL, 0, 0 },
	{ "192.0.2.1", 0, NULL, 0, 0 },
	{ "::", 0, NULL, 1, 1 },
	{ "::", V6ONLY, NULL, 0, 1 },
	{ "::", V6ONLY, "lo", 0, 0 },
	{ "::1", 0, NULL, 0, 1 },
	{ "::1", V6ONLY, NULL, 0, 1 },
	{ "2001:db8::1", 0, NULL, 0, 0 },
	{ "::ffff:127.0.0.1", 0, NULL, 1, 0 },
	{ "::ffff:0.0.0.0", 0, NULL, 1, 0 },
	{ "::ffff:192.0.2.1", 0, NULL, 0, 0 },
};

#define CASES (sizeof(listener_cases) / sizeof(listener_cases[0]))

static void check_listener(const struct listeners *listeners, const struct listener_case *c, int proto, uint16_t port)
{
	const char *name = proto == IPPROTO_TCP ? "TCP" : "UDP", *device = c->device ? c->device : "no device";
	const char *only = c->flags & V6ONLY ? " v6only" : "";

	check(listeners_have(listeners, 4, proto, port), c->ipv4, "%s at %s%s, %s: IPv4 %s", name, c->address, only,
	      device, c->ipv4 ? "listens" : "does not");
	check(listeners_have(listeners, 6, proto, port), c->ipv6, "%s at %s%s, %s: IPv6 %s", name, c->address, only,
	      device, c->ipv6 ? "listens" : "does not");
}

static void test_listeners(int proto, uint16_t first)
{
	int fds[CASES], type = proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	static struct listeners listeners;
	struct error error;
	uint16_t i;

	for (i = 0; i < CASES; i++)
		fds[i] = socket_open(type, listener_cases[i].address, (uint16_t)(first + i), listener_cases[i].flags,
				     listener_cases[i].device);
	check(netlink_listeners(&listeners, &error), 0, "listeners read");
	for (i = 0; i < CASES; i++)
		check_listener(&listeners, &listener_cases[i], proto, (uint16_t)(first + i));
	for (i = 0; i < CASES; i++)
		close(fds[i]);
	check(netlink_listeners(&listeners, &error), 0, "listeners read after they closed");
	check(listeners_have(&listeners, 4, proto, first), 0, "a closed listener is gone");
}

static void test_not_listening(void)
{
	int udp4 = socket_open(SOCK_DGRAM, "127.0.0.1", 3001, CONNECTED, NULL);
	int udp6 = socket_open(SOCK_DGRAM, "::1", 3002, CONNECTED, NULL);
	int bound = socket_open(SOCK_STREAM, "127.0.0.1", 3003, UNCONNECTED, NULL);
	int tcp = socket_open(SOCK_STREAM, "127.0.0.1", 65535, 0, NULL);
	static struct listeners listeners;
	struct error error;

	check(netlink_listeners(&listeners, &error), 0, "listeners read");
	check(listeners_have(&listeners, 4, IPPROTO_UDP, 3001), 0, "a connected UDP socket does not listen");
	check(listeners_have(&listeners, 6, IPPROTO_UDP, 3002), 0, "a connected IPv6 UDP socket does not listen");
	check(listeners_have(&listeners, 4, IPPROTO_TCP, 3003), 0, "a TCP socket only bound does not listen");
	check(listeners_have(&listeners, 4, IPPROTO_TCP, 65535), 1, "the last port");
	check(listeners_have(&listeners, 4, IPPROTO_UDP, 65535), 0, "the last port, other protocol");
	close(udp4);
	close(udp6);
	close(bound);
	close(tcp);
}

static void test_namespace(void)
{
	uint64_t here = 0, again = 1, there = 0;
	struct error error;

	check(netlink_namespace(&here, &error), 0, "namespace cookie read");
	check(netlink_namespace(&again, &error), 0, "namespace cookie read again");
	check(here == again && here, 1, "it is the same, and not 0");
	if (unshare(CLONE_NEWNET))
		bail_out("unshare");
	check(netlink_namespace(&there, &error), 0, "namespace cookie of another namespace read");
	check(there != here && there, 1, "it is another one");
}

/* ---- filters ---- */

/* A program of one step, "let the packet go on"; its descriptor. */
static int program_load(uint32_t *id)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe", "GPL", code, 2, NULL);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("bpf_prog_load");
	*id = info.id;
	return fd;
}

static void program_attach(int fd, const char *device, enum bpf_tc_attach_point point, uint32_t prio, uint32_t handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(device), .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = fd, .priority = prio, .handle = handle);

	if (bpf_tc_attach(&hook, &options))
		bail_out("bpf_tc_attach");
}

static void check_filters(const char *device, enum filter_hook hook, const char *expected, const char *what)
{
	struct bpf_filter *filters;
	char text[512] = "";
	struct error error;
	size_t count = 0;

	check(netlink_bpf_filters(if_nametoindex(device), hook, &filters, &count, &error), 0, "%s: read", what);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u/%u %s%s;", filters[i].prio,
			 filters[i].handle, filters[i].direct_action ? "da " : "",
			 strncmp(filters[i].name, "probe:[", 7) ? filters[i].name : "probe");
	check_text(text, expected, what);
	free(filters);
}

static void check_clsact(const char *expected, const char *what)
{
	uint32_t *ifindices;
	char text[512] = "", name[IF_NAMESIZE] = "";
	struct error error;
	size_t count = 0;

	check(netlink_clsact(&ifindices, &count, &error), 0, "%s: interfaces with clsact", what);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s;", if_indextoname(ifindices[i], name));
	check_text(text, expected, what);
	free(ifindices);
}

static void test_filters(void)
{
	struct bpf_filter *filters;
	struct error error;
	size_t count;
	uint32_t id;
	int fd = program_load(&id);

	check_filters("v0", FILTER_INGRESS, "", "no qdisc, ingress");
	check_clsact("", "no qdisc");
	shell("tc qdisc add dev v0 clsact");
	check_filters("v0", FILTER_INGRESS, "", "a qdisc without filters");
	program_attach(fd, "v0", BPF_TC_INGRESS, 49152, 1);
	program_attach(fd, "v0", BPF_TC_INGRESS, 65535, 0xffffffff);
	program_attach(fd, "v0", BPF_TC_INGRESS, 1, 7);
	program_attach(fd, "v0", BPF_TC_EGRESS, 3, 2);
	check_filters("v0", FILTER_INGRESS, "1/7 da probe;49152/1 da probe;65535/4294967295 da probe;",
		      "in the order they are asked");
	check_filters("v0", FILTER_EGRESS, "3/2 da probe;", "those of the other hook");
	check_filters("v1", FILTER_INGRESS, "", "those of another interface");
	netlink_bpf_filters(if_nametoindex("v0"), FILTER_EGRESS, &filters, &count, &error);
	check(count == 1 && filters[0].prog_id == id, 1, "the id of the program");
	free(filters);
	shell("tc qdisc add dev v1 ingress");
	program_attach(fd, "v1", BPF_TC_INGRESS, 9, 1);
	check_filters("v1", FILTER_INGRESS, "9/1 da probe;", "a qdisc \"ingress\"");
	check_clsact("v0;", "which has no egress");
	close(fd);
}

static void test_filters_of_none(void)
{
	struct bpf_filter *filters;
	struct error error;
	size_t count;

	check(netlink_bpf_filters(999999, FILTER_INGRESS, &filters, &count, &error) || count, 0,
	      "an interface that is gone has no filters");
}

/* ---- changes ---- */

static int is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0);
}

static void test_changes(void)
{
	struct error error;
	int fd = netlink_changes_open(&error);

	check(fd >= 0, 1, "changes can be followed");
	check(is_readable(fd), 0, "nothing has changed yet");
	ip("addr add 10.77.0.1/24 dev v0");
	check(is_readable(fd), 1, "an IPv4 address was added");
	netlink_changes_drain(fd);
	check(is_readable(fd), 0, "which is told once");
	ip("addr add 2001:db8:77::1/64 dev v0 nodad");
	check(is_readable(fd), 1, "an IPv6 address was added");
	netlink_changes_drain(fd);
	ip("addr del 10.77.0.1/24 dev v0");
	check(is_readable(fd), 1, "an address was deleted");
	netlink_changes_drain(fd);
	ip("link add br7 type bridge");
	check(is_readable(fd), 1, "an interface was made");
	netlink_changes_drain(fd);
	ip("link set v1 master br7");
	check(is_readable(fd), 1, "an interface became a port of a bridge");
	netlink_changes_drain(fd);
	check(is_readable(fd), 0, "all was taken");
	close(fd);
}

int main(void)
{
	if (unshare(CLONE_NEWNET)) {
		printf("1..0 # SKIP no network namespace: %s\n", strerror(errno));
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	ip("link set lo up");
	test_own_of_interface();
	test_own_of_stacked();
	test_own_of_foreign_lower();
	test_own_many();
	test_own_during_changes();
	test_routes_present();
	test_route_changes("10.32.0.0", 16);
	test_route_changes("10.32.0.1", 32);
	test_route_changes("0.0.0.0", 0);
	test_route_changes("2001:db8:32::", 48);
	test_route_changes("2001:db8:32::1", 128);
	test_route_changes("::", 0);
	test_routes_of_others();
	test_route_errors();
	test_listeners(IPPROTO_TCP, 1000);
	test_listeners(IPPROTO_UDP, 2000);
	test_not_listening();
	test_filters();
	test_filters_of_none();
	test_changes();
	test_namespace();
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
