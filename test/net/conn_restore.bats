#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# Established flows, saved as text, lost with the maps, and put into new ones: they go on where nothing else lets them.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/stateful.bash
. "$BATS_TEST_DIRNAME/stateful.bash"

VIP=203.0.113.1 VIP6=2001:db8:77::1

setup_file() {
	router_hosts
	lab_on client sysctl -qw net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1
	serve_on inside tcp 198.51.100.2 80 tcp 2001:db8:1::2 80 udp 198.51.100.2 80 udp 2001:db8:1::2 80
	# who gets a flow that is not known any more: nobody listens there
	lab_on inside ip addr add 198.51.100.3/24 dev eth0
	lab_on inside ip addr add 2001:db8:1::3/64 dev eth0 nodad
	ip neigh replace 198.51.100.3 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
	ip neigh replace 2001:db8:1::3 lladdr "$(lab_mac eth0 lab_on inside)" dev lan0 nud permanent
}

teardown_file() {
	stop_started
}

teardown() {
	stop_started
	detach wan0 2>/dev/null || true
	detach lan0 2>/dev/null || true
	rm -rf "${PINS:?}"/*
}

# ---- the firewall ----

# talk_on HOST NAME WORD...: one end, which is told by tell and heard in its file; see talk
talk_on() {
	local host=$1 name=$2 dir
	shift 2
	dir=$(scratch)
	mkfifo "$dir/$name.in"
	exec {conversation}<>"$dir/$name.in"
	if [ "$host" = box ]; then
		started "$dir/$name" "$BATS_TEST_DIRNAME/talk" "$@" <"$dir/$name.in"
	else
		started "$dir/$name" nsenter --net="/run/netns/$host" -- "$BATS_TEST_DIRNAME/talk" "$@" <"$dir/$name.in"
	fi
	declare -g "conversation_$name=$conversation"
	eventually grep -qE '^(ready|listening)' "$dir/$name"
}

# Each conversation: a name, its host, kind, both addresses, both ports or the identifier.
conversations() {
	cat <<-'END'
		boxudp4 box udp 192.0.2.1 192.0.2.2 7000 7001
		boxudp6 box udp 2001:db8::1 2001:db8::2 7000 7001
		udp4 inside udp 198.51.100.2 192.0.2.2 7002 7003
		udp6 inside udp 2001:db8:1::2 2001:db8::2 7002 7003
		tcp4 inside tcp 198.51.100.2 192.0.2.2 7004 7005
		tcp6 inside tcp 2001:db8:1::2 2001:db8::2 7004 7005
		ping4 inside ping 198.51.100.2 192.0.2.2 77 77
		ping6 inside ping 2001:db8:1::2 2001:db8::2 77 77
	END
}

# Both ends of each, the far one being NAME_far, and what this one says is heard there.
conversations_open() {
	local name host kind from to port far
	while read -r name host kind from to port far; do
		case $kind in
		udp) talk_on client "${name}_far" udp "$to" "$far" "$from" "$port" ;;
		tcp) talk_on client "${name}_far" tcp-serve "$to" "$far" ;;
		ping) talk_on client "${name}_far" pong "$to" "$far" "$from" ;;
		esac
		case $kind in
		ping) talk_on "$host" "$name" ping "$from" "$port" "$to" ;;
		*) talk_on "$host" "$name" "$kind" "$from" "$port" "$to" "$far" ;;
		esac
		tell "$name" opened
		eventually heard "${name}_far" opened
		tell "${name}_far" answered
		eventually heard "$name" answered
	done < <(conversations)
}

# far_speaks TEXT: who was called speaks, unasked; TCP says it again and again until it comes
far_speaks() {
	local name
	while read -r name _; do
		tell "${name}_far" "$1"
	done < <(conversations)
}

# are_heard TEXT NAME...
are_heard() {
	local text=$1 name
	shift
	for name; do
		heard "$name" "$text" || return
	done
}

names() {
	conversations | cut -d' ' -f1
}

# packets that came in by wan0 and met no rule
refused() {
	verdict_stat -j --iface wan0 --hook ingress | fields verdict packets | awk '$1 != "PASSED" { n += $2 } END { print n + 0 }'
}

refused_at_least() {
	[ "$(refused)" -ge "$1" ]
}

# As an object of another ABI has it: maps without an entry.
new_maps() {
	fresh_both wan0
}

@test "connections opened from inside go on in new maps: UDP, forwarded UDP, TCP in its middle, echo; IPv4 and IPv6" {
	local saved
	fresh_both wan0
	conversations_open
	saved=$(scratch)/saved
	conn_list --save >"$saved"
	assert_equal "$(grep -c 'dir=out' "$saved")" 8 "lines: $(<"$saved")"
	new_maps
	assert_equal "$(conn_list --count --table confirmed)" 0
	# nothing lets them in, so this test can fail
	far_speaks lost
	eventually refused_at_least 8
	names | while read -r name; do
		! heard "$name" lost || fail "$name: heard without a connection"
	done
	assert_quiet conn_update -f "$saved"
	far_speaks restored
	# shellcheck disable=SC2046
	eventually are_heard restored $(names)
	far_speaks again
	# shellcheck disable=SC2046
	eventually are_heard again $(names)
	assert_equal "$(rule_count)" 0
}

@test "what packets have used since stays as it is; a second file brings what came in between" {
	local dir
	dir=$(scratch)
	fresh_both wan0
	conversations_open
	conn_list --save >"$dir/first"
	far_speaks between
	# shellcheck disable=SC2046
	eventually are_heard between $(names)
	conn_list --save >"$dir/second"
	new_maps
	assert_exit 0 conn_update -v -f "$dir/first"
	assert_equal "$(cut -c1 <<<"$out" | sort | uniq -c | tr -s ' ')" " $(wc -l <"$dir/first") A"
	assert_exit 0 conn_update -v -f "$dir/second"
	assert_equal "$(grep -c '^C' <<<"$out")" 8 "$out"
	far_speaks live
	# shellcheck disable=SC2046
	eventually are_heard live $(names)
	conn_list -j -p udp | fields src sport packets_fwd packets_rev | sort >"$dir/live"
	assert_exit 0 conn_update -v -f "$dir/first"
	assert_match "$(cut -c1 <<<"$out" | sort -u)" '^=$'
	conn_list -j -p udp | fields src sport packets_fwd packets_rev | sort | assert_same_lines "$dir/live"
	assert_equal "$(awk '$1 == "198.51.100.2" { print $3, $4 }' "$dir/live")" '1 3'
}

# ---- the load balancer ----

lb() {
	python3 -IS "$BATS_TEST_DIRNAME/../lb.py" "$@"
}

# flows_open MODE: one of each kind, to a backend that takes no new ones from then on
flows_open() {
	local service
	lab_attach_lb wan0
	lab_attach_lb lan0
	for service in "$VIP:80/tcp" "$VIP:80/udp"; do
		lb_backend add "$service" 198.51.100.2
		lb_backend set "$service" mode="$1"
	done
	for service in "[$VIP6]:80/tcp" "[$VIP6]:80/udp"; do
		lb_backend add "$service" 2001:db8:1::2
		lb_backend set "$service" mode="$1"
	done
	hold lbtcp4 client tcp $VIP 80
	hold lbtcp6 client tcp $VIP6 80
	hold lbudp4 client udp $VIP 80
	hold lbudp6 client udp $VIP6 80
	assert_goes_on lbtcp4 lbtcp6
	# the second one confirms it
	for text in first second; do
		tell lbudp4 $text
		tell lbudp6 $text
		eventually grep -q "served by .*: $text" "$(scratch)/lbudp4"
		eventually grep -q "served by .*: $text" "$(scratch)/lbudp6"
	done
	text=0
}

drain() {
	local service
	for service in "$VIP:80/tcp" "$VIP:80/udp"; do
		lb_backend drain "$service" 198.51.100.2
		lb_backend add "$service" 198.51.100.3
	done
	for service in "[$VIP6]:80/tcp" "[$VIP6]:80/udp"; do
		lb_backend drain "$service" 2001:db8:1::2
		lb_backend add "$service" 2001:db8:1::3
	done
}

assert_flows_go_on() {
	local name
	assert_goes_on lbtcp4 lbtcp6 || return
	for name in lbudp4 lbudp6; do
		text=$((${text:-0} + 1))
		tell $name "text $text"
		eventually grep -q "served by .*: text $text\$" "$(scratch)/$name" || return
	done
}

is_reset() {
	grep -q '^reset' "$(scratch)/$1"
}

# backend_of PROTO ADDRESS: of the one flow to this VIP
backend_of() {
	lb_flow list -j -p "$1" -d "$2" | fields backend
}

backend_is() {
	[ "$(backend_of "$1" "$2")" = "$3" ]
}

# as they are, in the same maps: byte for byte, but for times and route
flows_are_the_same() {
	lb entries confirmed >"$(scratch)/confirmed"
	lb entries unconfirmed >"$(scratch)/unconfirmed"
	assert_equal "$(wc -l <"$(scratch)/confirmed")" 8 "$(<"$(scratch)/confirmed")" || return
	lb_flow list --save >"$(scratch)/flows"
	lb forget
	assert_quiet lb_flow list --save || return
	assert_quiet lb_flow add -f "$(scratch)/flows" || return
	lb entries confirmed | assert_same_lines "$(scratch)/confirmed" || return
	lb entries unconfirmed | assert_same_lines "$(scratch)/unconfirmed"
}

# lb_new_maps: services are in other places than before, and of flows nothing is known, nor remembered by a CPU
lb_new_maps() {
	detach wan0
	detach lan0
	rm -rf "${PINS:?}"/*
	lab_attach_lb wan0
	lab_attach_lb lan0
	lb_backend add 203.0.113.9:9/udp 198.51.100.3
	lb_backend apply --all -f "$(scratch)/services"
}

# flows_survive MODE
flows_survive() {
	local name
	flows_open "$1"
	flows_are_the_same || return
	assert_flows_go_on || return
	drain
	assert_equal "$(lb_flow list -j --drained | fields state table mode backend_state | sort -u)" \
		"established confirmed $1 drained" || return
	lb_backend list --save >"$(scratch)/services"
	lb_flow list --save >"$(scratch)/flows"
	lb_new_maps
	assert_quiet lb_flow add -f "$(scratch)/flows" || return
	assert_flows_go_on || return
	# without them they would not: the backend takes no new ones
	lb_new_maps
	for name in lbtcp4 lbtcp6 lbudp4 lbudp6; do
		tell $name lost
	done
	eventually is_reset lbtcp4 || return
	eventually is_reset lbtcp6 || return
	eventually backend_is udp $VIP 198.51.100.3 || return
	eventually backend_is udp $VIP6 2001:db8:1::3
}

@test "balanced flows to a drained backend go on in new maps: TCP and UDP, IPv4 and IPv6" {
	flows_survive nat
}

@test "... with the source changed too: by the same port" {
	flows_survive masquerade
}

@test "a flow whose service or backend is gone is left out, and a port that is another flow's is not taken" {
	flows_open masquerade
	lb_flow list --save >"$(scratch)/flows"
	lb forget
	lb_backend delete "$VIP:80/tcp"
	lb_backend delete "$VIP:80/udp" 198.51.100.2
	# who has come to the port of the other one meanwhile
	sed -nE 's#^(\[2001:db8:77::1\]:80/udp [^ ]+ [^ ]+):[0-9]+ #\1:1 #p' "$(scratch)/flows" |
		sed -E 's/(created|last)=[0-9.]+//g' | xargs lb_flow add
	assert_exit 0 lb_flow add -v -f "$(scratch)/flows"
	assert_equal "$(awk '{ print $1, $2, $5, $6, $7, $8, $9 }' <<<"$out" | sed 's/ *$//' | sort)" "$(
		cat <<-'END'
			- 203.0.113.1:80/tcp no such service
			- 203.0.113.1:80/udp no such backend
			- [2001:db8:77::1]:80/udp its port is another flow's
			A [2001:db8:77::1]:80/tcp
		END
	)"
	assert_goes_on lbtcp6
}
