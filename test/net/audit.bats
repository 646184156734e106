#!/usr/bin/env bats
# shellcheck shell=bats
# trace_tail --audit: each decision has a line in the log, or the log says how many have none. And --summary.
# A test is a subshell, and each has its own pids:
# shellcheck disable=SC2030,SC2031

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

ROOT=$BATS_TEST_DIRNAME/../..

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_attach wan0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
	dir=$BATS_TEST_TMPDIR/log
	log=$dir/audit
	mkdir -m 700 "$dir"
}

teardown() {
	stop_started
	! mountpoint -q "$dir" || umount "$dir"
}

# ---- the log ----

# audit_start [OPTION]...: trace_tail --audit "$log"; returns when it is there. Fills $pid.
audit_start() {
	rm -f "$dir/ready"
	tail_start said --audit "$log" "$@"
	eventually [ -e "$log" ]
}

said() {
	cat "$BATS_TEST_TMPDIR/said"
}

# send ADDRESS FIRST COUNT [PER_MS]: datagrams from the client, each to a port of its own; so many in a millisecond
send() {
	lab_on client python3 -ISc '
import socket, sys, time
address, (first, count, rate) = sys.argv[1], map(int, sys.argv[2:5])
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
for number in range(count):
    s.sendto(b"x", (address, first + number))
    if number % rate == rate - 1:
        time.sleep(0.001)
' "$1" "$2" "$3" "${4:-20}"
}

# The ports of the lines of these files, gzipped or not; what is no whole line is shown as it is.
logged_ports() {
	zcat -f "$@" | grep -v ' LOST ' | sed -E \
		's/^[0-9]{4}(-[0-9]{2}){2}T[0-9:]{8}\.[0-9]{6}[+-][0-9]{2}:[0-9]{2} BLOCKED dropped no-rule wan0 udp [0-9a-f.:]+|^[^ ]+ BLOCKED dropped no-rule wan0 udp \[[0-9a-f:]+\]:[0-9]+/L/;
		s/^L > (192\.0\.2\.1|\[2001:db8::1\]):([0-9]+) len [0-9]+$/\2/'
}

# assert_ports FIRST COUNT FILE...: each of the ports once
assert_ports() {
	local first=$1 count=$2
	shift 2
	seq "$first" $((first + count - 1)) >"$BATS_TEST_TMPDIR/expected"
	logged_ports "$@" | sort -n | assert_same_lines "$BATS_TEST_TMPDIR/expected"
}

# What the lines of the log say is lost, added up: lines or events
told_lost() {
	sed -nE "s/^[0-9T:.+-]+ LOST ([0-9]+) $1 from [0-9T:.+-]+ to [0-9T:.+-]+: .*/\\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'
}

line_count() {
	grep -vc ' LOST ' "$log" || true
}

# assert_all NUMBER: the lines of the log, and those that it says are lost
assert_all() {
	assert_equal "$(($(line_count) + $(told_lost lines) + $(told_lost events)))" "$1" \
		"lines: $(line_count), lost lines: $(told_lost lines), lost events: $(told_lost events), together"
}

# ---- a full disk ----

small_disk() {
	mount -t tmpfs -o size=64k,mode=700 tmpfs "$dir"
}

disk_fill() {
	cat /dev/zero >"$dir/fill" 2>/dev/null || true
}

# followed NUMBER: trace_tail has read so many events; SIGUSR1 makes it say so
followed() {
	kill -USR1 "$pid"
	sleep 0.05
	grep -q "$1 events, 0 lost" "$BATS_TEST_TMPDIR/said"
}

# ---- the tests ----

@test "each decision has one line, with date and zone, in a file of mode 0600" {
	audit_start -c 900
	send 192.0.2.1 20000 450
	send 2001:db8::1 20450 450
	assert_ends "$pid" 0
	assert_ports 20000 900 "$log"
	assert_equal "$(said)" '' 'what it says'
	assert_equal "$(stat -c '%a %u %h' "$log")" '600 0 1' 'mode, owner and links'
}

