# For tests with the web server of tests/tools/httpd.c.
# shellcheck shell=bash

HTTPD=${HTTPD:-$TOP/build/release/tests/tools/httpd}

# http_start [DIR]: serves DIR (the current one) at $URL, without a / at its end; what is asked for
# is in the file "asked".
http_start() {
	coproc HTTP { exec "$HTTPD" "${1:-.}" asked 3>&-; }
	read -r HTTP_PORT <&"${HTTP[0]}"
	# shellcheck disable=SC2034 # for the tests
	URL=http://127.0.0.1:$HTTP_PORT
	unset http_proxy HTTP_PROXY https_proxy all_proxy ALL_PROXY
}

http_stop() {
	[ -n "${HTTP_PID:-}" ] || return 0
	kill "$HTTP_PID" 2>/dev/null
	wait "$HTTP_PID" 2>/dev/null || :
}
