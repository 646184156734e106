#!/usr/bin/env bats
# ziti_divert: the argument vectors of OpenZiti's routers, and what else may stand there.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

insert=(ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20000)

# ---- the argument vectors ----

@test "a router of today: -I with source and service, -D with source" {
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20000 -s 4Bq2Ow7gL
	assert_rules '10.0.0.0 8 80 90 20000 tcp -S 4Bq2Ow7gL'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90
	assert_rules ''
}

@test "a router of today: one interface in each call" {
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p udp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20000 -s svc -N t0
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p udp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20000 -s svc -N t1
	assert_rules $'10.0.0.0 8 80 90 20000 udp -i t0 -S svc\n10.0.0.0 8 80 90 20000 udp -i t1 -S svc'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p udp -o 0.0.0.0 -n 0 -l 80 -h 90 -N t0
	assert_rules '10.0.0.0 8 80 90 20000 udp -i t1 -S svc'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p udp -o 0.0.0.0 -n 0 -l 80 -h 90 -N t1
	assert_rules ''
}

@test "an older router: no source, no service, no interface" {
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_rules '10.0.0.0 8 80 90 20000 tcp'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_rules ''
}

@test "several -N: one rule each, and -D takes all of them or none" {
	local all=$'10.0.0.0 8 80 90 20000 tcp -i t0\n10.0.0.0 8 80 90 20000 tcp -i t1'

	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000 -N t0 -N t1
	assert_rules "$all"
	assert_state '10.0.0.0/8 tcp 80-90 on lo' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -N t0 -N lo
	assert_errors_have 'no such rule'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -N t0 -N t1
	assert_rules ''
}

@test "the same by long names, and by a number of the protocol" {
	assert_done ziti_divert --insert --destination 10.0.0.0 --mask 8 --protocol 6 --source 192.0.2.0 --source-mask 24 \
		--low 80 --high 90 --port 20000 --service svc --iface t0
	assert_rules '10.0.0.0 8 80 90 20000 tcp -s 192.0.2.0/24 -i t0 -S svc'
	assert_done ziti_divert --delete --destination 10.0.0.0 --mask 8 --protocol tcp --source 192.0.2.0 --source-mask 24 \
		--low 80 --high 90 --iface t0
	assert_rules ''
}

@test "the arguments of -I with -D in its place delete what they inserted" {
	"${insert[@]}" -s one
	"${insert[@]}" -s two
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20000 -s one
	assert_rules '10.0.0.0 8 80 90 20000 tcp -S two'
}

@test "port 0 passes" {
	assert_done ziti_divert -I -c 10.0.0.1 -m 32 -p tcp -l 443 -h 443 -t 0
	assert_rules '10.0.0.1 32 443 443 0 tcp'
}

@test "-I over the same rule changes it, and makes it the newest" {
	"${insert[@]}" -s one
	"${insert[@]}" -s two
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20001 -s one
	assert_rules $'10.0.0.0 8 80 90 20000 tcp -S two\n10.0.0.0 8 80 90 20001 tcp -S one'
}

