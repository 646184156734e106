#!/usr/bin/env bats
# flow_watch: signs in sessions that are put into the table; what is said of them, to whom, and how often.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow
load watching

setup_file() {
	flow_links
}

setup() {
	box_begin
	export TZ=UTC
	flow_clean
	flow_dump --reset -q >/dev/null # what was handed out last is looked at, too
	flow head settings.clock=1
}

# 2026-11-22T12:00:00Z
noon=1795348800

# at SECONDS: times of a session that consists of one packet
at() {
	printf 'start=%s fwd.packets=1 fwd.bytes=60 fwd.first=%s fwd.last=%s' "$1" "$1" "$1"
}

# scan SRC COUNT [SECOND]: that many ports of 192.0.2.1 that do not answer
scan() {
	local port

	for ((port = 1; port <= $2; port++)); do
		echo "tcp $1 50000 192.0.2.1 $port history=S $(at "$((noon + ${3:-0}))$((port + 100000000))")"
	done
}

# tick SECOND: the last packet of all, which tells the time
tick() {
	echo "udp 192.0.2.99 5000 192.0.2.98 53 $(at "$((noon + $1))000000000") rev.packets=1 rev.last=$((noon + $1))000000000"
}

# a scan of 15 ports at noon, and 10 seconds more
one_scan() {
	{
		scan "${1:-192.0.2.7}" 15
		tick 10
	} | flow puts
}

# assert_fails STATUS OPERAND COMMAND [ARG]...: it says so in one line about OPERAND, and nothing else
assert_fails() {
	local expected=$1 operand=$2
	shift 2
	capture "$@"
	assert_status "$expected" && assert_output '' && assert_complaint "$operand"
}

# ---- what is told ----

@test "no sessions: not a word" {
	capture flow_watch --once
	assert_status 0
	assert_output ''
	assert_errors ''
}

@test "a port scan, as a line" {
	one_scan
	capture flow_watch --once
	assert_status 0
	assert_errors ''
	assert_output '12:00:10 port-scan 192.0.2.7 -> 192.0.2.1 tcp: 15 ports unanswered of 15 tried in 60 s (expected 1, sign from 15)'
	capture flow_watch --once -t
	assert_output '2026-11-22T12:00:10Z port-scan 192.0.2.7 -> 192.0.2.1 tcp: 15 ports unanswered of 15 tried in 60 s (expected 1, sign from 15)'
}

@test "the same of IPv6" {
	{
		scan 2001:db8::7 15 | sed 's/192.0.2.1 /2001:db8::1 /'
		tick 10
	} | flow puts
	capture flow_watch --once
	assert_output '12:00:10 port-scan 2001:db8::7 -> 2001:db8::1 tcp: 15 ports unanswered of 15 tried in 60 s (expected 1, sign from 15)'
}

@test "JSON: all keys, and values that are not there are null" {
	one_scan
	capture flow_watch --once -j
	assert_status 0
	assert_output "{\"time\":$((noon + 10)).000000,\"sign\":\"port-scan\",\"src\":\"192.0.2.7\",\"dst\":\"192.0.2.1\",\"proto\":\"tcp\",\
\"dport\":null,\"service\":null,\"iface\":\"lo\",\"observed\":15,\"at_least\":false,\"expected\":1,\"threshold\":15,\"unit\":\"ports\",\
\"samples\":15,\"sources\":null,\"window\":60,\"since\":$((noon - 50)).000000,\"until\":$((noon + 10)).000000,\"proven\":false,\"never\":false}"
}

@test "14 ports are none, unless that is asked for" {
	{
		scan 192.0.2.7 14
		tick 10
	} | flow puts
	capture flow_watch --once
	assert_output ''
	capture flow_watch --once --set port-scan.least=14
	assert_errors ''
	[ "$(wc -l <"$out")" = 1 ] || fail 'one line' "$(cat "$out")"
	capture flow_watch --once --set port-scan.least=14 --only syn-flood,logins
	assert_output ''
	capture flow_watch --once --set port-scan.least=14 --dport 2-100
	assert_output ''
}

@test "once: the past is looked at window after window, and the same is told again only after a while" {
	{
		scan 192.0.2.7 15
		scan 192.0.2.7 15 400
		tick 500
	} | flow puts
	capture flow_watch --once --only port-scan
	[ "$(cut -d ' ' -f 2-4 "$out" | sort | uniq -c | tr -s ' ')" = ' 2 port-scan 192.0.2.7 ->' ] || fail 'two signs' "$(cat "$out")"
	capture flow_watch --once --only port-scan --again 1000
	[ "$(wc -l <"$out")" = 1 ] || fail 'one sign' "$(cat "$out")"
}

