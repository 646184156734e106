#!/usr/bin/env bats
# shellcheck shell=bats
# Which backend a flow gets: by weight, by source, when backends come, go and die, and under a flood.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

setup_file() {
	lb_hosts 4
	servers 3
	hundred_addresses
	# from where the flood says that it comes
	ip route add 10.128.0.0/9 via 192.0.2.2
	ip -6 route add fd00:f100::/64 via 2001:db8::2
	fresh_lb wan0 lan1 lan2 lan3 lan4
}

teardown_file() {
	stop_started
}

setup() {
	lb_backend apply --all -f /dev/null
}

teardown() {
	stop_started
	lab_on s1 ip link set eth0 up
}

# ---- weights ----

# assert_weights NUMBER NAME... on standard input: they are as 1:2:5, but for chance. Of chi-square with 2 degrees of
# freedom more than 27.63 comes once in a million.
assert_weights() {
	awk '
		BEGIN { weight["s1"] = 1; weight["s2"] = 2; weight["s3"] = 5 }
		{ seen[$2] = $1; all += $1 }
		END {
			for (name in seen) if (!(name in weight)) { print "not a server: " name; exit 1 }
			for (name in weight) { expected = all * weight[name] / 8; x += (seen[name] - expected) ^ 2 / expected }
			print "chi-square " x " of " all
			exit !(all >= 2000 && x < 27.63)
		}'
}

weighted() {
	local version proto
	for version in 4 6; do
		for proto in tcp udp; do
			printf "add $(service $version "$proto") %s\n" "$(backend $version 1)" "$(backend $version 2) -w 2" \
				"$(backend $version 3) -w 5"
		done
	done | lb_backend apply -f -
}

@test "2,000 connections, or flows, are spread by weight" {
	weighted
	lab_on client balanced ask tcp $VIP4 80 2000 | assert_weights
	lab_on client balanced ask udp $VIP6 80 2000 | assert_weights
}

@test "what the list says of shares and flows is what came" {
	local version=4 got
	weighted
	lab_on client balanced ask tcp $VIP4 80 400 20000 >"$BATS_TEST_TMPDIR/got"
	got=$(for number in 1 2 3; do
		echo "$(row "$(service 4 tcp)" "$(backend $version $number)" flows) s$number"
	done)
	assert_equal "$got" "$(<"$BATS_TEST_TMPDIR/got")"
	assert_equal "$(sum_of share "$(service 4 tcp)")" 65537
}

# ---- one of a hundred goes ----

# 10.2.0.1 to .100 and fd02::1 to ::100, all of them s4
hundred_addresses() {
	local number
	for ((number = 1; number <= 100; number++)); do
		echo "addr add 10.2.0.$number/32 dev lo"
		echo "addr add fd02::$number/128 dev lo nodad"
	done | lab_on s4 ip -batch -
	ip route add 10.2.0.0/24 via 10.1.4.2
	ip -6 route add fd02::/64 via fd01:4::2
	serve_as . s4 udp 0.0.0.0 8080 udp :: 8080 tcp 0.0.0.0 8080 tcp :: 8080
}

hundred_backends() {
	local number
	for ((number = 1; number <= 100; number++)); do
		echo "add $(service 4 udp) 10.2.0.$number:8080"
		echo "add $(service 6 udp) [fd02::$number]:8080"
		echo "add $(service 4 tcp) 10.2.0.$number:8080"
	done
}

# choices FILE ADDRESS
choices() {
	lab_on client balanced ports udp "$2" 80 4000 20000 >"$1"
}

# assert_few_moved BEFORE AFTER GONE: of the flows that were not with the one that is gone, 1.5 % at most
assert_few_moved() {
	awk -v gone="$3" '
		NR == FNR { was[$1] = $2; next }
		$2 !~ /[.:]/ || $2 == gone { print "wrong: " $0; bad = 1; exit }
		was[$1] == gone { left++; next }
		{ others++; moved += was[$1] != $2 }
		END {
			printf "%d of %d moved, %d had to\n", moved, others, left
			exit bad || !(left > 0 && others > 3000 && moved <= others * 0.015)
		}' "$1" "$2"
}

# servers_changed BEFORE AFTER: those whose flows, as `choices` has them, are another's now
servers_changed() {
	grep -vxFf "$2" "$1" | cut -d ' ' -f 2 | sort -u
}

@test "one of 100 backends goes: flows that are known stay, and so do 98.5 % of those that begin anew" {
	local before=$BATS_TEST_TMPDIR/before after=$BATS_TEST_TMPDIR/after
	hundred_backends | lb_backend apply -f -
	choices "${before}4" $VIP4
	choices "${before}6" $VIP6
	stream_start many $VIP4 80 100 30000
	lb_backend delete "$(service 4 udp)" 10.2.0.7:8080
	lb_backend delete "$(service 4 tcp)" 10.2.0.7:8080
	lb_backend delete "$(service 6 udp)" '[fd02::7]:8080'
	# those that it had are promised to go on, too, if they are of TCP; of UDP nothing tells when they would end
	choices "${after}4" $VIP4
	choices "${after}6" $VIP6
	assert_equal "$(servers_changed "${before}4" "${after}4" | grep -vx 10.2.0.7)" ''
	assert_equal "$(servers_changed "${before}6" "${after}6" | grep -vx fd02::7)" ''
	assert_stream many 100
	# no flow is known any more
	lb_backend list --save >"$BATS_TEST_TMPDIR/saved"
	fresh_lb wan0 lan1 lan2 lan3 lan4
	lb_backend apply -f "$BATS_TEST_TMPDIR/saved"
	choices "${after}4" $VIP4
	choices "${after}6" $VIP6
	assert_few_moved "${before}4" "${after}4" 10.2.0.7
	assert_few_moved "${before}6" "${after}6" fd02::7
}

