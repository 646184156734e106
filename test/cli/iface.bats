#!/usr/bin/env bats
# iface_set: the words of settings, the list, batches, what is saved, and what is refused.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

LOOKUP_LINKED=16 # where it stands in struct splicer_config

setup() {
	box_clean
	limit=10
	forget
}

teardown() {
	ip link del x0 2>/dev/null || true
	tc filter del dev t0 egress
	rm -f "$pins/splicer1_lookup"
	bpfmap byte "$pins/splicer1_config" "$LOOKUP_LINKED" 0
}

# Nothing is said of any interface.
forget() {
	iface_set --save | sed -E 's/=[^ ]+/=default/g' | iface_set -f -
}

saved() {
	iface_set --save </dev/null
}

assert_saved() {
	local now

	now=$(saved)
	[ "$now" = "$1" ] || fail "$1" "$now"
}

# assert_kept STATUS OPERAND COMMAND [ARG]...: it fails, says so in one line about OPERAND, and no setting has changed.
assert_kept() {
	local expected=$1 operand=$2 before

	shift 2
	before=$(saved)
	capture "$@"
	assert_status "$expected"
	assert_output ''
	assert_complaint "$operand"
	assert_saved "$before"
}

# ---- setting ----

@test "every word of every setting, for an interface and for any; silence" {
	local interface word

	for interface in t0 any; do
		for word in ssh=auto ssh=any ssh=own ssh=off nonip=drop nonip=pass mode=prevent mode=detect out=pass out=drop \
			icmp_echo=drop icmp_echo=pass on_truncated=drop on_truncated=pass on_full=drop on_full=pass on_state=pass \
			on_state=drop new_flows=off new_flows=1 new_flows=1000000 new_flows=100/2000 geneve=192.0.2.0/24 \
			geneve=10.0.0.0/8,192.0.2.1/32,2001:db8::/32; do
			forget
			assert_done iface_set "$interface" "$word"
			assert_saved "$interface $word"
			assert_done iface_set "$interface" "${word%=*}=default"
			assert_saved ''
		done
	done
}

@test "a setting that is not named stays; several at once, in any order" {
	assert_done iface_set t0 nonip=pass ssh=own
	assert_saved 't0 ssh=own nonip=pass'
	assert_done iface_set t0 ssh=off
	assert_saved 't0 ssh=off nonip=pass'
	assert_done iface_set t0 ssh=default
	assert_saved 't0 nonip=pass'
	assert_done iface_set any ssh=any
	assert_saved $'any ssh=any\nt0 nonip=pass'
}

@test "-v: a letter and what was said" {
	capture iface_set -v t0 ssh=own
	assert_status 0
	assert_output 'C t0 ssh=own'
	capture iface_set -v t0 ssh=own nonip=default
	assert_output '= t0 ssh=own nonip=default'
	capture iface_set -v t0 ssh=own nonip=pass
	assert_output 'C t0 ssh=own nonip=pass'
	capture iface_set -v any nonip=default
	assert_output '= any nonip=default'
	capture iface_set -v t0 ssh=default nonip=default
	assert_output 'C t0 ssh=default nonip=default'
}

@test "-n: says what would be done, and does not" {
	iface_set t0 ssh=own
	capture iface_set -n t0 ssh=off
	assert_status 0
	assert_output 'C t0 ssh=off'
	capture iface_set -n t0 ssh=own
	assert_output '= t0 ssh=own'
	capture iface_set -n -j any ssh=off
	assert_json '[(r["change"], r["iface"], r["ssh"]) for r in d] == [("C", "any", "off")]'
	assert_saved 't0 ssh=own'
}

@test "-j: the letter and the interface as it is then" {
	capture iface_set -j t0 ssh=own
	assert_json 'd[0] == dict(d[0], change="C", iface="t0", ssh="own", ssh_from="iface", nonip="drop", nonip_from="default")'
	capture iface_set -j t0 ssh=own
	assert_json '[r["change"] for r in d] == ["="]'
}

