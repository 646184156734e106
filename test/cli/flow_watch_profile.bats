#!/usr/bin/env bats
# flow_watch: beacons, entropy of sources, and what is held against a profile that was learned. Times are those of
# captures, so that what is seen does not depend on when the test runs; but for what is killed while it learns.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow
load watching

setup_file() {
	flow_links
}

# Neither is there what was handed out last, which flow_watch looks at, too.
clean() {
	flow_clean
	flow_clean
	flow head settings.clock=1
}

setup() {
	box_begin
	clean
	profile=$tmp/profile
}

# 2026-11-22T12:00:00Z
noon=1795348800

session() { # PROTO SRC SPORT DST DPORT SECONDS BYTES
	local at=$((noon + $6))000000001

	echo "$1 $2 $3 $4 $5 start=$at history=Dd fwd.packets=1 fwd.bytes=$7 fwd.first=$at fwd.last=$at" \
		"rev.packets=1 rev.bytes=$7 rev.first=$at rev.last=$at"
}

# An hour of a host that asks each minute, with a second more or less, and sometimes does not; over both families.
beacons() { # FIRST
	local minute

	for ((minute = 0; minute < 60; minute++)); do
		((minute % 10 != 4)) || continue
		session udp 10.0.0.66 $((30000 + minute)) 192.0.2.1 8443 $(($1 + 60 * minute + minute % 3)) 100
		session udp 2001:db8::66 $((30000 + minute)) 2001:db8::1 8443 $(($1 + 60 * minute + minute % 2)) 100
	done
}

# The same hosts at times that are not regular.
others() { # FIRST
	local number at=$1

	for ((number = 0; number < 60; number++)); do
		at=$((at + 1 + number * number * 7919 % 113))
		session udp 10.0.0.67 $((31000 + number)) 192.0.2.1 53 "$at" 100
		session udp 2001:db8::67 $((31000 + number)) 2001:db8::1 53 "$at" 100
	done
}

# fields EXPRESSION: of each line of JSON, `e`, sorted
fields() {
	python3 -ISc '
import json, sys
for line in sorted(str(eval(sys.argv[2])) for e in map(json.loads, open(sys.argv[1], encoding="utf-8"))):
    print(line)' "$out" "$1"
}

signs() {
	capture flow_watch --once -j --again 100000 "$@"
	assert_status 0 && assert_errors ''
}

