#!/usr/bin/env bats
# shellcheck shell=bats
# The link of the sk_lookup program: to which namespace, alive or not, in force or not, and killed at any moment.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

ATTACH=$BATS_TEST_DIRNAME/../../scripts/attach

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	local_routes 172.16.240.0/24
	serve udp 127.0.0.1 58997 tcp 0.0.0.0 8080 tcp :: 8080 tcp 0.0.0.0 8081
	# a program by whose effect one knows whether it is linked: nobody reaches port 8080
	compile closing <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("sk_lookup") int splicer_lookup(struct bpf_sk_lookup *ctx)
		{
			return ctx->local_port == 8080 ? SK_DROP : SK_PASS;
		}
		char _license[] SEC("license") = "GPL";
	END
	# one that uses a pinned map, and one of its own
	compile mapped -I"$BATS_TEST_DIRNAME/../../bpf" <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "maps/config.h"
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__type(key, __u32);
			__type(value, __u32);
		} own SEC(".maps");
		SEC("sk_lookup") int splicer_lookup(struct bpf_sk_lookup *ctx)
		{
			__u32 key = 0, *count = bpf_map_lookup_elem(&own, &key);
			if (count && bpf_map_lookup_elem(&splicer1_config, &key))
				*count = ctx->local_port;
			return SK_PASS;
		}
		char _license[] SEC("license") = "GPL";
	END
}

teardown_file() {
	stop_started
}

# Attached as the README says, and no link.
setup() {
	fresh_pins wan0
}

teardown() {
	stop_started
}

# compile NAME [FLAG]...: C on standard input to $BATS_FILE_TMPDIR/NAME.o
compile() {
	local name=$1
	shift
	clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" "$@" -x c -c - -o "$BATS_FILE_TMPDIR/$name.o"
}

closing() {
	lookup_link make --object "$BATS_FILE_TMPDIR/closing.o" "$@"
}

# state: the word that lookup_link has for it
state() {
	lookup_link | awk 'NR == 2 { print $1 }'
}

assert_closed() {
	assert_traffic box <<-END
		refused tcp 192.0.2.1 8080
		refused tcp 2001:db8::1 8080
		answer tcp 192.0.2.1 8081
	END
}

assert_not_closed() {
	assert_traffic box <<-END
		answer tcp 192.0.2.1 8080
		answer tcp 2001:db8::1 8080
	END
}

@test "a bare tc attachment has no link, and works" {
	assert_equal "$(state)" none
	map_update 172.16.240.0 24 5060 5060 58997 udp
	assert_traffic client <<<'answer udp 172.16.240.9 5060'
	assert_equal "$(state)" none
}

@test "what is linked is in force, for both families; replaced, made again and removed" {
	assert_not_closed
	assert_exit 0 closing -v
	assert_equal "$out" 'A splicer1_lookup'
	assert_closed
	assert_exit 0 closing -v
	assert_equal "$out" '= splicer1_lookup'
	assert_closed
	assert_exit 0 lookup_link make -v
	assert_equal "$out" 'C splicer1_lookup'
	assert_not_closed
	assert_exit 0 closing -v
	assert_equal "$out" 'C splicer1_lookup'
	assert_closed
	assert_exit 0 lookup_link remove -v
	assert_equal "$out" 'D splicer1_lookup'
	# at once, without a wait for the kernel
	assert_not_closed
}

@test "removed with the pins, as one takes splicer off, it is no longer in force" {
	assert_exit 0 closing -v
	assert_closed
	rm "$PINS"/{splicer,event}1_*
	eventually assert_not_closed
}

@test "made anew after the other maps were: the program that uses the old ones is replaced" {
	local before
	lookup_link make --object "$BATS_FILE_TMPDIR/mapped.o"
	before=$(lookup_link -j | fields link prog)
	find "$PINS" -type f ! -name splicer1_lookup -delete
	detach wan0
	lab_attach wan0
	assert_equal "$(state)" incomplete
	assert_exit 0 lookup_link make -v --object "$BATS_FILE_TMPDIR/mapped.o"
	assert_equal "$out" 'C splicer1_lookup'
	assert_equal "$(lookup_link -j | fields link)" "${before%% *}" 'the link'
	[ "$(lookup_link -j | fields link prog)" != "$before" ] || fail 'expected: another program'
	assert_exit 0 lookup_link make -v --object "$BATS_FILE_TMPDIR/mapped.o"
	assert_equal "$out" '= splicer1_lookup'
}

# elsewhere: a network namespace that ends with the process $pid, linked there; the pins belong to nobody yet
elsewhere() {
	mkfifo "$BATS_TEST_TMPDIR/end"
	exec 9<>"$BATS_TEST_TMPDIR/end"
	# shellcheck disable=SC2016
	started "$BATS_TEST_TMPDIR/elsewhere" unshare --net bash -c 'lookup_link make -v && read -r <&9'
	eventually grep -q splicer1_lookup "$BATS_TEST_TMPDIR/elsewhere" || return
	assert_equal "$(<"$BATS_TEST_TMPDIR/elsewhere")" 'A splicer1_lookup'
}

end_elsewhere() {
	echo >&9
	exec 9>&-
	assert_ends "$pid" 0
}

