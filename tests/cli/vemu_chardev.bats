#!/usr/bin/env bats
# Where characters go to and come from: -chardev, and the short places that stand for one.
# shellcheck disable=SC2154 # the code of lib/flat
load ../lib/common
load ../lib/flat

# A guest that sends back what it reads from its serial port, each byte plus one; 'q' ends it.
echoes() {
	# mov dx, 3fd; in al, dx; test al, 1; jz; mov dx, 3f8; in al, dx; cmp al, 'q'; je off;
	# inc eax; out dx, al; jmp start; off:
	# shellcheck disable=SC2086
	kernel 66 ba fd 03 ec a8 01 74 f7 66 ba f8 03 ec 3c 71 74 05 ff c0 ee eb e9 $off $halt
}

start() {
	"$VEMU" -accel soft -m 64 -kernel kernel -display none "$@" >out 2>err 3>&- &
	PID=$!
}

# until FILE: it is there.
until_there() {
	for _ in {1..100}; do
		[ ! -e "$1" ] || return 0
		sleep 0.05
	done
	cat err
	return 1
}

# over SOCAT-ADDRESS TEXT: what comes back.
over() { (printf '%b' "$2"; sleep 0.5) | timeout 10 socat -t 0.3 - "$1"; }

@test "a serial port on a socket: unix, tcp, and again after the other side went" {
	requires socat
	echoes
	start -chardev socket,id=a,path=s,server=on,wait=off,logfile=log -serial chardev:a
	until_there s
	[ "$(over UNIX-CONNECT:s abc)" = bcd ]
	[ "$(over UNIX-CONNECT:s HAL)" = IBM ]
	over UNIX-CONNECT:s q
	wait $PID
	[ "$(cat log)" = bcdIBM ]
	[ ! -e s ]
	start -serial tcp:127.0.0.1:0,server=on -monitor unix:m,server=on,wait=off
	kill $PID
	wait $PID || true
	for port in 46511 46512 46513; do
		start -serial "telnet:127.0.0.1:$port,server=on,wait=on" -pidfile pid
		for _ in {1..50}; do
			! grep -q waits err || break
			sleep 0.05
		done
		over "TCP:127.0.0.1:$port" 'a\0377\0377q' >telnet || { kill $PID; continue; }
		break
	done
	wait $PID
	# the greeting, then b; 0xff plus one is 0
	[ "$(od -An -tx1 telnet | tr -d ' \n')" = fffb01fffb03fffb00fffd006200 ]
}

@test "a machine waits for its connection, can be ended meanwhile, and connects to others" {
	requires socat
	echoes
	start -serial unix:s,server=on
	until_there s
	kill $PID
	run wait $PID
	[ "$status" != 0 ]
	grep -q 'serial0 waits for a connection at unix:s' err
	(printf ab; sleep 0.5; printf q; sleep 0.3) | timeout 10 socat -t 0.3 - UNIX-LISTEN:t >got 3>&- &
	until_there t
	start -serial unix:t
	wait
	[ "$(cat got)" = bc ]
	run "$VEMU" -accel soft -kernel kernel -display none -serial unix:nobody
	[ "$status" = 1 ]
	[[ $output == *"serial0: connecting to unix:nobody"* ]]
}

@test "a pseudo terminal is named, and what nobody reads is not kept" {
	requires socat
	requires_pty
	echoes
	start -serial pty -monitor unix:m,server=on,wait=off
	until_there m
	pts=$(sed -n 's/^vemu: serial0 is at //p' err)
	[ -c "$pts" ]
	[ "$(over "$pts,raw,echo=0" abc)" = bcd ]
	over UNIX-CONNECT:m 'info chardev\n' | grep -q "serial0: filename=.*pty:$pts"
	over "$pts,raw,echo=0" q || true
	wait $PID
}

