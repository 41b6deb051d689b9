"""minfer verbose on minfer's own lines: the layers that it finds by their shapes are those that the plan says. Also what streams in."""
import json, os, subprocess, tempfile, unittest
from support import files, program, schema

# Names are told by their shapes alone; pictures of 64 pixels make other shapes than the default.
CASES = (('resnet18', ''), ('resnet18', '--fusion off'), ('resnet50', '--size 96'), ('resnet50', '--int8'), ('resnet50_v1', '--size 64'),
         ('mobilenet_v1', '--width 0.5 --size 64'), ('mobilenet_v2', '--size 64 --layout blocked'), ('googlenet', '--size 96'),
         ('squeezenet1_1', '--layout blocked'), ('efficientnet_lite0', '--size 64 --layout blocked'), ('alexnet', ''))


def read_log(folder, name, options):
    status, out, err = program.run('minfer verbose %s %s --format json' % (name, options), folder)
    assert status == 0, err
    assert schema.problems(out, 'verbose') == [], schema.problems(out, 'verbose')
    return json.loads(out), err


class Verbose(unittest.TestCase):
    def test_own_lines(self):
        for model, options in CASES:
            with self.subTest(model + ' ' + options), tempfile.TemporaryDirectory() as folder:
                # oneDNN says nothing of kernels that are not its own.
                command = 'minfer --model %s --weights synthetic --algorithm direct --iterations 3 --warmup 0 --format json -o run.json %s' % (model, options)
                status, _, err = program.run(command + ' > log 2>&1', folder, ONEDNN_VERBOSE='2')
                self.assertEqual(status, 0, err)
                with open(os.path.join(folder, 'run.json')) as file:
                    run = json.load(file)
                found, _ = read_log(folder, 'log', '--model ' + model)
                self.assertGreaterEqual(found['runs']['count'], 3)
                self.assertEqual(found['width'], run['width'])
                self.assertEqual(found['match']['found'], found['match']['expected'])
                self.assertIsNone(found['match']['note'])
                self.assertEqual(found['runs']['primitives'], sum(kind['count'] for kind in run['kinds'] if kind['kind'] != 'gap'))
                self.assertEqual(found['runs']['behind'], 0)
                # With fusion off, BatchNorm and activations are layers of their own there, and here part of what they follow.
                if 'off' in options:
                    joined = {source for layer in found['layers'] for source in layer['sources']}
                    self.assertEqual(joined, {source for layer in run['layers'] for source in layer['sources']})
                else:
                    self.assertEqual([(l['stage'], l['sources'], l['impl'], l['kind']) for l in found['layers']],
                                     [(l['stage'], l['sources'], l['impl'], l['kind']) for l in run['layers'] if l['impl']])
                    edges = [(r['from_format'], r['to_format'], r['from_dtype'], r['to_dtype']) for r in found['reorders']]
                    self.assertEqual(edges, [(r['from_format'], r['to_format'], r['from_dtype'], r['to_dtype']) for r in run['reorders']])

    def test_a_pipe(self):
        """What the issue's user types: both at once, without a file between."""
        with tempfile.TemporaryDirectory() as folder:
            command = ('ONEDNN_VERBOSE=1 minfer --model resnet18 --weights synthetic --size 64 --iterations 2 --warmup 0 2>&1 | '
                       'minfer verbose - --model resnet18')
            status, out, err = program.run(command, folder)
            self.assertEqual((status, err), (0, ''))
            self.assertIn('resnet18, oneDNN ', out)
            for stage in 'conv1', 'conv2_x', 'conv3_x', 'conv4_x', 'conv5_x', 'fc':
                self.assertRegex(out, r'(?m)^  %s +[0-9]+ ' % stage)

    def test_traces(self):
        with tempfile.TemporaryDirectory() as folder:
            files.verbose_log(os.path.join(folder, 'app.log'))
            status, _, err = program.run('minfer verbose app.log --model alexnet --trace=a.trace.json', folder)
            self.assertEqual(status, 0, err)
            with open(os.path.join(folder, 'a.trace.json')) as file:
                events = [e for e in json.load(file)['traceEvents'] if e['ph'] == 'X']
            self.assertEqual([e['name'] for e in events], ['run', 'conv1', 'conv1', 'pooling1', 'pooling1', 'conv2', 'conv2'] * 2)
            self.assertEqual(sum(e['dur'] for e in events if e['name'] == 'run'), 3500)

    def test_memory_does_not_grow_with_the_text(self):
        """60 MB of other programs' lines around a small log: what is kept is the small log."""
        with tempfile.TemporaryDirectory() as folder:
            files.verbose_log(os.path.join(folder, 'app.log'))
            command = ('(cat app.log; yes "a line of the program that has nothing to say, but says it at length" | head -c 60000000; echo) | '
                       'python3 -c "import resource, subprocess, sys; done = subprocess.run([\'minfer\', \'verbose\', \'-\', \'--format\', '
                       '\'jsonl\'], stdout=subprocess.DEVNULL); print(done.returncode, '
                       'resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 60000)"')
            status, out, err = program.run(command, folder)
            self.assertEqual((status, err), (0, ''))
            sanitized = any(name.endswith('SAN_OPTIONS') for name in os.environ)
            self.assertEqual(out, '0 %s\n' % (out.split()[1] if sanitized else True))


if __name__ == '__main__':
    unittest.main()
