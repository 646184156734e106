#!/usr/bin/env bats
# flow_dump --map: maps of anybody's by their BTF in every form, as OpenMetrics, and what it does not show.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup_file() {
	clang -g -O2 -target bpf -I"/usr/include/$(gcc -print-multiarch)" -x c -c - -o "$BATS_FILE_TMPDIR/typed.o" <<-'END'
		#include <linux/bpf.h>
		#include <linux/in6.h>
		#include <bpf/bpf_helpers.h>
		#define MAP(map, kind, key_type, value_type, entries, map_flag) struct { \
			__uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, entries); __uint(map_flags, map_flag); \
			__type(key, key_type); __type(value, value_type); __uint(pinning, LIBBPF_PIN_BY_NAME); } map SEC(".maps")
		enum color { RED, GREEN = 7 };
		struct key { __u32 id; __u8 mac[6]; __be16 port; };
		struct value { __u64 packets; __s32 level; enum color color; char name[8]; __u32 low : 4, high : 12; __u32 sizes[3]; };
		struct pair { __u64 packets, untouched; __u64 level; };
		struct prefix { __u32 length; struct in6_addr address; };
		struct wide { struct { __u32 n; } parts[400]; };
		MAP(typed_hash, HASH, struct key, struct value, 100, 0);
		MAP(typed_array, ARRAY, __u32, struct pair, 2, BPF_F_MMAPABLE);
		MAP(typed_plain, ARRAY, __u32, struct pair, 2, 0);
		MAP(typed_cpus, PERCPU_HASH, __u32, struct pair, 10, 0);
		MAP(typed_lru, LRU_HASH, __u32, __u64, 10, 0);
		MAP(typed_trie, LPM_TRIE, struct prefix, __u64, 10, BPF_F_NO_PREALLOC);
		MAP(typed_wide, ARRAY, __u32, struct wide, 1, 0);
		struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, __u32);
			__uint(pinning, LIBBPF_PIN_BY_NAME); } typed_queue SEC(".maps");
		struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096);
			__uint(pinning, LIBBPF_PIN_BY_NAME); } typed_ring SEC(".maps");
		SEC("action") int none(struct __sk_buff *skb) { return -1; }
		char _license[] SEC("license") = "GPL";
	END
	# their own place, and those of flow.o and splicer.o beside
	ip link add t0 type veth peer name t1
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
}

# The maps are new each time.
setup() {
	box_begin
	rm -f "$pins"/typed_*
	tc filter replace dev t0 egress prio 1 handle 1 bpf da obj "$BATS_FILE_TMPDIR/typed.o" sec action
}

# key ID: of typed_hash
key() {
	printf '%02x000000020000000001%04x' "$1" 7011
}

# value PACKETS LEVEL(hex, 4 bytes) COLOR NAME(hex, 8 bytes)
value() {
	printf '%02x00000000000000%s%02x000000%s75000000%s00000000' "$1" "$2" "$3" "$4" 010000000200000003000000
}

two_entries() {
	bpfmap put "$pins/typed_hash" "$(key 1)" "$(value 5 ffffffff 7 6162000000000000)"
	bpfmap put "$pins/typed_hash" "$(key 2)" "$(value 9 02000000 9 1b5b22ff5c000000)"
}

# metrics: standard input as a file, flow_dump's --metrics
metrics() {
	cat >"$tmp/metrics"
	capture flow_dump --map "$pins/$1" --metrics "$tmp/metrics"
}

samples() {
	grep -v '^#' "$out" || :
}

assert_samples() {
	local got
	got=$(samples)
	[ "$got" = "$1" ] || fail "$1" "$got"
}

# ---- forms ----

