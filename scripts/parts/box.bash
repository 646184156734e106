# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # what others take, and give
# SPDX-License-Identifier: GPL-2.0-only
# What there is once in a box: commands, the bpf file system and who may write there, locks, the lookup link. To be sourced
# after command.bash.

BPFFS=/sys/fs/bpf
PINS=$BPFFS/tc/globals
LINK=splicer1_lookup # SPLICER_LOOKUP_LINK of abi/config.h
BPFFS_MAGIC=cafe4a11 # BPF_FS_MAGIC of linux/magic.h, as stat prints it
# a map of each object, which is there when the object was attached
declare -A object_map=([splicer]=splicer1_rules [xdp]=xdp1_rules [flow]=flow1_sessions [lb]=lb1_services)

# Exits when nothing can be done, and nothing found out either.
requirements_check() {
	local command
	PATH=$PATH:/usr/sbin:/sbin # cron and the like leave these out
	export LC_ALL=C
	unset TC_BPF_MNT # tc would pin elsewhere than the tools look
	if [ "$(id -u)" != 0 ]; then
		complain 'must be root' 'it loads programs and changes filters'
		exit 1
	fi
	for command in tc ip flock; do
		if ! "$command" -V >/dev/null 2>&1; then
			complain "$command" 'cannot be run (tc and ip are part of iproute2, flock of util-linux)'
			exit 1
		fi
	done
}

bpffs_is_there() {
	[ "$(stat -f -c %t "$BPFFS" 2>/dev/null)" = "$BPFFS_MAGIC" ]
}

# directory_lock DIRECTORY: waits for it, and fills $lock; it goes with the descriptor, and with the process.
directory_lock() {
	if ! { exec {lock}<"$1"; } 2>/dev/null || ! flock "$lock"; then
		reason="cannot lock $1"
		return 1
	fi
}

# Under a lock of the mount point: of two mounts, one would hide the pins of the other.
bpffs_mount() {
	local lock
	directory_lock "$BPFFS" || return
	if ! bpffs_is_there && ! step mount -t bpf -o nosuid,nodev,noexec,mode=700 bpf "$BPFFS"; then
		reason="cannot mount $BPFFS: $reason"
		return 1
	fi
	exec {lock}<&-
}

bpffs_add() {
	! bpffs_is_there || return 0
	[ -n "${given[dry-run]-}" ] || bpffs_mount || return
	say A "$BPFFS"
}

# Just as tc would make them, but before anybody else can: in a bpf file system that was mounted without a mode, all may
# make directories.
pins_add() {
	local directory
	[ -z "${given[dry-run]-}" ] || return 0
	for directory in "$BPFFS/tc" "$PINS"; do
		[ -d "$directory" ] || step mkdir -m 700 "$directory" || [ -d "$directory" ] || return
	done
}

# OWNER MODE PATH of what tc and ip would reuse: directories, and what of ours is pinned there.
pins_read() {
	local own=("$PINS"/{splicer,xdp,lb,flow,event}[0-9]*_*)
	stat -L -c '%u %a %n' "$BPFFS" "$BPFFS/tc" "$PINS" "$BPFFS/xdp" "$BPFFS/xdp/globals" "${own[@]}" 2>/dev/null
}

# libbpf reuses any map of equal shape, also one that somebody else keeps open to write to it: where others than root may
# write nothing is loaded. The sticky bit will do for what holds the directory of pins, as whoever writes there can
# only remove what is his own. Tools ask the same of each pin.
pins_check() {
	local owner mode path write
	while read -r owner mode path; do
		write=$((0$mode & 022))
		case $path in
		"$BPFFS" | "$BPFFS/tc" | "$BPFFS/xdp") ((!(0$mode & 01000))) || write=0 ;;
		esac
		if [ "$owner" != 0 ] || [ "$write" != 0 ]; then
			printf -v mode '%04o' $((0$mode))
			reason="$path: may be written by others than root (owner $owner, mode $mode); chown and chmod it, or remove it"
			return 1
		fi
	done < <(pins_read)
}

# Waits for other attachments and detachments, by a lock that goes with its holder. In a directory that only root can
# open. Tools that change rules lock another and need not wait.
attachments_lock() {
	[ -n "${given[dry-run]-}" ] || directory_lock "$BPFFS/tc"
}

attachments_unlock() {
	[ -z "${lock-}" ] || exec {lock}<&-
	lock=
}

# link_tool [ARG]...: runs lookup_link, and fills $link_letter with what it did, or would do.
link_tool() {
	local output
	link_letter=
	[ -z "${given[dry-run]-}" ] || set -- -n "$@"
	if ! [ -x "$TOOLS/lookup_link" ]; then
		reason="$TOOLS/lookup_link: cannot be run"
		return 1
	fi
	if output=$("$TOOLS/lookup_link" -v "$@" 2>&1); then
		output=${output##*$'\n'}
		link_letter=${output:0:1}
	else
		[ -z "${given[verbose]-}" ] || sed -e 's/[^[:print:]]/?/g' -e 's/^/  /' <<<"$output" >&2
		reason="${output##*$'\n'}"
		reason="lookup link: ${reason#lookup_link: }"
		return 1
	fi
}
