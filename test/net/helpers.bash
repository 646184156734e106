# shellcheck shell=bash
# What the tests on real traffic share. A .bats file runs in a box of its own: see scripts/lab.
#
# Assertions print what was expected and what came. bats knows traps that they avoid: "! command" in the middle of a
# test passes silently, "run !" takes a crash for a failure, and what runs in the background must close descriptor 3.

# shellcheck source=scripts/lab
. "${BASH_SOURCE[0]%/*}/../../scripts/lab"

PINS=/sys/fs/bpf/tc/globals

# Files of the test; in setup_file and teardown_file, of the file.
scratch() {
	echo "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}"
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# ---- commands ----

# assert_exit STATUS COMMAND [ARG]...: runs it; fills $out (standard output) and $err
assert_exit() {
	local expected=$1 status=0 errors
	shift
	errors=$(mktemp -p "$(scratch)")
	out=$("$@" 2>"$errors" 3>&-) || status=$?
	err=$(<"$errors")
	[ "$status" = "$expected" ] || fail "command:  $*" "expected: exit $expected" "got:      exit $status" "$out" "$err"
}

# assert_quiet COMMAND [ARG]...: it succeeds and prints nothing
assert_quiet() {
	assert_exit 0 "$@" || return
	assert_equal "$out$err" '' "what $1 prints"
}

# assert_error COMMAND [ARG]...: exit 1 with one line that says why
assert_error() {
	assert_exit 1 "$@" || return
	assert_match "$err" "^${1##*/}: [^"$'\n'"]+$"
}

assert_equal() {
	[ "$1" = "$2" ] || fail "${3:+in:       $3}" "expected: $2" "got:      $1"
}

assert_match() {
	[[ $1 =~ $2 ]] || fail "expected: (match) $2" "got:      $1"
}

# assert_same_lines FILE: standard input is the same
assert_same_lines() {
	local difference
	difference=$(diff "$1" -) || fail 'expected no difference, got:' "$(head -n 20 <<<"$difference")"
}

# eventually COMMAND [ARG]...: waits until it succeeds; half a minute, for a loaded machine, PATIENCE times as long
eventually() {
	local try
	for ((try = 0; try < 1500 * ${PATIENCE:-1}; try++)); do
		"$@" && return
		sleep 0.02
	done
	fail "never: $*"
}

# kernel_has VERSION: it is this one or a later; for what is right to differ
kernel_has() {
	printf '%s\n' "$1" "$(uname -r)" | sort -CV
}

# ---- processes ----

# started OUTPUT COMMAND [ARG]...: runs it in the background, by itself; fills $pid. It ends with the test, or with the
# file when started in setup_file.
started() {
	local output=$1
	shift
	# bash gives /dev/null to what runs in the background unless told otherwise
	"$@" <&0 >"$output" 2>&1 3>&- &
	pid=$!
	echo "$pid" >>"$(scratch)/started"
}

# Whether a process is still a child of this shell: a number may have gone to another process since.
is_child() {
	local parent
	read -r parent < <(awk '{ sub(/.*\)/, ""); print $2 }' "/proc/$1/stat" 2>/dev/null) && [ "$parent" = "$BASHPID" ]
}

# To be called in teardown and teardown_file.
stop_started() {
	local list one
	list=$(scratch)/started
	[ -e "$list" ] || return 0
	while read -r one; do
		! is_child "$one" || kill -9 "$one" 2>/dev/null || true
		# or the shell tells of it when it ends
		wait "$one" 2>/dev/null || true
	done <"$list"
	rm "$list"
}

has_ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status"
}

# assert_ends PID STATUS: a child ends, by itself and so
assert_ends() {
	local status=0
	eventually has_ended "$1" || return
	wait "$1" || status=$?
	assert_equal "$status" "$2" 'exit status'
}

# serve [KIND ADDRESS PORT]...: servers on the box, all in one process; fills $pid
serve() {
	local output
	output=$(mktemp -p "$(scratch)")
	started "$output" peer serve "$@"
	eventually grep -q ready "$output"
}

# serve_on HOST [KIND ADDRESS PORT]...
serve_on() {
	local host=$1 output
	shift
	output=$(mktemp -p "$(scratch)")
	started "$output" nsenter --net="/run/netns/$host" -- peer serve "$@"
	eventually grep -q ready "$output"
}

# ---- traffic ----

# assert_traffic HOST: tries each line "OUTCOME KIND ADDRESS PORT..." of its input from the host (or "box"), all
# at the same time; see peer sweep. OUTCOME is answer, timeout, refused or unreachable: a firewall that drops makes a
# time-out.
assert_traffic() {
	if [ "$1" = box ]; then
		assert_outcomes peer sweep
	else
		assert_outcomes lab_on "$1" peer sweep
	fi
}

