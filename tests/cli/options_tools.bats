#!/usr/bin/env bats
# The host's tools: manual, --help and the tables of options are the same.
load ../lib/common

setup() {
	common_setup
	BIN=${BIN:-$TOP/build/release/bin}
}

# Those of the pages of section 8 whose program was built.
tools() {
	local page tool
	for page in "$TOP"/docs/man/*.8.scd; do
		tool=$(basename "$page" .8.scd)
		[ ! -x "$BIN/$tool" ] || echo "$tool"
	done
}

# told TOOL: "COMMAND OPTION" for each option the page gives a command; a tool without
# commands is its own.
told() {
	awk -v tool="$1" '
		/^# / { section = $2; cmd = section == "OPTIONS" ? tool : "" }
		/^## / && section == "COMMANDS" { cmd = $2; commands = 1 }
		cmd != "" && /^\*-/ {
			gsub(/\*/, "")
			n = split($0, w, /[ ,[]+/)
			for (i = 1; i <= n; i++)
				if (w[i] ~ /^-/)
					line[++k] = cmd " " w[i]
		}
		END {
			for (i = 1; i <= k; i++)
				if (!commands || line[i] !~ "^" tool " ")
					print line[i]
		}' "$TOP/docs/man/$1.8.scd" | sort -u
}

# known TOOL: the same of the program's own tables.
known() {
	"$BIN/$1" --list-options | awk '{ for (i = 2; i < NF; i++) print $1, $i }' | sort -u
}

# Without those that every program has, which pages give once.
shown() { grep -vE ' (-h|--help|-V|--version|--list-options)$'; }

@test "there are tools to look at" {
	tools >list
	[ "$(wc -l <list)" -ge 2 ]
}

@test "page and program have the same options" {
	for tool in $(tools); do
		told "$tool" | shown >in.page
		known "$tool" | shown >in.program
		[ -s in.page ]
		same in.page in.program || { echo "$tool: < the page, > the program"; return 1; }
	done
}

@test "--help shows each of them, on stdout, and ends with 0" {
	for tool in $(tools); do
		"$BIN/$tool" --help >out 2>err
		[ ! -s err ]
		grep -q "^Usage: $tool" out
		told "$tool" >list
		while read -r cmd opt; do
			if [ "$cmd" = "$tool" ]; then
				"$BIN/$tool" --help >out
			else
				"$BIN/$tool" "$cmd" --help >out
				head -n 1 out | grep -q "^Usage: $tool $cmd"
			fi
			grep -qE "^  (.*, )?$opt([[ ,=]|\$)" out || { echo "$tool $cmd: $opt"; return 1; }
		done <list
	done
}

@test "the page lists the commands that there are, and no other is taken" {
	for tool in $(tools); do
		grep -q '^# COMMANDS' "$TOP/docs/man/$tool.8.scd" || continue
		sed -n '/^# COMMANDS/,/^# [^C]/s/^## \([a-z]*\).*/\1/p' "$TOP/docs/man/$tool.8.scd" | sort >page
		"$BIN/$tool" --list-options | cut -d ' ' -f 1 | sort -u >table
		same page table
		run "$BIN/$tool" nonesuch
		[ "$status" -eq 2 ]
	done
}

@test "wrong usage ends with 2 and says where help is" {
	for tool in $(tools); do
		run "$BIN/$tool" --nonesuch
		[ "$status" -eq 2 ]
		[[ "$output" == *"--help"* ]]
	done
}
