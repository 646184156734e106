# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # out, tmp and the like are set and used in helpers.bash
# What the tests of --watch share. To be loaded after helpers.

# watch TOOL [OPTION]...: its --watch 1 in the background, to $tmp/watched and $tmp/complaints; fills $watcher
watch() {
	watched=$1
	shift
	"$watched" --watch 1 "$@" >"$tmp/watched" 2>"$tmp/complaints" 3>&- &
	watcher=$!
	servers+=("$watcher")
}

# assert_stops SIGNAL: it ends, with exit status 0 and without a word
assert_stops() {
	local result=0

	kill -s "$1" "$watcher"
	wait "$watcher" || result=$?
	servers=()
	[ "$result" = 0 ] || fail 'exit status 0' "$result" || return
	assert_text stderr "$tmp/complaints" ''
}

# listens: the watcher would take a SIGTERM (15) for its end
listens() {
	local caught

	caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$watcher/status")
	[[ $(<"/proc/$watcher/comm") = "$watched" ]] && ((0x$caught & 1 << 14))
}

# eventually COMMAND [ARG]...: waits until it succeeds
eventually() {
	local try

	for ((try = 0; try < 1500 * ${PATIENCE:-1}; try++)); do
		! "$@" || return 0
		sleep 0.02
	done
	fail "eventually: $*" "$(head -c 2000 "$tmp/watched")"
}

# has COUNT PATTERN: so many lines match
has() {
	[ "$(grep -cE -e "$2" "$tmp/watched")" -ge "$1" ]
}

# assert_lines EXPRESSION: over d, the list of the JSON lines
assert_lines() {
	python3 -ISc '
import json, sys
d = [json.loads(line) for line in open(sys.argv[1])]
if not eval(sys.argv[2]):
    sys.exit("value: " + json.dumps(d))
' "$tmp/watched" "$1" || fail "$1" 'that it is not'
}

# on_terminal ROWS COMMAND...: its output on a terminal of so many lines (0: it does not say) until it printed
# the table twice, to $out; it is then interrupted (not from the keyboard, which throws away what is not yet read)
on_terminal() {
	capture python3 -ISc '
import fcntl, os, pty, signal, struct, sys, termios
rows, *command = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), 80 if int(rows) else 0, 0, 0))
    os.execvp(command[0], command)
got, interrupted = b"", False
while True:
    try:
        part = os.read(fd, 65536)
    except OSError:
        part = b""
    if not part:
        break
    got += part
    if got.count(b"packets/s") >= 1 and got.endswith(b"\n") and not interrupted:
        interrupted = True
        os.kill(pid, signal.SIGINT)
os.write(1, got)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$@"
}

# assert_screen ROWS: each screen is cleared and has so many
assert_screen() {
	assert_status 0 || return
	python3 -ISc '
import sys
text = open(sys.argv[1], newline="").read().replace("\r\n", "\n")
assert text.startswith("\033[?7l") and text.endswith("\033[?7h"), repr(text)
first, *screens = text[5:-5].split("\033[H\033[J")
assert first == "" and len(screens) >= 2, repr(text)
for screen in screens:
    assert len(screen.splitlines()) == 2 + int(sys.argv[2]) and "\033" not in screen, repr(screen)
' "$out" "$1" || fail "screens of $1 rows" "$(cat -v "$out")"
}