@test "a flood: sources are counted, and that there may have been more is told" {
	local i

	for i in {1..120}; do
		echo "tcp 198.51.100.$i 50000 192.0.2.1 80 history=Sh $(at "$noon$((i + 100000000))") rev.packets=1 rev.last=${noon}500000000"
	done | flow puts
	tick 10 | flow puts
	capture flow_watch --once --only syn-flood
	assert_output '12:00:10 syn-flood -> 192.0.2.1 port 80 tcp: 120 sessions half open of 120, of 120 sources in 60 s (expected 0, sign from 100)'
	flow bucket 0 evicted=7
	capture flow_watch --once --only syn-flood -j
	assert_json 'd["at_least"] and d["src"] is None and d["sources"] == 120 and d["dport"] == 80'
	flow bucket 0 evicted=0
}

@test "once: a session of 1970, from before a clock was set, does not make it go through all years since" {
	scan 192.0.2.7 15 | flow puts
	# shellcheck disable=SC2046  # words
	flow put udp 192.0.2.8 5000 192.0.2.98 53 $(at 1000000000)
	tick 10 | flow puts
	capture flow_watch --once --only port-scan
	assert_output '12:00:10 port-scan 192.0.2.7 -> 192.0.2.1 tcp: 15 ports unanswered of 15 tried in 60 s (expected 1, sign from 15)'
	flow_watch --once --learn "$tmp/learned"
	[ "$(awk '$1 == "learned" { print ($2 < 10) }' "$tmp/learned")" = 1 ] || fail 'windows' "$(cat "$tmp/learned")"
}

# ---- bans ----

@test "bans: a source once, as xdp_rule takes it" {
	one_scan
	scan 192.0.2.7 15 | sed 's/192.0.2.1 /192.0.2.2 /' | flow puts
	capture flow_watch --once --bans
	assert_status 0
	assert_errors ''
	assert_output '192.0.2.7 -S flow_watch # port-scan'
}

@test "never banned: what is named, in a file or not; loopback, link-local; own addresses" {
	one_scan
	capture flow_watch --once --bans --never 192.0.2.0/29
	assert_output ''
	printf '# ours\n2001:db8::/32 ; and\n192.0.2.5-192.0.2.9\n' >"$tmp/never"
	capture flow_watch --once --bans --never 10.0.0.0/8 --never "$tmp/never"
	assert_errors ''
	assert_output ''
	capture flow_watch --once -d 192.0.2.1 --only port-scan --never 192.0.2.7
	assert_output '12:00:10 port-scan 192.0.2.7 -> 192.0.2.1 tcp: 15 ports unanswered of 15 tried in 60 s (expected 1, sign from 15, never banned)'
	capture flow_watch --once -j -d 192.0.2.1 --only port-scan --never 192.0.2.7
	assert_json 'd["never"]'
	ip address add 192.0.2.7/32 dev t0
	capture flow_watch --once --bans
	ip address del 192.0.2.7/32 dev t0
	assert_output ''
	setup
	one_scan 169.254.3.4
	scan 127.0.0.5 15 | flow puts
	scan fe80::5 15 | sed 's/192.0.2.1 /2001:db8::1 /' | flow puts
	scan ::ffff:198.51.100.7 15 | sed 's/192.0.2.1 /2001:db8::1 /' | flow puts
	capture flow_watch --once --bans
	assert_output ''
	capture flow_watch --once --only port-scan
	[ "$(wc -l <"$out")" = 4 ] || fail 'but they are told' "$(cat "$out")"
}

@test "a file of those never banned is read wholly before anything is looked at" {
	printf '192.0.2.1\n\n192.0.2.1/24\n' >"$tmp/never"
	assert_fails 2 "$tmp/never:3:1: 192.0.2.1/24" flow_watch --once --bans --never "$tmp/never"
	printf '192.0.2.1 192.0.2.2\n' >"$tmp/never"
	assert_fails 2 "$tmp/never:1:11: 192.0.2.2" flow_watch --once --bans --never "$tmp/never"
	assert_fails 2 192.0.2.1/24 flow_watch --once --bans --never 192.0.2.1/24
	assert_fails 1 "$tmp/none" flow_watch --once --bans --never "$tmp/none"
}

