# test-timeout: 300
# kill -9 at random moments: what a command was doing must not be able to hurt.
# shellcheck shell=bash
load ../lib/common

setup() {
	common_setup
	requires qemu-img qemu-io
	"$TOP/tests/images/pattern.sh" src.raw 24
	rounds=6
	! long_run || rounds=200
}

# killed MS COMMAND...: starts it and kills it after MS milliseconds.  True if it was killed.
killed() {
	local ms=$1 pid rc=0
	shift
	"$@" >out 2>err &
	pid=$!
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || rc=$?
	[ "$rc" = 137 ]
}

@test "convert killed: the old destination stays or the new one is whole, nothing is left behind" {
	local i n=0
	echo "what was here before" >keep
	for ((i = 0; i < rounds; i++)); do
		cp keep dst
		if killed $((RANDOM % 400 + 1)) "$VIMG" convert -r 40M -f raw -O qcow2 src.raw dst; then
			# killed in its last steps it may have put the finished file in place
			cmp -s keep dst && n=$((n + 1)) || qemu-img compare -q -f raw -F qcow2 src.raw dst
		else
			qemu-img compare -q -f raw -F qcow2 src.raw dst
		fi
		no_debris
	done
	[ "$n" -gt 0 ]
}

@test "convert ended by a signal says so, removes its work and keeps the old destination" {
	echo "what was here before" >keep
	cp keep dst
	"$VIMG" convert -r 10M -f raw -O qcow2 src.raw dst 2>err &
	local pid=$! rc=0
	sleep 0.3
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" -ne 0 ]
	cmp keep dst
	no_debris
}

@test "writes killed: the image is sound" {
	local i n=0
	qemu-img create -q -f qcow2 -o cluster_size=4k,lazy_refcounts=off start.q 64M
	for ((i = 0; i < rounds; i++)); do
		cp start.q dst
		! killed $((RANDOM % 200 + 1)) "$VIMG" bench -w -f qcow2 -c 200000 -S 20480 \
			--flush-interval 64 -d 8 dst || n=$((n + 1))
		sound dst
	done
	[ "$n" -gt 0 ]
}

@test "snapshots killed: the image is sound and reads the same" {
	local i
	qemu-img create -q -f qcow2 -o cluster_size=512,preallocation=metadata start.q 48M
	qemu-io -f qcow2 -c "write -P 5 3M 2M" start.q >/dev/null
	qemu-img convert -O raw start.q start.raw
	for ((i = 0; i < rounds; i++)); do
		cp start.q dst
		killed $((RANDOM % 60 + 1)) "$VIMG" snapshot -c one dst || :
		repaired dst
		sound dst
		qemu-img compare -q -F raw dst start.raw
	done
}

@test "commit killed: done again, it gives the same" {
	local i
	qemu-img create -q -f qcow2 base0.q 24M
	qemu-img convert -O qcow2 src.raw over0.q
	qemu-img rebase -u -b base.q -F qcow2 over0.q
	for ((i = 0; i < rounds; i++)); do
		cp base0.q base.q
		cp over0.q dst
		killed $((RANDOM % 60 + 1)) "$VIMG" commit -q dst || :
		sound base.q
		sound dst
		"$VIMG" commit -q dst
		qemu-img compare -q -F raw base.q src.raw
	done
}

@test "commit killed while the overlay is emptied in parts: done again, it gives the same" {
	local i
	long_run || skip "long: 160 MiB each round"
	qemu-img create -q -f qcow2 base0.q 160M
	qemu-img create -q -f qcow2 -o cluster_size=4k -b base.q -F qcow2 -u over0.q 160M
	cp base0.q base.q
	qemu-io -f qcow2 -c "write -P 3 0 80M" -c "write -P 4 80M 80M" over0.q >/dev/null
	for ((i = 0; i < rounds; i++)); do
		cp base0.q base.q
		cp over0.q dst
		killed $((RANDOM % 300 + 1)) "$VIMG" commit -q dst || :
		sound base.q
		sound dst
		qemu-io -r -f qcow2 -c "read -P 3 0 80M" -c "read -P 4 80M 80M" dst >out
		! grep -q "verification failed" out
		"$VIMG" commit -q dst
		qemu-io -r -f qcow2 -c "read -P 3 0 80M" -c "read -P 4 80M 80M" base.q >out
		! grep -q "verification failed" out
	done
}
