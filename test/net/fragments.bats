#!/usr/bin/env bats
# shellcheck shell=bats
# Datagrams in fragments: spliced, passed, dropped, forwarded and sent by the box itself. See test/net/datagrams; one of
# 8192 bytes comes in 6 pieces. "timeout" is dropped, "refused" would be a packet that nothing stopped.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host inside lan0 198.51.100.1/24 2001:db8:1::1/64
	local_routes 172.16.240.0/24 fd00:240::/64
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -6 neigh replace 2001:db8:1::2 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
	lab_attach wan0
	lab_attach_egress wan0
	serve_on client udp 192.0.2.2 9000 udp 2001:db8::2 9000
	serve_on inside udp 198.51.100.2 9000 udp 2001:db8:1::2 9000
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
	map_update 192.0.2.1 32 7 7 0 udp
	lookup_link make --object "$LAB_OBJECTS/splicer.o"
}

teardown() {
	stop_started
	detach lan0 2>/dev/null || true
}

# splice PORT [OPTION]...: 5060 of both families
splice() {
	local port=$1
	shift
	map_update "$@" 172.16.240.0 24 5060 5060 "$port" udp
	map_update "$@" fd00:240:: 64 5060 5060 "$port" udp
}

# receive NAME [ADDRESS PORT]...: sockets on the box; what they get goes to a file of this name. Fills $pid.
receive() {
	local file=$BATS_TEST_TMPDIR/$1
	shift
	started "$file" datagrams receive "$@"
	eventually grep -q ready "$file"
}

# Sockets on the box of which assert_received tells; one more, for the end of a series.
receivers() {
	receive received 192.0.2.1 7 "$@"
}

# send [interleaved]: from the client, the lines of standard input
send() {
	lab_on client datagrams send eth0 "$(lab_mac wan0)" "$@"
}

# assert_received: since the last time they got just the lines of standard input, in any order
assert_received() {
	local all=$BATS_TEST_TMPDIR/received last word
	# Of several sockets that have something any may be read first: what is there when a mark has come is read when
	# the end has. A name that is new, for each time another has come.
	for word in mark end; do
		last=$word$(wc -l <"$all")
		send <<<"$last 8 192.0.2.2 6000 192.0.2.1 7 whole"
		eventually grep -q "^$last " "$all" || return
	done
	sort >"$BATS_TEST_TMPDIR/wanted"
	# what came since the end before this one
	awk '/^mark/ { next } /^(ready|end)/ { lines = now; now = ""; next } { now = now $0 "\n" } END { printf "%s", lines }' "$all" | sort |
		assert_same_lines "$BATS_TEST_TMPDIR/wanted"
}

# assert_counted REASON BEFORE MORE
assert_counted() {
	assert_equal "$(counted "$1")" "$(($2 + $3))" "packets of $1"
}

# both NAME SIZE PORT PIECES: lines for send, of both families, from an own port to what is spliced
both() {
	echo "$1-4 $2 192.0.2.2 6060 172.16.240.9 $3 $4"
	echo "$1-6 $2 2001:db8::2 6060 fd00:240::9 $3 $4"
}

# came NAME SIZE PORT LISTENER: the lines that assert_received is to find of them
came() {
	echo "$1-4 $2 at 127.0.0.1 $4 for 172.16.240.9 $3"
	echo "$1-6 $2 at ::1 $4 for fd00:240::9 $3"
}

# ---- spliced ----

@test "8 KB datagrams are spliced, and so are the answers that go back, beside small ones of the same flow" {
	serve udp 127.0.0.1 58997 udp ::1 58997
	splice 58997
	local size
	for size in '' -large '' -large; do
		assert_traffic client <<-END
			answer udp$size 172.16.240.9 5060 from 7001
			answer udp$size fd00:240::9 5060 from 7002
		END
	done
	assert_traffic client <<-END
		timeout udp-large 172.16.240.9 5061
		timeout udp-large fd00:240::9 5061
	END
}

@test "datagrams in every order of their fragments are spliced" {
	local order
	receivers 127.0.0.1 58997 ::1 58997
	splice 58997
	datagrams orders 4 >"$BATS_TEST_TMPDIR/orders"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/orders")" 24
	while read -r order; do
		both "$order" 5000 5060 "$order"
		came "$order" 5000 5060 58997 >&4
	done <"$BATS_TEST_TMPDIR/orders" 4>"$BATS_TEST_TMPDIR/came" | send
	assert_received <"$BATS_TEST_TMPDIR/came"
	for order in order reversed last shuffled; do
		both "$order" 8192 5060 "$order"
		came "$order" 8192 5060 58997 >&4
	done 4>"$BATS_TEST_TMPDIR/came" | send
	assert_received <"$BATS_TEST_TMPDIR/came"
}

