# test-timeout: 300
# Failing disks, seen from outside: every call that a command makes on a file is
# made to fail once.  The command has to say so and exit with an error, leave what was there
# before, and leave images that check with leaks at worst.
# shellcheck shell=bash disable=SC2016 # the snippets are evaluated later
load ../lib/common

setup() {
	common_setup
	requires qemu-img qemu-io
	case ${VARIANT:-release} in
	asan | tsan | static) skip "the fault library cannot be loaded before a $VARIANT program" ;;
	esac
	export LSAN_OPTIONS=
	"$TOP/tests/images/pattern.sh" src.raw 3 >/dev/null
	qemu-img convert -O qcow2 src.raw src.q
	qemu-img create -q -f qcow2 -b src.q -F qcow2 over.q
	qemu-io -f qcow2 -c "write -P 7 64k 100k" -c "write -P 8 1M 64k" over.q >/dev/null
}

# faulty N ERRNO COMMAND...: one run with call N failing.
faulty() {
	local at=$1 code=$2
	shift 2
	FAULT_AT=$at FAULT_ERRNO=$code FAULT_COUNT=count LD_PRELOAD=$IOFAULT "$@" >out 2>err
}

# each_call ERRNO RESTORE CHECK COMMAND...: runs COMMAND with its 1st, 2nd, ... call failing
# until it makes fewer; RESTORE (shell) comes before each run, CHECK after.
each_call() {
	local code=$1 restore=$2 check=$3 n rc failed=0
	shift 3
	for ((n = 1; n < 2000; n++)); do
		eval "$restore"
		rc=0
		faulty "$n" "$code" "$@" || rc=$?
		[ "$rc" -lt 128 ] || { echo "call $n: died with $rc"; cat err; return 1; }
		if [ "$rc" -ne 0 ]; then
			failed=$((failed + 1))
			[ -s err ] || { echo "call $n: failed without a word"; return 1; }
		fi
		eval "$check" || { echo "after call $n failed (exit $rc):"; cat err; return 1; }
		[ "$(cat count)" -ge "$n" ] || break
	done
	echo "# $failed of $((n - 1)) failing calls made the command fail"
	[ "$failed" -gt 0 ]
}

@test "convert: the old destination stays, nothing is left behind" {
	echo "what was here before" >keep
	each_call 5 'cp keep dst' \
		'if [ $rc -ne 0 ]; then cmp keep dst; else qemu-img compare -q src.raw dst; fi && no_debris' \
		"$VIMG" convert -f raw -O qcow2 src.raw dst
}

@test "convert into a new file: there is nothing or all of it" {
	each_call 28 'rm -f dst' \
		'if [ $rc -ne 0 ]; then [ ! -e dst ]; else qemu-img compare -q src.raw dst; fi && no_debris' \
		"$VIMG" convert -c -f raw -O qcow2 src.raw dst
}

@test "create fails clean" {
	each_call 5 'rm -f dst' 'if [ $rc -ne 0 ]; then [ ! -e dst ]; else sound dst; fi' \
		"$VIMG" create -f qcow2 -o preallocation=metadata dst 64M
}

@test "snapshot -c leaves a sound image with the same content" {
	each_call 5 'cp src.q dst' 'repaired dst && sound dst && qemu-img compare -q src.raw dst' \
		"$VIMG" snapshot -c one dst
}

@test "snapshot -d leaves a sound image with the same content" {
	cp src.q with.q
	qemu-img snapshot -c one with.q
	qemu-io -f qcow2 -c "write -P 3 0 256k" with.q >/dev/null
	qemu-img convert -O raw with.q with.raw
	each_call 5 'cp with.q dst' 'repaired dst && sound dst && qemu-img compare -q with.raw dst' \
		"$VIMG" snapshot -d one dst
}

@test "resize leaves a sound image" {
	each_call 5 'cp src.q dst' 'sound dst' "$VIMG" resize -q -f qcow2 dst 5G
}

