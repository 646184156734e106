#!/usr/bin/env bats
# shellcheck shell=bats
# Services change under traffic: no connection that the rules promise to keep is broken. SPLICER_CONNECTIONS is how many
# there are in the long test (10,000).

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/lb.bash
. "$BATS_TEST_DIRNAME/lb.bash"

MANY=${SPLICER_CONNECTIONS:-10000}

setup_file() {
	local number
	lb_hosts 4
	for number in 1 2 3 4; do
		dsr_server $number
		serve_as "s$number" "s$number" tcp 0.0.0.0 8080 tcp :: 8080 tcp 0.0.0.0 80 tcp :: 80
	done
}

teardown_file() {
	stop_started
}

# no flows of other tests
setup() {
	fresh_lb wan0 lan1 lan2 lan3 lan4
}

teardown() {
	stop_started
}

# ---- backends come and go ----

# load_start ADDRESS LONG SHORT: fills $load
load_start() {
	started "$BATS_TEST_TMPDIR/load" nsenter --net=/run/netns/client -- balanced load "$1" 80 "$2" "$3"
	load=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/load"
}

# assert_load LONG: it ends now, and all went well
assert_load() {
	local file=$BATS_TEST_TMPDIR/load
	kill "$load" || fail "$(<"$file")" || return
	assert_ends "$load" 0 || return
	assert_equal "$(grep -vE ' short$' "$file")" "ready
enough
$1 long
0 refused
0 broken"
}

has_enough() {
	grep -q enough "$BATS_TEST_TMPDIR/load"
}

# more_flows SERVICE NUMBER
more_flows() {
	[ "$(sum_of flows "$1")" -ge "$2" ]
}

# assert_none_new SERVICE BACKEND: while others get some
assert_none_new() {
	local was
	was=$(row "$1" "$2" flows)
	eventually more_flows "$1" $(($(sum_of flows "$1") + 50)) || return
	assert_equal "$(row "$1" "$2" flows)" "$was" "flows of $2"
}

# changes SERVICE BACKEND...: of four backends, twice or until there were enough connections
changes() {
	local service=$1 one=$2 two=$3 three=$4 four=$5 rounds=0
	until [ "$rounds" -ge 2 ] && has_enough; do
		lb_backend drain "$service" "$one"
		assert_none_new "$service" "$one" || return
		lb_backend undrain "$service" "$one"
		lb_backend weight "$service" "$two" 0
		assert_none_new "$service" "$two" || return
		lb_backend weight "$service" "$two" $((rounds % 7 + 1))
		lb_backend delete "$service" "$three"
		lb_backend add "$service" "$four" -w 3
		lb_backend down "$service" "$two"
		assert_none_new "$service" "$two" || return
		lb_backend up "$service" "$two"
		lb_backend add "$service" "$three"
		lb_backend delete "$service" "$four"
		rounds=$((rounds + 1))
	done
}

# assert_changes VERSION MODE LONG SHORT
assert_changes() {
	local version=$1 mode=$2 service number backends=()
	service=$(service "$version" tcp)
	for number in 1 2 3 4; do
		case $mode in
		dsr) backends+=("$(lb_server "$version" $number)") ;;
		*) backends+=("$(backend "$version" $number)") ;;
		esac
	done
	lb_backend add "$service"
	lb_backend set "$service" mode="$mode"
	lb_backend add "$service" "${backends[@]:0:3}"
	load_start "$(lb_vip "$version")" "$3" "$4"
	changes "$service" "${backends[@]}" || return
	assert_load "$3" || return
	# all have ended; but with dsr, what servers say is not seen
	[ "$mode" = dsr ] || eventually sum_is active 0 "$service"
}

@test "10,000 connections while backends are added, weighted, drained, marked down and deleted: nat" {
	assert_changes 4 nat 200 "$MANY"
	assert_equal "$(counted no-backend)$(counted no-port)$(counted table-full)$(counted internal)" 0000
}

@test "the same with mode=masquerade, and IPv6" {
	assert_changes 6 masquerade 100 $((MANY / 5))
	assert_equal "$(counted no-backend)$(counted no-port)$(counted table-full)$(counted internal)" 0000
}

@test "the same with mode=dsr" {
	assert_changes 4 dsr 100 $((MANY / 5))
	assert_equal "$(counted no-backend)$(counted no-port)$(counted table-full)$(counted internal)" 0000
}

@test "a drained backend keeps its connections, gets no others, and has none left when they have ended" {
	local version
	services 1 2
	for version in 4 6; do
		stream_start "old$version" "$(lb_vip $version)" 80 30
		lb_backend drain "$(service $version tcp)" "$(backend $version 1)"
		had=$(row "$(service $version tcp)" "$(backend $version 1)" active)
		[ "$had" -gt 0 ] || fail "$(lb_backend list)"
		assert_asked '20 s2' tcp "$(lb_vip $version)" 80 20
		assert_equal "$(row "$(service $version tcp)" "$(backend $version 1)" active)" "$had"
		assert_stream "old$version" 30
		eventually row_is "$(service $version tcp)" "$(backend $version 1)" active 0
	done
}

@test "a mode that is changed is that of new connections" {
	local mode
	services 1
	for mode in masquerade nat masquerade; do
		stream_start "$mode" $VIP6 80 5
		lb_backend set "$(service 6 tcp)" mode=$mode
		assert_asked '5 s1' tcp $VIP6 80 5
		assert_stream "$mode" 5 s1
	done
}

# ---- the object is loaded again ----

# replace_once DEV: as scripts/attach does
replace_once() {
	tc filter replace dev "$1" egress prio 10 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action/egress || return
	tc filter replace dev "$1" ingress prio 50000 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action
}

replace_all_the_time() {
	local dev
	while :; do
		for dev in wan0 lan1; do
			replace_once $dev || return
			echo "$dev" >>"$1"
		done
	done
}

@test "10 requests; weight 0 refuses; weight 1 recovers; 50 requests while the object is reloaded" {
	local version proto vip service backend replaced=$BATS_TEST_TMPDIR/replaced
	services 1
	for version in 4 6; do
		vip=$(lb_vip $version) service=$(service $version tcp) backend=$(backend $version 1)
		assert_asked '10 s1' tcp "$vip" 80 10
		lb_backend weight "$service" "$backend" 0
		refused=$(counted no-backend)
		assert_asked '1 timeout' tcp "$vip" 80
		[ "$(counted no-backend)" -gt "$refused" ] || fail "$(verdict_stat)"
		lb_backend weight "$service" "$backend" 1
		assert_asked '10 s1' tcp "$vip" 80 10
		stream_start "held$version" "$vip" 80 5
	done
	: >"$replaced"
	started "$BATS_TEST_TMPDIR/replacing" replace_all_the_time "$replaced"
	replacing=$pid
	until has_lines "$replaced" 8; do
		for version in 4 6; do
			assert_asked '50 s1' tcp "$(lb_vip $version)" 80 50
		done
	done
	! has_ended "$replacing" || fail "$(<"$BATS_TEST_TMPDIR/replacing")"
	assert_stream held4 5 s1
	assert_stream held6 5 s1
	assert_equal "$(tc filter show dev wan0 ingress | grep -c ' handle ')" 1 'filters on wan0'
}
