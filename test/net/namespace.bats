#!/usr/bin/env bats
# shellcheck shell=bats
# Whose pins they are: one network namespace, all of its interfaces, and no other box.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 udp ::1 58997 tcp 0.0.0.0 8080 tcp :: 8080
}

teardown_file() {
	stop_started
}

setup() {
	detach lan0 2>/dev/null || true
	fresh_pins wan0
}

teardown() {
	stop_started
}

splice_sip() {
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update fd00:240:: 64 5060 5060 58997 udp
}

# assert_foreign TOOL [ARG]...: run on the host, it refuses
assert_foreign() {
	assert_exit 1 lab_on client "$@" || return
	assert_equal "$out" '' "what $1 prints" || return
	assert_match "$err" "^$1: $PINS: these maps belong to another network namespace[^"$'\n'"]*$"
}

# Everything that a tool could have changed, in both namespaces.
state() {
	rule_list --save
	ip route show table local
	lab_on client ip route show table local
	# the kernel may only now be done with a link-local address
	lab_on client ip -6 route show table local | grep -v ' fe80:'
	find "$PINS" | sort
}

@test "tools in another network namespace refuse and change nothing" {
	local before
	splice_sip
	before=$(state)
	assert_foreign map_update 172.16.240.0 24 5061 5061 58997 17
	assert_foreign map_update --route 172.31.9.0 24 5061 5061 58997 17
	assert_foreign map_delete 172.16.240.0 24 5060 17
	assert_foreign map_delete --all
	assert_foreign map_delete --dead
	assert_foreign rule_list
	assert_foreign rule_list --save
	assert_foreign trace_tail -c 1
	assert_equal "$(state)" "$before"
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		timeout udp 172.16.240.9 5061
		answer udp fd00:240::9 5060
		timeout tcp 192.0.2.1 8080
	END
}

@test "a second interface shares maps and rules, counters too" {
	splice_sip
	assert_traffic guest <<-END
		answer tcp 198.51.100.1 8080
		answer tcp 2001:db8:1::1 8080
	END
	lab_attach lan0
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout tcp 192.0.2.1 8080
		timeout tcp 2001:db8::1 8080
	END
	assert_traffic guest <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout tcp 198.51.100.1 8080
		timeout tcp 2001:db8:1::1 8080
	END
	assert_equal "$(rule_values packets)" $'2\n2'
	assert_quiet map_delete 172.16.240.0 24 5060 17
	assert_traffic client <<<'timeout udp 172.16.240.9 5060'
	assert_traffic guest <<-END
		timeout udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
}

# many: 2,000 ports each of two prefixes
many() {
	seq -f '172.16.240.0 24 %.0f' 10001 12000 | sed 's/\([0-9]*\)$/\1 \1 58997 udp/'
	seq -f 'fd00:240:: 64 %.0f' 10001 12000 | sed 's/\([0-9]*\)$/\1 \1 58997 udp/'
}

# assert_many HOST: some of them are in force, and nothing beside them
assert_many() {
	assert_traffic "$1" <<-END
		answer udp 172.16.240.9 10001
		answer udp 172.16.240.9 11024
		answer udp 172.16.240.9 12000
		timeout udp 172.16.240.9 12001
		answer udp fd00:240::9 10001
		answer udp fd00:240::9 11024
		answer udp fd00:240::9 12000
		timeout udp fd00:240::9 10000
	END
}

@test "a table that has grown stays in force when a second interface loads the object" {
	many >"$BATS_TEST_TMPDIR/many"
	assert_quiet map_update -f "$BATS_TEST_TMPDIR/many"
	rule_list --save | sort >"$BATS_TEST_TMPDIR/before"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/before")" 4000
	assert_many client
	lab_attach lan0
	assert_equal "$(rule_list --save | sort | diff "$BATS_TEST_TMPDIR/before" -)" '' 'changes to the rules'
	assert_many client
	assert_many guest
	assert_quiet map_update 172.16.240.0 24 12001 12001 58997 17
	assert_traffic client <<<'answer udp 172.16.240.9 12001'
	assert_traffic guest <<<'answer udp 172.16.240.9 12001'
}

# A box inside this one: it finds no rules, inserts one of its own, tells how that went and waits for the end.
other_box() {
	# shellcheck disable=SC2016
	"$BATS_TEST_DIRNAME/../../scripts/lab" bash -c '
		set -e
		. "$1"
		lab_host client wan0 192.0.2.1/24
		lab_attach wan0
		echo "found $(rule_list --save | wc -l)"
		ip route add local 172.16.240.0/24 dev lo
		coproc server { exec peer serve udp 127.0.0.1 58997; }
		trap "kill $server_PID" EXIT
		read -r _ <&"${server[0]}"
		map_update 172.16.240.0 24 5062 5062 58997 17
		printf "%s udp 172.16.240.9 %s\n" timeout 5060 answer 5062 | lab_on client peer sweep
		rule_list --save
		echo inserted
		read -r _
		map_delete --all
	' - "$BATS_TEST_DIRNAME/../../scripts/lab"
}

@test "two boxes at once do not see each other" {
	local box
	splice_sip
	mkfifo "$BATS_TEST_TMPDIR/orders"
	exec 9<>"$BATS_TEST_TMPDIR/orders"
	started "$BATS_TEST_TMPDIR/box" other_box <&9
	box=$pid
	eventually grep -q inserted "$BATS_TEST_TMPDIR/box"
	assert_equal "$(<"$BATS_TEST_TMPDIR/box")" "$(
		cat <<-END
			found 0
			timeout udp 172.16.240.9 5060
			answer udp 172.16.240.9 5062
			172.16.240.0 24 5062 5062 58997 udp
			inserted
		END
	)"
	assert_equal "$(rule_list --save)" \
		$'172.16.240.0 24 5060 5060 58997 udp\nfd00:240:: 64 5060 5060 58997 udp'
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		timeout udp 172.16.240.9 5062
	END
	echo 'that is all' >&9
	assert_ends "$box" 0
	exec 9>&-
	assert_equal "$(rule_count)" 2
	assert_traffic client <<<'answer udp 172.16.240.9 5060'
}