# ---- affinity ----

# only_server KIND ADDRESS PORT: the one that 40 conversations of the client have, each of a port of its own
only_server() {
	local got
	# no port twice: a flow that is known stays where it is
	own=$(($(cat "$BATS_TEST_TMPDIR/own" 2>/dev/null || echo 26000) + 40))
	echo "$own" >"$BATS_TEST_TMPDIR/own"
	got=$(lab_on client balanced ask "$1" "$2" "$3" 40 "$own")
	[ "$(wc -l <<<"$got")" = 1 ] || fail "one server" "$got" || return
	echo "${got#40 }"
}

@test "affinity: a source has one backend whatever its port; drained, another one; after the time-out the first again" {
	local version proto first second vip other
	services 1 2 3
	for version in 4 6; do
		proto=$([ $version = 4 ] && echo tcp || echo udp)
		vip=$(lb_vip $version)
		lb_backend add "$(service $version "$proto" 81)" "$(backend $version 1)" "$(backend $version 2)" "$(backend $version 3)"
		assert_equal "$(lab_on client balanced ask "$proto" "$vip" 80 60 25000 | wc -l)" 3 'servers without affinity'
		lb_backend set "$(service $version "$proto")" affinity=300
		lb_backend set "$(service $version "$proto" 81)" affinity=300
		first=$(only_server "$proto" "$vip" 80)
		other=$(only_server "$proto" "$vip" 81)
		lb_backend drain "$(service $version "$proto")" "$(backend $version "${first#s}")"
		second=$(only_server "$proto" "$vip" 80)
		[ "$second" != "$first" ] || fail "$first was drained"
		assert_equal "$(only_server "$proto" "$vip" 81)" "$other"
		lb_backend undrain "$(service $version "$proto")" "$(backend $version "${first#s}")"
		assert_equal "$(only_server "$proto" "$vip" 80)" "$second" 'who has the source'
		# not before now, or a loaded machine takes longer over the above
		lb_backend set "$(service $version "$proto")" affinity=1
		sleep 2.5
		assert_equal "$(only_server "$proto" "$vip" 80)" "$first" 'after the time-out'
		assert_equal "$(only_server "$proto" "$vip" 81)" "$other"
	done
}

# ---- dead ones ----

@test "a dead backend: a connection that is being opened goes elsewhere when it is marked down, and so do those that begin anew" {
	local version vip file
	for version in 4 6; do
		vip=$(lb_vip $version)
		lb_backend apply --all -f /dev/null
		lb_backend add "$(service $version tcp)" "$(backend $version 1)"
		assert_asked '1 s1' tcp "$vip" 80 1 41000
		# pulled out: its neighbour is known for ever, so nobody is ever told
		lab_on s1 ip link set eth0 down
		file=$BATS_TEST_TMPDIR/asked$version
		started "$file" nsenter --net=/run/netns/client -- balanced ask tcp "$vip" 80 1 41001
		eventually sum_is flows 2 "$(service $version tcp)"
		lb_backend add "$(service $version tcp)" "$(backend $version 2)"
		lb_backend down "$(service $version tcp)" "$(backend $version 1)"
		assert_ends "$pid" 0
		assert_equal "$(<"$file")" '1 s2'
		assert_asked '1 s2' tcp "$vip" 80 1 41000
		lab_on s1 ip link set eth0 up
		s1_neighbours
		lb_backend up "$(service $version tcp)" "$(backend $version 1)"
		lb_backend drain "$(service $version tcp)" "$(backend $version 2)"
		assert_asked '5 s1' tcp "$vip" 80 5
	done
}

# A link that was down has lost its routes and IPv6 addresses.
s1_neighbours() {
	local version
	lab_on s1 ip -6 addr replace fd01:1::2/64 dev eth0 nodad
	ip -6 addr replace fd01:1::1/64 dev lan1 nodad
	lab_on s1 ip route replace default via 10.1.1.1
	lab_on s1 ip -6 route replace default via fd01:1::1
	for version in 4 6; do
		ip neigh replace "$(lb_server $version 1)" lladdr "$(lab_mac eth0 lab_on s1)" dev lan1 nud permanent
	done
	lab_on s1 ip neigh replace 10.1.1.1 lladdr "$(lab_mac lan1)" dev eth0 nud permanent
	lab_on s1 ip neigh replace fd01:1::1 lladdr "$(lab_mac lan1)" dev eth0 nud permanent
}

# ---- a flood ----

@test "a flood of SYNs of many sources: connections that are established go on, and new ones are opened" {
	services 1 2 3
	stream_start four $VIP4 80 20
	stream_start six $VIP6 80 20
	lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" tcp $VIP4 80 $((128 << 16)) 150000
	lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" tcp $VIP6 80 0 100000
	assert_equal "$(lab_on client balanced ask tcp $VIP4 80 20 | awk '$2 ~ /^s[123]$/ { n += $1 } END { print n }')" 20
	assert_stream four 20
	assert_stream six 20
	[ "$(sum_of flows "$(service 4 tcp)")" -ge 150000 ] || fail "$(lb_backend list)"
	[ "$(sum_of flows "$(service 6 tcp)")" -ge 100000 ] || fail "$(lb_backend list)"
	assert_equal "$(counted table-full)$(counted no-port)$(counted internal)" 000
}
