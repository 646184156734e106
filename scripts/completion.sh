# What there is at this moment, for completion in bash and zsh: quiet, and not for long.

# Those that need no quotes: what bash puts in a line as it is must not be a command.
_splicer_ifaces() {
	sed -nE '3,$s/^ *([A-Za-z0-9._@+-]+):[^:]*$/\1/p' /proc/net/dev 2>/dev/null
}

# Tags of the rules that a tool is about; those that need no quotes.
_splicer_tags() {
	case $1 in
	xdp_rule) timeout 1 xdp_rule list -j 2>/dev/null ;;
	*) timeout 1 rule_list -j 2>/dev/null ;;
	esac | grep -oE '"service": ?"[A-Za-z0-9._@/+-]+"' | cut -d '"' -f 4 | sort -u
}

_splicer_services() {
	timeout 1 lb_backend list --save 2>/dev/null | awk '$2 ~ /\/(tcp|udp)$/ && !seen[$2]++ { print $2 }'
}