@test "what passes and is spliced, with its service; JSON has the keys of the stream" {
	map_update -S sip 172.16.240.0 24 7000 7000 58997 udp
	map_update -S sip fd00:240:: 64 7000 7000 58997 udp
	tail_start stream -j -c 2
	stream=$pid
	audit_start -j -c 2
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 7000 hello 5555
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 7000 hello 5555
	assert_ends "$pid" 0
	assert_ends "$stream" 0
	# each made its own look at the clocks
	sed -i 's/^{"time":[0-9.]*,/{/' "$log" "$BATS_TEST_TMPDIR/stream"
	assert_same_lines "$log" <"$BATS_TEST_TMPDIR/stream"
	assert_equal "$(fields verdict action src sport dst dport service <"$log")" "$(
		cat <<-'END'
			ALLOWED spliced 192.0.2.2 5555 172.16.240.9 7000 sip
			ALLOWED spliced 2001:db8::2 5555 fd00:240::9 7000 sip
		END
	)"
}

@test "sampled packets are in it only where they are asked for" {
	audit_start --event packet --sample 1 -c 20
	send 192.0.2.1 20000 20
	assert_ends "$pid" 0
	assert_equal "$(wc -l <"$log")" 20 lines
}

@test "logrotate under traffic loses no line, and writes none twice" {
	local round
	audit_start
	sed -e "s|/var/log/splicer/audit.log|$log|" -e "s|.*systemctl.*|kill -HUP $pid|" \
		"$ROOT/scripts/splicer-audit.logrotate" >"$BATS_TEST_TMPDIR/logrotate.conf"
	chmod 600 "$BATS_TEST_TMPDIR/logrotate.conf"
	for ((round = 0; round < 6; round++)); do
		send 192.0.2.1 $((20000 + round * 2000)) 2000 10 &
		sender=$!
		# an empty one is not rotated
		eventually [ -s "$log" ]
		assert_exit 0 logrotate --force --state "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/logrotate.conf"
		# the next one finds a file again
		eventually [ -e "$log" ]
		wait "$sender"
	done
	kill "$pid"
	assert_ends "$pid" 0
	assert_equal "$(said)" '' 'what it says'
	# the oldest are compressed, the one before this one is not
	assert_equal "$(cd "$dir" && echo audit*)" 'audit audit.1 audit.2.gz audit.3.gz audit.4.gz audit.5.gz audit.6.gz' files
	assert_ports 20000 12000 "$dir"/audit*
	assert_equal "$(stat -c %a "$log")" 600 'mode of the new file'
}

@test "SIGHUP: a link in the place of the log is refused and the old file goes on, until the next" {
	audit_start
	send 192.0.2.1 20000 10
	eventually has_lines "$log" 10
	mv "$log" "$dir/old"
	ln -s old "$log"
	kill -HUP "$pid"
	eventually grep -q 'written on' "$BATS_TEST_TMPDIR/said"
	assert_equal "$(said)" "trace_tail: $log: is a symbolic link
trace_tail: $log: not opened anew, the old file is written on" 'what it says'
	send 192.0.2.1 20010 10
	eventually has_lines "$dir/old" 20
	rm "$log"
	kill -HUP "$pid"
	eventually [ -e "$log" ]
	send 192.0.2.1 20020 10
	eventually has_lines "$log" 10
	kill "$pid"
	assert_ends "$pid" 0
	assert_ports 20000 20 "$dir/old"
	assert_ports 20020 10 "$log"
}

@test "a full disk: the log says how many lines were lost when there is room again" {
	small_disk
	audit_start
	send 192.0.2.1 20000 50
	eventually has_lines "$log" 50
	disk_fill
	send 192.0.2.1 20050 200
	send 2001:db8::1 20250 200
	eventually followed 450
	assert_match "$(said)" "^trace_tail: $log: No space left on device: lines are being lost"
	assert_equal "$(tail -c 1 "$log" | od -An -tx1 | xargs)" 0a 'the last byte'
	rm "$dir/fill"
	eventually grep -q LOST "$log"
	send 192.0.2.1 20450 50
	eventually grep -q ':20499 ' "$log"
	kill "$pid"
	assert_ends "$pid" 0
	assert_all 500
	[ "$(told_lost lines)" -gt 300 ] || fail 'expected: most of 400 lost' "got: $(told_lost lines)"
	assert_match "$(said)" "trace_tail: $log: $(told_lost lines) lines were lost: No space left on device"
	grep -E '^[^ ]+ LOST [0-9]+ lines from [^ ]+ to [^ ]+: No space left on device$' "$log"
}

