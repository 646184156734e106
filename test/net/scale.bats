#!/usr/bin/env bats
# shellcheck shell=bats
# Many rules under traffic: 100,000 that are replaced again and again, and an arena that grows while several tools
# insert one rule at a time.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/replacement.bash
. "$BATS_TEST_DIRNAME/replacement.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_attach wan0
	local_routes 172.16.0.0/16 fd00::/16
}

setup() {
	fresh_pins wan0
}

teardown() {
	stop_started
}

@test "two sets of 100,000 rules replace each other ten times under traffic: each packet is decided by one of them" {
	sets_make 50000
	assert_replaced_under_traffic "${SPLICER_REPLACEMENTS:-10}"
}

# ---- growth ----

# What decides the flows all along, and what is never to decide: no flow of the test has its verdict from it.
staying() {
	cat <<-END
		172.16.240.0 24 5060 5060 58997 udp -S splice4
		fd00:240:: 64 5060 5060 58997 udp -S splice6
		192.0.2.1 32 8080 8080 0 udp -S pass4
		2001:db8::1 128 8080 8080 0 udp -S pass6
		172.16.250.0 24 5060 5060 0 udp -a drop -S closed4
		fd00:250:: 64 5060 5060 0 udp -a drop -S closed6
	END
}

# newcomers COUNT: rules to insert. Those under the prefixes of the flows have the port of the flow too, but a wider
# range, so that each makes the block of that key anew and does not win.
newcomers() {
	awk -v count="$1" 'BEGIN {
		for (i = 1; i <= count; i++) {
			if (i % 6 == 0)
				printf "172.16.240.0 24 %d 5061 0 udp -a drop -S new%d\n", 5060 - i, i
			else if (i % 6 == 1)
				printf "fd00:250:: 64 5059 %d 58998 udp -S new%d\n", 5060 + i, i
			else if (i % 2)
				printf "fd%02x:%x:: %d %d %d 58997 tcp -S new%d\n", 16, i, 32 + i % 32, i, i, i
			else
				printf "10.%d.%d.0 24 80 90 0 udp -a drop -P %d -S new%d\n", i / 250, i % 250, i, i
		}
	}'
}

# insert FILE: its lines, one tool after the other; prints the bytes of the arena now and then
insert() {
	local line number=0
	while read -r line; do
		# shellcheck disable=SC2086  # words
		map_update $line || return
		number=$((number + 1))
		[ $((number % 50)) != 0 ] || rule_list -j --stats
	done <"$1"
}

# Four of them side by side, each with a quarter of the file.
insert_side_by_side() {
	local part one
	local pids=()
	split -n r/4 "$1" "$BATS_TEST_TMPDIR/part."
	for part in "$BATS_TEST_TMPDIR"/part.*; do
		started "$BATS_TEST_TMPDIR/out.${part##*.}" insert "$part"
		pids+=("$pid")
	done
	for one in "${pids[@]}"; do
		# longer than assert_ends waits
		wait "$one" || fail "a writer failed:" "$(cat "$BATS_TEST_TMPDIR"/out.*)" || return
	done
}

# The sizes that the arena had, each once.
sizes() {
	local file
	for file in "$BATS_TEST_TMPDIR"/out.*; do
		grep -o '"name":"memory","value":[0-9]*' "$file"
	done | sort -u
}

@test "3,000 rules, one by one from four writers: the arena grows, no rule is lost or doubled, no packet goes wrong" {
	local count=${SPLICER_INSERTIONS:-3000} name drops
	staying | map_update -f -
	staying >"$BATS_TEST_TMPDIR/expected"
	newcomers "$count" >"$BATS_TEST_TMPDIR/new"
	cat "$BATS_TEST_TMPDIR/new" >>"$BATS_TEST_TMPDIR/expected"
	drops=$(decided dropped)
	# shellcheck disable=SC2317  # for flows_start
	flows() {
		cat <<-END
			splice4 172.16.240.9 5060
			splice6 fd00:240::9 5060
			pass4 192.0.2.1 8080
			pass6 2001:db8::1 8080
			closed4 172.16.250.9 5060
			closed6 fd00:250::9 5060
		END
	}
	traffic_start
	insert_side_by_side "$BATS_TEST_TMPDIR/new"
	flows_stop
	drops=$(($(decided dropped) - drops))
	echo "# $(sizes | wc -l) sizes of the arena, $(sent splice4) datagrams a flow" >&3
	[ "$(sizes | wc -l)" -ge 3 ] || fail 'the arena did not grow' "$(sizes)"
	sort "$BATS_TEST_TMPDIR/expected" >"$BATS_TEST_TMPDIR/sorted"
	rule_list --save | sort | assert_same_lines "$BATS_TEST_TMPDIR/sorted"
	# those of one writer in its order
	rule_list --save | grep -Fxf "$BATS_TEST_TMPDIR/part.ab" | assert_same_lines "$BATS_TEST_TMPDIR/part.ab"
	assert_all_received splice4 splice6 pass4 pass6
	assert_none_received closed4 closed6
	assert_equal "$drops" $(($(sent closed4) + $(sent closed6))) 'packets dropped'
	for name in splice4 splice6 pass4 pass6 closed4 closed6; do
		assert_equal "$(rule_values packets -S "$name")" "$(sent "$name")" "packets of $name"
	done
	# and the newcomers counted nothing
	assert_equal "$(rule_list -j | fields packets | grep -cvx 0)" 6 'rules that counted packets'
}
