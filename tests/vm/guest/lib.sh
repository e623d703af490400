# For the tests in guests: POSIX sh, since busybox runs it.
#
#	. /vm/lib.sh
#	t "tun is loaded" grep -q '^tun ' /proc/modules
#	on_boot 2 && t ...			after one restart
#	restart					comes back with BOOT one higher
#	done_testing
#
# shellcheck shell=sh

N=$(cat /vm/n 2>/dev/null || echo 0)

# t NAME COMMAND...: one test; what the command printed is shown when it failed.
t() {
	name=$1
	shift
	N=$((N + 1))
	echo "$N" >/vm/n
	code=0
	"$@" >/tmp/t.out 2>&1 || code=$?
	if [ "$code" = 0 ]; then
		echo "ok $N - $name"
	else
		echo "not ok $N - $name"
		echo "# $* ended with $code"
		sed 's/^/# /' /tmp/t.out | head -n 60
	fi
}

# is WANT COMMAND...: the command ends with status 0 and prints WANT.
is() {
	want=$1
	shift
	got=$("$@" 2>&1) || { echo "$got"; echo "status not 0"; return 1; }
	[ "$got" = "$want" ] || { echo "got '$got', want '$want'"; return 1; }
}

# ends STATUS COMMAND...
ends() {
	want=$1
	shift
	ended=0
	"$@" || ended=$?
	[ "$ended" = "$want" ] || { echo "ended with $ended, want $want"; return 1; }
}

# live FILE VALUE: what the kernel shows there now.
live() { is "$2" cat "$1"; }

# not COMMAND...
not() { ! "$@"; }

# says TEXT COMMAND...: its output, either stream, has TEXT in it; any status.
says() {
	text=$1
	shift
	"$@" >/tmp/says.out 2>&1
	cat /tmp/says.out
	grep -qF -- "$text" /tmp/says.out
}

# asks OPTION...: hostcheck, as root or as the user $WHO.
asks() {
	if [ -n "${WHO:-}" ]; then
		su "$WHO" -s /bin/sh -c "hostcheck $*"
	else
		hostcheck "$@"
	fi
}

# verdict WANT ID [TEXT]: what hostcheck finds for one check, and TEXT is in what it has seen.
verdict() {
	asks --only "$2" >/tmp/verdict.out 2>&1
	cat /tmp/verdict.out
	awk -v want="$1" -v id="$2" -v text="${3:-}" '
		$2 == id && $1 == want && (text == "" || index($0, text)) { ok = 1 }
		END { exit !ok }' /tmp/verdict.out
}

# advises ID TEXT: its advice, as one line, has TEXT in it: what to do, or the step of vtune.
advises() {
	asks --only "$1" 2>&1 | awk '/^What to do/ { on = 1 } on' | tr '\n' ' ' | tr -s ' ' >/tmp/advice.out
	cat /tmp/advice.out
	grep -qF -- "$2" /tmp/advice.out
}

on_boot() { [ "$BOOT" = "$1" ]; }

restart() {
	echo "=== guest restarts"
	sync
	reboot -f
	sleep 60
}

done_testing() { echo "1..$N"; }
