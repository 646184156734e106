#!/usr/bin/env bats
# shellcheck shell=bats
# trace_tail: every reader gets every decision, and readers come and go.
# A test is a subshell, and each has its own pids:
# shellcheck disable=SC2030,SC2031

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

PLACES=16

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	lab_attach wan0
	lab_attach lan0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997 tcp 192.0.2.1 22
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
	# what another test opened would be decided anew, not for the first time
	conn_delete --all
}

teardown() {
	stop_started
}

# Fifty each of what is dropped and what is spliced, IPv4 and IPv6; a port for each.
decisions() {
	local port
	for ((port = 7000; port < 7050; port++)); do
		echo "timeout udp 192.0.2.1 $port"
		echo "timeout udp 2001:db8::1 $port"
		echo "answer udp 172.16.240.9 $port"
		echo "answer udp fd00:240::9 $port"
	done
}

splice_decisions() {
	map_update 172.16.240.0 24 7000 7049 58997 udp
	map_update fd00:240:: 64 7000 7049 58997 udp
}

# What a reader must have seen of them, in the order of sort.
expected_decisions() {
	decisions | sed 's/^timeout udp/dropped no-rule/; s/^answer udp/spliced rule-splice/' | sort
}

seen() {
	fields action reason dst dport <"$BATS_TEST_TMPDIR/$1" | sort
}

# start_tails NUMBER: fills $pids
start_tails() {
	local number
	pids=()
	for ((number = 0; number < $1; number++)); do
		tail_start "tail$number"
		pids+=("$pid")
	done
}

# A reader that finds a place ends with exit 0 after one event.
assert_place() {
	tail_start place -c 1
	lab_on client frame eth0 lldp
	assert_ends "$pid" 0
}

assert_no_place() {
	assert_error trace_tail -c 1
	assert_match "$err" "all $PLACES places of subscribers are taken"
}

@test "three readers at once each get every one of 200 drops and splices" {
	local reader
	splice_decisions
	pids=()
	for reader in one two three; do
		tail_start "$reader" -j -c 200
		pids+=("$pid")
	done
	assert_traffic client < <(decisions)
	for reader in "${pids[@]}"; do
		assert_ends "$reader" 0
	done
	for reader in one two three; do
		assert_equal "$(seen "$reader")" "$(expected_decisions)" "reader $reader"
	done
}

@test "every line of -j is JSON with the documented keys" {
	splice_decisions
	map_update -S 'a "b" \c' 172.16.240.9 32 7000 7000 58997 udp
	tail_start json -j -c 2
	assert_traffic client <<-END
		answer udp 172.16.240.9 7000 from 5555
		timeout tcp 2001:db8::1 7000
	END
	assert_ends "$pid" 0
	assert_equal "$(fields object iface hook verdict action reason proto src sport dst dport service port ethertype tcp_flags \
		<"$BATS_TEST_TMPDIR/json" | sort | cut -d ' ' -f 1-8,10-)" "$(
			cat <<-'END'
				splicer wan0 ingress ALLOWED spliced rule-splice udp 192.0.2.2 172.16.240.9 7000 a "b" \c 58997 2048 -
				splicer wan0 ingress BLOCKED dropped no-rule tcp 2001:db8::2 2001:db8::1 7000 - - 34525 2
			END
		)"
	fields time rule length <"$BATS_TEST_TMPDIR/json"
}

@test "a line for people names verdict, reason, interface, both ends, the rule and the service" {
	local rule4 rule6
	map_update -S sip-trunk 172.16.240.0 24 7000 7000 58997 udp
	map_update -S sip-trunk fd00:240:: 64 7000 7000 58997 udp
	rule4=$(rule_values rule 172.16.240.0 24)
	rule6=$(rule_values rule fd00:240:: 64)
	tail_start lines -c 2
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 7000 hello 5555
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 7000 hello 5555
	assert_ends "$pid" 0
	assert_equal "$(tr -s ' ' <"$BATS_TEST_TMPDIR/lines" | cut -d ' ' -f 2-)" "$(
		cat <<-END
			ALLOWED spliced rule-splice wan0 udp 192.0.2.2:5555 > 172.16.240.9:7000 port 58997 rule $rule4 service sip-trunk len 47
			ALLOWED spliced rule-splice wan0 udp [2001:db8::2]:5555 > [fd00:240::9]:7000 port 58997 rule $rule6 service sip-trunk len 67
		END
	)"
}