@test "what was said of an interface goes with it" {
	ip link add x0 index 4000 type veth peer name x1
	iface_set x0 ssh=off
	iface_set t0 ssh=own
	ip link del x0
	assert_saved 't0 ssh=own'
	capture iface_set '#4000'
	assert_status 1
	capture iface_set
	assert_output_has '#4000'
	assert_output_has 'gone'
	# the next command that sets forgets it, before the index can come back
	iface_set t0 nonip=pass
	ip link add x0 index 4000 type veth peer name x1
	assert_saved 't0 ssh=own nonip=pass'
	capture iface_set -j x0
	assert_json 'd[0]["ssh_from"] == "default" and d[0]["gone"] is False'
}

@test "setting also reads the addresses" {
	ip addr add 192.0.2.9/24 dev t0
	iface_set t0 ssh=own
	capture iface_set -j t0
	before=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["addresses"])' "$out")
	ip addr add 192.0.2.10/24 dev t0
	iface_set -n t0 ssh=own >"$tmp/none"
	capture iface_set -j t0
	assert_json "d[0]['addresses'] == $before"
	iface_set t0 ssh=own
	capture iface_set -j t0
	assert_json "d[0]['addresses'] == $before + 1"
	ip addr flush dev t0 scope global
}

# ---- sources of tunnels ----

# The keys of the trie: prefix length, interface and family as numbers of the machine, then the address.
tunnels() {
	bpfmap keys "$pins/splicer1_tunnels" | python3 -ISc '
import ipaddress, struct, sys
for line in sys.stdin:
    key = bytes.fromhex(line)
    length, index, family = struct.unpack_from("III", key)
    address = ipaddress.ip_address(key[12:16] if family == 4 else key[12:28])
    assert family == 6 or not any(key[16:]), "not zero behind an IPv4 address"
    print(index, f"{address}/{length - 64}")
' | sort
}

assert_tunnels() {
	local now

	now=$(tunnels)
	[ "$now" = "$1" ] || fail "$1" "$now"
}

index_of() {
	python3 -ISc 'import socket, sys; print(socket.if_nametoindex(sys.argv[1]))' "$1"
}

# sources BASE COUNT: so many, under BASE.0.0.0/8
sources() {
	local i list=''

	for ((i = 0; i < $2; i++)); do
		list+=,$1.$((i / 128)).$((i % 128 * 2)).1
	done
	echo "${list#,}"
}

@test "geneve: the sources are the keys of the trie, and saying it again replaces them" {
	local index

	index=$(index_of t0)
	assert_done iface_set t0 geneve=192.0.2.1,10.0.0.0/8,2001:db8::/32,10.1.0.0-10.1.0.2
	assert_tunnels "$index 10.0.0.0/8
$index 10.1.0.0/31
$index 10.1.0.2/32
$index 192.0.2.1/32
$index 2001:db8::/32"
	assert_done iface_set any geneve=192.0.2.1
	assert_done iface_set t0 geneve=192.0.2.1,10.0.0.0/9
	assert_tunnels "0 192.0.2.1/32
$index 10.0.0.0/9
$index 192.0.2.1/32"
	capture iface_set -v t0 geneve=10.0.0.0/9,192.0.2.1/32
	assert_output '= t0 geneve=10.0.0.0/9,192.0.2.1/32'
	capture iface_set -n t0 geneve=default
	assert_output 'C t0 geneve=default'
	assert_saved $'any geneve=192.0.2.1/32\nt0 geneve=10.0.0.0/9,192.0.2.1/32'
	assert_done iface_set t0 geneve=default
	assert_tunnels '0 192.0.2.1/32'
	assert_done iface_set any geneve=default
	assert_tunnels ''
}

@test "geneve: from everyone, off, and what is no source: exit 2" {
	iface_set t0 geneve=10.0.0.1
	assert_kept 2 geneve=0.0.0.0/0 iface_set t0 geneve=0.0.0.0/0
	assert_errors 'iface_set: geneve=0.0.0.0/0: 0.0.0.0/0 is everyone: name those who may send tunnels'
	assert_kept 2 geneve=10.0.0.2,::/0 iface_set any geneve=10.0.0.2,::/0
	assert_kept 2 geneve=off iface_set t0 geneve=off
	assert_errors 'iface_set: geneve=off: default takes the sources away; those of any stay allowed'
	assert_kept 2 geneve= iface_set t0 geneve=
	assert_kept 2 10.0.0.1/8 iface_set t0 geneve=10.0.0.2,10.0.0.1/8
	assert_kept 2 stdin:2:4 iface_set -f - <<<$'t0 geneve=default\nt0 geneve=10.0.0.2,10.0.0.300'
}

