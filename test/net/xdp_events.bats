#!/usr/bin/env bats
# shellcheck shell=bats
# xdp_filter.o on real traffic, native and generic: what outlives what, who is told,
# bans, rates, and splicer.o beside it.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/xdp.bash
. "$BATS_TEST_DIRNAME/xdp.bash"

setup_file() {
	segment_hosts
}

teardown_file() {
	stop_started
}

setup() {
	fresh_filter lan0 wan0
}

teardown() {
	stop_started
}

# ---- what outlives what ----

# everything: rules, defaults and counters
everything() {
	xdp_rule list --save
	xdp_values 'src dst proto low high action iface prio service packets bytes rate burst kind'
	verdict_stat -j | fields iface reason verdict packets bytes | grep -v -e neighbour -e arp
}

@test "rules, defaults and counters outlive a reload, a second interface, a detach and each mode" {
	filter_on lan0
	allow_c
	xdp_rule add 203.0.113.0/24 monitor --ttl 3600 -S bans -P 5
	xdp_rule add 198.18.0.0/15 --rate 5:10
	xdp_rule add $C4 never-drop -i wan0
	assert_only_c
	everything | sed 's/--expires [0-9.]*/EXPIRES/' >"$BATS_TEST_TMPDIR/before"
	grep -q EXPIRES "$BATS_TEST_TMPDIR/before"
	# the counters are there, too
	grep -q '^172.20.0.13/32 0.0.0.0/0 udp 8080 8080 pass - 0 - 1 ' "$BATS_TEST_TMPDIR/before"
	assert_as_before() {
		everything | sed 's/--expires [0-9.]*/EXPIRES/' | assert_same_lines "$BATS_TEST_TMPDIR/before"
	}
	ip -force link set dev lan0 xdp obj "$LAB_OBJECTS/xdp_filter.o" sec xdp
	assert_as_before
	filter_on wan0 xdpgeneric
	assert_as_before
	# refused, and what was attached stays
	assert_exit 2 ip link set dev lan0 xdpgeneric obj "$LAB_OBJECTS/xdp_filter.o" sec xdp
	assert_as_before
	filter_off lan0 wan0
	assert_as_before
	assert_all a answer
	filter_on lan0 xdpgeneric
	assert_as_before
	assert_only_c
}

# ---- who is told ----

# known: frames of known number, from A's link: lines "COUNT BYTES"
known() {
	lab_on a tally eth0 "$(lab_mac lan0)" <<-END
		7 udp 203.0.113.5 $B4 7000
		11 udp 2001:db8:113::5 $B6 7000
		13 udp 198.18.0.1 $B4 7000
		17 udp 2001:db8:18::1 $B6 7000
		5 udp 198.18.0.1 $B4 7001
	END
}

# monitored MODE
monitored() {
	local sent
	filter_on lan0 "$1"
	xdp_rule -f - <<-END
		203.0.113.0/24 monitor -p udp --dport 7000
		2001:db8:113::/48 monitor -p udp --dport 7000
		198.18.0.0/15 drop --destination $B4
		2001:db8:18::/48 drop --destination $B6
	END
	tap_start lan0
	tail_start events -j --object xdp -c 53
	sent=$(known)
	assert_ends "$pid" 0
	assert_equal "$(fields object hook iface verdict action reason src dport <"$BATS_TEST_TMPDIR/events" | sort | uniq -c | awk '{$1=$1} 1')" "$(
		cat <<-END
			13 xdp driver lan0 BLOCKED dropped rule-drop 198.18.0.1 7000
			5 xdp driver lan0 BLOCKED dropped rule-drop 198.18.0.1 7001
			17 xdp driver lan0 BLOCKED dropped rule-drop 2001:db8:18::1 7000
			11 xdp driver lan0 DETECTED passed rule-drop 2001:db8:113::5 7000
			7 xdp driver lan0 DETECTED passed rule-drop 203.0.113.5 7000
		END
	)"
	# what is monitored gets on, what is dropped is not seen by any packet socket
	assert_seen c lan0 $C4 $B4 8080 < <(
		printf -- "- 203.0.113.5 5000 $B4 7000\n%.0s" {1..7}
		printf -- "- 2001:db8:113::5 5000 $B6 7000\n%.0s" {1..11}
	)
	# packets and bytes are exact; the fourth and last of what was sent met one rule
	assert_equal "$(xdp_values 'action packets bytes' | sort)" "$(awk '
		NR <= 2 { print "monitor", $1, $2 }
		NR == 3 { packets = $1; bytes = $2 }
		NR == 4 { print "drop", $1, $2 }
		NR == 5 { print "drop", packets + $1, bytes + $2 }' <<<"$sent" | sort)"
	assert_equal "$(verdict_stat -j | fields object hook verdict reason packets | grep rule-drop | sort)" \
		$'xdp driver BLOCKED rule-drop 35\nxdp driver DETECTED rule-drop 18'
}

@test "chosen packets are told of, and pass; dropped ones are told of, and no packet socket sees them: native" {
	monitored xdp
}

@test "chosen packets are told of, and pass; dropped ones are told of, and no packet socket sees them: generic" {
	monitored xdpgeneric
}

