# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what scripts/vm and the other parts use or give
# Tests that run in a guest, which has this machine's files: packet tests and the files of
# net. For scripts/vm; test/vm/enter and test/vm/tests are the guest's side.
#
# A guest gets all that is left to run; when it falls, what it was at has failed, and the
# next guest goes on behind that.

FILE_MODULES='virtio_pci virtiofs overlay sch_ingress cls_bpf cls_matchall cls_flower
	act_gact act_mirred act_bpf act_sample veth bridge tun macvlan vxlan nf_tables nft_chain_nat
	nft_ct nft_nat nft_masq nft_redir nft_reject_inet nft_limit nft_log nft_fib_inet nft_compat
	nft_numgen nf_conntrack_netlink tcp_diag udp_diag unix_diag af_packet_diag netlink_diag'
FILE_MEMORY=3072
# Nothing of a guest's safety matters here, its speed does; a wait for other processors' RCU takes most of a packet test.
FILE_WORDS='mitigations=off init_on_alloc=0 rcupdate.rcu_expedited=1'
# How much longer than on a real machine a test waits for what it needs.
FILE_PATIENCE=10
# A file that takes longer than this hangs.
FILE_SECONDS=3600
# What is long elsewhere is shorter here, unless the caller says how long.
FILE_LENGTHS=(PACKET_TEST_RUNS=500 PACKET_TEST_FILTERS=20 SPLICER_CONNECTIONS=200 SPLICER_EVENTS=1000
	SPLICER_INSERTIONS=200 SPLICER_KILLS=10 SPLICER_REPLACEMENTS=5 SPLICER_ROUNDS=10 SPLICER_SERVICES=20)
# What --short runs of them: about a minute.
FILES_SHORT='packet/header'
# What of the caller's environment is for the tests.
FILE_VARIABLES='PACKET_TEST_|NET_TEST_|SPLICER_'

files=()
file_rows=()

# ---- which files

packet_groups() {
	sed -nE 's/^\t\{ "([a-z-]+)", [a-z_]+_cases.*/\1/p' "$tree/test/packet/packet_test.c"
}

# file_add SUITE[/NAME]: all groups of "packet" or one, all files of "net" or one
file_add() {
	local word=$1 file
	word=${word#test/} word=${word%.bats}
	case $word in
	packet)
		while read -r file; do
			files+=("packet/$file")
		done < <(packet_groups) ;;
	packet/?*)
		packet_groups | grep -qxF "${word#*/}" || die 2 "$1: no such group"
		files+=("$word") ;;
	net)
		for file in "$here"/../net/*.bats; do
			file=${file##*/}
			files+=("net/${file%.bats}")
		done ;;
	net/?*)
		[ -f "$here/../$word.bats" ] || die 2 "$1: no such file"
		files+=("$word") ;;
	*) die 2 "$1: not OBJECT:SECTION:HOOK, packet[/GROUP] or net[/FILE]" ;;
	esac
}

files_shorten() {
	[ ${#files[@]} -eq 0 ] || read -r -a files <<< "$FILES_SHORT"
}

# Why a file does not run in a guest; fails when it does.
file_skip_reason() {
	sed -n "s|^$1[[:space:]]\+||p" "$here/skip" | grep -m 1 .
}

# ---- this machine's files

files_tools_check() {
	[ ${#files[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die 1 'tests in a guest see this machine'\''s files: must be root'
	virtiofsd_find > /dev/null || die 1 'virtiofsd: not found (package virtiofsd or qemu-system-common)'
	[ -x "$build/test/packet_test" ] || die 1 "$build/test/packet_test: not built (make tests)"
}

# What virtiofsd shows to the guest, in a mount namespace of its own: / and what of it the
# tests need from other file systems, read-only; no /proc, no /sys.
share_serve() {
	local share=$1 socket=$2 dir
	shift 2
	mount --make-rprivate /
	for dir in / /usr "$@"; do
		mount --bind "$dir" "$share$dir"
		mount -o remount,bind,ro "$share$dir"
	done
	exec "$(virtiofsd_find)" --socket-path="$socket" -o "source=$share" -o cache=always
}

# Ends by itself when qemu does.
share_start() {
	local work=$1 try
	mkdir -p "$work/share"
	rm -f "$work/socket"
	export -f share_serve virtiofsd_find
	unshare --mount bash -c 'set -e; share_serve "$@"' - "$work/share" "$work/socket" "$tree" "$cache" \
		< /dev/null > "$work/virtiofsd" 2>&1 &
	share=$!
	for ((try = 0; try < 200; try++)); do
		[ ! -S "$work/socket" ] || return 0
		sleep 0.1
	done
	die 1 "virtiofsd does not start: $(tail -n 1 "$work/virtiofsd")"
}

# ---- what a guest says

# counts of the file that runs
file_begin() {
	current=$1 good=0 bad=0 skip=0 plan='' why=''
	: > "$work/tap"
}

# One line of TAP.
file_line() {
	printf '%s\n' "$1" >> "$work/tap"
	case ${1,,} in
	'ok '*'# skip'*) skip=$((skip + 1)) why=${why:-${1##*# [Ss][Kk][Ii][Pp]}} ;;
	'ok '*) good=$((good + 1)) ;;
	'not ok '*) bad=$((bad + 1)) ;;
	1..[0-9]*) plan=${1#1..} plan=${plan%% *} ;;
	*) return 0 ;;
	esac
	status_show "$version: $current ($((done_ + 1)) of $total): $good passed, $bad failed, $skip skipped"
}

# file_end STATUS SECONDS: one that dies, or runs fewer tests than it planned, has failed even if no test says so
file_end() {
	if [ "$bad" = 0 ] && { [ "$1" != 0 ] || [ "$((good + skip))" != "${plan:-0}" ]; }; then
		bad=1
		why="exit status $1, $((good + skip)) of ${plan:-no planned} tests ran"
	fi
	file_row "$version" "$current" "$good" "$bad" "$skip" "$2" "${why# }"
	[ "$bad" = 0 ] || file_log
	current=
	done_=$((done_ + 1))
}

# All that is not a passed test.
file_log() {
	say "$current: kernel $version: failed"
	grep -vE '^ok ' "$work/tap" | tail -n 200 | sed 's/^/    /' >&2 || true
}

file_row() {
	local IFS=$'\t'
	file_rows+=("$*")
	passed=$((passed + $3)) failed=$((failed + $4)) skipped=$((skipped + $5))
	file_lines+=("$1: $2: $3 passed, $4 failed, $5 skipped, $6 s${7:+ ($7)}")
	status_clear
	say "${file_lines[-1]}"
}

guest_says() {
	local words
	case $1 in
	'begin '*) file_begin "${1#begin }" ;;
	'| '*) file_line "${1#| }" ;;
	'end '*)
		read -r -a words <<< "$1"
		file_end "${words[1]}" "${words[2]}" ;;
	esac
}