@test "of another network namespace's pins nothing is made, removed or shown" {
	local id verb
	elsewhere
	for verb in '' make remove; do
		# shellcheck disable=SC2086
		assert_error lookup_link $verb
		assert_match "$err" 'these maps belong to another network namespace'
	done
	# the maps anew, but for the link
	id=$(find "$PINS" -name splicer1_lookup -printf %i)
	find "$PINS" -type f ! -name splicer1_lookup -delete
	detach wan0
	lab_attach wan0
	assert_equal "$(state)" foreign
	for verb in make 'make -n' remove 'remove -n' 'remove --unused'; do
		# shellcheck disable=SC2086
		assert_error lookup_link $verb
		assert_match "$err" 'splicer1_lookup: linked to another network namespace \(net:\[[0-9]+\]\), which is alive$'
	done
	assert_equal "$(state)" foreign
	assert_equal "$(find "$PINS" -name splicer1_lookup -printf %i)" "$id" 'the pin'
	assert_exit 1 "$ATTACH" --object "$LAB_OBJECTS/splicer.o" wan0
	assert_match "$err" '^attach: wan0: lookup link: .*which is alive; the previous filter stays in force$'
	assert_equal "$(tc filter show dev wan0 egress)" '' 'egress'
	end_elsewhere
}

@test "left by a dead namespace, it is replaced" {
	elsewhere
	find "$PINS" -type f ! -name splicer1_lookup -delete
	detach wan0
	lab_attach wan0
	end_elsewhere
	eventually is_dead
	assert_exit 0 closing -nv
	assert_equal "$out" 'C splicer1_lookup'
	assert_equal "$(state)" dead
	assert_error lookup_link make --object /nonexistent
	assert_equal "$(state)" dead
	assert_exit 0 "$ATTACH" -v --object "$LAB_OBJECTS/splicer.o" wan0
	assert_equal "$out" $'A wan0 egress prio 20 handle 0x1\nC splicer1_lookup\nC wan0 ingress prio 49152 handle 0x1'
	assert_equal "$(state)" linked
	assert_exit 0 closing -v
	assert_closed
}

is_dead() {
	[ "$(state)" = dead ]
}

@test "left by a dead namespace, it can be removed" {
	elsewhere
	find "$PINS" -type f ! -name splicer1_lookup -delete
	detach wan0
	lab_attach wan0
	end_elsewhere
	eventually is_dead
	assert_exit 0 lookup_link remove -v
	assert_equal "$out" 'D splicer1_lookup'
	assert_equal "$(state)" none
}

@test "eight at once, some of which remove it: a whole state, and one link" {
	local n one pids=()
	for n in 1 2 3 4 5 6 7 8; do
		case $((n % 3)) in
		0) started "$BATS_TEST_TMPDIR/$n" lookup_link remove ;;
		1) started "$BATS_TEST_TMPDIR/$n" lookup_link make ;;
		2) started "$BATS_TEST_TMPDIR/$n" lookup_link make --object "$BATS_FILE_TMPDIR/closing.o" ;;
		esac
		pids+=("$pid")
	done
	for one in "${pids[@]}"; do
		assert_ends "$one" 0
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/[1-8])" '' 'what they print'
	assert_match "$(state)" '^(none|linked)$'
	lookup_link make
	# one that was lost on the way would still close the port
	assert_not_closed
}

@test "killed before any system call, the next make or remove completes it" {
	gcc -shared -fPIC -O2 -x c - -o "$BATS_TEST_TMPDIR/kill_at.so" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdlib.h>
		int getpid(void), kill(int, int); /* unistd.h declares syscall in another way */
		/* Counts what changes anything, and what follows; to load the program takes a hundred calls more. */
		static int calls, changed;
		static void call(int counts)
		{
			if (counts && ++calls == atoi(getenv("KILL_AT")))
				kill(getpid(), 9);
		}
		/* bpf(2): BPF_OBJ_PIN, BPF_LINK_CREATE, BPF_LINK_UPDATE, BPF_LINK_DETACH */
		long syscall(long n, long a, long b, long c, long d, long e, long f)
		{
			long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");
			changed |= a == 6 || a == 28 || a == 29 || a == 34;
			call(changed);
			return next(n, a, b, c, d, e, f);
		}
		int unlink(const char *path)
		{
			int (*next)(const char *) = dlsym(RTLD_NEXT, "unlink");
			changed = 1;
			call(1);
			return next(path);
		}
		int close(int fd)
		{
			int (*next)(int) = dlsym(RTLD_NEXT, "close");
			call(changed);
			return next(fd);
		}
		int flock(int fd, int operation)
		{
			int (*next)(int, int) = dlsym(RTLD_NEXT, "flock");
			call(1);
			return next(fd, operation);
		}
	END
	assert_exit 0 link_killer "$BATS_TEST_TMPDIR/kill_at.so" "$LAB_OBJECTS/splicer.o" "$BATS_FILE_TMPDIR/closing.o"
	assert_equal "$out" "$(
		cat <<-END
			make none -> incomplete linked none
			make lost -> incomplete linked lost none
			make linked -> linked
			change linked -> linked
			remove linked -> dead incomplete linked none
			remove lost -> lost none
		END
	)"
	# what one of them might have left would still close the port
	assert_not_closed
}
