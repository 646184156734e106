#!/usr/bin/env bats
# shellcheck shell=bats
# The columns of CICFlowMeter are what test/net/cic makes of the packets themselves: of whole captures, of captures in
# several generations, read by parsers that are not ours.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

replay=$BATS_TEST_DIRNAME/../../scripts/replay
captures=(tcp_whole tcp_again tcp_order tcp_ends tcp_many udp icmp headers vlan fragments jumbo idle bulks)

setup_file() {
	captures "$BATS_FILE_TMPDIR"
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

teardown() {
	ip link del gen0 2>/dev/null || true
	rm -rf "${PINS:?}"
}

# expect NAME FILE...: what the packets of these come to, in NAME.cic
expect() {
	local name=$1
	shift
	cic "$@" >"$name.cic"
}

@test "whole captures: each column of each session" {
	local name
	for name in "${captures[@]}"; do
		expect "$name" "$name.pcap"
		"$replay" --set '--details on' "$name.pcap" -- --csv --columns cic >"$name.csv"
		assert_exit 0 cic --compare "$name.cic" "$name.csv" || return
	done
	# there is no column that would be right whatever it were made of
	assert_equal "$(cic --constant "${captures[@]/%/.cic}")" Label
	assert_match "$out" '^[1-9][0-9]* rows, [1-9][0-9]* values$'
}

@test "a value that is not the same is found" {
	local change
	expect bulks bulks.pcap
	while read -r change; do
		mlr --csv put "NR == 3 { $change }" bulks.cic >changed
		assert_exit 1 cic --compare bulks.cic changed || return
		assert_equal "$(wc -l <<<"$out")" 1 "differences of $change" || return
	done <<-'END'
		${Label} = "BENIGN"
		${Dst Port} += 1
		${Fwd Seg Size Min} -= 1
		${Flow IAT Std} += 0.01
		${Down/Up Ratio} += 0.00001
		${Idle Min} = ""
	END
	head -n -1 bulks.cic >changed
	assert_exit 1 cic --compare bulks.cic changed
}

# gen_attach: flow.o as if for the first time, where nothing comes but what is run through it
gen_attach() {
	ip link del gen0 2>/dev/null || true
	rm -rf "${PINS:?}"/*
	ip link add gen0 type veth peer name gen1
	tc qdisc add dev gen0 clsact
	tc filter add dev gen0 ingress prio 10 handle 1 bpf da obj "${LAB_OBJECTS:?}/flow.o" sec action
	flow_set --details on
}

# replay_parts NAME COUNT: each part of the capture in a generation of its own
replay_parts() {
	local part
	cic --split "$1.pcap" "$2"
	for ((part = 0; part < $2; part++)); do
		[ "$part" = 0 ] || flow_set --capacity $((6000 + 6 * part)) || return
		flow_replay -i gen0 "$1.pcap.$part" || return
	done
}

@test "several generations, put together: the same as of packets that were never parted" {
	local name count
	for name in tcp_whole tcp_again tcp_ends udp icmp idle bulks; do
		for count in 2 3 7; do
			gen_attach
			replay_parts "$name" "$count"
			flow_dump --csv --columns cic >parts.csv
			cic "$name.pcap".? >parts.cic
			assert_exit 0 cic --compare parts.cic parts.csv || return
			rm "$name.pcap".?
		done
	done
}

@test "each generation by itself: what goes by time is by the packets of that one" {
	local part
	gen_attach
	replay_parts bulks 2
	flow_set --capacity 7000
	flow_dump --reset --csv --columns 'cic,generation,continued' -q >both
	assert_equal "$(csvfield 'Tot Fwd Pkts' <both | awk '{ n += $1 } END { print n }')" \
		"$(cic bulks.pcap | csvfield 'Tot Fwd Pkts' | awk '{ n += $1 } END { print n }')"
	# a capture by itself, where no session of it goes on
	for part in 0 1; do
		cic "bulks.pcap.$part" | csvfield 'Flow Duration' | sort >expected
		awk -F , -v part="$part" 'NR == 1 || $85 == part' both | csvfield 'Flow Duration' | sort >got
		assert_equal "$(<got)" "$(<expected)" "generation $part" || return
	done
}

# csvfield NAME: of CSV on standard input
csvfield() {
	python3 -ISc 'import csv, sys; print(*(row[sys.argv[1]] for row in csv.DictReader(sys.stdin)), sep="\n")' "$1"
}

@test "CSV: Miller reads what Python's csv reads" {
	"$replay" --set '--details on' bulks.pcap -- --csv --columns cic,id >bulks.csv
	assert_exit 0 mlr --icsv --ojson cat bulks.csv
	python3 -ISc '
import csv, json, sys
rows = list(csv.DictReader(open("bulks.csv", newline=""), strict=True))
assert len(rows) == 8 and len(rows[0]) == 85
assert rows == [{key: str(value) for key, value in row.items()} for row in json.load(sys.stdin, parse_float=str, parse_int=str)]
' <<<"$out"
	# shellcheck disable=SC2016,SC1010  # words of Miller's
	assert_exit 0 mlr --icsv --onidx filter '${Tot Fwd Pkts} > 10' then count bulks.csv
	assert_equal "$out" 2
}

@test "without details: nothing where they are needed, the rest as with them, and a note" {
	"$replay" --set '--details on' bulks.pcap -- --csv --columns cic >with.csv
	assert_exit 0 "$replay" bulks.pcap -- --csv --columns cic
	assert_match "$err" '^flow_dump: no details were kept of 8 of 8 sessions; flow_set --details on has'
	printf '%s\n' "$out" >without.csv
	python3 -ISc '
import csv
a, b = (sorted(csv.DictReader(open(name, newline="")), key=lambda row: list(row.values())[:12]) for name in ("with.csv", "without.csv"))
empty = {name for row in b for name in row if not row[name].strip()}
assert len(empty) == 36, sorted(empty)
assert all(not row[name] for row in b for name in empty)
assert all(x[name] == y[name] for x, y in zip(a, b, strict=True) for name in x if name not in empty)
'
	assert_exit 0 "$replay" bulks.pcap -- -q --csv --columns cic
	assert_equal "$err" ''
	assert_exit 0 "$replay" --set '--details on' bulks.pcap -- --csv --columns cic
	assert_equal "$err" ''
}
