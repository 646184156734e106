# shellcheck shell=bash
# Two sets of rules that replace each other while packets flow. The box routes 172.16.0.0/16 and fd00::/16 to itself,
# and has 192.0.2.1 and 2001:db8::1 towards the host "client".

# The flows: by which rules each is decided, in set one and in set two.
#   splice  a /24, and a /32 of other priority with another listener: always received
#   pass    its own address, and a large prefix: always received
#   kept    the same rule in both: always received, and counted in one place
#   moved   the same rule, of another listener: the same
#   closed  no rule, and a drop rule: never received
#   varied  spliced, and dropped: either
flows() {
	cat <<-END
		splice4 172.16.240.9 5060
		splice6 fd00:240::9 5060
		pass4 192.0.2.1 8080
		pass6 2001:db8::1 8080
		kept4 172.16.241.9 5060
		kept6 fd00:241::9 5060
		moved4 172.16.242.9 5060
		moved6 fd00:242::9 5060
		closed4 172.16.250.9 5060
		closed6 fd00:250::9 5060
		varied4 172.16.243.9 5060
		varied6 fd00:243::9 5060
	END
}

# set_one HALF, set_two HALF: the rules of the flows, and the filler
set_one() {
	filler 1 "$1"
	cat <<-END
		172.16.240.0 24 5060 5060 58997 udp
		fd00:240:: 64 5060 5060 58997 udp
		192.0.2.1 32 8080 8080 0 udp
		2001:db8::1 128 8080 8080 0 udp
		172.16.241.0 24 5060 5060 58997 udp -S kept
		fd00:241:: 64 5060 5060 58997 udp -S kept
		172.16.242.0 24 5060 5060 58997 udp -S moved
		fd00:242:: 64 5060 5060 58997 udp -S moved
		172.16.243.0 24 5060 5060 58997 udp
		fd00:243:: 64 5060 5060 58997 udp
	END
}

set_two() {
	cat <<-END
		fd00:242:: 64 5060 5060 58998 udp -S moved
		172.16.242.0 24 5060 5060 58998 udp -S moved
		172.16.240.9 32 5000 5999 58998 udp -P -7
		fd00:240::9 128 5000 5999 58998 udp -P -7
		0.0.0.0 0 8000 8999 0 udp
		:: 0 8000 8999 0 udp
		172.16.250.0 24 5060 5060 0 udp -a drop
		fd00:250:: 64 5060 5060 0 udp -a drop
		fd00:241:: 64 5060 5060 58997 udp -S kept
		172.16.241.0 24 5060 5060 58997 udp -S kept
		172.16.243.0 24 5060 5060 0 udp -a drop
		fd00:243:: 64 5060 5060 0 udp -a drop
	END
	filler 2 "$1"
}

# filler 1|2 HALF: so many rules that are in both sets, and as many of each, of many prefix lengths; none is for the flows
filler() {
	awk -v set="$1" -v half="$2" 'BEGIN {
		for (i = 0; i < half; i++) {
			printf "10.%d.%d.0 24 %d %d 0 udp -S both\n", i / 250, i % 250, 1000 + i, 2000 + i
			if (i % 2)
				printf "fd%02x:%x:: %d %d %d 58997 tcp -S only%d\n", 16 * set, i, 32 + i % 32, i, i, set
			else
				printf "1%d.%d.%d.0 24 80 90 0 tcp -a drop -P %d\n", set, i / 500, i / 2 % 250, i + 1
		}
	}'
}

# sets_make HALF: the two files, of twice as many rules and ten
sets_make() {
	set_one "$1" >"$BATS_TEST_TMPDIR/1.rules"
	set_two "$1" >"$BATS_TEST_TMPDIR/2.rules"
}

# ---- traffic ----

traffic_start() {
	flows_start 2 100000 127.0.0.1 58997 127.0.0.1 58998 ::1 58997 ::1 58998 \
		0.0.0.0 5060 :: 5060 192.0.2.1 8080 2001:db8::1 8080
}

# assert_replaced_under_traffic TIMES: after sets_make; each packet is decided by one of the sets
assert_replaced_under_traffic() {
	local times=$1 i name number expected=0 drops
	assert_quiet map_update --replace -f "$BATS_TEST_TMPDIR/1.rules" || return
	assert_equal "$(rule_count)" "$(wc -l <"$BATS_TEST_TMPDIR/1.rules")" || return
	drops=$(decided dropped)
	traffic_start || return
	for ((i = 1; i <= times; i++)); do
		assert_quiet map_update --replace -f "$BATS_TEST_TMPDIR/$((i % 2 + 1)).rules" || return
	done
	flows_stop || return
	drops=$(($(decided dropped) - drops))
	echo "# $times replacements, $(sent kept4) datagrams a flow, of varied4 $(received varied4) received" >&3
	assert_all_received splice4 splice6 pass4 pass6 kept4 kept6 moved4 moved6 || return
	assert_none_received closed4 closed6 || return
	# both sets were met
	for name in splice4 splice6 moved4 moved6; do
		for number in 58997 58998; do
			[ "$(received "$name" $number)" -gt 0 ] || fail "$name: nothing came to $number" || return
		done
	done
	# nothing was dropped but what a set drops
	for name in closed4 closed6 varied4 varied6; do
		expected=$((expected + $(sent "$name") - $(received "$name")))
	done
	assert_equal "$drops" "$expected" 'packets dropped' || return
	# counted where they were decided, over all sets
	for name in kept moved; do
		assert_equal "$(rule_values packets -S "$name" | xargs)" "$(sent "${name}4") $(sent "${name}6")" "packets of $name" || return
	done
	rule_list --save | assert_same_lines "$BATS_TEST_TMPDIR/$(((i - 1) % 2 + 1)).rules"
}

