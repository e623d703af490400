#!/usr/bin/env bats
# hostcheck: the manual, --help, --list-options and the code know the same options and checks.
load ../lib/common

HOSTCHECK=${BIN:-$TOP/build/release/bin}/hostcheck
page() { cat "$TOP/docs/man/hostcheck.8.scd"; }

# nowhere GREP-ARGUMENTS...: grep finds nothing ("! grep" would not fail a test).
nowhere() {
	if grep "$@"; then
		return 1
	fi
}

# Each option of the page, one per line, with its dashes.
options() {
	page | awk '
		/^# / { in_it = ($2 == "OPTIONS"); next }
		in_it && /^\*-/ {
			gsub(/\*/, "")
			n = split($0, w, /[ ,[]+/)
			for (i = 1; i <= n; i++)
				if (w[i] ~ /^-/)
					print w[i]
		}' | sort
}

@test "the page has every option of the program, and the program every one of the page" {
	options >page
	[ "$(wc -l <page)" -gt 20 ]
	"$HOSTCHECK" --list-options | tr ' ' '\n' | grep '^-' | sort >program
	same page program
}

@test "--help shows every option, on stdout, and ends with 0" {
	"$HOSTCHECK" --help >out 2>err
	[ ! -s err ]
	head -n 1 out | grep -q '^Usage: hostcheck'
	for opt in $(options); do
		grep -qE "^  (.*, )?$opt([ ,[]|\$)" out || { echo "$opt"; return 1; }
	done
}

@test "the page lists every check, with its title" {
	"$HOSTCHECK" --list | sed 's/  */ /' >list
	page | sed -n '/^# CHECKS/,/^# JSON/p' |
		sed -n 's/^|  \*\(.*\)\*$/\1/p; s/^:  \(.*\)/\1/p' | paste -d ' ' - - >told
	[ "$(wc -l <told)" -gt 70 ]
	same list told
}

@test "the page is one that scdoc takes" {
	requires scdoc
	page | scdoc >out
	grep -q 'Nested virtualization' out
}

@test "a finding names only steps that vtune has" {
	grep -rhoE 'const struct step [a-z_]+ = \{|\.id = "[a-z.]+"' "$TOP"/src/tune/steps | sed -n 's/.*"\(.*\)"/\1/p' | sort -u >steps
	[ -s steps ]
	grep -hoE '"fix": "[a-z.]+"' "$TOP"/tests/roots/*.json | sed 's/.*: "//; s/"$//' | sort -u >fixes
	[ "$(wc -l <fixes)" -gt 8 ]
	nowhere -vxFf steps fixes
}

@test "wrong usage is exit 2, with a word on stderr" {
	for args in "--only nonsense" "--skip kvm.apii" "--format xml" "--guest sparc" "--explain kvm.nestd" \
		"operand" "--no-such-option" "--only" "--list --explain cpu" "--list --save x" \
		"--against x --format prometheus" "--list --format prometheus"; do
		rc=0
		# shellcheck disable=SC2086
		"$HOSTCHECK" $args >out 2>err || rc=$?
		[ "$rc" = 2 ] || { echo "$args: $rc"; return 1; }
		[ -s err ]
		[ ! -s out ]
	done
}

@test "an unknown id suggests near ones" {
	run "$HOSTCHECK" --only kvm.nestd
	[[ "$output" == *"did you mean kvm.nested?"* ]]
	run "$HOSTCHECK" --explain hugepage
	[[ "$output" == *"did you mean "*hugepages* ]]
}

@test "--explain says why, how and what to do; also of a group, and as JSON" {
	"$HOSTCHECK" --explain kvm.access >out
	grep -q '^  Why$' out
	grep -q '^  How it is read$' out
	grep -q '^  What to do$' out
	"$HOSTCHECK" --explain kvm --json >json
	[ "$(grep -c '"id": "kvm\.' json)" = "$("$HOSTCHECK" --list --only kvm | wc -l)" ]
	grep -q '"schema": "hostcheck-explain/1"' json
}

@test "--list follows --only and --skip" {
	"$HOSTCHECK" --list --only cpu,net --skip cpu.nx,net.tun | awk '{ print $1 }' >out
	grep -qx cpu.virt out
	grep -qx net.vhost out
	nowhere -xE 'cpu.nx|net.tun|kvm.*' out
	"$HOSTCHECK" --list --json | grep -q '"schema": "hostcheck-list/1"'
}
