"""The sweep over batch sizes as a shell script, and the table of thread settings."""
import csv, os, statistics, sys
from charts import chart
from measure import Job, run_json
from page import listing, number, percent, span, text, times

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from intervals import interval

NETWORKS = {'alexnet': 8, 'googlenet': 15, 'inception3': 60, 'resnet50': 40, 'resnet152': 110, 'vgg16': 150}  # about ms an image
TIMES = ['effective', 'spin', 'wait', 'overhead']
AFFINITY = 'granularity=fine,compact,1,0'
VARIABLES = ['OMP_NUM_THREADS', 'OMP_PROC_BIND', 'KMP_BLOCKTIME', 'KMP_AFFINITY', 'KMP_SETTINGS']


# ---- batches

def batches_jobs(s):
    return [Job(f'cnn_sweep-{network}', s.sweep, program=os.path.join(HERE, 'cnn_sweep.sh'), cost=5 + ms * 3 * sum(s.sweep_batches) / 1000,
                environment={'NETWORKS': network, 'BATCHES': ' '.join(map(str, s.sweep_batches)), 'KMP_SETTINGS': '0'}) for network, ms in NETWORKS.items()]


def batches(s, results, part):
    lines = [line.split() for job in batches_jobs(s) if job.name in results for line in results[job.name].splitlines()[1:]]
    rows = [{'network': network, 'batch_size': int(batch), 'images_per_s': None if rate == '-' else float(rate)} for network, batch, rate in lines]
    part.table('cnn_sweep', [text('network'), number('batch_size', 'batch_size', 'd'), number('images/second', 'images_per_s', '.1f')], rows)
    rates = {}
    for r in rows:
        if r['images_per_s']: rates.setdefault(r['network'], {})[r['batch_size']] = r['images_per_s']

    def draw(axis):
        for network, of in rates.items(): axis.plot(list(of), list(of.values()), marker='o', markersize=4, label=network)
        axis.set_xlabel('batch size')
        axis.set_ylabel('images/s')
        axis.set_xticks(s.sweep_batches)
        axis.set_ylim(bottom=0)

    part.chart('cnn_sweep', 'throughput by batch size', lambda path: chart(path, 'Throughput by batch size, f32', draw, legend=True))
    gains = {network: max(of.values()) / of[1] for network, of in rates.items() if 1 in of}
    best = {network: max(of, key=of.get) for network, of in rates.items()}
    if gains:
        most = max(gains, key=gains.get)
        part.say(f'The best batch gives {span(gains.values())} times the images a second of batch 1, most with {most} (batch {best[most]}).',
                 'Batching pays for every network.' if min(gains.values()) > 1.1 else
                 f'Batches pay for {listing(n for n in gains if gains[n] > 1.1)}; for the others batch 1 fills the cores already.' if max(gains.values()) > 1.1 else
                 'Batch 1 fills the cores already: larger batches only cost latency.',
                 'The article saw up to 7.4x from an optimised framework at batch 32, on 36 cores.')


# ---- thread settings

def settings(s):
    omp = f'OMP_NUM_THREADS={2 * s.threads}'
    lines = ['', 'KMP_BLOCKTIME=200', 'KMP_BLOCKTIME=0', 'KMP_BLOCKTIME=infinite', f'KMP_AFFINITY={AFFINITY}', f'KMP_BLOCKTIME=0 KMP_AFFINITY={AFFINITY}',
             'OMP_PROC_BIND=false', 'OMP_NUM_THREADS=1', omp, f'{omp} KMP_BLOCKTIME=0', f'{omp} KMP_BLOCKTIME=infinite']
    return {line or 'default': {**dict.fromkeys(VARIABLES, ''), **dict(word.split('=', 1) for word in line.split())} for line in lines}


def threads_jobs(s):
    return [run_json(f'threads-{i}-{round_}', ['--model', 'mobilenet_v1', '--weights', 'synthetic', '--trace-level', 'thread'] + s.threads_run,
                     environment=environment, trace='.csv', cost=3)
            for round_ in range(s.threads_rounds) for i, environment in enumerate(settings(s).values())]


