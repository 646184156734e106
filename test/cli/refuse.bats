#!/usr/bin/env bats
# Malformed input: exit 2, one line that names the operand, and the rules stay as they were.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	# something that a wrong command could damage
	map_update 10.0.0.0 8 80 80 5000 tcp
	map_update 10.0.0.0 8 80 80 0 udp -S kept -i t0
}

# each OPERAND-POSITION TEXT...: the operand at that place of a good rule is replaced by each text in turn.
each() {
	local position=$1 text operands

	shift
	for text; do
		operands=(10.0.0.0 8 80 90 5000 tcp)
		operands[position]=$text
		assert_refused "$text" map_update -- "${operands[@]}"
	done
}

# ---- the six operands ----

@test "an address that is none" {
	each 0 10 10.0.0 10.0.0.0.0 256.0.0.1 0x0a000000 167772160 localhost ::: 1::2::3 12345::
}

@test "an address with a leading zero is no octal number" {
	each 0 010.0.0.1 10.00.0.0 10.0.0.01
}

@test "an address with something before or behind it" {
	each 0 10.0.0.0x ' 10.0.0.0' '10.0.0.0 ' 10.0.0.0/8 10.0.0.0, '2001:db8::x' '2001:db8::%t0' 10.0.0.0:80
}

@test "a prefix length that is no number" {
	each 1 x 8x ' 8' '8 ' +8 -8 0x8 08 8.0 1e1 24/24 255.0.0.0
}

@test "a prefix length out of range, also one that wraps around to a good one" {
	each 1 33 129 4294967304 18446744073709551624 99999999999999999999999
	assert_refused 129 map_update 2001:db8:: 129 80 80 5000 tcp
}

@test "a port that is no number, as LOW, HIGH and TPROXY_PORT" {
	local position

	for position in 2 3 4; do
		each "$position" x 80x ' 80' '80 ' +5 -5 0x10 080 80-90 80,90 http 1.5 1e3 '８０'
	done
}

@test "a port out of range, also one that wraps around to a good one" {
	local position

	for position in 2 3 4; do
		each "$position" 65536 131152 4294967376 18446744073709551696
	done
}

@test "a protocol that is none, also numbers that wrap around to one" {
	each 5 x tcpx ' tcp' 'tcp ' TCP tcp6 6x 06 +6 -6 0x6 256 262 4294967302 18446744073709551622
}

@test "an empty operand, each of the six" {
	each 0 ''
	each 1 ''
	each 2 ''
	each 3 ''
	each 4 ''
	each 5 ''
}

@test "a negative operand without -- before it" {
	assert_refused -5 map_update 10.0.0.0 8 80 80 -5 tcp
	assert_refused -5 map_update 10.0.0.0 8 -5 80 0 tcp
	assert_refused -5 map_delete 10.0.0.0 8 -5 tcp
}

@test "HIGH below LOW" {
	assert_refused 80 map_update 10.0.0.0 8 90 80 5000 tcp
	assert_errors_have 90
	assert_refused 0 map_update 10.0.0.0 8 1 0 5000 tcp
}

@test "host bits, and the masked form is named" {
	assert_refused 10.0.0.5/24 map_update 10.0.0.5 24 80 80 5000 tcp
	assert_errors 'map_update: 10.0.0.5/24: host bits set, did you mean 10.0.0.0/24'
	assert_refused 10.0.0.1/0 map_update 10.0.0.1 0 80 80 5000 tcp
	assert_errors_have 'did you mean 0.0.0.0/0'
	assert_refused 255.255.255.255/31 map_update 255.255.255.255 31 80 80 5000 tcp
	assert_errors_have 'did you mean 255.255.255.254/31'
	assert_refused 2001:db8::1/33 map_update 2001:db8::1 33 80 80 5000 tcp
	assert_errors_have 'did you mean 2001:db8::/33'
	assert_refused 10.0.0.5/24 map_update 10.0.0.0 8 80 80 5000 tcp -s 10.0.0.5/24
	assert_errors_have 'did you mean 10.0.0.0/24'
	assert_refused 10.0.0.5/24 map_delete 10.0.0.5 24 80 tcp
	assert_refused 10.0.0.5/24 rule_list 10.0.0.5 24
}

