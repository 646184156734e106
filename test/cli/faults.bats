#!/usr/bin/env bats
# What is broken on purpose, and what the tools make of it: doc/faults.md has the whole table. Here is what needs no
# traffic, and that no other file has: full tables, a small disk, a clock that jumps, nobody's rights.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow

NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups)

setup_file() {
	ip link add t0 type veth peer name t1
	ip link set t0 up
	ip link set t1 up
	for object in '' --lb --flow --xdp; do
		"$BATS_TEST_DIRNAME/../../scripts/attach" ${object:+"$object"} --object "$(object_of "$object")" t0
	done 2>/dev/null
	gcc -shared -fPIC -O2 -x c - -o "$BATS_FILE_TMPDIR/jump.so" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <time.h>
		/* CLOCK_REALTIME is as many seconds off as the file JUMP says, which may change at any time. */
		int clock_gettime(clockid_t clock, struct timespec *now)
		{
			int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
			int result = next(clock, now);
			FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("JUMP"), "re") : NULL;
			long long seconds = 0;
			if (file && fscanf(file, "%lld", &seconds) == 1)
				now->tv_sec += seconds;
			if (file)
				fclose(file);
			return result;
		}
		time_t time(time_t *out)
		{
			struct timespec now;
			clock_gettime(CLOCK_REALTIME, &now);
			if (out)
				*out = now.tv_sec;
			return now.tv_sec;
		}
	END
}

object_of() {
	case $1 in
	'') echo "$LAB_OBJECTS/splicer.o" ;;
	--xdp) echo "$LAB_OBJECTS/xdp_filter.o" ;;
	*) echo "$LAB_OBJECTS/${1#--}.o" ;;
	esac
}

# What a test has left when it fails.
teardown() {
	umount "$tmp/disk" 2>/dev/null || true
	for pid in "${servers[@]}"; do
		kill "$pid"
		wait "$pid" 2>/dev/null || true
	done
}

setup() {
	box_clean
	export JUMP=$tmp/jump
}

eventually() {
	local try
	for ((try = 0; try < 1500; try++)); do
		"$@" && return
		sleep 0.02
	done
	fail "$*" never
}

has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# ---- full ----

@test "4096 services are all there can be: the error says so, nothing changes; a place that is freed is taken" {
	awk 'BEGIN { for (i = 0; i < 4096; i++) printf "10.%d.%d.1:80/tcp\n", 10 + i / 256, i % 256 }' >"$tmp/services"
	lb_backend add -q -f "$tmp/services"
	lb_backend list --save >"$tmp/before"
	assert_text 'as many' <(wc -l <"$tmp/before") 4096
	for vip in 192.0.2.1:80/tcp '[2001:db8::1]:80/tcp'; do
		capture lb_backend add -q "$vip"
		assert_status 1
		assert_errors "lb_backend: $vip: there are 4096 services, and no room for more"
		lb_backend list --save | cmp "$tmp/before" - || fail 'services as before' 'others'
	done
	lb_backend delete 10.10.0.1:80/tcp
	assert_done lb_backend add -q '[2001:db8::1]:80/tcp'
	lb_backend delete -f <(lb_backend list --save | awk '{ print $1 == "add" ? $2 : $1 }')
}

@test "xdp_rule: more than 512 combinations of lengths: exit 1, nothing changes" {
	awk 'BEGIN { for (d = 0; d <= 32; d++) for (s = 0; s <= 16; s++) printf "0.0.0.0/%d drop -d 0.0.0.0/%d\n", s, d }' >"$tmp/pairs"
	head -n 512 "$tmp/pairs" | xdp_rule add -q -f -
	xdp_rule list --save >"$tmp/before"
	assert_text 'as many' <(wc -l <"$tmp/before") 512
	tail -n 1 "$tmp/pairs" >"$tmp/one"
	for one in "$tmp/one" "$tmp/pairs"; do
		capture xdp_rule add -f "$one"
		assert_status 1
		assert_errors_have 'more than 512 combinations of protocol and prefix lengths'
		xdp_rule list --save | cmp "$tmp/before" - || fail 'rules as before' 'others'
	done
	xdp_rule flush
}

@test "the map of addresses is full of such as are gone: they make room for those that are there" {
	bpfmap fill "$pins/splicer1_addrs"
	assert_text 'full' <(bpfmap keys "$pins/splicer1_addrs" | wc -l) 65536
	ip addr add 192.0.2.77/32 dev t0
	ip -6 addr add 2001:db8::77/128 dev t0 nodad
	assert_done map_update 10.0.0.0 8 80 80 0 tcp
	capture iface_set -j
	assert_json '[i["addresses"] >= 2 for i in d if i["iface"] == "t0"] == [True]'
	ip addr del 192.0.2.77/32 dev t0
	ip -6 addr del 2001:db8::77/128 dev t0
}

# ---- a small disk ----

small_disk() {
	mkdir "$tmp/disk"
	mount -t tmpfs -o size=8k tmpfs "$tmp/disk"
}

