#!/usr/bin/env bats
# lb_backend: services and backends of lb.o, as text and in the maps.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load lb
load watching

setup_file() {
	lb_links
}

setup() {
	box_begin
	lb_backend apply --all -f /dev/null
}

web=192.0.2.1:80/tcp

# ---- add, delete ----

@test "add makes the service and its backends; once more changes nothing; delete takes away" {
	assert_done lb_backend add "$web" 10.0.0.1:8080
	capture lb_backend add "$web" 10.0.0.1:8080 10.0.0.2:8080 '[fd00::1]:443' -v
	assert_status 1
	assert_complaint '[fd00::1]:443'
	assert_rules "add $web 10.0.0.1:8080"
	capture lb_backend add "$web" 10.0.0.1:8080 10.0.0.2:8080 -v
	assert_status 0
	assert_output "= add $web 10.0.0.1:8080
A add $web 10.0.0.2:8080"
	assert_rules "add $web 10.0.0.1:8080
add $web 10.0.0.2:8080"
	assert_whole
	capture lb_backend delete "$web" 10.0.0.1:8080 -v
	assert_output "D delete $web 10.0.0.1:8080"
	assert_rules "add $web 10.0.0.2:8080"
	assert_whole
	assert_done lb_backend delete "$web"
	assert_rules ''
	assert_whole
}

@test "a service may have nobody, and is kept so" {
	capture lb_backend add "$web" -v
	assert_output "A add $web"
	assert_rules "add $web"
	lb_backend add "$web" 10.0.0.1
	lb_backend delete "$web" 10.0.0.1
	assert_rules "add $web"
	capture lb_backend list -j
	assert_json 'len(d) == 1 and d[0]["backend"] is None and d[0]["share"] is None'
	assert_whole
}

@test "add says a weight, or leaves the one there is" {
	lb_backend add "$web" 10.0.0.1:8080 10.0.0.2:8080 -w 5
	capture lb_backend add "$web" 10.0.0.1:8080 -v
	assert_output "= add $web 10.0.0.1:8080"
	capture lb_backend add "$web" 10.0.0.1:8080 -w 7 -v
	assert_output "C add $web 10.0.0.1:8080 -w 7"
	assert_rules "add $web 10.0.0.1:8080 -w 7
add $web 10.0.0.2:8080 -w 5"
	capture lb_backend weight "$web" 10.0.0.2:8080 0 -v
	assert_output "C weight $web 10.0.0.2:8080 0"
	assert_listed "$web" 10.0.0.1 share 65537
	assert_listed "$web" 10.0.0.2 share 0
	capture lb_backend weight "$web" 10.0.0.2:8080 0 -v
	assert_output "= weight $web 10.0.0.2:8080 0"
	assert_whole
}

@test "names: both families, ports, ranges, any; each form is read back as it is written" {
	local given shown

	while read -r given shown; do
		capture lb_backend add "$given" -v
		assert_output "A add ${shown:-$given}"
		lb_backend delete "$given"
	done <<-'END'
		192.0.2.1:80/tcp
		192.0.2.1:1-65535/udp
		192.0.2.1:80-80/tcp 192.0.2.1:80/tcp
		192.0.2.1:*/udp 192.0.2.1:any/udp
		192.0.2.1:0-65535/17 192.0.2.1:any/udp
		[2001:DB8:0::1]:443/tcp [2001:db8::1]:443/tcp
		[2001:db8::1]:5000-5999/udp
		[2001:db8::1]:any/tcp
	END
	while read -r given shown; do
		capture lb_backend add '[2001:db8::1]:443/tcp' "$given" -v
		assert_output "A add [2001:db8::1]:443/tcp ${shown:-$given}"
	done <<-'END'
		[2001:db8::2]:8080
		2001:db8::3
		[2001:db8::4] 2001:db8::4
		[2001:db8::5]:* 2001:db8::5
		[2001:db8::6]:any 2001:db8::6
	END
	capture lb_backend add "$web" 10.0.0.1 10.0.0.2:any 10.0.0.3:* -v
	assert_output "A add $web 10.0.0.1
A add $web 10.0.0.2
A add $web 10.0.0.3"
	assert_whole
}

