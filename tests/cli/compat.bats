#!/usr/bin/env bats
# What docs/qemu-img-compat.md says of options is so, and --list-options says the same as the help.
load ../lib/common

# From "vimg CMD --help": "CMD -x KIND" and "CMD --long KIND" per option, KIND as in
# --list-options: "." none, "=" an argument, "[]" one that may be left out.
help_options() {
	local cmd
	for cmd in $("$VIMG" --list-options | cut -d' ' -f1 | sort -u); do
		"$VIMG" "$cmd" --help | awk -v cmd="$cmd" '
			/^Options:/ { on = 1; next }
			on && /^  -/ {
				kind = "."
				line = substr($0, 3)
				sub(/   .*/, "", line)
				n = split(line, w, / /)
				for (i = 1; i <= n; i++) {
					if (w[i] !~ /^-/)
						kind = "="
					else if (sub(/\[=.*/, "", w[i]))
						kind = "[]"
				}
				for (i = 1; i <= n; i++)
					if (w[i] ~ /^-/ && sub(/,?$/, "", w[i]))
						print cmd, w[i], kind
			}'
	done | sort
}

# The same from the tables.
table_options() {
	"$VIMG" --list-options | awk '{
		for (i = 2; i < NF; i++)
			print $1, $i, $NF
	}' | grep -v ' \(-h\|--help\) ' | sort
}

@test "every option is in the help of its command, and every one in the help exists" {
	help_options >help
	table_options >table
	[ -s table ]
	same table help
}

@test "docs/qemu-img-compat.md has every option of ours" {
	table_options | while read -r cmd opt _; do
		sed -n "/^### $cmd\$/,/^### /p" "$TOP/docs/qemu-img-compat.md" |
			grep -q "[^-a-z]${opt}[^-a-z]" || echo "$cmd $opt"
	done >missing
	same /dev/null missing
}

@test "docs/qemu-img-compat.md has every option that qemu-img names" {
	requires qemu-img
	qemu-img --help | sed -n '/^Command syntax/,/^Command parameters/p' | awk '
		/^  [a-z]/ {
			cmd = $1
			$1 = ""
			while (match($0, /(^|[^-a-zA-Z0-9_])--?[a-zA-Z][-a-z]*/)) {
				opt = substr($0, RSTART, RLENGTH)
				sub(/^[^-]*/, "", opt)
				print cmd, opt
				$0 = substr($0, RSTART + RLENGTH)
			}
		}' | sort -u >theirs
	[ "$(wc -l <theirs)" -gt 100 ]
	while read -r cmd opt; do
		sed -n "/^### $cmd\$/,/^### /p" "$TOP/docs/qemu-img-compat.md" |
			grep -q "[^-a-z]${opt}[^-a-z]" || echo "$cmd $opt"
	done <theirs >missing
	same /dev/null missing
}

# What each row of the table claims to be refused is.
@test "docs/qemu-img-compat.md: what is said to be refused says so" {
	"$VIMG" create -q -f qcow2 a.q 1M
	for cmd in bitmap info check map compare convert create resize snapshot commit amend bench rebase dd measure; do
		run "$VIMG" "$cmd" --object tls-cipher-suites,id=s a.q
		[ "$status" -ge 1 ]
		[[ "$output" == *"'tls-cipher-suites' is not supported"* ]]
	done
	run "$VIMG" -T x info a.q
	[ "$status" -eq 1 ]
	[[ "$output" == *"tracing"* ]]
	for engine in native io_uring; do
		run "$VIMG" bench -i $engine a.q
		[ "$status" -eq 1 ]
		[[ "$output" == *"not supported"* ]]
	done
	run "$VIMG" bench -n a.q
	[ "$status" -eq 1 ]
	run "$VIMG" info rbd:pool/x
	[ "$status" -eq 1 ]
	[[ "$output" == *"not supported"* ]]
}
