#!/usr/bin/env bats
# vtune on the tree of an image: what is planned is made, told, and taken back.
load ../lib/common

setup() {
	common_setup
	VTUNE=$BIN/vtune
	mkdir -p root/etc/runlevels/boot root/etc/init.d root/var/lib root/lib/apk/db root/usr/lib/qemu
	printf 'ID=alpine\nNAME="Alpine Linux"\nVERSION_ID=3.20.0\n' >root/etc/os-release
	printf 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n' >root/etc/passwd
	printf 'root:x:0:\nalice:x:1000:\n' >root/etc/group
	printf 'root:*::0:::::\nalice:!::0:::::\n' >root/etc/shadow
	chmod 640 root/etc/shadow
	printf '# mounts\n/dev/sda1 / ext4 defaults 0 1' >root/etc/fstab
	printf 'af_packet\n' >root/etc/modules
	: >root/lib/apk/db/installed
	cat >p.ini <<-'EOF'
		[host]
		tun = yes
		vhost_net = yes
		vhost_mem_regions = 509
		[bridge]
		allow = br0
		[users]
		create = yes
		members = alice
		[hugepages]
		reserve = yes
		page = 2M
		count = 4
		mount = /dev/hugepages
		[memory]
		swappiness = 10
	EOF
	tree root >before
}

# tree DIR: kind, mode, owner, name and content of all in it.
tree() {
	(cd "$1" && find . -printf '%y %m %U:%G %p %l\n' | sort &&
		find . -type f | sort | while read -r f; do echo "== $f" && od -c "$f"; done)
}

# The owner of files is who changes the tree: only root can give them away.
as_root() { [ "$(id -u)" = 0 ] || skip "needs root, who can give files to others"; }

vt() { "$VTUNE" "$1" --root root "${@:2}"; }

@test "plan and apply --dry-run touch nothing and say what and why" {
	vt plan --profile ./p.ini >out
	grep -q '^hugepages.mount: ' out
	grep -q '+hugetlbfs /dev/hugepages hugetlbfs ' out
	grep -q "'vtune apply' makes them" out
	vt apply --dry-run --profile ./p.ini >out
	grep -q 'nothing was touched' out
	tree root | same - before
	run vt plan --exit-code --profile ./p.ini
	[ "$status" = 3 ]
}

@test "apply, apply again, status, verify, revert: the tree is as before, byte for byte" {
	as_root
	vt apply --profile ./p.ini >out
	grep -q ' changes made' out
	grep -q '^allow br0$' root/etc/qemu/bridge.conf
	[ "$(stat -c '%a %u' root/etc/qemu/bridge.conf)" = "640 0" ]
	tree root >applied
	# the profile of the last apply is the one that is meant
	vt apply >out
	grep -q '^Nothing to do' out
	vt plan --exit-code
	vt verify >out
	grep -q '^Clean: ' out
	vt status --json | jq -e '[.steps[] | select(.state == "done")] | length > 4' >/dev/null
	vt status --json | jq -e '.applies[0].n == 1' >/dev/null
	tree root | same - applied
	vt revert >out
	grep -q '^All is as it was before vtune' out
	tree root | same - before
	vt revert >out
	grep -q '^Nothing to take back' out
	tree root | same - before
}

@test "revert --to and --only take back a part" {
	as_root
	vt apply --profile ./p.ini --only modules >/dev/null
	tree root >one
	vt apply --profile ./p.ini >/dev/null
	vt revert --to 1 >/dev/null
	tree root | grep -v hostkit/journal | sed '/^== .*journal/,/^==/d' >have
	grep -v hostkit/journal one | sed '/^== .*journal/,/^==/d' | same have -
	vt apply --profile ./p.ini >/dev/null
	vt revert --only hugepages >/dev/null
	run vt verify
	[ "$status" = 3 ]
	run grep -q hugetlbfs root/etc/fstab
	[ "$status" = 1 ]
	grep -q '^tun$' root/etc/modules
	vt revert >/dev/null
	tree root | same - before
}

@test "what somebody else changed is shown and not trampled" {
	as_root
	vt apply --profile ./p.ini >/dev/null
	sed -i 's/509/16/' root/etc/modprobe.d/hostkit-vhost.conf
	echo '# by hand' >>root/etc/fstab
	run vt verify
	[ "$status" = 3 ]
	[[ "$output" == *"1 difference "* ]]
	run vt apply
	[ "$status" = 3 ]
	[[ "$output" == *"somebody else changed it"* ]]
	grep -q 16 root/etc/modprobe.d/hostkit-vhost.conf
	run vt revert
	[ "$status" = 3 ]
	grep -q 16 root/etc/modprobe.d/hostkit-vhost.conf
	# their line stays, ours has gone
	[ "$(cat root/etc/fstab)" = "$(printf '# mounts\n/dev/sda1 / ext4 defaults 0 1\n# by hand')" ]
	vt revert --force
	[ ! -e root/etc/modprobe.d ]
	[ ! -e root/var/lib/hostkit ]
}

