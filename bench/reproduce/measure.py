"""Jobs: commands whose results are kept in a folder, so that each is measured once whatever interrupts the whole."""
import json, os, signal, subprocess, time
from dataclasses import dataclass, field


@dataclass
class Job:
    """minfer with `options`, which prints JSON; or `program`, which prints text. `name`: the result is runs/NAME.json. `trace`: suffix of
    a trace that it writes as well. `cost`: about how many seconds it takes on two cores, for the progress."""
    name: str
    options: list = field(default_factory=list)
    cost: float = 5
    environment: dict = field(default_factory=dict)
    trace: str = ''
    program: str = ''


def run_json(name, options, **more):
    return Job(name, options + ['--format', 'json', '--quiet'], **more)


class NotMeasured(Exception):
    """A result that a section cannot do without is not there."""


class Results(dict):
    """Of the jobs of a section, by name; what failed is absent."""

    def __init__(self, bench, jobs):
        super().__init__()
        self.traces = {job.name: bench.trace(job) for job in jobs}

    def trace(self, name):
        return self.traces[name]

    def __missing__(self, name):
        raise NotMeasured(name)


class Bench:
    def __init__(self, minfer, folder):
        self.minfer, self.folder, self.child = minfer, folder, None
        os.makedirs(os.path.join(folder, 'runs'), exist_ok=True)

    def path(self, job):
        return os.path.join(self.folder, 'runs', job.name + '.json')

    def trace(self, job):
        return os.path.join(self.folder, 'runs', job.name + job.trace)

    def command(self, job):
        command = [job.program or self.minfer] + job.options
        return command + ['--trace=' + self.trace(job)] if job.trace else command

    def kept(self, job):
        """What was kept of the same command: {'result': ...} or {'failed': "why"}; else None."""
        try:
            with open(self.path(job)) as file:
                kept = json.load(file)
        except (OSError, ValueError):
            return None
        there = not job.trace or 'failed' in kept or os.path.exists(self.trace(job))
        return kept if (kept['options'], kept['environment']) == (job.options, job.environment) and there else None

    def measure(self, job):
        """Runs it and keeps the result, or why there is none. Whatever interrupts this ends the command and leaves nothing."""
        environment = dict(os.environ, MINFER=self.minfer, **job.environment)
        started = time.monotonic()
        # A session of its own: Ctrl-C reaches this script alone, which then ends the command with all its children.
        with subprocess.Popen(self.command(job), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, start_new_session=True) as child:
            try:
                out, err = child.communicate()
            except BaseException:
                os.killpg(child.pid, signal.SIGKILL)
                raise
        kept = {'options': job.options, 'environment': job.environment, 'seconds': round(time.monotonic() - started, 2)}
        if child.returncode == 0:
            kept['result'] = out if job.program else json.loads(out)
        else:
            lines = [line for line in err.splitlines() if line.startswith('minfer: ')] or err.splitlines() or ['no message']
            kept['failed'] = f'{lines[-1]} (exit status {child.returncode})'
        write_whole(self.path(job), json.dumps(kept) + '\n')
        return kept

    def forget(self, jobs):
        for job in jobs:
            if os.path.exists(self.path(job)): os.remove(self.path(job))


def write_whole(path, text):
    """The file whole, or as it was before."""
    with open(path + '.part', 'w', newline='') as file: file.write(text)
    os.replace(path + '.part', path)


class Progress:
    """Says on stderr what is measured now, and how long the rest will take by what was measured so far."""

    def __init__(self, jobs, say):
        self.left = {job.name: job.cost for job in jobs}
        self.say, self.total, self.done_cost, self.done_s = say, len(self.left), 0, 0

    def begin(self, section, job):
        seconds = sum(self.left.values()) * (self.done_s / self.done_cost if self.done_cost else 1)
        left = f'{seconds / 60:.0f} min' if seconds >= 90 else f'{seconds:.0f} s'
        self.say(f'{section}: {job.name}: {self.total - len(self.left) + 1} of {self.total}, about {left} left')

    def end(self, job, seconds):
        self.done_cost += self.left.pop(job.name)
        self.done_s += seconds
