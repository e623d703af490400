#!/usr/bin/env bats
# What `make install` puts where, what it leaves out, and that uninstall takes it all back.
# test-timeout: 300
load ../lib/common

put() {
	make -s -C "$TOP" SETUP=no VARIANT="${VARIANT:-release}" DESTDIR="$PWD/root" prefix=/usr "$@"
}
progs() { sed -n 's/^PROGS *:= *//p' "$TOP/mk/rooms.mk" | tr ' ' '\n'; }
have() { [ -e "root/$1" ] || { echo "not installed: $1"; return 1; }; }

@test "every program comes with its manual, its completions and the library" {
	put install
	have usr/lib/libhostkit.so.0
	for p in $(progs); do
		[ -e "$TOP/src/$(sed -n "s/^room.$p *:= *//p" "$TOP/mk/rooms.mk")/main.c" ] || continue
		have "usr/bin/$p"
		have "usr/share/bash-completion/completions/$p"
		have "usr/share/zsh/site-functions/_$p"
		have "usr/share/fish/vendor_completions.d/$p.fish"
		ls root/usr/share/man/man?/"$p".? >/dev/null
		LD_LIBRARY_PATH=$PWD/root/usr/lib root/usr/bin/"$p" --version | grep -q hostkit
	done
}

@test "install-dev brings what a program needs to be built" {
	requires pkg-config
	put install install-dev
	have usr/lib/libhostkit.a
	printf '%s\n' '#include "base/size.h"' 'int main(void) { return 0; }' >t.c
	cflags=$(PKG_CONFIG_SYSROOT_DIR=$PWD/root PKG_CONFIG_PATH=$PWD/root/usr/lib/pkgconfig pkg-config --cflags hostkit)
	# shellcheck disable=SC2086 # flags are words
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE $cflags -c t.c -o t.o
}

@test "uninstall leaves nothing but settings" {
	put install install-dev
	put uninstall
	find root \( -type f -o -type l \) ! -path 'root/etc/*' >left
	[ ! -s left ] || { cat left; return 1; }
}

@test "the package of Alpine is tested with what scripts/setup installs for tests" {
	# shellcheck disable=SC2016 # for abuild
	sed -n "/^alpine='/,\$s/^test://p" "$TOP/scripts/setup" | tr ' ' '\n' |
		sed 's/^qemu-system-x86_64$/qemu-system-$CARCH/' | sort -u >want
	sed -n '/^checkdepends="/,/^\t"/p' "$TOP/packaging/alpine/APKBUILD" | sed -n 's/^\t\([^"]\)/\1/p' | sort -u >have
	[ -s want ]
	comm -23 want have >missing
	[ ! -s missing ] || { cat missing; return 1; }
}

@test "bash completes commands and options" {
	put install
	# shellcheck disable=SC1091 # made by the build
	source root/usr/share/bash-completion/completions/vimg
	COMP_WORDS=(vimg conv) COMP_CWORD=1
	_hostkit_vimg
	[ "${COMPREPLY[*]}" = convert ]
	# shellcheck disable=SC2034 # the function reads them
	COMP_WORDS=(vimg convert --target-is) COMP_CWORD=2
	_hostkit_vimg
	[ "${COMPREPLY[*]}" = --target-is-zero ]
}

@test "scripts of the Alpine package never fail and change nothing where hostkit is not there" {
	for hook in "$TOP"/packaging/alpine/hostkit.*; do
		PATH=/usr/bin:/bin sh "$hook" 0.1.0 >out 2>&1
		sh -n "$hook"
	done
}

@test "the packages of Alpine and Debian name every program" {
	for p in $(progs); do
		grep -q "usr/bin/$p" "$TOP"/packaging/debian/*.install
	done
	sh -n "$TOP/packaging/alpine/APKBUILD"
	v=$(cat "$TOP/VERSION")
	grep -q "^pkgver=$v\$" "$TOP/packaging/alpine/APKBUILD"
	head -n 1 "$TOP/packaging/debian/changelog" | grep -q "($v)"
}