@test "commit: what was acknowledged is in one of the two" {
	qemu-img convert -O raw over.q over.raw
	each_call 5 'cp src.q base.q; cp over.q dst; qemu-img rebase -u -b base.q -F qcow2 dst' \
		'sound dst && sound base.q && qemu-img compare -q over.raw dst' \
		"$VIMG" commit -q dst
}

@test "commit in parts: what was acknowledged is in one of the two" {
	long_run || skip "long: 72 MiB for each call"
	qemu-img create -q -f qcow2 base0.q 72M
	qemu-img create -q -f qcow2 -o cluster_size=4k -b base.q -F qcow2 -u over0.q 72M
	cp base0.q base.q
	qemu-io -f qcow2 -c "write -P 3 0 40M" -c "write -P 4 40M 32M" over0.q >/dev/null
	each_call 5 'cp base0.q base.q; cp over0.q dst' \
		'sound dst && sound base.q && qemu-io -r -f qcow2 -c "read -P 3 0 40M" -c "read -P 4 40M 32M" dst >got && ! grep -q "verification failed" got' \
		"$VIMG" commit -q dst
}

@test "rebase keeps what a guest reads" {
	qemu-img convert -O raw over.q over.raw
	each_call 28 'cp over.q dst' 'sound dst && qemu-img compare -q over.raw dst' \
		"$VIMG" rebase -b "" dst
}

@test "check -r all on a failing disk does not make things worse" {
	cp src.q leaky.q
	qemu-io -f qcow2 -c "write -P 1 2M 64k" leaky.q >/dev/null
	qemu-img convert -O raw leaky.q leaky.raw
	each_call 5 'cp leaky.q dst' 'sound dst && qemu-img compare -q leaky.raw dst' \
		"$VIMG" check -r all dst
}

@test "transfers that come back short change nothing" {
	FAULT_SHORT=1 LD_PRELOAD=$IOFAULT "$VIMG" convert -O qcow2 src.raw a.q
	qemu-img compare -q src.raw a.q
	FAULT_SHORT=1 LD_PRELOAD=$IOFAULT "$VIMG" convert -c -O qcow2 src.q b.q
	qemu-img compare -q src.raw b.q
	FAULT_SHORT=1 LD_PRELOAD=$IOFAULT "$VIMG" convert -O raw b.q c.raw
	cmp src.raw c.raw
	sound a.q && sound b.q
}

@test "the message names the file and what failed" {
	cp src.q dst
	run faulty 5 5 "$VIMG" snapshot -c one dst
	[ "$status" -ne 0 ]
	grep -q "dst" err
	grep -q "Input/output error" err
}

# A disk that says yes and stores something else.
@test "convert --verify: what was written wrongly does not get the name" {
	local n rc noticed=0
	for ((n = 1; n < 200; n++)); do
		rc=0
		rm -f dst
		FAULT_AT=$n FAULT_WRITES=1 FAULT_LIE=1 FAULT_COUNT=count LD_PRELOAD=$IOFAULT \
			"$VIMG" convert --verify -f raw -O qcow2 src.raw dst >out 2>err || rc=$?
		if [ "$rc" = 0 ]; then
			qemu-img compare -q src.raw dst
		else
			[ ! -e dst ]
			no_debris
			grep -q "does not hold what was written" err && noticed=$((noticed + 1))
		fi
		[ "$(cat count)" -ge "$n" ] || break
	done
	[ "$noticed" -gt 0 ]
}

@test "compact: the image stays sound and reads the same, and the next run completes it" {
	load ../lib/messy
	messy 2 start.q
	sums start.q | awk '{ print $1 }' >before
	each_call 5 'cp start.q dst' \
		'sound dst && sums dst | awk "{ print \$1 }" | cmp before - &&
			{ [ $((n % 7)) != 0 ] || { "$VIMG" compact -q dst && qemu-img check -q dst; }; }' \
		"$VIMG" compact -q dst
}
