"""The built program as a user has it: on PATH, in an empty folder, with none of the caller's settings in the environment."""
import os, subprocess, tempfile

MINFER = os.path.abspath(os.environ['MINFER'])
SOURCE = os.path.abspath(os.environ['MINFER_SOURCE'])
DATA = os.environ.get('MINFER_DATA', '')
# A network that loads and runs in milliseconds, measured with as few runs as there can be.
SMALL = '--model mobilenet_v1 --width 0.25 --size 64'
QUICK = SMALL + ' --warmup 0 --iterations 2'

_scratch = tempfile.TemporaryDirectory()
_bin = os.path.join(_scratch.name, 'bin')
os.mkdir(_bin)
os.symlink(MINFER, os.path.join(_bin, 'minfer'))


def environment(**more):
    home = os.path.join(_scratch.name, 'home')
    os.makedirs(home, exist_ok=True)
    found = {'PATH': _bin + ':/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': home, 'MINFER_SOURCE': SOURCE, 'DATA': DATA, 'SMALL': SMALL,
             'QUICK': QUICK}
    # What sanitizer builds need.
    found.update({name: value for name, value in os.environ.items() if name.endswith('SAN_OPTIONS')})
    found.update(more)
    return found


def run(command, folder, **more):
    """A command for the shell; gives status, stdout and stderr."""
    done = subprocess.run(['/bin/bash', '-c', command], cwd=folder, env=environment(**more), stdin=subprocess.DEVNULL,
                          capture_output=True)
    return done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace')


def start(arguments, folder, **options):
    """The program itself, without a shell between, for signals and terminals."""
    return subprocess.Popen([MINFER] + arguments, cwd=folder, env=environment(), **options)