@test "what is malformed is a usage error that names it, and nothing is changed" {
	local name

	lb_backend add "$web" 10.0.0.1:8080
	for name in '' 192.0.2.1 192.0.2.1/tcp 192.0.2.1:80 192.0.2.1:80/icmp 192.0.2.1:80/ 192.0.2.1:0/tcp 192.0.2.1:65536/tcp \
		192.0.2.1:080/tcp 192.0.2.1:/tcp 192.0.2.1:90-80/tcp 192.0.2.1:0-9/tcp 192.0.2.1:-80/tcp 192.0.2.1:80-/tcp \
		'192.0.2.1:80 /tcp' 192.0.2:80/tcp 192.0.2.01:80/tcp 2001:db8::1:80/tcp '[2001:db8::1]/tcp' '[2001:db8::1:80/tcp' \
		'[192.0.2.1]:80/tcp' '[2001:db8::1]80/tcp' '[]:80/tcp' ':80/tcp' 'localhost:80/tcp' 0.0.0.0:80/tcp '[::]:80/tcp' \
		127.0.0.1:80/tcp '[::1]:80/tcp' 224.0.0.1:80/udp 255.255.255.255:80/udp '[ff02::1]:80/udp' \
		'[::ffff:192.0.2.1]:80/tcp' "$(printf '1%.0s' {1..200}):80/tcp" 192.0.2.1:80/TCP; do
		assert_refused "$name" lb_backend add "$name" 10.0.0.1
	done
	for name in '' 10.0.0.1: 10.0.0.1:0 10.0.0.1:65536 10.0.0.1:80-90 10.0.0.1:http 10.0.0 '[10.0.0.1]:80' 10.0.0.1/32 :80 \
		'[fd00::1' '[fd00::1]x' 'fd00::1]' fe80::1 '[fe80::1]:80' 127.0.0.1 ::1 ::ffff:10.0.0.1 224.0.0.1 0.0.0.0 ::; do
		assert_refused "$name" lb_backend add "$web" "$name"
		assert_refused "$name" lb_backend drain "$web" "$name"
	done
	for name in -1 '' 65536 1.5 01 x; do
		assert_refused "$name" lb_backend weight "$web" 10.0.0.1:8080 "$name"
		assert_refused "$name" lb_backend add "$web" 10.0.0.1:8080 -w "$name"
	done
	for name in mode=xdp mode= affinity= affinity=-1 affinity=31536001 affinity=x source= source=10.0.0.0/8 source=127.0.0.1 \
		source=host mode affinity=1s colour=red; do
		assert_refused "$name" lb_backend set "$web" "$name"
	done
	assert_refused affinity=2 lb_backend set "$web" affinity=1 affinity=2
	assert_refused mode=nat lb_backend set "$web" mode=nat source=10.0.0.9
	assert_whole
}

@test "commands want the operands and options that they take" {
	assert_refused command lb_backend
	assert_refused Add lb_backend Add "$web" 10.0.0.1
	assert_refused add lb_backend add
	assert_refused "$web" lb_backend drain "$web"
	assert_refused "$web" lb_backend set "$web"
	assert_refused 10.0.0.1 lb_backend weight "$web" 10.0.0.1
	assert_refused 2 lb_backend weight "$web" 10.0.0.1 1 2
	assert_refused 5 lb_backend add "$web" -w 5
	assert_refused 5 lb_backend drain "$web" 10.0.0.1 -w 5
	assert_refused --all lb_backend delete "$web" --all
	assert_refused --save lb_backend add "$web" --save
	assert_refused --weight lb_backend list -w 5
	assert_refused --save lb_backend list --save -j
	assert_refused --save lb_backend list --save --watch 1
	assert_refused 0 lb_backend list --watch 0
	assert_refused x lb_backend list "$web" x
	assert_refused -f lb_backend list -f -
	assert_refused apply lb_backend apply
	assert_refused "$web" lb_backend add "$web" -f -
	assert_refused -w lb_backend add -w 5 -f -
}

