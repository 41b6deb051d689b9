#!/usr/bin/python3
"""Measures what the sources of minfer measured, and writes a page about it.

  bench/reproduce/run.py [--quick|--full] [--only SECTION,...] [--again] [-o DIR]      --list names the sections

DIR (default reproduction) gets index.md, a CSV file for each table, the charts as SVG and PNG, and in runs/ what minfer printed. --quick (the
default) takes under 20 minutes on two cores, --full some hours. What DIR has already is not measured again (--again: it is), so after an
interruption the same command goes on; the page has every section whose measurements are there. Charts need matplotlib (setup.sh), accuracy needs
the weights and pictures of $MINFER_DATA; what is left out is said. Nothing else should run meanwhile.
"""
import argparse, datetime, json, os, signal, subprocess, sys
from dataclasses import dataclass
from typing import Callable

import charts, networks, resnets, threads
from measure import Bench, NotMeasured, Progress, Results, write_whole
from page import Part

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get('MINFER_DATA') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'minfer-data')


@dataclass
class Settings:
    run: list             # options of minfer run
    compare: list         # of minfer compare at batch 1
    compare_large: list   # and above
    rounds: tuple         # about how many runs these make, run or compare at batch 1 and compare above: for the remaining time
    batches: list         # of the six networks
    sweep: list           # options of minfer sweep
    sweep_batches: list
    threads_run: list
    threads_rounds: int
    threads: int = 0      # default of this machine
    data: str = DATA


SHORT = ['--min-time', '1', '--precision', '100']
FEW = ['--warmup', '1', '--iterations', '6']  # the fewest that have an interval
QUICK = Settings(run=SHORT, compare=SHORT, compare_large=FEW, rounds=(30, 13), batches=[1, 16], sweep=['--budget', '1'], sweep_batches=[1, 8, 32],
                 threads_run=['--iterations', '20'], threads_rounds=3)
FULL = Settings(run=[], compare=[], compare_large=FEW, rounds=(250, 13), batches=[1, 128], sweep=[], sweep_batches=[1, 32, 64, 96, 128],
                threads_run=['--iterations', '100'], threads_rounds=7)


@dataclass
class Section:
    name: str
    title: str
    jobs: Callable  # (settings) -> [Job]
    tell: Callable  # (settings, results, part): fills the part of the page


SECTIONS = [
    Section('alexnet', 'AlexNet, layer by layer', networks.alexnet_jobs, networks.alexnet),
    Section('widths', 'MobileNet-v1 at four widths', networks.widths_jobs, networks.widths),
    Section('stages', 'ResNet-18 to 152 by stage', resnets.stages_jobs, resnets.stages),
    Section('networks', 'Six networks: unoptimised, f32, int8', networks.six_jobs, networks.six),
    Section('resnet50', 'ResNet-50: f32 against int8 by kind of primitive', resnets.resnet50_jobs, resnets.resnet50),
    Section('block', 'One residual block before and after fusion', resnets.block_jobs, resnets.block),
    Section('layers', 'ResNet-50: time of each layer', resnets.resnet50_jobs, resnets.layers),
    Section('batches', 'A sweep over batch sizes from a shell script', threads.batches_jobs, threads.batches),
    Section('threads', 'Thread settings', threads.threads_jobs, threads.threads),
    Section('questions', "The thesis's open questions", resnets.questions_jobs, resnets.questions),
]


SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Interrupted(Exception):
    pass


def say(line):
    print(line, file=sys.stderr, flush=True)


def stop(number, frame):
    raise Interrupted(number)


def minfer_json(minfer, *arguments):
    try:
        return json.loads(subprocess.run([minfer, *arguments, '--format', 'json', '--quiet'], check=True, capture_output=True, text=True).stdout)
    except OSError as error:
        sys.exit(f'{minfer}: {error.strerror} (build minfer first, or name it with --minfer)')
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr.strip())


# ---- the page

def section_part(section, bench, settings, arguments):
    """Its part of the page, or None while a measurement is missing."""
    jobs = section.jobs(settings)
    results, failures = Results(bench, jobs), []
    for job in jobs:
        kept = bench.kept(job)
        if not kept: return None
        if 'result' in kept: results[job.name] = kept['result']
        else: failures.append(f'{job.name}: {kept["failed"]}')
    part = Part(arguments.folder, charts.DRAWS, arguments.minfer)
    try:
        if results: section.tell(settings, results, part)
    except NotMeasured as missing:
        part.blocks.append(f'Cannot be shown without {missing}.')
    part.blocks += ['Not measured:\n\n' + '\n'.join(f'- `{line}`' for line in failures)] if failures else []
    return part


def environment_table(machine, arguments):
    peaks = machine['peaks']
    rows = [('CPU', machine['cpu']), ('cores', f"{machine['physical_cores']}, {machine['default_threads']} threads"),
            ('caches', ', '.join(f"{name} {machine[key] / 1024:.0f} KiB" for name, key in (('L1d', 'l1d_bytes'), ('L2', 'l2_bytes'), ('L3', 'l3_bytes')))),
            ('instruction set', machine['isa']), ('oneDNN', f"{machine['onednn']['version']}, {machine['onednn']['runtime']}"),
            ('minfer', machine['minfer']), ('form', 'full' if arguments.full else 'quick'), ('written', datetime.date.today().isoformat()),
            ('variables', ', '.join(f'{k}={v}' for k, v in machine['variables'].items()) or 'none'),
            ('peaks', 'measured' if peaks else 'not measured (`minfer env --measure`): no shares of the roof')]
    return '| | |\n|---|---|\n' + '\n'.join(f'| {name} | {value} |' for name, value in rows)


