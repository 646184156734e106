#!/usr/bin/env bats
# scripts/attach and scripts/detach: what they accept, what they say, and how they are installed.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
# shellcheck disable=SC2016  # what other shells expand
load helpers

setup() {
	box_clean
	root=$BATS_TEST_DIRNAME/../..
	attach=$root/scripts/attach
	detach=$root/scripts/detach
	version=$(sed -nE 's/^#define SPLICER_VERSION "(.*)"$/\1/p' "$root/lib/version.h")
}

# Everything that a command could have changed: qdiscs and filters, with the ids of programs; pins.
state() {
	tc qdisc show
	tc filter show dev t0 ingress
	tc filter show dev t1 ingress
	tc filter show dev t0 egress
	tc filter show dev t1 egress
	lookup_link
	find /sys/fs/bpf | sort
}

# assert_usage OPERAND COMMAND [ARG]...: exit 2, one line about OPERAND, nothing changed
assert_usage() {
	local operand=$1 before
	shift
	before=$(state)
	capture "$@"
	assert_status 2 && assert_output '' && assert_complaint "$operand" || return
	[ "$(state)" = "$before" ] || fail 'nothing changed' "$(diff <(echo "$before") <(state))"
}

# assert_fails REASON COMMAND [ARG]...: exit 1, one line with REASON, nothing changed
assert_fails() {
	local reason=$1 before
	shift
	before=$(state)
	capture "$@"
	assert_status 1 && assert_output '' && assert_one_line && assert_errors_have "$reason" || return
	[ "$(state)" = "$before" ] || fail 'nothing changed' "$(diff <(echo "$before") <(state))"
}

@test "usage errors: exit 2, one line, nothing changed" {
	local command

	for command in "$attach" "$detach"; do
		assert_usage IF "$command"
		assert_usage IF "$command" --
		assert_usage IF "$command" -v
		assert_usage '' "$command" t0 ''
		assert_usage -x "$command" -x t0
		assert_usage -x "$command" -vx t0
		assert_usage --nonsense "$command" --nonsense t0
		assert_usage --nonsense "$command" t0 --nonsense=1
		assert_usage --verb "$command" --verb t0
		assert_usage --verbose=1 "$command" --verbose=1 t0
		assert_usage '--no?nsense' "$command" $'--no\ensense' t0
		assert_usage --lb "$command" --lb --xdp t0
		assert_usage --lb=1 "$command" --lb=1 t0
	done
	assert_usage --prio "$attach" t0 --prio
	assert_usage --egress-prio "$attach" t0 --egress-prio
	assert_usage --egress-prio "$attach" --egress-prio 3 --ingress-only t0
	assert_usage --ingress-only=1 "$attach" t0 --ingress-only=1
	assert_usage --object "$attach" t0 --object
	assert_usage --prio "$detach" --prio 1 t0
	assert_usage --force "$attach" --force t0
	assert_usage --force "$attach" --lb --force t0
	assert_usage --egress-prio "$attach" --lb --egress-prio 3 --ingress-only t0
	assert_usage 65536 "$attach" --lb --prio 65536 t0
	assert_usage --prio "$attach" --xdp --prio 1 t0
	assert_usage --egress-prio "$attach" --egress-prio 1 --xdp t0
	assert_usage --ingress-only "$attach" --xdp --ingress-only t0
	assert_usage --force "$detach" --xdp --force t0
}

@test "priorities are numbers from 1 to 65535" {
	local prio

	for prio in 0 65536 184467440737095516161 -1 010 0x10 1x 'a[$(touch x)]'; do
		assert_usage "$prio" "$attach" --prio "$prio" t0
		assert_usage "$prio" "$attach" "--prio=$prio" t0
		assert_usage "$prio" "$attach" --egress-prio "$prio" t0
	done
	assert_usage '' "$attach" --prio '' t0
	[ ! -e x ] || fail 'no command run' 'it was'
}

@test "help goes to standard output, fits 120 columns but for paths, and needs no privilege" {
	local command option

	for command in "$attach" "$detach"; do
		for option in -h --help -nh; do
			capture setpriv --reuid 65534 --clear-groups "$command" "$option"
			assert_status 0
			assert_errors ''
			[[ $(head -n 1 "$out") == "usage: ${command##*/} [OPTION]... IF..." ]] || fail "usage: ..." "$(head -n 1 "$out")"
			if sed "s|$PWD||" "$out" | grep -nE $'\t| $|^.{121}'; then
				fail 'tidy lines' 'the above'
			fi
		done
	done
}

