#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# Changes to xdp_filter.o and its rules while packets flow, by one writer and by many, of which some are killed; whose
# rules they are; and what a flood does to them. SPLICER_KILLS and SPLICER_SEED repeat a run, or make it shorter.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/xdp.bash
. "$BATS_TEST_DIRNAME/xdp.bash"

REPLACEMENTS=${SPLICER_REPLACEMENTS:-60}

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	serve udp 0.0.0.0 9000 udp :: 9000 tcp 0.0.0.0 9000 tcp :: 9000
}

teardown_file() {
	stop_started
}

setup() {
	fresh_filter wan0 lan0
}

teardown() {
	stop_started
}

# ---- under traffic ----

# The flows:
#   open    allowed by every set: always received
#   kept    the same, by the same rule, which counts
#   closed  denied by every set: never received
#   varied  allowed by the one, denied by the other: either
flows() {
	cat <<-END
		open4 192.0.2.1 8080
		open6 2001:db8::1 8080
		kept4 192.0.2.1 8083
		kept6 2001:db8::1 8083
		closed4 192.0.2.1 8081
		closed6 2001:db8::1 8081
		varied4 192.0.2.1 8082
		varied6 2001:db8::1 8082
	END
}

traffic_start() {
	local port ports=()
	for port in 8080 8081 8082 8083; do
		ports+=(192.0.2.1 "$port" 2001:db8::1 "$port")
	done
	flows_start 2 100000 "${ports[@]}"
}

# assert_flows: after flows_stop; what was dropped is what should be, by $dropped, the number before
assert_flows() {
	local name expected=0
	dropped=$(($(decided dropped) - dropped))
	echo "# $(sent open4) datagrams a flow, of varied4 $(received varied4) received" >&3
	assert_all_received open4 open6 kept4 kept6 || return
	assert_none_received closed4 closed6 || return
	for name in closed4 closed6 varied4 varied6; do
		expected=$((expected + $(sent "$name") - $(received "$name")))
	done
	assert_equal "$dropped" "$expected" 'packets dropped' || return
	assert_equal "$(xdp_values packets -S kept | xargs)" "$(sent kept4) $(sent kept6)" 'packets of the rule that stays'
}

# A deny-list: what no rule names passes.
set_one() {
	cat <<-END
		add 192.0.2.0/24 pass -p udp --dport 8083 -S kept
		add 2001:db8::/64 pass -p udp --dport 8083 -S kept
		default pass -i wan0
		add 192.0.2.0/24 drop -p udp --dport 8081
		add 2001:db8::/64 drop -p udp --dport 8081
	END
	filler 1 "$1"
}

# An allow-list: what no rule names is dropped.
set_two() {
	cat <<-END
		add 192.0.2.0/24 pass -p udp --dport 8083 -S kept
		add 2001:db8::/64 pass -p udp --dport 8083 -S kept
		add 192.0.2.2/32 pass -p udp --dport 8080
		add 2001:db8::2/128 pass -p udp --dport 8080
		default drop -i wan0
	END
	filler 2 "$1"
}

# filler 1|2 HALF: so many rules that are in both sets, and as many of each, of many prefix lengths; none is for the flows
filler() {
	awk -v set="$1" -v half="$2" 'BEGIN {
		for (i = 0; i < half; i++) {
			printf "add 10.%d.%d.0/24 drop -S both\n", i / 250, i % 250
			if (i % 2)
				printf "add fd%02x:%x::/%d drop -p tcp --dport %d -S only%d\n", 16 * set, i, 32 + i % 32, i, set
			else
				printf "add 1%d.%d.%d.0/24 pass -P %d\n", set, i / 500, i / 2 % 250, i + 1
		}
	}'
}

# reloaded MODE: the object is loaded again and again, also on another interface
reloaded() {
	local i
	filter_on wan0 "$1"
	set_two 100 | xdp_rule -f -
	dropped=$(decided dropped)
	traffic_start
	for ((i = 0; i < 20; i++)); do
		assert_quiet ip -force link set dev wan0 "$1" obj "$LAB_OBJECTS/xdp_filter.o" sec xdp || return
		filter_on lan0 "$1"
		filter_off lan0
	done
	flows_stop
	assert_flows
	assert_none_received varied4 varied6
}

@test "while the object is loaded again, rules, defaults and counters are in force for every packet: native" {
	reloaded xdp
}

@test "while the object is loaded again, rules, defaults and counters are in force for every packet: generic" {
	reloaded xdpgeneric
}