@test "many datagrams of many flows to two services, their fragments interleaved" {
	local i order orders=(order reversed last shuffled) port
	receivers 127.0.0.1 58997 ::1 58997 127.0.0.1 58998 ::1 58998
	splice 58997
	map_update 172.16.240.0 24 5061 5061 58998 udp
	map_update fd00:240:: 64 5061 5061 58998 udp
	for ((i = 0; i < 40; i++)); do
		port=$((5060 + i % 2)) order=${orders[i / 2 % 4]}
		both "n$i" 8192 "$port" "$order"
		came "n$i" 8192 "$port" $((58997 + i % 2)) >&4
	done >"$BATS_TEST_TMPDIR/lines" 4>"$BATS_TEST_TMPDIR/came"
	send interleaved <"$BATS_TEST_TMPDIR/lines"
	assert_received <"$BATS_TEST_TMPDIR/came"
}

@test "a listener that is started anew gets the datagrams that come then" {
	local i
	splice 58997
	for i in 1 2 3; do
		receive "listener$i" 127.0.0.1 58997 ::1 58997
		both "n$i" 8192 5060 shuffled | send
		eventually has_lines "$BATS_TEST_TMPDIR/listener$i" 3
		assert_equal "$(grep -v ready "$BATS_TEST_TMPDIR/listener$i" | sort)" "$(came "n$i" 8192 5060 58997)"
		gone "$pid"
	done
}

# gone PID: of what was started
gone() {
	kill -9 "$1"
	wait "$1" 2>/dev/null || true
}

@test "the listener is gone: no other socket on that port gets the datagram, whole or in fragments" {
	local listener dropped
	receivers 0.0.0.0 5060 :: 5060 172.16.240.9 5061
	receive listener 127.0.0.1 58997 ::1 58997
	listener=$pid
	splice 58997
	both a 8192 5060 order | send
	eventually has_lines "$BATS_TEST_TMPDIR/listener" 3
	# it goes while one is on its way
	both b 8192 5060 0,1,2,3,4/77 | send
	gone "$listener"
	both b 8192 5060 5/77 | send
	assert_received </dev/null
	dropped=$(counted no-listener)
	{
		both c 8192 5060 order
		both d 8192 5060 reversed
		both e 8 5060 whole
	} | send
	assert_received </dev/null
	assert_counted no-listener "$dropped" 6
	# the other sockets are reached when a rule says so
	map_update 172.16.240.0 24 5060 5060 0 udp
	map_update fd00:240:: 64 5060 5060 0 udp
	both f 8192 5060 order | send
	assert_received <<-END
		f-4 8192 at 0.0.0.0 5060 for 172.16.240.9 5060
		f-6 8192 at :: 5060 for fd00:240::9 5060
	END
}

@test "the rule changes between two datagrams of a flow: to another port, to pass, to drop, and back" {
	local step=0 action
	receivers 127.0.0.1 58997 ::1 58997 127.0.0.1 58998 ::1 58998 0.0.0.0 5060 :: 5060
	for action in 58997 58998 pass 58997 drop 58998; do
		step=$((step + 1))
		rule "$action"
		{
			both "large$step" 8192 5060 shuffled
			both "small$step" 8 5060 whole
			both "again$step" 8192 5060 order
		} | send
		for name in large small again; do
			came_by "$name$step" "$action"
		done | assert_received
	done
}

# rule PORT|pass|drop: what becomes of 5060, in the place of what was said before
rule() {
	map_delete --all
	map_update 192.0.2.1 32 7 7 0 udp
	case $1 in
	pass) splice 0 ;;
	drop) splice 0 -a drop ;;
	*) splice "$1" ;;
	esac
}

# came_by NAME PORT|pass|drop: likewise the lines for assert_received
came_by() {
	local size=8192
	[[ $1 != small* ]] || size=8
	case $2 in
	drop) ;;
	pass)
		echo "$1-4 $size at 0.0.0.0 5060 for 172.16.240.9 5060"
		echo "$1-6 $size at :: 5060 for fd00:240::9 5060"
		;;
	*) came "$1" "$size" 5060 "$2" ;;
	esac
}

@test "a rule that changes while a datagram is on its way: its first fragment counts" {
	receivers 127.0.0.1 58997 ::1 58997 0.0.0.0 5060 :: 5060
	rule 58997
	both a 8192 5060 0,1,2/78 | send
	rule drop
	both a 8192 5060 3,4,5/78 | send
	came a 8192 5060 58997 | assert_received
	both b 8192 5060 0,1,2/79 | send
	rule 58997
	both b 8192 5060 3,4,5/79 | send
	assert_received </dev/null
}

