#!/usr/bin/env python3
"""minfer's primitive spans against the times that oneDNN prints of the same executions, in one process.

  bench/spans.py [--minfer PATH] [--models A,B] [--dtypes f32,int8] [--iterations 20] [--format table|md]

The program runs with ONEDNN_VERBOSE=profile_exec and timestamps, and writes a trace. An execution in the log and a primitive span belong
together when both have the implementation and the span holds the log's start (to 0.3 ms: timestamps come from another clock and are
rounded). Printed for each cell: how many found each other, the ratio span over oneDNN's time summed over a run (median and extremes over the
traced runs), and its spread over single primitives longer than --least microseconds. A ratio above 1 is what lies between the two clocks'
readings: oneDNN's call around its timer, and the line that it prints, which is why these ratios are not the overhead of tracing.
"""
import argparse, json, os, statistics, subprocess, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NEAR = 0.3e6  # ns


def record(args, model, dtype, folder):
    trace = os.path.join(folder, 'a.trace.json')
    command = [args.minfer, '--model', model, '--dtype', dtype, '--weights', 'synthetic', '--threads', str(args.threads), '--iterations',
               str(args.iterations), '--warmup', '2', '--quiet', '--trace=' + trace, '-o', os.path.join(folder, 'run.txt')]
    environment = dict(os.environ, ONEDNN_VERBOSE='profile_exec', ONEDNN_VERBOSE_TIMESTAMP='1')
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.load(open(trace)), done.stderr + done.stdout


def executions(log):
    """(start in ns since 1970, implementation, ns) of each line."""
    found = []
    for line in log.splitlines():
        fields = line.split(',')
        if 'exec' in fields and fields[0].endswith('onednn_verbose'):
            at = fields.index('exec')
            found.append((float(fields[at - 2]) * 1e6, fields[at + 3], float(fields[-1]) * 1e6))
    return sorted(found)


def spans(trace):
    """(run, name, implementation, start in ns since 1970, ns) of each primitive."""
    clock, run = trace['clock'], -1
    shift = clock['epoch_ns'] - clock['monotonic_ns'] + clock['origin_monotonic_ns']
    for event in trace['traceEvents']:
        kind = event.get('args', {}).get('span')
        run += kind == 'run'
        if kind == 'primitive':
            yield run, event['name'], event['args']['implementation'], event['ts'] * 1e3 + shift, event['dur'] * 1e3


def pair(trace, log):
    """(run, name, span in ns, oneDNN's ns); and the number of spans. Both lists are in time order."""
    lines, pairs, count, at = executions(log), [], 0, 0
    for run, name, impl, start, ns in spans(trace):
        count += 1
        while at < len(lines) and lines[at][0] < start - NEAR:
            at += 1
        for k in range(at, len(lines)):
            if lines[k][0] > start + ns + NEAR:
                break
            if lines[k][1] == impl:
                pairs.append((run, name, ns, lines[k][2]))
                at = k + 1
                break
    return pairs, count


def row(args, model, dtype):
    with tempfile.TemporaryDirectory(prefix='minfer-bench-') as folder:
        pairs, count = pair(*record(args, model, dtype, folder))
    runs = {}
    for run, _, ours, theirs in pairs:
        sums = runs.setdefault(run, [0, 0])
        sums[0] += ours
        sums[1] += theirs
    sums = sorted(ours / theirs for ours, theirs in runs.values() if theirs)
    single = sorted(ours / theirs for _, _, ours, theirs in pairs if theirs >= args.least * 1e3)
    tenth = lambda share: single[int(share * (len(single) - 1))] if single else float('nan')
    return [model, dtype, f'{len(pairs)} of {count}', f'{statistics.median(sums):.4f}', f'{sums[0]:.4f} to {sums[-1]:.4f}', f'{tenth(.5):.4f}',
            f'{tenth(.1):.4f} to {tenth(.9):.4f}', str(len(single))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minfer', default=f'{ROOT}/build/release/minfer')
    parser.add_argument('--models', default='resnet50,mobilenet_v1')
    parser.add_argument('--dtypes', default='f32,int8')
    parser.add_argument('--iterations', type=int, default=20)
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--least', type=float, default=50, help='microseconds')
    parser.add_argument('--format', choices=('table', 'md'), default='table')
    args = parser.parse_args()
    titles = ['network', 'type', 'matched', 'run: span / oneDNN', 'extremes', 'primitive: median', '10 % to 90 %', 'primitives']
    rows = [titles] + [row(args, model, dtype) for model in args.models.split(',') for dtype in args.dtypes.split(',')]
    widths = [max(len(r[i]) for r in rows) for i in range(len(titles))]
    for i, cells in enumerate(rows):
        if args.format == 'md':
            print('| ' + ' | '.join(cells) + ' |')
            if i == 0: print('| --- ' * len(cells) + '|')
        else:
            print('  '.join(c.ljust(w) for c, w in zip(cells, widths)).rstrip())


if __name__ == '__main__':
    main()