@test "help lists every option of the manual page, and no other" {
	local listed

	listed=$({ "$attach" --help && "$detach" --help; } | sed -nE 's/^  (-.,|   ) --([a-z-]+).*/\2/p' | sort -u)
	assert_text options <(sed -nE 's/^\.It (Fl . , )?Fl -([a-z-]+).*/\2/p' "$root/man/splicer_attach.8" | sort -u) "$listed"
}

@test "version: the name and the version of the suite" {
	local option

	for option in -V --version; do
		capture "$attach" "$option"
		assert_status 0
		assert_output "attach $version"
		capture "$detach" "$option"
		assert_output "detach $version"
	done
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail N.N.N "$version"
}

@test "what cannot be written is an error" {
	local status=0

	"$attach" --help >/dev/full 2>"$err" || status=$?
	assert_status 1
	status=0
	"$detach" -nv t1 >/dev/full 2>"$err" || status=$?
	assert_status 1
}

@test "without privilege: exit 1, and says so" {
	local command

	for command in "$attach" "$detach"; do
		assert_fails 'must be root' setpriv --reuid 65534 --clear-groups "$command" t0
		assert_fails 'must be root' setpriv --reuid 65534 --clear-groups "$command" -n t0
		capture setpriv --reuid 65534 --clear-groups "$command" -x t0
		assert_status 2
	done
}

