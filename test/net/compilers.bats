#!/usr/bin/env bats
# shellcheck shell=bats
# The objects as other compilers make them: each kernel is to load them, and they decide the same. Compilers differ in which
# bounds they leave out and in where they put a counter, so what one makes says little of what the verifier says of another's.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

ROOT=$BATS_TEST_DIRNAME/../..

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997 tcp 0.0.0.0 8080 tcp :: 8080
}

teardown_file() {
	stop_started
}

# Of a version; the one without a number is what all other tests are of.
compilers() {
	compgen -c clang- | grep -xE 'clang-[0-9]+' | sort -uV
}

# put_in_force DIR: all four objects, and a rule for each of what they do
put_in_force() {
	local object
	tc qdisc del dev wan0 clsact 2>/dev/null || true
	ip link set dev wan0 xdp off
	rm -rf "${PINS:?}"/*
	for object in '' --lb --flow --xdp; do
		assert_exit 0 "$ROOT/scripts/attach" ${object:+"$object"} --object "$1/$(object_file "$object")" wan0
	done
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update fd00:240:: 64 5060 5060 58997 tcp
	map_update 192.0.2.1 32 8080 8080 0 tcp
	map_update 2001:db8::1 128 8080 8080 0 tcp
	xdp_rule add 192.0.2.2/32 -p tcp --dport 9999
}

object_file() {
	case $1 in
	'') echo splicer.o ;;
	--xdp) echo xdp_filter.o ;;
	*) echo "${1#--}.o" ;;
	esac
}

@test "objects of each compiler that is here are loaded, and decide" {
	local compiler found=
	for compiler in $(compilers); do
		found=$compiler
		echo "# $compiler"
		make -s -C "$ROOT" objects O="$BATS_TEST_TMPDIR/$compiler" CLANG="$compiler" 3>&-
		put_in_force "$BATS_TEST_TMPDIR/$compiler"
		assert_traffic client <<-END
			answer udp 172.16.240.9 5060
			answer tcp fd00:240::9 5060
			answer tcp 192.0.2.1 8080
			answer tcp 2001:db8::1 8080
			timeout udp 172.16.240.9 5061
			timeout tcp 192.0.2.1 9999
		END
		assert_match "$(flow_dump)" 172.16.240.9
	done
	[ -n "$found" ] || fail 'no compiler of a version is here; see scripts/setup'
}
