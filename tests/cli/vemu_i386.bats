#!/usr/bin/env bats
# Debian's 32-bit kernels, with PAE and without, and 32-bit programs, in long runs.  Packages
# come by an apt of their own, which the host's does not know of.  test-timeout: 900
load ../lib/common

VEMU=${BIN:-$TOP/build/release/bin}/vemu

fetch() {
	local deb k

	mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/ram/bin" || return
	cd "$1" || return
	: >status
	apt() {
		timeout 300 "$@" -o APT::Architecture=i386 -o APT::Architectures=i386 -o Dir::State="$PWD" \
			-o Dir::State::lists="$PWD/lists" -o Dir::State::status="$PWD/status" \
			-o Dir::Cache="$PWD/cache" -o APT::Sandbox::User=root
	}
	apt apt-get -q update >log 2>&1 || true
	for k in 686 686-pae; do
		deb=$(apt apt-cache depends "linux-image-$k" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
		[ -n "$deb" ] || return 1
		apt apt-get -q download "$deb" >>log 2>&1 || return 1
		dpkg-deb --fsys-tarfile "$deb"_*.deb | tar -x -O --wildcards './boot/vmlinuz*' >"vmlinuz-$k"
		rm "$deb"_*.deb
	done
	apt apt-get -q download busybox-static >>log 2>&1 || return 1
	dpkg-deb --fsys-tarfile busybox-static_*.deb | tar -x -O ./bin/busybox >ram/bin/busybox
	chmod 755 ram/bin/busybox
	ln -s busybox ram/bin/sh
	cat >ram/init <<-'end'
		#!/bin/sh
		/bin/busybox mkdir /proc /tmp
		/bin/busybox mount -t proc proc /proc
		/bin/busybox --install -s /bin
		echo "BOOTED $(uname -m)"
		head -c 1000000 /dev/urandom >/tmp/a
		gzip -c /tmp/a | gunzip -c | cmp - /tmp/a && echo "GZIP same"
		[ "$(seq 1 9999 | sort -rn | tail -n 1)" = 1 ] && echo "SORT right"
		i=0
		while [ $i -lt 50 ]; do i=$((i + 1)); /bin/busybox true || echo LOST; done
		echo "FORK done"
		dmesg | grep -E 'BUG:|Oops|segfault|trap ' && echo TROUBLE
		poweroff -f
	end
	chmod 755 ram/init
	(cd ram && find . | cpio --quiet -o -H newc | gzip -1) >initrd
	: >complete
}

setup_file() {
	long_run || return 0
	command -v apt-get >/dev/null && command -v cpio >/dev/null || return 0
	fetch "$BATS_FILE_TMPDIR/parts" || echo "# no 32-bit packages" >&3
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	long_run || skip "in long runs"
	[ -e "$BATS_FILE_TMPDIR/parts/complete" ] || skip "no 32-bit packages of Debian"
}

boots() {
	local parts=$BATS_FILE_TMPDIR/parts

	timeout -k 5 200 "$VEMU" -accel soft -nographic -m 256 -no-reboot -kernel "$parts/vmlinuz-$1" -cpu "$2" \
		-initrd "$parts/initrd" -append "console=ttyS0 quiet panic=-1" >console </dev/null
	for said in "BOOTED i686" "GZIP same" "SORT right" "FORK done"; do
		grep -aq "$said" console || { tail -n 40 console; return 1; }
	done
	if grep -aq 'TROUBLE\|LOST' console; then
		grep -a -B5 'TROUBLE\|LOST' console
		return 1
	fi
}

@test "a 32-bit kernel with PAE boots, works and powers off" {
	boots 686-pae max
	boots 686-pae qemu32
	boots 686-pae n270
}

@test "a 32-bit kernel without PAE boots, works and powers off" {
	boots 686 max
	boots 686 qemu32
	boots 686 n270
}
