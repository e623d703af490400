#!/usr/bin/env bats
# Profiles: their manual, their faults, and a plan for an image.

load ../lib/common

VTUNE=${BIN:-$TOP/build/release/bin}/vtune

# "section.key" lines of the table in the source, and of the manual.
in_source() {
	sed -n 's/^\t\(KEY\|LIST\)("\([a-z]*\)", "\([a-z_]*\)".*/\2.\3/p' \
		"$TOP/src/tune/profile.c" | sort
}

in_manual() {
	awk '/^## \[/ { section = substr($2, 2, length($2) - 2) }
	/^\*.* = / && section != "sysctl" {
		sub(/ = .*/, "")
		n = split($0, keys, ", ")
		for (i = 1; i <= n; i++) {
			gsub(/\*/, "", keys[i])
			print section "." keys[i]
		}
	}' "$TOP/docs/man/hostkit-profile.5.scd" | sort
}

@test "the manual has every key of a profile, and no other" {
	in_source >source
	in_manual >manual
	[ "$(wc -l <source)" -gt 30 ]
	same source manual
}

@test "the shipped profiles and the manual's example are read" {
	mkdir root
	touch root/x
	awk '/^```/ { on = !on; next } on' "$TOP/docs/man/hostkit-profile.5.scd" >example.ini
	for f in "$TOP"/etc/hostkit/*.ini ./example.ini; do
		"$VTUNE" plan --root root --profile "$f" >out || { cat out; return 1; }
	done
}

@test "a fault in a profile is told with its file and line" {
	mkdir root
	printf '[host]\n\nkvm = perhaps\n' >bad.ini
	run "$VTUNE" plan --root root --profile ./bad.ini
	[ "$status" -eq 1 ]
	[[ $output == *"./bad.ini:3: kvm: 'perhaps' is not yes, no or keep"* ]]
	run "$VTUNE" plan --root root --profile nowhere
	[ "$status" -eq 1 ]
	[[ $output == *"no profile 'nowhere'"* ]]
}

@test "a bare image gets files alone, and each says why" {
	requires jq
	mkdir -p root/etc/apk root/lib
	printf 'ID=alpine\n' >root/etc/os-release
	touch root/etc/apk/world
	printf 'root:x:0:0:root:/root:/bin/sh\n' >root/etc/passwd
	printf 'root:x:0:\n' >root/etc/group
	cp -a root before
	"$VTUNE" plan --root root --profile "$TOP/etc/hostkit/kvm-host.ini" --json >plan.json
	jq -e '[.changes[].kind] | unique - ["attr", "dir", "file", "link"] == []' plan.json
	jq -e '[.changes[] | select(.reason == "")] == []' plan.json
	jq -e '[.changes[].target] | index("/etc/modules") and index("/etc/qemu/bridge.conf")' plan.json
	diff -r root before
}

@test "the page on provisioning names steps that there are" {
	sed -n 's/^\t\.id = "\(.*\)",/\1/p' "$TOP"/src/tune/steps/*.c | sort -u >ids
	[ "$(wc -l <ids)" -gt 15 ]
	# shellcheck disable=SC2016 # the backticks are the page's
	# the fourth column of the five, the first of "Beyond the recipe", all of the last table
	awk -F' \\| ' '/^\|/ && NF == 5 { print $4 }
		/^## Beyond/ { beyond = 1 } /^## On/ { beyond = 0 }
		beyond && /^\| `/ { print $1 }
		/^## By number/ { last = 1 } last && /^\|/ { print }' \
		"$TOP/docs/provisioning.md" | grep -o '`[a-z]*\.[a-z]*`\|`packages`' |
		tr -d '`' | sort -u >named
	same ids named
}
