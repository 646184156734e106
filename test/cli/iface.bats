#!/usr/bin/env bats
# iface_set: the words of settings, the list, batches, what is saved, and what is refused.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	limit=10
	forget
}

teardown() {
	ip link del x0 2>/dev/null || true
}

# Nothing is said of any interface.
forget() {
	iface_set --save | sed -E 's/=[a-z]+/=default/g' | iface_set -f -
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
		for word in ssh=auto ssh=any ssh=own ssh=off nonip=drop nonip=pass; do
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

# ---- refused ----

@test "a setting or a word that there is not: exit 2, and the choices" {
	iface_set t0 ssh=own
	assert_kept 2 ssh=on iface_set t0 ssh=on
	assert_errors 'iface_set: ssh=on: ssh is default, auto, any, own or off'
	assert_kept 2 nonip=any iface_set t0 ssh=off nonip=any
	assert_errors 'iface_set: nonip=any: nonip is default, drop or pass'
	assert_kept 2 mtu=9 iface_set t0 ssh=off mtu=9
	assert_errors 'iface_set: mtu=9: expected SETTING=VALUE, where SETTING is ssh or nonip'
	assert_kept 2 ssh iface_set t0 ssh
	assert_kept 2 ssh= iface_set t0 ssh=
	assert_kept 2 SSH=own iface_set t0 SSH=own
	assert_kept 2 '' iface_set t0 ''
	assert_kept 2 ssh=off iface_set t0 ssh=any ssh=off
	assert_errors 'iface_set: ssh=off: ssh was said already'
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

	ip -batch - < <(for ((i = 0; i < count; i++)); do echo "link add d$i group 7 type bridge"; done)
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
	iface_set t1 ssh=auto
	iface_set 'x"#0' ssh=any
	iface_set -- -x nonip=pass
	saved >"$tmp/first"
	[ "$(wc -l <"$tmp/first")" = 5 ] || fail '5 lines' "$(cat "$tmp/first")"
	sed -E 's/=[a-z]+/=default/g' "$tmp/first" | iface_set -f -
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
	iface_set any nonip=pass
	iface_set t0 ssh=own
	capture iface_set
	assert_status 0
	assert_errors ''
	# lines by name: which of the two ends of a veth has the lower index is up to the kernel; no addresses but lo's
	sed -E 's/[0-9]( +[^ ]+)$/N\1/' "$out" | sort >"$tmp/sorted"
	diff -u --label expected --label got - "$tmp/sorted" <<-'END' || fail 'the above' 'something else'
		IFACE  INGRESS     SSH     NONIP   ADDRS  NOTE
		any    -           (auto)  pass        -  -
		lo     -           (auto)  (pass)      N  -
		t0     prio 49152  own     (pass)      N  -
		t1     -           (auto)  (pass)      N  -
	END
}

@test "one interface alone, any too" {
	iface_set t0 ssh=own
	capture iface_set t0
	[ "$(wc -l <"$out")" = 2 ] || fail 'two lines' "$(cat "$out")"
	assert_output_has 't0     prio 49152  own  (drop)'
	capture iface_set any
	assert_output 'IFACE  INGRESS  SSH     NONIP   ADDRS  NOTE
any    -        (auto)  (drop)      -  -'
	capture iface_set
	if grep -q ^any "$out"; then
		fail 'no line of any, of which nothing was said' "$(cat "$out")"
	fi
}

@test "the list as JSON: all keys, and null where they do not apply" {
	iface_set any nonip=pass
	iface_set t0 ssh=own
	capture iface_set -j
	assert_json '[r["iface"] for r in d][:2] == ["any", "lo"] and len(d) == 4'
	assert_json 'd[0] == {"iface": "any", "ifindex": 0, "attached": None, "prio": None, "stacked": None, "stale": None, "ssh": "auto",
		"ssh_from": "default", "nonip": "pass", "nonip_from": "any", "addresses": None, "gone": False}'
	capture iface_set -j t0
	assert_json 'd == [dict(d[0], iface="t0", attached=True, prio=49152, stacked=False, stale=False, ssh="own", ssh_from="iface",
		nonip="pass", nonip_from="any", gone=False)]'
	capture iface_set -j t1
	assert_json 'd == [dict(d[0], iface="t1", attached=False, prio=None, stacked=False, stale=False, ssh="auto", ssh_from="default")]'
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