@test "a disk that is full while something is saved: exit 1 and says so, the file that was there is as it was" {
	local verb

	small_disk
	flow put udp 10.0.0.1 1000 192.0.2.1 53 fwd.packets=1 fwd.bytes=100
	flow put udp 2001:db8::1 1000 2001:db8::2 53 fwd.packets=1 fwd.bytes=100
	head -c 3000 /dev/urandom >"$tmp/disk/old"
	head -c 4096 /dev/zero >"$tmp/disk/fill"
	cp "$tmp/disk/old" "$tmp/old"
	for verb in --result --ipfix; do
		capture flow_dump -q --reset "$verb" "$tmp/disk/old"
		assert_status 1
		assert_complaint "$tmp/disk/old"
		assert_errors_have 'No space left on device'
		cmp "$tmp/disk/old" "$tmp/old" || fail 'the old file' 'another'
		assert_text 'nothing beside it' <(ls "$tmp/disk") $'fill\nold'
	done
	# and nothing was handed out
	capture flow_dump -j -p udp
	assert_json 'len(d) == 2'
	flow_clean
}

@test "a disk that is full while flow_watch learns: the profile is the one before" {
	small_disk
	capture flow_watch --once --learn "$tmp/disk/profile"
	assert_status 0
	cp "$tmp/disk/profile" "$tmp/profile"
	awk 'BEGIN { for (i = 0; i < 200; i++) printf "udp 10.0.%d.1 1000 192.0.2.1 53 fwd.packets=1 fwd.bytes=100\n", i }' |
		flow puts
	head -c 4096 /dev/zero >"$tmp/disk/fill"
	capture flow_watch --once --learn "$tmp/disk/profile"
	assert_status 1
	assert_errors_have "$tmp/disk/profile: No space left on device"
	cmp "$tmp/disk/profile" "$tmp/profile" || fail 'the old profile' 'another'
	assert_text 'nothing beside it' <(ls "$tmp/disk") $'fill\nprofile'
	capture flow_watch --once --against "$tmp/disk/profile"
	assert_status 0
	flow_clean
}

@test "a disk that is full while state is saved through the shell: exit 1, of every --save" {
	local command

	small_disk
	head -c 8192 /dev/zero >"$tmp/disk/fill"
	map_update 10.0.0.0 8 80 80 0 tcp
	lb_backend add -q 192.0.2.1:80/tcp
	xdp_rule add 192.0.2.9 drop
	iface_set t0 ssh=own
	conn_set udp=30
	flow_set N_SESSION=20
	for command in rule_list 'lb_backend list' 'xdp_rule list' iface_set conn_set flow_set; do
		: >"$tmp/disk/saved" || fail 'room for a name' none
		capture bash -c "$command --save >$tmp/disk/saved"
		program=${command%% *}
		assert_status 1
		assert_errors "$program: stdout: No space left on device"
	done
	iface_set t0 ssh=default
	conn_set udp=default
	flow_set N_SESSION=default
	lb_backend delete 192.0.2.1:80/tcp
	xdp_rule flush
}

# ---- a clock that jumps ----

