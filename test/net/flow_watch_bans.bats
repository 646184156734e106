#!/usr/bin/env bats
# shellcheck shell=bats
# The pipe of flow_watch(8): who scans is shut out at the driver, and let in again. IPv4 and IPv6.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"
# shellcheck source=test/net/xdp.bash
. "$BATS_TEST_DIRNAME/xdp.bash"
# shellcheck source=test/net/watch.bash
. "$BATS_TEST_DIRNAME/watch.bash"

setup_file() {
	watch_hosts
	serve tcp 0.0.0.0 80 tcp :: 80
}

teardown_file() {
	stop_started
}

setup() {
	fresh_filter wan0 lan0
	flow_attach wan0
	flow_attach lan0
	filter_on wan0
	filter_on lan0
	# name servers and the like
	printf '%s\n' '198.51.100.0/24  # at home' '2001:db8:1::/64' >"$BATS_TEST_TMPDIR/never"
}

teardown() {
	bans_stop
	stop_started
}

# The shell of a pipe does not end what is in it.
bans_stop() {
	local watcher
	! watcher=$(bans_watcher) || kill -9 "$watcher"
}

# bans_start TTL [OPTION]...: the pipe as flow_watch(8) has it; fills $bans, its shell
bans_start() {
	local ttl=$1
	shift
	started "$BATS_TEST_TMPDIR/bans.out" bans_pipe "$ttl" "$BATS_TEST_TMPDIR/never" "$@"
	bans=$pid
}

bans_pipe() {
	local ttl=$1 never=$2
	shift 2
	flow_watch --bans --never "$never" --interval 1 --window 10 "$@" |
		while IFS= read -r line; do
			printf '%s\n' "$line" | xdp_rule add --ttl "$ttl" -f -
		done
}

# The flow_watch of the pipe
bans_watcher() {
	[ -n "${bans-}" ] && pgrep -P "$bans" -x flow_watch
}

# Whether there is a ban of the address that is in force, and it is so
is_banned() {
	xdp_rule list --save | grep -q "^add $1/[0-9]* drop"
}

is_free() {
	! is_banned "$1"
}

# assert_reaches HOST ADDRESS OUTCOME: answer or timeout, of a connection to a server on the box
assert_reaches() {
	assert_traffic "$1" <<<"$3 tcp $2 80"
}

reaches() {
	assert_reaches "$@" 2>/dev/null
}

# Of each family, some ports of the box.
scan_all() {
	local i
	for i in 0 1; do
		scan "${BOX[i]}" -Pn -sS -p 1-100
	done
}

@test "who scans is shut out and nobody else, and is let in again when the time is over" {
	local i
	bans_start 12
	for i in 0 1; do
		scan "${BOX[i]}" -Pn -sS -p 1-100
		eventually is_banned "${ATTACKER[i]}" || return
		assert_reaches client "${HOME_BOX[i]}" answer || return
	done
	assert_match "$(xdp_rule list --save)" '-S flow_watch'
	for i in 0 1; do
		eventually reaches attacker "${BOX[i]}" answer || return
	done
	# one line each, and no mistakes in them
	assert_equal "$(<"$BATS_TEST_TMPDIR/bans.out")" ''
}

# With bans that last, as those that end soon may end before they were looked at.
@test "what is sent by who is shut out does not arrive; who is never to be banned is not" {
	local i
	bans_start 600
	watch_start seen --never "$BATS_TEST_TMPDIR/never"
	for i in 0 1; do
		scan_from client "${HOME_BOX[i]}" -Pn -sS -p 1-100
		assert_sign "port-scan ${CLIENT[i]} ${HOME_BOX[i]} tcp - -" 'observed >= 15' || return
	done
	assert_equal "$(told | fields never | sort -u)" true
	scan_all
	for i in 0 1; do
		eventually is_banned "${ATTACKER[i]}" || return
		assert_reaches attacker "${BOX[i]}" timeout || return
		assert_reaches client "${HOME_BOX[i]}" answer || return
		is_free "${CLIENT[i]}" || fail "${CLIENT[i]} is banned" || return
	done
	assert_equal "$(xdp_count)" 2
}

@test "it is killed in the middle of a scan and started again: the next one bans" {
	local i
	bans_start 600
	for i in 0 1; do
		started "$BATS_TEST_TMPDIR/slow$i" slow_scan "${BOX[i]}"
	done
	eventually bans_watcher >/dev/null
	kill -9 "$(bans_watcher)"
	assert_ends "$bans" 0
	bans_start 600
	for i in 0 1; do
		eventually is_banned "${ATTACKER[i]}" || return
		assert_reaches attacker "${BOX[i]}" timeout || return
	done
	assert_equal "$(<"$BATS_TEST_TMPDIR/bans.out")" ''
}

# slow_scan ADDRESS: one port after the other, some five a second
slow_scan() {
	local family=()
	[[ $1 != *:* ]] || family=(-6)
	exec nsenter --net=/run/netns/attacker -- nmap -n "${family[@]}" -Pn -sS --scan-delay 200ms --max-retries 0 -p 1-500 "$1"
}

# Each second, what was counted is handed out: that of a scan is in many pieces.
@test "flow_dump --reset beside it takes nothing away from it" {
	local i
	bans_start 600
	watch_start seen
	started "$BATS_TEST_TMPDIR/reset" hand_out
	for i in 0 1; do
		started "$BATS_TEST_TMPDIR/slow$i" slow_scan "${BOX[i]}"
	done
	for i in 0 1; do
		assert_sign "port-scan ${ATTACKER[i]} ${BOX[i]} tcp - -" 'observed >= 15 && samples >= observed' || return
		eventually is_banned "${ATTACKER[i]}" || return
	done
	assert_equal "$(grep -v '^flow_dump' "$BATS_TEST_TMPDIR/reset")" ''
}

hand_out() {
	while :; do
		flow_dump --reset -j >/dev/null || exit
		sleep 1
	done
}
