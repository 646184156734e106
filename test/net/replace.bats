#!/usr/bin/env bats
# shellcheck shell=bats
# map_update --replace under traffic: packets meet the old set or the new one, rules that stay keep their counters,
# and routes come and go with their rules.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/replacement.bash
. "$BATS_TEST_DIRNAME/replacement.bash"

REPLACEMENTS=${SPLICER_REPLACEMENTS:-100}

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

@test "two sets of 10,000 rules replace each other under traffic: each packet is decided by one of them" {
	sets_make 5000
	assert_replaced_under_traffic "$REPLACEMENTS"
}

# everything [BEFORE]: all that rule_list knows, a rule a line. The times are computed from two clocks, and jitter: one that
# is as it was in BEFORE, by half a second, is printed as it was there.
everything() {
	rule_list -j | python3 -ISc '
import json, sys
before = {}
for line in open(sys.argv[1]) if sys.argv[1:] else []:
    rule = json.loads(line)
    before[rule["rule"]] = rule
for rule in json.load(sys.stdin):
    old = before.get(rule["rule"], rule)
    for key in "last", "expires":
        if rule[key] and old[key] and abs(rule[key] - old[key]) < 0.5:
            rule[key] = old[key]
    print(json.dumps(rule))
' "$@"
}

# Counters and numbers of the rules included; the last lines of the list may be left out.
assert_everything_as_before() {
	everything "$BATS_TEST_TMPDIR/before" | head -n "-${1:-0}" | assert_same_lines "$BATS_TEST_TMPDIR/before"
}

@test "10,000 rules saved and replaced by themselves: nothing changes, counters and numbers included" {
	local before
	sets_make 5000
	assert_quiet map_update -f "$BATS_TEST_TMPDIR/1.rules"
	assert_quiet map_update -f - <<-'END'
		10.0.0.0 8 80 80 0 tcp --expires 4000000000.500
		10.0.0.0 8 80 95 0 tcp --ttl 36000 -S "a \\"b\\" c"
		172.31.0.0 16 80 80 58997 tcp --route
		fd31:: 32 80 80 58997 tcp --route
	END
	serve udp 127.0.0.1 58997 udp ::1 58997
	flows | grep kept | awk '{ print "answer udp", $2, $3 }' | assert_traffic client
	everything >"$BATS_TEST_TMPDIR/before"
	grep -q '"packets": 1,' "$BATS_TEST_TMPDIR/before"
	rule_list --save >"$BATS_TEST_TMPDIR/saved"
	assert_exit 0 bash -o pipefail -c 'rule_list --save | map_update --replace -f -'
	assert_equal "$out$err" ''
	assert_everything_as_before
	assert_exit 0 bash -o pipefail -c 'rule_list --save | map_update -v -q --replace -f - | cut -c 1 | sort | uniq -c | xargs'
	assert_equal "$out" '10014 ='
	assert_everything_as_before
	# the same from a file, with another rule in front: the older ones keep all but their place
	before=$(rule_values rule -S kept)
	assert_quiet map_update --replace -f <(cat "$BATS_TEST_TMPDIR/saved" && echo 10.0.0.0 8 81 81 0 tcp)
	assert_everything_as_before 1
	assert_equal "$(rule_values rule -S kept)" "$before"
	assert_quiet map_update --replace -f "$BATS_TEST_TMPDIR/saved"
	assert_everything_as_before
	assert_equal "$(rule_values packets -S kept | xargs)" '1 1'
}

# ---- routes ----

# own_routes: local routes but those of addresses and of the test
own_routes() {
	{
		ip -4 route show table local
		ip -6 route show table local
	} | grep -oE '(172\.31|fd31:)[^ ]*' | sort | xargs
}

