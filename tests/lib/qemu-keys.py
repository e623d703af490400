#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What keys the installed qemu-system-x86_64 has: lines of "whose<TAB>name", the first as in
"vemu -list-states".  Arguments: the devices to ask about."""
import json
import re
import subprocess
import sys

QEMU = 'qemu-system-x86_64'


def text(*args):
    r = subprocess.run([QEMU, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, text=True, timeout=20, check=False)
    return r.stdout


def say(of, *names):
    for n in names:
        print(f'{of}\t{n}')


def listed(out):
    return re.findall(r'^ +([^ =]+)=<', out, re.M)


class Qmp:
    def __init__(self):
        self.p = subprocess.Popen(
            [QEMU, '-M', 'none', '-nodefaults', '-display', 'none', '-S', '-qmp', 'stdio'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.p.stdout.readline()
        self.ask('qmp_capabilities')

    def ask(self, command, **arguments):
        self.p.stdin.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.p.stdin.flush()
        while True:
            r = json.loads(self.p.stdout.readline())
            if 'return' in r or 'error' in r:
                return r.get('return')

    def end(self):
        self.p.stdin.close()
        self.p.kill()
        self.p.wait()


def forms(schema, command, of, key, base):
    """The forms of a command whose argument is a union, and their members."""
    top = schema[schema[command]['arg-type']]
    say(of, *(m['name'] for m in top['members'] if m['name'] not in base))
    for v in top['variants']:
        say(f'{of} {key}=', v['case'])
        for m in schema[v['type']]['members']:
            say(f'{of} {v["case"]}', m['name'])


def main():
    for machine in 'pc', 'q35':
        say('-machine', *listed(text('-machine', f'{machine},help')))
    for device in sys.argv[1:]:
        say(f'-device {device}', *listed(text('-device', f'{device},help')))
    say('-device driver=', *(n for n in re.findall(r'^name "([^"]+)"', text('-device', 'help'), re.M)
                             if not n.endswith('-x86_64-cpu')))
    flags = text('-cpu', 'help').split('Recognized CPUID flags:')[1]
    say('-cpu', *flags.split())
    say('-cpu model=', *re.findall(r'^x86 (\S+)', text('-cpu', 'help'), re.M))
    say('-machine type=', *(m for m in re.findall(r'^(\S+) +\S', text('-machine', 'help'), re.M)
                            if m != 'Supported'))
    for kind in 'memory-backend-file', 'memory-backend-memfd', 'memory-backend-ram', 'rng-random':
        say(f'-object {kind}', *listed(text('-object', f'{kind},help')))
    say('-object qom-type=', *re.findall(r'^  (\S+)', text('-object', 'help'), re.M))
    say('-netdev type=', *re.findall(r'^(\S+)$', text('-netdev', 'help'), re.M))
    say('-chardev backend=', *re.findall(r'^  (\S+)', text('-chardev', 'help'), re.M))
    say('-vga ', *(n for n in re.findall(r'^(\S+) +\S', text('-vga', 'help'), re.M)))
    say('-display type=', *re.findall(r'^(\S+)$', text('-display', 'help'), re.M))
    say('-accel accel=', *re.findall(r'^(tcg|kvm|hax|hvf|whpx|nvmm|xen)$', text('-accel', 'help'), re.M))

    q = Qmp()
    schema = {e['name']: e for e in q.ask('query-qmp-schema')}
    # a cache is an object of two on the command line
    forms(schema, 'blockdev-add', '-blockdev', 'driver', ['cache'])
    forms(schema, 'netdev_add', '-netdev', 'type', [])
    for accel in 'tcg-accel', 'kvm-accel':
        say('-accel', *(x['name'] for x in q.ask('qom-list-properties', typename=accel)
                        if x['name'] != 'type'))
    say('-cpu', *(x['name'] for x in q.ask('qom-list-properties', typename='max-x86_64-cpu')
                  if x['name'] != 'type'))
    same = {'smp-opts': 'smp', 'memory': 'm', 'boot-opts': 'boot'}
    for o in q.ask('query-command-line-options'):
        name = same.get(o['option'], o['option'])
        if name in ('machine', 'sandbox', 'action', 'fw_cfg', 'name', 'msg', 'overcommit', 'boot', 'smp',
                    'm', 'mon', 'rtc', 'chardev', 'drive'):
            say(f'-{name}', *(x['name'] for x in o['parameters']))
    q.end()


main()