@test "a splice is not remembered for longer than the rule, even where the connection was forgotten" {
	receivers 127.0.0.1 58997 ::1 58997 0.0.0.0 5060 :: 5060
	rule 58997
	both a 8192 5060 order | send
	came a 8192 5060 58997 | assert_received
	rule pass
	# a table of connections that knows none
	rm "$PINS/splicer1_conns"
	detach wan0
	lab_attach wan0
	lab_attach_egress wan0
	both b 8 5060 whole | send
	came_by small pass | sed s/small/b/ | assert_received
}

@test "whole packets with a fragment header are spliced by themselves (RFC 6946)" {
	receivers 127.0.0.1 58997 ::1 58997
	splice 58997
	lookup_link remove
	both a 8 5060 order | send
	came a 8 5060 58997 | assert_received
}

@test "without the link splices in fragments are dropped, and nobody else gets them; small ones go on" {
	local dropped
	lookup_link remove
	receivers 127.0.0.1 58997 ::1 58997 0.0.0.0 5060 :: 5060
	splice 58997
	dropped=$(counted no-lookup)
	{
		both a 8192 5060 order
		both b 8192 5060 reversed
		both c 8 5060 whole
	} | send
	came c 8 5060 58997 | assert_received
	assert_counted no-lookup "$dropped" 4
	lookup_link make --object "$LAB_OBJECTS/splicer.o"
	both d 8192 5060 order | send
	came d 8192 5060 58997 | assert_received
}

@test "loopback: what is spliced there may come in fragments too" {
	serve udp 127.0.0.1 58997 udp ::1 58997
	ip link set lo mtu 1500
	lab_attach lo
	splice 58997 -i lo
	assert_traffic box <<-END
		answer udp-large 172.16.240.9 5060 by 58997
		answer udp-large fd00:240::9 5060 by 58997
		answer udp-large 127.0.0.1 58997
	END
	detach lo
	ip link set lo mtu 65536
}

# ---- passed, dropped, forwarded ----

@test "fragments for local sockets: passed by a rule, dropped by another, and by none" {
	serve udp 0.0.0.0 8080 udp :: 8080 udp 0.0.0.0 8081 udp :: 8081 udp 0.0.0.0 8082 udp :: 8082
	map_update 192.0.2.1 32 8080 8080 0 udp
	map_update 2001:db8::1 128 8080 8080 0 udp
	map_update -a drop 192.0.2.1 32 8081 8081 0 udp
	map_update -a drop 2001:db8::1 128 8081 8081 0 udp
	assert_traffic client <<-END
		answer udp-large 192.0.2.1 8080
		answer udp-large 2001:db8::1 8080
		timeout udp-large 192.0.2.1 8081
		timeout udp-large 2001:db8::1 8081
		timeout udp-large 192.0.2.1 8082
		timeout udp-large 2001:db8::1 8082
		answer udp-connected-large 192.0.2.1 8080
		answer udp-connected-large 2001:db8::1 8080
	END
}

@test "fragments through the box, with the filter on both legs" {
	local dropped
	lab_attach lan0
	lab_attach_egress lan0
	map_update 198.51.100.0 24 9000 9000 0 udp
	map_update 2001:db8:1:: 64 9000 9000 0 udp
	assert_traffic client <<-END
		answer udp-large 198.51.100.2 9000
		answer udp-large 2001:db8:1::2 9000
		answer udp 198.51.100.2 9000
		answer udp 2001:db8:1::2 9000
	END
	map_update -a drop 198.51.100.0 24 9000 9000 0 udp -P 1
	map_update -a drop 2001:db8:1:: 64 9000 9000 0 udp -P 1
	dropped=$(counted fragment)
	assert_traffic client <<-END
		timeout udp-large 198.51.100.2 9000
		timeout udp-large 2001:db8:1::2 9000
	END
	assert_counted fragment "$dropped" 10
}