@test "an allow-list and a deny-list of 10,000 rules replace each other: each packet is decided by one of them" {
	local i
	set_one 5000 >"$BATS_TEST_TMPDIR/1.rules"
	set_two 5000 >"$BATS_TEST_TMPDIR/2.rules"
	filter_on wan0
	assert_quiet xdp_rule --replace --all -f "$BATS_TEST_TMPDIR/1.rules"
	dropped=$(decided dropped)
	traffic_start
	for ((i = 1; i <= REPLACEMENTS; i++)); do
		assert_quiet xdp_rule --replace --all -f "$BATS_TEST_TMPDIR/$((i % 2 + 1)).rules"
	done
	flows_stop
	assert_flows
	# both sets were met
	[ "$(received varied4)" -gt 0 ] && [ "$(received varied4)" -lt "$(sent varied4)" ]
	xdp_rule list --save | sort | assert_same_lines <(sort "$BATS_TEST_TMPDIR/1.rules")
}

# ---- blocklists ----

# blocklist: 100,000 prefixes as they come: both families, lengths from /12 to /32 and from /24 to /128, comments
blocklist() {
	awk 'BEGIN {
		print "; a list\r\n\r"
		for (i = 0; i < 20000; i++)
			printf "10.%d.%d.0/24 ; SBL%d\r\n", i / 250, i % 250, i
		for (i = 0; i < 40000; i++)
			printf "100.%d.%d.%d\n", i / 62500, i / 250 % 250, i % 250
		for (i = 0; i < 19990; i++)
			printf "11.%d.%d.%d/%d # a net\n", i / 100, i % 100 * 2, 0, 23
		for (i = 0; i < 20000; i++)
			printf "fd%02x:%x::/%d\n", i % 200, i, 32 + i % 97
		print "172.16.0.0/12\nfc00:ff00::/24"
		for (i = 0; i < 8; i++)
			printf "100.64.%d.0-100.64.%d.255\t# a range\n", i, i
	}'
}

# probe SOURCE...: a datagram from each; prints how many were dropped
probe() {
	local before source
	before=$(decided dropped)
	for source; do
		case $source in
		*:*) echo "1 udp $source 2001:db8::1 9000" ;;
		*) echo "1 udp $source 192.0.2.1 9000" ;;
		esac
	done | lab_on client tally eth0 "$(lab_mac wan0)" >/dev/null
	echo $(($(decided dropped) - before))
}

# In the list: first and last ones of its kinds; and beside it.
LISTED=(10.0.0.1 10.79.249.255 100.0.0.0 100.0.159.249 11.0.0.1 11.199.179.255 172.31.255.255 100.64.7.255
	fd00::9 fd01:1::1 fc00:ffff::1)
UNLISTED=(10.80.0.1 10.0.250.1 100.0.160.0 100.0.0.250 11.0.200.1 172.32.0.1 100.64.8.0 fdff::1 fd01:1:8000::1)

# assert_listed NUMBER: of those in the list so many are dropped, of the others none
assert_listed() {
	assert_equal "$(probe "${LISTED[@]}")" "$1" 'dropped of the list' || return
	assert_equal "$(probe "${UNLISTED[@]}")" 0 'dropped beside the list'
}

@test "100,000 prefixes are loaded, and deleted, while traffic runs: no packet too many is dropped or let in" {
	blocklist >"$BATS_TEST_TMPDIR/list"
	filter_on wan0
	# what decides the flows, and is there before and after
	set_two 0 | grep -v 8083 | xdp_rule -f -
	xdp_rule default pass -i wan0
	xdp_rule -f - <<-END
		192.0.2.0/24 -p udp --dport 8081
		2001:db8::/64 -p udp --dport 8081
		192.0.2.0/24 pass -p udp --dport 8083 -S kept
		2001:db8::/64 pass -p udp --dport 8083 -S kept
	END
	before=$(xdp_rule list --save)
	assert_listed 0
	dropped=$(decided dropped)
	traffic_start
	assert_exit 0 xdp_rule -S blocklist -f "$BATS_TEST_TMPDIR/list"
	assert_equal "$(xdp_rule list --save -S blocklist | wc -l)" 100000
	flows_stop
	assert_flows
	assert_listed 11
	traffic_start
	dropped=$(decided dropped)
	assert_exit 0 xdp_rule delete --all -S blocklist
	flows_stop
	assert_all_received open4 open6 varied4 varied6
	assert_none_received closed4 closed6
	assert_listed 0
	assert_equal "$(xdp_rule list --save)" "$before"
}