@test "geneve: what does not fit is refused, and all is as it was" {
	iface_set any geneve="$(sources 10 1000)"
	assert_done iface_set t0 geneve="$(sources 11 24)"
	assert_kept 1 splicer1_tunnels iface_set t1 ssh=off geneve=192.0.2.1
	assert_errors 'iface_set: splicer1_tunnels: full: 1025 sources with those that would go, at most 1024; take some away first'
	# others come before those that go
	assert_kept 1 splicer1_tunnels iface_set t0 geneve=192.0.2.1
	assert_kept 1 splicer1_tunnels iface_set -n t0 geneve=192.0.2.1
	assert_done iface_set t0 geneve="$(sources 11 23)"
	assert_done iface_set t0 geneve="$(sources 11 22),192.0.2.1"
}

@test "geneve: goes with its interface" {
	ip link add x0 index 4000 type veth peer name x1
	iface_set x0 geneve="$(sources 10 1024)"
	ip link del x0
	assert_saved ''
	capture iface_set
	assert_output_has '#4000'
	assert_output_has 'geneve=10.0.0.1/32,+1023'
	# its room, too
	assert_done iface_set t0 geneve="$(sources 10 1024)"
	[ "$(tunnels | cut -d ' ' -f 1 | sort -u)" = "$(index_of t0)" ] || fail 'those of t0' "$(tunnels | head -n 3)"
}

# tunnel_list FIRST LAST
tunnel_list() {
	seq "$1" "$2" | awk '{ printf "%s10.0.%d.%d", (NR > 1 ? "," : ""), $1 / 200, $1 % 200 + 1 }'
}

@test "geneve: a command that is killed leaves the old, the new or both, and again completes it" {
	local first second try seen='' kind

	first=$(tunnel_list 1 500)
	second=$(tunnel_list 451 950)
	iface_set t0 geneve="$first"
	tunnels >"$tmp/first"
	iface_set t0 geneve="$second"
	tunnels >"$tmp/second"
	sort "$tmp/first" "$tmp/second" | uniq -d >"$tmp/both"
	[ "$(wc -l <"$tmp/both")" = 50 ] || fail '50 in both lists' "$(wc -l <"$tmp/both")"
	for ((try = 0; try < 40; try++)); do
		iface_set t0 geneve="$first"
		# standard error is the shell's own word that it was killed
		{ timeout -s KILL "0.00$((RANDOM % 5))$((RANDOM % 10))" iface_set t0 geneve="$second" || true; } 2>/dev/null
		tunnels >"$tmp/now"
		[ -z "$(comm -23 "$tmp/both" "$tmp/now")" ] || fail 'what stays allowed' "without $(comm -23 "$tmp/both" "$tmp/now")"
		[ -z "$(sort -u "$tmp/first" "$tmp/second" | comm -13 - "$tmp/now")" ] || fail 'old or new ones' "$(cat "$tmp/now")"
		if [ -n "$(comm -23 "$tmp/first" "$tmp/now")" ] && [ -n "$(comm -23 "$tmp/second" "$tmp/now")" ]; then
			fail 'all old ones or all new ones' "$(cat "$tmp/now")"
		fi
		kind=some
		! cmp -s "$tmp/now" "$tmp/first" || kind=old
		! cmp -s "$tmp/now" "$tmp/second" || kind=new
		seen+=$kind$'\n'
		iface_set t0 geneve="$second"
		tunnels >"$tmp/now"
		cmp -s "$tmp/now" "$tmp/second" || fail 'the second list' "$(diff "$tmp/second" "$tmp/now")"
	done
	echo "# left: $(sort <<<"${seen%?}" | uniq -c | xargs)" >&3
}

# ---- refused ----

