#!/usr/bin/env bats
# xdp_rule: one rule at a time.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load xdp

setup_file() {
	xdp_links
}

setup() {
	box_begin
	unset SSH_CONNECTION
	xdp_attach_anew
}

# await_none PREFIX: until it has no rule any more
await_none() {
	local until=$((SECONDS + 20))

	while [ "$(xdp_rule list --save "$1")" ]; do
		((SECONDS < until)) || fail "no rule of $1" 'one' || return
		sleep 0.1
	done
}

# ---- what rules are made of ----

@test "a bare prefix is the source, of any protocol, and is dropped" {
	assert_done xdp_rule add 192.168.3.0/24
	assert_done xdp_rule add 192.168.4.1 drop
	assert_done xdp_rule add 2001:db8::/32 0
	assert_rules 'add 192.168.3.0/24 drop
add 192.168.4.1/32 drop
add 2001:db8::/32 drop'
}

@test "actions: drop, pass, monitor, never-drop; of numbers, 0 only" {
	local action

	for action in drop pass monitor never-drop; do
		assert_done xdp_rule add 10.0.0.1 "$action" -S "$action"
	done
	assert_rules 'add 10.0.0.1/32 drop -S drop
add 10.0.0.1/32 pass -S pass
add 10.0.0.1/32 monitor -S monitor
add 10.0.0.1/32 never-drop -S never-drop'
	assert_refused 1 xdp_rule add 10.0.0.1 1
	assert_errors_have 'other numbers mean different things to different programs'
	assert_refused block xdp_rule add 10.0.0.1 block
}

@test "every option, in a word or a letter, as operands or beside them" {
	assert_done xdp_rule add -s 10.0.0.0/8 -d 192.0.2.0/24 -p tcp --dport 80-90 -i t0 -P 5 -S web --rate 100:200 pass
	assert_done xdp_rule --source=10.0.0.0/8 --proto icmp --icmp 8/0 --priority -5 --iface t0 --service '#' add monitor
	assert_done xdp_rule add any drop -p nonip -i t0
	assert_rules 'add 10.0.0.0/8 pass -d 192.0.2.0/24 -p tcp --dport 80-90 -i t0 -P 5 -S web --rate 100:200
add 10.0.0.0/8 monitor -p icmp --icmp 8/0 -i t0 -P -5 -S "#"
add any drop -p nonip -i t0'
}

@test "several interfaces: a rule each; a range: one for each of its prefixes; any: one for each family" {
	assert_done xdp_rule add 10.0.0.1-10.0.0.2 -i t0 -i t1
	assert_done xdp_rule add any pass -p udp --dport 53
	assert_rules 'add 10.0.0.1/32 drop -i t0
add 10.0.0.1/32 drop -i t1
add 10.0.0.2/32 drop -i t0
add 10.0.0.2/32 drop -i t1
add 0.0.0.0/0 pass -p udp --dport 53
add ::/0 pass -p udp --dport 53'
}

@test "host bits are refused, or cleared with --mask" {
	assert_refused 192.168.3.101/24 xdp_rule add 192.168.3.101/24
	assert_errors_have 'did you mean 192.168.3.0/24'
	assert_done xdp_rule add --mask 192.168.3.101/24
	assert_rules 'add 192.168.3.0/24 drop'
	assert_done xdp_rule delete --mask 192.168.3.7/24
	assert_rules ''
}

@test "an IPv4 address in IPv6 form, which no packet has, is refused; all of them are not" {
	assert_refused ::ffff:192.0.2.1 xdp_rule add ::ffff:192.0.2.1
	assert_errors_have 'did you mean 192.0.2.1/32'
	assert_refused ::ffff:192.0.2.0/120 xdp_rule add any -d ::ffff:192.0.2.0/120
	assert_refused ::ffff:192.0.2.1-::ffff:192.0.2.3 xdp_rule add ::ffff:192.0.2.1-::ffff:192.0.2.3
	assert_refused stdin:2:1 xdp_rule -f - <<<$'10.0.0.1\n::ffff:192.0.2.1'
	assert_done xdp_rule add ::ffff:0:0/96
	assert_done xdp_rule add ::/0
	assert_rules $'add ::ffff:0.0.0.0/96 drop\nadd ::/0 drop'
}

