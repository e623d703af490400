# For the command-line tests: "load ../lib/common" at the top of a .bats file.
# shellcheck shell=bash
#
# Each test runs in an empty directory of its own, with $VIMG the program under test
# and $TOP the source tree.  A file with its own setup or teardown calls
# common_setup and common_teardown in it.
#
# Say "# test-timeout: SECONDS" in a file that needs longer than 120 seconds.

TOP=${TOP:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
VIMG=${VIMG:-$TOP/build/release/bin/vimg}
export TOP VIMG LC_ALL=C

common_setup() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/vimg.XXXXXX")
	cd "$WORK" || return 1
}

common_teardown() {
	cd /
	chmod -R u+rwX "$WORK"
	rm -rf "$WORK"
}

setup() { common_setup; }
teardown() { common_teardown; }

# requires PROGRAM...: skips the test where one of them is missing.  scripts/setup
# installs them all, so where HOSTKIT_NO_SKIP is set (CI) a missing one fails it.
requires() {
	local p
	for p; do
		command -v "$p" >/dev/null && continue
		if [ -n "${HOSTKIT_NO_SKIP:-}" ]; then
			echo "$p is not installed, and scripts/setup should have done so"
			return 1
		fi
		skip "needs $p"
	done
}

# requires_pty: some chroots and build machines have no devpts.
requires_pty() {
	(exec 9<>/dev/ptmx) 2>/dev/null || skip "no pseudo terminals here"
}

# long_run: true under "make check-long".
long_run() { [ -n "${HOSTKIT_LONG:-}" ]; }

# same FILE1 FILE2: the bytes are the same, shown as text where they are not.
same() {
	cmp -s "$1" "$2" && return
	diff -u "$1" "$2" | head -n 40
	return 1
}

# no_debris: no hidden file is left in the current directory.
no_debris() {
	local f
	for f in .[!.]*; do
		[ ! -e "$f" ] || { echo "left behind: $f"; return 1; }
	done
}

# sound IMAGE: qemu-img finds nothing worse than leaks in it.
sound() {
	local rc=0
	qemu-img check -q "$1" >check.out 2>&1 || rc=$?
	[ "$rc" = 0 ] || [ "$rc" = 3 ] || { cat check.out; return 1; }
}

# repaired IMAGE: an image that is marked dirty is repaired by whoever opens it for
# writing next; here that is QEMU.
repaired() { qemu-io -f qcow2 -c quit "$1" >/dev/null; }
