#!/usr/bin/env bats
# flow_dump --reset: what was counted is handed out, once where nothing fails, and again where something did.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow
load watching

setup_file() {
	flow_links
}

setup() {
	box_begin
	flow_clean
	before=$(flow generation)
}

session() {
	flow put udp "$1" 1000 192.0.2.1 53 start=1000 fwd.packets="$2" fwd.bytes=$((100 * $2)) fwd.last=1001 "${@:3}"
}

# assert_handed COUNT GENERATION...: --reset prints packets and generations of so many sessions
assert_handed() {
	capture flow_dump --reset -j --columns src,packets_fwd,generation
	assert_status 0 && assert_errors '' || return
	assert_json "sorted((e['src'], e['packets_fwd'], e['generation'] - $before) for e in d) == [$1]"
}

@test "what was counted is printed, and counts no more" {
	session 10.0.0.1 3
	session 10.0.0.2 5
	assert_handed "('10.0.0.1', 3, 0), ('10.0.0.2', 5, 0)"
	[ "$(flow generation)" = $((before + 1)) ]
	[[ $(flow slots) == "$((before + 1)) $before+ "* ]] || fail 'a new one, and that before' "$(flow slots)"
	capture flow_dump
	assert_output '0 sessions, 0 packets, 0 bytes'
	session 10.0.0.1 7
	assert_handed "('10.0.0.1', 7, 1)"
	assert_handed ''
}

@test "every form, with the generation of each record" {
	session 10.0.0.1 3
	capture flow_dump --reset
	assert_status 0
	assert_output - <<-END
		PROTO  SRC       SPORT  DST        DPORT  PKTS_FWD  PKTS_REV  BYTES_FWD  BYTES_REV  STATE  END   HISTORY  DURATION  IFACE  GENERATION
		udp    10.0.0.1   1000  192.0.2.1     53         3         0        300          0  S0     idle  -        0.000000  lo     $(printf %10d "$before")

		1 session, 3 packets, 300 bytes
	END
	session 10.0.0.1 4
	capture flow_dump --reset --csv
	assert_status 0
	python3 -ISc '
import csv, sys
(row,) = csv.DictReader(open(sys.argv[1], newline=""))
assert (row["packets_fwd"], row["generation"]) == ("4", sys.argv[2]), row' "$out" $((before + 1))
	session 10.0.0.1 5
	capture flow_dump --reset --json-lines
	assert_status 0
	assert_json "(d['packets_fwd'], d['generation']) == (5, $before + 2)"
	assert_handed ''
}

@test "losses are handed out with it: below the table, else on stderr" {
	flow bucket 3 evicted=2 evicted_packets=30 evicted_bytes=4000
	capture flow_dump --reset -j
	assert_status 0
	assert_output '[]'
	assert_errors 'flow_dump: evicted: 2 sessions, 30 packets, 4000 bytes'
	flow head not_ip.packets=1 not_ip.bytes=60
	capture flow_dump --reset
	assert_output $'0 sessions, 0 packets, 0 bytes\nnot IP: 1 packet, 60 bytes'
	assert_handed ''
}

@test "a full disk: an error, and the next one prints it" {
	local form

	session 10.0.0.1 3
	for form in '' -j --json-lines --csv; do
		# shellcheck disable=SC2086  # none, or one word
		capture bash -c 'flow_dump --reset "$@" >/dev/full' - $form
		program=flow_dump
		assert_status 1
		assert_complaint stdout
	done
	session 10.0.0.1 5 flags=2
	assert_handed "('10.0.0.1', 3, 0), ('10.0.0.1', 5, 4)"
	assert_handed ''
}

@test "a reader that is gone: an error, and the next one prints it" {
	session 10.0.0.1 3
	capture bash -c 'exec 4> >(exec true); sleep 0.2; wait; flow_dump --reset >&4'
	program=flow_dump
	assert_status 1
	assert_complaint stdout
	assert_handed "('10.0.0.1', 3, 0)"
}

rotated() {
	[ "$(flow generation)" = $((before + 1)) ]
}