@test "-v tells what became of each rule: A, C, =, D" {
	capture xdp_rule -v add 10.0.0.1
	assert_output 'A add 10.0.0.1/32 drop'
	capture xdp_rule -v add 10.0.0.1
	assert_output '= add 10.0.0.1/32 drop'
	capture xdp_rule -v add 10.0.0.1 monitor
	assert_output 'C add 10.0.0.1/32 monitor'
	capture xdp_rule -v add 10.0.0.1 monitor --rate 5
	assert_output 'C add 10.0.0.1/32 monitor --rate 5'
	capture xdp_rule -v add 10.0.0.1 monitor --rate 5:6
	assert_output 'C add 10.0.0.1/32 monitor --rate 5:6'
	capture xdp_rule -v add 10.0.0.1 monitor --rate 5:6
	assert_output '= add 10.0.0.1/32 monitor --rate 5:6'
	capture xdp_rule -v add 10.0.0.1 monitor
	assert_output 'C add 10.0.0.1/32 monitor'
	capture xdp_rule -v delete 10.0.0.1
	assert_output 'D add 10.0.0.1/32 monitor'
	assert_rules ''
}

@test "-j tells the same; -n changes nothing, and tells" {
	capture xdp_rule -j add 10.0.0.1 pass --rate 7 -S a -i t0
	assert_json 'len(d) == 1 and d[0]["change"] == "A" and d[0]["src"] == "10.0.0.1/32" and d[0]["action"] == "pass"'
	assert_json 'd[0]["rate"] == 7 and d[0]["burst"] == 7 and d[0]["iface"] == "t0" and d[0]["kind"] == "rule"'
	capture xdp_rule -n add 10.0.0.2
	assert_status 0
	assert_output 'A add 10.0.0.2/32 drop'
	capture xdp_rule -n delete 10.0.0.1
	assert_output 'D add 10.0.0.1/32 pass -i t0 -S a --rate 7'
	capture xdp_rule -n flush
	assert_output 'D add 10.0.0.1/32 pass -i t0 -S a --rate 7'
	capture xdp_rule -n default drop --force
	assert_output 'A default drop'
	assert_rules 'add 10.0.0.1/32 pass -i t0 -S a --rate 7'
}

@test "a rule that expires is gone then, and time is told absolutely" {
	local now=$EPOCHSECONDS

	assert_done xdp_rule add 10.0.0.1 --ttl 1000
	assert_done xdp_rule add 10.0.0.2 --ttl 1
	capture xdp_rule list -j 10.0.0.1
	assert_json "abs(d[0]['expires'] - $now - 1000) < 30"
	await_none 10.0.0.2
	assert_refused 5 xdp_rule add 10.0.0.3 --expires 5
	assert_errors_have 'is past'
}

# ---- deleting ----

@test "delete: what is not said matches anything; several are listed and stay" {
	xdp_rule add 10.0.0.1
	xdp_rule add 10.0.0.1 -p tcp --dport 22
	xdp_rule add 10.0.0.1 pass -i t0
	capture xdp_rule delete 10.0.0.1
	assert_status 1
	assert_output ''
	assert_errors - <<-'END'
		add 10.0.0.1/32 drop
		add 10.0.0.1/32 drop -p tcp --dport 22
		add 10.0.0.1/32 pass -i t0
		xdp_rule: 10.0.0.1: 3 rules match, nothing was deleted; say which (see --help)
	END
	assert_done xdp_rule delete 10.0.0.1 --dport 22
	assert_done xdp_rule delete 10.0.0.1 -i any
	assert_rules 'add 10.0.0.1/32 pass -i t0'
	assert_state '10.0.0.1 drop' xdp_rule delete 10.0.0.1 drop
	assert_done xdp_rule delete 10.0.0.1 pass
	assert_rules ''
	assert_state 10.0.0.1 xdp_rule delete 10.0.0.1
	assert_done xdp_rule delete 10.0.0.1 --all
}

@test "delete by each selector" {
	local selector

	for selector in '-d 192.0.2.1' '-p udp' '-p udp --dport 53' '-p icmp --icmp 8' '-i t1' '-P 3' '-S tag'; do
		xdp_rule add 10.0.0.1
		# shellcheck disable=SC2086
		xdp_rule add 10.0.0.1 $selector
		# shellcheck disable=SC2086
		assert_done xdp_rule delete 10.0.0.1 $selector
		assert_rules 'add 10.0.0.1/32 drop'
	done
}

