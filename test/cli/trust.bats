#!/usr/bin/env bats
# Who may write: pins that others than root can change are refused, by every tool and by attach, before anything is done.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

NOBODY=65534

setup_file() {
	local hook object
	if [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/1/ns/net)" ]; then
		echo 'not in a box of its own: run scripts/lab bats FILE' >&2
		return 1
	fi
	# whatever the caller's umask leaves to others, tc and our tools do not
	umask 0
	ip link add t0 type veth peer name t1
	ip link set t0 up
	ip link set t1 up
	"$BATS_TEST_DIRNAME/../../scripts/attach" --object "$LAB_OBJECTS/splicer.o" t0
	for hook in lb flow xdp; do
		object=${hook/xdp/xdp_filter}.o
		"$BATS_TEST_DIRNAME/../../scripts/attach" "--$hook" --object "$LAB_OBJECTS/$object" t0
	done
}

setup() {
	box_clean
	umask 022
	attach=$BATS_TEST_DIRNAME/../../scripts/attach
	bpffs=/sys/fs/bpf
	rm -rf "$bpffs/other" "$bpffs/link"
	was=$(modes)
	map_update 10.0.0.0 8 80 80 0 tcp
}

teardown() {
	# as it was, also where a test has failed
	chown 0:0 "$bpffs" "$bpffs/tc" "$pins" "$pins"/*
	chmod 0700 "$bpffs/tc" "$pins"
	chmod 1777 "$bpffs"
	chmod 0600 "$pins"/*
}

modes() {
	find /sys/fs/bpf/tc ! -type l -printf '%m %U %p\n' | sort
}

# each_tool CHECK [ARG]...: every tool that opens pins, with operands that would do something
each_tool() {
	local check=$1
	shift
	"$check" map_update "$@" 10.9.0.0 16 80 80 0 tcp
	"$check" map_update "$@" -n 10.9.0.0 16 80 80 0 tcp
	"$check" map_update "$@" --replace -f /dev/null
	"$check" map_delete "$@" --all
	"$check" rule_list "$@"
	"$check" rule_list "$@" --save
	"$check" rule_list "$@" --watch 1
	"$check" rule_list "$@" --match 'udp 192.0.2.2 192.0.2.1:53'
	"$check" rule_list "$@" --stats
	"$check" verdict_stat "$@"
	"$check" trace_tail "$@" -c 1
	"$check" iface_set "$@"
	"$check" iface_set "$@" t0 ssh=own
	"$check" iface_set "$@" --watch
	"$check" conn_list "$@"
	"$check" conn_delete "$@" --all
	"$check" conn_set "$@" udp=30
	"$check" lookup_link "$@"
	"$check" lookup_link "$@" make
	"$check" lookup_link "$@" remove
	"$check" xdp_rule add 192.0.2.9 drop "$@"
	"$check" xdp_rule list "$@"
	"$check" lb_backend add 192.0.2.1:80/tcp 192.0.2.3:80 "$@"
	"$check" lb_backend list "$@"
	"$check" lb_check "$@" --once
	"$check" flow_dump "$@"
	"$check" flow_dump "$@" --reset
	"$check" flow_set "$@" N_SESSION=20
	"$check" flow_watch "$@" --once
	"$check" flow_replay "$@" -i t0 /dev/null
}

# What it says of $path, and no more.
refuses() {
	capture "$@"
	assert_status 1 && assert_output '' && assert_one_line && assert_errors_have "$path: may be written by others than root ($who)"
}

# assert_all_refuse PATH WHO: every tool does, and nothing is changed
assert_all_refuse() {
	path=$1 who=$2
	each_tool refuses
	# port 0 in the words of the router
	refuses ziti_divert -I -c 10.9.0.0 -m 16 -l 80 -h 80 -t 0 -p tcp
	capture "$attach" --object "$LAB_OBJECTS/splicer.o" t0
	assert_status 1
	assert_errors "attach: t0: $path: may be written by others than root ($who); chown and chmod it, or remove it; the previous filter stays in force"
	chown 0:0 "$path"
	chmod "$3" "$path"
	assert_rules '10.0.0.0 8 80 80 0 tcp'
}

@test "what attach, tc, ip and the tools pin is root's alone: directories 0700, pins 0600, whatever the umask" {
	grep -vE '^700 0 /sys/fs/bpf/tc(/globals)?$|^600 0 /sys/fs/bpf/tc/globals/(splicer|xdp|lb|flow|event)1_[a-z]+$' <<<"$was" >"$tmp/others" ||
		[ $? = 1 ]
	assert_text 'others than these' "$tmp/others" ''
	[ "$(grep -c ^600 <<<"$was")" -ge 29 ] || fail 'the pins of four objects' "$was"
	grep -q 'splicer1_lookup$' <<<"$was"
	# where none is mounted, attach mounts one that only root can enter
	mkdir "$tmp/empty"
	capture unshare -m bash -c 'umount /sys/fs/bpf && "$@" && stat -c %a /sys/fs/bpf' - \
		"$attach" --object "$LAB_OBJECTS/splicer.o" t0
	assert_status 0
	[[ $(<"$out") = *700 ]] || fail 'mode 700' "$(<"$out")"
}

@test "a pin directory that a group or others may write" {
	chmod 0720 "$pins"
	assert_all_refuse "$pins" 'owner 0, mode 0720' 0700
	chmod 0702 "$pins"
	path=$pins who='owner 0, mode 0702' refuses rule_list
	# that each may remove only what is his own is not enough: names that are missing could be added
	chmod 1777 "$pins"
	path=$pins who='owner 0, mode 1777' refuses rule_list
}

@test "a pin directory of somebody else" {
	chown "$NOBODY" "$pins"
	assert_all_refuse "$pins" "owner $NOBODY, mode 0700" 0700
}

@test "a directory that it is in" {
	chmod 0777 "$bpffs/tc"
	assert_all_refuse "$bpffs/tc" 'owner 0, mode 0777' 0700
	chown "$NOBODY" "$bpffs/tc"
	assert_all_refuse "$bpffs/tc" "owner $NOBODY, mode 0700" 0700
	# the root of the file system counts, what it is mounted on does not
	chmod 0777 "$bpffs"
	assert_all_refuse "$bpffs" 'owner 0, mode 0777' 1777
}

@test "a pin that a group or others may write, or of somebody else: of whichever object" {
	local one
	chmod 0620 "$pins/splicer1_config"
	assert_all_refuse "$pins/splicer1_config" 'owner 0, mode 0620' 0600
	chmod 0602 "$pins/flow1_sessions"
	assert_all_refuse "$pins/flow1_sessions" 'owner 0, mode 0602' 0600
	for one in "$pins"/*; do
		chown "$NOBODY" "$one"
		path=$one who="owner $NOBODY, mode 0600" refuses rule_list
		chown 0 "$one"
	done
	chown "$NOBODY" "$pins/splicer1_rules"
	assert_all_refuse "$pins/splicer1_rules" "owner $NOBODY, mode 0600" 0600
}

@test "what others may only read is not refused; nor is a sticky bit on what the directory is in" {
	chmod 0755 "$pins" "$bpffs/tc"
	chmod 0644 "$pins"/*
	capture rule_list --save
	assert_status 0
	chmod 1777 "$bpffs/tc"
	assert_done map_update 10.1.0.0 16 80 80 0 tcp
	capture "$attach" --object "$LAB_OBJECTS/splicer.o" t0
	assert_status 0
}

@test "a directory of another name, by a relative name and by a link" {
	local other=$bpffs/other

	mkdir "$other"
	bpfmap link "$pins"/{splicer,event,xdp,lb,flow}1_[a-km-z]* "$pins/splicer1_listeners" "$other"
	chmod 0770 "$other"
	ln -s "$other" "$bpffs/link"
	path=$other who='owner 0, mode 0770'
	refuses rule_list --pin-dir "$other"
	cd "$bpffs" || return
	path=other refuses rule_list --pin-dir other
	path=$bpffs/link refuses rule_list --pin-dir "$bpffs/link"
	chmod 0755 "$other"
	capture rule_list --save --pin-dir "$bpffs/link"
	assert_status 0
}

@test "somebody who is not root may use pins of his own, and root's: who they are refused to is the others" {
	local other=$bpffs/other

	mkdir "$other"
	bpfmap link "$pins"/{splicer,event}1_[a-km-z]* "$pins/splicer1_listeners" "$other"
	chown -R "$NOBODY" "$other"
	path=$other who="owner $NOBODY, mode 0755" refuses rule_list --pin-dir "$other"
	capture setpriv --reuid "$NOBODY" --clear-groups --inh-caps +bpf,+net_admin --ambient-caps +bpf,+net_admin \
		rule_list --save --pin-dir "$other"
	[ "$status" = 0 ] || ! grep -q 'may be written' "$err" || fail 'anything else' "$(<"$err")"
}

@test "a map of a user's own, by flow_dump --map: the same" {
	chmod 0622 "$pins/flow1_frags"
	path=$pins/flow1_frags who='owner 0, mode 0622' refuses flow_dump --map "$pins/flow1_frags"
	chmod 0600 "$pins/flow1_frags"
	chmod 0777 "$pins"
	path=$pins who='owner 0, mode 0777' refuses flow_dump --map "$pins/flow1_frags"
	cd "$pins" || return
	path=. who='owner 0, mode 0777' refuses flow_dump --map flow1_frags
	chmod 0700 "$pins"
	capture flow_dump --map flow1_frags
	assert_status 0
}

@test "attach: who was there first, where all may make directories, is not followed" {
	# shellcheck disable=SC2016  # for that shell
	capture unshare -m bash -c 'umount /sys/fs/bpf && mount -t bpf bpf /sys/fs/bpf || exit
		setpriv --reuid 65534 --clear-groups mkdir -p -m 777 /sys/fs/bpf/tc/globals
		"$1" --object "$2" t1; status=$?
		find /sys/fs/bpf/tc/globals -type f
		exit $status' - "$attach" "$LAB_OBJECTS/splicer.o"
	assert_status 1
	assert_output ''
	assert_errors_have "attach: t1: /sys/fs/bpf/tc: may be written by others than root (owner $NOBODY, mode 0755)"
	assert_text 'filters of t1' <(tc filter show dev t1 ingress 2>&1 | grep -v '^Error') ''
}

@test "nothing that is installed runs with more rights than its caller has" {
	local prefix=$tmp/prefix

	make -s -C "$BATS_TEST_DIRNAME/../.." install O="$(realpath --relative-to="$BATS_TEST_DIRNAME/../.." "$LAB_OBJECTS")" \
		PREFIX="$prefix" >"$out" 2>&1 || fail 'make install' "$(<"$out")"
	assert_text 'setuid, setgid, or writable by others' <(find "$prefix" ! -type l -perm /6022) ''
	# shellcheck disable=SC2016
	python3 -ISc 'import os, sys
for where, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(where, name)
        if not os.path.islink(path) and "security.capability" in os.listxattr(path):
            print(path)' "$prefix" >"$out"
	assert_text 'with capabilities of their own' "$out" ''
	[ "$(find "$prefix/bin" -type f | wc -l)" -gt 15 ] || fail 'tools' "$(find "$prefix/bin")"
}
