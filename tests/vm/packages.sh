#!/bin/sh
# with: apt
# machine: -machine q35 -cpu EPYC,+svm
# memory: 768
# limit: 240
# test-timeout: 260
# Packages by the distribution's own tool, from a repository on the guest's disk.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

repo=/root/repo
# By path: a shell of busybox prefers its own.
# deb NAME [FIELD]: a package with one file, put into the repository.
deb() {
	mkdir -p /root/deb/DEBIAN "/root/deb/usr/share/$1" "$repo"
	echo "$1" >"/root/deb/usr/share/$1/is-here"
	printf 'Package: %s\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\nDescription: for a test\n%s' "$1" "${2:-}" >/root/deb/DEBIAN/control
	/usr/bin/dpkg-deb -Zgzip --build /root/deb "$repo/$1.deb" >/dev/null || return
	{
		cat /root/deb/DEBIAN/control
		echo "Filename: ./$1.deb"
		echo "Size: $(stat -c %s "$repo/$1.deb")"
		echo "SHA256: $(sha256sum "$repo/$1.deb" | cut -d' ' -f1)"
		echo
	} >>$repo/Packages
	rm -rf /root/deb
}
installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -qx 'install ok installed'; }

printf 'ID=debian\nNAME="Debian"\nPRETTY_NAME="Debian test guest"\nVERSION_ID=12\n' >/etc/os-release
deb little-emulator
deb little-firmware
deb stands-on-emulator 'Depends: little-emulator
'
echo "deb [trusted=yes] file:$repo ./" >/etc/apt/sources.list
t "the repository is known" sh -c 'apt-get -q update && apt-cache policy little-emulator | grep "Candidate: 1.0"'
md5sum /etc/apt/sources.list >/vm/sources
printf '[host]\nkvm = no\ntun = no\nvhost_net = no\n[users]\ncreate = no\n[services]\nboot = no\n[packages]\ndebian = little-emulator little-firmware\nalpine = none-such\n' >/etc/hostkit/test.ini
t "without leave they are only named" says "apt-get install little-emulator little-firmware" vtune plan --profile test
t "apply installs nothing" sh -c 'vtune apply --profile test; ! dpkg-query -W little-emulator 2>/dev/null | grep 1.0'
echo 'install = yes' >>/etc/hostkit/test.ini
/usr/bin/dpkg -i $repo/little-firmware.deb >/dev/null
vtune plan --profile test | sed 's/^/# /'
t "what is there is not planned" sh -c '! vtune plan --profile test --json | grep "\"target\": \"little-firmware\""'
t "apply" vtune apply --profile test
t "dpkg has it" installed little-emulator
t "its file is there" test -f /usr/share/little-emulator/is-here
t "nothing is to do again" says "Nothing to do" vtune apply --profile test
t "verify" vtune verify
apt-get -qy install stands-on-emulator >/dev/null
t "revert keeps what another stands on" not vtune revert
t "both are still there" sh -c 'dpkg-query -W -f "\${Status}\n" little-emulator stands-on-emulator | grep -c "install ok installed" | grep -qx 2'
/usr/bin/dpkg --remove stands-on-emulator >/dev/null
t "then revert removes it" vtune revert
t "it is gone" not installed little-emulator
t "what was there before is not touched" installed little-firmware
t "nor is the list of repositories" md5sum -c /vm/sources
printf '[packages]\ndebian = no-such-package\ninstall = yes\n' >/etc/hostkit/none.ini
t "a package that is nowhere" sh -c 'vtune apply --profile none >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q no-such-package /tmp/o'
done_testing
