#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# splicer_upgrade under traffic: the same version in place, and to one whose maps have another number and back. No
# established flow is lost, nothing is let in that may not.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"
# shellcheck source=test/net/install.bash
. "$BATS_TEST_DIRNAME/install.bash"

# What the upgrade and the test call.
NEEDED='map_update map_delete rule_list iface_set conn_set conn_list conn_delete xdp_rule lb_backend flow_set flow_dump
	lookup_link verdict_stat conn_update lb_flow'

setup_file() {
	install_here one
	other_abi
	router_hosts
	local_routes 172.16.240.0/24 fd00:240::/64 172.16.250.0/24 fd00:250::/64
	serve tcp 127.0.0.1 58998 tcp ::1 58998 tcp 0.0.0.0 9090 tcp :: 9090
	serve_on client tcp 0.0.0.0 8080 tcp :: 8080
	serve_on inside tcp 0.0.0.0 8080 tcp :: 8080
}

teardown_file() {
	stop_started
}

setup() {
	nothing_there wan0 lan0
}

teardown() {
	stop_started
}

# other_abi: the same program as one whose ABI has the number 2
other_abi() {
	local tree=$BATS_FILE_TMPDIR/tree
	"$BATS_TEST_DIRNAME/other_abi" 2 "$tree" NATIVE= TOOLS="$(xargs <<<"$NEEDED")" all >"$BATS_FILE_TMPDIR/build.log" 2>&1 3>&- ||
		fail "$(tail -n 20 "$BATS_FILE_TMPDIR/build.log")" || return
	install_tree two "$tree" CFLAGS=-O0 NATIVE= TOOLS="$(xargs <<<"$NEEDED")"
}

# version NUMBER COMMAND [ARG]...: of that installation
version() {
	PATH=$BATS_FILE_TMPDIR/$([ "$1" = 1 ] && echo one || echo two)/bin:$PATH "${@:2}"
}

# ---- what is set ----

# rules_make NUMBER
rules_make() {
	version "$1" splicer_attach wan0 lan0 || return
	version "$1" map_update -f - <<-'END'
		172.16.240.0 24 5060 5060 58997 udp -S voice
		fd00:240:: 64 5060 5060 58997 udp -S voice
		172.16.240.0 24 80 80 58998 tcp
		fd00:240:: 64 80 80 58998 tcp
		198.51.100.0 24 8080 8080 0 tcp -i wan0
		2001:db8:1:: 64 8080 8080 0 tcp -i wan0
		198.51.100.0 24 8080 8080 0 udp -i wan0
		2001:db8:1:: 64 8080 8080 0 udp -i wan0
		192.0.2.0 24 7777 7777 0 udp -i lan0
		2001:db8:: 64 7777 7777 0 udp -i lan0
		192.0.2.0 24 8080 8080 0 tcp -i lan0
		2001:db8:: 64 8080 8080 0 tcp -i lan0
		192.0.2.1 32 9090 9090 0 tcp
		2001:db8::1 128 9090 9090 0 tcp
	END
	version "$1" iface_set wan0 ssh=own
	version "$1" conn_set confirmed=3000 udp=40
	version "$1" rule_list --save >"$BATS_TEST_TMPDIR/rules"
	version "$1" iface_set --save >"$BATS_TEST_TMPDIR/settings"
}

# assert_moved NUMBER: rules and settings are those, by the tools of this version; there are no other maps.
assert_moved() {
	local number=$1
	version "$number" rule_list --save | assert_same_lines "$BATS_TEST_TMPDIR/rules" || return
	version "$number" iface_set --save | assert_same_lines "$BATS_TEST_TMPDIR/settings" || return
	assert_equal "$(version "$number" conn_set --save | xargs)" 'confirmed=3000 udp=40' || return
	assert_equal "$(find "$PINS" -name '*[0-9]_*' -not -name "[a-z]*${number}_*" -printf '%f ')" '' 'maps of another version' || return
	assert_equal "$(filters_there)" "$FILTERS" filters
}

FILTERS=$'lan0 egress 20 0x1 splicer_egress\nlan0 ingress 49152 0x1 splicer_ingress
wan0 egress 20 0x1 splicer_egress\nwan0 ingress 49152 0x1 splicer_ingress'