@test "too few operands, too many, none" {
	assert_refused 0 map_update 10.0.0.0 8 80 80 0
	assert_errors_have 'expected DST LEN LOW HIGH TPROXY_PORT PROTO'
	assert_refused 10.0.0.0 map_update 10.0.0.0
	assert_refused more map_update 10.0.0.0 8 80 80 0 tcp more
	assert_refused operands map_update
	assert_refused operands map_update -v
	assert_refused 10.0.0.0 map_delete 10.0.0.0
	assert_refused more map_delete 10.0.0.0 8 80 tcp more
	assert_refused operands map_delete
	assert_refused operands map_delete -i t0
	assert_refused 10.0.0.0 rule_list 10.0.0.0
	assert_refused more rule_list 10.0.0.0 8 80 tcp more
	assert_refused more trace_tail more
}

# ---- address ranges ----

@test "a range with a length that is not that of one address" {
	assert_refused 24 map_update 10.0.0.0-10.0.0.2 24 80 80 5000 tcp
	assert_refused 128 map_update 10.0.0.0-10.0.0.2 128 80 80 5000 tcp
	assert_refused 32 map_update 2001:db8::-2001:db8::2 32 80 80 5000 tcp
	assert_refused '' map_update 10.0.0.0-10.0.0.2 '' 80 80 5000 tcp
}

@test "a range that is reversed, open, of two families or with junk" {
	local range

	for range in 10.0.0.2-10.0.0.1 10.0.0.0-10 10.0.0.0- 10.0.0.0-2001:db8:: 2001:db8::-10.0.0.0 - -10.0.0.0 \
		10.0.0.1-10.0.0.2-10.0.0.3 10.0.0.0-10.0.0.2x 10.0.0.0-10.0.0.2/32 '10.0.0.0 - 10.0.0.2'; do
		assert_refused "$range" map_update 10.0.0.0 8 80 80 5000 tcp -s "$range"
	done
	assert_refused 10.0.0.2-10.0.0.1 map_update 10.0.0.2-10.0.0.1 32 80 80 5000 tcp
	assert_refused 2001:db8::-10.0.0.0 map_update 2001:db8::-10.0.0.0 128 80 80 5000 tcp
}

# ---- options ----

@test "a source that is none, or of the other family" {
	local source

	for source in '' x 10 10.0.0.0/ 10.0.0.0/33 10.0.0.0/x 10.0.0.0/-1 10.0.0.0/+8 10.0.0.0/08 /8 10.0.0.0/8/8 \
		10.0.0.0/8x ' 10.0.0.0/8' 010.0.0.0/8; do
		# the length is an operand of its own
		capture map_update 10.0.0.0 8 80 80 5000 tcp -s "$source"
		assert_status 2
		assert_output ''
		assert_one_line
	done
	assert_refused 10.0.0.0 map_update 2001:db8:: 32 80 80 5000 tcp -s 10.0.0.0
	assert_refused 2001:db8::/32 map_update 10.0.0.0 8 80 80 5000 tcp -s 2001:db8::/32
	assert_refused 0.0.0.0/0 map_update 2001:db8:: 32 80 80 5000 tcp -s 0.0.0.0/0
	assert_refused 2001:db8::-2001:db8::2 map_update 10.0.0.0 8 80 80 5000 tcp -s 2001:db8::-2001:db8::2
}

@test "a source with a bad length is named whole" {
	assert_refused 10.0.0.0/33 map_update 10.0.0.0 8 80 80 5000 tcp -s 10.0.0.0/33
	assert_refused 10.0.0.0/ map_update 10.0.0.0 8 80 80 5000 tcp -s 10.0.0.0/
}

@test "an action that is none" {
	local action

	for action in '' x spl PASS 'drop ' reject; do
		assert_refused "$action" map_update 10.0.0.0 8 80 80 0 tcp -a "$action"
		assert_refused "$action" map_delete --all -a "$action"
	done
}

@test "an action that contradicts the port" {
	assert_refused 5000 map_update 10.0.0.0 8 80 80 5000 tcp -a drop
	assert_refused 5000 map_update 10.0.0.0 8 80 80 5000 tcp -a pass
	assert_refused 0 map_update 10.0.0.0 8 80 80 0 tcp -a splice
}

@test "splice of a protocol that has no sockets to splice to" {
	local proto

	for proto in any icmp 1 47 gre sctp 132 0 255; do
		assert_refused "$proto" map_update 10.0.0.0 8 0 65535 5000 "$proto"
	done
	assert_refused icmpv6 map_update 2001:db8:: 32 any any 5000 icmpv6
}

@test "ports of a protocol that has none" {
	assert_refused 80 map_update 10.0.0.0 8 80 90 0 47
	assert_refused 80 map_update 10.0.0.0 8 80 90 0 any
	assert_refused 1 map_update 10.0.0.0 8 1 65535 0 esp
	assert_refused 0 map_update 10.0.0.0 8 0 65534 0 89
}