# ---- many writers ----

@test "forty writers at once: no rule is lost, none is too many" {
	local i pids=()
	filter_on wan0
	for ((i = 0; i < 40; i++)); do
		xdp_rule add "10.9.$i.0/24" drop -p udp --dport $((1000 + i)) 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert_equal "$(xdp_rule list --save | sort)" "$(for ((i = 0; i < 40; i++)); do
		echo "add 10.9.$i.0/24 drop -p udp --dport $((1000 + i))"
	done | sort)"
	# half of them go, as others come, and the default changes
	pids=()
	for ((i = 0; i < 40; i++)); do
		if [ $((i % 2)) = 0 ]; then
			xdp_rule delete "10.9.$i.0/24" 3>&- &
		else
			xdp_rule add "2001:db8:$i::/48" drop --rate $i 3>&- &
		fi
		pids+=($!)
	done
	xdp_rule default drop -i lan0
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert_equal "$(xdp_count)" 40
	assert_equal "$(xdp_rule default)" "$(xdp_rule default -i lan0)"
	assert_traffic client <<-END
		answer udp 192.0.2.1 9000
		answer tcp 2001:db8::1 9000
	END
}

@test "writers that are killed at random moments leave rules that what they had finished explains" {
	local stream
	filter_on wan0
	xdp_rule default drop -i wan0
	xdp_rule add 192.0.2.2 pass -p udp --dport 9000
	xdp_rule add 2001:db8::2 pass -p udp --dport 9000
	started "$BATS_TEST_TMPDIR/stream" nsenter --net=/run/netns/client -- peer udp-stream 192.0.2.1 9000
	stream=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/stream"
	assert_exit 0 killer xdp "${SPLICER_KILLS:-60}" "${SPLICER_SEED:-$RANDOM}"
	echo "# $err" >&3
	echo "$out" >"$BATS_TEST_TMPDIR/proven"
	eventually grep -q enough "$BATS_TEST_TMPDIR/stream"
	kill "$stream"
	assert_ends "$stream" 0
	read -r asked _ answered _ < <(tail -n 1 "$BATS_TEST_TMPDIR/stream")
	assert_equal "$answered" "$asked" 'answers to datagrams sent meanwhile'
	assert_explained
	# the next writer works, and repairs what is left over
	assert_quiet xdp_rule add 192.0.2.2 pass -p tcp --dport 9000
	assert_explained
	assert_traffic client <<-END
		answer udp 192.0.2.1 9000
		answer tcp 192.0.2.1 9000
		answer udp 2001:db8::1 9000
		timeout tcp 2001:db8::1 9000
	END
}

# Rules of 10.0.0.0/8 that were proven to be there are, those that were proven not to be there are not.
assert_explained() {
	xdp_rule list --save | awk '$2 ~ /^10\./ { print $2 }' >"$BATS_TEST_TMPDIR/listed"
	assert_equal "$(sort "$BATS_TEST_TMPDIR/listed" | uniq -d)" '' 'listed twice' || return
	awk 'NR == FNR { listed[$1]; next }
		$2 == "present" && !($1 in listed) || $2 == "absent" && $1 in listed { print; bad = 1 }
		{ count++ }
		END { exit bad || !count }' "$BATS_TEST_TMPDIR/listed" "$BATS_TEST_TMPDIR/proven"
}

# ---- whose rules ----

# assert_foreign [WORD]...: xdp_rule refuses on the host
assert_foreign() {
	assert_exit 1 lab_on client xdp_rule "$@" || return
	assert_equal "$out" '' "what xdp_rule $* prints" || return
	assert_match "$err" "^xdp_rule: $PINS: these maps belong to another network namespace[^"$'\n'"]*$"
}

# Everything that the tool could have changed.
state() {
	xdp_rule list --save
	find "$PINS" | sort
	ip link show
	lab_on client ip link show
}

@test "in another network namespace xdp_rule refuses and changes nothing" {
	local before
	filter_on wan0
	set_one 2 | xdp_rule -f -
	before=$(state)
	assert_foreign add 192.0.2.1
	assert_foreign add 192.0.2.1 --rate 10
	assert_foreign delete 192.0.2.0/24
	assert_foreign delete --all
	assert_foreign flush --all
	assert_foreign default drop
	assert_foreign default
	assert_foreign list
	assert_foreign list --save
	assert_foreign --replace --all -f /dev/null
	assert_foreign -f /dev/null
	assert_equal "$(state)" "$before"
	assert_traffic client <<-END
		answer udp 192.0.2.1 9000
		answer udp 2001:db8::1 9000
	END
}