# What the readers below choose from; ports tell it apart. An LLDP frame comes from the guest too.
mixed_traffic() {
	assert_traffic client <<-END || return
		answer udp 172.16.240.9 7001 from 5555
		answer udp fd00:240::9 7002 from 5556
		timeout udp 192.0.2.1 7003 from 5557
		timeout udp 2001:db8::1 7004 from 5558
		timeout tcp 192.0.2.1 7005
	END
	assert_traffic guest <<-END || return
		timeout udp 198.51.100.1 7006 from 5559
		timeout tcp 2001:db8:1::1 7007
	END
	lab_on guest frame eth0 lldp
}

# selects EXPECTED [OPTION]...: a reader with these, and the ports it must see ("-": what has none)
selects() {
	expected+=("$1")
	shift
	options+=("$*")
	tail_start "reader${#pids[@]}" -j "$@"
	pids+=("$pid")
}

# Each reader ends and prints what is left; then it must have seen all of its own, and nothing else.
assert_selected() {
	local number
	for number in "${!pids[@]}"; do
		kill -INT "${pids[number]}"
		assert_ends "${pids[number]}" 0 || return
		# a SYN may have been sent twice
		assert_equal "$(fields dport <"$BATS_TEST_TMPDIR/reader$number" | sort -u | xargs)" "${expected[number]}" \
			"events of trace_tail ${options[number]}" || return
	done
}

@test "filters of addresses, interfaces, protocols and ports select just their events" {
	pids=() expected=() options=()
	splice_decisions
	selects '- 7001 7002 7003 7004 7005 7006 7007'
	selects '- 7006 7007' -i lan0
	selects '7001 7002 7003 7004 7006' -i lan0 -i wan0 -p udp
	selects '7005 7007' -p 6
	selects '7001 7003 7005' -s 192.0.2.0/24
	selects '7002 7004 7006' -s 2001:db8::2 -s 198.51.100.2-198.51.100.9
	selects '7002' -d fd00:240::/64
	selects '7001 7006' -d 172.16.240.9 -d 198.51.100.1
	selects '7003 7004 7005' 192.0.2.1 2001:db8::1-2001:db8::1
	selects '7002' 2001:db8::/64 -d fd00:240::9
	selects '7003 7004 7006' --dport 7003-7004 --dport 7006
	selects '7001 7002' --sport 5555-5556
	selects '7002' --sport 5555-5556 --dport 7002-7100
	selects '' -i lan0 -p udp --dport 7001
	mixed_traffic
	assert_selected
}

@test "filters of rules and of what was decided select just their events" {
	pids=() expected=() options=()
	map_update -S 'sip trunk' 172.16.240.0 24 7000 7049 58997 udp
	map_update -S other fd00:240:: 64 7000 7049 58997 udp
	selects '7001' -S 'sip trunk'
	selects '7002' --rule "$(rule_values rule fd00:240:: 64)"
	selects '7001 7002' --verdict ALLOWED
	selects '- 7003 7004 7005 7006 7007' --verdict blocked
	selects '- 7003 7004 7005 7006 7007' --action dropped
	selects '7001 7002' --action spliced --verdict ALLOWED
	selects '' --action passed --verdict ALLOWED
	selects '-' --reason ethertype
	selects '7001 7002 7003 7004 7005 7006 7007' --reason no-rule --reason rule-splice
	selects '- 7001 7002 7003 7004 7005 7006 7007' --hook ingress --object splicer --event decision
	selects '' --hook egress
	selects '' --object lb
	selects '' --event redecision
	mixed_traffic
	assert_selected
}