@test "ICMP of the other family" {
	assert_refused icmpv6 map_update 10.0.0.0 8 any any 0 icmpv6
	assert_refused 58 map_update 10.0.0.0 8 any any 0 58
	assert_refused icmp map_update 2001:db8:: 32 any any 0 icmp
	assert_refused 1 map_update 2001:db8:: 32 any any 0 1
}

@test "an ICMP type or code that is none" {
	assert_refused 256 map_update 10.0.0.0 8 256 0 0 icmp
	assert_refused 256 map_update 10.0.0.0 8 8 256 0 icmp
	assert_refused -1 map_update 10.0.0.0 8 8 -1 0 icmp
	assert_refused echo map_update 10.0.0.0 8 echo any 0 icmp
	assert_refused '' map_update 10.0.0.0 8 8 '' 0 icmp
	assert_refused any map_update 10.0.0.0 8 any 0 0 icmp
	assert_refused any map_update 10.0.0.0 8 80 any 0 tcp
}

@test "a service tag that is empty or too long" {
	local tag

	assert_refused service map_update 10.0.0.0 8 80 80 5000 tcp -S ''
	tag=$(printf '%065d' 0)
	assert_refused "$tag" map_update 10.0.0.0 8 80 80 5000 tcp -S "$tag"
	assert_errors_have 65
	# the name of an operand in a message ends somewhere
	tag=$(printf '%0300d' 0)
	assert_refused "${tag:0:250}" map_update 10.0.0.0 8 80 80 5000 tcp -S "$tag"
	# bytes count, not characters
	tag=$(printf 'é%.0s' {1..33})
	assert_refused "$tag" map_update 10.0.0.0 8 80 80 5000 tcp -S "$tag"
}

# "map_delete -S $SERVICE" of a script whose variable is not set must not take every rule without a tag.
@test "map_delete with an empty tag and nothing else" {
	assert_refused service map_delete -S ''
}

@test "a service tag with a control character, which the message does not repeat" {
	assert_refused 'a?[31mb' map_update 10.0.0.0 8 80 80 5000 tcp -S $'a\e[31mb'
	assert_refused 'a?b' map_update 10.0.0.0 8 80 80 5000 tcp -S $'a\nb'
	assert_refused 'a?b' map_update 10.0.0.0 8 80 80 5000 tcp -S $'a\tb'
	assert_refused 'a?b' map_update 10.0.0.0 8 80 80 5000 tcp -S $'a\rb'
	assert_refused 'a?b' map_update 10.0.0.0 8 80 80 5000 tcp -S $'a\x7fb'
	assert_refused 'a?b' map_update $'a\nb' 8 80 80 5000 tcp
	assert_refused '--a?b' map_update $'--a\nb'
}

@test "a service tag with a control character of ISO 6429 in UTF-8 (U+009B begins a terminal's sequence)" {
	capture map_update 10.0.0.0 8 80 80 5000 tcp -S $'a\xc2\x9b31mb'
	assert_status 2
}

@test "a priority that is no number, or out of range" {
	local priority

	for priority in '' x 1.5 +1 0x1 ' 1' '1 ' 01 -01 - -- 2147483648 -2147483648 4294967296 -9223372036854775809 \
		18446744073709551616; do
		assert_refused "$priority" map_update 10.0.0.0 8 80 80 5000 tcp -P "$priority"
	done
}

@test "an interface whose name cannot be one" {
	assert_refused interface map_update 10.0.0.0 8 80 80 5000 tcp -i ''
	assert_refused 0123456789abcdef map_update 10.0.0.0 8 80 80 5000 tcp -i 0123456789abcdef
	capture map_update 10.0.0.0 8 80 80 5000 tcp -i '#0'
	assert_status 2
	capture map_update 10.0.0.0 8 80 80 5000 tcp -i '#x'
	assert_status 2
}

@test "more interfaces than a rule takes" {
	local names

	mapfile -t names < <(printf -- '-i\nt0\n%.0s' {1..65})
	assert_refused t0 map_update 10.0.0.0 8 80 80 5000 tcp "${names[@]}"
}

@test "--route of everything, or of what needs none" {
	assert_refused --route map_update --route 0.0.0.0 0 80 80 5000 tcp
	assert_refused --route map_update --route :: 0 80 80 5000 tcp
	assert_refused --route map_update --route 0.0.0.0-255.255.255.255 32 80 80 5000 tcp
	assert_refused --route map_update --route 10.0.0.0 8 80 80 0 tcp
	assert_refused --route map_update --route 10.0.0.0 8 80 80 0 tcp -a drop
	capture ip route show table local default
	assert_output ''
}

