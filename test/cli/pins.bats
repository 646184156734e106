#!/usr/bin/env bats
# Pins that are missing, of another shape, of another version, of another network namespace; and no privilege.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	other=/sys/fs/bpf/other
	rm -rf "$other"
	mkdir "$other"
	map_update 10.0.0.0 8 80 80 0 tcp
	limit=30
}

# Each tool with operands that would do something.
all_tools() {
	local check=$1 operand=$2

	shift 2
	"$check" "$operand" map_update "$@" 10.9.0.0 16 80 80 0 tcp
	"$check" "$operand" map_update "$@" -n 10.9.0.0 16 80 80 0 tcp
	"$check" "$operand" map_update "$@" -f - <<<'10.9.0.0 16 80 80 0 tcp'
	"$check" "$operand" map_delete "$@" --all
	"$check" "$operand" map_delete "$@" 10.0.0.0 8 80 tcp
	"$check" "$operand" rule_list "$@"
	"$check" "$operand" rule_list "$@" --save
	"$check" "$operand" rule_list "$@" -j
	"$check" "$operand" trace_tail "$@" -c 1
	"$check" "$operand" iface_set "$@" t0 ssh=own
	"$check" "$operand" iface_set "$@"
	"$check" "$operand" iface_set "$@" --watch
	"$check" "$operand" lookup_link "$@"
	"$check" "$operand" lookup_link "$@" make
	"$check" "$operand" lookup_link "$@" remove
	"$check" "$operand" conn_list "$@"
	"$check" "$operand" conn_delete "$@" --all
	"$check" "$operand" conn_set "$@"
	"$check" "$operand" conn_set "$@" udp=30
}

# The maps of the box under the other directory, which is emptied first, but for the one named.
link_all_but() {
	local maps

	rm -rf "$other"
	mkdir "$other"
	mapfile -t maps < <(find "$pins" -type f ! -name "$1")
	bpfmap link "${maps[@]}" "$other"
}

# ---- missing ----

@test "a pin directory that is not there" {
	all_tools assert_state /sys/fs/bpf/none --pin-dir /sys/fs/bpf/none
	assert_errors_have 'no such directory; is splicer.o attached'
	all_tools assert_state '' --pin-dir ''
}

@test "an empty pin directory" {
	all_tools assert_state "$other/splicer1_config" --pin-dir "$other"
	assert_errors_have 'not pinned; is splicer.o attached'
}

@test "a pin directory that is none, or is on a disk" {
	: >"$tmp/file"
	all_tools assert_state "$tmp/file" --pin-dir "$tmp/file"
	mkdir "$tmp/directory"
	: >"$tmp/directory/splicer1_config"
	all_tools assert_state "$tmp/directory" --pin-dir "$tmp/directory"
	assert_errors_have 'is not in a bpf file system'
}

@test "a pin directory with a relative name, and with a slash behind it" {
	cd "$pins/.." || return
	capture rule_list --pin-dir globals --save
	assert_status 0
	assert_output '10.0.0.0 8 80 80 0 tcp'
	capture rule_list --pin-dir "$pins/" --save
	assert_output '10.0.0.0 8 80 80 0 tcp'
}

@test "a pin directory of another name works as the default one" {
	link_all_but none
	assert_done map_update --pin-dir "$other" 10.1.0.0 16 80 80 0 tcp
	assert_rules $'10.0.0.0 8 80 80 0 tcp\n10.1.0.0 16 80 80 0 tcp'
}

@test "one map of the set is missing: it is named, and nothing is written" {
	link_all_but splicer1_rules
	assert_state "$other/splicer1_rules" map_update --pin-dir "$other" 10.9.0.0 16 80 80 0 tcp
	assert_state "$other/splicer1_rules" map_delete --pin-dir "$other" --all
	assert_state "$other/splicer1_rules" rule_list --pin-dir "$other"
	link_all_but splicer1_addrs
	assert_state "$other/splicer1_addrs" map_update --pin-dir "$other" 10.9.0.0 16 80 80 0 tcp
	link_all_but event1_rings
	assert_state "$other/event1_rings" trace_tail --pin-dir "$other" -c 1
}

# ---- foreign ----

# What libbpf would take silently where shapes agree, and what a tool could write to where they do not.
assert_foreign() {
	assert_state "$@"
	assert_errors_have 'a map of another kind: '
	grep -qE ': type [0-9]+ key [0-9]+ value [0-9]+ entries [0-9]+ flags (0|0x[0-9a-f]+), expected type [0-9]+ key [0-9]+ value [0-9]+ entries [0-9]+ flags (0|0x[0-9a-f]+)$' "$err" ||
		fail 'both shapes' "$(cat "$err")"
}

@test "a foreign map under the name of the configuration" {
	local shape

	# type (2: array, 1: hash), key, value, entries, flags (0x400: mmapable); all but one as they should be
	for shape in '1 4 128 1 0' '2 4 64 1 0x400' '2 4 128 2 0x400' '2 4 128 1 0' '6 4 128 1 0'; do
		rm -rf "$other"
		mkdir "$other"
		# shellcheck disable=SC2086  # words
		bpfmap create "$other/splicer1_config" $shape
		all_tools assert_foreign "$other/splicer1_config" --pin-dir "$other"
		assert_errors_have 'expected type 2 key 4 value 128 entries 1 flags 0x400'
	done
}

@test "the shape of the foreign map is told, number by number" {
	bpfmap create "$other/splicer1_config" 2 4 64 3 0x400
	capture rule_list --pin-dir "$other"
	assert_errors "rule_list: $other/splicer1_config: a map of another kind: type 2 key 4 value 64 entries 3 flags 0x400, expected type 2 key 4 value 128 entries 1 flags 0x400"
}

