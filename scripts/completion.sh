#!/bin/sh
# Usage: completion.sh SHELL TOOL <LIST >FILE
# Makes the completion of a tool for bash, zsh or fish.  LIST is what "TOOL --list-options"
# prints: "COMMAND -x --long KIND", where KIND is "." for a flag, "=" for an option with a
# value, "[]" where the value may be left out.  A tool without commands names itself there.
set -eu
shell=$1 tool=$2

case $shell in
bash)
	awk -v tool="$tool" '
	{
		cmd = $1
		if (!(cmd in opts)) { order[++n] = cmd; opts[cmd] = "" }
		for (i = 2; i < NF; i++) {
			opts[cmd] = opts[cmd] " " $i
			if ($NF == "=") valued[cmd] = valued[cmd] "|" $i
		}
	}
	END {
		single = (n == 1 && order[1] == tool)
		print "# bash completion of " tool ", made by scripts/completion.sh"
		print "_hostkit_" tool "() {"
		print "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i"
		print "\tCOMPREPLY=()"
		if (single) {
			print "\tcmd=" tool
		} else {
			print "\tfor ((i = 1; i < COMP_CWORD; i++)); do"
			print "\t\tcase ${COMP_WORDS[i]} in -*) ;; *) cmd=${COMP_WORDS[i]}; break ;; esac"
			print "\tdone"
			cmds = ""
			for (i = 1; i <= n; i++) cmds = cmds (i > 1 ? " " : "") order[i]
			print "\tif [[ -z $cmd ]]; then"
			print "\t\tmapfile -t COMPREPLY < <(compgen -W \"" cmds " --help --version\" -- \"$cur\")"
			print "\t\treturn"
			print "\tfi"
		}
		print "\tcase $cmd:$prev in"
		for (i = 1; i <= n; i++) {
			c = order[i]
			if (!(c in valued)) continue
			m = split(substr(valued[c], 2), w, "|")
			line = ""
			for (k = 1; k <= m; k++) line = line (k > 1 ? " | " : "") c ":" w[k]
			print "\t" line ") return ;;"
		}
		print "\tesac"
		print "\t[[ $cur == -* ]] || return"
		print "\tcase $cmd in"
		for (i = 1; i <= n; i++)
			print "\t" order[i] ") mapfile -t COMPREPLY < <(compgen -W \"" substr(opts[order[i]], 2) "\" -- \"$cur\") ;;"
		print "\tesac"
		print "}"
		print "complete -o default -F _hostkit_" tool " " tool
	}'
	;;
zsh)
	awk -v tool="$tool" '
	{
		cmd = $1
		if (!(cmd in seen)) { order[++n] = cmd; seen[cmd] = 1 }
		for (i = 2; i < NF; i++) {
			spec = $i
			if ($NF == "=") spec = spec ($i ~ /^--/ ? "=" : "+") ":value:_files"
			if ($NF == "[]" && $i ~ /^--/) spec = spec "=-::value:"
			args[cmd] = args[cmd] " \047" spec "\047"
		}
	}
	END {
		single = (n == 1 && order[1] == tool)
		print "#compdef " tool
		print "# zsh completion of " tool ", made by scripts/completion.sh"
		if (single) {
			print "_arguments -s" args[tool] " \047*:file:_files\047"
			exit
		}
		cmds = ""
		for (i = 1; i <= n; i++) cmds = cmds " " order[i]
		print "if (( CURRENT == 2 )); then"
		print "\tcompadd --" cmds " --help --version"
		print "\treturn"
		print "fi"
		print "local cmd=$words[2]"
		print "(( CURRENT-- ))"
		print "shift words"
		print "case $cmd in"
		for (i = 1; i <= n; i++)
			print order[i] ") _arguments -s" args[order[i]] " \047*:file:_files\047 ;;"
		print "esac"
	}'
	;;
fish)
	awk -v tool="$tool" '
	BEGIN { print "# fish completion of " tool ", made by scripts/completion.sh" }
	{
		cmd = $1
		if (cmd != tool && !(cmd in seen)) {
			seen[cmd] = 1
			print "complete -c " tool " -n __fish_use_subcommand -f -a " cmd
		}
		line = "complete -c " tool
		if (cmd != tool) line = line " -n \047__fish_seen_subcommand_from " cmd "\047"
		for (i = 2; i < NF; i++)
			line = line ($i ~ /^--/ ? " -l " substr($i, 3) : " -s " substr($i, 2))
		if ($NF == "=") line = line " -r"
		print line
	}'
	;;
*)
	echo "completion: no shell '$shell'; there are bash zsh fish" >&2
	exit 2
	;;
esac