@test "an unknown option, short and long, of every tool" {
	local tool

	for tool in map_update map_delete rule_list trace_tail; do
		assert_refused -x "$tool" -x
		assert_errors "$tool: -x: unknown option (see --help)"
		assert_refused -x "$tool" -jx
		assert_refused -x "$tool" -xj
		assert_refused --unknown "$tool" --unknown
		assert_errors "$tool: --unknown: unknown option (see --help)"
		assert_refused --unknown=3 "$tool" --unknown=3
	done
}

@test "an unknown letter is named, not the long option before it" {
	assert_refused -x map_update --route -xv 10.0.0.0 8 80 80 5000 tcp
	assert_refused -x map_delete --all -xv
}

@test "a long option is not shortened: that would freeze the names" {
	assert_refused --serv map_update 10.0.0.0 8 80 80 5000 tcp --serv x
	assert_refused --al map_delete --al
	assert_refused --sa rule_list --sa
}

@test "an argument for an option that takes none" {
	assert_refused --route=3 map_update --route=3 10.0.0.0 8 80 80 5000 tcp
	assert_refused --all=x map_delete --all=x
	assert_refused --json=x rule_list --json=x
}

@test "an option without its argument" {
	local option

	for option in -s --source -i --iface -a --action -P --priority -S --service -f --file --pin-dir; do
		assert_refused "$option" map_update 10.0.0.0 8 80 80 5000 tcp "$option"
		assert_errors "map_update: $option: needs an argument"
		assert_refused "$option" map_delete 10.0.0.0 8 80 tcp "$option"
	done
	for option in -s --source -i --iface -a --action -P --priority -S --service -p --proto --pin-dir; do
		assert_refused "$option" rule_list "$option"
	done
	for option in -i --iface -p --proto -c --count --pin-dir; do
		assert_refused "$option" trace_tail "$option"
	done
}

@test "-f beside operands or options of its lines" {
	echo '10.9.0.0 16 80 80 0 tcp' >"$tmp/file"
	assert_refused "$tmp/file" map_update -f "$tmp/file" 10.0.0.0 8 80 80 0 tcp
	assert_refused "$tmp/file" map_update -f "$tmp/file" -S tag
	assert_refused "$tmp/file" map_update -f "$tmp/file" --route
	assert_refused "$tmp/file" map_update -P 0 -f "$tmp/file"
	assert_refused "$tmp/file" map_delete -f "$tmp/file" 10.0.0.0 8 80 tcp
	assert_refused "$tmp/file" map_delete -f "$tmp/file" --all
	assert_refused "$tmp/file" map_delete -f "$tmp/file" --dead
	assert_refused - map_delete -f - -S tag </dev/null
}

# ---- the other tools' operands ----

@test "selectors of map_delete and rule_list are checked like those of map_update" {
	local tool

	for tool in map_delete rule_list; do
		assert_refused 10 "$tool" 10 8 80 tcp
		assert_refused '' "$tool" '' 8 80 tcp
		assert_refused 33 "$tool" 10.0.0.0 33 80 tcp
		assert_refused '' "$tool" 10.0.0.0 '' 80 tcp
		assert_refused 65536 "$tool" 10.0.0.0 8 65536 tcp
		assert_refused 80x "$tool" 10.0.0.0 8 80x tcp
		assert_refused '' "$tool" 10.0.0.0 8 '' tcp
		assert_refused 80x "$tool" 10.0.0.0 8 80x
		assert_refused 4294967302 "$tool" 10.0.0.0 8 80 4294967302
		assert_refused '' "$tool" 10.0.0.0 8 80 ''
		assert_refused 256 "$tool" 10.0.0.0 8 256 icmp
		assert_refused x "$tool" 10.0.0.0 8 80 tcp -P x
		assert_refused x "$tool" 10.0.0.0 8 80 tcp --high x
		assert_refused 65536 "$tool" 10.0.0.0 8 80 tcp --high 65536
		assert_refused '' "$tool" 10.0.0.0 8 80 tcp --high ''
		assert_refused x "$tool" 10.0.0.0 8 80 tcp -s x
	done
	assert_refused x rule_list -p x
	assert_refused 256 rule_list -p 256
}

@test "trace_tail's own" {
	limit=30
	assert_refused 0 trace_tail -c 0
	assert_refused x trace_tail -c x
	assert_refused '' trace_tail -c ''
	assert_refused -1 trace_tail -c -1
	assert_refused tcpx trace_tail -p tcpx
	assert_refused interface trace_tail -i ''
}

@test "a count that 64 bits cannot hold" {
	limit=30
	assert_refused 18446744073709551616 trace_tail -c 18446744073709551616
}