@test "what is not there: exit status 1, with the name" {
	lb_backend add "$web" 10.0.0.1:8080
	assert_state 192.0.2.1:81/tcp lb_backend delete 192.0.2.1:81/tcp
	assert_state 192.0.2.1:80/udp lb_backend drain 192.0.2.1:80/udp 10.0.0.1:8080
	assert_state 10.0.0.1 lb_backend drain "$web" 10.0.0.1
	assert_state 10.0.0.2:8080 lb_backend delete "$web" 10.0.0.1:8080 10.0.0.2:8080
	assert_state 10.0.0.2:8080 lb_backend weight "$web" 10.0.0.2:8080 1
	assert_state 192.0.2.2:80/tcp lb_backend set 192.0.2.2:80/tcp affinity=1
	assert_state 192.0.2.2:80/tcp lb_backend list 192.0.2.2:80/tcp
}

# ---- which service ----

@test "of services that lie in each other the narrower has its ports; those that lie across are refused" {
	lb_backend add 192.0.2.1:any/tcp 10.0.0.1
	lb_backend add 192.0.2.1:80-90/tcp 10.0.0.2
	lb_backend add 192.0.2.1:84/tcp 10.0.0.3
	lb_backend add 192.0.2.1:80-81/tcp 10.0.0.4
	assert_state 192.0.2.1:85-95/tcp lb_backend add 192.0.2.1:85-95/tcp 10.0.0.5
	assert_errors_have 'lies partly in 192.0.2.1:80-90/tcp'
	assert_done lb_backend add 192.0.2.1:85-95/udp 10.0.0.5
	assert_done lb_backend add 192.0.2.2:85-95/tcp 10.0.0.5
	assert_whole
	[ "$(lb way 192.0.2.1 84 tcp)" = 192.0.2.1:84/tcp ]
	[ "$(lb way 192.0.2.1 81 tcp)" = 192.0.2.1:80-81/tcp ]
	[ "$(lb way 192.0.2.1 90 tcp)" = 192.0.2.1:80-90/tcp ]
	[ "$(lb way 192.0.2.1 91 tcp)" = 192.0.2.1:any/tcp ]
	[ "$(lb way 192.0.2.1 84 udp)" = none ]
	lb_backend delete 192.0.2.1:80-90/tcp
	[ "$(lb way 192.0.2.1 90 tcp)" = 192.0.2.1:any/tcp ]
	[ "$(lb way 192.0.2.1 84 tcp)" = 192.0.2.1:84/tcp ]
	assert_whole
}

@test "random ranges: every port leads where the narrowest service says" {
	local -i i low
	local seed=${SPLICER_SEED:-$RANDOM}

	echo "# seed $seed"
	RANDOM=$seed
	for ((i = 0; i < 40; i++)); do
		low=$((RANDOM % 60000 + 1))
		echo "192.0.2.$((i % 3)):$low-$((low + RANDOM % (i % 5 * 400 + 1)))/tcp 10.0.0.$i"
	done >"$tmp/lines"
	while read -r name backend; do
		lb_backend add "$name" "$backend" 2>/dev/null || true
	done <"$tmp/lines"
	[ "$(rules | wc -l)" -gt 20 ]
	assert_whole
	rules | awk 'NR % 2 { print $2 }' | lb_backend delete -f -
	assert_whole
}

@test "ends of backends: only of nat, exact where there is one port, ambiguous where two services share one" {
	lb_backend add "$web" 10.0.0.1:8080 10.0.0.2
	lb_backend add 192.0.2.1:443/tcp 10.0.0.1:8080
	lb_backend add 192.0.2.2:5000-5009/udp 10.0.0.3 10.0.0.4:53
	lb_backend add '[2001:db8::1]:any/tcp' fd00::1
	lb_backend add 192.0.2.3:1/tcp 10.0.0.9
	lb_backend set 192.0.2.3:1/tcp mode=masquerade
	lb ends >"$tmp/ends"
	assert_text ends "$tmp/ends" 'tcp 10.0.0.1 8080 ambiguous
tcp 10.0.0.2 80 192.0.2.1:80/tcp
tcp fd00::1 0 [2001:db8::1]:any/tcp
udp 10.0.0.3 0 192.0.2.2:5000-5009/udp'
	lb_backend delete 192.0.2.1:443/tcp
	lb_backend add 192.0.2.9:70-90/tcp 10.0.0.2
	lb_backend add '[2001:db8::1]:443/tcp' fd00::1
	lb ends >"$tmp/ends"
	assert_text ends "$tmp/ends" 'tcp 10.0.0.1 8080 192.0.2.1:80/tcp
tcp 10.0.0.2 0 192.0.2.9:70-90/tcp
tcp 10.0.0.2 80 ambiguous
tcp fd00::1 0 [2001:db8::1]:any/tcp
tcp fd00::1 443 [2001:db8::1]:443/tcp
udp 10.0.0.3 0 192.0.2.2:5000-5009/udp'
	assert_whole
}