filters_there() {
	local dev hook
	for dev in lan0 wan0; do
		for hook in egress ingress; do
			tc filter show dev "$dev" "$hook" |
				sed -nE "s/.* pref ([0-9]+) bpf .* handle ([^ ]+) .* name ([^ ]+) tag .*/$dev $hook \\1 \\2 \\3/p"
		done
	done
}

# ---- traffic ----

flows() {
	cat <<-END
		splice4 172.16.240.9 5060
		splice6 fd00:240::9 5060
		closed4 172.16.250.9 5060
		closed6 fd00:250::9 5060
	END
}

# ask_start NAME HOST [new]: with the lines of its input; an echo is to be there
ask_start() {
	local name=$1 host=$2
	shift 2
	cat >"$BATS_TEST_TMPDIR/$name.lines"
	if [ "$host" = box ]; then
		started "$BATS_TEST_TMPDIR/$name" pacer ask 5 20000 "$@" <"$BATS_TEST_TMPDIR/$name.lines"
	else
		started "$BATS_TEST_TMPDIR/$name" nsenter --net="/run/netns/$host" -- pacer ask 5 20000 "$@" \
			<"$BATS_TEST_TMPDIR/$name.lines"
	fi
	declare -g "asker_$name=$pid"
	eventually grep -q ready "$BATS_TEST_TMPDIR/$name"
}

echo_on() {
	local output=$BATS_TEST_TMPDIR/echo_$1
	started "$output" nsenter --net="/run/netns/$1" -- pacer echo "${@:2}"
	eventually grep -q ready "$output"
}

# assert_all_answered NAME...
assert_all_answered() {
	local name asker
	for name; do
		asker=asker_$name
		kill "${!asker}"
	done
	for name; do
		asker=asker_$name
		assert_ends "${!asker}" 0 || return
		awk -v name="$name" '
			NF == 3 { n++; if ($2 < 1 || $2 != $3) { print name ": " $0; bad = 1 } }
			END { exit bad || !n }' "$BATS_TEST_TMPDIR/$name" >&2 || fail 'flow, questions, answers: not all, or none' || return
	done
}

traffic_begin() {
	echo_on client 0.0.0.0 7777 :: 7777
	echo_on inside 0.0.0.0 8080 :: 8080
	flows_start 5 20000 127.0.0.1 58997 ::1 58997 0.0.0.0 5060 :: 5060 || return
	# unconnected: only the table knows that its answers may come
	ask_start local box <<<$'local4 192.0.2.2 7777\nlocal6 2001:db8::2 7777'
	ask_start out inside <<<$'out4 192.0.2.2 7777\nout6 2001:db8::2 7777'
	ask_start in client <<<$'in4 198.51.100.2 8080\nin6 2001:db8:1::2 8080'
	# each of these begins a flow, at any moment of the exchange
	ask_start new inside new <<<$'new4 192.0.2.2 7777\nnew6 2001:db8::2 7777'
	hold splice4 client tcp 172.16.240.9 80
	hold splice6 client tcp fd00:240::9 80
	hold to4 client tcp 192.0.2.1 9090
	hold to6 client tcp 2001:db8::1 9090
	hold from4 box tcp 192.0.2.2 8080
	hold from6 box tcp 2001:db8::2 8080
	stream_start in4 client 198.51.100.2 8080
	stream_start in6 client 2001:db8:1::2 8080
	stream_start out4 inside 192.0.2.2 8080
	stream_start out6 inside 2001:db8::2 8080
}

assert_traffic_whole() {
	assert_goes_on splice4 splice6 to4 to6 from4 from6 || return
	assert_streams_go_on in4 in6 out4 out6 || return
	assert_all_answered local out in new || return
	flows_stop || return
	assert_all_received splice4 splice6 || return
	assert_none_received closed4 closed6
}

# ---- tests ----

@test "the same version: in place, under traffic" {
	rules_make 1
	traffic_begin
	assert_exit 0 version 1 splicer_upgrade -v
	assert_match "$out" 'C wan0 ingress prio 49152'
	assert_exit 0 version 1 splicer_upgrade
	assert_traffic_whole
	assert_moved 1
}