@test "a hash as a table, CSV, JSON and JSON Lines: numbers, arrays, enumerators, text with any bytes, bit fields" {
	two_entries
	capture bash -c "flow_dump --map $pins/typed_hash | sort -r"
	assert_output - <<-'END'
		key.id  key.mac      key.port  value.packets  value.level  value.color  value.name      value.low  value.high  value.sizes
		     2  2 0 0 0 0 1      7011              9            2  9            \x1b["\xff\x5c          5           7  1 2 3
		     1  2 0 0 0 0 1      7011              5           -1  GREEN        ab                      5           7  1 2 3
	END
	capture bash -c "flow_dump --map $pins/typed_hash --csv | sort -r | tr -d '\r'"
	assert_output - <<-'END'
		key.id,key.mac,key.port,value.packets,value.level,value.color,value.name,value.low,value.high,value.sizes
		2,2 0 0 0 0 1,7011,9,2,9,"\x1b[""\xff\x5c",5,7,1 2 3
		1,2 0 0 0 0 1,7011,5,-1,GREEN,ab,5,7,1 2 3
	END
	capture flow_dump --map "$pins/typed_hash" -j
	assert_json 'sorted(d, key=lambda e: e["key"]["id"])[0] == {"key": {"id": 1, "mac": [2, 0, 0, 0, 0, 1], "port": 7011},
		"value": {"packets": 5, "level": -1, "color": "GREEN", "name": "ab", "low": 5, "high": 7, "sizes": [1, 2, 3]}}'
	assert_json '[e["value"]["name"] for e in d if e["key"]["id"] == 2] == ["\\x1b[\"\\xff\\x5c"]'
	capture bash -c "flow_dump --map $pins/typed_hash --json-lines | sort | head -n 1"
	assert_output '{"key":{"id":1,"mac":[2,0,0,0,0,1],"port":7011},"value":{"packets":5,"level":-1,"color":"GREEN","name":"ab","low":5,"high":7,"sizes":[1,2,3]}}'
}

@test "arrays, LRU, an LPM trie of IPv6, values per CPU" {
	local cpus
	bpfmap put "$pins/typed_array" 01000000 0500000000000000"$(printf '%032x' 0)"
	capture flow_dump --map "$pins/typed_array" -j
	assert_output - <<-'END'
		[{"key":0,"value":{"packets":0,"untouched":0,"level":0}},
		 {"key":1,"value":{"packets":5,"untouched":0,"level":0}}]
	END
	bpfmap put "$pins/typed_lru" 07000000 ffffffffffffffff
	capture flow_dump --map "$pins/typed_lru"
	assert_output $'key                 value\n  7  18446744073709551615'
	bpfmap put "$pins/typed_trie" 20000000"20010db8$(printf '%024x' 0)" 0300000000000000
	capture flow_dump --map "$pins/typed_trie" --csv
	assert_output $'key.length,key.address,value\r\n32,2001:db8::,3\r'
	# as many as there may be: one more would be refused, one less too
	cpus=$(python3 -c 'print(sum(1 + int(b or a) - int(a) for a, _, b in (r.partition("-") for r in open("/sys/devices/system/cpu/possible").read().split(","))))')
	bpfmap put "$pins/typed_cpus" 04000000 "$(for ((i = 0; i < cpus; i++)); do printf '%02x%046x' $((i + 1)) 0; done)"
	capture flow_dump --map "$pins/typed_cpus" --csv
	assert_output "$(printf 'cpu,key,value.packets,value.untouched,value.level\r\n' && for ((i = 0; i < cpus; i++)); do printf '%d,4,%d,0,0\r\n' "$i" $((i + 1)); done)"
	capture flow_dump --map "$pins/typed_cpus" -j
	assert_json "len(d) == 1 and d[0]['key'] == 4 and [v['packets'] for v in d[0]['values']] == list(range(1, $cpus + 1))"
	metrics typed_cpus <<<'metric a_packets counter value.packets'
	assert_samples "a_packets_total $((cpus * (cpus + 1) / 2))"
}

@test "nothing in it: an empty table, an empty array, a line of names" {
	capture flow_dump --map "$pins/typed_hash"
	assert_status 0 && assert_output '' && assert_errors ''
	capture flow_dump --map "$pins/typed_hash" -j
	assert_output '[]'
	capture flow_dump --map "$pins/typed_lru" --csv
	assert_output $'key,value\r'
}