# Until the guest ends. One that says nothing for so long is stopped.
guest_follow() {
	local line part='' last=$SECONDS ended=
	exec {said}< "$work/results"
	while [ -z "$ended" ]; do
		kill -0 "$qemu" 2>/dev/null || ended=yes
		while IFS= read -r line <&"$said" || { part+=$line && false; }; do
			line=$part$line part='' last=$SECONDS
			guest_says "${line%$'\r'}"
		done
		if ((SECONDS - last > FILE_SECONDS + BOOT_SECONDS)); then kill "$qemu"; fi
		sleep 0.2
	done
	exec {said}<&-
}

# A guest fell: what it was at has failed.
file_fell() {
	bad=$((bad + 1))
	why='the guest fell'
	tail -n 60 "$work/console" | tr -d '\r' >> "$work/tap"
	cat "$work/qemu" >> "$work/tap"
	file_row "$version" "$current" "$good" "$bad" "$skip" - "$why"
	file_log
	current=
	done_=$((done_ + 1))
}

# ---- a kernel

files_root() {
	local kernel=$1

	root_make "$kernel" "$work/root" "$here/enter" '' "$FILE_MODULES"
	{
		printf 'TREE=%q\nO=%q\nHOME=%q\n' "$tree" "$build" "$HOME"
		printf 'PATIENCE=%q\nFILE_SECONDS=%q\n' "${PATIENCE:-$FILE_PATIENCE}" "$FILE_SECONDS"
		printf '%s\n' "${FILE_LENGTHS[@]}"
		export -p | sed -nE "s/^declare -x (($FILE_VARIABLES)[A-Z_]*=)/\1/p"
	} > "$work/root/environment"
}

# Boots until each of the files has run or has made a guest fall.
files_boot() {
	local kernel=$1 falls=0
	shift

	while [ "$done_" -lt $# ]; do
		printf '%s\n' "${@:done_ + 1}" > "$work/root/files"
		initramfs_pack "$work/root" "$work/initramfs"
		status_show "$version: booting"
		share_start "$work"
		guest_start "$kernel" "$work" infinity "$FILE_WORDS" -smp 2 -m "$FILE_MEMORY" \
			-object "memory-backend-memfd,id=memory,size=${FILE_MEMORY}M,share=on" -numa node,memdev=memory \
			-chardev "socket,id=share,path=$work/socket" -device vhost-user-fs-pci,chardev=share,tag=host
		guest_follow
		guest_end "$work" infinity
		wait "$share" || true
		share=
		if [ -n "$current" ]; then
			file_fell
		elif [ "$done_" -lt $# ]; then
			falls=$((falls + 1))
			say "kernel $version: fell before it came to ${*:done_ + 1:1}: $(grep . "$work/console" | tail -n 1)"
			if [ "$falls" = "$BOOTS" ]; then
				sed 's/^/    /' "$work/virtiofsd" "$work/qemu" >&2
				tail -n 60 "$work/console" | tr -d '\r' | sed 's/^/    /' >&2
				current=${*:done_ + 1:1} good=0 bad=0 skip=0
				file_fell
				falls=0
			fi
		fi
	done
}

files_check() {
	local kernel=$1 version=$2 work file reason run=() current='' done_=0 total good bad skip plan why

	[ ${#files[@]} -gt 0 ] || return 0
	work=$(mktemp -d "$tmp/guest.XXXXXX")
	for file in "${files[@]}"; do
		if reason=$(file_skip_reason "$file"); then
			file_row "$version" "$file" 0 0 1 - "$reason"
		else
			run+=("$file")
		fi
	done
	total=${#run[@]}
	files_root "$kernel"
	files_boot "$kernel" "${run[@]}"
}

files_skip() {
	local version=$1 file

	for file in "${files[@]}"; do
		file_row "$version" "$file" 0 0 1 - 'kernel not to be had'
	done
}