@test "what waits for somebody is not called clean, nor what others put in taken back" {
	as_root
	vt apply --profile ./p.ini >/dev/null
	# nobody may use a bridge while this line stands, and vtune does not edit it
	echo nonsense >>root/etc/qemu/bridge.conf
	vt verify >out
	grep -q '^Clean: .*, but for what is left to you\.$' out
	vt apply >out
	grep -q '^Nothing to do: .*, but for what is left to you\.$' out
	vt revert >out
	grep -q '^What vtune did is taken back; what is kept' out
	[ "$(cat root/etc/qemu/bridge.conf)" = nonsense ]
}

@test "apply --force overwrites what somebody else changed" {
	as_root
	vt apply --profile ./p.ini >/dev/null
	sed -i 's/509/16/' root/etc/modprobe.d/hostkit-vhost.conf
	vt apply --force >/dev/null
	grep -q 509 root/etc/modprobe.d/hostkit-vhost.conf
	vt verify
}

@test "one vtune at a time: the other says who is at work, or waits" {
	as_root
	requires flock
	mkdir root/var/lib/hostkit
	flock root/var/lib/hostkit sleep 3 &
	holder=$!
	sleep 0.3
	run vt apply --profile ./p.ini
	[ "$status" = 1 ]
	[[ "$output" == *"process "*"is changing root"*"--wait"* ]]
	vt apply --wait --profile ./p.ini >/dev/null
	wait "$holder"
	vt verify
}

@test "two applies at once: one does the work, and the work is whole" {
	as_root
	vt apply --wait --profile ./p.ini >out1 &
	one=$!
	vt apply --wait --profile ./p.ini >out2
	wait "$one"
	cat out1 out2 >out
	[ "$(grep -c ' changes made' out)" = 1 ]
	grep -q '^Nothing to do' out
	vt verify
	vt revert >/dev/null
	tree root | same - before
}

@test "JSON of every command names its schema and parses" {
	as_root
	for cmd in plan diff status verify apply revert; do
		rc=0
		args=(--profile ./p.ini)
		[ "$cmd" != revert ] || args=()
		vt "$cmd" --json "${args[@]}" >out || rc=$?
		[ "$rc" = 0 ] || [ "$rc" = 3 ]
		jq -e --arg s "vtune-$cmd/1" '.schema == $s' out >/dev/null
	done
	tree root | same - before
}

@test "diff is a patch that makes the same files" {
	as_root
	requires patch
	cp -a root other
	vt diff --profile ./p.ini >p.diff
	vt apply --profile ./p.ini >/dev/null
	(cd other && patch -s -p1 <../p.diff)
	for f in etc/fstab etc/modules etc/group etc/qemu/bridge.conf; do
		same "other/$f" "root/$f"
	done
}

@test "a damaged journal is refused with its line, a torn one is gone on from" {
	as_root
	vt apply --profile ./p.ini >/dev/null
	cp root/var/lib/hostkit/journal good
	sed -i '3s/.*/nonsense/' root/var/lib/hostkit/journal
	run vt revert
	[ "$status" = 1 ]
	[[ "$output" == *"/var/lib/hostkit/journal: line 3"* ]]
	head -c -9 good >root/var/lib/hostkit/journal
	vt revert >/dev/null
	tree root | same - before
}

@test "a record is looked at, never changed" {
	: >root/.hostkit-record
	echo 'euid = 0' >root/.hostkit-record
	tree root >before
	run vt apply --profile ./p.ini
	[ "$status" = 1 ]
	[[ "$output" == *"a recorded host"* ]]
	tree root | same - before
}

@test "wrong usage ends with 2" {
	for args in "plan --only nothing" "revert --to x" "apply --nothing" "plan more" "nothing"; do
		# shellcheck disable=SC2086
		run "$VTUNE" $args
		[ "$status" = 2 ]
	done
	run vt plan --profile nothing
	[ "$status" = 1 ]
	[[ "$output" == *"/etc/hostkit/nothing.ini"* ]]
}

@test "the page and the program have the same options" {
	"$VTUNE" --list-options | awk '{ for (i = 2; i < NF; i++) print $1, $i }' | sort >have
	awk '/^## / { cmd = $2 } /^\*-/ && cmd { gsub(/[*]/, ""); n = split($0, w, /[ ,[]+/)
		for (i = 1; i <= n; i++) if (w[i] ~ /^-/) print cmd, w[i] }' \
		"$TOP/docs/man/vtune.8.scd" >page
	for cmd in plan apply status verify diff revert; do
		printf '%s\n' "$cmd -h" "$cmd --help"
	done >>page
	sort page | same - have
}
