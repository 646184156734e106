#!/usr/bin/env bats
# trace_tail --audit and --summary: what they accept and refuse, what they say, and how they are installed.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	limit=20
	mkdir -m 700 "$tmp/log"
	log=$tmp/log/audit
}

# assert_refusal WHO REASON: trace_tail --audit "$log" ends with exit 1 and a line, and the log has what it had
assert_refusal() {
	local before=none

	[ ! -f "$log" ] || before=$(md5sum <"$log")
	capture trace_tail --audit "$log"
	assert_status 1 && assert_output '' && assert_errors "trace_tail: $1: $2" || return
	[ ! -f "$log" ] || [ "$(md5sum <"$log")" = "$before" ] || fail 'the file as it was' 'written to'
}

@test "a file that others may write or read, or that is not root's, is refused" {
	echo before >"$log"
	chmod 620 "$log"
	chgrp 4 "$log"
	assert_refusal "$log" 'may be written by others than root (mode 0620)'
	chmod 602 "$log"
	assert_refusal "$log" 'may be written by others than root (mode 0602)'
	chmod 604 "$log"
	assert_refusal "$log" 'may be read by all (mode 0604)'
	chmod 600 "$log"
	chown 65534 "$log"
	assert_refusal "$log" 'belongs to user 65534, not to root'
}

@test "links, pipes, devices and directories are refused, and a missing directory" {
	echo before >"$tmp/log/real"
	chmod 600 "$tmp/log/real"
	ln -s real "$log"
	assert_refusal "$log" 'is a symbolic link'
	ln -f "$tmp/log/real" "$log"
	assert_refusal "$log" 'has 2 links'
	rm "$log"
	mkfifo -m 600 "$log"
	assert_refusal "$log" 'is not a regular file'
	rm "$log"
	mkdir "$log"
	assert_refusal "$log" 'Is a directory'
	log=/dev/null
	assert_refusal /dev/null 'is not a regular file'
	log=$tmp/none/audit
	assert_refusal "$log" 'No such file or directory'
	assert_text 'the file of the links' "$tmp/log/real" before
}

@test "a directory in which others may put another file is refused, also one further up" {
	mkdir -m 700 "$tmp/log/deep"
	log=$tmp/log/deep/audit
	chmod 777 "$tmp/log"
	assert_refusal "$tmp/log" 'may be written by others than root (mode 0777)'
	chmod 700 "$tmp/log"
	chmod 770 "$tmp/log/deep"
	chgrp 4 "$tmp/log/deep"
	assert_refusal "$tmp/log/deep" 'may be written by others than root (mode 0770)'
	chmod 700 "$tmp/log/deep"
	chown 65534 "$tmp/log"
	assert_refusal "$tmp/log" 'belongs to user 65534, not to root'
	[ ! -e "$log" ] || fail 'no file' 'one was made'
}

# setfacl(1) is not everywhere.
@test "a directory that an access control list lets another user write is refused" {
	python3 -ISc '
import os, struct, sys
entries = (1, 7, -1), (2, 7, 65534), (4, 0, -1), (16, 7, -1), (32, 0, -1)
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", acl)' "$tmp/log" || skip 'no access control lists here'
	assert_refusal "$tmp/log" 'may be written by others than root (mode 0770)'
	[ ! -e "$log" ] || fail 'no file' 'one was made'
}

@test "a name with control characters is shown without them" {
	log=$tmp/log/$'no\e[31m/ne'
	capture trace_tail --audit "$log"
	assert_status 1
	assert_one_line
}

@test "not root: refused" {
	capture setpriv --reuid 65534 --clear-groups --inh-caps=-all "$(command -v trace_tail)" --audit "$log"
	assert_status 1
	assert_one_line
	[ ! -e "$log" ] || fail 'no file' 'one was made'
}

@test "no pins: exit 1, and no log is made" {
	capture trace_tail --pin-dir "$tmp/log" --audit "$log"
	assert_status 1
	assert_one_line
	[ ! -e "$log" ] || fail 'no file' 'one was made'
}

# ---- SIGHUP ----

# waits_for_lock PID
waits_for_lock() {
	awk -v pid="$1" '$2 == "->" && $3 == "FLOCK" && $6 == pid { found = 1 } END { exit !found }' /proc/locks
}

# Until then it is a signal that ends what is not ready for it, and systemd takes that for a clean end.
@test "SIGHUP while it waits for a place ends nothing" {
	local lock pid try

	exec {lock}<"$pins"
	flock "$lock"
	trace_tail --audit "$log" {lock}<&- 3>&- 2>"$err" &
	pid=$!
	servers+=("$pid")
	for ((try = 0; try < 500; try++)); do
		! waits_for_lock "$pid" || break
		sleep 0.02
	done
	waits_for_lock "$pid" || fail 'it waits for the lock' 'it does not'
	kill -HUP "$pid"
	exec {lock}<&-
	for ((try = 0; try < 500; try++)); do
		[ ! -e "$log" ] && kill -0 "$pid" || break
		sleep 0.02
	done
	[ -e "$log" ] || fail 'a log' "none: $(cat "$err")"
}

@test "SIGHUP that was ignored, as nohup has it, stays so; with --audit it has its meaning" {
	local pid try

	# shellcheck disable=SC2016
	start bash -c 'trap "" HUP; trace_tail -j >"$1" & trace_tail --audit "$2" & echo "$!"; wait' - "$out" "$log"
	for pid in $(pgrep -P "${servers[0]}"); do
		for ((try = 0; try < 500; try++)); do
			! find "/proc/$pid/fd" -lname '*eventpoll*' | grep -q . || break
			sleep 0.02
		done
		assert_hangup "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
		kill "$pid"
	done
}