@test "without a tc that runs: exit 1, and says so" {
	local command tc

	tc=$(readlink -f "$(command -v tc)")
	for command in "$attach" "$detach"; do
		# in a mount namespace of its own
		capture unshare --mount bash -c 'mount --bind /dev/null "$1" && exec "$2" t0' - "$tc" "$command"
		program=${command##*/}
		assert_status 1
		assert_complaint tc
	done
}

@test "an interface that is not there: exit 1, and says so without what a terminal obeys" {
	local command iface

	for command in "$attach" "$detach"; do
		for iface in nope '*' 't0 ' "t0'" a/b much-too-long-for-an-interface; do
			assert_fails "$iface: no such interface" "$command" "$iface"
			assert_fails "$iface: no such interface" "$command" -n "$iface"
		done
		assert_fails '?[31m: no such interface' "$command" $'\e[31m'
		assert_fails '-v: no such interface' "$command" -- -v
	done
}

@test "a dry run says what would be done, and changes nothing" {
	local before

	before=$(state)
	capture "$attach" -n --object "$LAB_OBJECTS/splicer.o" t0 t1
	assert_status 0
	assert_errors ''
	assert_output - <<-END
		A t0 egress prio 20 handle 0x1
		A splicer1_lookup
		C t0 ingress prio 49152 handle 0x1
		A t1 clsact
		A t1 egress prio 20 handle 0x1
		A t1 ingress prio 49152 handle 0x1
	END
	capture "$attach" -n --ingress-only --object "$LAB_OBJECTS/splicer.o" t0 t1
	assert_output $'C t0 ingress prio 49152 handle 0x1\nA t1 clsact\nA t1 ingress prio 49152 handle 0x1'
	capture "$attach" --dry-run --object="$LAB_OBJECTS/splicer.o" t0 --prio=7 --egress-prio=8
	assert_output $'A t0 egress prio 8 handle 0x1\nA splicer1_lookup\nA t0 ingress prio 7 handle 0x1\nD t0 ingress prio 49152 handle 0x1'
	capture "$detach" -n t0 t1
	assert_status 0
	assert_output $'D t0 ingress prio 49152 handle 0x1\n= t1'
	assert_text state <(state) "$before"
	assert_fails 'cannot be read; the previous filter stays in force' "$attach" -n --object /nonexistent t0
	assert_fails 'cannot be read; no filter of splicer is in force' "$attach" -n --object /nonexistent t1
}

@test "a dry run mounts nothing" {
	# in a mount namespace of its own
	capture unshare --mount bash -c 'while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done; "$1" -n --object "$2" t1; stat -f -c %t /sys/fs/bpf' \
		- "$attach" "$LAB_OBJECTS/splicer.o"
	assert_output - <<-END
		A /sys/fs/bpf
		A t1 clsact
		A t1 egress prio 20 handle 0x1
		A splicer1_lookup
		A t1 ingress prio 49152 handle 0x1
		62656572
	END
}

@test "success is quiet; -v has a letter for each change; the lookup link goes with the last interface" {
	assert_done "$attach" --object "$LAB_OBJECTS/splicer.o" t0 t1
	capture "$attach" -v --object "$LAB_OBJECTS/splicer.o" t0 t1
	assert_output - <<-END
		C t0 egress prio 20 handle 0x1
		= splicer1_lookup
		C t0 ingress prio 49152 handle 0x1
		C t1 egress prio 20 handle 0x1
		C t1 ingress prio 49152 handle 0x1
	END
	capture "$detach" -v t1
	assert_output $'D t1 ingress prio 49152 handle 0x1\nD t1 egress prio 20 handle 0x1'
	capture "$detach" t1 --verbose
	assert_output '= t1'
	assert_done "$detach" t1
	capture "$detach" -n t0
	assert_output $'D t0 ingress prio 49152 handle 0x1\nD t0 egress prio 20 handle 0x1\nD splicer1_lookup'
	capture "$detach" -v t0
	assert_output $'D t0 ingress prio 49152 handle 0x1\nD t0 egress prio 20 handle 0x1\nD splicer1_lookup'
	assert_done "$attach" --ingress-only --object "$LAB_OBJECTS/splicer.o" t0
	capture lookup_link -j
	assert_json 'd[0]["state"] == "none"'
	tc qdisc del dev t1 clsact
}

@test "an object that lacks what else is attached: exit 1, says which, and what can be done" {
	sed 's/splicer_egress/splicer_others/g' "$LAB_OBJECTS/splicer.o" >"$tmp/old.o"
	assert_fails "old.o: has no program splicer_egress (an older one has only what --ingress-only attaches); the previous" \
		"$attach" --object "$tmp/old.o" t0
	sed 's/splicer_lookup/splicer_others/g' "$LAB_OBJECTS/splicer.o" >"$tmp/old.o"
	assert_fails 'has no program splicer_lookup' "$attach" --object "$tmp/old.o" t0
	capture "$attach" -v --ingress-only --object "$tmp/old.o" t0
	assert_output 'C t0 ingress prio 49152 handle 0x1'
}

@test "a part that is missing: nothing is done, by any of the scripts" {
	local part script

	for part in command box interfaces records objects; do
		rm -rf "$tmp/scripts"
		cp -r "$root/scripts" "$tmp/scripts"
		rm "$tmp/scripts/parts/$part.bash"
		for script in $(cd "$root/scripts" && grep -d skip -lF "$part.bash" -- *); do
			capture "$tmp/scripts/$script" -v t1
			assert_status 1
			assert_errors_have "parts/$part.bash: No such file"
			[ ! -s "$out" ] || fail "$script without $part" "$(cat "$out")"
		done
	done
	assert_text filters <(tc filter show dev t1 ingress 2>/dev/null) ''
}

@test "installed: names, version, object and pages are found, and go again" {
	local prefix=$tmp/prefix

	make -s -C "$root" install O="$(realpath --relative-to="$root" "$LAB_OBJECTS")" PREFIX="$prefix" >"$out" 2>&1 ||
		fail 'make install' "$(cat "$out")"
	cmp "$LAB_OBJECTS/splicer.o" "$prefix/lib/bpf/splicer.o"
	ln -s "$prefix/bin/splicer_detach" "$tmp/elsewhere"
	capture "$prefix/bin/splicer_attach" --version
	assert_output "splicer_attach $version"
	capture "$prefix/bin/splicer_detach" --version
	assert_output "splicer_detach $version"
	capture "$prefix/bin/splicer_attach" -v t1
	assert_status 0
	assert_output $'A t1 clsact\nA t1 egress prio 20 handle 0x1\nA splicer1_lookup\nA t1 ingress prio 49152 handle 0x1'
	capture "$prefix/bin/lookup_link" make -v
	assert_output '= splicer1_lookup'
	rm "$prefix/lib/bpf/splicer.o"
	capture "$prefix/bin/splicer_attach" t1
	assert_status 1
	assert_errors "splicer_attach: t1: $prefix/lib/bpf/splicer.o: cannot be read; the previous filter stays in force"
	capture "$tmp/elsewhere" -v t1
	assert_status 0
	assert_output $'D t1 ingress prio 49152 handle 0x1\nD t1 egress prio 20 handle 0x1'
	lookup_link remove
	tc qdisc del dev t1 clsact
	cmp "$prefix/share/man/man8/splicer_detach.8" "$root/man/splicer_attach.8"
	make -s -C "$root" uninstall PREFIX="$prefix"
	assert_text 'files left' <(find "$prefix" ! -type d) ''
}