@test "what has more fields than a table has columns" {
	capture flow_dump --map "$pins/typed_wide"
	assert_status 1 && assert_output '' && assert_complaint "$pins/typed_wide"
	assert_errors_have 'has 401 fields, a table '
	assert_errors_have ' columns: print it with --csv or -j'
	capture flow_dump --map "$pins/typed_wide" --csv
	assert_status 0 && assert_output_has ',value.parts.399.n'
	capture flow_dump --map "$pins/typed_wide" -j
	assert_json 'len(d[0]["value"]["parts"]) == 400'
}

@test "the maps of splicer itself: those of maps tell which, the others what is in them" {
	capture flow_dump --map "$pins/flow1_sessions" -j
	assert_json 'd[0]["slot"] == 0 and d[0]["type"] == "array" and d[0]["name"] == "flow_sessions" and d[0]["entries"] > 1000'
	capture flow_dump --map "$pins/flow1_sessions" --csv
	assert_output_has $'slot,id,type,name,key_size,value_size,entries\r'
	capture flow_dump --map "$pins/splicer1_config" -j
	assert_status 0
	assert_json 'len(d) == 1 and d[0]["key"] == 0 and isinstance(d[0]["value"], dict)'
	capture bash -c "flow_dump --map $pins/event1_counts --json-lines | head -n 1"
	assert_output_has '"packets":'
	metrics flow1_sessions <<<'metric a gauge value.b'
	assert_status 1 && assert_output '' && assert_errors_have 'is a map of maps: it has no values of its own'
}

@test "a million entries are printed in little memory, each once" {
	python3 - "$tmp/big.c" <<-'END'
		import sys
		open(sys.argv[1], "w").write("""
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1000000); __type(key, __u32); __type(value, __u64);
			__uint(pinning, LIBBPF_PIN_BY_NAME); } typed_big SEC(".maps");
		SEC("action") int none(struct __sk_buff *skb) { return -1; }
		""")
	END
	clang -g -O2 -target bpf -I"/usr/include/$(gcc -print-multiarch)" -c "$tmp/big.c" -o "$tmp/big.o"
	tc filter replace dev t0 egress prio 2 handle 1 bpf da obj "$tmp/big.o" sec action
	# the tool itself takes some
	capture bash -c "ulimit -v 200000; flow_dump --map $pins/typed_big --csv | sort -u | wc -l"
	assert_output 1000001
	tc filter del dev t0 egress prio 2
}

# ---- what is not shown ----

@test "no map, no BTF, no values: exit 1 and why" {
	local what
	capture flow_dump --map "$pins/none"
	assert_status 1 && assert_complaint "$pins/none" && assert_errors_have 'No such file'
	capture flow_dump --map /etc/passwd
	assert_status 1 && assert_errors_have 'is not in a bpf file system'
	capture flow_dump --map "$pins"
	assert_status 1 && assert_errors_have 'is a directory'
	bpfmap lookup "$pins/typed_link"
	capture flow_dump --map "$pins/typed_link"
	assert_status 1 && assert_errors_have 'is a pinned link, not a map'
	bpfmap create "$pins/typed_bare" 1 4 8 10 0
	capture flow_dump --map "$pins/typed_bare"
	assert_status 1 && assert_complaint "$pins/typed_bare" && assert_errors_have 'has no BTF: compile its program with clang -g'
	capture flow_dump --map "$pins/typed_queue"
	assert_status 1 && assert_errors_have 'is a map of type queue: its entries can only be taken off'
	capture flow_dump --map "$pins/typed_ring"
	assert_status 1 && assert_errors_have 'is a map of type ringbuf'
	capture setpriv --reuid 65534 --regid 65534 --clear-groups flow_dump --map "$pins/typed_hash"
	assert_status 1 && assert_output '' && assert_one_line
}

@test "what does not go together is malformed" {
	local words
	for words in '--metrics x' "--map $pins/typed_hash --reset" "--map $pins/typed_hash --zeek" \
		"--map $pins/typed_hash --csv -j" "--map $pins/typed_hash 10.0.0.1" "--map $pins/typed_hash -j --metrics x"; do
		# shellcheck disable=SC2086  # words
		capture flow_dump $words
		assert_status 2 && assert_output '' && assert_one_line
	done
}

