#!/usr/bin/env bats
# lookup_link: what it accepts, what it says, and what it leaves as it was.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

object=$LAB_OBJECTS/splicer.o

setup() {
	box_clean
	link=$pins/splicer1_lookup
	lookup_link remove
}

# The link in full, and the word to the packet program.
state() {
	lookup_link -j
	bpfmap dump "$pins/splicer1_config"
	find "$pins" | sort
}

# refused STATUS OPERAND COMMAND [ARG]...: one line about OPERAND, and nothing changed. In a shell without the trap that
# bats runs before every command.
refused() (
	trap - DEBUG
	expected=$1 operand=$2
	shift 2
	before=$(state)
	capture "$@"
	assert_status "$expected" && assert_output '' && assert_complaint "$operand" || return
	[ "$(state)" = "$before" ] || fail 'nothing changed' "$(diff <(echo "$before") <(state))"
)

# told: the word lookup_linked of struct splicer_config, as it lies in memory
told() {
	local hex
	hex=$(bpfmap dump "$pins/splicer1_config")
	echo "${hex:32:8}"
}

assert_told() {
	[ "$(told)" = "$1" ] || fail "lookup_linked $1" "$(told)"
}

# assert_link STATE: by the only list there is
assert_link() {
	capture lookup_link -j
	assert_json "d[0]['state'] == '$1'"
}

@test "usage errors: exit 2, one line, nothing changed" {
	refused 2 mak lookup_link mak
	refused 2 Make lookup_link Make
	refused 2 '' lookup_link ''
	refused 2 t0 lookup_link make t0
	refused 2 t0 lookup_link remove t0
	refused 2 make lookup_link remove make
	refused 2 --object lookup_link --object "$object"
	refused 2 --object lookup_link remove --object "$object"
	refused 2 --object lookup_link make --object
	refused 2 --unused lookup_link --unused
	refused 2 --unused lookup_link make --unused
	refused 2 -j lookup_link make -j
	refused 2 -j lookup_link -j remove
	refused 2 -n lookup_link -n
	refused 2 --force lookup_link remove --force
	refused 2 -f lookup_link -f /dev/null
}

@test "there is none unless somebody makes it" {
	capture lookup_link
	assert_status 0
	assert_output $'STATE  LINK  PROG  NAME  TAG  NETNS\nnone      -     -  -     -        -'
	capture lookup_link -j
	assert_output '[{"state":"none","link":null,"prog":null,"name":null,"tag":null,"netns":null}]'
	assert_told 00000000
}

@test "made, made again, removed, removed again: letters, silence, and the word to the packet program" {
	capture lookup_link make -n
	assert_output 'A splicer1_lookup'
	assert_link none
	capture lookup_link make --verbose --object "$object"
	assert_output 'A splicer1_lookup'
	assert_told 01000000
	state >"$tmp/made"
	capture lookup_link make -v
	assert_output '= splicer1_lookup'
	capture lookup_link make -n
	assert_output '= splicer1_lookup'
	assert_done lookup_link make
	assert_text 'the link' "$tmp/made" "$(state)"
	capture lookup_link remove -n
	assert_output 'D splicer1_lookup'
	assert_text 'the link' "$tmp/made" "$(state)"
	capture lookup_link remove -v
	assert_output 'D splicer1_lookup'
	assert_told 00000000
	[ ! -e "$link" ] || fail 'no pin' "$link"
	capture lookup_link remove -v
	assert_output '= splicer1_lookup'
	assert_done lookup_link remove
}

@test "a table and JSON tell the same: ids, name, tag and network namespace" {
	lookup_link make
	capture lookup_link -j
	assert_json "d[0]['state'] == 'linked' and d[0]['name'] == 'splicer_lookup' and len(d[0]['tag']) == 16"
	assert_json "d[0]['netns'] == $(stat -L -c %i /proc/self/ns/net) and d[0]['link'] > 0 and d[0]['prog'] > 0"
	python3 -ISc 'import json, sys; print(*json.load(open(sys.argv[1]))[0].values())' "$out" >"$tmp/json"
	capture lookup_link
	assert_text 'the same' <(tail -n 1 "$out" | tr -s ' ') "$(<"$tmp/json")"
}

@test "what is no object, or has no such program, changes nothing; a link that is there stays" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	refused 1 "$BATS_TEST_TMPDIR/pipe" lookup_link make --object "$BATS_TEST_TMPDIR/pipe"
	refused 1 /dev lookup_link make --object /dev
	local file made

	mkdir "$tmp/directory"
	echo text >"$tmp/text"
	sed 's/splicer_lookup/splicer_others/g' "$object" >"$tmp/other.o"
	for made in no yes; do
		[ "$made" = no ] || lookup_link make
		for file in "$tmp/text" "$tmp/directory" /nonexistent "$tmp/other.o" ''; do
			refused 1 "$file" lookup_link make --object "$file"
		done
		refused 1 "$tmp/other.o" lookup_link make -n --object "$tmp/other.o"
		assert_errors_have 'has no program splicer_lookup'
	done
	refused 1 '??[1m' lookup_link make --object $'\e\e[1m'
}