# ---- states ----

@test "drained and down are two states; each takes the share, and only both away give it back" {
	lb_backend add "$web" 10.0.0.1 10.0.0.2
	assert_listed "$web" 10.0.0.1 share 32769
	assert_listed "$web" 10.0.0.2 share 32768
	capture lb_backend drain "$web" 10.0.0.1 10.0.0.2 -v
	assert_output "C drain $web 10.0.0.1
C drain $web 10.0.0.2"
	lb_backend down "$web" 10.0.0.1
	assert_listed "$web" 10.0.0.1 state drained+down
	assert_listed "$web" 10.0.0.2 state drained
	assert_whole
	lb_backend undrain "$web" 10.0.0.1 10.0.0.2
	assert_listed "$web" 10.0.0.1 state down
	assert_listed "$web" 10.0.0.1 share 0
	assert_listed "$web" 10.0.0.2 share 65537
	capture lb_backend down "$web" 10.0.0.1 -v
	assert_output "= down $web 10.0.0.1"
	lb_backend up "$web" 10.0.0.1
	assert_listed "$web" 10.0.0.1 state up
	assert_listed "$web" 10.0.0.1 share 32769
	assert_whole
}

# ---- settings ----

@test "modes: sources are asked of the kernel, or said, and must be of the family" {
	lb_backend add "$web" 10.0.0.1:8080
	assert_done lb_backend set "$web" mode=masquerade affinity=60
	assert_listed "$web" 10.0.0.1 seen_as 10.0.0.254
	assert_listed "$web" 10.0.0.1 affinity 60
	assert_state 203.0.113.1 lb_backend add "$web" 203.0.113.1:80
	assert_errors_have 'no route there'
	assert_done lb_backend set "$web" source=10.9.9.9
	assert_listed "$web" 10.0.0.1 seen_as 10.9.9.9
	assert_listed "$web" 10.0.0.1 source 10.9.9.9
	assert_done lb_backend add "$web" 203.0.113.1:80
	assert_rules "add $web 10.0.0.1:8080
add $web 203.0.113.1:80
set $web mode=masquerade affinity=60 source=10.9.9.9"
	lb_backend delete "$web" 203.0.113.1:80
	assert_state 10.0.0.1:8080 lb_backend set "$web" source=fd00::9 mode=dsr
	assert_state "$web" lb_backend set "$web" source=fd00::9
	assert_done lb_backend set "$web" source=auto
	assert_listed "$web" 10.0.0.1 seen_as 10.0.0.254
	capture lb_backend set "$web" source=auto -v
	assert_output "= set $web source=auto"
	assert_done lb_backend set "$web" mode=nat affinity=0
	assert_listed "$web" 10.0.0.1 seen_as None
	assert_state "$web" lb_backend set "$web" source=10.9.9.9
	assert_rules "add $web 10.0.0.1:8080"
	assert_whole
}

@test "dsr: backends of either family, and on the port of the packet" {
	lb_backend add "$web" 10.0.0.1:8080
	assert_state 10.0.0.1:8080 lb_backend set "$web" mode=dsr
	assert_errors_have 'leaves ports as they are'
	assert_state fd00::1 lb_backend add "$web" fd00::1
	assert_errors_have "not of the address family of $web, which only mode=dsr can do"
	lb_backend delete "$web" 10.0.0.1:8080
	lb_backend set "$web" mode=dsr
	assert_done lb_backend add "$web" 10.0.0.1 fd00::1 10.0.0.2:80
	assert_listed "$web" 10.0.0.1 seen_as 10.0.0.254
	assert_listed "$web" fd00::1 seen_as fd00::254
	assert_state fd00::1 lb_backend set "$web" mode=nat
	assert_whole
}

