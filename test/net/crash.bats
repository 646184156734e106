#!/usr/bin/env bats
# shellcheck shell=bats
# Commands that change rules at the same time, and are killed at it, under traffic: packets, lists and the next writer
# see what some order of the commands makes. SPLICER_KILLS and SPLICER_SEED repeat a run, or make it shorter.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_attach wan0
	local_routes 172.16.0.0/16 fd00::/16
}

setup() {
	map_delete --all
}

teardown() {
	stop_started
}

# The flows of every set (see STAYING in crasher), and those of none. If they were passed, somebody would get them.
flows() {
	cat <<-END
		splice4 172.16.240.9 7000
		splice6 fd00:240::9 7000
		pass4 192.0.2.1 8080
		pass6 2001:db8::1 8080
		closed4 172.16.250.9 7000
		closed6 fd00:250::9 7000
	END
}

# Lines "NAME SENT RECEIVED" of the flows; a spliced one may come to either listener.
sent_and_received() {
	awk 'FNR == NR && NF == 2 { sent[$1] = $2 } NF == 3 { received[$1] += $3 }
		END { for (name in sent) print name, sent[name], received[name] + 0 }' \
		"$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/received" | sort
}

traffic_start() {
	flows_start 5 60000 127.0.0.1 58997 127.0.0.1 58998 ::1 58997 ::1 58998 \
		0.0.0.0 7000 :: 7000 192.0.2.1 8080 2001:db8::1 8080
}

traffic_stop() {
	kill "$sender" 2>/dev/null || true # or it came to its bound
	assert_ends "$sender" 0 || return
	kill "$receiver"
	assert_ends "$receiver" 0
}

# Each datagram of the open flows was received, none of the closed, and as many as these were dropped.
assert_verdicts() {
	local dropped=$1 name sent received closed=0 rows=0
	while read -r name sent received; do
		rows=$((rows + 1))
		[ "$sent" -gt 0 ] || fail "$name: nothing was sent" || return
		if [[ $name = closed* ]]; then
			closed=$((closed + sent))
			sent=0
		fi
		assert_equal "$received" "$sent" "$name: datagrams received" || return
	done < <(sent_and_received)
	assert_equal "$rows" 6 flows || return
	assert_equal "$dropped" "$closed" 'packets dropped'
}

@test "commands side by side, killed at random moments: some order explains what is left, no verdict is wrong" {
	local before staying=$BATS_TEST_TMPDIR/staying
	# until the first command has run there are no rules
	crasher 0 0 2>"$staying"
	before=$(decided dropped)
	traffic_start
	assert_exit 0 crasher "${SPLICER_KILLS:-500}" "${SPLICER_SEED:-$RANDOM}"
	echo "# $err" >&3
	traffic_stop
	assert_verdicts $(($(decided dropped) - before))
	# and goes on working
	assert_exit 0 map_update -v 172.16.240.0 24 5061 5061 58997 udp
	assert_equal "$out" 'A 172.16.240.0 24 5061 5061 58997 udp'
	assert_exit 0 map_update -v 172.16.240.0 24 5061 5061 58998 udp
	assert_equal "$out$err" 'C 172.16.240.0 24 5061 5061 58998 udp' 'nothing is left to repair'
}

# dirty: as a writer leaves the rules that is killed at work
dirty() {
	python3 -IS "$BATS_TEST_DIRNAME/../arena.py" dirty
}

@test "what a killed writer has left is repaired by the next one, which tells of it with -v" {
	local rules repaired='repaired what a killed writer had left'
	map_update -f - <<-END
		172.16.240.0 24 7000 7000 58997 udp
		fd00:240:: 64 7000 7000 58997 udp
		10.0.0.0 8 80 80 0 tcp --ttl 3600
	END
	rules=$(rule_list --save)
	dirty
	# neither listing nor -n repairs: they write nothing
	assert_equal "$(rule_list --save)" "$rules"
	assert_exit 0 map_update -nv 172.16.240.0 24 7000 7000 58997 udp
	assert_equal "$err" ''
	assert_exit 0 map_update -v 172.16.240.0 24 7000 7000 58997 udp
	assert_equal "$err" "map_update: $repaired"
	assert_equal "$out" '= 172.16.240.0 24 7000 7000 58997 udp'
	assert_exit 0 map_update -v 172.16.240.0 24 7000 7000 58997 udp
	assert_equal "$err" ''
	# without a change, with many, by replacement, by deletion
	dirty
	assert_exit 0 map_update -v -f /dev/null
	assert_equal "$err$out" "map_update: $repaired"
	dirty
	assert_exit 0 map_update -v -f - <<<$'172.16.240.0 24 7001 7001 58997 udp\n172.16.240.0 24 7002 7002 58997 udp'
	assert_equal "$err" "map_update: $repaired"
	rules=$(rule_list --save)
	dirty
	assert_exit 0 map_update -v --replace -f <(echo "$rules")
	assert_equal "$err" "map_update: $repaired"
	assert_equal "$(cut -c 1 <<<"$out" | sort -u)" '='
	dirty
	assert_quiet map_delete --service none
	assert_exit 0 map_update -v -f /dev/null
	assert_equal "$err" '' 'what map_delete has repaired'
	dirty
	assert_quiet map_update -f /dev/null
	assert_equal "$(rule_list --save)" "$rules"
}
