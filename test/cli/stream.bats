#!/usr/bin/env bats
# Output that cannot be written: a full disk, a closed descriptor, a reader that has gone.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	map_update 10.0.0.0 8 80 80 5000 tcp
	limit=30
}

# into REDIRECTION COMMAND...: the shell's own status tells a signal as 128 and more.
into() {
	capture bash -c "$2 $1"
	program=${2%% *}
}

many() {
	awk -v count="$1" 'BEGIN { for (i = 1; i <= count; i++) printf "10.1.0.0 16 %d %d 0 tcp\n", i, i }'
}

@test "a full disk: exit 1 and says so, rule_list" {
	local options

	for options in '' --save -j; do
		into '>/dev/full' "rule_list $options"
		assert_status 1
		assert_complaint stdout
		assert_errors_have 'No space left on device'
	done
}

@test "a full disk: rule_list with more than a buffer" {
	many 2000 | map_update -f -
	into '>/dev/full' 'rule_list --save'
	assert_status 1
	assert_complaint stdout
}

@test "a full disk: --help and --version" {
	local tool option

	for tool in map_update map_delete rule_list trace_tail; do
		for option in --help --version; do
			into '>/dev/full' "$tool $option"
			assert_status 1
			assert_complaint stdout
		done
	done
}

@test "a full disk: -n, whose whole result is what it prints" {
	into '>/dev/full' 'map_update -n 10.0.0.0 8 80 80 0 tcp'
	assert_status 1
	assert_complaint stdout
	into '>/dev/full' 'map_delete -nj --all'
	assert_status 1
	assert_complaint stdout
}

@test "a full disk: -v and -j say that their output is lost; the change was made" {
	local options

	for options in '-v 10.1.0.0 16' '-j 10.2.0.0 16'; do
		into '>/dev/full' "map_update -q $options 80 80 0 tcp"
		assert_complaint stdout
	done
	assert_rules $'10.0.0.0 8 80 80 5000 tcp\n10.1.0.0 16 80 80 0 tcp\n10.2.0.0 16 80 80 0 tcp'
	into '>/dev/full' 'map_delete -v --all'
	assert_complaint stdout
	assert_rules ''
}

@test "a full disk: trace_tail ends" {
	capture bash -c '
		trace_tail >/dev/full &
		for i in {1..100}; do
			# a frame of a kind that is always dropped
			python3 -IS -c "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((\"t1\", 0))
s.send(bytes.fromhex(\"ffffffffffff02000000000188b5\") + bytes(46))"
			kill -0 $! 2>/dev/null || break
			sleep 0.05
		done
		wait $!'
	program=trace_tail
	assert_status 1
	assert_complaint stdout
}

@test "a closed standard output: no crash, and nothing is written to what took its number" {
	local before

	before=$(rules)
	into '>&-' 'rule_list'
	assert_status 1
	assert_complaint stdout
	assert_rules "$before"
	into '>&-' 'rule_list --save'
	assert_status 1
	into '>&-' 'rule_list -j'
	assert_status 1
	assert_rules "$before"
}

@test "a closed standard output does not matter to what prints nothing" {
	into '>&-' 'map_update 10.1.0.0 16 80 80 0 tcp'
	assert_status 0
	assert_errors ''
	into '>&- 2>&- <&-' 'map_update 10.2.0.0 16 80 80 0 tcp'
	assert_status 0
	into '>&- 2>&- <&-' 'map_delete 10.0.0.0 8 80 tcp'
	assert_status 0
	assert_rules $'10.1.0.0 16 80 80 0 tcp\n10.2.0.0 16 80 80 0 tcp'
}

@test "a closed standard output with -v: no crash, the rules are as they should be" {
	into '>&-' 'map_update -v 10.1.0.0 16 80 80 0 tcp'
	[ "$status" -lt 124 ] || fail 'no crash' "$status"
	into '>&-' 'map_update -j 10.2.0.0 16 80 80 0 tcp'
	[ "$status" -lt 124 ] || fail 'no crash' "$status"
	assert_rules $'10.0.0.0 8 80 80 5000 tcp\n10.1.0.0 16 80 80 0 tcp\n10.2.0.0 16 80 80 0 tcp'
}

@test "closed standard error: no crash, the exit status tells" {
	into '2>&-' 'map_update 10 8 80 80 0 tcp'
	assert_status 2
	into '2>&-' 'map_delete 10.9.0.0 16 80 tcp'
	assert_status 1
	map_update 10.0.0.0 8 80 90 0 tcp
	into '2>&-' 'map_delete 10.0.0.0 8 -a pass'
	assert_status 0
	map_update 10.0.0.0 8 80 90 5000 tcp
	into '2>&-' 'map_delete 10.0.0.0 8 80 tcp'
	assert_status 1
	assert_rules $'10.0.0.0 8 80 80 5000 tcp\n10.0.0.0 8 80 90 5000 tcp'
}

@test "a reader that has gone ends rule_list, by SIGPIPE or exit 1, without more" {
	many 5000 | map_update -f -
	# shellcheck disable=SC2016  # for the inner shell
	capture bash -c 'rule_list --save | head -n 1; echo "${PIPESTATUS[0]}"'
	assert_status 0
	assert_errors ''
	[ "$(head -n 1 "$out")" = '10.0.0.0 8 80 80 5000 tcp' ] || fail 'the first rule' "$(head -n 1 "$out")"
	case $(tail -n 1 "$out") in
	1 | 141) ;;
	*) fail 'status 1 or 141' "$(tail -n 1 "$out")" ;;
	esac
}

@test "a reader that has gone: map_update -v has done all of it or none" {
	many 5000 >"$tmp/file"
	capture bash -c "map_update -v -f $tmp/file | head -n 1 >/dev/null"
	assert_status 0
	assert_errors ''
	[ "$(rules | wc -l)" = 5001 ] || fail '5001 rules' "$(rules | wc -l)"
}