@test "--event tells what was decided anew from what was decided first" {
	splice_decisions
	tail_start first -j --event decision
	first=$pid
	tail_start anew -j --event redecision
	anew=$pid
	assert_traffic client < <(printf '%s\n' 'answer udp 172.16.240.9 7001 from 5555' 'answer udp fd00:240::9 7002 from 5556')
	map_update -S changed 172.16.240.9 32 7000 7049 58997 udp
	map_update -S changed fd00:240::9 128 7000 7049 58997 udp
	assert_traffic client < <(printf '%s\n' 'answer udp 172.16.240.9 7001 from 5555' 'answer udp fd00:240::9 7002 from 5556')
	for pid in "$first" "$anew"; do
		kill -INT "$pid"
		assert_ends "$pid" 0
	done
	assert_equal "$(fields type dport service <"$BATS_TEST_TMPDIR/first" | sort | xargs)" 'decision 7001 - decision 7002 -'
	assert_equal "$(fields type dport service <"$BATS_TEST_TMPDIR/anew" | sort | xargs)" \
		'redecision 7001 changed redecision 7002 changed'
}

@test "sampled packets: of known connections too, and what they stand for" {
	map_update 172.16.240.0 24 7000 7000 58997 tcp
	map_update fd00:240:: 64 7000 7000 58997 tcp
	tail_start every -j --sample 1
	every=$pid
	tail_start some -j --sample 10 -p tcp
	some=$pid
	tail_start both -j --sample 4294967295 --event decision
	both=$pid
	assert_exit 0 lab_on client peer tcp-bulk 172.16.240.9 7000 5
	assert_exit 0 lab_on client peer tcp-bulk fd00:240::9 7000 5
	for pid in "$every" "$some" "$both"; do
		kill -INT "$pid"
		assert_ends "$pid" 0
	done
	assert_equal "$(fields type sample <"$BATS_TEST_TMPDIR/every" | sort -u)" 'packet 1'
	assert_equal "$(fields type sample <"$BATS_TEST_TMPDIR/some" | sort -u)" 'packet 10'
	assert_equal "$(fields type action dst <"$BATS_TEST_TMPDIR/both" | grep -v ^packet | sort)" "$(
		cat <<-END
			decision spliced 172.16.240.9
			decision spliced fd00:240::9
		END
	)"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/some")" -lt "$(wc -l <"$BATS_TEST_TMPDIR/every")" ] ||
		fail 'expected: fewer of one in 10 than of all' "got:      $(wc -l "$BATS_TEST_TMPDIR/some" "$BATS_TEST_TMPDIR/every")"
}

@test "a known flow is dropped as its listener has gone: each drop is told, as a new flow's would be" {
	local listener
	map_update 172.16.240.0 24 7000 7000 58996 udp
	map_update fd00:240:: 64 7000 7000 58996 udp
	serve udp 127.0.0.1 58996 udp ::1 58996
	listener=$pid
	tail_start gone -j
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 7000 hello 5555
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 7000 hello 5555
	kill -9 "$listener"
	assert_ends "$listener" 137
	assert_traffic client <<-END
		timeout udp 172.16.240.9 7000 from 5555
		timeout udp fd00:240::9 7000 from 5555
	END
	kill -INT "$(sed -n 2p "$BATS_TEST_TMPDIR/started")"
	assert_ends "$(sed -n 2p "$BATS_TEST_TMPDIR/started")" 0
	assert_equal "$(fields type action reason dst <"$BATS_TEST_TMPDIR/gone" | sort -u)" "$(
		cat <<-END
			decision dropped no-listener 172.16.240.9
			decision dropped no-listener fd00:240::9
			decision spliced rule-splice 172.16.240.9
			decision spliced rule-splice fd00:240::9
		END
	)"
}

