#!/usr/bin/env bats
# The manual and the program know the same options, and --help shows them.
load ../lib/common

page() { cat "$TOP/docs/man/vimg.1.scd"; }
commands() { page | sed -n 's/^## \([a-z]*\).*/\1/p'; }

# options COMMAND: each option the page gives it, one per line, with its dashes.
options() {
	page | awk -v cmd="$1" '
		/^#/ { in_it = ($1 == "##" && $2 == cmd); next }
		in_it && /^\*-/ {
			gsub(/\*/, "")
			n = split($0, w, /[ ,[]+/)
			for (i = 1; i <= n; i++)
				if (w[i] ~ /^-/)
					print w[i]
		}'
	echo --help
	echo -h
}

# known COMMAND OPTION: the program takes it, whatever it says next.
known() {
	! "$VIMG" "$1" "$2" 2>&1 | grep -qF "unrecognized option '$2'"
}

@test "the page has every command of the program, and the program every one of the page" {
	commands | sort >page
	[ -s page ]
	"$VIMG" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' | sort >help
	same page help
	sed -n '/^static const struct cmd cmds/,/^};/s/.*{ "\([a-z]*\)", .*/\1/p' \
		"$TOP/src/img/main.c" | sort >table
	same page table
	for cmd in $(commands); do
		run "$VIMG" "$cmd"
		[[ "$output" != *"Command not found"* ]]
	done
}

@test "the program takes every option of the page" {
	for cmd in $(commands); do
		for opt in $(options "$cmd"); do
			known "$cmd" "$opt" || { echo "$cmd does not know $opt"; return 1; }
		done
	done
}

@test "the page has every option the program takes" {
	# Long names are those that stand in a table of the sources.
	sed -nE "s/^[[:space:]]*(\{ )?\"([a-z][a-z0-9-]+)\", ('.'|0), .*/--\2/p" \
		"$TOP"/src/img/cmd_*.[ch] | sort -u >long
	[ "$(wc -l <long)" -gt 50 ]
	for letter in {a..z} {A..Z}; do echo "-$letter"; done >letters
	for cmd in $(commands); do
		options "$cmd" | sort -u >told
		grep -vhxFf told long letters >others
		while read -r opt; do
			# A shortened name is taken as the one it begins.
			if ! grep -q -- "^$opt" told && known "$cmd" "$opt"; then
				echo "$cmd takes $opt"
				return 1
			fi
		done <others
	done
}

@test "--help of a command shows its options, on stdout, and ends with 0" {
	for cmd in $(commands); do
		"$VIMG" "$cmd" --help >out 2>err
		[ ! -s err ]
		head -n 1 out | grep -q "^Usage: vimg $cmd"
		for opt in $(options "$cmd"); do
			case $opt in
			-h | --help) ;;
			*) grep -qE "^  (.*, )?$opt([ ,[]|\$)" out || { echo "$cmd: $opt"; return 1; } ;;
			esac
		done
	done
}