class Page:
    """index.md over every section that is measured. Each is told once, when its last measurement is there."""

    def __init__(self, bench, settings, arguments):
        self.bench, self.settings, self.arguments, self.parts = bench, settings, arguments, {}

    def write(self, machine):
        # Whole files only: who wants to interrupt waits the second that this takes.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for section in SECTIONS:
            if not self.parts.get(section.name):
                self.parts[section.name] = section_part(section, self.bench, self.settings, self.arguments)
        write_whole(os.path.join(self.arguments.folder, 'index.md'), self.text(machine))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def text(self, machine):
        there = [section for section in SECTIONS if self.parts[section.name]]
        blocks = ['# What the sources measured, with minfer', 'Sources: a thesis (2020) on Apache MXNet with MKL-DNN, an article (2018) that sweeps '
                  'batches from a shell script, an article (2018) on thread settings. Every figure below was measured on this machine by '
                  '`bench/reproduce/run.py`; what the text says of them is chosen by the figures.', environment_table(machine, self.arguments)]
        if not charts.DRAWS: blocks.append('The charts are left out: matplotlib is not installed (`bench/reproduce/setup.sh`).')
        blocks.append('\n'.join(f'{i}. [{section.title}](#{section.name})' for i, section in enumerate(there, 1)))
        for section in there: blocks += [f'<a id="{section.name}"></a>', f'## {section.title}', self.parts[section.name].markdown()]
        missing = [section.title for section in SECTIONS if section not in there]
        if missing: blocks.append('Not measured yet: ' + '; '.join(missing) + '.')
        return '\n\n'.join(blocks) + '\n'


# ---- measuring

def open_folder(arguments, machine):
    """Refuses a folder with measurements of something else."""
    stamp = {'form': 'full' if arguments.full else 'quick', 'cpu': machine['cpu'], 'threads': machine['default_threads'], 'minfer': machine['minfer'],
             'onednn': machine['onednn']['version']}
    path = os.path.join(arguments.folder, 'machine.json')
    os.makedirs(arguments.folder, exist_ok=True)
    if os.path.exists(path):
        with open(path) as file: before = json.load(file)
        differ = [f'{key} {before.get(key)}, now {value}' for key, value in stamp.items() if before.get(key) != value]
        if differ: sys.exit(f'{arguments.folder}: has measurements of something else: {"; ".join(differ)} (take another folder, -o)')
    else:
        write_whole(path, json.dumps(stamp) + '\n')


def measure(bench, settings, arguments, finish):
    """What is not there yet; finish() after each section."""
    jobs = {}
    for section in arguments.only:
        for job in section.jobs(settings): jobs.setdefault(job.name, (section, job))  # what several need, where it is needed first
    if arguments.again: bench.forget(job for _, job in jobs.values())
    jobs = [(section, job) for section, job in jobs.values() if not bench.kept(job)]
    progress = Progress([job for _, job in jobs], say)
    for i, (section, job) in enumerate(jobs):
        progress.begin(section.name, job)
        kept = bench.measure(job)
        if 'failed' in kept: say(f"{section.name}: {kept['failed']}")
        progress.end(job, kept['seconds'])
        if i + 1 == len(jobs) or jobs[i + 1][0] is not section: finish()


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form = p.add_mutually_exclusive_group()
    form.add_argument('--quick', action='store_true')
    form.add_argument('--full', action='store_true')
    p.add_argument('--only', default=','.join(s.name for s in SECTIONS), metavar='SECTION,...')
    p.add_argument('--again', action='store_true')
    p.add_argument('--list', action='store_true')
    p.add_argument('-o', dest='folder', default='reproduction', metavar='DIR')
    p.add_argument('--minfer', default=os.path.join(HERE, '..', '..', 'build', 'release', 'minfer'))
    arguments = p.parse_args()
    unknown = set(arguments.only.split(',')) - {s.name for s in SECTIONS}
    if unknown: p.error(f'no section {", ".join(sorted(unknown))} (--list names them)')
    arguments.only = [s for s in SECTIONS if s.name in arguments.only.split(',')]
    arguments.minfer = os.path.abspath(arguments.minfer)
    return arguments


def main():
    arguments = parse()
    if arguments.list:
        for section in SECTIONS: print(f'{section.name:10} {section.title}')
        return 0
    for number in SIGNALS: signal.signal(number, stop)
    if not charts.DRAWS: say('matplotlib is not installed: the charts are left out (bench/reproduce/setup.sh)')
    settings = FULL if arguments.full else QUICK
    try:
        machine = minfer_json(arguments.minfer, 'env')
        settings.threads = machine['default_threads']
        open_folder(arguments, machine)
        if not machine['peaks']:
            say('measuring the peaks of this machine (minfer env --measure)')
            machine = minfer_json(arguments.minfer, 'env', '--measure')
        bench = Bench(arguments.minfer, arguments.folder)
        page = Page(bench, settings, arguments)
        measure(bench, settings, arguments, lambda: page.write(machine))
        page.write(machine)
    except Interrupted as signal_:
        say('interrupted: what was measured is kept, the same command goes on')
        return 128 + signal_.args[0]
    say(f'{os.path.join(arguments.folder, "index.md")}: {sum(map(bool, page.parts.values()))} of {len(SECTIONS)} sections')
    return 0


if __name__ == '__main__': sys.exit(main())
