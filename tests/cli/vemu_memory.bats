#!/usr/bin/env bats
# Where the guest's memory comes from.
# test-timeout: 180
# shellcheck disable=SC2154 # the code of lib/flat
load ../lib/common
load ../lib/flat

# A guest that writes "mark" at 16 MiB + 8 KiB and waits for a byte.
marks() {
	# mov dword [0x1002000], 'mark'; mov edx, 0x3fd; in al, dx; test al, 1; jz; off
	# shellcheck disable=SC2086
	kernel c7 04 25 00 20 00 01 6d 61 72 6b 66 ba fd 03 ec a8 01 74 f7 $off $halt
}

vemu() { timeout 20 "$VEMU" -accel soft -kernel kernel -display none "$@"; }

@test "memory from a file of its own name: shared it has what the guest wrote, private not" {
	marks
	head -c 80M /dev/zero >big
	for share in on off; do
		rm -f f
		vemu -object memory-backend-file,id=m,size=64M,mem-path=f,share=$share -machine memory-backend=m \
			-serial stdio < <(sleep 0.5; echo)
		[ "$(stat -c %s f)" = $((64 << 20)) ]
		[ "$(dd if=f bs=1 skip=$((0x1002000)) count=4 status=none | tr -d '\0')" = \
			"$([ $share = off ] || echo mark)" ]
	done
	vemu -machine q35,memory-backend=m -m 64 -object memory-backend-file,size=64M,mem-path=big,id=m,share=on \
		-serial stdio < <(sleep 0.5; echo)
	# a file that is larger is not cut
	[ "$(stat -c %s big)" = $((80 << 20)) ]
	[ "$(dd if=big bs=1 skip=$((0x1002000)) count=4 status=none)" = mark ]
}

@test "every kind of memory runs a guest, in a folder without a trace" {
	marks
	mkdir d
	for o in memory-backend-ram memory-backend-ram,share=on,prealloc=on,reserve=off memory-backend-memfd \
		memory-backend-memfd,share=off,seal=off,dump=off,merge=on memory-backend-file,mem-path=d; do
		vemu -object "$o,id=m,size=32M" -machine memory-backend=m,dump-guest-core=off -serial stdio < <(sleep 0.3; echo)
	done
	vemu -mem-path d -mem-prealloc -m 32 -machine mem-merge=on -serial stdio < <(sleep 0.3; echo)
	[ -z "$(ls -A d)" ]
}

@test "prealloc takes all of it, and what cannot be had is said" {
	marks
	"$VEMU" -accel soft -kernel kernel -display none -m 64 -mem-prealloc -pidfile pid &
	for _ in {1..50}; do
		[ ! -s pid ] || break
		sleep 0.1
	done
	rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$(cat pid)/status")
	kill "$(cat pid)"
	wait $!
	[ "$rss" -ge 65536 ]
	if [ "$(cat /proc/sys/vm/nr_hugepages)" = 0 ] && [ "$(cat /proc/sys/vm/nr_overcommit_hugepages)" = 0 ]; then
		run vemu -object memory-backend-memfd,id=m,size=64M,hugetlb=on,hugetlbsize=2M -machine memory-backend=m
		[ "$status" = 1 ]
		[[ $output == *"guest memory: 64 MiB of huge pages: "* ]]
	fi
	run vemu -object memory-backend-file,id=m,size=64M,mem-path=/no/such/place -machine memory-backend=m
	[ "$status" = 1 ]
	[[ $output == *"guest memory from /no/such/place"* ]]
}

@test "memory of huge pages, where the machine has some" {
	[ "$(awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo)" -ge 32 ] || skip "this machine has no free huge pages"
	marks
	vemu -object memory-backend-memfd,id=m,size=63M,hugetlb=on -machine memory-backend=m -serial stdio < <(sleep 0.5; echo)
}

@test "what does not fit together is named" {
	while IFS='|' read -r want line; do
		# shellcheck disable=SC2086
		run "$VEMU" $line
		[ "$status" = 2 ] || { echo "$line: $status"; false; }
		[[ $output == *"$want"* ]] || { echo "$line: $output"; false; }
	done <<'EOT'
has no size=|-object memory-backend-ram,id=m
has no id=|-object memory-backend-ram,size=64M
no mem-path=|-object memory-backend-file,id=m,size=64M
nothing uses the object m|-object memory-backend-ram,id=m,size=64M
no memory -object has that id|-machine memory-backend=m
must be equal|-m 32 -object memory-backend-ram,id=m,size=64M -machine memory-backend=m
exclude each other|-mem-path /tmp -object memory-backend-ram,id=m,size=64M -machine memory-backend=m
4 MiB to 128|-object memory-backend-ram,id=m,size=1M -machine memory-backend=m
hugetlbsize= is|-object memory-backend-memfd,id=m,size=64M,hugetlbsize=2M
memory-backend-epc is not supported: there is no SGX|-object memory-backend-epc,id=m,size=64M
policy=bind is not supported, only policy=default|-object memory-backend-ram,id=m,size=64M,policy=bind
already|-object rng-builtin,id=m -object memory-backend-ram,id=m,size=64M
no -object has that id|-device virtio-rng-pci,rng=g
cpu-pm=on|-overcommit cpu-pm=on
EOT
	run "$VEMU" -display none -object rng-random,id=g,filename=/no/such/file -device virtio-rng-pci,rng=g
	[ "$status" = 1 ]
	[[ $output == *"virtio-rng-pci: "*"/no/such/file"* ]]
}

@test "-overcommit mem-lock=on locks the memory, or says that it may not" {
	marks
	run vemu -m 32 -overcommit mem-lock=on -serial stdio < <(sleep 0.5; echo)
	[ "$status" = 0 ] || [[ $output == *"ulimit -l"* ]]
}

@test "a stock kernel reads random numbers from the file that rng= names, at the pace of the file" {
	load ../lib/vemu
	vemu_parts
	cat >script <<'end'
dd if=/dev/hwrng bs=1 count=24 2>/dev/null | od -An -c | tr -d ' \n'
echo " was read"
end
	vemu_initrd initrd script virtio_pci virtio_rng
	mkfifo numbers
	# it is slow, and the guest waits
	(exec >numbers; while printf abcdefghijklmnopqrstuvwxyz; do sleep 0.2; done) 3>&- &
	vemu_boot 60 "" -object memory-backend-memfd,id=m,size=256M -machine q35,memory-backend=m \
		-object rng-random,id=g,filename=numbers -device virtio-rng-pci,rng=g
	grep -oE '^[a-z]{24} was read' console >got
	grep -qE 'abc|cba|klm|mlk' got
}