@test "a full disk to the end: exit 1, and how many lines are lost; in JSON" {
	local there
	small_disk
	audit_start -j
	disk_fill
	send 192.0.2.1 20000 300
	eventually followed 300
	kill "$pid"
	assert_ends "$pid" 1
	there=$(fields dport <"$log" | wc -l)
	assert_match "$(said)" "trace_tail: $log: $((300 - there)) lines are lost: No space left on device"
	[ "$there" -lt 100 ] || fail 'expected: few lines' "got: $there"
}

@test "lost in the ring: the log says so, and how many" {
	audit_start --buffer 4
	kill -STOP "$pid"
	send 192.0.2.1 20000 300
	kill -CONT "$pid"
	eventually grep -q 'LOST [0-9]* events from .*: the ring was full' "$log"
	kill "$pid"
	assert_ends "$pid" 0
	assert_all 300
	assert_match "$(said)" "trace_tail: $(line_count) events, $(told_lost events) lost"
}

@test "pins made anew: the log says from when to when decisions may be missing, once" {
	local line
	audit_start
	send 192.0.2.1 20000 1
	eventually grep -q ':20000 len' "$log"
	fresh_pins wan0
	eventually grep -q 'made anew, subscribed again' "$BATS_TEST_TMPDIR/said"
	send 192.0.2.1 20001 1
	eventually grep -q ':20001 len' "$log"
	kill "$pid"
	assert_ends "$pid" 0
	line=$(grep ' LOST ' "$log")
	assert_match "$line" '^[^ ]+ LOST events from ([^ ]+) to ([^ ]+): not subscribed$'
	# it was not longer than what happened in between, nor without length
	[[ "$(grep ':20000 len' "$log")" < "${BASH_REMATCH[2]}" ]] || fail "expected: to after the first line" "got: $line"
	[[ ${BASH_REMATCH[1]} < ${BASH_REMATCH[2]} ]] || fail 'expected: from before to' "got: $line"
}

# A kill may cut the line that is just being written: it then ends where the next writer began.
@test "killed at work, 10 times: no two lines in one, none twice, and the next writer goes on with the file" {
	local round torn
	for ((round = 0; round < 10; round++)); do
		audit_start
		send 192.0.2.1 $((20000 + round * 1000)) 1000 50 &
		sender=$!
		eventually grep -q ":$((20 + round))[0-9]\{3\} " "$log"
		kill -9 "$pid"
		assert_ends "$pid" 137
		wait "$sender"
	done
	audit_start -c 1
	send 192.0.2.1 30000 1
	assert_ends "$pid" 0
	torn=$(logged_ports "$log" | grep -vxE '[0-9]+' || true)
	[ "$(grep -c . <<<"$torn")" -le 1 ] || fail 'expected: at most one line that a kill cut' "got: $torn"
	assert_equal "$(grep -E 'T.*(T[0-9]{2}:|BLOCKED.*BLOCKED)' <<<"$torn")" '' 'two lines in one'
	assert_equal "$(logged_ports "$log" | sort | uniq -d)" '' 'ports that are there twice'
	assert_equal "$(logged_ports "$log" | tail -n 1)" 30000 'the last'
	[ "$(wc -l <"$log")" -ge 11 ] || fail 'expected: lines of each writer' "got: $(wc -l <"$log")"
}

@test "one writer at a time; one that was killed is none" {
	audit_start
	assert_error trace_tail --audit "$log" -c 1
	assert_match "$err" "$log: another process writes to it"
	kill -9 "$pid"
	assert_ends "$pid" 137
	audit_start -c 1
	send 192.0.2.1 20000 1
	assert_ends "$pid" 0
}