@test "a setting or a word that there is not: exit 2, and the choices" {
	iface_set t0 ssh=own
	assert_kept 2 ssh=on iface_set t0 ssh=on
	assert_errors 'iface_set: ssh=on: ssh is default, auto, any, own or off'
	assert_kept 2 nonip=any iface_set t0 ssh=off nonip=any
	assert_errors 'iface_set: nonip=any: nonip is default, drop or pass'
	assert_kept 2 mtu=9 iface_set t0 ssh=off mtu=9
	assert_errors 'iface_set: mtu=9: expected SETTING=VALUE, where SETTING is ssh, nonip, mode, out, icmp_echo, on_truncated, on_full, on_state, new_flows or geneve'
	assert_kept 2 ssh iface_set t0 ssh
	assert_kept 2 ssh= iface_set t0 ssh=
	assert_kept 2 SSH=own iface_set t0 SSH=own
	assert_kept 2 '' iface_set t0 ''
	assert_kept 2 ssh=off iface_set t0 ssh=any ssh=off
	assert_errors 'iface_set: ssh=off: ssh was said already'
	assert_kept 2 new_flows=0 iface_set t0 new_flows=0
	assert_errors 'iface_set: new_flows=0: new_flows is default, off or RATE[/BURST], both from 1 to 1000000'
	assert_kept 2 new_flows=5/ iface_set t0 new_flows=5/
	assert_kept 2 new_flows=1000001 iface_set t0 new_flows=1000001
}

@test "an interface that there is not: exit 1" {
	assert_kept 1 none0 iface_set none0 ssh=own
	assert_errors 'iface_set: none0: no such interface'
	assert_kept 1 none0 iface_set none0
	assert_kept 1 '#4001' iface_set '#4001' ssh=own
	assert_kept 2 sixteen-letters- iface_set sixteen-letters- ssh=own
	# what is malformed is said first
	assert_kept 2 ssh=on iface_set none0 ssh=on
}

@test "options that contradict each other: exit 2" {
	: >"$tmp/empty"
	assert_kept 2 "$tmp/empty" iface_set -f "$tmp/empty" t0 ssh=own
	assert_kept 2 "$tmp/empty" iface_set -f "$tmp/empty" --save
	assert_kept 2 "$tmp/empty" iface_set -f "$tmp/empty" --watch
	assert_kept 2 --watch iface_set --watch t0
	assert_kept 2 --watch iface_set --watch -n
	assert_kept 2 --watch iface_set --watch --save
	assert_kept 2 --save iface_set --save t0 ssh=own
	assert_kept 2 --save iface_set --save -j
	assert_kept 2 -n iface_set -n
	assert_kept 2 -n iface_set -n t0
}

@test "more interfaces than the map holds: exit 1, and none of them is written" {
	local count=4097

	ip -batch - < <(for ((i = 0; i < count; i++)); do echo "link add link t1 name d$i group 7 type macvlan mode bridge"; done)
	for ((i = 0; i < count; i++)); do echo "d$i ssh=own"; done >"$tmp/lines"
	limit=60 assert_kept 1 splicer1_ifaces iface_set -f "$tmp/lines"
	assert_errors 'iface_set: splicer1_ifaces: full: settings of 4097 interfaces, at most 4096'
	head -n 4096 "$tmp/lines" >"$tmp/fit"
	assert_done iface_set -f "$tmp/fit"
	assert_kept 1 splicer1_ifaces iface_set t0 ssh=own
	# what is there can still be changed, and room can be made
	assert_done iface_set d0 ssh=off
	assert_done iface_set -f - <<<$'d0 ssh=default\nt0 ssh=own'
	saved | head -n 2 | grep -qx 't0 ssh=own' || fail 't0 ssh=own' "$(saved | head -n 2)"
	forget
	ip link del group 7
}

# ---- batches ----

@test "-f: lines are operands; later ones see what earlier ones said" {
	capture iface_set -v -f - <<-'END'
		# a comment
		any ssh=off

		t0 ssh=own nonip=pass  # another
		"t1" ssh=any
		t0 nonip=default
		t0 ssh=own
	END
	assert_status 0
	assert_output 'C any ssh=off
C t0 ssh=own nonip=pass
C t1 ssh=any
C t0 nonip=default
= t0 ssh=own'
	# interfaces are saved by index, and the peer of a veth is made first
	[ "$(saved | sort)" = $'any ssh=off\nt0 ssh=own\nt1 ssh=any' ] || fail 'three lines' "$(saved)"
}

