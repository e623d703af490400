#!/usr/bin/env bats
# vemu's command line: what it takes is what its manual says, what it does not take it names.
load ../lib/common

VEMU=${BIN:-$TOP/build/release/bin}/vemu

page() { sed -n '/^# OPTIONS/,/^# EXIT/p' "$TOP/docs/man/vemu.1.scd"; }

@test "the page and the program have the same options" {
	page | sed -n 's/^\*-/-/p' | grep -o -- '-[A-Za-z][A-Za-z_-]*\*' | tr -d '*' | sort -u >manual
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
firmware -bios x
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
nobody -nobody
mice -machine pc,mice=on
1.5x -m 1.5x
4 -m 1
64 -smp 65
parts -smp 4,cores=3
vnc -display vnc
aio=native -drive file=x,if=virtio,aio=native
e1000 -device e1000
colour -device virtio-rng-pci,colour=red
id -device virtio-blk-pci,drive=none
bridge -nic bridge
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
	run "$VEMU" -nographic
	[ "$status" = 1 ]
	[[ $output == *"-kernel"* ]]
}

@test "the table of options in the documentation has every one" {
	"$VEMU" -list-options | awk '{ print $2 }' | grep -vxE -- '-h|-help|-version|-list-options' |
		while read -r opt; do
			grep -qF "\`$opt\`" "$TOP/docs/emulator.md" || { echo "$opt"; false; }
		done
}