# assert_hangup PID COMMAND
assert_hangup() {
	local caught ignored

	caught=$((0x$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$1/status") & 1))
	ignored=$((0x$(awk '$1 == "SigIgn:" { print $2 }' "/proc/$1/status") & 1))
	case $2 in
	*--audit*) [ "$caught $ignored" = '1 0' ] ;;
	*) [ "$caught $ignored" = '0 1' ] ;;
	esac || fail "of $2, SIGHUP as the options say" "caught $caught, ignored $ignored"
}

@test "options that cannot be, or do not go together: exit 2" {
	local text

	for text in 0 86401 '' Never -1 1.5; do
		capture trace_tail --audit "$log" --sync "$text"
		assert_status 2
		assert_errors "trace_tail: ${text:-''}: is none of: never, always, 1 to 86400 seconds"
	done
	for text in 0 86401 x ''; do
		capture trace_tail --summary "$text"
		assert_status 2
		assert_complaint "$text"
	done
	capture trace_tail --audit "$tmp/log/"
	assert_status 2
	assert_errors "trace_tail: $tmp/log/: is no file name"
	capture trace_tail --audit "$log" --audit "$log.2"
	assert_status 2
	assert_errors "trace_tail: $log.2: the audit log is given twice"
	capture trace_tail --sync never
	assert_status 2
	assert_errors 'trace_tail: --sync: goes with --audit only'
	capture trace_tail --summary 1 --audit "$log"
	assert_status 2
	assert_errors 'trace_tail: --summary: does not go with --audit'
	capture trace_tail --summary 1 -t
	assert_status 2
	assert_errors 'trace_tail: --absolute: does not go with --summary'
	capture trace_tail --audit "$log" --sample 10
	assert_status 2
	assert_errors 'trace_tail: --sample: goes with --audit only where --event packet is given too'
	[ ! -e "$log" ] || fail 'no file' 'one was made'
}

# ---- sums ----

@test "--summary: -c ends after so many blocks, each with a line of its own" {
	capture trace_tail --summary 1 -c 2
	assert_status 0
	assert_errors ''
	sed -E 's/^[0-9:]{8}  [0-9]+\.[0-9] s  /TIME  /' "$out" >"$tmp/blocks"
	assert_text blocks "$tmp/blocks" $'TIME  0 events  0 bytes  0 lost\n\nTIME  0 events  0 bytes  0 lost'
}

@test "--summary -j: a line for each block that has nothing else" {
	capture trace_tail --summary 1 -j -c 1
	assert_status 0
	assert_json "{k: d[k] for k in d if k not in ('time', 'seconds')} == {'kind': 'interval', 'events': 0, 'eps': 0, 'bytes': 0,
		'lost': 0, 'sources': 0, 'missed': 0} and d['seconds'] >= 1 and d['time'] > 1.6e9"
}

@test "--summary: a full disk: exit 1 and says so" {
	capture bash -c 'trace_tail --summary 1 >/dev/full'
	assert_status 1
	program=trace_tail
	assert_complaint stdout
}

# On a terminal of 24 lines.
@test "--summary on a terminal: each block from the top of the screen, which is as before in the end" {
	capture python3 -ISc '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ["LINES"] = "24"
    os.execvp(sys.argv[1], sys.argv[1:])
got = b""
try:
    while part := os.read(fd, 65536):
        got += part
except OSError:
    pass
os.write(1, got)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' trace_tail --summary 1 -c 2
	assert_status 0
	tr -d '\r' <"$out" | cat -v | sed -E 's/[0-9:]{8}  [0-9]+\.[0-9] s /TIME/g; $s/$/\n/' >"$tmp/screens"
	assert_text screens "$tmp/screens" '^[[?7l^[[H^[[JTIME 0 events  0 bytes  0 lost
^[[H^[[JTIME 0 events  0 bytes  0 lost
^[[?7h'
}

# ---- installed ----

@test "the unit and the logrotate file are installed with the paths of PREFIX, and go again" {
	local prefix=$tmp/usr root=$BATS_TEST_DIRNAME/../..

	make -s -C "$root" install O="$(realpath --relative-to="$root" "$LAB_OBJECTS")" PREFIX="$prefix" >"$out" 2>&1 ||
		fail 'make install' "$(cat "$out")"
	grep -Fxq "ExecStart=$prefix/bin/trace_tail --audit /var/log/splicer/audit.log" \
		"$prefix/lib/systemd/system/splicer-audit.service" || fail 'ExecStart of the prefix' \
		"$(grep ExecStart "$prefix/lib/systemd/system/splicer-audit.service")"
	cmp "$root/scripts/splicer-audit.logrotate" "$prefix/etc/logrotate.d/splicer"
	logrotate --debug --state "$tmp/state" "$prefix/etc/logrotate.d/splicer" >"$out" 2>&1 ||
		fail 'a file that logrotate takes' "$(cat "$out")"
	! grep -i error "$out" || fail 'no error of logrotate' "$(cat "$out")"
	if command -v systemd-analyze >/dev/null; then
		capture systemd-analyze verify --man=no "$prefix/lib/systemd/system/splicer-audit.service"
		assert_errors ''
		assert_status 0
	fi
	make -s -C "$root" uninstall PREFIX="$prefix"
	assert_text 'files left' <(find "$prefix" ! -type d) ''
}
