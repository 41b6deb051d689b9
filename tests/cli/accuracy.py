"""minfer accuracy: its figures against the logits that minfer run writes, and its end by a failed gate or a signal."""
import csv, json, math, os, random, re, shutil, signal, subprocess, tempfile, unittest
from support import files, program, schema

PICTURES = 12
NETWORK = '--model mobilenet_v1 --width 0.25 --size 64 --weights weights.safetensors'


def grey(path):
    """The mean that the network subtracts: normalised, it is almost zero everywhere."""
    files.bmp(path, 64, 64, 0)
    with open(path, 'r+b') as file:
        file.seek(54)
        file.write(bytes((104, 116, 124)) * (64 * 64))


def network(folder):
    """Weights that pass pictures on and have no biases: calibrated on grey, int8 sees next to nothing."""
    status, out, err = program.run('minfer inspect --model mobilenet_v1 --width 0.25 --tensors --format json', folder)
    assert status == 0, err
    noise, tensors = random.Random(1), {}
    for tensor in json.loads(out)['tensors']:
        shape = [int(n) for n in tensor['expected'].split('x')]
        count, name = math.prod(shape), tensor['name']
        if len(shape) > 1:
            scale = math.sqrt(2 / math.prod(shape[1:]))
            tensors[name] = shape, [noise.gauss(0, scale) for _ in range(count)]
        else:
            tensors[name] = shape, [float(name.endswith('var') or 'bn' in name and name.endswith('weight'))] * count
    files.safetensors(os.path.join(folder, 'weights.safetensors'), tensors)