@test "-f: all is checked before anything is written, and errors tell where" {
	assert_kept 2 stdin:2:4 iface_set -f - <<<$'t0 ssh=own\nt0 ssh=on'
	assert_kept 2 stdin:1:4 iface_set -f - <<<$'t0 own'
	assert_kept 2 stdin:2:1 iface_set -f - <<<$'t0 ssh=own\nt1'
	assert_kept 1 stdin:3:1 iface_set -f - <<<$'t0 ssh=own\n\nnone0 ssh=own'
	assert_kept 2 stdin:1:1 iface_set -f - <<<$'--save'
	assert_kept 2 stdin:1:1 iface_set -f - <<<$'-v t0 ssh=own'
	assert_kept 1 "$tmp/none" iface_set -f "$tmp/none"
}

@test "-f: a file of nothing does nothing" {
	assert_done iface_set -f /dev/null
	capture iface_set -j -f /dev/null
	assert_output '[]'
}

@test "save and load: the same again" {
	ip link add name 'x"#0' type veth peer name '-x'
	iface_set any nonip=pass ssh=own
	iface_set t0 ssh=off nonip=drop
	iface_set t1 ssh=auto new_flows=10/20 geneve=10.0.0.0/8,2001:db8::/32
	iface_set 'x"#0' ssh=any
	iface_set -- -x nonip=pass
	saved >"$tmp/first"
	[ "$(wc -l <"$tmp/first")" = 5 ] || fail '5 lines' "$(cat "$tmp/first")"
	sed -E 's/=[^ ]+/=default/g' "$tmp/first" | iface_set -f -
	assert_saved ''
	assert_done iface_set -f "$tmp/first"
	saved >"$tmp/second"
	diff -u "$tmp/first" "$tmp/second" || fail 'the same' 'something else'
	capture iface_set --save t0
	assert_output 't0 ssh=off nonip=drop'
	forget
	ip link del dev 'x"#0'
}

# ---- showing ----

@test "the list: golden" {
	iface_set any nonip=pass mode=detect geneve=192.0.2.0/24,198.51.100.0/24
	iface_set t0 ssh=own new_flows=100/500 mode=prevent
	iface_set t1 out=drop
	capture iface_set
	assert_status 0
	assert_errors ''
	# lines by name: which of the two ends of a veth has the lower index is up to the kernel; no addresses but lo's
	sed -E 's/^((lo|t[01]).*) [0-9]+ /\1 N /' "$out" | sort >"$tmp/sorted"
	diff -u --label expected --label got - "$tmp/sorted" <<-'END' || fail 'the above' 'something else'
		IFACE  INGRESS     EGRESS  LOOKUP   ADDRS  NOTE  SETTINGS
		any    -           -       -            -  -     nonip=pass mode=detect geneve=192.0.2.0/24,+1
		lo     -           -       -            N  -     -
		t0     prio 49152  -       missing      N  -     ssh=own mode=prevent new_flows=100/500 (nonip=pass geneve=192.0.2.0/24,+1)
		t1     -           -       -            N  -     out=drop
	END
}

@test "the list: an ordinary machine fits 100 columns" {
	iface_set any ssh=own mode=detect on_state=drop
	iface_set t0 icmp_echo=pass
	capture iface_set
	if grep -nE '^.{101}' "$out"; then
		fail '100 columns' 'the above'
	fi
}