@test "a tag with bytes that end lines and begin sequences cannot forge a line" {
	map_update -S 'aaaaaaaaaaaaaaaa' 172.16.240.0 24 7000 7000 58997 udp
	map_update -S $'x len 1\u2028y "q" \\' fd00:240:: 64 7000 7000 58997 udp
	python3 -ISB "$ROOT/test/arena.py" retag aaaaaaaaaaaaaaaa 'a\n2026 LOST 9\x1b[m'
	audit_start -c 2
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 7000 hello 5555
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 7000 hello 5555
	assert_ends "$pid" 0
	assert_equal "$(cut -d ' ' -f 2- "$log" | sed -E 's/ rule [0-9]+ | redecision / /g')" "$(
		cat <<-'END'
			ALLOWED spliced rule-splice wan0 udp 192.0.2.2:5555 > 172.16.240.9:7000 port 58997 service "a\x0a2026 LOST 9\x1b[m" len 47
			ALLOWED spliced rule-splice wan0 udp [2001:db8::2]:5555 > [fd00:240::9]:7000 port 58997 service "x len 1\xe2\x80\xa8y \"q\" \x5c" len 67
		END
	)"
}

@test "with the capabilities of the unit alone, and all but the log read-only" {
	# shellcheck disable=SC2016
	started "$BATS_TEST_TMPDIR/said" unshare --mount bash -c '
		mount --bind "$1" "$1" && mount -o remount,bind,ro / && mount -o remount,bind,ro /sys/fs/bpf &&
		exec setpriv --bounding-set "-all,+$2" --no-new-privs trace_tail --audit "$1/audit" -c 5' - "$dir" \
		"$(sed -n 's/^CapabilityBoundingSet=CAP_//p' "$ROOT/scripts/splicer-audit.service" | tr '[:upper:]' '[:lower:]')"
	eventually [ -e "$log" ]
	send 192.0.2.1 20000 5
	assert_ends "$pid" 0
	assert_ports 20000 5 "$log"
}

# ---- sums ----

# summed KIND KEY: of a stream of JSON, over all blocks
summed() {
	python3 -ISc '
import json, sys
print(sum(d[sys.argv[2]] for d in map(json.loads, sys.stdin) if d["kind"] == sys.argv[1]))' "$1" "$2" <"$BATS_TEST_TMPDIR/sums"
}

@test "--summary: the blocks together have each event once, the last one up to the signal" {
	local splices=20
	map_update 172.16.240.0 24 7000 7999 58997 udp
	tail_start sums -j --summary 1
	send 192.0.2.1 20000 2000 2
	send 2001:db8::1 22000 500
	send 172.16.240.9 7000 "$splices"
	kill "$pid"
	assert_ends "$pid" 0
	assert_equal "$(summed interval events) $(summed interval lost)" "$((2500 + splices)) 0" 'events, lost'
	assert_equal "$(summed verdict events)" "$((2500 + splices))" 'by verdict'
	assert_equal "$(summed source events) $(summed source blocked)" "$((2500 + splices)) 2500" 'by source: events, blocked'
	assert_equal "$(grep '"kind":"verdict"' "$BATS_TEST_TMPDIR/sums" | fields verdict action reason | sort -u)" "$(
		cat <<-'END'
			ALLOWED spliced rule-splice
			BLOCKED dropped no-rule
		END
	)"
	assert_equal "$(grep '"kind":"source"' "$BATS_TEST_TMPDIR/sums" | fields src | sort -u | xargs)" '192.0.2.2 2001:db8::2'
	[ "$(grep -c interval "$BATS_TEST_TMPDIR/sums")" -ge 2 ] || fail 'expected: two intervals or more' \
		"got: $(cat "$BATS_TEST_TMPDIR/sums")"
}

@test "--summary with a selector and a sample: packets count as what they stand for" {
	tail_start sums -j --summary 1 --sample 4 --dport 20000-20999
	send 192.0.2.1 20000 2000 10
	kill "$pid"
	assert_ends "$pid" 0
	local got
	got=$(summed verdict events)
	assert_equal $((got % 4)) 0 'events, in fours'
	[ "$got" -gt 600 ] && [ "$got" -lt 1400 ] || fail 'expected: about 1000, a chance in a thousand million to be off' "got: $got"
}

@test "--summary says what was lost in the ring" {
	tail_start sums -j --summary 1 --buffer 4
	kill -STOP "$pid"
	send 192.0.2.1 20000 300
	kill -CONT "$pid"
	eventually grep -q '"lost":[1-9]' "$BATS_TEST_TMPDIR/sums"
	kill "$pid"
	assert_ends "$pid" 0
	sed -i /^trace_tail/d "$BATS_TEST_TMPDIR/sums"
	assert_equal $(($(summed interval events) + $(summed interval lost))) 300 'events and lost'
}