@test "established packets are no events" {
	map_update 172.16.240.0 24 7000 7000 58997 tcp
	map_update fd00:240:: 64 7000 7000 58997 tcp
	tail_start established -j
	assert_exit 0 lab_on client peer tcp-bulk 172.16.240.9 7000 5
	assert_exit 0 lab_on client peer tcp-bulk fd00:240::9 7000 5
	assert_exit 0 lab_on client peer tcp-ask 192.0.2.1 22 hello
	eventually has_lines "$BATS_TEST_TMPDIR/established" 3
	kill -INT "$pid"
	assert_ends "$pid" 0
	assert_equal "$(fields action reason dst dport tcp_flags <"$BATS_TEST_TMPDIR/established")" "$(
		cat <<-END
			spliced rule-splice 172.16.240.9 7000 2
			spliced rule-splice fd00:240::9 7000 2
			passed ssh-own 192.0.2.1 22 2
		END
	)"
}

@test "there are 16 places; one reader more is refused, and gets in when one ended by SIGINT or SIGTERM" {
	local signal
	start_tails "$PLACES"
	for signal in INT TERM; do
		assert_no_place
		kill -"$signal" "${pids[0]}"
		assert_ends "${pids[0]}" 0
		pids=("${pids[@]:1}")
		assert_place
		tail_start again
	done
	assert_no_place
}

@test "a reader whose output is closed ends and frees its place" {
	local reader
	start_tails $((PLACES - 1))
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	# shellcheck disable=SC2016
	started "$BATS_TEST_TMPDIR/errors" bash -c 'exec trace_tail >"$1"' - "$BATS_TEST_TMPDIR/pipe"
	reader=$pid
	exec 9<"$BATS_TEST_TMPDIR/pipe"
	eventually tail_listens "$reader"
	assert_no_place
	exec 9<&-
	lab_on client frame eth0 lldp
	assert_ends "$reader" 1
	assert_match "$(<"$BATS_TEST_TMPDIR/errors")" '^trace_tail: stdout: '
	assert_place
}

@test "20 readers killed one after the other leave places that the next one takes" {
	local number
	for ((number = 0; number < 20; number++)); do
		tail_start killed
		kill -9 "$pid"
		assert_ends "$pid" 137
	done
	assert_place
	start_tails "$PLACES"
	assert_no_place
}

@test "all places left by killed readers are taken again, and events reach the new readers only" {
	local number
	start_tails "$PLACES"
	for number in "${pids[@]}"; do
		kill -9 "$number"
		assert_ends "$number" 137
	done
	pids=()
	for ((number = 0; number < PLACES; number++)); do
		tail_start "next$number" -j -c 1
		pids+=("$pid")
	done
	assert_no_place
	lab_on client frame eth0 lldp
	for number in "${pids[@]}"; do
		assert_ends "$number" 0
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/next* | fields reason ethertype | uniq -c | xargs)" \
		"$PLACES ethertype $((0x88cc))"
}

# ---- counting ----

# Lines of a reader that are events, and losses that it states in the end.
events_of() { grep -c '^{' "$BATS_TEST_TMPDIR/$1"; }

lost_of() {
	sed -nE 's/^trace_tail: [0-9]+ events, ([0-9]+) lost$/\1/p' "$BATS_TEST_TMPDIR/$1" | tail -n 1
}

# flood_drops COUNT: so many IPv6 packets that no rule allows
flood_drops() {
	lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" udp 2001:db8::1 99 1 "$1"
}

@test "lines and losses together are all events, to the last one" {
	local before=0 size
	for size in 4 64 1024; do
		before=$(counted no-rule)
		tail_start "size$size" -j --buffer "$size"
		# it cannot read meanwhile
		kill -STOP "$pid"
		flood_drops 20000
		kill -CONT "$pid"
		flood_drops 20000
		kill -INT "$pid"
		assert_ends "$pid" 0
		assert_equal $(($(counted no-rule) - before)) 40000 'packets counted'
		[ "$(lost_of "size$size")" -gt 0 ] || fail 'expected: losses' "got:      $(tail -n 1 "$BATS_TEST_TMPDIR/size$size")"
		assert_equal $(($(events_of "size$size") + $(lost_of "size$size"))) 40000 "lines and losses, $size KiB"
	done
}

@test "-c ends after exactly so many events, also under a flood" {
	tail_start five -j -c 5
	flood_drops 20000
	assert_ends "$pid" 0
	assert_equal "$(events_of five)" 5
}

