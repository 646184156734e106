# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # some variables are for the tests, pid is set in helpers.bash
# What the tests of the installed scripts share: installations in $BATS_FILE_TMPDIR, all with one place each for what is
# recorded, saved and of this boot. To be sourced after helpers.bash.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
ETC=$BATS_FILE_TMPDIR/etc/splicer
VAR=$BATS_FILE_TMPDIR/var
RUN=$BATS_FILE_TMPDIR/run

# install_tree NAME TREE [VARIABLE=VALUE]...: to $BATS_FILE_TMPDIR/NAME
install_tree() {
	local name=$1 tree=$2
	shift 2
	make -s -C "$tree" install PREFIX="$BATS_FILE_TMPDIR/$name" SYSCONFDIR="${ETC%/*}" STATEDIR="$VAR" RUNDIR="$RUN" "$@" \
		>"$BATS_FILE_TMPDIR/$name.log" 2>&1 3>&- || fail "$(tail -n 20 "$BATS_FILE_TMPDIR/$name.log")"
}

# install_here NAME: what is built
install_here() {
	install_tree "$1" "$ROOT" O="$LAB_OBJECTS" TOOLS="$(cd "$ROOT/tools" && printf '%s ' *.c | sed 's/\.c//g')"
}

# nothing_there DEV...: no filters, pins, records or saved state
nothing_there() {
	local dev
	for dev; do
		tc qdisc del dev "$dev" clsact 2>/dev/null || true
		ip link set dev "$dev" xdp off 2>/dev/null || true
	done
	rm -rf "${PINS:?}"/* "${ETC:?}" "${VAR:?}" "${RUN:?}"
}

# killed_at NUMBER CALLED COMMAND [ARG]...: the command is killed as it calls one of these commands, "tc ip", for the
# NUMBERth time; false: it has ended before.
killed_at() {
	local dir=$BATS_TEST_TMPDIR/kill status=0 called words
	mkdir -p "$dir"
	echo "$1" >"$dir/left"
	read -r -a words <<<"$2"
	for called in "${words[@]}"; do
		cat >"$dir/$called" <<-END
			#!/bin/bash
			read -r left <"$dir/left"
			echo \$((left - 1)) >"$dir/left"
			[ "\$left" != 0 ] || { kill -9 "\$(<"$dir/pid")"; exit 1; }
			exec $(command -v "$called") "\$@"
		END
		chmod +x "$dir/$called"
	done
	# shellcheck disable=SC2016  # of the shell that is killed
	PATH=$dir:$PATH started "$dir/out" bash -c 'echo $$ >"$0/pid"; exec "$@"' "$dir" "${@:3}"
	wait "$pid" || status=$?
	[ "$status" = 137 ]
}