@test "later fragments of nobody: those to others are dropped, those to this box wait and are never delivered" {
	local early dropped
	receivers 0.0.0.0 8080 :: 8080 127.0.0.1 58997 ::1 58997
	splice 58997
	map_update 0.0.0.0 0 8080 8080 0 udp
	map_update :: 0 8080 8080 0 udp
	early=$(counted fragment-early) dropped=$(counted fragment)
	send <<-END
		a 8192 192.0.2.2 6060 192.0.2.1 8080 1,2,3,4,5
		b 8192 2001:db8::2 6060 2001:db8::1 8080 5,4,3,2,1
		c 8192 192.0.2.2 6060 172.16.240.9 5060 1,2,3,4,5
		d 8192 2001:db8::2 6060 fd00:240::9 5060 1,2,3,4,5
		e 8192 192.0.2.2 6060 198.51.100.2 9000 1,2,3,4,5
		f 8192 2001:db8::2 6060 2001:db8:1::2 9000 1,2,3,4,5
		g 8192 192.0.2.2 6060 192.0.2.1 8080 1,2,0,3,4,5
		h 8192 2001:db8::2 6060 2001:db8::1 8080 5,4,3,2,1,0
	END
	assert_received <<-END
		g 8192 at 0.0.0.0 8080 for 192.0.2.1 8080
		h 8192 at :: 8080 for 2001:db8::1 8080
	END
	assert_counted fragment-early "$early" 27
	assert_counted fragment "$dropped" 10
}

# ---- sockets of the box ----

@test "answers in fragments reach local sockets without a rule, unconnected and connected" {
	assert_traffic box <<-END
		answer udp-large 192.0.2.2 9000
		answer udp-large 2001:db8::2 9000
		answer udp-connected-large 192.0.2.2 9000
		answer udp-connected-large 2001:db8::2 9000
	END
}

@test "what the box sends in fragments: out=drop, and a rule that lets it out" {
	iface_set wan0 out=drop
	assert_traffic box <<-END
		unsent udp-large 192.0.2.2 9000
		unsent udp-large 2001:db8::2 9000
	END
	map_update --direction out 192.0.2.0 24 9000 9000 0 udp
	map_update --direction out 2001:db8:: 64 9000 9000 0 udp
	assert_traffic box <<-END
		answer udp-large 192.0.2.2 9000
		answer udp-large 2001:db8::2 9000
		answer udp-connected-large 192.0.2.2 9000
		answer udp-connected-large 2001:db8::2 9000
	END
	map_update --direction out -a drop -P 1 192.0.2.0 24 9000 9000 0 udp
	map_update --direction out -a drop -P 1 2001:db8:: 64 9000 9000 0 udp
	iface_set wan0 out=default
	assert_traffic box <<-END
		unsent udp-large 192.0.2.2 9000
		unsent udp-large 2001:db8::2 9000
	END
}

# ---- other devices ----

@test "a bridge: fragments are spliced on its port, where single packets are not" {
	lab_host bridged port0
	ip link add br0 type bridge
	ip link set br0 up
	ip link set port0 master br0
	ip addr add 192.0.3.1/24 dev br0
	ip addr add 2001:db8:3::1/64 dev br0 nodad
	lab_on bridged ip addr add 192.0.3.2/24 dev eth0
	lab_on bridged ip addr add 2001:db8:3::2/64 dev eth0 nodad
	lab_on bridged ip route add default via 192.0.3.1
	lab_on bridged ip -6 route add default via 2001:db8:3::1
	lab_attach port0
	serve udp 127.0.0.1 58997 udp ::1 58997
	splice 58997
	assert_traffic bridged <<-END
		answer udp-large 172.16.240.9 5060
		answer udp-large fd00:240::9 5060
	END
	lab_attach br0
	lab_attach_egress br0
	assert_traffic bridged <<-END
		answer udp-large 172.16.240.9 5060
		answer udp-large fd00:240::9 5060
		answer udp 172.16.240.9 5060
	END
	ip link del br0
}

@test "a macvlan: fragments to its own address, filtered on it" {
	ip link add link wan0 name mac0 type macvlan mode bridge
	ip link set mac0 up
	ip addr add 192.0.2.77/32 dev mac0
	ip addr add 2001:db8::77/128 dev mac0 nodad
	lab_on client ip neigh replace 192.0.2.77 lladdr "$(lab_mac mac0)" dev eth0
	lab_on client ip neigh replace 2001:db8::77 lladdr "$(lab_mac mac0)" dev eth0
	detach wan0
	lab_attach mac0
	serve udp 127.0.0.1 58997 udp ::1 58997
	map_update -i mac0 192.0.2.77 32 5060 5060 58997 udp
	map_update -i mac0 2001:db8::77 128 5060 5060 58997 udp
	assert_traffic client <<-END
		answer udp-large 192.0.2.77 5060
		answer udp-large 2001:db8::77 5060
		timeout udp-large 192.0.2.77 5061
		timeout udp-large 2001:db8::77 5061
	END
	ip link del mac0
	lab_attach wan0
	lab_attach_egress wan0
}
