#!/usr/bin/env bats
# A stock kernel boots each time, however busy the machine is: 100 times in long runs (BOOTS names another
# number), while twice as many programs as there are processors want to run.  One guest at a time on pc with one
# processor, one on q35 with two: what hangs or panics is kept in the test's directory and shown.
# test-timeout: 3500
load ../lib/common
load ../lib/vemu

teardown() {
	for p in ${BUSY:-}; do
		kill "$p" 2>/dev/null || :
	done
}

# boots FIRST LAST OPTION...: each to its end; the numbers of those that failed are in the file failed.
boots() {
	local n first=$1 last=$2
	shift 2
	for n in $(seq "$first" "$last"); do
		timeout -k 5 $((300 * ${TEST_SCALE:-1})) "$VEMU" -accel soft -nographic -m 256 -kernel "$KERNEL" \
			-initrd initrd -append "console=ttyS0 quiet panic=-1" -no-reboot "$@" >"console.$n" 2>"err.$n" </dev/null &&
			grep -qF "inner: 20 programs ran" "console.$n" && continue
		echo "$n" >>failed
	done
}

@test "a stock kernel boots and powers off 100 times of 100 on a busy machine" {
	local all=${BOOTS:-100} i
	long_run || [ -n "${BOOTS:-}" ] || skip "in long runs, or with BOOTS=NUMBER"
	vemu_parts
	cat >script <<'end'
i=0
while [ $i -lt 20 ]; do
	/bin/busybox true || break
	i=$((i + 1))
done
echo "inner: $i programs ran"
end
	vemu_initrd initrd script
	BUSY=
	for i in $(seq $(($(nproc) * 2))); do
		# a test's own descriptors are not for it
		sh -c 'while :; do :; done' 3>&- &
		BUSY="$BUSY $!"
	done
	boots 1 $((all / 2)) -machine pc &
	boots $((all / 2 + 1)) "$all" -machine q35 -smp 2
	wait $!
	[ ! -e failed ] || {
		echo "of $all boots these failed: $(tr '\n' ' ' <failed)"
		while read -r i; do
			tail -n 15 "console.$i" "err.$i"
		done <failed
		return 1
	}
	[ "$(find . -name 'console.*' | wc -l)" = "$all" ]
}