@test "who had a source keeps it when the route is gone for now" {
	ip route add 198.51.100.0/24 via 10.0.0.77
	lb_backend add "$web" 198.51.100.1 10.0.0.1
	lb_backend set "$web" mode=masquerade
	assert_listed "$web" 198.51.100.1 seen_as 10.0.0.254
	ip route del 198.51.100.0/24
	assert_done lb_backend down "$web" 198.51.100.1
	assert_listed "$web" 198.51.100.1 seen_as 10.0.0.254
	assert_listed "$web" 198.51.100.1 state down
}

# ---- list ----

@test "list: table and JSON" {
	lb_backend add "$web" 10.0.0.2:8080 10.0.0.10:8080 -w 3
	lb_backend add '[2001:db8::1]:any/udp' fd00::1
	lb_backend drain '[2001:db8::1]:any/udp' fd00::1
	lb count "$web" 10.0.0.2:8080 5,6 700,8000 2
	lb count "$web" 10.0.0.2:8080 1,0 1,0 0
	capture lb_backend list
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		SERVICE                MODE  BACKEND         STATE    WEIGHT  SHARE  ACTIVE  FLOWS  PKTS_FWD  BYTES_FWD  PKTS_REV  BYTES_REV
		192.0.2.1:80/tcp       nat   10.0.0.2:8080   up            3  50.0%       0      2         6        701         6       8000
		192.0.2.1:80/tcp       nat   10.0.0.10:8080  up            3  50.0%       0      0         0          0         0          0
		[2001:db8::1]:any/udp  nat   fd00::1         drained       1   0.0%       0      0         0          0         0          0
	END
	capture lb_backend list -j "$web"
	assert_output '[{"vip":"192.0.2.1","low":80,"high":80,"proto":"tcp","mode":"nat","affinity":0,"source":null,"backend":"10.0.0.2","port":8080,"seen_as":null,"state":"up","weight":3,"share":32769,"active":0,"flows":2,"packets_fwd":6,"bytes_fwd":701,"packets_rev":6,"bytes_rev":8000},
 {"vip":"192.0.2.1","low":80,"high":80,"proto":"tcp","mode":"nat","affinity":0,"source":null,"backend":"10.0.0.10","port":8080,"seen_as":null,"state":"up","weight":3,"share":32768,"active":0,"flows":0,"packets_fwd":0,"bytes_fwd":0,"packets_rev":0,"bytes_rev":0}]'
	lb_backend set "$web" affinity=60
	capture lb_backend list "$web"
	assert_output_has 'MODE  AFFINITY  BACKEND'
	lb_backend apply --all -f /dev/null
	capture lb_backend list -j
	assert_output '[]'
	capture lb_backend list
	assert_output ''
}

@test "active flows: forward ones of both tables, neither closed nor overdue nor another's" {
	lb_backend add "$web" 10.0.0.1:8080 10.0.0.2:8080
	lb_backend add 192.0.2.1:53/udp 10.0.0.1
	lb flow confirmed "$web" 10.0.0.1:8080 1 2 1
	lb flow unconfirmed "$web" 10.0.0.1:8080 2 1 1
	lb flow unconfirmed "$web" 10.0.0.2:8080 3 3 1
	lb flow confirmed "$web" 10.0.0.1:8080 4 4 1
	lb flow confirmed "$web" 10.0.0.1:8080 5 2 1 2
	lb flow unconfirmed 192.0.2.1:53/udp 10.0.0.1 6 0 1
	lb flow unconfirmed 192.0.2.1:53/udp 10.0.0.1 7 0 100000
	assert_listed "$web" 10.0.0.1 active 2
	assert_listed "$web" 10.0.0.2 active 1
	assert_listed 192.0.2.1:53/udp 10.0.0.1 active 1
	# in its place somebody else has not got its flows
	lb_backend delete "$web" 10.0.0.1:8080
	lb_backend add "$web" 10.0.0.3:8080
	assert_listed "$web" 10.0.0.3 active 0
	assert_listed "$web" 10.0.0.2 active 1
}