@test "a version with other maps, and back, under traffic" {
	rules_make 1
	traffic_begin
	assert_quiet version 1 splicer_upgrade --prepare
	assert_quiet version 2 splicer_upgrade
	assert_moved 2
	[ ! -e "$VAR/previous" ] || fail 'tools of the old version were left'
	assert_goes_on splice4 splice6 to4 to6 from4 from6
	assert_quiet version 1 splicer_upgrade --from "$BATS_FILE_TMPDIR/two/bin"
	assert_traffic_whole
	assert_moved 1
}

@test "all four objects: services, XDP rules that are never open, sessions that were counted" {
	local settings
	rules_make 1
	version 1 splicer_attach --lb --egress-prio 11 wan0
	version 1 splicer_attach --flow wan0
	version 1 splicer_attach --xdp wan0
	version 1 xdp_rule add 192.0.2.2/32 -p udp --dport 5060
	version 1 xdp_rule add 2001:db8::2/128 -p udp --dport 5060
	version 1 lb_backend -q add 192.0.2.9:80/tcp 198.51.100.2:8080
	version 1 lb_backend -q flows max=5000
	version 1 flow_set --capacity 4096
	settings=$(version 1 flow_set --save)
	flows_start 2 20000 127.0.0.1 58997 ::1 58997 0.0.0.0 5060 :: 5060
	assert_quiet version 2 splicer_upgrade --from "$BATS_FILE_TMPDIR/one/bin"
	kill "$sender"
	assert_ends "$sender" 0
	kill "$receiver"
	assert_ends "$receiver" 0
	assert_none_received splice4 splice6 closed4 closed6
	assert_equal "$(version 2 xdp_rule list --save | wc -l)" 2
	assert_equal "$(version 2 lb_backend list --save)" 'add 192.0.2.9:80/tcp 198.51.100.2:8080'
	assert_equal "$(version 2 lb_backend flows --save)" 'max=5000'
	assert_equal "$(version 2 flow_set --save)" "$settings"
	assert_match "$(tc filter show dev wan0 egress)" 'pref 11 bpf .* name lb_egress'
	assert_equal "$(find "$PINS" -name '*1_*')" '' 'old maps'
	assert_match "$(cat "$VAR"/sessions-*.jsonl)" '"proto"'
}

@test "what cannot be loaded, saved or restored: the old version stays in force, nothing is left" {
	local before pins tools=$BATS_TEST_TMPDIR/tools
	rules_make 1
	before=$(tc filter show dev wan0 egress; tc filter show dev wan0 ingress) pins=$(ls "$PINS")
	cp -r "$BATS_FILE_TMPDIR/one/bin" "$tools"
	cp "$BATS_FILE_TMPDIR"/one/share/splicer/*.bash "$tools"
	sed -i "s|^PARTS=.*|PARTS='$tools'|; s|^TOOLS=.*|TOOLS='$tools'|" "$tools"/splicer_* "$tools"/*.bash
	printf '#!/bin/sh\necho "rule_list: no" >&2\nexit 1\n' >"$tools/rule_list"
	assert_exit 1 version 2 splicer_upgrade --from "$tools"
	assert_match "$err" 'rule_list: no; the old version stays in force$'
	printf '#!/bin/sh\necho 10.0.0.0 99 0 0 0 any\n' >"$tools/rule_list"
	assert_exit 1 version 2 splicer_upgrade --from "$tools"
	assert_match "$err" '10.*; the old version stays in force$'
	assert_exit 1 version 2 splicer_upgrade --from "$BATS_TEST_TMPDIR"
	assert_match "$err" 'splicer_state, which reads them, is not there'
	assert_equal "$(tc filter show dev wan0 egress; tc filter show dev wan0 ingress)" "$before"
	assert_equal "$(ls "$PINS")" "$pins" pins
}

@test "killed at any of its steps: what was in force is, and the next call ends it" {
	local number=0
	rules_make 1
	traffic_begin
	while killed_at "$number" 'tc ip' "$BATS_FILE_TMPDIR/two/bin/splicer_upgrade" --from "$BATS_FILE_TMPDIR/one/bin"; do
		assert_goes_on splice4 to6 from4
		number=$((number + 3))
	done
	echo "# killed at $((number / 3)) steps" >&3
	[ "$number" -gt 10 ] || fail "only $number"
	assert_quiet version 2 splicer_upgrade --from "$BATS_FILE_TMPDIR/one/bin"
	assert_traffic_whole
	assert_moved 2
}