# ---- metrics ----

@test "labels in every form, a constant, a unit, help with whatever it has" {
	two_entries
	metrics typed_hash <<-'END'
		metric a_packets counter value.packets
		  help "of \"all\" \\ kinds"
		  unit packets
		  label id key.id
		  label mac key.mac mac
		  label hex key.port hex
		  label ipv4 key.id ipv4
		  label color value.color
		  label name value.name
		  constant site "north east"
		metric a_level gauge value.level
		  label id key.id hex
		metric a_size histogram value.sizes 10 20
	END
	assert_status 0 && assert_errors ''
	assert_output - <<-'END'
		# TYPE a_packets counter
		# UNIT a_packets packets
		# HELP a_packets of \"all\" \\ kinds
		a_packets_total{id="1",mac="02:00:00:00:00:01",hex="0x1b63",ipv4="1.0.0.0",color="GREEN",name="ab",site="north east"} 5
		a_packets_total{id="2",mac="02:00:00:00:00:01",hex="0x1b63",ipv4="2.0.0.0",color="9",name="\\x1b[\"\\xff\\x5c",site="north east"} 9
		# TYPE a_level gauge
		# HELP a_level value.level
		a_level{id="0x00000001"} -1
		a_level{id="0x00000002"} 2
		# TYPE a_size histogram
		# HELP a_size value.sizes
		a_size_bucket{le="10.0"} 2
		a_size_bucket{le="20.0"} 6
		a_size_bucket{le="+Inf"} 12
		# EOF
	END
}

@test "entries of equal labels are added up; without entries there is zero of what needs none" {
	metrics typed_hash <<<$'metric a counter value.packets\nconstant x y\nmetric b counter value.packets\nlabel id key.id'
	assert_samples 'a_total{x="y"} 0'
	two_entries
	metrics typed_hash <<<$'metric a counter value.packets\nlabel mac key.mac mac\nmetric b gauge value.level'
	assert_samples $'a_total{mac="02:00:00:00:00:01"} 14\nb 1'
}

@test "a malformed file: where, why, exit 2, and nothing is printed or emptied" {
	two_entries
	metrics typed_hash <<<$'empty-on-read\nmetric a counter value.packets\n  label id key.ident'
	assert_status 2 && assert_output '' && assert_complaint "$tmp/metrics:3:12: key.ident"
	assert_errors_have 'no such field; there are key.id, key.mac, key.port, value.packets,'
	metrics typed_hash <<<'metric a counter value.level'
	assert_status 2 && assert_output '' && assert_complaint "$tmp/metrics:1:18: value.level"
	metrics typed_hash </dev/null
	assert_status 2 && assert_output ''
	capture flow_dump --map "$pins/typed_hash" --metrics "$tmp/none"
	assert_status 1 && assert_output ''
	capture flow_dump --map "$pins/typed_hash" -j
	assert_json 'len(d) == 2'
}

# ---- empty on read ----

SYNS=$'metric a counter value.packets\nlabel id key.id\nempty-on-read'

@test "entries of a hash are handed out once, and not when nobody got them" {
	two_entries
	cat >"$tmp/metrics" <<<"$SYNS"
	run -1 bash -c "flow_dump --map $pins/typed_hash --metrics $tmp/metrics >/dev/full"
	[[ $output == *'No space left'* ]] || fail 'No space left' "$output"
	# a reader that has gone: the pipe has only this end
	run -1 bash -c "exec > >(:); wait \$!; exec flow_dump --map $pins/typed_hash --metrics $tmp/metrics"
	[[ $output == *'Broken pipe'* ]] || fail 'Broken pipe' "$output"
	metrics typed_hash <<<"$SYNS"
	assert_status 0 && assert_samples $'a_total{id="1"} 5\na_total{id="2"} 9'
	metrics typed_hash <<<"$SYNS"
	assert_status 0 && assert_samples ''
}

