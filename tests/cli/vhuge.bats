#!/usr/bin/env bats
# vhuge on recorded hosts and images; pools are really changed in guests.
bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	common_setup
	VHUGE=${BIN:-$TOP/build/release/bin}/vhuge
}

# pool DIR NR FREE RESV
pool() {
	mkdir -p "$1"
	echo "$2" >"$1/nr_hugepages"
	echo "$3" >"$1/free_hugepages"
	echo "$4" >"$1/resv_hugepages"
	echo 0 >"$1/surplus_hugepages"
	echo 0 >"$1/nr_overcommit_hugepages"
}

# record NODES: 16 GiB, pages of 2M (512 of them, half in use) and of 1G.
record() {
	local i sys=root/sys/kernel/mm/hugepages
	mkdir -p root/proc/self root/etc
	printf 'arch = x86_64\neuid = 0\n' >root/.hostkit-record
	printf 'MemTotal: 16777216 kB\nMemFree: 9000000 kB\nMemAvailable: 12582912 kB\nHugepagesize: 2048 kB\n' >root/proc/meminfo
	pool $sys/hugepages-2048kB 512 256 16
	pool $sys/hugepages-1048576kB 0 0 0
	for ((i = 0; i < $1; i++)); do
		sys=root/sys/devices/system/node/node$i
		pool "$sys/hugepages/hugepages-2048kB" $((512 / $1)) $((256 / $1)) 0
		pool "$sys/hugepages/hugepages-1048576kB" 0 0 0
		printf 'Node %d MemTotal: %d kB\nNode %d MemFree: 1 kB\n' "$i" $((16777216 / $1)) "$i" >"$sys/meminfo"
		echo "$i" >"$sys/cpulist"
	done
	[ "$1" = 0 ] || echo "0-$(($1 - 1))" >root/sys/devices/system/node/online
	echo '20 1 0:20 / / rw - ext4 /dev/vda rw' >root/proc/self/mountinfo
	printf 'root:x:0:\nkvm:x:34:\nqemu:x:36:\n' >root/etc/group
}

mounted() {
	mkdir -p root/dev/hugepages
	printf 'statfs /dev/hugepages = 0x958458f6 0x200000\nnode /dev/hugepages = d 0 0 1770 0 34\n' >>root/.hostkit-record
	echo '30 20 0:30 / /dev/hugepages rw - hugetlbfs hugetlbfs rw,gid=34,mode=1770,pagesize=2M' >>root/proc/self/mountinfo
}

@test "status: pools, mounts, and fstab against them" {
	requires jq
	record 0
	mounted
	printf 'hugetlbfs\t/dev/hugepages hugetlbfs gid=34,mode=1770 0 0\nnone /huge hugetlbfs gid=qemu 0 0\nnone /big hugetlbfs pagesize=1G 0 0\n' >root/etc/fstab
	"$VHUGE" status --root root >out
	grep -qx '2M\*    all    512   256        16        0           0' out
	grep -qx '/dev/hugepages  2M    1770  0:34' out
	grep -q '^/dev/hugepages .* mounted$' out
	grep -q '^/huge .*wrong: gid=qemu' out
	grep -q '^/big .*not mounted$' out
	"$VHUGE" status --root root --json >out
	[ "$(jq -c '[.schema, .default_page_bytes, .pools[0].used, .mounts[0].verified]' <out)" = '["vhuge-status/1",2097152,272,true]' ]
	[ "$(jq -r '.fstab[0].state' <out)" = mounted ]
	sed -i 's/gid=34/gid=36/' root/etc/fstab
	"$VHUGE" status --root root | grep -q '^/dev/hugepages .*mounted with other options$'
}

@test "status: per node, and the file where a mount should be" {
	record 2
	mkdir -p root/dev
	echo memory >root/dev/hugepages
	"$VHUGE" status --root root >out
	[ "$(grep -c '^2M  *[01] ' out)" = 2 ]
	grep -q 'No hugetlbfs is mounted' out
	grep -q "/dev/hugepages is a plain file: a guest's memory" out
}

@test "status of an image is its fstab" {
	requires jq
	mkdir -p root/etc
	echo 'hugetlbfs /dev/hugepages hugetlbfs pagesize=2M 0 0' >root/etc/fstab
	"$VHUGE" status --root root >out
	grep -q 'is no running host' out
	grep -q '^/dev/hugepages *pagesize=2M$' out
	"$VHUGE" status --root root --json >out
	[ "$(jq -c '[.pools, .fstab[0].state]' <out)" = '[null,null]' ]
	run "$VHUGE" size --root root --guest 1G
	[ "$status" -eq 1 ]
}