@test "one interface alone, any too: what is in force, one setting a line, and who said it" {
	iface_set any ssh=off mode=detect geneve=192.0.2.0/24
	iface_set t0 ssh=own new_flows=off geneve=10.0.0.0/8,2001:db8::/32
	capture iface_set t0
	sed -E '2s/ [0-9]+  -$/ N  -/' "$out" >"$tmp/shown"
	assert_text stdout "$tmp/shown" 'IFACE  INGRESS     EGRESS  LOOKUP   ADDRS  NOTE
t0     prio 49152  -       missing      N  -

SETTING       VALUE          FROM
ssh           own            iface
nonip         drop           default
mode          detect         any
out           pass           default
icmp_echo     drop           default
on_truncated  drop           default
on_full       drop           default
on_state      pass           default
new_flows     off            iface
geneve        10.0.0.0/8     iface
geneve        2001:db8::/32  iface
geneve        192.0.2.0/24   any'
	forget
	capture iface_set any
	assert_output 'IFACE  INGRESS  EGRESS  LOOKUP  ADDRS  NOTE
any    -        -       -           -  -

SETTING       VALUE    FROM
ssh           auto     default
nonip         drop     default
mode          prevent  default
out           pass     default
icmp_echo     drop     default
on_truncated  drop     default
on_full       drop     default
on_state      pass     default
new_flows     off      default
geneve        -        default'
	capture iface_set
	if grep -q ^any "$out"; then
		fail 'no line of any, of which nothing was said' "$(cat "$out")"
	fi
}

@test "the list as JSON: all keys, and null where they do not apply" {
	iface_set any nonip=pass geneve=192.0.2.0/24
	iface_set t0 ssh=own new_flows=7 geneve=2001:db8::/32
	capture iface_set -j
	assert_json '[r["iface"] for r in d][:2] == ["any", "lo"] and len(d) == 4'
	assert_json 'd[0] == {"iface": "any", "ifindex": 0, "attached": None, "prio": None, "stacked": None, "stale": None, "ssh": "auto",
		"ssh_from": "default", "nonip": "pass", "nonip_from": "any", "addresses": None, "gone": False, "ingress": None,
		"egress": None, "egress_prio": None, "egress_stacked": None, "egress_stale": None, "lookup": "missing", "note": None,
		"lb_ingress": None, "lb_egress": None, "flow_ingress": None, "flow_egress": None,
		"mode": "prevent", "mode_from": "default", "out": "pass", "out_from": "default", "icmp_echo": "drop",
		"icmp_echo_from": "default", "on_truncated": "drop", "on_truncated_from": "default", "on_full": "drop",
		"on_full_from": "default", "on_state": "pass", "on_state_from": "default", "new_flows": "off",
		"new_flows_from": "default", "geneve": "192.0.2.0/24", "geneve_from": "any",
		"settings": "nonip=pass geneve=192.0.2.0/24"}'
	capture iface_set -j t0
	assert_json 'd == [dict(d[0], iface="t0", attached=True, prio=49152, stacked=False, stale=False, ssh="own", ssh_from="iface",
		nonip="pass", nonip_from="any", gone=False, ingress="attached", egress="none", egress_prio=None, egress_stacked=False,
		egress_stale=False, lb_ingress="none", lb_egress="none", flow_ingress="none", flow_egress="none", note=None, new_flows="7", new_flows_from="iface", geneve="2001:db8::/32,192.0.2.0/24",
		geneve_from="both", settings="ssh=own new_flows=7 geneve=2001:db8::/32")]'
	capture iface_set -j t1
	assert_json 'd == [dict(d[0], iface="t1", attached=False, prio=None, stacked=False, stale=False, ssh="auto", ssh_from="default",
		ingress="none", egress="none", lb_ingress="none", lb_egress="none", flow_ingress="none", flow_egress="none", new_flows="off", geneve="192.0.2.0/24", geneve_from="any", settings="")]'
}

# ---- what is attached ----

egress_add() {
	tc filter add dev t0 egress prio "$1" bpf da obj "$LAB_OBJECTS/splicer.o" sec action/egress
}

# listed IFACE: "INGRESS|EGRESS|LOOKUP|NOTE"
listed() {
	iface_set | awk -F '  +' -v iface="$1" '$1 == iface { print $2 "|" $3 "|" $4 "|" $6 }'
}

assert_listed() {
	local now

	now=$(listed "$1")
	[ "$now" = "$2" ] || fail "$2" "$now"
}

