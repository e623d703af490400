#!/usr/bin/env bats
# test-timeout: 7200
# A whole Debian in vemu: to a login on the serial port, at work, and off again.
load ../lib/common
load ../lib/vemu

setup() {
	common_setup
	long_run || skip "part of make check-long"
	requires mke2fs e2fsck debugfs qemu-img dpkg-deb tar
	PATH=$PATH:/sbin:/usr/sbin
	vemu_parts
	local why
	if ! why=$(sh "$TOP/tests/vm/harness/debian.sh" "$VEMU_PARTS" 2>&1); then
		[ -z "${HOSTKIT_NO_SKIP:-}" ] || { echo "$why"; return 1; }
		skip "no Debian for guests: $(echo "$why" | tail -n 1)"
	fi
	SERVER=
}

teardown() {
	# a login that waits for a key would wait for ever
	[ -z "${VEMU_PID:-}" ] || kill "$VEMU_PID" 2>/dev/null || :
	[ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || :
	common_teardown
}

# debian_disk: disk.qcow2 with Debian's root file system on all of it.
debian_disk() {
	mkdir root
	tar -C root -xpf "$VEMU_PARTS/debian.tar"
	# a machine that others use takes its time
	mkdir -p root/etc/systemd/system.conf.d
	printf '[Manager]\nDefaultDeviceTimeoutSec=1200\nDefaultTimeoutStartSec=1200\n' >root/etc/systemd/system.conf.d/slow.conf
	rm -f disk.raw
	mke2fs -q -t ext4 -d root disk.raw 2G >/dev/null
	rm -rf root
	"$VIMG" convert -f raw -O qcow2 disk.raw disk.qcow2
	rm disk.raw
	cat >script <<'end'
root=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^root=//p')
tries=0
while [ ! -b "$root" ] && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.2; done
mount -t ext4 -o rw "$root" /mnt
mount --move /dev /mnt/dev
mount --move /proc /mnt/proc
mount --move /sys /mnt/sys
exec switch_root /mnt /sbin/init
end
}

# repository: a package hostkit-hello, as apt finds it at http://127.0.0.1:$PORT/.
repository() {
	mkdir -p repo hello/DEBIAN hello/usr/bin
	printf 'Package: hostkit-hello\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: says hello\n' \
		>hello/DEBIAN/control
	printf '#!/bin/sh\necho "hello from a package"\n' >hello/usr/bin/hostkit-hello
	chmod 755 hello/usr/bin/hostkit-hello
	dpkg-deb --root-owner-group --build hello repo/hello.deb >/dev/null
	{
		dpkg-deb -f repo/hello.deb
		echo "Filename: ./hello.deb"
		echo "Size: $(stat -c %s repo/hello.deb)"
		echo "SHA256: $(sha256sum repo/hello.deb | cut -d' ' -f1)"
	} >repo/Packages
	PORT=$((20000 + RANDOM % 20000))
	"$VEMU_PARTS/busybox" httpd -f -p "127.0.0.1:$PORT" -h repo 3>&- &
	SERVER=$!
}

# login: as root, with a prompt that is easy to find.
login() {
	vemu_wait 1200 'guest login:'
	vemu_send root
	vemu_wait 300 'root@guest:'
	vemu_send "stty -echo; bind 'set enable-bracketed-paste off'; PS1=rea''dy:"
	vemu_wait 120 'ready:'
}

# works [OPTION...]: one whole life of a guest with its disk at $DISK.
works() {
	local fwd=$((40000 + RANDOM % 20000))
	debian_disk
	repository
	vemu_initrd initrd script "${MODULES[@]}"
	vemu_start -m 1G -nic "user,hostfwd=tcp:127.0.0.1:$fwd-:8080" -nographic -kernel "$KERNEL" -initrd initrd \
		-append "console=ttyS0 root=$DISK rw net.ifnames=0" "$@"
	login
	# shellcheck disable=SC2016 # the guest's own
	vemu_send 'for i in 1 2 3 4; do seq 1 300000 >/root/n$i; done; sync; md5sum /root/n? | cut -c 1-32 | sort -u; echo wr""itten'
	vemu_wait 600 written
	grep -q "$(seq 1 300000 | md5sum | cut -c 1-32)" console
	vemu_send "echo 'deb [trusted=yes] http://10.0.2.2:$PORT/ ./' >/etc/apt/sources.list; apt-get -q update && apt-get -q install hostkit-hello && hostkit-hello"
	vemu_wait 900 'hello from a package'
	vemu_send 'mkdir /srv/www; cp /root/n1 /srv/www/; busybox httpd -p 8080 -h /srv/www; echo ser""ving'
	vemu_wait 300 serving
	"$VEMU_PARTS/busybox" wget -q -O n1 "http://127.0.0.1:$fwd/n1"
	seq 1 300000 | cmp - n1
	vemu_send poweroff
	vemu_ends 600

	"$VIMG" check disk.qcow2
	qemu-img check -q disk.qcow2
	"$VIMG" convert -O raw disk.qcow2 back.raw
	"$VIMG" compare disk.qcow2 back.raw
	e2fsck -fn back.raw
	debugfs -R 'dump /root/n4 n4' back.raw 2>/dev/null
	seq 1 300000 | cmp - n4
}

@test "Debian over virtio on pc" {
	DISK=/dev/vda MODULES=(virtio_pci virtio_blk crc32c_generic ext4)
	works -drive file=disk.qcow2,if=virtio
}

@test "Debian over IDE on pc, two vCPUs" {
	DISK=/dev/sda MODULES=(ata_piix sd_mod crc32c_generic ext4)
	works -hda disk.qcow2 -smp 2
}

@test "Debian over AHCI on q35" {
	DISK=/dev/sda MODULES=(ahci sd_mod crc32c_generic ext4)
	works -machine q35 -hda disk.qcow2
}

@test "Debian over NVMe on q35, two vCPUs" {
	DISK=/dev/nvme0n1 MODULES=(nvme crc32c_generic ext4)
	works -machine q35 -smp 2 -drive file=disk.qcow2,if=none,id=d -device nvme,drive=d,serial=one
}