@test "watch: rates again and again, and an end at a signal" {
	lb_backend add 192.0.2.77:80/tcp 10.0.0.1:8080
	watch lb_backend list -j
	eventually has 2 '"pps":0.0'
	assert_stops TERM
	assert_lines 'd[0]["pps"] is None and d[1]["backend"] == "10.0.0.1" and d[1]["share"] == 65537'
	watch lb_backend list
	eventually has 1 '192.0.2.77:80/tcp +nat +10.0.0.1:8080'
	assert_stops INT
}

@test "places and counters stay with backends that stay; who comes begins at nothing" {
	lb_backend add "$web" 10.0.0.1 10.0.0.2 10.0.0.3
	lb count "$web" 10.0.0.1 5,6 7,8 1
	lb count "$web" 10.0.0.2 1,2 3,4 1
	lb where "$web" >"$tmp/before"
	lb_backend add "$web" 10.0.0.9 -w 3
	lb_backend weight "$web" 10.0.0.2 9
	lb_backend set "$web" affinity=5
	lb where "$web" | grep -v 10.0.0.9 >"$tmp/after"
	diff -u "$tmp/before" "$tmp/after"
	assert_listed "$web" 10.0.0.2 packets_rev 2
	lb_backend delete "$web" 10.0.0.1
	lb_backend add "$web" 10.0.0.1
	assert_listed "$web" 10.0.0.1 packets_fwd 0
	assert_listed "$web" 10.0.0.1 flows 0
	lb where "$web" | grep -qx '10.0.0.1 place 0 stat [0-9]*' || fail 'the place that was free' "$(lb where "$web")"
	assert_whole
}

# ---- forwarding ----

@test "forwarding that is off is told of, but not with -q, and is no failure" {
	sysctl -qw net.ipv4.ip_forward=0
	capture lb_backend add "$web" 10.0.0.1
	sysctl -qw net.ipv4.ip_forward=1
	assert_status 0
	assert_errors 'lb_backend: IPv4 forwarding is off on t0: no packet gets to a backend (sysctl net.ipv4.ip_forward=1)'
	sysctl -qw net.ipv6.conf.all.forwarding=0
	capture lb_backend list
	assert_errors ''
	lb_backend add '[2001:db8::1]:80/tcp' fd00::1 -q
	capture lb_backend list
	assert_status 0
	assert_errors 'lb_backend: IPv6 forwarding is off on t0: no packet gets to a backend (sysctl net.ipv6.conf.all.forwarding=1)'
	capture lb_backend list -q
	sysctl -qw net.ipv6.conf.all.forwarding=1
	assert_errors ''
}

# ---- without maps, with others' ----

@test "pins that are missing: exit status 1, and which object has them" {
	mkdir "$tmp/none"
	assert_state "$tmp/none" lb_backend list --pin-dir "$tmp/none"
	mkdir "$pins/../part"
	bpfmap link "$pins"/splicer1_* "$pins/../part"
	capture lb_backend add "$web" 10.0.0.1 --pin-dir "$pins/../part"
	rm -r "$pins/../part"
	assert_status 1
	assert_errors_have 'not pinned; is lb.o attached to an interface'
}

# ---- boxes ----

@test "equal boxes choose alike, whatever was done in which order" {
	local -i i

	for i in {1..12}; do
		lb_backend add "$web" "10.0.0.$i:80" -w "$((i % 4 + 1))"
	done
	lb_backend delete "$web" 10.0.0.3:80
	lb table "$web" >"$tmp/one"
	lb_backend delete "$web"
	lb_backend add "$web" 10.0.0.99:80
	for i in {12..4} 2 1; do
		lb_backend add "$web" "10.0.0.$i:80" -w "$((i % 4 + 1))"
		lb_backend drain "$web" "10.0.0.$i:80"
	done
	lb_backend undrain "$web" 10.0.0.{1,2,4,5,6,7,8,9,10,11,12}:80
	lb_backend drain "$web" 10.0.0.99:80
	lb table "$web" >"$tmp/other"
	assert_text table "$tmp/other" "$(<"$tmp/one")"
	lb_backend undrain "$web" 10.0.0.99:80
	lb table "$web" >"$tmp/other"
	run ! diff -q "$tmp/one" "$tmp/other"
}

