#!/usr/bin/env bats
# rule_list --watch: rules and their rates again and again.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load watching

# send COUNT PORT [SIZE]: datagrams to 10.0.0.1, received on t0
send() {
	python3 -ISc '
import socket, struct, sys
count, port, size = map(int, sys.argv[1:])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("t1", 0))
udp = struct.pack("!HHHH", 40000, port, 8 + size, 0) + bytes(size)
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([192, 0, 2, 9]), bytes([10, 0, 0, 1]))
for _ in range(count):
    s.send(b"\xff" * 6 + bytes(6) + b"\x08\x00" + ip + udp)
' "$1" "$2" "${3:-0}"
}

# ---- plain blocks ----

@test "blocks: a line of sums, a table, a blank line between; SIGINT ends with exit 0" {
	map_update 10.0.0.0 8 80 80 0 udp
	map_update 10.0.0.0 8 81 81 0 udp -S tag
	watch rule_list
	eventually has 3 '^PPS '
	assert_stops INT
	python3 -ISc '
import re, sys
blocks = open(sys.argv[1]).read().rstrip("\n").split("\n\n")
assert len(blocks) >= 3, blocks
for i, block in enumerate(blocks):
    sums, header, *rows = block.split("\n")
    rates = "  0 packets/s  0 bytes/s" if i else ""
    assert re.fullmatch(r"\d\d:\d\d:\d\d  2 rules" + rates, sums), sums
    assert header.split()[:3] == ["PPS", "BPS", "PROTO"] and header.split()[-1] == "NOTE", header
    assert [row.split()[:2] for row in rows] == [["0", "0"] if i else ["-", "-"]] * 2, rows
' "$tmp/watched" || fail 'blocks' "$(cat "$tmp/watched")"
	if grep -q $'\e' "$tmp/watched"; then
		fail 'no escape sequence' 'one'
	fi
}

@test "no rules: only the line of sums, and JSON has no line" {
	watch rule_list
	eventually has 2 ' 0 rules'
	assert_stops TERM
	[ "$(grep -c PPS "$tmp/watched")" = 0 ] || fail 'no table' "$(cat "$tmp/watched")"
	watch rule_list -j
	eventually listens
	assert_stops TERM
	assert_text stdout "$tmp/watched" ''
}

@test "rates: busiest first, by what came since the block before" {
	map_update 10.0.0.0 8 80 80 0 udp -S idle
	map_update 10.0.0.0 8 81 81 0 udp -a drop -S some
	map_update 10.0.0.0 8 82 82 0 udp -a drop -S most
	send 50 80
	watch rule_list
	eventually has 1 idle
	# nothing is known at first: then it is the total that orders them
	[[ "$(grep -m 1 udp "$tmp/watched")" == *idle* ]] || fail 'idle first' "$(cat "$tmp/watched")"
	send 20 81
	send 60 82
	eventually has 1 '^ *[1-9][0-9.]* .* most '
	eventually has 1 ' rules  0 packets/s'
	assert_stops INT
	grep -E '^ *[1-9][0-9.]* .* (some|most) ' "$tmp/watched" >"$tmp/busy"
	if [ "$(grep -c most "$tmp/busy")" = 1 ] && [ "$(grep -c some "$tmp/busy")" = 1 ]; then
		# both in one block, as a rule: then in this order
		awk '/ rules/ { block++ } / most / { most[$1 > 0 ? block : 0] = NR } / some / { some[$1 > 0 ? block : 0] = NR }
			END { for (b in most) if (b && (b in some) && some[b] < most[b]) exit 1 }' "$tmp/watched" ||
			fail 'the busiest first' "$(cat "$tmp/watched")"
	fi
	! grep -qE '^ *[1-9][0-9.]* .* idle ' "$tmp/watched" || fail 'idle stood still' "$(cat "$tmp/watched")"
}

# ---- JSON ----

@test "JSON lines: the rule's keys after time, pps and bps; rates and counters agree" {
	map_update 10.0.0.0 8 80 80 0 udp
	map_update 10.0.0.0 8 81 81 0 udp -a drop
	watch rule_list -j
	eventually has 2 '"pps":null'
	send 30 81 100
	eventually has 1 '"packets":30,'
	eventually has 2 '"pps":0.000000.*"packets":30,'
	assert_stops INT
	assert_lines 'all(list(r) == "time pps bps dir proto dst src low high action port iface prio service mode max_duration packets bytes last expires rule dead routed".split() for r in d)'
	assert_lines '[r["pps"] for r in d[:2]] == [None, None] and all(r["pps"] is not None for r in d[2:])'
	# what came, by the rates times the time, is what the counters say; bytes go with packets
	assert_lines 'all((r["pps"] > 0) == (r["bps"] > 0) and abs(r["bps"] - 142 * r["pps"]) < 0.01 for r in d[2:])'
	assert_lines 'sum(r["pps"] > 0 for r in d[2:]) >= 1 and all(r["low"] == 81 for r in d[2:] if r["pps"] > 0)'
	assert_lines 'sorted({r["time"] for r in d}) == list(dict.fromkeys(r["time"] for r in d)) and all(r["time"] > 1e9 for r in d)'
	capture rule_list -j
	assert_json '[r["packets"] for r in d] == [0, 30] and d[1]["bytes"] == 30 * 142'
}