@test "the sk_lookup link: missing, linked, and where pin and word disagree" {
	assert_listed t0 'prio 49152|-|missing|-'
	bpfmap lookup "$pins/splicer1_lookup"
	assert_listed t0 'prio 49152|-|stale|lookup-stale'
	bpfmap byte "$pins/splicer1_config" "$LOOKUP_LINKED" 1
	# who makes the link wants connections tracked
	assert_listed t0 'prio 49152|-|linked|no-egress'
	assert_listed t1 '-|-|-|-'
	capture iface_set -j
	assert_json '{r["iface"]: (r["lookup"], r["note"]) for r in d} == {
		"lo": ("linked", None), "t0": ("linked", "no-egress"), "t1": ("linked", None)}'
	rm "$pins/splicer1_lookup"
	assert_listed t0 'prio 49152|-|stale|lookup-stale'
	capture iface_set -j t0
	assert_json 'd[0]["lookup"] == "stale"'
}

@test "the sk_lookup link of a namespace that is gone is none" {
	unshare --net python3 -IS "$BATS_TEST_DIRNAME/bpfmap" lookup "$pins/splicer1_lookup"
	bpfmap byte "$pins/splicer1_config" "$LOOKUP_LINKED" 1
	assert_listed t0 'prio 49152|-|stale|lookup-stale'
}

@test "the egress hook: any prio, twice, and what is missing beside it" {
	egress_add 20
	assert_listed t0 'prio 49152|prio 20|missing|no-lookup'
	capture iface_set -j t0
	assert_json '[d[0][k] for k in ("egress", "egress_prio", "egress_stacked", "egress_stale", "note")] == [
		"attached", 20, False, False, "no-lookup"]'
	bpfmap lookup "$pins/splicer1_lookup"
	bpfmap byte "$pins/splicer1_config" "$LOOKUP_LINKED" 1
	assert_listed t0 'prio 49152|prio 20|linked|-'
	egress_add 7
	assert_listed t0 'prio 49152|prio 7,20|linked|egress-stacked'
	capture iface_set -j t0
	assert_json '[d[0][k] for k in ("egress_prio", "egress_stacked", "stacked")] == [7, True, False]'
	# another interface beside it has the ingress hook alone
	tc qdisc add dev t1 clsact
	tc filter add dev t1 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	assert_listed t1 'prio 49152|-|linked|no-egress'
	tc filter del dev t1 ingress
	tc filter add dev t1 egress bpf da obj "$LAB_OBJECTS/splicer.o" sec action/egress
	assert_listed t1 '-|prio 49152|-|no-ingress'
	tc qdisc del dev t1 clsact
}

@test "the ingress hook alone is no trouble, unless something asks for more" {
	iface_set t0 out=drop
	assert_listed t0 'prio 49152|-|missing|no-egress'
	iface_set t0 out=pass
	assert_listed t0 'prio 49152|-|missing|-'
	iface_set any out=drop
	iface_set t0 out=default
	assert_listed t0 'prio 49152|-|missing|no-egress'
}

@test "no control character of an interface's name is printed" {
	ip link add $'x\e[1m' index 4002 type veth peer name x1
	iface_set '#4002' ssh=off
	capture iface_set
	assert_output_has '#4002'
	capture iface_set -j
	assert_json '[r["ssh"] for r in d if r["iface"] == "#4002"] == ["off"]'
	assert_saved '"#4002" ssh=off'
	forget
	ip link del x1
}

# ---- pins ----

@test "no pins, and no privilege" {
	local form

	for form in 't0 ssh=own' '-f /dev/null' '' '--save' '--watch'; do
		# shellcheck disable=SC2086  # words
		assert_kept 1 /sys/fs/bpf/none iface_set --pin-dir /sys/fs/bpf/none $form
		assert_errors_have 'no such directory; is splicer.o attached'
		# shellcheck disable=SC2086  # words
		capture setpriv --reuid 65534 --clear-groups "$(command -v iface_set)" $form
		assert_status 1
		assert_output ''
		assert_one_line
	done
}

@test "an output that cannot be written is an error" {
	local form

	for form in '' '-j' '--save' '-v t0 ssh=own'; do
		# shellcheck disable=SC2086  # words
		iface_set t0 ssh=own
		status=0
		# shellcheck disable=SC2086  # words
		iface_set $form >/dev/full 2>"$err" || status=$?
		assert_status 1 || return
		assert_one_line || return
	done
}