@test "delete takes both rules that one command without a prefix made, and the parts of a range" {
	xdp_rule add any -p tcp --dport 22
	assert_done xdp_rule delete any -p tcp --dport 22
	xdp_rule add drop -p tcp --dport 22
	assert_done xdp_rule delete -p tcp --dport 22
	xdp_rule add 10.0.0.1-10.0.0.6 -i t0 -i t1
	assert_done xdp_rule delete 10.0.0.1-10.0.0.6 -i t0 -i t1
	assert_rules ''
	xdp_rule add drop -i t0
	xdp_rule add 10.0.0.1
	assert_done xdp_rule delete --all
	assert_rules ''
	assert_refused operands xdp_rule delete
}

@test "a ban of what never is dropped, and its end" {
	xdp_rule add 10.0.0.1 never-drop
	xdp_rule add 10.0.0.1
	assert_done xdp_rule delete 10.0.0.1
	assert_rules 'add 10.0.0.1/32 never-drop'
	assert_state 10.0.0.1 xdp_rule delete 10.0.0.1
	assert_done xdp_rule delete --all
	assert_rules 'add 10.0.0.1/32 never-drop'
	assert_done xdp_rule delete 10.0.0.1 never-drop
	assert_rules ''
}

@test "flush: all, of an interface, of a service; not defaults and never-drop rules, but with --all" {
	xdp_rule -f - --force <<-'END'
		10.0.0.1
		10.0.0.2 -i t0
		10.0.0.3 -S a
		10.0.0.4 never-drop -S a
		default drop
		default monitor -i t0
	END
	assert_done xdp_rule flush -i t0
	assert_done xdp_rule flush -S a
	assert_rules 'add 10.0.0.1/32 drop
add 10.0.0.4/32 never-drop -S a
default drop
default monitor -i t0'
	assert_done xdp_rule flush --all -i t0 --force
	assert_done xdp_rule flush --force
	assert_rules 'add 10.0.0.4/32 never-drop -S a
default drop'
	assert_done xdp_rule flush --all
	assert_rules ''
	assert_done xdp_rule flush
}

# ---- defaults ----

@test "default: of all interfaces, of some, changed, shown, taken away" {
	assert_done xdp_rule default
	assert_done xdp_rule default drop --force
	capture xdp_rule -v default pass -i t0 -i t1
	assert_output $'A default pass -i t0\nA default pass -i t1'
	capture xdp_rule -v default monitor -i t1
	assert_output 'C default monitor -i t1'
	capture xdp_rule -v default pass -i t0
	assert_output '= default pass -i t0'
	capture xdp_rule default -j
	assert_json '{x["iface"]: x["action"] for x in d} == {None: "drop", "t0": "pass", "t1": "monitor"}'
	capture xdp_rule -v default unset -i t1
	assert_output 'D default monitor -i t1'
	assert_rules $'default drop\ndefault pass -i t0'
	assert_done xdp_rule default unset -i t1
	capture xdp_rule -v default unset
	assert_output 'D default drop'
	assert_rules 'default pass -i t0'
}

@test "neither delete nor flush takes a default" {
	xdp_rule default monitor
	assert_done xdp_rule delete --all
	assert_done xdp_rule delete monitor --all
	assert_done xdp_rule flush
	assert_refused default xdp_rule delete default
	assert_refused stdin:2:1 xdp_rule delete -f - <<<$'10.0.0.1\ndefault monitor'
	assert_errors_have "is taken away by 'default unset'"
	assert_rules 'default monitor'
}

# ---- the session of the caller ----

@test "who sits at a session is told before it is cut; session is their address" {
	local SSH_CONNECTION='192.0.2.77 50000 198.51.100.1 22'

	export SSH_CONNECTION
	assert_state session xdp_rule add 192.0.2.0/24
	assert_errors_have "first 'xdp_rule add session never-drop', or say --force"
	assert_state session xdp_rule add any drop -p tcp --dport 22
	assert_state session xdp_rule -f - <<<$'10.0.0.1\ndefault drop'
	assert_done xdp_rule add 192.0.2.0/24 monitor
	assert_done xdp_rule add session never-drop
	assert_done xdp_rule add 192.0.2.0/24
	assert_rules $'add 192.0.2.77/32 never-drop\nadd 192.0.2.0/24 drop'
	assert_state session xdp_rule delete session never-drop
	assert_state session xdp_rule --replace --all -f - <<<'192.0.2.0/24'
	assert_done xdp_rule --replace -f - <<<'192.0.2.0/24'
	assert_done xdp_rule delete session never-drop --force
	assert_rules 'add 192.0.2.0/24 drop'
}