# ---- writers ----

@test "forty writers at once: none is lost" {
	local -i i
	local pids=()

	for i in {1..40}; do
		lb_backend add "192.0.2.$((i % 4)):80/tcp" "10.0.1.$i:80" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(rules | wc -l)" = 40 ] || fail '40 backends' "$(rules)"
	assert_whole
}

@test "killed at any moment: services are the old or the new, and the next writer repairs" {
	local -i i killed=0
	local before after seed=${SPLICER_SEED:-$RANDOM}

	echo "# seed $seed"
	RANDOM=$seed
	for i in {1..16}; do
		echo "add 192.0.2.$i:80-90/tcp 10.0.0.1 10.0.0.2 -w 2"
		echo "set 192.0.2.$i:80-90/tcp affinity=$i"
	done >"$tmp/one"
	sed -n '1~4!p' "$tmp/one" | sed '/^set/s/.*//; s/10.0.0.2/10.0.0.3/; s/80-90/80-95/' >"$tmp/other"
	lb_backend apply -f "$tmp/one"
	before=$(rules)
	for ((i = 0; i < ${SPLICER_KILLS:-15}; i++)); do
		lb_backend apply -f "$tmp/$([ $((i % 2)) = 0 ] && echo other || echo one)" 3>&- &
		sleep "0.00$((RANDOM % 10))$((RANDOM % 10))"
		kill -9 $! 2>/dev/null || true
		if ! wait $! 2>/dev/null; then
			killed+=1
		fi
		# each service is whole at once; the indexes after the next writer
		lb check | grep -vE 'leads to|nobody asked' && fail 'whole services' 'the above'
		after=$(rules)
		assert_done lb_backend add 198.51.100.1:1/tcp
		assert_whole
		lb_backend delete 198.51.100.1:1/tcp
		assert_whole
		assert_rules "$after"
	done
	[ "$killed" -gt 0 ] || fail 'some killed' none
	lb_backend apply -f "$tmp/one"
	assert_rules "$before"
	assert_whole
}

@test "indexes that are not what they should be: the next writer repairs them, a dry run does not" {
	lb_backend add "$web" 10.0.0.1:8080
	lb_backend add 192.0.2.2:80/tcp 10.0.0.1:8081
	lb wreck
	run ! lb check
	lb_backend drain -n "$web" 10.0.0.1:8080
	run ! lb check
	lb_backend undrain "$web" 10.0.0.1:8080
	assert_whole
}

# ---- limits ----

@test "1024 backends of a service, and not one more" {
	local -i i

	for i in {0..1023}; do
		echo "$web 10.1.$((i / 256)).$((i % 256)):80"
	done >"$tmp/all"
	assert_done lb_backend add -f "$tmp/all"
	assert_whole
	assert_state 10.2.0.1:80 lb_backend add "$web" 10.2.0.1:80
	assert_errors_have '1024 backends, and no room for more'
	lb_backend delete "$web" 10.1.0.0:80
	assert_done lb_backend add "$web" 10.2.0.1:80
	assert_whole
}

@test "16383 backends in all, and not one more" {
	local -i i

	for i in {0..16382}; do
		echo "192.0.2.$((i / 1000)):80/tcp 10.$((i % 1000 / 256)).$((i % 256)).$((i / 1000 + 1)):80"
	done >"$tmp/all"
	assert_done lb_backend add -f "$tmp/all"
	[ "$(rules | wc -l)" = 16383 ]
	assert_state "$web" lb_backend add "$web" 10.200.0.1:80
	assert_errors_have '16383 backends in all, and no room for more'
	capture lb_backend list
	assert_status 0
}

@test "more entries of the index than there is room for" {
	local -i i

	# a range that costs 30 entries
	for i in {0..2200}; do
		echo "192.0.$((i / 256)).$((i % 256)):1-65534/tcp"
	done >"$tmp/all"
	capture lb_backend add -f "$tmp/all"
	assert_status 1
	assert_complaint lb1_vips
	assert_rules ''
}