# It begins with exit.
@test "a program that the kernel refuses changes nothing; -v tells why" {
	python3 -IS "$BATS_TEST_DIRNAME/../break_section" "$object" sk_lookup "$tmp/broken.o"
	refused 1 "$tmp/broken.o" lookup_link make --object "$tmp/broken.o"
	assert_errors_have 'BPF program load failed'
	lookup_link make
	refused 1 "$tmp/broken.o" lookup_link make --object "$tmp/broken.o"
	capture lookup_link make -v --object "$tmp/broken.o"
	assert_status 1
	assert_errors_have 'unreachable insn'
}

@test "maps that are missing or of another shape are refused, none is made, and a link that is there stays" {
	local made

	for made in no yes; do
		[ "$made" = no ] || lookup_link make
		mv "$pins/splicer1_frags" "$pins/kept"
		refused 1 "$pins/splicer1_frags" lookup_link make
		bpfmap create "$pins/splicer1_frags" 2 4 4 1 0
		capture lookup_link make
		assert_status 1
		assert_one_line
		assert_errors_have 'splicer1_frags'
		rm "$pins/splicer1_frags"
		mv "$pins/kept" "$pins/splicer1_frags"
		assert_link "$([ "$made" = no ] && echo none || echo linked)"
	done
	capture lookup_link make -v
	assert_output '= splicer1_lookup'
}

@test "another program takes the place of the old one in the same link" {
	lookup_link make
	lookup_link -j >"$tmp/before"
	# other instructions, and so another tag
	python3 -IS "$BATS_TEST_DIRNAME/../break_section" --pass "$object" sk_lookup "$tmp/other.o"
	capture lookup_link make -n --object "$tmp/other.o"
	assert_output 'C splicer1_lookup'
	assert_text 'a dry run' <(lookup_link -j) "$(<"$tmp/before")"
	capture lookup_link make -v --object "$tmp/other.o"
	assert_output 'C splicer1_lookup'
	capture lookup_link -j
	cp "$out" "$tmp/after"
	python3 -ISc '
import json, sys
a, b = (json.load(open(name))[0] for name in sys.argv[1:])
assert a["link"] == b["link"] and a["tag"] != b["tag"] and a["prog"] != b["prog"], (a, b)' "$tmp/before" "$tmp/after"
	capture lookup_link make -v --object "$tmp/other.o"
	assert_output '= splicer1_lookup'
}

@test "what somebody else pinned under the name is refused, and untouched" {
	bpfmap create "$link" 2 4 8 1 0
	capture lookup_link
	assert_status 1
	assert_errors "lookup_link: $link: not a link"
	capture lookup_link make
	assert_status 1
	assert_complaint "$link"
	capture lookup_link remove
	assert_status 1
	assert_complaint "$link"
	[ "$(bpfmap dump "$link")" = 0000000000000000 ] || fail 'the map' 'another'
	rm "$link"
}

@test "a pin that was removed by hand is said to be lost, also by a failure, and made or removed again" {
	lookup_link make
	rm "$link"
	assert_link lost
	assert_told 01000000
	capture lookup_link make --object /nonexistent
	assert_status 1
	assert_told 00000000
	lookup_link make
	rm "$link"
	capture lookup_link make -v
	assert_output 'A splicer1_lookup'
	assert_link linked
	rm "$link"
	capture lookup_link remove -v
	assert_output 'C splicer1_lookup'
	assert_told 00000000
}

@test "--unused removes it only when the program is on no interface, but those named" {
	lookup_link make
	capture lookup_link remove -v --unused
	assert_output '= splicer1_lookup'
	capture lookup_link remove -v --unused t1 lo nope
	assert_output '= splicer1_lookup'
	assert_link linked
	capture lookup_link remove -n --unused t0
	assert_output 'D splicer1_lookup'
	tc qdisc add dev t1 clsact
	tc filter add dev t1 ingress bpf da obj "$object" sec action
	capture lookup_link remove -v --unused t0
	assert_output '= splicer1_lookup'
	tc qdisc del dev t1 clsact
	capture lookup_link remove -v --unused t0
	assert_output 'D splicer1_lookup'
}

@test "without privilege: exit 1, one line" {
	local verb

	for verb in '' make remove; do
		capture setpriv --reuid 65534 --clear-groups "$(command -v lookup_link)" $verb
		assert_status 1
		assert_one_line
	done
}

@test "the pin directory is that of --pin-dir" {
	local other=/sys/fs/bpf/other maps

	rm -rf "$other"
	mkdir "$other"
	mapfile -t maps < <(find "$pins" -type f)
	bpfmap link "${maps[@]}" "$other"
	capture lookup_link make -v --pin-dir "$other"
	assert_output 'A splicer1_lookup'
	[ -e "$other/splicer1_lookup" ] && [ ! -e "$link" ] || fail 'the link there' "$(ls "$other" "$pins")"
	assert_done lookup_link remove --pin-dir "$other"
	rm -rf "$other"
}

@test "what cannot be written is an error" {
	local status=0

	lookup_link >/dev/full 2>"$err" || status=$?
	assert_status 1
	status=0
	lookup_link make -v >/dev/full 2>"$err" || status=$?
	assert_status 1
}