@test "JSON lines: a rule that is new, or was inserted again, has no rate at first" {
	map_update 10.0.0.0 8 80 80 0 udp
	watch rule_list -j
	eventually has 1 '"low":80.*"pps":0|"pps":0.*"low":80'
	map_update 10.0.0.0 8 81 81 0 udp
	eventually has 1 '"pps":0.*"low":81'
	assert_stops INT
	assert_lines '[r["pps"] for r in d if r["low"] == 81][0] is None'
}

# ---- the rule set under it ----

@test "a rule set that was swapped is seen with the next block" {
	map_update 10.0.0.0 8 80 80 0 udp
	watch rule_list
	eventually has 1 ' 1 rule$'
	for i in {1..200}; do echo "10.0.0.0 8 $((i + 1000)) $((i + 1000)) 0 udp"; done | map_update -f -
	eventually has 1 ' 201 rules  '
	map_delete --all
	eventually has 1 ' 0 rules  '
	assert_stops INT
}

@test "removed maps: exit 1 and says so" {
	local result=0

	map_update 10.0.0.0 8 80 80 0 udp
	watch rule_list
	eventually has 1 ' 1 rule$'
	mkdir -p "$tmp/kept"
	mv /sys/fs/bpf/tc/globals/splicer1_rules /sys/fs/bpf/tc/globals/kept1_rules
	wait "$watcher" || result=$?
	servers=()
	mv /sys/fs/bpf/tc/globals/kept1_rules /sys/fs/bpf/tc/globals/splicer1_rules
	[ "$result" = 1 ] || fail 'exit status 1' "$result"
	[ "$(wc -l <"$tmp/complaints")" = 1 ] || fail 'one line' "$(cat "$tmp/complaints")"
}

@test "selectors and --dead choose, and are looked at anew each time" {
	map_update 10.0.0.0 8 80 80 5001 udp
	map_update 10.0.0.0 8 81 81 0 tcp -S tag
	watch rule_list --dead
	eventually has 1 ' 1 rule$'
	serve udp-serve 127.0.0.1 5001
	eventually has 1 ' 0 rules  '
	servers=("$watcher" "${servers[@]: -1}")
	kill -s INT "$watcher"
	wait "$watcher"
	watch rule_list -S tag -p tcp
	eventually has 1 ' 1 rule$'
	kill -s INT "$watcher"
	wait "$watcher"
	servers=("${servers[1]}")
	[ "$(grep -c '^ *-  .*tcp' "$tmp/watched")" -ge 1 ] || fail 'the tcp rule' "$(cat "$tmp/watched")"
	! grep -q udp "$tmp/watched" || fail 'no udp rule' "$(cat "$tmp/watched")"
}

@test "a hundred thousand rules" {
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "10.%d.%d.0 24 %d %d 0 udp\n", i % 200, int(i / 200) % 250, i % 60000 + 1, i % 60000 + 1 }' |
		map_update -f -
	watch rule_list
	eventually has 2 ' 100000 rules'
	assert_stops INT
}

# ---- a terminal ----

@test "on a terminal: cleared, no more rules than there are lines, no wrapping while it runs" {
	local i

	for i in {1..40}; do
		echo "10.0.0.0 8 $i $i 0 tcp"
	done | map_update -f -
	on_terminal 12 rule_list --watch 1
	assert_screen 9
	on_terminal 100 rule_list --watch 1
	assert_screen 40
	on_terminal 2 rule_list --watch 1
	assert_screen 1
	on_terminal 0 env LINES=20 rule_list --watch 1
	assert_screen 17
	on_terminal 0 env -u LINES rule_list --watch 1
	assert_screen 21
	on_terminal 0 env LINES=many rule_list --watch 1
	assert_screen 21
}

# ---- stdout ----

@test "a reader that has gone: exit 1 and one line, also with nothing to print" {
	local option

	for option in '' -j; do
		# shellcheck disable=SC2016  # for the inner shell
		capture bash -c "rule_list --watch 1 $option"' | true; exit "${PIPESTATUS[0]}"'
		program=rule_list
		assert_status 1
		assert_complaint stdout
	done
}

@test "a full disk or no stdout: exit 1 and one line" {
	local option to

	map_update 10.0.0.0 8 80 80 0 tcp
	for option in '' -j; do
		for to in '>/dev/full' '>&-'; do
			capture bash -c "rule_list --watch 1 $option $to"
			program=rule_list
			assert_status 1
			assert_complaint stdout
		done
	done
}

# ---- usage ----

@test "seconds from 1 to 86400" {
	local word

	for word in 0 86401 -1 1.5 1s '' x; do
		assert_refused "$word" rule_list --watch "$word"
	done
	assert_refused --watch rule_list --watch
}

@test "--watch goes with neither --save nor --match" {
	assert_refused --save rule_list --watch 1 --save
	assert_refused --match rule_list --watch 1 --match 'tcp 10.0.0.1:1 10.0.0.2:1'
	assert_refused -v rule_list --watch 1 -v
}