# A box inside this one: it finds no rules, inserts its own, tells how that went and waits for the end.
other_box() {
	# shellcheck disable=SC2016
	"$BATS_TEST_DIRNAME/../../scripts/lab" bash -c '
		set -e
		. "$1" && . "$2"
		lab_host client wan0 192.0.2.1/24
		filter_on wan0
		echo "found $(xdp_rule list --save | wc -l)"
		coproc server { exec peer serve udp 192.0.2.1 9000 udp 192.0.2.1 9001; }
		trap "kill $server_PID" EXIT
		read -r _ <&"${server[0]}"
		xdp_rule default drop
		xdp_rule add 192.0.2.2 pass -p udp --dport 9001
		printf "%s udp 192.0.2.1 %s\n" timeout 9000 answer 9001 | lab_on client peer sweep
		xdp_rule list --save
		echo inserted
		read -r _
	' - "$BATS_TEST_DIRNAME/../../scripts/lab" "$BATS_TEST_DIRNAME/xdp.bash"
}

@test "two boxes at once do not see each other" {
	local box
	filter_on wan0
	xdp_rule add 192.0.2.2 drop -p tcp
	mkfifo "$BATS_TEST_TMPDIR/orders"
	exec 9<>"$BATS_TEST_TMPDIR/orders"
	started "$BATS_TEST_TMPDIR/box" other_box <&9
	box=$pid
	eventually grep -q inserted "$BATS_TEST_TMPDIR/box"
	assert_equal "$(<"$BATS_TEST_TMPDIR/box")" "$(
		cat <<-END
			found 0
			timeout udp 192.0.2.1 9000
			answer udp 192.0.2.1 9001
			add 192.0.2.2/32 pass -p udp --dport 9001
			default drop
			inserted
		END
	)"
	assert_equal "$(xdp_rule list --save)" 'add 192.0.2.2/32 drop -p tcp'
	assert_traffic client <<-END
		answer udp 192.0.2.1 9000
		timeout tcp 192.0.2.1 9000
	END
	echo 'that is all' >&9
	assert_ends "$box" 0
	exec 9>&-
	assert_equal "$(xdp_rule list --save)" 'add 192.0.2.2/32 drop -p tcp'
}

# ---- floods ----

FLOOD=500000

# flood KIND DESTINATION FIRST: from the guest, each packet of another source
flood() {
	lab_on guest "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac lan0)" "$1" "$2" 9000 "$3" "$FLOOD"
}

# flooded MODE: spoofed sources, and packets that are damaged at random
flooded() {
	local memory before
	filter_on wan0
	filter_on lan0 "$1"
	xdp_rule -f - <<-END
		any drop --rate 1000000:100000
		10.0.128.0/17 drop -P 1
		fd00:f100::/112 drop -P 1
		192.0.2.2 drop -p udp --dport 8080
		2001:db8::2 drop -p udp --dport 8080
	END
	memory=$(pins memory)
	[ "$memory" -gt 4000000 ] || fail "memory: $memory"
	traffic_start
	flood tcp 198.51.100.1 0
	flood udp 2001:db8:1::1 0
	flood noise 198.51.100.1 0
	flood noise 2001:db8:1::1 0
	flows_stop
	assert_all_received varied4 varied6 closed4 closed6
	assert_none_received open4 open6
	assert_equal "$(pins memory)" "$memory" 'bytes of all maps'
	# the flood was decided packet by packet: 32,768 and 65,536 sources are in those prefixes
	[ "$(xdp_values packets 10.0.128.0/17)" -ge 32000 ] || fail "$(xdp_rule list)"
	[ "$(xdp_values packets fd00:f100::/112)" -ge 65000 ] || fail "$(xdp_rule list)"
	for before in truncated bad-header; do
		[ "$(counted $before)" -ge 1000 ] || fail "$(verdict_stat)"
	done
	assert_traffic guest <<-END
		answer udp 198.51.100.1 9000
		answer tcp 2001:db8:1::1 9000
	END
	assert_traffic client <<-END
		answer udp 192.0.2.1 9000
		answer udp 2001:db8::1 9000
	END
}

@test "floods of spoofed sources and damaged packets: memory stays, and each packet of others is decided: native" {
	flooded xdp
}

@test "floods of spoofed sources and damaged packets: memory stays, and each packet of others is decided: generic" {
	flooded xdpgeneric
}