jumped() {
	echo "$1" >"$JUMP"
	shift
	capture env LD_PRELOAD="$BATS_FILE_TMPDIR/jump.so" "$@"
	program=${1##*/}
}

# A day on and back, and the ends of what a kernel can be set to: what counts is how long, not until when.
JUMPS=(0 86400 -86400 315360000 6000000000 "-$(($(date +%s) - 400000))")

@test "the clock jumps: rules and bans end when they would have, whatever a list calls that" {
	local jump

	map_update 10.0.0.0 8 80 80 0 tcp --ttl 3600
	map_update 2001:db8:: 32 80 80 0 tcp --ttl 3600
	xdp_rule add 203.0.113.7 --ttl 3600
	for jump in "${JUMPS[@]}"; do
		jumped "$jump" rule_list -j
		assert_status 0
		assert_json "all(3000 < r['expires'] - $(date +%s) - $jump <= 3601 for r in d) and len(d) == 2"
		jumped "$jump" xdp_rule list -j
		assert_json "any(3000 < (r['expires'] or 0) - $(date +%s) - $jump <= 3601 for r in d)"
		# what is saved then is the same when it is read then
		jumped "$jump" bash -c 'rule_list --save | map_update -v --replace -f -'
		assert_status 0
		[ "$(cut -c 1 "$out")" = $'=\n=' ] || fail 'two unchanged rules' "$(<"$out")"
		# and what is said of a time is by the clock as it stands
		jumped "$jump" map_update 10.0.0.0 8 81 81 0 tcp --ttl 600
		assert_status 0
		jumped "$jump" map_update 10.0.0.0 8 82 82 0 tcp --expires $(($(date +%s) + jump + 600))
		assert_status 0
		capture rule_list -j
		assert_json "[500 < r['expires'] - $(date +%s) <= 601 for r in d if r['low'] > 80] == [True, True]"
		map_delete 10.0.0.0 8 81 tcp
		map_delete 10.0.0.0 8 82 tcp
	done
	xdp_rule flush
}

@test "the clock jumps: sessions and connections are as old as they were" {
	local jump

	flow put udp 10.0.0.1 1000 192.0.2.1 53 start=-100 fwd.packets=2 fwd.bytes=100 fwd.first=-100 fwd.last=-60
	for jump in "${JUMPS[@]}"; do
		jumped "$jump" flow_dump -j -p udp
		assert_status 0
		assert_json "len(d) == 1 and 39 < d[0]['duration'] < 41 and 50 <= $(date +%s) + $jump - d[0]['last'] < 120"
		jumped "$jump" flow_watch --once
		assert_status 0 && assert_output ''
		jumped "$jump" conn_list -j
		assert_status 0
	done
	flow_clean
}

@test "the clock jumps under tools that run: they go on at their pace" {
	local one n=0 watching

	map_update 10.0.0.0 8 80 80 0 tcp
	echo 0 >"$JUMP"
	for one in 'rule_list -j --watch 1' 'verdict_stat -j --watch 1' 'lb_backend list -j --watch 1' 'xdp_rule list -j --watch 1' \
		'flow_dump -j --watch 1' 'flow_watch -v --interval 1' 'trace_tail --summary 1'; do
		n=$((n + 1))
		# shellcheck disable=SC2086  # words
		LD_PRELOAD=$BATS_FILE_TMPDIR/jump.so $one >"$tmp/watch$n" 2>&1 3>&- &
		servers+=($!)
	done
	watching=$n
	flow put udp 10.0.0.1 1000 192.0.2.1 53 fwd.packets=2 fwd.bytes=100
	verdicts_make
	lb_backend add -q 192.0.2.1:80/tcp 192.0.2.3:80
	xdp_rule add 192.0.2.9 drop
	for ((n = 1; n <= watching; n++)); do
		eventually has_lines "$tmp/watch$n" 1 || return
	done
	for jump in -86400 86400; do
		echo "$jump" >"$JUMP"
		for ((n = 1; n <= watching; n++)); do
			eventually has_lines "$tmp/watch$n" $(($(wc -l <"$tmp/watch$n") + 3)) || return
		done
	done
	lb_backend delete 192.0.2.1:80/tcp
	xdp_rule flush
	flow_clean
}

# A packet that is counted.
verdicts_make() {
	ping -c 1 -W 1 -I t1 192.0.2.99 >/dev/null 2>&1 || true
}

# ---- nobody's rights ----

# Every tool, with operands of which it would make something.
commands() {
	cat <<-'END'
		map_update 10.9.0.0 16 80 80 0 tcp
		map_update --replace -f /dev/null
		map_delete --all
		rule_list
		rule_list --save
		rule_list --watch 1
		verdict_stat
		trace_tail -c 1
		iface_set
		iface_set t0 ssh=own
		iface_set --watch
		conn_list
		conn_delete --all
		conn_set udp=30
		lookup_link
		lookup_link make
		lookup_link remove
		xdp_rule add 192.0.2.9 drop
		xdp_rule list
		lb_backend add 192.0.2.1:80/tcp 192.0.2.3:80
		lb_backend list
		lb_check --once
		flow_dump
		flow_dump --reset
		flow_dump --map /sys/fs/bpf/tc/globals/flow1_frags
		flow_set N_SESSION=20
		flow_watch --once
		flow_replay -i t0 /dev/null
		ziti_divert -I -c 10.9.0.0 -m 16 -l 80 -h 80 -t 0 -p tcp
		attach t0
		detach t0
		attach --xdp t0
	END
}

# assert_powerless COMMAND...: by which the tools are run
assert_powerless() {
	local line path=$PATH:$BATS_TEST_DIRNAME/../../scripts

	map_update 10.0.0.0 8 80 80 0 tcp
	while read -r line; do
		# shellcheck disable=SC2086  # words
		capture "$@" env PATH="$path" $line </dev/null
		program=${line%% *}
		assert_status 1 && assert_output '' && assert_one_line || return
		grep -qE "^$program: .*(ermission denied|not permitted|must be root|cannot lock)" "$err" || fail 'who may not' "$(<"$err")" || return
	done < <(commands)
	assert_rules '10.0.0.0 8 80 80 0 tcp'
	# malformed input is that for everybody
	capture "$@" env PATH="$path" map_update 10.0.0.5 8 80 80 0 tcp
	assert_status 2
	for line in map_update trace_tail flow_dump lb_check attach; do
		capture "$@" env PATH="$path" "$line" --help
		assert_status 0
		capture "$@" env PATH="$path" "$line" -V
		assert_status 0
	done
}

@test "a user who is not root: every tool says so and does nothing" {
	assert_powerless "${NOBODY[@]}"
}

# To the kernel it is the same user.
@test "a user who is root in a user namespace of his own: the same" {
	"${NOBODY[@]}" unshare --user --map-root-user true || skip 'no user namespaces for users'
	assert_powerless "${NOBODY[@]}" unshare --user --map-root-user
}
