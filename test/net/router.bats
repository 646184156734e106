#!/usr/bin/env bats
# shellcheck shell=bats
# Whole lives of an OpenZiti router with ziti_divert as its diverter: its calls in its order, its listeners, and traffic.
# See test/net/router. "timeout" is dropped, "refused" would be a packet that nothing stopped.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan1 198.51.100.1/24 2001:db8:1::1/64
	# a second address, which source filters tell from the first
	lab_on client ip addr add 192.0.2.66/24 dev eth0
	lab_on client ip addr add 2001:db8::66/64 dev eth0 nodad
	ip neigh replace 192.0.2.66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	ip neigh replace 2001:db8::66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0 nud permanent
	lab_attach wan0
	lab_attach lan1
	local_routes 100.64.0.0/16 fd00:64::/64
}

setup() {
	services=$BATS_TEST_TMPDIR/services
	map_delete --all
}

teardown() {
	stop_started
}

# ---- the router ----

# router_start [old]: a router with the services of the standard input; fills $router
router_start() {
	cat >"$services"
	router_run "$@"
}

# A start without a change of the services.
router_run() {
	log=$(mktemp -p "$BATS_TEST_TMPDIR")
	started "$log" router run "$services" "$@"
	router=$pid
	router_wait ready
}

# router_wait WORD: until it says so. A router that failed says why, and ends.
router_wait() {
	until grep -q "^$1" "$log"; do
		! has_ended "$router" || fail "the router ended: $(<"$log")" || return
		sleep 0.02
	done
}

# router_change: to the services of the standard input
router_change() {
	cat >"$services"
	: >"$log"
	kill -HUP "$router"
	router_wait changed
}

router_stop() {
	kill -TERM "$router"
	router_wait stopped
	assert_ends "$router" 0
}

router_crash() {
	kill -KILL "$router"
	assert_ends "$router" 137
}

# assert_answers HOST: tries each line "SERVICE|timeout|refused KIND ADDRESS PORT [from ADDRESS]" of its input
assert_answers() {
	assert_outcomes lab_on "$1" router ask
}

# The tags of the rules, as they were inserted.
assert_services() {
	assert_equal "$(rule_values service)" "$1" 'services of the rules'
}

# ---- start and end ----

web_and_sip() {
	cat <<-END
		web tcp 100.64.1.0 24 80 443
		web tcp fd00:64::1:0 112 80 443
		sip udp 100.64.1.0 24 5060 5061
		sip udp fd00:64::1:0 112 5060 5061
	END
}

# assert_web_and_sip WEB SIP: what becomes of each, and of what is beside them
assert_web_and_sip() {
	assert_answers client <<-END
		$1 tcp 100.64.1.7 80
		$1 tcp 100.64.1.255 443
		$1 tcp fd00:64::1:7 80
		$2 udp 100.64.1.7 5060
		$2 udp fd00:64::1:7 5061
		timeout tcp 100.64.1.7 79
		timeout tcp 100.64.1.7 444
		timeout tcp 100.64.1.7 5060
		timeout udp 100.64.1.7 80
		timeout udp fd00:64::1:7 80
		timeout tcp 100.64.2.7 80
		timeout tcp fd00:64::2:7 80
	END
}

@test "from start to SIGTERM: each service answers, nothing else does, and no rule is left" {
	assert_web_and_sip timeout timeout
	router_start <<<"$(web_and_sip)"
	assert_equal "$(rule_count)" 4
	assert_web_and_sip web sip
	router_stop
	assert_equal "$(rule_list --save)" ''
	assert_web_and_sip timeout timeout
}

@test "the same with an older router, which gives neither source nor service" {
	router_start old <<<"$(web_and_sip)"
	assert_equal "$(rule_count)" 4
	assert_web_and_sip web sip
	router_stop
	assert_equal "$(rule_list --save)" ''
}

@test "a rule that the router did not make stays when it ends" {
	map_update 100.64.9.0 24 80 80 0 tcp
	router_start <<<"$(web_and_sip)"
	router_stop
	assert_equal "$(rule_list --save)" '100.64.9.0 24 80 80 0 tcp'
}

# ---- many ----

# SPLICER_SERVICES makes it as many as routers have had: 2000, which takes a minute.
MANY=${SPLICER_SERVICES:-400}

# Services of one address each, with 10 ranges of ports: 1000-1005, 1010-1015, ...
many_services() {
	awk -v services="$MANY" 'BEGIN {
		for (service = 0; service < services; service++)
			for (low = 1000; low < 1100; low += 10)
				printf "svc%d tcp 100.64.%d.%d 32 %d %d\n", service, service / 256, service % 256, low, low + 5
	}'
}

