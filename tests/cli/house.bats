#!/usr/bin/env bats
# The house keeps what it says of itself: the room table, the manual, the verdict of the tests.
load ../lib/common

@test "docs/architecture.md has the rooms of mk/rooms.mk" {
	sed -n 's/^uses\.\([a-z]*\) *:= *\(.*\)/\1: \2/p' "$TOP/mk/rooms.mk" |
		sed 's/ *$//' | sort >table
	sed -n '/^## Rooms/,/^## The image/p' "$TOP/docs/architecture.md" | tr -d '\140' |
		sed -n 's/^| \([a-z]*\) | \([^|]*\)|.*/\1: \2/p' |
		sed 's/ *$//; /^room:/d' | sort >page
	[ -s table ]
	same table page
	sed -n 's/^ROOMS := //p' "$TOP/mk/rooms.mk" | tr ' ' '\n' | sort >rooms
	sed 's/:.*//' table >named
	same rooms named
}

@test "each room has a folder, and each folder of src/ is a room" {
	sed -n 's/^ROOMS := //p' "$TOP/mk/rooms.mk" | tr ' ' '\n' | sort >rooms
	(cd "$TOP/src" && ls) | sort >folders
	same rooms folders
}

@test "a room without sources says what belongs there and what it may use" {
	for dir in "$TOP"/src/*/; do
		ls "$dir"*.c >/dev/null 2>&1 || grep -q '^May use: ' "$dir/README.md"
	done
}

# sum RESULT...: what tap-sum says of a test file with these lines.
sum() {
	printf '%s\n' "$@" >t.tap
	sh "$TOP/tests/lib/tap-sum.sh" t.tap
}

@test "a clean test file passes" {
	run sum 'ok 1 a' 'ok 2 b' 1..2 '# exit 0'
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "2 passed, 0 failed, 0 skipped" ]
}

@test "a failed test fails" {
	run sum 1..2 'ok 1 a' 'not ok 2 b' '# exit 1'
	[ "$status" -ne 0 ]
	[ "${lines[-1]}" = "1 passed, 1 failed, 0 skipped" ]
}

@test "a file that broke off fails" {
	run sum 1..3 'ok 1 a' '# exit 139'
	[ "$status" -ne 0 ]
	[ "${lines[-1]}" = "1 passed, 1 failed, 0 skipped" ]
}

@test "a file without a plan fails" {
	run sum 'ok 1 a' '# exit 0'
	[ "$status" -ne 0 ]
}

@test "a file whose tests pass but that ends with a failure fails" {
	run sum 1..1 'ok 1 a' '# exit 99'
	[ "$status" -ne 0 ]
}

@test "a file that ran nothing fails" {
	run sum 1..0 '# exit 0'
	[ "$status" -ne 0 ]
}

@test "a skip counts and says why, in bats' words and in cmocka's" {
	run sum 1..3 'ok 1 a' 'ok 2 b # skip needs c' '# needs d' 'not ok 3 # SKIP e' '# exit 0'
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "1 passed, 0 failed, 2 skipped" ]
	[[ "$output" == *"needs c"* && "$output" == *"needs d"* ]]
}

@test "a skip without a reason fails" {
	run sum 1..2 'ok 1 a' 'ok 2 b # skip' '# exit 0'
	[ "$status" -ne 0 ]
	run sum 1..2 'ok 1 a' 'not ok 2 # SKIP b' '# exit 0'
	[ "$status" -ne 0 ]
}

@test "a test file is stopped after its time, and a longer time can be asked for" {
	echo '# nothing' >short
	TEST_TIMEOUT=1 TEST_SCALE=1 sh "$TOP/tests/lib/tap-run.sh" short "$PWD/short.tap" sleep 20
	grep -q '^# exit 124' short.tap
	echo '# test-timeout: 60' >long
	TEST_TIMEOUT=1 TEST_SCALE=1 sh "$TOP/tests/lib/tap-run.sh" long "$PWD/long.tap" sleep 2
	grep -q '^# exit 0' long.tap
}

@test "setup knows its groups and refuses others" {
	run sh "$TOP/scripts/setup" no-such-group
	[ "$status" -eq 2 ]
	[[ "$output" == *"no-such-group"* ]]
}

@test "every command of the manual has a help text with each of its options" {
	requires awk
	awk -v name=vimg -f "$TOP/scripts/help-from-scd.awk" "$TOP/docs/man/vimg.1.scd" >help.h
	sed -n 's/^## \([a-z]*\).*/\1/p' "$TOP/docs/man/vimg.1.scd" | sort >want
	sed -n 's/^\t{ "\([a-z]*\)",$/\1/p' help.h | sort >got
	[ -s want ]
	same want got
	# As many options as the page has, each once.
	grep -c '^\*-' "$TOP/docs/man/vimg.1.scd" >want
	grep -cE '^[[:space:]]*"  -' help.h >got
	same want got
}

@test "the pages link to files that are there" {
	for page in "$TOP"/*.md "$TOP"/docs/*.md "$TOP"/docs/*/*.md; do
		# Nothing before the parenthesis but the link's text, no address, no anchor.
		grep -oE '\]\([^)#]+' "$page" | sed 's/^](//' | grep -v '://' >links || continue
		while read -r link; do
			[ -e "$(dirname "$page")/$link" ] || { echo "$page: $link"; return 1; }
		done <links
	done
}