@test "SIGUSR1 tells events and losses, and ends nothing" {
	tail_start told -j -i wan0
	lab_on client frame eth0 lldp
	lab_on client frame eth0 lldp
	eventually has_lines "$BATS_TEST_TMPDIR/told" 2
	kill -USR1 "$pid"
	eventually grep -qx 'trace_tail: 2 events, 0 lost' "$BATS_TEST_TMPDIR/told"
	lab_on client frame eth0 lldp
	eventually has_lines "$BATS_TEST_TMPDIR/told" 4
	kill -INT "$pid"
	assert_ends "$pid" 0
	assert_equal "$(events_of told)" 3
}

@test "names of the user's stay one word each" {
	lab_host odd 'o"d\d' 203.0.113.1/24
	lab_attach 'o"d\d'
	map_update -S $'x" len 9 \\' 172.16.240.0 24 7000 7000 58997 udp
	tail_start odd -c 1
	lab_on odd peer udp-ports 172.16.240.9 7000 1
	assert_ends "$pid" 0
	assert_match "$(<"$BATS_TEST_TMPDIR/odd")" ' "o\\"d\\x5cd" udp 203.0.113.2:[0-9]+ > .* service "x\\" len 9 \\x5c" len [0-9]+$'
	ip link del 'o"d\d'
}

@test "a program loaded anew over the same pins goes on telling, and nothing is missed" {
	local before round
	before=$(counted no-rule)
	tail_start same -j -i wan0
	started "$BATS_TEST_TMPDIR/flood" lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" udp 192.0.2.1 99 1 300000
	flood=$pid
	pid=$(head -n 1 "$BATS_TEST_TMPDIR/started")
	for ((round = 0; round < 5; round++)); do
		tc filter replace dev wan0 ingress prio 7 handle 1 bpf da obj "$LAB_OBJECTS/splicer.o" sec action
		tc filter del dev wan0 ingress prio 7
	done
	assert_ends "$flood" 0
	kill -INT "$pid"
	assert_ends "$pid" 0
	assert_equal $(($(events_of same) + 10#0$(lost_of same))) $(($(counted no-rule) - before)) 'lines and losses'
}

# A few packets at a time, for a minute at most: each makes a line.
trickle() {
	local number
	for ((number = 1; number < 6000; number++)); do
		lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" udp 192.0.2.1 99 "$number" 20
		sleep 0.01
	done
}

@test "pins made anew: it waits, says so, subscribes again and goes on, under traffic" {
	local traffic
	tail_start anew -j --reason ethertype -p udp --reason no-rule
	started "$BATS_TEST_TMPDIR/flood" trickle
	traffic=$pid
	pid=$(head -n 1 "$BATS_TEST_TMPDIR/started")
	rm -r "${PINS:?}"/*
	eventually grep -q "trace_tail: $PINS: the pins are gone, waiting" "$BATS_TEST_TMPDIR/anew"
	# the program without pins still tells its readers
	assert_exit 0 lab_on guest peer udp-ports 198.51.100.1 7101 1
	eventually grep -q '"dport":7101,' "$BATS_TEST_TMPDIR/anew"
	fresh_pins wan0 lan0
	eventually grep -q "trace_tail: $PINS: made anew, subscribed again" "$BATS_TEST_TMPDIR/anew"
	kill "$traffic"
	lab_on guest frame eth0 lldp
	assert_exit 0 lab_on guest peer udp-ports 2001:db8:1::1 7102 1
	eventually grep -q '"dport":7102,' "$BATS_TEST_TMPDIR/anew"
	kill -INT "$pid"
	assert_ends "$pid" 0
	# the same selection as before, and each note once
	assert_equal "$(grep '^{' "$BATS_TEST_TMPDIR/anew" | fields proto reason | sort -u)" 'udp no-rule'
	assert_equal "$(grep -c 'pins are gone' "$BATS_TEST_TMPDIR/anew")" 1
	assert_equal "$(grep -c 'made anew' "$BATS_TEST_TMPDIR/anew")" 1
}
