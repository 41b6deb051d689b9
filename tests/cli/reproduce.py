"""bench/reproduce on a small scale: tables against what minfer printed, sentences against the figures, interruption, failures."""
import csv, json, os, signal, subprocess, sys, tempfile, time, unittest
from support import program

FOLDER = os.path.join(program.SOURCE, 'bench', 'reproduce')
sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
import networks, resnets, threads
from page import Part

PYTHON = '/usr/bin/python3'  # run.py's, which sees Debian's packages
CHARTS = subprocess.run([PYTHON, '-c', 'import matplotlib'], stderr=subprocess.DEVNULL).returncode == 0
if not CHARTS:
    print('SKIP: the charts need matplotlib (bench/reproduce/setup.sh)')

# minfer with small pictures and few runs, which writes down what it is asked. slow: its comparisons without fusion do not end; broken: they fail.
SMALL = '''#!/bin/bash
here=$(dirname "$0")
echo "$*" >>"$here/asked"
case "$1" in
env) exec minfer env --format json --quiet ;;
report) exec minfer "$@" ;;
inspect) exec minfer "$@" --size 64 ;;
esac
case "$*" in
*--vs*--fusion*)
  if [ -e "$here/broken" ]; then echo "minfer: out of memory" >&2; exit 4; fi
  if [ -e "$here/slow" ]; then echo $$ >"$here/slow"; exec sleep 1000; fi ;;
esac
options=()
for option; do
  case $option in
  --min-time | --precision) skip=1 ;;
  *) [ -n "$skip" ] || options+=("$option"); skip= ;;
  esac
done
exec minfer "${options[@]}" --size 64 --warmup 0 --iterations 2
'''


