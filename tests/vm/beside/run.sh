#!/bin/bash
# Usage: run.sh STAGE WORK
# Sets hostcheck beside virt-host-validate and kvm-ok, in the same guests, and prints what each
# says as the tables of docs/host-checkers.md.  STAGE is what `make install` made; parts and
# images are kept in WORK, and what the programs said in full as WORK/GUEST.log.  Not a test: who
# is right is decided by what the guest's kernel does, and wrong answers are set in bold.
set -eu
harness=$(cd "$(dirname "$0")/../harness" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
stage=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

sh "$harness/fetch.sh" "${PARTS:-$work/parts}"
sh "$harness/fetch.sh" "$work/beside" beside
bash "$harness/image.sh" "${PARTS:-$work/parts}" "$stage" "$work/image" "$work/beside" >/dev/null

# guest NAME TITLE MACHINE [APPEND]
guest() {
	local name=$1 title=$2 dir
	dir=$(mktemp -d "$work/run.XXXXXX")
	{
		printf '#!/bin/sh\n# machine: %s\n# append: %s\n# memory: 768\n' "$3" "${4:-}"
		tail -n +2 "$here/guest.sh"
	} >"$dir/test.sh"
	(cd "$dir" && bash "$harness/boot.sh" "$work/image" "$dir/test.sh") >"$work/$name.log" || :
	rm -rf "$dir"
	echo
	echo "### $title"
	echo
	echo "| state | question | is it so? | virt-host-validate | kvm-ok | hostcheck |"
	echo "|---|---|---|---|---|---|"
	awk -F '|' '
		function say(x) { return x == "-" || x == $4 || x == "unknown" ? x : "**" x "**" }
		/^# row/ {
			print "| " ($2 == last ? "" : $2) " | " $3 " | " $4 " | " say($5) " | " say($6) " | " say($7) " |"
			last = $2
		}' "$work/$name.log"
}

intel='-machine q35,kernel-irqchip=split -cpu Skylake-Server,-pcid -device intel-iommu,intremap=on,aw-bits=48'
guest amd "AMD with SVM and an AMD IOMMU" '-machine q35 -cpu EPYC,+svm -device amd-iommu,intremap=on'
guest intel "Intel without VT-x, inside another host; its IOMMU on" "$intel" intel_iommu=on
guest intel-off "The same, its IOMMU kept off by the command line" "$intel" intel_iommu=off
guest none "Neither virtualization nor an IOMMU" '-machine q35 -cpu qemu64,-svm'
guest virtio "AMD with SVM and a virtio-iommu without driver" '-machine q35 -cpu EPYC,+svm -device virtio-iommu-pci'