@test "-V: exit 0 with nothing attached and no privilege" {
	capture setpriv --reuid 65534 --clear-groups "$(command -v ziti_divert)" --pin-dir /nonexistent -V
	assert_status 0
	assert_errors ''
	[[ $(cat "$out") =~ ^"ziti_divert "[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail 'ziti_divert N.N.N' "$(cat "$out")"
}

@test "where splicer.o was never attached, -I and -D say so in one line" {
	local operation

	for operation in -I -D; do
		capture ziti_divert $operation -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000 --pin-dir "$tmp"
		assert_status 1
		assert_output ''
		assert_one_line
	done
}

# ---- services ----

@test "service ids: what begins with - or . or is an option, blanks, 64 bytes" {
	local id

	for id in -abc -D --help -- - .hidden '.-' 'two words' '"quoted" \back' "it's" '#1' é \
		"$(printf '%064d' 7)"; do
		assert_done "${insert[@]}" -s "$id"
		rule_list -j >"$out"
		assert_json "[r['service'] for r in d] == ['''${id//\\/\\\\}''']"
		assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90
		assert_rules ''
	done
}

@test "an empty service id is none" {
	assert_done "${insert[@]}" -s ''
	assert_rules '10.0.0.0 8 80 90 20000 tcp'
	"${insert[@]}" -s other
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -s ''
	assert_rules '10.0.0.0 8 80 90 20000 tcp -S other'
}

@test "service ids that are refused: 65 bytes, control characters" {
	local id

	for id in "$(printf '%065d' 7)" $'a\nb' $'\e[31m' $'\xc2\x9b'; do
		capture "${insert[@]}" -s "$id"
		assert_status 2
		assert_output ''
		assert_one_line
	done
	assert_rules ''
}

# ---- sources ----

@test "0.0.0.0 with length 0 is any source, for IPv6 destinations too" {
	assert_done ziti_divert -I -c fd00:10:: -m 64 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90 -t 20000 -s svc
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o :: -n 0 -l 80 -h 90 -t 20000 -s svc
	assert_rules $'fd00:10:: 64 80 90 20000 tcp -S svc\n10.0.0.0 8 80 90 20000 tcp -S svc'
	assert_done ziti_divert -D -c fd00:10:: -m 64 -p tcp -l 80 -h 90
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90
	assert_rules ''
}

@test "an IPv6 source with length 32: one address if it has host bits, a network if not" {
	assert_done ziti_divert -I -c fd00:10::1 -m 128 -p tcp -o 2001:db8::7 -n 32 -l 80 -h 90 -t 20000
	assert_done ziti_divert -I -c fd00:10::1 -m 128 -p tcp -o 2001:db8:: -n 32 -l 80 -h 90 -t 20000
	assert_rules "$(printf 'fd00:10::1 128 80 90 20000 tcp -s %s\n' 2001:db8::7/128 2001:db8::/32)"
	assert_done ziti_divert -D -c fd00:10::1 -m 128 -p tcp -o 2001:db8::7 -n 32 -l 80 -h 90
	assert_done ziti_divert -D -c fd00:10::1 -m 128 -p tcp -o 2001:db8:: -n 32 -l 80 -h 90
	assert_rules ''
}

@test "a source without a length is one address" {
	assert_done ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 192.0.2.7 -l 80 -h 90 -t 20000
	assert_done ziti_divert -I -c fd00:10:: -m 64 -p tcp -o 2001:db8::7 -l 80 -h 90 -t 20000
	assert_rules $'10.0.0.0 8 80 90 20000 tcp -s 192.0.2.7/32\nfd00:10:: 64 80 90 20000 tcp -s 2001:db8::7/128'
}

@test "a source that cannot be is refused" {
	assert_refused 192.0.2.7/24 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 192.0.2.7 -n 24 -l 80 -h 90 -t 20000
	assert_refused 0.0.0.1/0 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.1 -n 0 -l 80 -h 90 -t 20000
	assert_refused 2001:db8::7/64 ziti_divert -I -c fd00:10:: -m 64 -p tcp -o 2001:db8::7 -n 64 -l 80 -h 90 -t 20000
	assert_refused 192.0.2.0/24 ziti_divert -I -c fd00:10:: -m 64 -p tcp -o 192.0.2.0 -n 24 -l 80 -h 90 -t 20000
	assert_refused 2001:db8::/32 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 2001:db8:: -n 32 -l 80 -h 90 -t 20000
	assert_refused 33 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 192.0.2.7 -n 33 -l 80 -h 90 -t 20000
	assert_refused 129 ziti_divert -I -c fd00:10:: -m 64 -p tcp -o 2001:db8::7 -n 129 -l 80 -h 90 -t 20000
	assert_refused 24 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -n 24 -l 80 -h 90 -t 20000
	assert_refused '' ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o '' -n '' -l 80 -h 90 -t 20000
	assert_refused host ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o host -n 0 -l 80 -h 90 -t 20000
}

# ---- which rule -D means ----

@test "-D names the rule by destination, source, protocol, both ports and interface" {
	"${insert[@]}" -s svc
	assert_state '10.0.0.0/9 tcp 80-90' ziti_divert -D -c 10.0.0.0 -m 9 -p tcp -l 80 -h 90
	assert_state '11.0.0.0/8 tcp 80-90' ziti_divert -D -c 11.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_state '10.0.0.0/8 udp 80-90' ziti_divert -D -c 10.0.0.0 -m 8 -p udp -l 80 -h 90
	assert_state '10.0.0.0/8 tcp 81-90' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 81 -h 90
	assert_state '10.0.0.0/8 tcp 80-80' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 80
	assert_state '10.0.0.0/8 tcp 80-90 on t0' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -N t0
	assert_state '10.0.0.0/8 tcp 80-90' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -s other
	assert_state '10.0.0.0/8 tcp 80-90 from 192.0.2.0/24' \
		ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -o 192.0.2.0 -n 24 -l 80 -h 90
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_state '10.0.0.0/8 tcp 80-90' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
}

@test "-D without -N leaves rules of interfaces alone, one without a source those of sources" {
	"${insert[@]}" -N t0
	ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -o 192.0.2.0 -n 24 -l 80 -h 90 -t 20000
	assert_state '10.0.0.0/8 tcp 80-90' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 90
	assert_errors_have 'no such rule'
}

@test "-D leaves rules alone that have a priority: a router gives none" {
	map_update 10.0.0.0 8 80 90 20000 tcp -P 5
	assert_state '10.0.0.0/8 tcp 80-90' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	"${insert[@]}" -s svc
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_rules '10.0.0.0 8 80 90 20000 tcp -P 5'
}

@test "-D of several services: those whose listeners are gone, the oldest first" {
	serve tcp-serve 127.0.0.1 20002
	"${insert[@]}" -s first
	ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20002 -s alive
	"${insert[@]}" -s second
	# changed: now it is the newest
	ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20001 -s first
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_rules $'10.0.0.0 8 80 90 20002 tcp -S alive\n10.0.0.0 8 80 90 20001 tcp -S first'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_rules '10.0.0.0 8 80 90 20002 tcp -S alive'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_rules ''
}

@test "-D of several services of which none is dead: exit 1 with one line, nothing is deleted" {
	serve tcp-serve 127.0.0.1 20000
	"${insert[@]}" -s one
	"${insert[@]}" -s two
	assert_state '10.0.0.0/8 tcp 80-90' ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_errors_have '2 rules match'
	assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -s two
	assert_rules '10.0.0.0 8 80 90 20000 tcp -S one'
}

@test "-D finds its rule among many of the same key, and leaves the others" {
	local i

	for ((i = 0; i < 300; i++)); do
		echo "10.0.0.0 8 $((2 * i + 1)) $((2 * i + 1)) 20000 tcp -S s$i"
	done >"$tmp/rules"
	map_update -f "$tmp/rules"
	for i in 0 150 299; do
		assert_done ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l $((2 * i + 1)) -h $((2 * i + 1))
		sed -i "/ tcp -S s$i\$/d" "$tmp/rules"
	done
	assert_rules "$(cat "$tmp/rules")"
}

# ---- malformed ----

@test "neither -I nor -D, or both, is a usage error" {
	assert_refused operation ziti_divert
	assert_refused operation ziti_divert -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused operation ziti_divert -I -D -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000
}

@test "what is missing is named" {
	assert_refused -c ziti_divert -I -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused -m ziti_divert -I -c 10.0.0.0 -p tcp -l 80 -h 90 -t 20000
	assert_refused -p ziti_divert -I -c 10.0.0.0 -m 8 -l 80 -h 90 -t 20000
	assert_refused -l ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -h 90 -t 20000
	assert_refused -h ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -t 20000
	assert_refused -t ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90
	assert_refused -c ziti_divert -D
	assert_refused -h ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -t 20000 -h
}

@test "malformed values are refused in one line, and nothing changes" {
	"${insert[@]}"
	assert_refused 10 ziti_divert -I -c 10 -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused 10.0.0.0/8 ziti_divert -I -c 10.0.0.0/8 -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused 10.0.0.5/8 ziti_divert -I -c 10.0.0.5 -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused 33 ziti_divert -I -c 10.0.0.0 -m 33 -p tcp -l 80 -h 90 -t 20000
	assert_refused icmp ziti_divert -I -c 10.0.0.0 -m 8 -p icmp -l 8 -h 0 -t 0
	assert_refused any ziti_divert -D -c 10.0.0.0 -m 8 -p any -l 80 -h 90
	assert_refused nope ziti_divert -I -c 10.0.0.0 -m 8 -p nope -l 80 -h 90 -t 20000
	assert_refused 79 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 79 -t 20000
	assert_refused 65536 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 65536 -t 20000
	assert_refused 080 ziti_divert -D -c 10.0.0.0 -m 8 -p tcp -l 080 -h 90
	assert_refused 65536 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 65536
	assert_refused '' ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t ''
	assert_refused x ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000 x
	assert_refused -z ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000 -z
	assert_refused --dest ziti_divert -I --dest 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused '1?2' ziti_divert -I -c $'1\n2' -m 8 -p tcp -l 80 -h 90 -t 20000
	assert_refused interface ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000 -N ''
	assert_state t9 ziti_divert -I -c 10.0.0.0 -m 8 -p tcp -l 80 -h 90 -t 20000 -N t0 -N t9
}
