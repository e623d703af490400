#!/usr/bin/env bats
# vemu's command line: what it takes is what its manual says, what it does not take it names.
load ../lib/common

VEMU=${BIN:-$TOP/build/release/bin}/vemu

page() { sed -n '/^# OPTIONS/,/^# EXIT/p' "$TOP/docs/man/vemu.1.scd"; }

@test "the page and the program have the same options" {
	page | sed -n '/^\*-/p' | grep -oE -- '\*-[A-Za-z][A-Za-z0-9_-]*\*' | tr -d '*' | sort -u >manual
	"$VEMU" -list-options | awk '{ print $2 }' | sort -u >program
	[ "$(wc -l <program)" -gt 40 ]
	same manual program
}

@test "every option that takes a value says so when there is none" {
	"$VEMU" -list-options | awk '$3 == "=" { print $2 }' | while read -r opt; do
		run "$VEMU" "$opt"
		[ "$status" = 2 ] || { echo "$opt: $status"; false; }
		[[ $output == *"needs an argument"* || $output == *"not supported"* ]] ||
			{ echo "$opt: $output"; false; }
	done
}

@test "what is not supported is named with the reason, as is what is wrong" {
	while read -r want line; do
		# shellcheck disable=SC2086
		run "$VEMU" $line
		[ "$status" = 2 ] || { echo "$line: $status"; false; }
		[[ $output == *"$want"* ]] || { echo "$line: $output"; false; }
	done <<'EOF'
channels -drive file=x,index=4
taken -hda x -drive file=y,index=0
taken -cdrom x -hdc y
ports -machine q35 -drive file=x,index=6
if=floppy -drive file=x,if=floppy
media=tape -drive file=x,media=tape
unit= -drive file=x,index=0,unit=1
werror=maybe -drive file=x,werror=maybe
scsi.0 -drive if=none,id=d,file=x -device ide-hd,drive=d,bus=scsi.0
driver= -blockdev node-name=a,filename=x
node-name -blockdev driver=raw,filename=x
file=a -blockdev driver=qcow2,node-name=b,file=a
gen_id -fw_cfg name=opt/a,string=b,gen_id=c
mice -global mice=on
splash -boot splash=x
nobody -nobody
mice -machine pc,mice=on
1.5x -m 1.5x
4 -m 1
64 -smp 65
parts -smp 4,cores=3
vnc -display vnc
detect-zeroes=maybe -drive file=x,detect-zeroes=maybe
detect-zeroes -blockdev driver=file,node-name=a,filename=x,detect-zeroes=on -blockdev driver=raw,node-name=b,file=a
watchdog=bark -action watchdog=bark
bark -watchdog-action bark
panic=maybe -action panic=maybe
ib700 -watchdog ib700
bees -action bees=on
addr=20 -device virtio-rng-pci,addr=20
interface -device virtio-rng-pci,disable-legacy=on,disable-modern=on
aio=native -drive file=x,if=virtio,aio=native
rtl8139 -device rtl8139
rtl8139 -nic user,model=rtl8139
colour -device virtio-rng-pci,colour=red
id -device virtio-blk-pci,drive=none
vde -nic vde
mac=zz -nic user,mac=zz
-uuid -uuid 12
base=noon -rtc base=noon
EOF
}

@test "help texts are answers, and end with 0" {
	for args in -h -help -version "-machine help" "-cpu help" "-device help" "-accel help" \
		"-device virtio-blk-pci,help"; do
		# shellcheck disable=SC2086
		"$VEMU" $args >out 2>err
		[ -s out ]
		[ ! -s err ]
	done
	"$VEMU" -cpu help | grep -q '^  Haswell$'
	"$VEMU" -device help | grep -q '^virtio-net-pci '
}

@test "a kernel that is none, or not there, is named" {
	run "$VEMU" -nographic -kernel nowhere
	[ "$status" = 1 ]
	[[ $output == *nowhere* ]]
	head -c 8192 /dev/urandom >junk
	run "$VEMU" -nographic -kernel junk
	[ "$status" = 1 ]
	[[ $output == *"junk: neither a Linux kernel image"* ]]
}

