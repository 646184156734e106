# shellcheck shell=bash
# shellcheck disable=SC2034  # some variables are for the tests
# What the files here share. Each file runs in one fresh box (scripts/lab), with the tools and `peer` on PATH.

bats_require_minimum_version 1.5.0

# ---- the box ----

# splicer.o on t0, as the README attaches it: from then on the pins are there.
setup_file() {
	if [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/1/ns/net)" ]; then
		echo 'not in a box of its own: run scripts/lab bats FILE' >&2
		return 1
	fi
	ip link add t0 type veth peer name t1
	ip link set t0 up
	ip link set t1 up
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress bpf da obj "${LAB_OBJECTS:?}/splicer.o" sec action
}

# Nothing of the caller's that could change what is printed.
box_begin() {
	servers=()
	pins=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	out=$tmp/out
	err=$tmp/err
	unset POSIXLY_CORRECT NO_COLOR
	export LC_ALL=C
}

# The same, and no rules.
box_clean() {
	box_begin
	map_delete --all
}

setup() {
	box_clean
}

teardown() {
	local pid

	for pid in "${servers[@]}"; do
		kill "$pid"
		wait "$pid" 2>/dev/null || true
	done
}

# start COMMAND [ARG]...: a server, until the test ends; it prints a line when it is ready.
start() {
	local ready

	exec {ready}< <(exec "$@" 3>&-)
	servers+=($!)
	read -r -t 30 _ <&"$ready"
}

# serve KIND-serve ADDRESS PORT: a listener.
serve() {
	start peer "$@"
}

bpfmap() {
	python3 -IS "$BATS_TEST_DIRNAME/bpfmap" "$@"
}

rules() {
	rule_list --save </dev/null
}

# ---- running ----

# capture COMMAND [ARG]...: runs it; its status, output and errors are for the assertions below. What hangs is a failure.
capture() {
	program=${1##*/}
	status=0
	timeout -k 1 "${limit:-60}" "$@" >"$out" 2>"$err" || status=$?
	printf '%q ' "$@" >"$tmp/command"
	printf '\nexit status: %s\n' "$status" >>"$tmp/command"
}

# tail_events PACKET COMMAND...: one trace_tail with -c 1; PACKET, a line of shell, sends until it has one
tail_events() {
	local packet=$1
	shift
	# shellcheck disable=SC2016  # for the inner shell
	capture bash -c '
		packet=$1
		shift
		"$@" &
		while kill -0 $! 2>/dev/null; do
			eval "$packet"
			sleep 0.05
		done
		wait $!' - "$packet" "$@"
	program=trace_tail
}

fail() {
	printf 'expected: %s\ngot:      %s\n' "$1" "$2"
	if [ -e "$tmp/command" ]; then
		printf 'last command: '
		cat "$tmp/command"
		sed 's/^/stdout: /' "$out"
		sed 's/^/stderr: /' "$err"
	fi
	return 1
}

# ---- assertions ----
#
# Each prints what was expected and what came, and returns 1. They are called in && lists too, where bash does not end
# a function at a command that failed: hence every `|| return`.

# 126 and more is a command that cannot be run, or a crash: never what is expected. 124 is a hang.
assert_status() {
	[[ $status = "$1" && $status -lt 124 ]] || fail "exit status $1" "exit status $status"
}

# assert_text WHAT FILE TEXT: the file is exactly TEXT and a newline; '' is an empty file, - is standard input.
assert_text() {
	local expected=$tmp/expected

	case $3 in
	'')
		[ -s "$2" ] || return 0
		: >"$expected"
		;;
	-) cat >"$expected" ;;
	*) printf '%s\n' "$3" >"$expected" ;;
	esac
	diff -u --label "$1 expected" --label "$1 got" "$expected" "$2" || fail "$1 as above" 'something else'
}

assert_output() { assert_text stdout "$out" "$1"; }
assert_errors() { assert_text stderr "$err" "$1"; }

assert_output_has() {
	grep -qF -e "$1" "$out" || fail "stdout with: $1" 'none'
}

assert_errors_have() {
	grep -qF -e "$1" "$err" || fail "stderr with: $1" 'none'
}

# One whole line on stderr, and nothing in it that a terminal obeys.
assert_one_line() {
	local lines

	mapfile lines <"$err"
	[[ ${#lines[@]} = 1 && ${lines[0]} == *$'\n' ]] || fail 'one line on stderr' "${#lines[@]}" || return
	[[ ${lines[0]%$'\n'} != *[[:cntrl:]]* ]] || fail 'no control characters on stderr' "$(cat -v "$err")"
}

# One line on stderr: who, about which operand ('' is shown), and why.
assert_complaint() {
	local line operand=${1:-"''"}

	assert_one_line || return
	line=$(<"$err")
	[[ $line == "$program: $operand: "?* ]] || fail "$program: $operand: REASON" "$line"
}

assert_rules() {
	local now

	now=$(rules) || fail 'rules' 'an error of rule_list' || return
	[ "$now" = "$1" ] || {
		diff -u --label 'rules expected' --label 'rules got' <(echo "$1") <(echo "$now") || :
		fail 'rules as above' 'others'
	}
}

# assert_unchanged STATUS OPERAND COMMAND [ARG]...: a command that fails, says so in one line about OPERAND, and changes
# nothing. In a shell without the trap that bats runs before every command: it takes longer than the command.
assert_unchanged() (
	trap - DEBUG
	expected=$1 operand=$2
	shift 2
	before=$(rules) || return
	capture "$@"
	assert_status "$expected" && assert_output '' && assert_complaint "$operand" && assert_rules "$before"
)

# Malformed.
assert_refused() {
	assert_unchanged 2 "$@"
}

# Well formed, but the system or the state said no.
assert_state() {
	assert_unchanged 1 "$@"
}

# assert_done COMMAND [ARG]...: did it, without a word.
assert_done() (
	trap - DEBUG
	capture "$@"
	assert_status 0 && assert_output '' && assert_errors ''
)

# assert_json EXPRESSION: standard output is JSON, and the Python expression over it, `d`, is true.
assert_json() {
	python3 -ISc '
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
if not eval(sys.argv[2]):
    sys.exit("value: " + json.dumps(d, ensure_ascii=False))
' "$out" "$1" || fail "$1" 'that it is not'
}
