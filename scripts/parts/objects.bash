# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # what others take, and give
# SPDX-License-Identifier: GPL-2.0-only
# An object that is put in force: what it must have, the filters that it takes the place of, the lookup link, whose pins it
# meets. To be sourced after the other parts.

# The firewall decides of addresses as they are on the wire: what comes in is translated after it, what leaves before.
# What is on the wire is observed, also what is then dropped.
declare -A PRIO=([splicer ingress]=49152 [splicer egress]=20 [lb ingress]=50000 [lb egress]=10
	[flow ingress]=10 [flow egress]=30)
declare -A prio=() # by hook
declare -A prio_option=([ingress]=prio [egress]=egress-prio)
declare -A section=([ingress]=action [egress]=action/egress)
link_state=  # empty: not made in this run; else the letter of what was done
link_serves= # 1: an interface was attached since

# ---- the object ----

# The hooks of an attachment, in the order of its steps: what leaves is known before its replies are decided.
attach_hooks() {
	[ -n "${given[ingress-only]-}" ] || echo egress
	echo ingress
}

programs_needed() {
	if [ "$ours" = xdp_filter ]; then
		echo xdp_filter
		return
	fi
	echo "${ours}_ingress"
	[ -z "${given[ingress-only]-}" ] || return 0
	echo "${ours}_egress"
	[ "$ours" != splicer ] || echo splicer_lookup
}

# tc would load whatever is in the section, also instead of the firewall that is there.
object_check() {
	local program
	if [[ $object == *[[:cntrl:]]* ]]; then
		reason="$object: a name with control characters, which tc would not show as one line"
		return 1
	elif ! [ -f "$object" ] || ! [ -r "$object" ]; then
		reason="$object: cannot be read"
		return 1
	fi
	for program in $(programs_needed); do
		if ! grep -qaF -e "$program" -- "$object"; then
			reason="$object: has no program $program"
			[[ $program != splicer_[el]* ]] || reason+=' (an older one has only what --ingress-only attaches)'
			return 1
		fi
	done
}

# ---- its filters ----

# place_id HOOK: the id of the program in our place; empty when there is none.
place_id() {
	filters_of "${ours}_$1" |
		awk -v prio="${prio[$1]}" -v handle="$HANDLE" '$1 == prio && $2 == 0 && $3 == handle { print $7 }'
}

# filter_replace IFACE HOOK: the kernel puts the new program in the place of the old one in one step, after it was
# loaded and verified.
filter_replace() {
	local iface=$1 hook=$2 replaced
	filters_read "$iface" "$hook" || return
	replaced=$(place_id "$hook")
	change tc filter replace dev "$iface" "$hook" protocol all prio "${prio[$hook]}" handle 1 \
		bpf direct-action object-file "$object" section "${section[$hook]}" || return
	[ "$hook$replaced" != egress ] || egress_added=1
	if [ -z "${given[dry-run]-}" ]; then
		filters_read "$iface" "$hook" || return
		case $(place_id "$hook") in
		'' | "$replaced")
			reason='tc says that it has attached the program, but it is not there'
			return 1
			;;
		esac
	fi
	say "$([ -n "$replaced" ] && echo C || echo A)" "$iface $hook prio ${prio[$hook]} handle $HANDLE"
}

# copies_remove IFACE HOOK: any other copy would count each packet once more. In other chains packets are by somebody's
# special order.
copies_remove() {
	local filter
	filters_read "$1" "$2" || return
	while read -r filter; do
		case $filter in
		'' | "${prio[$2]} 0 $HANDLE "*) ;;
		*' 0 0x'*) filter_remove "$1" "$2" "$filter" || return ;;
		esac
	done < <(filters_of "${ours}_$2")
}

# ---- its program for XDP ----

# xdp_load IFACE MODE: the kernel puts it in the place of what is there in one step, after it was loaded and verified.
# Where nothing was there, nothing is replaced that came meanwhile.
xdp_load() {
	local force=() replaced=$xdp_id
	[ -z "$xdp_mode" ] || force=(-force)
	change ip "${force[@]}" link set dev "$1" "$2" object "$object" section xdp || return
	[ -z "${given[dry-run]-}" ] || return 0
	xdp_read "$1" || return
	if ! xdp_is_ours || [ "$xdp_id" = "$replaced" ]; then
		reason='ip says that it has attached the program, but it is not there'
		return 1
	fi
}

# ---- the lookup link ----

# Once for all interfaces, and only splicer.o has such a program. Before the first one is loaded there are no maps that a
# dry run could ask.
link_make() {
	[ "$ours" = splicer ] && [ -z "$link_state" ] || return 0
	if [ -n "${given[dry-run]-}" ] && ! [ -e "$PINS/splicer1_config" ]; then
		link_letter=A
	else
		link_tool make --object "$object" || return
	fi
	link_state=$link_letter
	say "$link_state" "$LINK"
}

# Only if this run has made it, and for an interface that failed then.
link_take_back() {
	[ "$link_state" = A ] && [ -z "$link_serves${given[dry-run]-}" ] || return 0
	link_tool remove && link_state='' && say "$link_letter" "$LINK"
}

# ---- rehearsal ----

REHEARSAL=268435455 # the last chain there can be; no packet comes to a chain unless a filter sends it there

rehearse_ingress() {
	step tc filter replace dev "$1" ingress chain "$REHEARSAL" protocol all prio 1 handle 1 \
		bpf direct-action object-file "$object" section action || return
	step tc filter del dev "$1" ingress chain "$REHEARSAL" protocol all prio 1 handle 1 bpf
}

# A program that was replaced on egress cannot be brought back: so what is to follow must have been loaded before.
rehearse() {
	[ -z "${given[dry-run]-}" ] && [ "$(attach_hooks)" != ingress ] && filters_read "$1" egress || return 0
	[ -n "$(place_id egress)" ] || return 0
	rehearse_ingress "$1" || return
	[ "$ours" != splicer ] || link_tool -n make --object "$object"
}

# ---- the pins that it meets ----

# The tools know which addresses are own, to which SSH is confined after the first rule: also those of an interface that
# is new. And they know whose pins these are.
addresses_sync() {
	if [ "$ours" != splicer ] || ! [ -x "$TOOLS/map_update" ] || ! [ -e "$PINS/splicer1_rules" ]; then
		return 0
	fi
	change "$TOOLS/map_update" -q -f /dev/null
}

# Reads what all objects share.
pins_try() {
	if ! [ -x "$TOOLS/verdict_stat" ] || ! [ -e "$PINS/splicer1_config" ]; then
		return 0
	fi
	step "$TOOLS/verdict_stat"
}

# Rules of another namespace would be in force here, for interfaces that only share their numbers. What else may be
# wrong with pins is for tc to find.
namespace_check() {
	if [ "$ours" != splicer ] || ! [ -e "$PINS/splicer1_rules" ]; then
		pins_try && return
	else
		addresses_sync && return
	fi
	case $reason in
	*'another network namespace'*) return 1 ;;
	esac
}