# assert_outcomes COMMAND [ARG]...: the command gets the lines, to know what to be patient for, and must print the same.
assert_outcomes() {
	local expected got
	expected=$(grep .)
	got=$("$@" <<<"$expected" 2>&1 3>&-) || true
	[ "$got" = "$expected" ] || fail 'expected, and got:' "$(diff <(echo "$expected") <(echo "$got"))"
}

# ---- datagrams that are counted ----

# flows_start MILLISECONDS COUNT [ADDRESS PORT]...: the host "client" sends the flows that the function "flows" of the
# file prints, "NAME ADDRESS PORT", and sockets on the box receive them: see pacer. Fills $sender and $receiver.
flows_start() {
	local pause=$1 count=$2
	shift 2
	started "$BATS_TEST_TMPDIR/received" pacer receive "$@"
	receiver=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/received" || return
	flows >"$BATS_TEST_TMPDIR/flows"
	# bounded: a test that fails leaves no stream of packets behind
	started "$BATS_TEST_TMPDIR/sent" nsenter --net=/run/netns/client -- pacer send "$pause" "$count" <"$BATS_TEST_TMPDIR/flows"
	sender=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/sent"
}

flows_stop() {
	# it is still sending, or the last change of rules would have met no packet
	kill "$sender" || fail 'the sender came to its bound' || return
	assert_ends "$sender" 0 || return
	kill "$receiver"
	assert_ends "$receiver" 0
}

# sent NAME: datagrams of the flow
sent() {
	awk -v name="$1" 'NF == 2 && $1 == name { print $2 }' "$BATS_TEST_TMPDIR/sent"
}

# received NAME [PORT]: those that came, to this listener only
received() {
	awk -v name="$1" -v port="${2-}" 'NF == 3 && $1 == name && (port == "" || $2 == port) { n += $3 } END { print n + 0 }' \
		"$BATS_TEST_TMPDIR/received"
}

# assert_all_received NAME...: each datagram of these flows, and there were some
assert_all_received() {
	local name
	for name; do
		[ "$(sent "$name")" -gt 0 ] || fail "$name: nothing was sent" || return
		assert_equal "$(received "$name")" "$(sent "$name")" "datagrams received of $name" || return
	done
}

# assert_none_received NAME...: none of these flows, of which some were sent
assert_none_received() {
	local name
	for name; do
		[ "$(sent "$name")" -gt 0 ] || fail "$name: nothing was sent" || return
		assert_equal "$(received "$name")" 0 "datagrams received of $name" || return
	done
}

# decided ACTION: packets so far, whatever the reason: dropped, passed, spliced
decided() {
	verdict_stat -j | fields action packets | awk -v action="$1" '$1 == action { n += $2 } END { print n + 0 }'
}

# counted REASON: packets so far
counted() {
	verdict_stat -j | fields reason packets | awk -v reason="$1" '$1 == reason { n += $2 } END { print n + 0 }'
}

# ---- the box ----

detach() { tc qdisc del dev "$1" clsact; }

# fresh_box ATTACH DEV...: attached by this function as if for the first time: no rule was ever inserted, no counter has moved
fresh_box() {
	local attach=$1 dev
	shift
	for dev; do
		detach "$dev" 2>/dev/null || true
	done
	rm -rf "${PINS:?}"/*
	for dev; do
		"$attach" "$dev"
	done
}

fresh_pins() { fresh_box lab_attach "$@"; }

# local_routes PREFIX...: the stack takes packets to them, as OpenZiti arranges it for what it splices
local_routes() {
	local prefix
	for prefix; do
		ip route replace local "$prefix" dev lo
	done
}

rule_count() {
	rule_list --save | wc -l
}

# rule_values KEY [SELECTOR]...: one value per rule, as JSON has it
rule_values() {
	local key=$1
	shift
	rule_list -j "$@" | fields "$key"
}

# tail_start NAME [OPTION]...: starts trace_tail, which prints to $BATS_TEST_TMPDIR/NAME; returns when it listens.
tail_start() {
	local name=$1
	shift
	started "$BATS_TEST_TMPDIR/$name" trace_tail "$@"
	eventually tail_listens "$pid"
}

# The ring buffer is polled through an eventpoll, made after the place was taken.
tail_listens() {
	find "/proc/$1/fd" -lname '*eventpoll*' 2>/dev/null | grep -q .
}

# has_lines FILE NUMBER
has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}