@test "a default that only monitors tells what it would drop" {
	filter_on lan0
	allow_c
	xdp_rule default monitor -i lan0
	tail_start events -j -c 2 --verdict DETECTED
	assert_traffic a <<-END
		answer udp $B4 8081
		answer udp $B6 8081
	END
	assert_ends "$pid" 0
	assert_equal "$(fields verdict action reason src <"$BATS_TEST_TMPDIR/events" | sort)" \
		"DETECTED passed no-rule $A4"$'\n'"DETECTED passed no-rule $A6"
}

# ---- bans and rates ----

# none_listed: no rule of the tag "short"
none_listed() {
	[ -z "$(xdp_rule list --save -S short)" ]
}

@test "a ban ends by itself, and the rule under it decides again" {
	filter_on lan0
	xdp_rule -f - <<-END
		172.20.0.0/24 drop -p udp --dport 8081
		2001:db8:20::/64 drop -p udp --dport 8081
		$A4 drop --ttl 3600 -S long
		$A6 drop --ttl 3600 -S long
	END
	assert_all a timeout
	xdp_rule add $A4 drop --ttl 1 -S short
	xdp_rule add $A6 drop --ttl 1 -S short
	xdp_rule delete --all -S long
	eventually none_listed
	assert_traffic a < <(all answer && printf '%s\n' "timeout udp $B4 8081" "timeout udp $B6 8081")
}

# assert_cut SOURCE DESTINATION: of 1,000 datagrams at once ten pass, and one more each second that this takes
assert_cut() {
	local lost
	lost=$(decided dropped)
	lab_on a tally eth0 "$(lab_mac lan0)" <<<"1000 udp $1 $2 7000" >/dev/null
	lost=$(($(decided dropped) - lost))
	[[ $lost -ge 500 && $lost -le 990 ]] || fail "dropped $lost"
}

# assert_c_passes: what it sends is within any rate here
assert_c_passes() {
	assert_traffic c <<-END
		answer udp $B4 8080
		answer udp $B6 8080
		answer tcp $B4 8080
	END
}

# rated MODE
rated() {
	filter_on lan0 "$1"
	# C is in the prefixes too, but not in the /64 that floods
	xdp_rule add 172.20.0.0/24 drop --rate 1:10
	xdp_rule add 2001:db8::/32 drop --rate 1:10
	assert_cut $A4 $B4
	assert_cut 2001:db8:21::11 $B6
	assert_c_passes
	assert_equal "$(counted rate)" "$(decided dropped)" 'dropped for their rate'
	# as an allow-list: what is within passes, the rest meets the default
	xdp_rule flush
	xdp_rule default drop
	xdp_rule add any pass --rate 1:10
	assert_cut $A4 $B4
	assert_cut 2001:db8:21::11 $B6
	assert_c_passes
	[ "$(counted no-rule)" -ge 1000 ] || fail "$(verdict_stat)"
}

@test "a source above its rate is cut to it, another is not: native" {
	rated xdp
}

@test "a source above its rate is cut to it, another is not: generic" {
	rated xdpgeneric
}

# ---- beside splicer.o ----

@test "with splicer.o on the same interface: dropped first, and what passes is spliced; both share events and counters" {
	serve udp 127.0.0.1 58997 udp ::1 58997
	local_routes 172.16.240.0/24 fd00:240::/64
	lab_on a ip route replace 172.16.240.0/24 via $B4
	lab_on c ip route replace 172.16.240.0/24 via $B4
	lab_on a ip route replace fd00:240::/64 via $B6
	lab_on c ip route replace fd00:240::/64 via $B6
	lab_attach lan0
	filter_on lan0
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update fd00:240:: 64 5060 5060 58997 udp
	xdp_rule add $A4 drop
	xdp_rule add $A6 drop -p udp
	tail_start events -j -c 6
	assert_traffic a <<-END
		timeout udp 172.16.240.9 5060
		timeout udp fd00:240::9 5060
	END
	assert_traffic c <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
		timeout udp $B4 8080
		timeout udp $B6 8080
	END
	assert_ends "$pid" 0
	sort >"$BATS_TEST_TMPDIR/expected" <<-END
		splicer ingress BLOCKED no-rule $C4 $B4
		splicer ingress BLOCKED no-rule $C6 $B6
		splicer ingress ALLOWED rule-splice $C4 172.16.240.9
		splicer ingress ALLOWED rule-splice $C6 fd00:240::9
		xdp driver BLOCKED rule-drop $A4 172.16.240.9
		xdp driver BLOCKED rule-drop $A6 fd00:240::9
	END
	fields object hook verdict reason src dst <"$BATS_TEST_TMPDIR/events" | sort | assert_same_lines "$BATS_TEST_TMPDIR/expected"
	assert_equal "$(verdict_stat -j | fields object hook verdict reason packets | grep -e rule -e default-pass | sort)" "$(
		cat <<-'END'
			splicer ingress ALLOWED rule-splice 2
			splicer ingress BLOCKED no-rule 2
			xdp driver ALLOWED default-pass 4
			xdp driver BLOCKED rule-drop 2
		END
	)"
	# rules of the one are none of the other's
	assert_equal "$(rule_count)$(xdp_count)" 22
	xdp_rule flush
	assert_traffic a <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	map_delete --all
	detach lan0
	assert_all a answer
}
