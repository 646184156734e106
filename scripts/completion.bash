# _splicer_offer TOOL VALUE SPEC BEFORE: fills COMPREPLY with what can stand for VALUE, as SPEC has it (see scripts/completion).
# BEFORE stands in front of it in the same word: readline replaces only what follows the last : = or @ of that.
_splicer_offer() {
	local tool=$1 value=$2 before=$4 spec words=() word start
	read -r -a spec <<<"$3"
	if [ "${spec[0]-}" = , ]; then
		spec=("${spec[@]:1}")
		if [[ $value == *,* ]]; then
			before+=${value%,*},
			value=${value##*,}
		fi
	fi
	for word in "${spec[@]}"; do
		case $word in
		@files) compopt -o default ;;
		@dirs) compopt -o dirnames ;;
		@*) mapfile -t -O ${#words[@]} words < <("_splicer_${word#@}" "$tool") ;;
		*) words+=("$word") ;;
		esac
	done
	start=$before$value
	[[ $start == *[:=@]* ]] && start=${start%"${start##*[:=@]}"} || start=
	for word in "${words[@]}"; do
		[[ $word == "$value"* ]] || continue
		word=$before$word
		COMPREPLY+=("${word#"$start"}")
		[[ $word != *= ]] || compopt -o nospace
	done
}

# The command word of a line of which these are the words before the cursor.
_splicer_command() {
	local tool=$1 word
	shift
	for word; do
		[[ " ${_splicer_commands[$tool]-} " != *" $word "* ]] || { echo "$word" && return; }
	done
}

_splicer() {
	local tool=${1##*/} line=${COMP_LINE:0:COMP_POINT} words current before='' option command
	COMPREPLY=()
	read -r -a words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	current=${words[-1]} option=${words[-2]-}
	if [[ $current == --*=* ]]; then
		option=${current%%=*} before=${current%%=*}= current=${current#*=}
	fi
	if [ -n "${_splicer_arguments[$tool:$option]+set}" ]; then
		_splicer_offer "$tool" "$current" "${_splicer_arguments[$tool:$option]}" "$before"
	elif [[ $current == -* ]]; then
		_splicer_offer "$tool" "$current" "${_splicer_options[$tool]}" ''
	else
		command=$(_splicer_command "$tool" "${words[@]:1:${#words[@]}-2}")
		if [ -z "$command" ] && [ -n "${_splicer_commands[$tool]-}" ]; then
			_splicer_offer "$tool" "$current" "${_splicer_commands[$tool]}" ''
		else
			_splicer_offer "$tool" "$current" "${_splicer_operands[$tool${command:+:$command}]-}" ''
		fi
	fi
}