@test "beacons: each minute with some missing, IPv4 and IPv6; what is not regular is none" {
	{ beacons 0 && others 0; } | flow puts
	signs --only beacon
	[ "$(fields "e['sign'], e['src'], e['dst'], e['proto'], e['dport']")" = \
		"('beacon', '10.0.0.66', '192.0.2.1', 'udp', 8443)
('beacon', '2001:db8::66', '2001:db8::1', 'udp', 8443)" ] || fail 'two beacons' "$(<"$out")"
	[ "$(fields "e['observed'] < 0.05 and e['expected'] == 0.51 and e['threshold'] == 0.15 and e['samples'] >= 12")" = \
		$'True\nTrue' ] || fail 'what was observed' "$(<"$out")"
	signs --only beacon --set beacon.most=0.000001
	assert_output ''
}

@test "a ping each five seconds is a beacon, by the gaps of its packets" {
	flow put icmp 10.0.0.2 77 192.0.2.9 0 icmp_type=8 start=${noon}000000000 fwd.packets=21 fwd.bytes=1764 \
		fwd.first=${noon}000000000 fwd.last=$((noon + 100))000000000 fwd.gaps=20 fwd.gap_sum=100000000000 \
		fwd.gap_squares=6937910009842106368,27
	signs --only beacon
	[ "$(fields "e['src'], e['dst'], e['proto'], round(e['observed'], 3), e['samples']")" = \
		"('10.0.0.2', '192.0.2.9', 'icmp', 0.1, 20)" ] || fail 'one sign' "$(<"$out")"
}

@test "TCP that is kept alive, by its silences, where flow.o keeps details" {
	flow put tcp 10.0.0.2 4000 192.0.2.9 22 start=${noon}000000000 history=ShADad flags=8 fwd.packets=42 fwd.bytes=1764 \
		fwd.first=${noon}000000000 fwd.last=$((noon + 1200))000000000 fwd.gaps=41 fwd.gap_sum=1200000000000 \
		fwd.gap_squares=5920665274448609280,3293 rev.packets=20 rev.bytes=2000 rev.last=$((noon + 1200))000000000 \
		detail.idle.count=20 detail.idle.sum=1199000000000 detail.idle.squares=7067648090504691712,3906
	signs --only beacon
	[ "$(fields "e['src'], e['dport'], e['samples']")" = "('10.0.0.2', 22, 20)" ] || fail 'one sign' "$(<"$out")"
}

# Sessions of a window, all with one destination: KIND one, of one source; many, each of another
crowd() { # KIND WINDOW
	local number

	for ((number = 0; number < 60; number++)); do
		if [ "$1" = one ]; then
			session udp "10.0.0.$((number % 4))" $((1000 + number)) 192.0.2.1 53 $((60 * $2 + number)) 100
		else
			session udp "10.1.$2.$number" 1000 192.0.2.1 53 $((60 * $2 + number)) 100
		fi
	done
}

@test "entropy of sources: a window with others than in those before" {
	{
		for window in 0 1 2 3 4 5 6; do
			crowd one "$window"
		done
		crowd many 7
	} | flow puts
	signs --only source-entropy
	[ "$(fields "e['dst'], e['src'], e['observed'] > 4, round(e['expected'], 1), e['unit']")" = \
		"('192.0.2.1', None, True, 2.0, 'bits')" ] || fail 'one sign' "$(<"$out")"
}

# Twenty minutes of two hosts.
usual() { # FIRST BYTES
	local minute

	for ((minute = 0; minute < 20; minute++)); do
		session udp 10.0.0.1 $((1000 + minute)) 192.0.2.1 53 $(($1 + 60 * minute)) "$2"
		session udp 2001:db8::1 $((1000 + minute)) 2001:db8::53 53 $(($1 + 60 * minute)) "$2"
	done
}

learn() {
	capture flow_watch --once --learn "$profile"
	assert_status 0 && assert_output '' && assert_errors ''
}

windows() { awk '$1 == "learned" { print $2 }' "$profile"; }

@test "who was learned is no sign; a new talker is, and one that moves much more" {
	usual 0 100000 | flow puts
	learn
	(($(windows) >= 20)) || fail '20 windows' "$(windows)"
	signs --only new-talker,volume --against "$profile"
	assert_output ''
	clean
	{
		usual 3600 100000
		session udp 10.0.0.1 2000 192.0.2.1 53 4000 20000000
		session udp 2001:db8::1 2000 2001:db8::53 53 4000 20000000
		session udp 10.0.0.99 2000 192.0.2.1 53 4000 20000000
		session udp 2001:db8::99 2000 2001:db8::53 53 4000 100
	} | flow puts
	signs --only new-talker,volume --against "$profile"
	[ "$(fields "e['sign'], e['src'], e['unit']")" = \
		"('new-talker', '10.0.0.99', 'sessions')
('new-talker', '2001:db8::99', 'sessions')
('volume', '10.0.0.1', 'bytes')
('volume', '2001:db8::1', 'bytes')" ] || fail 'four signs' "$(<"$out")"
	[ "$(fields "e['sign'] == 'volume' and e['observed'] >= 40000000 and 190000 < e['expected'] < 210000" | sort | uniq -c |
		awk '{ print $1, $2 }')" = $'2 False\n2 True' ] || fail 'both directions' "$(<"$out")"
}

@test "a beacon that was learned is none" {
	beacons 0 | flow puts
	learn
	grep -qE '^beacon 10\.0\.0\.66 192\.0\.2\.1 udp 8443 [0-9.]+ [0-9]+$' "$profile" || fail 'a beacon' "$(<"$profile")"
	signs --only beacon --against "$profile"
	assert_output ''
	signs --only beacon
	[ "$(wc -l <"$out")" = 2 ] || fail 'two without the profile' "$(<"$out")"
}

@test "what is there is learned on, in windows of the same length" {
	usual 0 1000 | flow puts
	learn
	before=$(windows)
	learn
	[ "$(windows)" = $((2 * before)) ] || fail "$((2 * before)) windows" "$(windows)"
	grep -qE '^talker 10\.0\.0\.1 40 ' "$profile" || fail 'a talker in 40 of them' "$(<"$profile")"
	cp "$profile" "$tmp/before"
	for option in --learn --against; do
		capture flow_watch --once --window 30 --interval 10 "$option" "$profile"
		assert_status 2
		assert_complaint "$profile"
	done
	cmp "$profile" "$tmp/before"
}

@test "a profile that cannot be read is refused: where, and why" {
	capture flow_watch --once --against "$profile"
	assert_status 1
	assert_complaint "$profile"
	printf 'profile 1\nwindow 60\nlearned 1 5 5\ntalker 10.0.0.1 1 x 0 0 0 1\n' >"$profile"
	for option in --learn --against; do
		capture flow_watch --once "$option" "$profile"
		assert_status 2
		assert_errors "flow_watch: $profile:4:19: x: not a number"
	done
	printf 'profile 2\nanything\n' >"$profile"
	capture flow_watch --once --against "$profile"
	assert_status 2
	assert_errors "flow_watch: $profile:1:9: 2: a profile of version 2, this program reads version 1"
}

@test "all kinds are learned, or none" {
	capture flow_watch --learn "$profile" --only beacon
	assert_status 2
	assert_complaint --only
	[ ! -e "$profile" ]
}

@test "a profile that cannot be written is told" {
	capture flow_watch --once --learn "$tmp/nowhere/profile"
	assert_status 1
	assert_complaint "$tmp/nowhere/profile"
}

# ---- live ----

learner() {
	flow_watch --learn "$profile" --window 1 --interval 1 >>"$tmp/learned" 2>&1 3>&- &
	servers+=($!)
}

has_windows() { [ -e "$profile" ] && (($(windows) >= $1)); }

is_whole() {
	capture flow_watch --once --window 1 --interval 1 --against "$profile"
	assert_status 0 && assert_errors ''
}

@test "killed at any time it loses no more than the window under way; two at once leave one whole" {
	flow head settings.clock=0
	flow put udp 10.0.0.1 1000 192.0.2.1 53 start=-1 fwd.packets=1 fwd.bytes=100 fwd.first=-1 fwd.last=-1
	for round in 1 2 3; do
		learner
		eventually has_windows $((2 * round)) || fail "$((2 * round)) windows" "$(<"$tmp/learned")"
		kill -9 "${servers[-1]}"
		wait "${servers[-1]}" || :
		unset 'servers[-1]'
		is_whole
		has_windows $((2 * round)) || fail "still $((2 * round)) windows" "$(windows)"
	done
	learner
	learner
	eventually has_windows 8
	is_whole
	eventually has_windows 9
	is_whole
	[ ! -s "$tmp/learned" ] || fail 'no word' "$(<"$tmp/learned")"
	compgen -G "$profile.*" >"$tmp/left" || :
	(($(wc -l <"$tmp/left") <= 3)) || fail 'no more than those that were killed left' "$(<"$tmp/left")"
}
