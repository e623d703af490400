#!/usr/bin/env bats
# The packages of Debian, built, installed and purged in a fresh Debian.  Part of the long run:
# it fetches a Debian.
# test-timeout: 1800
load ../lib/common

setup_file() {
	export PKG=$BATS_FILE_TMPDIR
}

# inside COMMAND...: in the fresh Debian, with mounts of its own that nobody else sees.
inside() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount --make-rprivate / && mount -t proc proc "$0/proc" && mount -t tmpfs run "$0/run" &&
		root=$0 && exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"' \
		"$PKG/root" "$@"
}

long_only() { long_run || skip "part of make check-long"; }

@test "the packages build" {
	long_only
	requires dpkg-buildpackage dh debootstrap
	make -C "$TOP" SETUP=no O="$PKG/build" deb >"$PKG/log" 2>&1 || { tail "$PKG/log"; return 1; }
	ls "$PKG"/build/deb/*.deb >"$PKG/debs"
	[ "$(grep -cv dbgsym "$PKG/debs")" -ge 5 ]
}

@test "a fresh Debian takes them, and vtune plans in it" {
	long_only
	[ -s "$PKG/debs" ]
	debootstrap --variant=minbase bookworm "$PKG/root" >"$PKG/log" 2>&1 || { tail "$PKG/log"; return 1; }
	grep -v -e dbgsym -e openrc "$PKG/debs" | while read -r deb; do cp "$deb" "$PKG/root/tmp/"; done
	(cd "$PKG/root" && find etc usr var/lib -xdev | grep -v '^var/lib/\(dpkg\|apt\)' | sort) >"$PKG/before"
	inside sh -c 'apt-get -qq update && apt-get -qq install -y --no-install-recommends /tmp/*.deb' >"$PKG/log" 2>&1 ||
		{ tail "$PKG/log"; return 1; }
	for p in hostcheck vtune vmod vhuge vimg; do
		inside "$p" --version | grep -q hostkit
	done
	inside vtune plan | grep -q 'kvm-host'
	inside vimg create -q -f qcow2 /tmp/x.qcow2 1G
}

@test "purged, they leave nothing of their own" {
	long_only
	[ -d "$PKG/root/usr" ]
	inside sh -c 'dpkg --purge hostkit hostkit-img libhostkit-dev libhostkit0' >"$PKG/log" 2>&1 ||
		{ tail "$PKG/log"; return 1; }
	(cd "$PKG/root" && find etc usr var/lib -xdev | grep -i -e hostkit -e vtune -e vimg -e hostcheck) >left || :
	[ ! -s left ] || { cat left; return 1; }
}
