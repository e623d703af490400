#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# machine: -object memory-backend-ram,id=m0,size=704M -object memory-backend-ram,id=m1,size=576M
# machine: -numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,cpus=1,memdev=m1
# memory: 1280
# limit: 240
# test-timeout: 260
# Two memory nodes: huge pages go to the node that they are meant for, and what the kernel
# does not give is told.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

huge=hugepages/hugepages-2048kB
pool() { cat "/sys/devices/system/node/node$1/$huge/nr_hugepages"; }

# left NODE: kB that are free there.
left() { awk '/MemFree/ { print $4 }' "/sys/devices/system/node/node$1/meminfo"; }

on_boot 1 && {
	t "the kernel has two nodes" test -d /sys/devices/system/node/node1
	t "hostcheck too" verdict info memory.size "2 nodes"
	t "vhuge size shows its arithmetic" says "in all: 132 pages of 2M = 264 MiB" vhuge size --guest 2x100M --guest 64M/2
	t "each half of a guest takes whole pages" says "2 x ceil(32.5 MiB / 2M) = 34 pages" vhuge size --guest 65M/2
	t "a guest that no node can hold is spread, and that is told" says "fit on no node and are spread" vhuge size --guest 800M
	t "one for which the host would keep too little does not fit" ends 3 vhuge size --guest 1000M
	t "size changes nothing" is 0 pool 0

	t "reserve on one node" vhuge reserve --node 1 24
	t "it has them" is 24 pool 1
	t "the other has none" is 0 pool 0
	t "hostcheck: a node is left out" verdict warn hugepages.nodes "leaves one of them out"
	t "fewer than there are changes nothing" says "there are 24 already" vhuge reserve --node 1 8
	t "release" vhuge release --node 1
	t "it has none" is 0 pool 1
	t "an unknown node is refused" ends 1 vhuge reserve --node 7 4

	# Memory that looks available to the host as a whole, and that node 1 does not have.
	mkdir -p /mnt/fill
	mount -t tmpfs -o size=400M,mpol=bind:1 fill /mnt/fill
	dd if=/dev/zero of=/mnt/fill/f bs=1M count=360 2>/dev/null
	can=$(($(left 1) / 2048))
	echo "# node 1 has room for $can pages at most"
	vhuge reserve --node 1 150 >/tmp/short 2>&1
	code=$?
	sed 's/^/# /' /tmp/short
	t "a short pool ends with 1" test $code = 1
	t "it is short" test "$(pool 1)" -lt 150
	t "what came is told by its number" grep -q "$(pool 1) " /tmp/short
	t "and that it is kept" grep -q "What came is kept" /tmp/short
	t "--json says short" sh -c 'vhuge reserve --node 1 150 --json | grep "\"result\": \"short\""'
	t "--compact tries harder, and is as honest" sh -c 'vhuge reserve --node 1 150 --compact >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q "$(cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages) " /tmp/o'
	umount /mnt/fill
	t "release what came" vhuge release --node 1

	printf '[host]\nguests = 160M, 96M\n[hugepages]\nreserve = yes\npage = 2M\nmount = /dev/hugepages\ngroup = kvm\n[services]\nboot = yes\n' >/etc/hostkit/test.ini
	t "vtune sizes pools by node" vtune apply --profile test
	t "the larger guest is on the larger node" is 80 pool 0
	t "the other guest on the other" is 48 pool 1
	t "hostcheck: pages on every node" verdict ok hugepages.nodes
	t "verify" vtune verify
	restart
}
on_boot 2 && {
	t "after a restart the pools are by node again" is "80 48" sh -c "echo $(pool 0) $(pool 1)"
	t "verify after the restart" vtune verify
	t "revert" vtune revert
	t "no pages are left" is "0 0" sh -c "echo $(pool 0) $(pool 1)"
	done_testing
}