@test "size explains every step" {
	requires jq
	record 0
	"$VHUGE" size --root root --guest 4G --guest 2x999M --guest 3G/2 --reserve 16 >out
	cat >want <<-'EOT'
		Guests
		  guest of 4 GiB: ceil(4 GiB / 2M) = 2048 pages
		  guest of 999 MiB: ceil(999 MiB / 2M) = 500 pages, 1 MiB of them unused; 2 of them: 1000
		  guest of 3 GiB on 2 nodes: 2 x ceil(1.5 GiB / 2M) = 1536 pages
		  reserve: 16 pages
		  in all: 4600 pages of 2M = 8.98 GiB
		Host
		  16 GiB - 8.98 GiB = 7.02 GiB left; the host keeps at least 1.6 GiB
		Next
		  vhuge reserve with the same options makes the 4088 pages that are missing
	EOT
	same want out
	"$VHUGE" size --root root --guest 4G --json >out
	[ "$(jq -c '[.schema, .pages, .bytes, .fits, .at_boot, .add_pages, .cmdline]' <out)" = \
		'["vhuge-size/1",2048,4294967296,true,false,1536,"hugepagesz=2M hugepages=2048"]' ]
}

@test "size: pages of 1G go to the kernel's command line" {
	record 0
	"$VHUGE" size --root root --guest 4G --page 1G >out
	grep -qx '    hugepagesz=1G hugepages=4' out
	rm -r root/sys/kernel/mm/hugepages/hugepages-1048576kB
	run "$VHUGE" size --root root --guest 4G --page 1G
	[ "$status" -eq 3 ]
	[[ "$output" == *pdpe1gb* ]]
}

@test "size refuses to starve the host, and one node of it" {
	requires jq
	record 2
	run "$VHUGE" size --root root --guest 15G
	[ "$status" -eq 3 ]
	[[ "$output" == *"does not fit"* ]]
	run "$VHUGE" size --root root --guest 8G --node 1
	[ "$status" -eq 3 ]
	[[ "$output" == *"node 1 has room for"* ]]
	run "$VHUGE" size --root root --guest 8G --node 2
	[ "$status" -eq 1 ]
	"$VHUGE" size --root root --guest 4G --guest 2x2G --json >out
	[ "$(jq -c '[.host.nodes[].pages]' <out)" = '[2048,2048]' ]
	[ "$(jq -r .cmdline <out)" = 'hugepagesz=2M hugepages=0:2048,1:2048' ]
	# it would fit, but not into what is available now
	run "$VHUGE" size --root root --guest 13G
	[ "$status" -eq 0 ]
	[[ "$output" == *"at boot"* ]]
}

@test "wrong questions" {
	record 0
	local bad
	for bad in '' '--guest 0' '--guest x' '--guest 4G/0' '--page 3M --guest 1G' '--node x --guest 1G' '--reserve -1' '1G'; do
		# shellcheck disable=SC2086
		run "$VHUGE" size --root root $bad
		[ "$status" -eq 2 ] || { echo "$bad: $status"; return 1; }
	done
	for bad in '' '0' '5 6' '5 --guest 1G' '--boot f 5' '--boot f --guest 1G' '--boot f --page 2M' 'x' '--root root 5'; do
		# shellcheck disable=SC2086
		run "$VHUGE" reserve $bad
		[ "$status" -eq 2 ] || { echo "reserve $bad: $status"; return 1; }
	done
}

@test "broken records are refused, not believed" {
	record 0
	echo many >root/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	run "$VHUGE" status --root root
	[ "$status" -eq 1 ]
	[[ "$output" == *"'many' is not a number"* ]]
	echo 18446744073709551615 >root/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	"$VHUGE" status --root root >out
	run "$VHUGE" size --root root --guest 1G
	[ "$status" -le 3 ]
	echo 'MemTotal: 99999999999999999999999 kB' >root/proc/meminfo
	run timeout 10 "$VHUGE" size --root root --guest 1G
	[ "$status" -eq 1 ]
	rm root/proc/meminfo
	mkfifo root/proc/meminfo
	run timeout 10 "$VHUGE" status --root root
	[ "$status" -eq 1 ]
}