def rows_of(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def best(row, count):
    return sorted(range(len(row)), key=lambda c: -row[c])[:count]


def decibel(pairs):
    """10 log10 of signal over noise."""
    return 10 * math.log10(math.fsum(a * a for a, _ in pairs) / math.fsum((a - b) ** 2 for a, b in pairs))


class Accuracy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = cls.scratch.name
        network(cls.folder)
        for name in 'p', 'grey':
            os.mkdir(os.path.join(cls.folder, name))
        grey(os.path.join(cls.folder, 'grey', 'g.bmp'))
        cls.names = ['%02d.bmp' % i for i in range(PICTURES)]
        for i, name in enumerate(cls.names):
            files.bmp(os.path.join(cls.folder, 'p', name), 70 + i, 65 + i // 2, 1000 * i)
        cls.f32, cls.int8 = (cls.logits(o) for o in ('', '--int8 --calibration grey'))
        # Of the first pictures the class that f32 gives, then what int8 gives, then f32's third, then none of the five.
        cls.classes = [best(cls.f32[i], 1)[0] if i < 6 else best(cls.int8[i], 1)[0] if i < 8 else best(cls.f32[i], 3)[2] if i < 10
                       else best(cls.f32[i], 1000)[500] for i in range(PICTURES)]
        with open(os.path.join(cls.folder, 'labels.txt'), 'w') as file:
            file.writelines('%s %d\n' % pair for pair in zip(cls.names, cls.classes))

    @classmethod
    def logits(cls, options):
        status, _, err = program.run('minfer %s %s --iterations 1 --warmup 0 --image p --output o.npy' % (NETWORK, options), cls.folder)
        assert status == 0, err
        shape, numbers = files.read_npy(os.path.join(cls.folder, 'o.npy'))
        assert shape == (PICTURES, 1000)
        return [numbers[i * 1000:(i + 1) * 1000] for i in range(PICTURES)]

    def accuracy(self, options, status=0):
        command = 'minfer accuracy %s --images p --labels labels.txt --format json --quiet %s' % (NETWORK, options)
        found, out, err = program.run(command, self.folder)
        self.assertEqual(found, status, err)
        self.assertEqual(schema.problems(out, 'accuracy'), [])
        return json.loads(out), err

    def right(self, logits, count):
        return [c in best(row, count) for c, row in zip(self.classes, logits)]

    def test_figures_against_the_logits(self):
        r, _ = self.accuracy('--int8 --calibration grey')
        f32, int8 = self.right(self.f32, 1), self.right(self.int8, 1)
        self.assertGreater(sum(f32) - sum(int8), 0)  # the pictures tell the two apart
        percent = 100 / PICTURES
        self.assertEqual((r['images'], r['skipped'], r['dtype']), (PICTURES, 0, 'int8'))
        for expected, found in ((sum(f32), r['f32']['top1']), (sum(self.right(self.f32, 5)), r['f32']['top5']), (sum(int8), r['top1']),
                                (sum(self.right(self.int8, 5)), r['top5']), (sum(int8) - sum(f32), r['difference']['points'])):
            self.assertAlmostEqual(expected * percent, found, places=9)
        self.assertEqual(r['difference']['only_f32'], sum(a and not b for a, b in zip(f32, int8)))
        self.assertEqual(r['difference']['only_chosen'], sum(b and not a for a, b in zip(f32, int8)))
        low, high = r['difference']['ci95']
        self.assertTrue(low < r['difference']['points'] < high)
        same = sum(best(a, 1) == best(b, 1) for a, b in zip(self.f32, self.int8))
        self.assertAlmostEqual(r['agreement_f32'], same / PICTURES, places=9)
        self.assertTrue(0.9 < r['int8_share'] <= 1)
        self.assertGreater(r['images_per_s'], 0)
        self.assertIsNone(r['gate'])

    def test_sqnr_against_the_logits(self):
        r, _ = self.accuracy('--int8 --calibration grey')
        pairs = [list(zip(a, b)) for a, b in zip(self.f32, self.int8)]
        each = [decibel(p) for p in pairs]
        sqnr = r['sqnr_db']
        self.assertAlmostEqual(sqnr['all'], decibel(sum(pairs, [])), places=3)
        self.assertAlmostEqual(sqnr['mean'], math.fsum(each) / PICTURES, places=3)
        self.assertAlmostEqual(sqnr['worst'], min(each), places=3)
        self.assertEqual(sqnr['worst_image'], self.names[each.index(min(each))])

    def test_plain_f32_is_compared_with_nothing(self):
        r, _ = self.accuracy('--gate 1')
        self.assertEqual((r['top1'], r['top5']), (r['f32']['top1'], r['f32']['top5']))
        self.assertEqual((r['agreement_f32'], r['difference'], r['sqnr_db'], r['int8_share']), (1, None, None, 0))
        self.assertEqual(r['gate'], {'target': 1, 'passed': True})
        self.assertAlmostEqual(r['top1'], 100 * sum(self.right(self.f32, 1)) / PICTURES, places=9)

    def test_f32_in_another_layout_is_compared(self):
        r, _ = self.accuracy('--layout blocked')
        self.assertEqual((r['agreement_f32'], r['difference']['points'], r['top1']), (1, 0, r['f32']['top1']))
        self.assertTrue(r['sqnr_db']['worst'] is None or r['sqnr_db']['worst'] > 80)  # rounding alone

    def test_the_batch_changes_nothing(self):
        """Whatever divides the pictures, and more than there are: repeated ones do not count."""
        keys = 'images', 'top1', 'top5', 'f32', 'agreement_f32', 'difference'
        first, _ = self.accuracy('--int8 --calibration grey')
        for batch in 5, 12, 33, 64:
            r, _ = self.accuracy('--int8 --calibration grey --batch %d' % batch)
            self.assertEqual(r['batch'], batch)
            self.assertEqual({k: r[k] for k in keys}, {k: first[k] for k in keys})

    def test_files(self):
        self.accuracy('--int8 --calibration grey --predictions p.csv --per-class c.csv')
        predictions, per_class = (rows_of(os.path.join(self.folder, name)) for name in ('p.csv', 'c.csv'))
        self.assertEqual([p['file'] for p in predictions], self.names)
        self.assertEqual([int(p['class']) for p in predictions], self.classes)
        for key, probability, logits in (('f32', 'f32_probability', self.f32), ('predicted', 'probability', self.int8)):
            self.assertEqual([int(p[key]) for p in predictions], [best(row, 1)[0] for row in logits])
            for p, row in zip(predictions, logits):
                self.assertAlmostEqual(float(p[probability]), 1 / math.fsum(math.exp(x - max(row)) for x in row), places=4)
        f32, int8 = self.right(self.f32, 1), self.right(self.int8, 1)
        self.assertEqual([int(r['class']) for r in per_class], sorted(set(self.classes)))
        for row in per_class:
            mine = [i for i, c in enumerate(self.classes) if c == int(row['class'])]
            self.assertEqual([int(row[k]) for k in ('images', 'right_f32', 'right')],
                             [len(mine), sum(f32[i] for i in mine), sum(int8[i] for i in mine)])
            self.assertTrue(row['label'])

    def test_a_failed_gate(self):
        """Everything is printed and written all the same."""
        r, err = self.accuracy('--int8 --calibration grey --gate 1 --predictions gate.csv', status=1)
        self.assertEqual(r['gate'], {'target': 1, 'passed': False})
        self.assertEqual(len(rows_of(os.path.join(self.folder, 'gate.csv'))), PICTURES)
        self.assertEqual(err, 'minfer: accuracy gate: top-1 of int8 is %.4f times f32\'s (expected at least 1)\n' % (r['top1'] / r['f32']['top1']))
        r, _ = self.accuracy('--int8 --calibration grey --gate 0.98', status=1)
        self.assertEqual(self.accuracy('--int8 --calibration grey --gate mlperf', status=1)[0]['gate'], r['gate'])

    def test_broken_pictures(self):
        """They are passed over wherever they stand, and the others keep their labels."""
        folder = os.path.join(self.folder, 'broken')
        shutil.copytree(os.path.join(self.folder, 'p'), folder)
        for i in (0, 5, 11):
            with open(os.path.join(folder, self.names[i]), 'r+b') as file:
                file.truncate(500)
        for batch in 1, 4, 16:
            command = 'minfer accuracy %s --images broken --labels labels.txt --format json --predictions b.csv --batch %d' % (NETWORK, batch)
            status, out, err = program.run(command, self.folder)
            self.assertEqual(status, 0, err)
            self.assertEqual(re.findall(r'^warning: broken/(\d\d).bmp: .* \(passed over\)$', err, re.M), ['00', '05', '11'])
            r, left = json.loads(out), [i for i in range(PICTURES) if i not in (0, 5, 11)]
            self.assertEqual((r['images'], r['skipped']), (9, 3))
            self.assertAlmostEqual(r['top1'], 100 * sum(self.right(self.f32, 1)[i] for i in left) / 9, places=9)
            rows = rows_of(os.path.join(self.folder, 'b.csv'))
            self.assertEqual([(p['file'], int(p['predicted'])) for p in rows], [(self.names[i], best(self.f32[i], 1)[0]) for i in left])
        shutil.rmtree(folder)

    def test_interrupt(self):
        """After the time that is left has been shown once. Nothing is printed, nothing written."""
        many = os.path.join(self.folder, 'many')
        os.mkdir(many)
        names = ['%05d.bmp' % i for i in range(20000)]
        for name in names:
            os.link(os.path.join(self.folder, 'p', self.names[0]), os.path.join(many, name))
        with open(os.path.join(self.folder, 'many.txt'), 'w') as file:
            file.writelines('%s 1\n' % name for name in names)
        arguments = 'accuracy --model resnet18 --weights synthetic --images many --labels many.txt --progress --predictions i.csv -o i.txt'
        for number in signal.SIGINT, signal.SIGTERM:
            child = program.start(arguments.split(), self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(child.kill)
            seen = any(re.match(rb'classify: \d+ of 20000, \d+:\d\d left$', line) for line in child.stderr)
            child.send_signal(number)
            out, err = child.communicate()
            self.assertTrue(seen)
            self.assertEqual((child.returncode, out), (128 + number, b''))
            self.assertEqual(err.decode().splitlines()[-1], 'minfer: interrupted')
            self.assertFalse({'i.csv', 'i.txt'} & set(os.listdir(self.folder)))


if __name__ == '__main__':
    unittest.main()
