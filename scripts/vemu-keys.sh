#!/bin/sh
# docs/emulator/keys.md from what "vemu -list-states" says on standard input.
set -eu

cat <<'end'
# Keys, features and devices

Every key of the options of [vemu](../emulator.md), and every one that QEMU 7.2 has beside them: what is **yes** works as in QEMU,
unless the text says otherwise; **part** takes the values of the third column, which say what is so anyway, and no others;
**no** is refused with the name and the reason. A name that ends with `*` stands for all that begin so. Made by
`vemu -list-states | scripts/vemu-keys.sh`; a test compares them, and finds what QEMU has and this page lacks.

Keys of a device are those of its own table, of "PCI" where it is on that bus, of "virtio" where its name says so, and of
"disk" where it has a drive. A processor's features are those that the host has as well.
end
awk -F'\t' '
	{
		if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }
		names = $2
		gsub(/ +/, "`, `", names)
		text = $5
		gsub(/\|/, "\\|", text)
		same = $4
		gsub(/\|/, "` `", same)
		key = $1 SUBSEP $3 SUBSEP same SUBSEP text
		# names that have no text of their own share a line
		if (($5 == "" || $5 == "with -accel kvm") && key in line) {
			line[key] = line[key] "`, `" names
			next
		}
		rows[$1, ++count[$1]] = key
		line[key] = names
		# the same text twice: two lines
		if ($5 != "" && $5 != "with -accel kvm") {
			rows[$1, count[$1]] = key SUBSEP NR
			line[key SUBSEP NR] = names
		}
		what[rows[$1, count[$1]]] = $3
		takes[rows[$1, count[$1]]] = same
		says[rows[$1, count[$1]]] = text
	}
	function title(s) {
		if (s ~ /=$/) { sub(/=$/, "", s); return "What `" s "` names" }
		sub(/ +$/, "", s)
		return "`" s "`"
	}
	END {
		for (i = 1; i <= n; i++) {
			printf "\n## %s\n\n| name | state | values | |\n|---|---|---|---|\n", title(order[i])
			for (j = 1; j <= count[order[i]]; j++) {
				k = rows[order[i], j]
				t = takes[k]
				if (t != "") t = t == "(nothing)" ? "nothing" : "`" t "`"
				printf "| `%s` | %s | %s | %s |\n", line[k], what[k], t, says[k]
			}
		}
	}'