def worker_times(path):
    """Sums over the spans of all workers in a trace, by TIMES."""
    with open(path, newline='') as file:
        rows = [row for row in csv.DictReader(file) if row['effective_ns']]
    return [sum(int(row[name + '_ns']) for row in rows) for name in TIMES]


def threads(s, results, part):
    rounds = range(s.threads_rounds)
    rows = []
    for i, name in enumerate(settings(s)):
        runs = [results[f'threads-{i}-{k}'] for k in rounds]
        spent = [sum(of) for of in zip(*(worker_times(results.trace(f'threads-{i}-{k}')) for k in rounds))]
        middle, low, high = interval([results[f'threads-0-{k}']['latency_ms']['p50'] / runs[k]['latency_ms']['p50'] for k in rounds])
        rows.append({'setting': name, 'threads': runs[0]['threads'], 'latency_ms': statistics.median(run['latency_ms']['p50'] for run in runs),
                     'p99_ms': statistics.median(run['latency_ms']['p99'] for run in runs), 'speed': middle, 'low': low, 'high': high,
                     **{t: v / sum(spent) if sum(spent) else None for t, v in zip(TIMES, spent)}})
    part.table('threads', [text('setting'), number('threads', 'threads', 'd'), number('latency ms', 'latency_ms'), number('p99 ms', 'p99_ms'),
                           number('speed against default', 'speed', '.2f', 'x'), number('lowest', 'low', '.2f', 'x'), number('highest', 'high', '.2f', 'x'),
                           *(number(t, t, '.1%') for t in TIMES)], rows)

    def draw(axis):
        base = [0] * len(rows)
        for t in TIMES:
            values = [100 * (r[t] or 0) for r in rows]
            axis.barh([r['setting'].replace(' KMP', '\nKMP') for r in rows], values, 0.7, left=base, label=t)
            base = [b + v for b, v in zip(base, values)]
        axis.invert_yaxis()
        axis.grid(axis='y', visible=False)
        axis.grid(axis='x')
        axis.set_xlabel("% of the workers' time inside primitives")
        axis.tick_params(axis='y', length=0)

    part.chart('threads', "what the workers' time goes into", lambda path: chart(
        path, 'MobileNet-v1, f32: effective, spin and wait time by thread setting', draw, height=5, legend=True))
    best, worst = max(rows, key=lambda r: r['speed']), min(rows, key=lambda r: r['speed'])
    default = rows[0]
    spun, lazy = max(rows, key=lambda r: r['spin'] or 0), max(rows, key=lambda r: r['wait'] or 0)
    block0 = next(r for r in rows if r['setting'] == 'KMP_BLOCKTIME=0')
    part.say('The article had 2.6 % effective and 97.3 % spin time by default, 75.0 % and 21.6 % with KMP_BLOCKTIME=0, and a gain of 2.26x.',
             f"Here the default has {percent(default['effective'])} effective and {percent(default['spin'])} spin time, KMP_BLOCKTIME=0",
             f"{percent(block0['effective'])} and {percent(block0['spin'])}, at {block0['speed']:.2f} times the speed:",
             'as in the article, sleeping early pays.' if block0['low'] > 1 else
             'sleeping early costs, for waking up takes longer than the waits are.' if block0['high'] < 1 else 'the difference is not beyond the noise.')
    part.say(f"Fastest is `{best['setting']}` ({best['speed']:.2f}x)," if best['low'] > 1 else 'No setting beats the default beyond the noise;',
             f"slowest is `{worst['setting']}` ({worst['speed']:.2f}x).",
             f"Most spin time has `{spun['setting']}` ({percent(spun['spin'])}), most wait time `{lazy['setting']}` ({percent(lazy['wait'])}).",
             "The article's collapse comes back where threads outnumber cores: a thread that spins keeps the one with the work from its core."
             if worst['threads'] > s.threads and worst['speed'] < 0.7 else 'No setting collapses as the default did in the article.',
             f'Shares are of the time of all workers inside primitives; speeds are medians of {s.threads_rounds} rounds of all settings in turn.')
