#!/usr/bin/env bats
# vemu puts a guest into a bridge of the host by QEMU's own setuid helper, as bridge.conf allows.
load ../lib/common

VEMU=${BIN:-$TOP/build/release/bin}/vemu

# own_net FILE: runs it in a network and an /etc of its own.
own_net() {
	mkdir -p etc
	cp -a /etc/passwd /etc/group etc/
	mkdir -p etc/qemu
	# shellcheck disable=SC2016 # for that shell
	timeout 30 unshare -rnm sh -eu -c '
		mount --bind etc /etc
		ip link add br7 type bridge
		. "./$1"' sh "$1"
}

setup_bridge() {
	requires ip unshare
	unshare -rnm true || { echo "# no user namespaces here"; skip "no user namespaces"; }
	[ -c /dev/net/tun ] || { echo "# no /dev/net/tun here"; skip "no tun"; }
	[ -x /usr/lib/qemu/qemu-bridge-helper ] || requires qemu-bridge-helper
}

@test "a guest is in the bridge while it runs, and gone with it" {
	setup_bridge
	cat >script <<-EOF
		printf 'allow br7\n' >/etc/qemu/bridge.conf
		$VEMU -S -display none -serial none -monitor none -nic bridge,br=br7 &
		pid=\$!
		i=0
		until ip -o link show master br7 | grep -q . || [ \$i = 100 ]; do
			sleep 0.1
			i=\$((i + 1))
		done
		ip -o link show master br7 >during
		kill \$pid
		wait \$pid || :
		ip -o link show master br7 >after
	EOF
	own_net script
	grep -q ': tap0: .*LOWER_UP' during
	[ ! -s after ]
}

@test "what bridge.conf does not allow is refused in the helper's words" {
	setup_bridge
	cat >script <<-EOF
		printf 'deny br7\n' >/etc/qemu/bridge.conf
		! $VEMU -S -nographic -nic bridge,br=br7 2>denied
		printf 'allow br8\n' >/etc/qemu/bridge.conf
		! $VEMU -S -nographic -netdev bridge,id=n,br=br8 -device virtio-net-pci,netdev=n 2>absent
	EOF
	own_net script
	grep -q '^vemu: bridge br7: .*access denied by acl file' denied
	grep -q '^vemu: bridge br8: .*br8' absent
}

@test "no helper, one that fails, one that sends nothing" {
	while read -r helper want; do
		run timeout 10 "$VEMU" -S -nographic -nic "bridge,br=br7,helper=$helper"
		[ "$status" -ne 0 ]
		[[ $output == "vemu: bridge br7: "*"$want"* ]] || { echo "$helper: $output"; false; }
	done <<-'EOF'
		/no/such there is no program '/no/such'
		helper helper=helper: a whole path is needed
		/bin/false failed with code 1
		/bin/true /bin/true sent no interface
	EOF
	run timeout 10 "$VEMU" -S -nographic -nic bridge,br=a-name-that-is-far-too-long
	[[ $output == *"br=a-name-that-is-far-too-long is no name of a bridge"* ]]
	run timeout 10 "$VEMU" -S -nographic -nic bridge,ifname=x
	[ "$status" = 2 ]
	[[ $output == *"ifname"* ]]
}