# states: option and state of each row of the table in the documentation
states() {
	awk -F'|' '/^## /{ on = ($0 == "## Options") } on && /^\| `-/ {
		gsub(/[ `]/, "", $2); gsub(/ /, "", $3)
		n = split($2, w, ",")
		for (i = 1; i <= n; i++) print w[i], $3
	}' "$TOP/docs/emulator.md" | sort
}

@test "the table of options in the documentation has every one, once, in its true state" {
	states >doc
	awk '{ print $1 }' doc >names
	"$VEMU" -list-options | awk '{ print $2 }' |
		grep -vxE -- '-h|-help|-version|-list-options|-list-keys|-list-states' | sort >program
	same names program
	while read -r opt state; do
		run timeout 10 "$VEMU" "$opt"
		case $state in
		no) [[ $output == *"not supported"* ]] || "$VEMU" "$opt" x 2>&1 | grep -q 'not supported' ;;
		yes | part) [[ $output != *"not supported: "* ]] ;;
		*) false ;;
		esac || { echo "$opt is not '$state': $output"; false; }
	done < <(grep -F "$("$VEMU" -list-options | awk '$3 == "=" { print $2 }')" doc)
}

@test "every option of QEMU is known, if only to be refused" {
	requires qemu-system-x86_64
	qemu-system-x86_64 -help | grep -oE '^--?[a-zA-Z][A-Za-z0-9_-]*' | sed 's/^-*/-/' | sort -u >theirs
	[ "$(wc -l <theirs)" -gt 90 ]
	"$VEMU" -list-options | awk '{ print $2 }' | sort >ours
	comm -23 theirs ours >missing
	[ ! -s missing ] || { cat missing; false; }
}

@test "the page has every key of an option, and help shows it" {
	"$VEMU" -list-keys >keys
	[ "$(wc -l <keys)" -gt 30 ]
	# what the page says of each option: one line each, option first
	page | awk '/^\*-/ { head = 1 } !/^\*-/ && NF { head = 0 }
		head && /^\*-/ { flush(); names = $0; text = $0; next }
		{ text = text " " $0 }
		function flush(  n, w, i) {
			n = split(names, w, /[* ,]+/)
			for (i = 1; i <= n; i++) if (w[i] ~ /^-[A-Za-z]/) print w[i], text
		}
		END { flush() }' >said
	awk 'NR == FNR { o = $1; $1 = ""; said[o] = said[o] " " $0; next }
		{ if (said[$1] !~ "(^|[^a-z0-9-])" $3 "([^a-z0-9-]|$)") print "the page has no", $1, $3 }' said keys >missing
	[ ! -s missing ] || { cat missing; false; }
	awk '$2 != "*" { print $1, $2 }' keys | sort -u | while read -r opt kind; do
		"$VEMU" "$opt" "$kind,help" | sed -n "s/^  \\([^=]*\\)=<.*/\\1/p" | sort >shown
		awk -v o="$opt" -v k="$kind" '$1 == o && ($2 == k || $2 == "*") { print $3 }' keys | sort | comm -23 - shown >missing
		[ ! -s missing ] || { echo "$opt $kind,help:"; cat missing; false; }
	done
}

@test "a key that an option does not have is named with those that it has" {
	"$VEMU" -list-keys | awk '{ print $1, $2 }' | sort -u | while read -r opt kind; do
		[ "$kind" != "*" ] || kind=$("$VEMU" "$opt" help 2>&1 | sed -n 's/^\([a-z0-9-]*\) .*/\1/p' | head -n 1)
		# what is not vemu's is the image's
		[ "$opt" != -drive ] && [ "$opt" != -blockdev ] || continue
		run "$VEMU" "$opt" "${kind:+$kind,}colour=red"
		[ "$status" = 2 ]
		[[ $output == *"has no 'colour'; it has "* ]] || { echo "$opt $kind: $output"; false; }
	done
}

@test "a configuration file is options, and what is wrong in it is named with its line" {
	cat >c.cfg <<'EOF'
# a machine
[machine]
  type = "q35"
[memory]
  size = "64"
[netdev "n0"]
  type = "user"
  hostname = "a,b"
[device "d0"]
  driver = "virtio-net-pci"
  netdev = "n0"
[device]
  driver = "virtio-rng-pci"
EOF
	run "$VEMU" -readconfig c.cfg -kernel nowhere
	[ "$status" = 1 ]
	[[ $output == *nowhere* ]]
	while IFS='|' read -r want text; do
		printf '%b' "$text" >bad.cfg
		run "$VEMU" -readconfig bad.cfg
		[ "$status" = 2 ]
		[[ $output == *"bad.cfg: "*"$want"* ]] || { echo "$text: $output"; false; }
	done <<'EOF'
line 1: a key before|a = "b"
line 2: a value|[rtc]\n base = utc\n
no option '-nobody'|[nobody]\n
has no 'colour'|[rtc]\ncolour = "red"
line 1: a group|[rtc
there is no device 'x'|[device "a"]\ndriver = "x"
EOF
}