@test "mount --persist edits the fstab of an image, and no other byte" {
	requires jq
	mkdir -p root/etc
	printf 'kvm:x:78:\n' >root/etc/group
	printf '# <fs>\t<mount>\n/dev/vda1\t/ ext4\trw 0 1   # root' >root/etc/fstab
	cp root/etc/fstab old
	"$VHUGE" mount --root root --persist --page 2M -n >out
	grep -qx 'would write into /etc/fstab: hugetlbfs /dev/hugepages hugetlbfs pagesize=2M,mode=1770,gid=78 0 0' out
	same old root/etc/fstab
	"$VHUGE" mount --root root --persist --page 2M
	{ cat old; printf '\nhugetlbfs /dev/hugepages hugetlbfs pagesize=2M,mode=1770,gid=78 0 0\n'; } >want
	same want root/etc/fstab
	"$VHUGE" mount --root root --persist --page 2M | grep -q 'has it already'
	same want root/etc/fstab
	"$VHUGE" mount --root root --persist --page 2M --group 36 --json >out
	[ "$(jq -r '.fstab_line' <out)" = 'hugetlbfs /dev/hugepages hugetlbfs pagesize=2M,mode=1770,gid=36 0 0' ]
	sed -i 's/gid=78/gid=36/' want
	same want root/etc/fstab
	run "$VHUGE" mount --root root --persist --group nobody_here
	[ "$status" -eq 1 ]
	run "$VHUGE" mount --root root
	[ "$status" -eq 2 ]
	run "$VHUGE" mount --root root --persist relative/path
	[ "$status" -eq 1 ]
	same want root/etc/fstab
}

@test "what is asked of this machine with --dry-run changes nothing" {
	local f=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages before
	[ -r "$f" ] || skip "this kernel has no pages of 2M"
	before=$(cat "$f")
	"$VHUGE" reserve -n $((before + 4)) >out
	grep -q "would have $((before + 4)), there are $before" out
	echo "2M $((before + 2))" >boot.conf
	"$VHUGE" reserve -n --boot boot.conf >out
	grep -q "would have $((before + 2))" out
	"$VHUGE" release -n >out
	run "$VHUGE" reserve -n --guest 99999G
	[ "$status" -eq 1 ]
	echo '2M 99999999' >boot.conf
	run "$VHUGE" reserve -n --boot boot.conf
	[ "$status" -eq 1 ]
	[[ "$output" == *"would leave the host less"* ]]
	echo '2M' >boot.conf
	run "$VHUGE" reserve -n --boot boot.conf
	[ "$status" -eq 1 ]
	[[ "$output" == *"boot.conf: line 1"* ]]
	"$VHUGE" mount -n /mnt/huge >out
	grep -q '^would mount a hugetlbfs on /mnt/huge: ' out
	run "$VHUGE" umount -n /mnt/huge
	[ "$status" -eq 1 ]
	[ ! -e /mnt/huge ]
	[ "$(cat "$f")" = "$before" ]
}

# In a mount namespace of its own, and below this test's folder: nothing of the machine.
@test "mount, and what mount finds there" {
	[ "$(id -u)" = 0 ] && unshare -m true 2>unshare.err || skip "needs a mount namespace"
	unshare -m mount -t hugetlbfs none . 2>/dev/null || skip "no hugetlbfs can be mounted here"
	cat >in <<-EOT
		set -e
		'$VHUGE' mount --group 36 --page 2M '$PWD/huge'
		stat -f -c %t '$PWD/huge'
		stat -c '%a %g' '$PWD/huge'
		'$VHUGE' mount --group 36 --page 2M '$PWD/huge'
		'$VHUGE' mount --group 34 '$PWD/huge'
		stat -c '%a %g' '$PWD/huge'
		! '$VHUGE' mount --page 1G '$PWD/huge' 2>&1
		exec 9>'$PWD/huge/guest'
		! '$VHUGE' umount '$PWD/huge' 2>&1
		exec 9>&-
		'$VHUGE' umount '$PWD/huge'
		! '$VHUGE' umount '$PWD/huge' 2>&1
		echo x >'$PWD/file'
		! '$VHUGE' mount '$PWD/file' 2>&1
	EOT
	unshare -m sh in >out
	cat >want <<-EOT
		$PWD/huge: mounted: pagesize=2M,mode=1770,gid=36
		958458f6
		1770 36
		$PWD/huge: mounted so already
		$PWD/huge: mounted: mode=1770,gid=34
		1770 34
		vhuge: another one is mounted: $PWD/huge has pages of 2M, not of 1G
		vhuge: $PWD/huge is in use: a guest has its memory there
		unmounted $PWD/huge
		vhuge: no hugetlbfs is mounted on $PWD/huge
		vhuge: $PWD/file is a plain file: a guest's memory was put there while nothing was mounted; stop that guest and remove the file
	EOT
	same want out
}
