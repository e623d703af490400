# Guests of vemu on this host, for the command-line tests: "load ../lib/vemu" after common.
# shellcheck shell=bash
#
# They boot the stock kernel that tests/vm/harness/fetch.sh brings, with an initramfs of
# busybox, the modules a test wants, and a script of the test's.

VEMU=${BIN:-$TOP/build/release/bin}/vemu
VEMU_PARTS=${BIN:-$TOP/build/release/bin}
VEMU_PARTS=${VEMU_PARTS%/*/bin}/vm-parts

# vemu_parts: sets KERNEL, or skips the test where packages cannot be had.
vemu_parts() {
	requires cpio modprobe
	local why
	if ! why=$(sh "$TOP/tests/vm/harness/fetch.sh" "$VEMU_PARTS" 2>&1); then
		[ -z "${HOSTKIT_NO_SKIP:-}" ] || { echo "$why"; return 1; }
		skip "no kernel for guests: $(echo "$why" | tail -n 1)"
	fi
	KERNEL=$(echo "$VEMU_PARTS"/kernel/boot/vmlinuz-*)
}

# vemu_initrd OUT SCRIPT MODULE...: loads the modules, runs the shell script, switches off.
vemu_initrd() { sh "$TOP/tests/vm/harness/initrd.sh" "$VEMU_PARTS" "$@"; }

# vemu_boot SECONDS APPEND OPTION...: runs a guest from KERNEL and the file initrd to its end;
# what it says is in the file console.
vemu_boot() {
	local limit=$(($1 * ${TEST_SCALE:-1})) append=$2 rc=0
	shift 2
	timeout -k 5 "$limit" "$VEMU" -nographic -m 256 -kernel "$KERNEL" -initrd initrd \
		-append "console=ttyS0 quiet panic=-1 $append" -no-reboot "$@" >console.raw 2>vemu.err </dev/null || rc=$?
	tr -d '\r' <console.raw >console
	[ "$rc" = 0 ] && return
	echo "vemu ended with $rc"
	cat vemu.err
	tail -n 40 console
	return 1
}

# said TEXT: the guest did.
said() {
	grep -qF -- "$1" console && return
	echo "the guest did not say '$1':"
	tail -n 40 console
	return 1
}

# A guest that is talked to: vemu_start OPTION...; then vemu_wait and vemu_send.
vemu_start() {
	rm -f keys console
	mkfifo keys
	"$VEMU" "$@" <keys >console 2>vemu.err &
	VEMU_PID=$!
	exec 7>keys
}

# vemu_wait SECONDS PATTERN: until a line of the console matches, from where the last wait ended.
vemu_wait() {
	local end=$((SECONDS + $1 * ${TEST_SCALE:-1}))
	until tail -c "+$((${VEMU_AT:-0} + 1))" console | grep -aqE -- "$2"; do
		if ! kill -0 "$VEMU_PID" 2>/dev/null || [ $SECONDS -gt $end ]; then
			echo "the guest did not say '$2':"
			tail -n 40 console
			cat vemu.err
			return 1
		fi
		sleep 0.2
	done
	# shellcheck disable=SC2034 # the next wait begins there
	VEMU_AT=$(stat -c %s console)
}

# vemu_again: another guest follows.
vemu_again() { VEMU_AT=0; }

vemu_send() { printf '%s\r' "$*" >&7; }

# vemu_ends SECONDS: it goes by itself.
vemu_ends() {
	local end=$((SECONDS + $1 * ${TEST_SCALE:-1}))
	while kill -0 "$VEMU_PID" 2>/dev/null; do
		[ $SECONDS -le $end ] || { tail -n 40 console; return 1; }
		sleep 0.2
	done
	exec 7>&-
	wait "$VEMU_PID"
}
