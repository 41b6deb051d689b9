#!/usr/bin/env python3
"""What a competing process on one core costs: each thread setting quiet and contended in turn, as ratios.

usage: bench/contention.py [--minfer PROGRAM] [--model NAME] [--rounds N] [--iterations N] [--limit X]

The competitor is a busy loop, pinned to the first CPU that this process may use. Exit status 1 when the default setting's median is above
--limit (2.5) times its quiet one.
"""
import argparse, json, os, statistics, subprocess, sys

SETTINGS = [[], ['--spin', '0'], ['--affinity', 'none'], ['--affinity', 'none', '--spin', '0'], ['--threads', '1']]
BUSY = 'import os, sys; os.sched_setaffinity(0, {%d}); print(flush=True)\nwhile True: pass'


def median_ms(arguments, setting):
    command = [arguments.minfer, '--model', arguments.model, '--iterations', str(arguments.iterations), '--trace-level', 'run', '--format',
               'json', '--quiet'] + setting
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)['latency_ms']['p50']


def contended_ms(arguments, setting, cpu):
    with subprocess.Popen([sys.executable, '-c', BUSY % cpu], stdout=subprocess.PIPE) as competitor:
        try:
            competitor.stdout.readline()  # it runs
            return median_ms(arguments, setting)
        finally:
            competitor.kill()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description='what a competing process on one core costs')
    parser.add_argument('--minfer', default=os.path.join(here, '..', 'build', 'release', 'minfer'))
    parser.add_argument('--model', default='resnet18')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--iterations', type=int, default=30)
    parser.add_argument('--limit', type=float, default=2.5)
    arguments = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        print('SKIP: one CPU only: the competitor would take half of everything')
        return 0
    quiet, contended = [[] for _ in SETTINGS], [[] for _ in SETTINGS]
    for _ in range(arguments.rounds):
        for i, setting in enumerate(SETTINGS):
            quiet[i].append(median_ms(arguments, setting))
            contended[i].append(contended_ms(arguments, setting, cpus[0]))
    print('%s, %d rounds, competitor on CPU %d of %d' % (arguments.model, arguments.rounds, cpus[0], len(cpus)))
    print('%-28s %10s %13s %7s %s' % ('setting', 'quiet ms', 'contended ms', 'ratio', '(lowest to highest)'))
    worst = []
    for setting, q, c in zip(SETTINGS, quiet, contended):
        ratios = [b / a for a, b in zip(q, c)]
        worst.append(statistics.median(ratios))
        print('%-28s %10.3f %13.3f %6.2fx (%.2f to %.2f)' % (' '.join(setting) or 'default', statistics.median(q), statistics.median(c),
                                                             worst[-1], min(ratios), max(ratios)))
    print('default: %.2fx, at most %.2fx wanted' % (worst[0], arguments.limit))
    return 0 if worst[0] <= arguments.limit else 1


if __name__ == '__main__':
    sys.exit(main())