class Reproduce(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.write('minfer', SMALL)
        os.chmod(os.path.join(self.folder, 'minfer'), 0o755)

    def write(self, name, text=''):
        with open(os.path.join(self.folder, name), 'w') as file: file.write(text)

    def read(self, *names):
        with open(os.path.join(self.folder, *names)) as file: return file.read()

    def rows(self, name):
        return list(csv.DictReader(self.read('out', name + '.csv').splitlines()))

    def result(self, name):
        return json.loads(self.read('out', 'runs', name + '.json'))['result']

    def command(self, *arguments):
        return [os.path.join(FOLDER, 'run.py'), '--minfer', 'minfer', '-o', 'out', *arguments]

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=program.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def run_sections(self, *arguments, status=0):
        done = subprocess.run(self.command(*arguments), cwd=self.folder, env=program.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def asked(self):
        """What minfer was asked to measure since the last call."""
        lines = [line for line in self.read('asked').splitlines() if not line.startswith(('env', 'report'))]
        os.remove(os.path.join(self.folder, 'asked'))
        return lines

    def check_charts(self, *names):
        for name in names:
            self.assertEqual(os.path.exists(os.path.join(self.folder, 'out', name + '.svg')), CHARTS)
            self.assertEqual(os.path.exists(os.path.join(self.folder, 'out', name + '.png')), CHARTS)
            self.assertEqual('](%s.svg)' % name in self.read('out', 'index.md'), CHARTS)

    # ---- figures

    def test_tables_hold_what_minfer_printed(self):
        self.run_sections('--only', 'resnet50,block,layers')
        pair, page = self.result('resnet50-b1-int8'), self.read('out', 'index.md')
        for row in self.rows('resnet50_kinds'):
            for dtype, side in ('f32', 'a'), ('int8', 'b'):
                kind = next(k for k in pair[side]['kinds'] if k['kind'] == row['kind'])
                self.assertEqual((int(row['count_' + dtype]), float(row['ms_' + dtype])), (kind['count'], kind['time_ms']))
        self.assertEqual([row['count_f32'] for row in self.rows('resnet50_kinds') if row['kind'] == 'convolution'], ['53'])
        self.assertIn('int8 is %.2fx' % pair['speedup']['median'], page)
        self.assertEqual([float(row['f32_ms']) for row in sorted(self.rows('resnet50_layers'), key=lambda row: int(row['number']))],
                         [layer['a_ms'] for layer in pair['layers']])
        fused = [row for row in self.rows('residual_block') if row['fusion'] == 'on']
        times = {layer['name']: layer['time_ms'] for layer in self.result('resnet50-fusion')['a']['layers']}
        self.assertEqual([row['layer'].split('+')[0] for row in fused], ['layer2.1.conv1', 'layer2.1.conv2', 'layer2.1.conv3'])
        self.assertEqual([float(row['ms']) for row in fused], [times[row['layer']] for row in fused])
        off = [row['kind'] for row in self.rows('residual_block') if row['fusion'] == 'off']
        self.assertEqual((off.count('convolution'), off.count('batch_normalization'), off.count('eltwise'), len(off)), (3, 3, 3, 10))
        self.assertIn('10 primitives become 3', page)
        self.assertIn('Not measured yet: AlexNet, layer by layer; ', page)
        self.check_charts('resnet50_kinds', 'residual_block', 'resnet50_layers')

    def test_widths_and_threads(self):
        self.run_sections('--only', 'widths,threads')
        page = self.read('out', 'index.md')
        for row in self.rows('mobilenet_widths'):
            run = self.result('mobilenet_v1-%s-blocked' % row['width'])[networks.LAYOUTS[row['layout']]]
            self.assertEqual(run['width'], float(row['width']))
            self.assertEqual(int(row['reorders']), len(run['reorders']))
            self.assertEqual(float(row['latency_ms']), run['latency_ms']['p50'])
        self.assertIn('Accuracy is left out for width 0.25, 0.5, 0.75 and 1: ', page)
        rows = self.rows('threads')
        self.assertEqual((rows[0]['setting'], float(rows[0]['speed'])), ('default', 1))
        one = next(row for row in rows if row['setting'] == 'OMP_NUM_THREADS=1')
        self.assertEqual((one['threads'], float(one['spin']), float(one['wait'])), ('1', 0, 0))  # nobody to wait for
        for row in rows:
            self.assertAlmostEqual(sum(float(row[name]) for name in threads.TIMES), 1)
        for line in self.read('out', 'runs', 'threads-1-0.json'), self.read('out', 'runs', 'threads-1-2.json'):
            self.assertEqual(json.loads(line)['environment']['KMP_BLOCKTIME'], '200')
        self.check_charts('mobilenet_widths', 'threads')

    def test_batches_as_a_shell_script(self):
        self.write('minfer', '#!/bin/bash\nminfer "$@" | tee -a rows.jsonl\n')
        done = subprocess.run([os.path.join(FOLDER, 'cnn_sweep.sh'), '--size', '75', '--iterations', '2'], cwd=self.folder, capture_output=True, text=True,
                              env=program.environment(MINFER='./minfer', NETWORKS='resnet18 inception3', BATCHES='1 2'))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], 'network batch_size images/second')
        rows = [json.loads(line) for line in self.read('rows.jsonl').splitlines()]
        self.assertEqual([row['model'] for row in rows], ['resnet18'] * 2 + ['inception_v3'] * 2)
        self.assertEqual(lines[1:], ['%s %s %.2f' % (row['model'].replace('inception_v', 'inception'), row['batch'], row['images_per_s']) for row in rows])

    # ---- sentences

    def part(self):
        return Part(self.folder, False, '')

    def test_reorders_are_judged_by_their_number(self):
        for counts, words in ([[3, 0, 3, 0], 'so the thesis holds'], [[2, 2, 2, 2], 'the odd widths pay nothing extra'], [[3, 6, 3, 18], 'not as in the thesis']):
            part = self.part()
            networks.say_reorders([{'width': w, 'layout': layout, 'reorders': count if layout == 'blocked' else 0, 'blocked_time': 2, 'formats': '2 nChw16c, 1 nc'}
                                   for w, count in zip(networks.WIDTHS, counts) for layout in ('auto', 'blocked')], part)
            self.assertIn(words, part.markdown())
            self.assertIn('take 2.00 times as long', part.markdown())
            self.assertIn('activations are all nChw16c', part.markdown())

    def test_stages_are_judged_by_their_rates(self):
        two = {'network': 'x', 'ms': 1, 'channels': 256, 'pixels': 3136, 'blocks': 3, 'gflop': 1, 'gflops': 200, 'mb': 9, 'intensity': 50,
               'roof_share': None, 'bound': None}
        five = dict(two, channels=2048, pixels=49, mb=20, intensity=20)
        self.assertIn('conv5_x hardly differs from conv2_x: 1.00 times the time with 8 times the channels and 1/64 of the pixels', resnets.say_stage(two, five))
        self.assertIn('So the time follows the FLOPs', resnets.say_stage(two, five))
        slow = resnets.say_stage(two, dict(five, ms=2, gflops=100, roof_share=None))
        self.assertIn('is slower than', slow)
        self.assertIn('many weights for few pixels', slow)
        self.assertIn('60% of what the roofline allows (bound: DRAM)',
                      resnets.say_stage(dict(two, roof_share=0.5, bound='compute'), dict(five, roof_share=0.6, bound='DRAM')))

    # ---- interruption and failure

    def test_goes_on_after_an_interruption(self):
        self.write('slow')
        child = self.start('--only', 'resnet50,block')
        self.addCleanup(child.kill)
        for line in child.stderr:
            if line.startswith('block: resnet50-fusion: 2 of 2'): break
        while not self.read('slow'): time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate()
        self.assertEqual(child.returncode, 130)
        self.assertEqual(err.splitlines()[-1], 'interrupted: what was measured is kept, the same command goes on')
        self.assertFalse(os.path.exists('/proc/' + self.read('slow').strip()))
        files = [name for _, _, names in os.walk(os.path.join(self.folder, 'out')) for name in names]
        self.assertEqual(sorted(name for name in files if not name.endswith(('.svg', '.png'))),
                         ['index.md', 'machine.json', 'resnet50-b1-int8.json', 'resnet50_kinds.csv', 'resnet50_layers.csv'])
        self.assertNotIn('10 primitives become 3', self.read('out', 'index.md'))
        kinds = self.read('out', 'resnet50_kinds.csv')
        os.remove(os.path.join(self.folder, 'slow'))
        self.assertEqual(len(self.asked()), 2)
        self.run_sections('--only', 'resnet50,block')
        self.assertRegex('\n'.join(self.asked()), r'^compare .*--vs --fusion off[^\n]*$')
        self.assertEqual(self.read('out', 'resnet50_kinds.csv'), kinds)
        self.assertIn('10 primitives become 3', self.read('out', 'index.md'))
        page = self.read('out', 'index.md')
        self.run_sections('--only', 'resnet50,block')
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.read('out', 'index.md'), page)
        self.run_sections('--only', 'block', '--again')
        self.assertEqual(len(self.asked()), 1)

    def test_a_failure_is_on_the_page(self):
        self.write('broken')
        self.assertIn('block: minfer: out of memory (exit status 4)', self.run_sections('--only', 'block'))
        page = self.read('out', 'index.md')
        self.assertNotIn('| fusion |', page)
        self.assertIn('- `resnet50-fusion: minfer: out of memory (exit status 4)`', page)

    def test_wrong_use(self):
        self.assertIn('no section nothing', self.run_sections('--only', 'nothing', status=2))
        os.mkdir(os.path.join(self.folder, 'out'))
        self.write('out/machine.json', '{"form": "full"}')
        self.assertIn('out: has measurements of something else: form full, now quick; ', self.run_sections('--only', 'block', status=1))


if __name__ == '__main__':
    unittest.main()