# many_asked [timeout]: each 8th service, at the ends of one of its ranges, and beside them
many_asked() {
	local service address low
	for ((service = 0; service < MANY; service += 8)); do
		address=100.64.$((service / 256)).$((service % 256))
		low=$((1000 + service / 8 % 10 * 10))
		echo "${1:-svc$service} tcp $address $low"
		echo "${1:-svc$service} tcp $address $((low + 5))"
		echo "timeout tcp $address $((low + 6))"
	done
}

@test "many services with 10 ranges of ports each come and go" {
	router_start <<<"$(many_services)"
	assert_equal "$(cat "$log")" "ready $((MANY * 10))"
	assert_equal "$(rule_count)" $((MANY * 10))
	assert_equal "$(rule_values service | sort | uniq -c | awk '$1 == 10' | wc -l)" "$MANY" 'services with 10 rules'
	assert_equal "$(rule_list --save --dead)" '' 'dead rules'
	assert_answers client <<<"$(many_asked)"
	router_stop
	assert_equal "$(rule_list --save)" ''
	assert_answers client <<<"$(many_asked timeout)"
}

# ---- changes ----

@test "a service changes: its listeners close, its rules go, new ones come, and the others answer as before" {
	router_start <<<"$(web_and_sip)"
	before=$(rule_list --save --service sip)
	router_change <<-END
		web tcp 100.64.1.0 24 80 80
		web tcp 100.64.2.0 24 8080 8090
		sip udp 100.64.1.0 24 5060 5061
		sip udp fd00:64::1:0 112 5060 5061
	END
	assert_equal "$(rule_list --save --service sip)" "$before" 'rules of the service that stays'
	assert_equal "$(rule_values dst --service web)" $'100.64.1.0/24\n100.64.2.0/24'
	assert_answers client <<-END
		web tcp 100.64.1.7 80
		timeout tcp 100.64.1.7 443
		web tcp 100.64.2.7 8085
		timeout tcp fd00:64::1:7 80
		sip udp 100.64.1.7 5060
		sip udp fd00:64::1:7 5061
	END
	router_stop
	assert_equal "$(rule_list --save)" ''
}

@test "a service goes and comes: its rules name the new listeners" {
	router_start <<<"$(web_and_sip)"
	router_change <<<"$(web_and_sip | grep sip)"
	assert_web_and_sip timeout sip
	assert_services $'sip\nsip'
	router_change <<<"$(web_and_sip)"
	assert_web_and_sip web sip
	assert_equal "$(rule_list --save --dead)" '' 'dead rules'
	router_stop
}

# ---- crashes ----

@test "a crash, and the same services again: each rule once, with the new ports" {
	router_start <<<"$(web_and_sip)"
	before=$(rule_values port)
	router_crash
	assert_equal "$(rule_list --save --dead | wc -l)" 4 'dead rules'
	assert_web_and_sip timeout timeout
	router_run
	assert_equal "$(rule_count)" 4
	assert_equal "$(rule_list --save --dead)" '' 'dead rules'
	assert_equal "$(rule_values port | grep -cxF "$before")" 0 'rules with old ports'
	assert_web_and_sip web sip
	router_stop
	assert_equal "$(rule_list --save)" ''
}

@test "a crash, and a service is gone: its rules are dead, map_delete --dead removes them and no other" {
	router_start <<<"$(web_and_sip)"
	router_crash
	router_start <<<"$(web_and_sip | grep sip)"
	assert_equal "$(rule_values service --dead)" $'web\nweb' 'services of dead rules'
	assert_web_and_sip timeout sip
	assert_quiet map_delete --dead
	assert_services $'sip\nsip'
	assert_web_and_sip timeout sip
	router_stop
	assert_equal "$(rule_list --save)" ''
}

@test "a crash, and another service has the prefix: the new one answers; when it ends one dead rule is left" {
	router_start <<<'old tcp 100.64.1.0 24 80 80'
	router_crash
	router_start <<<'new tcp 100.64.1.0 24 80 80'
	assert_services $'old\nnew'
	assert_answers client <<<'new tcp 100.64.1.7 80'
	assert_equal "$(rule_values service --dead)" old
	# both are dead then, and one call takes one away: the older
	router_stop
	assert_services new
	assert_answers client <<<'timeout tcp 100.64.1.7 80'
	assert_quiet map_delete --dead
	assert_equal "$(rule_list --save)" ''
}

# ---- interfaces ----