@test "what would cut the session one day is refused today" {
	local SSH_CONNECTION='192.0.2.77 50000 198.51.100.1 22' before

	export SSH_CONNECTION
	assert_done xdp_rule add session never-drop --ttl 1000
	assert_state session xdp_rule default drop
	assert_done xdp_rule add session never-drop
	assert_done xdp_rule default drop
	before=$(rules)
	assert_state session xdp_rule add session never-drop --ttl 1000
	assert_rules "$before"
}

# ---- refused ----

@test "bad operands and options change nothing and are named" {
	xdp_rule add 10.0.0.1
	assert_refused command xdp_rule
	assert_refused ad xdp_rule ad 10.0.0.1
	assert_refused 10.0.0.1 xdp_rule 10.0.0.1
	assert_refused rule xdp_rule add
	assert_refused rule xdp_rule add drop
	assert_refused x xdp_rule add 10.0.0.1 drop x
	assert_refused 300.0.0.1 xdp_rule add 300.0.0.1
	assert_refused 10.0.0.1 xdp_rule add 10.0.0.1 -s 10.0.0.2
	assert_refused 22 xdp_rule add 10.0.0.1 --dport 22
	assert_refused 8 xdp_rule add 10.0.0.1 -p tcp --icmp 8
	assert_refused 0 xdp_rule add 10.0.0.1 --rate 0
	assert_refused --rate xdp_rule delete 10.0.0.1 --rate 1
	assert_refused --ttl xdp_rule list --ttl 1
	assert_refused --save xdp_rule add 10.0.0.1 --save
	assert_refused --save xdp_rule list --save -j
	assert_refused --all xdp_rule add 10.0.0.1 --all
	assert_refused --replace xdp_rule add 10.0.0.1 --replace
	assert_refused --destination xdp_rule flush -d 10.0.0.1
	assert_refused 10.0.0.1 xdp_rule flush 10.0.0.1
	assert_refused -f xdp_rule flush -f /dev/null
	assert_refused -f xdp_rule list -f /dev/null
	assert_refused pass xdp_rule default drop pass
	assert_refused never-drop xdp_rule default never-drop
	assert_refused deny xdp_rule default deny
	assert_errors_have 'not a default (drop, pass, monitor; '
	assert_refused --priority xdp_rule default drop -P 1
	assert_refused 0 xdp_rule list --watch 0
	assert_refused 10.0.0.1 xdp_rule -f /dev/null add 10.0.0.1
}

@test "what the system does not have: exit status 1" {
	assert_state nonesuch xdp_rule add 10.0.0.1 -i nonesuch
	assert_state nonesuch xdp_rule default drop -i nonesuch
	assert_state "$tmp/nonesuch" xdp_rule -f "$tmp/nonesuch"
	capture xdp_rule add 10.0.0.1 --pin-dir "$tmp"
	assert_status 1
	assert_complaint "$tmp"
}

@test "from another network namespace it refuses and disturbs nothing" {
	local words

	xdp_rule add 10.0.0.1
	for words in 'add 10.0.0.2' 'delete 10.0.0.1' flush 'default drop' list '-f /dev/null'; do
		# shellcheck disable=SC2086
		capture unshare --net xdp_rule $words
		program=xdp_rule
		assert_status 1
		assert_complaint "$pins"
		assert_rules 'add 10.0.0.1/32 drop'
	done
}

@test "the 16th rule of one key and port that expires or has a rate is refused, and others stay" {
	local i

	for i in {1..8}; do
		xdp_rule add 10.0.0.1 --ttl 1000 -P "$i"
		xdp_rule add 10.0.0.1 --rate 5 -P "-$i" || [ "$i" = 8 ]
	done
	assert_state rules xdp_rule add 10.0.0.1 --rate 5 -S x
	assert_errors_have 'more than 15 rules that expire or have a rate'
	assert_done xdp_rule add 10.0.0.1 -S x
}

@test "the first rule with a rate brings a table of sources" {
	[ "$(sources)" = 128 ] || fail 'a table of 128 sources' "$(sources)"
	xdp_rule add 10.0.0.1
	xdp_rule -n add 10.0.0.1 --rate 5
	[ "$(sources)" = 128 ] || fail 'a table of 128 sources' "$(sources)"
	xdp_rule add 10.0.0.1 --rate 5
	[ "$(sources)" = 65536 ] || fail 'a table of 65536 sources' "$(sources)"
}