@test "a foreign map is not written to" {
	bpfmap create "$other/splicer1_config" 2 4 64 1 0x400
	all_tools assert_foreign "$other/splicer1_config" --pin-dir "$other"
	[ "$(bpfmap dump "$other/splicer1_config" | tr -d 0)" = '' ] || fail 'zeros' "$(bpfmap dump "$other/splicer1_config")"
}

@test "a foreign map under the name of the rules, or of the addresses" {
	link_all_but splicer1_rules
	bpfmap create "$other/splicer1_rules" 1 4 4 1 0
	assert_foreign "$other/splicer1_rules" map_update --pin-dir "$other" 10.9.0.0 16 80 80 0 tcp
	assert_foreign "$other/splicer1_rules" map_delete --pin-dir "$other" --all
	assert_foreign "$other/splicer1_rules" rule_list --pin-dir "$other"
	link_all_but splicer1_addrs
	bpfmap create "$other/splicer1_addrs" 1 4 4 65536 0
	assert_foreign "$other/splicer1_addrs" map_update --pin-dir "$other" 10.9.0.0 16 80 80 0 tcp
}

@test "a foreign map under a name of the events" {
	local name

	for name in event1_control event1_slots event1_rings; do
		link_all_but "$name"
		bpfmap create "$other/$name" 2 4 8 1 0x400
		assert_foreign "$other/$name" trace_tail --pin-dir "$other" -c 1
	done
}

@test "all maps are looked at before the first write: a foreign one leaves the others as they are" {
	bpfmap create "$other/splicer1_config" 2 4 128 1 0x400
	bpfmap link "$pins/splicer1_addrs" "$other"
	bpfmap create "$other/splicer1_rules" 1 4 4 1 0
	assert_foreign "$other/splicer1_rules" map_update --pin-dir "$other" 10.9.0.0 16 80 80 0 tcp
	[ "$(bpfmap dump "$other/splicer1_config" | tr -d 0)" = '' ] || fail 'zeros' "$(bpfmap dump "$other/splicer1_config")"
}

@test "with a foreign map of addresses no route is added either" {
	link_all_but splicer1_addrs
	bpfmap create "$other/splicer1_addrs" 1 4 4 65536 0
	assert_foreign "$other/splicer1_addrs" map_update --route --pin-dir "$other" 10.9.0.0 16 80 80 5000 tcp
	if ip route show table local 10.9.0.0/16 | grep .; then
		fail 'no route' 'one'
	fi
}

# ---- another version ----

@test "maps of another version: both numbers are named" {
	bpfmap create "$other/splicer2_config" 2 4 128 1 0x400
	all_tools assert_state "$other" --pin-dir "$other"
	assert_errors_have 'ABI 2'
	assert_errors_have 'ABI 1'
	[ "$(bpfmap dump "$other/splicer2_config" | tr -d 0)" = '' ] || fail 'zeros' 'something'
}

@test "maps of a version with two digits" {
	bpfmap create "$other/splicer12_config" 2 4 128 1 0x400
	assert_state "$other" rule_list --pin-dir "$other"
	assert_errors_have 'ABI 12'
}

@test "maps of another version beside ours do not matter" {
	link_all_but none
	bpfmap create "$other/splicer2_config" 2 4 128 1 0x400
	capture rule_list --save --pin-dir "$other"
	assert_status 0
	assert_output '10.0.0.0 8 80 80 0 tcp'
}

# ---- another network namespace ----

@test "tools in another network namespace are refused: interface numbers repeat" {
	local tool

	for tool in 'map_update 10.9.0.0 16 80 80 0 tcp' 'map_delete --all' rule_list 'trace_tail -c 1'; do
		# shellcheck disable=SC2086  # words
		capture unshare --net $tool
		assert_status 1
		assert_output ''
		assert_one_line
		assert_errors_have "$pins: these maps belong to another network namespace"
		assert_rules '10.0.0.0 8 80 80 0 tcp'
	done
}

# ---- no privilege ----

@test "a user who is not root: exit 1 and what could not be opened" {
	local tool

	for tool in 'map_update 10.9.0.0 16 80 80 0 tcp' 'map_delete --all' rule_list 'trace_tail -c 1'; do
		# shellcheck disable=SC2086  # words
		capture setpriv --reuid 65534 --regid 65534 --clear-groups $tool
		assert_status 1
		assert_output ''
		assert_errors "${tool%% *}: $pins: Permission denied"
		assert_rules '10.0.0.0 8 80 80 0 tcp'
	done
}

@test "a user who is not root, and pins that all may read: exit 1 and what was not permitted" {
	link_all_but none
	chmod 755 "$other"
	chmod 644 "$other"/*
	capture setpriv --reuid 65534 --regid 65534 --clear-groups rule_list --pin-dir "$other"
	assert_status 1
	assert_output ''
	assert_one_line
	assert_errors_have "rule_list: "
	assert_errors_have 'ermi' # Permission denied or Operation not permitted
}

# ---- interfaces ----

@test "an interface that is not there: exit 1, it is named" {
	assert_state t9 map_update 10.9.0.0 16 80 80 0 tcp -i t9
	assert_errors 'map_update: t9: no such interface'
	assert_state t9 map_update 10.9.0.0 16 80 80 0 tcp -i t0 -i t9
	assert_state t9 map_delete --all -i t9
	assert_state t9 rule_list -i t9
	assert_state t9 trace_tail -i t9
	assert_state 'stdin:2:28: t9' map_update -f - <<<$'10.9.0.0 16 80 80 0 tcp\n10.9.0.0 16 80 80 0 tcp -i t9'
}