@test "two interfaces: a rule for each, by a call for each; deleting one leaves the other" {
	router_start <<-END
		web tcp 100.64.1.0 24 80 80 0.0.0.0 0 wan0 lan1
		sip udp fd00:64::1:0 112 5060 5060 0.0.0.0 0 wan0
	END
	assert_equal "$(rule_values iface)" $'wan0\nlan1\nwan0'
	assert_answers client <<-END
		web tcp 100.64.1.7 80
		sip udp fd00:64::1:7 5060
	END
	assert_answers guest <<-END
		web tcp 100.64.1.7 80
		timeout udp fd00:64::1:7 5060
	END
	assert_quiet ziti_divert -D -c 100.64.1.0 -m 24 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 80 -N wan0
	assert_answers client <<<'timeout tcp 100.64.1.7 80'
	assert_answers guest <<<'web tcp 100.64.1.7 80'
	assert_error ziti_divert -D -c 100.64.1.0 -m 24 -p tcp -o 0.0.0.0 -n 0 -l 80 -h 80 -N wan0
	assert_answers guest <<<'web tcp 100.64.1.7 80'
}

@test "two interfaces, from start to SIGTERM" {
	router_start <<<'web tcp 100.64.1.0 24 80 80 0.0.0.0 0 wan0 lan1'
	assert_equal "$(rule_count)" 2
	router_stop
	assert_equal "$(rule_list --save)" ''
}

# ---- sources ----

@test "source filters: the allowed client is answered, the other is not" {
	router_start <<-END
		web tcp 100.64.1.0 24 80 80 192.0.2.2 32
		web tcp fd00:64::1:0 112 80 80 2001:db8::2 32
		net udp 100.64.1.0 24 53 53 192.0.2.64 26
		net udp fd00:64::1:0 112 53 53 2001:db8::60 124
		any udp fd00:64::1:0 112 54 54 0.0.0.0 0
	END
	assert_equal "$(rule_values src)" \
		$'192.0.2.2/32\n2001:db8::2/128\n192.0.2.64/26\n2001:db8::60/124\n::/0'
	assert_answers client <<-END
		web tcp 100.64.1.7 80 from 192.0.2.2
		timeout tcp 100.64.1.7 80 from 192.0.2.66
		web tcp fd00:64::1:7 80 from 2001:db8::2
		timeout tcp fd00:64::1:7 80 from 2001:db8::66
		timeout udp 100.64.1.7 53 from 192.0.2.2
		net udp 100.64.1.7 53 from 192.0.2.66
		timeout udp fd00:64::1:7 53 from 2001:db8::2
		net udp fd00:64::1:7 53 from 2001:db8::66
		any udp fd00:64::1:7 54 from 2001:db8::2
		any udp fd00:64::1:7 54 from 2001:db8::66
	END
	router_stop
	assert_equal "$(rule_list --save)" ''
}

@test "the same destination for two sources: each has its service, and keeps it when the other goes" {
	router_start <<-END
		one tcp 100.64.1.0 24 80 80 192.0.2.2 32
		two tcp 100.64.1.0 24 80 80 192.0.2.66 32
	END
	assert_answers client <<-END
		one tcp 100.64.1.7 80 from 192.0.2.2
		two tcp 100.64.1.7 80 from 192.0.2.66
	END
	router_change <<<'two tcp 100.64.1.0 24 80 80 192.0.2.66 32'
	assert_answers client <<-END
		timeout tcp 100.64.1.7 80 from 192.0.2.2
		two tcp 100.64.1.7 80 from 192.0.2.66
	END
}

# ---- what services share ----

# share HIGH1 HIGH2: two services with one prefix and low port, tcp and udp, both families
share() {
	local service=one high
	for high; do
		cat <<-END
			$service tcp 100.64.1.0 24 80 $high
			$service tcp fd00:64::1:0 112 80 $high
			$service udp 100.64.1.0 24 80 $high
			$service udp fd00:64::1:0 112 80 $high
		END
		service=two
	done
}

# assert_shared PORT SERVICE
assert_shared() {
	assert_answers client <<-END
		$2 tcp 100.64.1.7 $1
		$2 tcp fd00:64::1:7 $1
		$2 udp 100.64.1.7 $1
		$2 udp fd00:64::1:7 $1
	END
}

@test "two services share prefix and low port: removing one leaves the other" {
	router_start <<<"$(share 80 90)"
	assert_shared 80 one
	assert_shared 90 two
	router_change <<<"$(share 80 90 | grep two)"
	assert_services $'two\ntwo\ntwo\ntwo'
	assert_shared 80 two
	assert_shared 90 two
	router_change <<<"$(share 80 90 | grep one)"
	assert_services $'one\none\none\none'
	assert_shared 80 one
	assert_shared 90 timeout
}

@test "two services share everything: the newer answers, and the one that goes takes its own rules only" {
	router_start <<<"$(share 80 80)"
	assert_equal "$(rule_count)" 8
	assert_shared 80 two
	router_change <<<"$(share 80 80 | grep two)"
	assert_services $'two\ntwo\ntwo\ntwo'
	assert_shared 80 two
	router_change <<<"$(share 80 80)"
	assert_shared 80 one
	router_change <<<"$(share 80 80 | grep two)"
	assert_shared 80 two
	router_stop
	assert_equal "$(rule_list --save)" ''
}
