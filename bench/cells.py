#!/usr/bin/env python3
"""minfer in numbers, beside a plain chain of oneDNN's first choices, in interleaved runs.

  bench/cells.py [--minfer PATH] [--chain SOURCE] [--models A,B] [--batches 1,32] [--dtypes f32,int8] [--rounds 7] [--seconds 2] [--format table|md]

A cell is a network, a batch size and a type. Each round runs minfer and then the chain (in the other order every second round), each in a
process of its own; the ratio of a round is the chain's median latency over minfer's, so more than 1 means that minfer is faster. Printed is the
median of the ratios with its 95 % interval from order statistics. Without the chain's source the other columns are printed alone. Nothing else
may run meanwhile.
"""
import argparse, json, os, re, statistics, subprocess, sys, tempfile
from intervals import interval

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def build_chain(source):
    """Compiles the reference against the oneDNN that the build uses."""
    config = next(l for l in open(f'{ROOT}/build/release/CMakeCache.txt') if l.startswith('dnnl_DIR'))
    prefix = os.path.normpath(os.path.join(config.split('=', 1)[1].strip(), '../../..'))
    out = os.path.join(tempfile.mkdtemp(prefix='minfer-bench-'), 'chain')
    subprocess.run(['c++', '-O2', '-std=c++17', f'-I{prefix}/include', source, '-o', out, f'-L{prefix}/lib', '-ldnnl', '-ldl', '-lpthread'], check=True)
    return out


def run_minfer(args, model, dtype, batch):
    command = [args.minfer, '--model', model, '--dtype', dtype, '--batch', str(batch), '--weights', 'synthetic', '--threads', str(args.threads),
               '--min-time', str(args.seconds), '--precision', '100', '--format', 'json', '--quiet']
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_chain(chain, args, model, dtype, batch):
    command = [chain, model, str(args.threads), str(batch), {'f32': '0', 'int8': '1', 'bf16': '2'}[dtype]]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r': ([0-9.]+) ms', out).group(1))


def cell(args, chain, model, dtype, batch):
    runs, ratios = [], []
    for i in range(args.rounds):
        theirs = run_chain(chain, args, model, dtype, batch) if chain and i % 2 else None
        ours = run_minfer(args, model, dtype, batch)
        if chain and theirs is None: theirs = run_chain(chain, args, model, dtype, batch)
        runs.append(ours)
        if chain: ratios.append(theirs / ours['latency_ms']['p50'])
    middle = lambda get: statistics.median(get(r) for r in runs)
    memory = runs[0]['memory']
    row = {'network': model, 'type': dtype, 'batch': str(batch), 'ms': f"{middle(lambda r: r['latency_ms']['p50']):.2f}",
           'images/s': f"{middle(lambda r: r['images_per_s']):.1f}", 'in primitives': f"{100 * middle(lambda r: r['trace']['closure']):.2f} %",
           'tracing': f"{100 * middle(lambda r: r['trace']['overhead']):+.2f} %",
           'activations / bound': f"{memory['activation_bytes'] / memory['activation_bound_bytes']:.2f}"}
    if chain: row['chain / minfer'] = '{:.3f} [{:.3f}, {:.3f}]'.format(*interval(ratios))
    return row


def show(rows, style):
    keys = list(rows[0])
    width = {k: max(len(k), *(len(r[k]) for r in rows)) for k in keys}
    line = lambda r: ' | '.join(r[k].ljust(width[k]) for k in keys)
    if style == 'md':
        print('| ' + line(dict(zip(keys, keys))) + ' |\n|' + '|'.join('---' for _ in keys) + '|')
        for r in rows: print('| ' + line(r) + ' |')
    else:
        print('  '.join(k.ljust(width[k]) for k in keys))
        for r in rows: print('  '.join(r[k].ljust(width[k]) for k in keys))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--minfer', default=f'{ROOT}/build/release/minfer')
    p.add_argument('--chain', default=f'{ROOT}/../shared/reference/chain.cpp')
    p.add_argument('--models', default='resnet50,mobilenet_v1')
    p.add_argument('--batches', default='1,32')
    p.add_argument('--dtypes', default='')
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--seconds', type=float, default=2)
    p.add_argument('--threads', type=int, default=0)
    p.add_argument('--format', default='table', choices=['table', 'md'])
    args = p.parse_args()
    machine = json.loads(subprocess.run([args.minfer, 'env', '--format', 'json'], check=True, capture_output=True, text=True).stdout)
    args.threads = args.threads or machine['default_threads']
    dtypes = args.dtypes.split(',') if args.dtypes else ['f32', 'int8'] + ['bf16'] * bool(machine['native_bf16'])
    chain = build_chain(args.chain) if os.path.exists(args.chain) else None
    if not chain: print('the reference chain is not there: its column is left out', file=sys.stderr)
    rows = []
    for model in args.models.split(','):
        for dtype in dtypes:
            for batch in args.batches.split(','):
                rows.append(cell(args, chain, model, dtype, int(batch)))
                print('  '.join(rows[-1].values()), file=sys.stderr)
    print(f"{machine['cpu']}, {args.threads} threads, {machine['isa']}, oneDNN {machine['onednn']['version']}, {args.rounds} rounds\n")
    show(rows, args.format)


if __name__ == '__main__': main()