@test "pipes, and a file that is added to" {
	echoes
	mkfifo p.in p.out
	start -serial pipe:p
	exec 8<>p.in 9<>p.out
	printf abq >&8
	wait $PID
	[ "$(timeout 5 head -c 2 <&9)" = bc ]
	exec 8>&- 9>&-
	# shellcheck disable=SC2046,SC2086
	kernel $(say hi) $off $halt
	echo old >f
	"$VEMU" -accel soft -m 64 -kernel kernel -display none -chardev file,id=f,path=f,append=on -serial chardev:f
	[ "$(cat f)" = "old
hi" ]
}

@test "several share a chardev: keys go to one, C-a c switches, also with another key" {
	requires socat
	echoes
	start -chardev socket,id=a,path=s,server=on,wait=off,mux=on -serial chardev:a -mon chardev=a \
		-mon a,mode=readline -echr 0x14
	until_there s
	over UNIX-CONNECT:s 'a\01\024cinfo status\r\024cinfo name\r\024h\024cb' >got
	grep -q '^VM status: running' got
	[ "$(grep -ac '^(vemu) ' got)" -ge 4 ]
	grep -q 'C-t x  end the machine' got
	grep -q $'\002' got
	[ "$(tail -c 1 got)" = c ]
	over UNIX-CONNECT:s '\024x'
	wait $PID
}

@test "monitors of every form at once; QMP in lines for people" {
	requires socat jq
	# shellcheck disable=SC2086
	kernel $spin
	start -chardev socket,id=q,path=q,server=on,wait=off -mon q,mode=control,pretty=on \
		-qmp unix:r,server=on,wait=off -monitor unix:m,server=on,wait=off -serial null
	until_there m
	over UNIX-CONNECT:q '{"execute": "qmp_capabilities"}{"execute":"query-chardev"}' >got
	[ "$(grep -c '' got)" -gt 10 ]
	jq -s -r '.[2].return[].label' got | sort >labels
	[ "$(tr '\n' ' ' <labels)" = "compat_monitor0 compat_monitor1 q serial0 " ]
	[ "$(over UNIX-CONNECT:r '' | grep -c '')" = 1 ]
	over UNIX-CONNECT:m 'quit\n' >/dev/null || true
	wait $PID
}

@test "memory as a place: what the guest wrote is read by QMP" {
	requires jq
	# shellcheck disable=SC2046,SC2086
	kernel $(say abcdef) $spin
	{
		sleep 1
		echo '{"execute": "qmp_capabilities"}'
		echo '{"execute": "ringbuf-read", "arguments": {"device": "r", "size": 3}}'
		echo '{"execute": "ringbuf-read", "arguments": {"device": "r", "size": 9, "format": "base64"}}'
		echo '{"execute": "ringbuf-write", "arguments": {"device": "r", "data": "eno=", "format": "base64"}}'
		echo '{"execute": "human-monitor-command", "arguments": {"command-line": "ringbuf_read r 9"}}'
		echo '{"execute": "ringbuf-read", "arguments": {"device": "compat_monitor0", "size": 9}}'
		echo '{"execute": "quit"}'
		sleep 0.5
	} | timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -display none \
		-chardev ringbuf,id=r,size=4 -serial chardev:r -qmp stdio >got
	jq -s -c '[.[] | select(.QMP or .event | not) | .return // .error.class]' got >answers
	cat answers
	[ "$(cat answers)" = '[{},"cde","Zg==",{},"zz\n","GenericError",{}]' ]
}

@test "a monitor that other machines can reach is warned of" {
	# shellcheck disable=SC2046,SC2086
	kernel $off $halt
	for o in "-monitor tcp::46521,server=on,wait=off" "-qmp tcp:0.0.0.0:46522,server=on,wait=off" \
		"-gdb tcp:0.0.0.0:46523"; do
		# shellcheck disable=SC2086
		timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -display none $o 2>err
		grep -q 'warning: whoever reaches tcp:.* rules this machine' err
	done
	for o in "-monitor tcp:127.0.0.1:46524,server=on,wait=off" "-monitor unix:m,server=on,wait=off" \
		"-serial tcp::46525,server=on,wait=off"; do
		# shellcheck disable=SC2086
		timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -display none $o 2>err
		[ ! -s err ]
	done
}

@test "-nographic gives the terminal to what has no other place" {
	# shellcheck disable=SC2046,SC2086
	kernel $(say port) $spin
	run timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -nographic -serial file:f < <(
		sleep 0.5
		echo quit
	)
	[ "$(cat f)" = port ]
	[[ $output == *"(vemu) quit"* ]]
	# shellcheck disable=SC2046,SC2086
	kernel $(say port) $off $halt
	run timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -nographic -monitor none
	[ "$output" = port ]
	run timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -nographic -qmp none
	[ "$output" = port ]
}

@test "what is wrong with a place is named" {
	while IFS='|' read -r want line; do
		# shellcheck disable=SC2086
		run "$VEMU" $line
		[ "$status" = 2 ] || { echo "$line: $status"; false; }
		[[ $output == *"$want"* ]] || { echo "$line: $output"; false; }
	done <<'EOT'
no place for characters|-serial nowhere
no place for characters|-serial udp::7
no port|-serial tcp:host
no path|-serial unix:
no path|-serial file:
has no 'colour'|-serial unix:a,colour=red
no monitor behind|-monitor mon:stdio
reconnect=1 is not supported|-chardev socket,id=a,port=7,reconnect=1
wait= is for server=on|-chardev socket,id=a,path=s,wait=off
needs port=|-chardev socket,id=a,host=localhost
needs path=|-chardev file,id=a
has no id=|-chardev null
there is a chardev 'a' already|-chardev null,id=a -chardev pty,id=a
no -chardev with the id 'b'|-chardev null,id=a -serial chardev:b
no -chardev with the id 'b'|-mon b
udp is not supported: there are null, |-chardev udp,id=a
power of two|-chardev ringbuf,id=a,size=3
logappend= is for|-chardev null,id=a,logappend=on
both want standard input|-serial stdio -monitor stdio
mode=sideways|-chardev null,id=a -mon a,mode=sideways
pretty= is for|-chardev null,id=a -mon a,pretty=on
has no 'nodelay'|-chardev socket,id=a,path=s,nodelay=on
-echr 0|-echr 0
EOT
	run "$VEMU" -chardev null,id=a -serial chardev:a -serial chardev:a
	[ "$status" = 1 ]
	[[ $output == *"mux=on"* ]]
}
