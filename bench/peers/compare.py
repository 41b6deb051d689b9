#!/usr/bin/env python3
"""minfer beside other engines: same network, weights, batch and threads, in interleaved runs.

  bench/peers/compare.py --builder FILE.py [--models A,B] [--dtypes f32,int8] [--batches 1,32] [--engines A,B] [--threads N] [--rounds 9] [--seconds 2]

A cell is a network, a type and a batch size. In each round minfer and then every engine (beginning with another one each round) runs for --seconds, each in
a process of its own and the others waiting for their turn; the ratio of a round is the engine's median latency over minfer's, so more than 1 means
that minfer is faster. Printed are the median ratios with 95 % intervals. setup.sh brings the engines; one that is missing or refuses a cell is
named. BUILDER: see prepare.py. Nothing else may run meanwhile.
"""
import argparse, json, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from intervals import interval

ENGINES = ['onnxruntime', 'openvino', 'nncf', 'mxnet']


class Worker:
    def __init__(self, args, engine, folder, model, dtype, batch):
        python = f'{args.environments}/{engine}/bin/python'
        self.engine = engine
        self.log = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen([python, f'{HERE}/worker.py', engine, folder, model, dtype, str(batch), str(args.threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.version = (self.answer() or {}).get('version')

    def answer(self):
        for line in self.process.stdout:  # libraries print too
            if line.startswith('{'): return json.loads(line)
        return None

    def why(self):
        self.process.wait()
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return lines[-1][:100] if lines else 'ended'

    def time(self, seconds):
        self.process.stdin.write(f'{seconds}\n')
        self.process.stdin.flush()
        return self.answer()['ms']

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def run_minfer(args, folder, model, dtype, batch):
    command = [args.minfer, '--model', model, '--dtype', dtype, '--batch', str(batch), '--weights', f'{folder}/net.safetensors', '--threads', str(args.threads),
               '--min-time', str(args.seconds), '--precision', '100', '--format', 'json', '--quiet']
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)['latency_ms']['p50']


def cell(args, folder, model, dtype, batch):
    workers = []
    for engine in args.engines:
        if not os.path.exists(f'{args.environments}/{engine}/complete'): continue
        worker = Worker(args, engine, folder, model, dtype, batch)
        if worker.version: workers.append(worker)
        else: print(f'{model} {dtype} batch {batch}: {engine} left out: {worker.why()}', file=sys.stderr)
    ours, theirs, ratios = [], {w.engine: [] for w in workers}, {w.engine: [] for w in workers}
    for i in range(args.rounds):
        times = {w.engine: w.time(args.seconds) for w in workers[i % len(workers):]} if workers else {}
        ms = run_minfer(args, folder, model, dtype, batch)
        times.update({w.engine: w.time(args.seconds) for w in workers[:i % len(workers)]} if workers else {})
        ours.append(ms)
        for engine, t in times.items():
            theirs[engine].append(t)
            ratios[engine].append(t / ms)
    for w in workers:
        w.end()
        ratio, low, high = interval(ratios[w.engine])
        print(f'| {model} | {dtype} | {batch} | {interval(ours)[0]:.2f} | {w.engine} {w.version} | {interval(theirs[w.engine])[0]:.2f} | {ratio:.2f} [{low:.2f}, {high:.2f}] |',
              flush=True)


def main():
    listing = lambda s: s.split(',')
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--minfer', default=f'{HERE}/../../build/release/minfer')
    p.add_argument('--builder', required=True)
    p.add_argument('--environments', default=os.path.join(os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache')), 'minfer-peers'))
    p.add_argument('--models', type=listing, default=['resnet50', 'resnet18', 'mobilenet_v1', 'mobilenet_v2', 'alexnet', 'vgg16'])
    p.add_argument('--dtypes', type=listing, default=['f32', 'bf16', 'int8'])
    p.add_argument('--batches', type=listing, default=['1', '32'])
    p.add_argument('--engines', type=listing, default=ENGINES)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--rounds', type=int, default=9)
    p.add_argument('--seconds', type=float, default=2)
    args = p.parse_args()
    missing = [e for e in args.engines if not os.path.exists(f'{args.environments}/{e}/complete')]
    if missing: print(f'not here: {", ".join(missing)} (bench/peers/setup.sh)', file=sys.stderr)
    print('| network | type | batch | minfer ms | engine | its ms | its time / minfer\'s |\n|---|---|---|---|---|---|---|', flush=True)
    for model in args.models:
        with tempfile.TemporaryDirectory(prefix='minfer-peers-') as folder:
            subprocess.run([f'{args.environments}/onnxruntime/bin/python', f'{HERE}/prepare.py', args.builder, model, folder], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for dtype in args.dtypes:
                for batch in args.batches: cell(args, folder, model, dtype, int(batch))


main()