@test "proven: only who completed a handshake among the sessions that the sign is made of" {
	one_scan
	capture flow_watch --once --bans --proven
	assert_output ''
	echo "tcp 192.0.2.7 50000 192.0.2.1 443 history=ShA flags=4 $(at "${noon}300000000") rev.packets=1 rev.last=${noon}400000000" | flow puts
	capture flow_watch --once --bans --proven
	assert_output '192.0.2.7 -S flow_watch # port-scan'
	capture flow_watch --once -j --proven --only port-scan
	assert_json 'd["proven"] and d["observed"] == 15 and d["samples"] == 16'
}

# ---- again and again ----

# follow [OPTION]...: looks each second, in the background
follow() {
	watched=flow_watch
	flow_watch --interval 1 "$@" >"$tmp/watched" 2>"$tmp/complaints" 3>&- &
	watcher=$!
	servers+=("$watcher")
	eventually listens
}

@test "it goes on while others hand sessions out and change the table; each line is there at once" {
	flow head settings.clock=0
	follow --only port-scan -j
	scan 192.0.2.7 15 | sed "s/=${noon}[0-9]*/=-1/g" | flow puts
	eventually has 1 '"src":"192.0.2.7"'
	flow_dump --reset -q >/dev/null
	scan 192.0.2.8 15 | sed "s/=${noon}[0-9]*/=-1/g" | flow puts
	eventually has 1 '"src":"192.0.2.8"'
	flow_set --capacity 1200
	scan 192.0.2.9 15 | sed "s/=${noon}[0-9]*/=-1/g" | flow puts
	eventually has 1 '"src":"192.0.2.9"'
	has 2 port-scan && ! has 4 port-scan || fail 'three signs' "$(cat "$tmp/watched")"
	flow_set --capacity default
	assert_stops TERM
}

@test "what was handed out is seen where it was not before" {
	flow head settings.clock=0
	scan 192.0.2.7 15 | sed "s/=${noon}[0-9]*/=-5/g" | flow puts
	flow_dump --reset -q >/dev/null
	follow --only port-scan
	eventually has 1 'port-scan 192.0.2.7'
	assert_stops INT
}

@test "the maps go: exit status 1, and why" {
	local result=0

	follow
	mkdir "${pins%/*}/gone"
	mv "$pins"/* "${pins%/*}/gone"
	wait "$watcher" || result=$?
	servers=()
	mv "${pins%/*}/gone"/* "$pins"
	rmdir "${pins%/*}/gone"
	[ "$result" = 1 ] || fail 'exit status 1' "$result"
	has_complaint=$(wc -l <"$tmp/complaints")
	[ "$has_complaint" = 1 ] || fail 'one line' "$(cat "$tmp/complaints")"
}

# ---- the list, and what is refused ----

@test "the list of signs: kinds, and settings in force" {
	capture flow_watch --list-signs --set port-scan.least=7
	assert_status 0
	grep -qE '^port-scan\.least +7 ' "$out" || fail 'what is set' "$(cat "$out")"
	capture flow_watch --list-signs -j --pin-dir /nonexistent
	assert_status 0
	assert_json '[s["sign"] for s in d][:5] == ["port-scan", "address-scan", "syn-flood", "failed-connections", "logins"]'
	assert_json 'd[0]["settings"]["least"]["value"] == 15'
}

@test "usage: what cannot be is refused before anything is looked at" {
	assert_fails 2 port-scan flow_watch --set port-scan
	assert_fails 2 scan.least=1 flow_watch --set scan.least=1
	assert_fails 2 0 flow_watch --set port-scan.least=0
	assert_fails 2 ports flow_watch --only ports
	assert_fails 2 --interval flow_watch --interval 61
	assert_fails 2 --bans flow_watch --bans -j
	assert_fails 2 --bans flow_watch --learn "$tmp/profile" --bans
	assert_fails 2 0 flow_watch --most 0
	assert_fails 2 10.0.0.0/33 flow_watch 10.0.0.0/33
	assert_fails 2 10.0.0.2 flow_watch 10.0.0.1 10.0.0.2
	assert_fails 2 --once flow_watch --list-signs --once
	assert_fails 1 /nonexistent flow_watch --pin-dir /nonexistent
	assert_fails 1 "$tmp/none" flow_watch --against "$tmp/none"
}
