#!/usr/bin/env python3
"""minfer beside other engines: same network, weights, input, batch and threads, in interleaved runs.

  bench/peers/compare.py --builder FILE.py [--models A,B] [--dtypes f32,int8] [--batches 1,32] [--engines A,B] [--threads N] [--rounds 9] [--seconds 2] [-o FILE.md]

A cell is a network, a type and a batch size. In each round minfer and every engine (beginning with another one each round) run for --seconds, twice
at least, each in a process of its own and the others waiting for their turn; the ratio of a round is the engine's median latency over minfer's, so
more than 1 means that minfer is faster. Printed are the median ratios with 95 % intervals. An engine whose logits are not ONNX Runtime's is refused,
minfer too. setup.sh brings the engines; one that is missing or refuses a cell is named. With -o rows are added to FILE, and cells that it has
already are not run again. BUILDER: see prepare.py. Nothing else may run meanwhile.
"""
import argparse, array, datetime, json, math, os, re, struct, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from intervals import interval

ENGINES = ['onnxruntime', 'openvino', 'nncf', 'ncnn', 'mnn', 'litert', 'mxnet']
HEAD = "| network | type | batch | minfer ms | engine | its ms | its time / minfer's |\n|---|---|---|---|---|---|---|"


def say(text): print(text, file=sys.stderr, flush=True)


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
            if line.startswith('{"'): return json.loads(line)
        return None

    def why(self):
        self.process.wait()
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return lines[-1][:100] if lines else f'ended with {self.process.returncode}'

    def time(self, seconds):
        """Its median in ms; None when it has ended."""
        try:
            self.process.stdin.write(f'{seconds}\n')
            self.process.stdin.flush()
        except BrokenPipeError: pass
        return (self.answer() or {}).get('ms')

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    def __init__(self, args, folder, model, dtype, batch):
        self.command = [args.minfer, '--model', model, '--dtype', dtype, '--batch', str(batch), '--weights', f'{folder}/net.safetensors', '--input',
                        f'{folder}/input.npy', '--threads', str(args.threads), '--trace-level', 'run', '--warmup', '2', '--format', 'json', '--quiet']
        self.ms = self.run(2, '--output', f'{folder}/ours.npy')
        if dtype == 'f32' and far(f'{folder}/ours.npy', f'{folder}/logits.npy') > .01: sys.exit(f'{model}: minfer computes another network')

    def run(self, runs, *more):
        out = subprocess.run([*self.command, '--iterations', str(runs), *more], check=True, capture_output=True, text=True).stdout
        return json.loads(out)['latency_ms']['p50']

    def time(self, seconds):
        return self.run(max(2, math.ceil(seconds * 1e3 / self.ms)))


def far(ours, theirs):
    """Relative error of the first row of two float32 .npy files."""
    rows = []
    for path in (theirs, ours):
        with open(path, 'rb') as f: data = f.read()
        rows.append(array.array('f', data[10 + struct.unpack_from('<H', data, 8)[0]:]))
    return math.dist(rows[1][:len(rows[0])], rows[0]) / math.hypot(*rows[0])


def cell(args, folder, model, dtype, batch):
    """The rows of a cell."""
    name = f'{model} {dtype} batch {batch}'
    try: ours = Ours(args, folder, model, dtype, batch)
    except subprocess.CalledProcessError as e: return say(f'{name}: left out: {e.stderr.strip()}') or []
    workers = []
    for engine in args.engines:
        if not os.path.exists(f'{args.environments}/{engine}/complete'): continue
        worker = Worker(args, engine, folder, model, dtype, batch)
        if worker.version: workers.append(worker)
        else: say(f'{name}: {engine} left out: {worker.why()}')
    rounds = []
    for i in range(args.rounds):
        sides = [ours, *workers]
        rounds.append({side: side.time(args.seconds) for side in sides[i % len(sides):] + sides[:i % len(sides)]})
        for worker in [w for w in workers if not rounds[-1][w]]:
            say(f'{name}: {worker.engine} left out: {worker.why()}')
            workers.remove(worker)
    rows = []
    for w in workers:
        w.end()
        ratio, low, high = interval([r[w] / r[ours] for r in rounds])
        rows.append(f'| {model} | {dtype} | {batch} | {interval([r[ours] for r in rounds])[0]:.2f} | {w.engine} {w.version} | '
                    f'{interval([r[w] for r in rounds])[0]:.2f} | {ratio:.2f} [{low:.2f}, {high:.2f}] |')
    return rows


def heading(args):
    processor = re.search(r'model name\s*: (.*)', open('/proc/cpuinfo').read())
    version = subprocess.run([args.minfer, '--version'], check=True, capture_output=True, text=True).stdout.strip()
    return f"{datetime.date.today()}, {processor[1] if processor else 'unknown CPU'}, {args.threads} threads, {version}; {args.rounds} rounds of {args.seconds:g} s\n\n{HEAD}"


def main():
    start = time.monotonic()
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
    p.add_argument('-o', dest='file')
    args = p.parse_args()
    missing = [e for e in args.engines if not os.path.exists(f'{args.environments}/{e}/complete')]
    if missing: say(f'not here: {", ".join(missing)} (bench/peers/setup.sh)')
    out = open(args.file, 'a+') if args.file else sys.stdout
    if args.file: out.seek(0)
    before = out.read() if args.file else ''
    if not before: print(heading(args), file=out, flush=True)
    for model in args.models:
        cells = [(d, b) for d in args.dtypes for b in args.batches if f'| {model} | {d} | {b} |' not in before]
        if not cells: continue
        with tempfile.TemporaryDirectory(prefix='minfer-peers-') as folder:
            subprocess.run([f'{args.environments}/onnxruntime/bin/python', f'{HERE}/prepare.py', args.builder, model, folder], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for dtype, batch in cells:
                for row in cell(args, folder, model, dtype, int(batch)): print(row, file=out)
                out.flush()
    say(f'{(time.monotonic() - start) / 60:.1f} minutes')


main()