@test "killed between the swap and the delivery: the next one prints it" {
	local victim ended=0

	flow fill 3000
	mkfifo "$tmp/fifo"
	exec 5<>"$tmp/fifo"
	flow_dump --reset -j >"$tmp/fifo" 3>&- 5>&- &
	victim=$!
	servers+=("$victim")
	eventually rotated
	# it has printed what the pipe takes, and nobody reads
	eventually grep -q pipe "/proc/$victim/wchan" || true
	kill -KILL "$victim"
	wait "$victim" || ended=$?
	servers=()
	exec 5>&-
	[ "$ended" = 137 ] || fail 'killed' "$ended"
	[[ $(flow slots) == "$((before + 1)) $before "* ]] || fail 'not handed out' "$(flow slots)"
	flow fill 1 5000
	capture flow_dump --reset -j --columns src,packets_fwd,generation
	assert_status 0
	assert_json "len(d) == 3001 and sum(e['generation'] == $before for e in d) == 3000"
	assert_handed ''
}

@test "one session in generations that wait: --reset tells them apart, all others add them up" {
	session 10.0.0.1 3
	capture bash -c 'flow_dump --reset >/dev/full'
	session 10.0.0.1 4 flags=2
	capture flow_dump -j --columns packets_fwd,bytes_fwd,continued
	assert_output '[{"packets_fwd":7,"bytes_fwd":700,"continued":false}]'
	capture flow_dump --summary
	assert_output '1 session, 7 packets, 700 bytes'
	assert_handed "('10.0.0.1', 3, 0), ('10.0.0.1', 4, 1)"
	session 10.0.0.1 5 flags=2
	capture flow_dump -j --columns packets_fwd,continued
	assert_output '[{"packets_fwd":5,"continued":true}]'
}

@test "so many wait that there is no room: those are handed out, the rest the next time" {
	local i

	for i in {1..7}; do
		session "10.0.0.$i" "$i"
		capture bash -c 'flow_dump --reset >/dev/full'
	done
	session 10.0.0.8 8
	capture flow_dump --reset -j --columns src
	assert_status 0
	assert_json "len(d) == $(grep -o src "$out" | wc -l) >= 6"
	capture flow_dump --reset -j --columns src
	assert_json 'all(e["src"] == "10.0.0.8" for e in d)'
	assert_handed ''
}

# Whoever selects would lose the rest.
@test "what would not show all is refused" {
	local option

	session 10.0.0.1 3
	for option in '-p tcp' '-s 10.0.0.1' '-d 10.0.0.1' '--sport 1' '--dport 1' '--port 1' '-i t0' '--vlan 1' '--state SF' \
		'--end fin' '--min-bytes 1' '--top 1' --summary '--watch 1' --packets; do
		# shellcheck disable=SC2086  # words
		capture flow_dump --reset $option
		assert_status 2
		assert_output ''
		assert_one_line
		assert_errors_have 'by which nothing may be lost'
	done
	capture flow_dump --reset 10.0.0.1
	assert_status 2
	assert_complaint 10.0.0.1
	assert_handed "('10.0.0.1', 3, 0)"
}

@test "--result and --debug: samples go with the sessions; where they cannot be written nothing is handed out" {
	session 10.0.0.1 3
	capture flow_dump --reset -j --columns src --result "$tmp/nowhere/result.json"
	assert_status 1
	assert_one_line
	capture flow_dump --reset -j --columns src --result "$tmp/result.json" --debug "$tmp/debug"
	assert_status 0
	assert_output '[{"src":"10.0.0.1"}]'
	[ "$(tr -d ' \n' <"$tmp/result.json")" = '{"flows":[]}' ] || fail 'no flows' "$(<"$tmp/result.json")"
	assert_handed ''
}

@test "without --reset --result and --debug print no sessions" {
	session 10.0.0.1 3
	capture flow_dump --result "$tmp/result.json"
	assert_status 0
	assert_output ''
	assert_handed "('10.0.0.1', 3, 0)"
}

@test "the id of a session is the same in each generation, however often it is handed out, and no other has it" {
	local shown
	session 10.0.0.1 3
	session 10.0.0.2 3
	capture flow_dump -j --columns src,id --sort src
	shown=$(<"$out")
	[ "$(grep -oE '"[0-9a-f]{16}"' "$out" | sort -u | wc -l)" = 2 ] || fail 'two ids' "$shown"
	capture bash -c 'flow_dump --reset >/dev/full'
	capture flow_dump --reset -j --columns src,id --sort src
	assert_output "$shown"
	session 10.0.0.1 4 flags=2
	session 10.0.0.2 1 flags=2
	capture flow_dump --reset -j --columns src,id --sort src
	assert_output "$shown"
}