@test "arrays: what is named is set back, all else stays" {
	local map
	for map in typed_array typed_plain; do
		bpfmap put "$pins/$map" 01000000 050000000000000006000000000000000700000000000000
		metrics $map <<<$'metric a counter value.packets\nmetric b gauge value.level\nempty-on-read'
		assert_samples $'a_total 5\nb 7'
		capture flow_dump --map "$pins/$map" --csv
		assert_output $'key,value.packets,value.untouched,value.level\r\n0,0,0,0\r\n1,0,6,0\r'
	done
}

# held MAP FILE: flow_dump empties the map, and waits for its reader between reading and taking out; fills $pid
held() {
	rm -f "$tmp/pipe"
	mkfifo "$tmp/pipe"
	exec {pipe}<>"$tmp/pipe"
	# as much as a pipe holds
	head -c 65536 /dev/zero >&"$pipe"
	flow_dump --map "$pins/$1" --metrics "$2" >&"$pipe" 3>&- &
	pid=$!
	for ((try = 0; try < 1000; try++)); do
		! grep -q pipe_write "/proc/$pid/wchan" || return 0
		sleep 0.02
	done
	kill "$pid"
	fail 'waits for its reader' "$(cat "/proc/$pid/wchan")"
}

# released: its reader comes
released() {
	head -c 65536 <&"$pipe" >/dev/null
	wait "$pid" || fail 'exit status 0' "$?"
	exec {pipe}>&-
}

@test "what comes between reading and taking out stays: counters by what they have grown, gauges as they are" {
	two_entries
	printf '%s\nmetric b gauge value.level\n' "$SYNS" >"$tmp/metrics"
	held typed_hash "$tmp/metrics"
	# grown; gone and begun anew; new; and one that stays as it was
	bpfmap put "$pins/typed_hash" "$(key 1)" "$(value 8 ffffffff 7 6162000000000000)"
	bpfmap put "$pins/typed_hash" "$(key 2)" "$(value 4 03000000 9 6162000000000000)"
	bpfmap put "$pins/typed_hash" "$(key 3)" "$(value 1 05000000 9 6162000000000000)"
	released
	metrics typed_hash <<<$'metric a counter value.packets\nlabel id key.id\nmetric b gauge value.level\nlabel id key.id'
	assert_samples $'a_total{id="1"} 3\na_total{id="2"} 4\na_total{id="3"} 1\nb{id="1"} 0\nb{id="2"} 3\nb{id="3"} 5'
}

@test "of arrays too" {
	local map
	printf 'metric a counter value.packets\nmetric b gauge value.level\nempty-on-read\n' >"$tmp/metrics"
	for map in typed_array typed_plain; do
		bpfmap put "$pins/$map" 00000000 050000000000000006000000000000000700000000000000
		bpfmap put "$pins/$map" 01000000 050000000000000006000000000000000700000000000000
		held "$map" "$tmp/metrics"
		bpfmap put "$pins/$map" 00000000 090000000000000006000000000000000700000000000000
		bpfmap put "$pins/$map" 01000000 020000000000000006000000000000000800000000000000
		released
		capture flow_dump --map "$pins/$map" --csv
		assert_output $'key,value.packets,value.untouched,value.level\r\n0,4,6,0\r\n1,2,6,8\r'
	done
}

@test "what cannot be emptied, or is by another one now" {
	metrics typed_trie <<<$'metric a counter value\nempty-on-read'
	assert_status 1 && assert_output '' && assert_errors_have 'empty-on-read is not for an LPM trie'
	bpfmap freeze "$pins/typed_plain"
	metrics typed_plain <<<$'metric a counter value.packets\nempty-on-read'
	assert_status 1 && assert_output '' && assert_errors_have 'is frozen, so it cannot be emptied'
	capture flock "$pins/typed_hash" flow_dump --map "$pins/typed_hash" --metrics - <<<"$SYNS"
	assert_status 1 && assert_output '' && assert_errors_have 'another process reads and empties it now'
}
