# What can stand here, in the words of scripts/completion.
_splicer_offer() {
	local -a plain pairs
	local word found=1 several=
	for word; do
		case $word in
		,) several=1 ;;
		@files) _files && found=0 ;;
		@dirs) _files -/ && found=0 ;;
		@*) plain+=(${(f)"$(_splicer_${word#@} $service)"}) ;;
		*=) pairs+=($word) ;;
		*) plain+=($word) ;;
		esac
	done
	if [[ -n $several ]]; then
		_sequence compadd - $plain && found=0
	else
		compadd -a plain && found=0
		compadd -S '' -a pairs && found=0
	fi
	return found
}

_splicer_operand() {
	local word command=
	for word in $words[2,CURRENT-1]; do
		if [[ " ${_splicer_commands[$service]} " == *" $word "* ]]; then
			command=$word
			break
		fi
	done
	if [[ -z $command && -n ${_splicer_commands[$service]} ]]; then
		_splicer_offer ${=_splicer_commands[$service]}
	else
		_splicer_offer ${=_splicer_operands[$service${command:+:$command}]}
	fi
}

_splicer_of_${service:t} "$@"