@test "--route in the file: routes come and go with their rules, and those that stay are never gone" {
	local monitor=$BATS_TEST_TMPDIR/monitor watch
	map_update --replace -f - <<-END
		172.31.1.0 24 5060 5060 58997 udp --route
		172.31.1.0 24 5061 5061 58997 udp --route
		172.31.2.0 24 5060 5060 58997 udp --route
		fd31:1:: 64 5060 5060 58997 udp --route
		fd31:2:: 64 5060 5060 58997 udp --route
	END
	assert_equal "$(own_routes)" '172.31.1.0/24 172.31.2.0/24 fd31:1::/64 fd31:2::/64'
	started "$monitor" stdbuf -oL ip monitor route
	watch=$pid
	eventually monitor_sees "$monitor"
	assert_quiet map_update --replace -f - <<-END
		172.31.3.0 24 5060 5060 58997 udp --route
		172.31.1.0 24 5061 5061 58998 udp --route
		172.31.1.0 24 5062 5062 58998 udp
		fd31:1:: 64 5060 5060 58997 udp --route
		fd31:3:: 64 5060 5060 58997 udp --route
	END
	assert_equal "$(own_routes)" '172.31.1.0/24 172.31.3.0/24 fd31:1::/64 fd31:3::/64'
	# the end of what is to be seen
	local_routes 172.30.99.0/24
	eventually grep -q '^local 172.30.99.0/24' "$monitor"
	kill "$watch"
	assert_equal "$(grep -oE '^Deleted local (172\.31|fd31:)[^ ]*' "$monitor" | sort | xargs)" \
		'Deleted local 172.31.2.0/24 Deleted local fd31:2::/64'
	serve udp 127.0.0.1 58997 udp ::1 58997 udp 127.0.0.1 58998
	assert_traffic client <<-END
		answer udp 172.31.3.9 5060
		answer udp 172.31.1.9 5061 by 58998
		answer udp 172.31.1.9 5062 by 58998
		answer udp fd31:1::9 5060
		answer udp fd31:3::9 5060
		timeout udp 172.31.2.9 5060
		timeout udp fd31:2::9 5060
	END
	assert_equal "$(rule_list --save | grep -c -- --route)" 4
	assert_quiet map_update --replace -f /dev/null
	assert_equal "$(own_routes)" ''
	assert_equal "$(rule_count)" 0
}

# ip monitor has opened its socket when it tells of a route
monitor_sees() {
	local_routes 172.30.98.0/24
	ip route del local 172.30.98.0/24 dev lo
	grep -q 172.30.98.0 "$1"
}

@test "--route that the file takes from a rule, or gives to it" {
	map_update --route 172.31.1.0 24 5060 5060 58997 udp
	map_update fd31:1:: 64 5060 5060 58997 udp
	assert_exit 0 map_update -v -q --replace -f - <<-END
		172.31.1.0 24 5060 5060 58997 udp
		fd31:1:: 64 5060 5060 58997 udp --route
	END
	assert_equal "$(sort <<<"$out")" $'C 172.31.1.0 24 5060 5060 58997 udp\nC fd31:1:: 64 5060 5060 58997 udp --route'
	assert_equal "$(own_routes)" fd31:1::/64
	assert_equal "$(rule_list --save)" $'172.31.1.0 24 5060 5060 58997 udp\nfd31:1:: 64 5060 5060 58997 udp --route'
}

@test "--replace leaves the routes of others alone, and -n and errors all routes" {
	ip route add local 172.31.9.0/24 dev lo
	ip route add local fd31:9::/64 dev lo
	map_update --route 172.31.1.0 24 5060 5060 58997 udp
	map_update --route 172.31.9.0 24 5060 5060 58997 udp
	assert_exit 0 map_update -n --replace -f - <<<'172.31.3.0 24 5060 5060 58997 udp --route'
	assert_equal "$(own_routes)" '172.31.1.0/24 172.31.9.0/24 fd31:9::/64'
	assert_exit 2 map_update --replace -f - <<<$'172.31.3.0 24 5060 5060 58997 udp --route\nx'
	assert_equal "$(own_routes)" '172.31.1.0/24 172.31.9.0/24 fd31:9::/64'
	assert_quiet map_update --replace -f - <<<'fd31:9:: 64 5060 5060 58997 udp --route'
	assert_equal "$(own_routes)" '172.31.9.0/24 fd31:9::/64'
	assert_quiet map_update --replace -f /dev/null
	assert_equal "$(own_routes)" '172.31.9.0/24 fd31:9::/64'
	ip route del local 172.31.9.0/24 dev lo
	ip route del local fd31:9::/64 dev lo
}

@test "--replace that cannot be: more combinations of prefix lengths than there may be; set and routes stay" {
	local rules
	map_update --route 172.31.1.0 24 5060 5060 58997 udp
	rules=$(rule_list --save)
	# 33 x 17 pairs of lengths, more than 512
	assert_exit 1 map_update --replace -f - < <(
		echo 172.31.3.0 24 5060 5060 58997 udp --route
		for ((i = 0; i <= 32; i++)); do
			for ((k = 0; k <= 16; k++)); do
				echo "0.0.0.0 $i 80 80 0 udp -s 0.0.0.0/$k"
			done
		done
	)
	assert_match "$err" '^map_update: [^'$'\n'']+$'
	assert_equal "$(rule_list --save)" "$rules"
	assert_equal "$(own_routes)" 172.31.1.0/24
}
