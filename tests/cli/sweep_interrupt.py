"""A sweep that is ended by a signal keeps its finished rows, and goes on from them."""
import csv, json, os, signal, unittest
from support import children, program, schema

# Two groups: the first ends by itself at once, the second (a round of it takes a second and more) only by the signal.
SWEEP = ['sweep', '--models', 'mobilenet_v1,resnet152', '--weights', 'synthetic', '--size', '64', '--dtypes', 'f32,bf16',
         '--emulate', '--threads', '1', '--budget', '80000', '--precision', '0.001', '--progress']


def with_end(arguments):
    """The same sweep with a budget that is over after the first round."""
    return ['0.001' if a == '80000' else a for a in arguments if a != '--progress'] + ['--quiet']


class Sweep(children.Children):
    def rows_of(self, text):
        return [(row['model'], row['dtype'], row['status']) for row in csv.DictReader(text.splitlines())]

    def begin(self, *more):
        """A file with the rows of the first group."""
        first = ['mobilenet_v1' if a == 'mobilenet_v1,resnet152' else a for a in with_end(SWEEP)]
        child = self.start(first + list(more))
        out, err = self.finish(child)
        self.assertEqual((child.returncode, out), (0, ''), err)

    def interrupt(self, arguments, number):
        child = self.start(arguments)
        self.read_until(child, b'resnet152 batch 1, group 2 of 2: ')
        child.send_signal(number)
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 128 + number)
        return out, err.splitlines()

    def test_resumed(self):
        self.begin('--resume', 'rows.csv')
        path = os.path.join(self.folder, 'rows.csv')
        with open(path) as file:
            before = file.read()
        out, err = self.interrupt(SWEEP + ['--resume', 'rows.csv'], signal.SIGINT)
        self.assertEqual(out, '')
        self.assertEqual(err[-2:], ['minfer: interrupted: 2 of 4 combinations are done', 'hint: the same command goes on'])
        self.assertEqual(os.listdir(self.folder), ['rows.csv'])
        with open(path) as file:
            self.assertEqual(file.read(), before)
        child = self.start(with_end(SWEEP) + ['--resume', 'rows.csv'])
        self.finish(child)
        self.assertEqual(child.returncode, 0)
        with open(path) as file:
            text = file.read()
        self.assertTrue(text.startswith(before))
        self.assertEqual([row[:2] for row in self.rows_of(text)],
                         [('mobilenet_v1', 'f32'), ('mobilenet_v1', 'bf16'), ('resnet152', 'f32'), ('resnet152', 'bf16')])

    def test_rows_stand_on_stdout_when_their_group_has_ended(self):
        # A budget that is over after the first round: both groups end, and the first one's rows come before the second begins.
        arguments = [a if a != '80000' else '0.001' for a in SWEEP] + ['--format', 'csv']
        child = self.start(arguments)
        lines = [child.stdout.readline().decode() for _ in range(3)]
        child.send_signal(signal.SIGTERM)
        out, err = self.finish(child)
        self.assertEqual([row[:2] for row in self.rows_of(''.join(lines))], [('mobilenet_v1', 'f32'), ('mobilenet_v1', 'bf16')])
        self.assertEqual(child.returncode, 143)
        self.assertEqual(out, '')
        self.assertEqual(err.splitlines()[-1], 'minfer: interrupted: 2 of 4 combinations are done')

    def test_the_document_is_whole(self):
        arguments = [a if a != '80000' else '0.001' for a in SWEEP] + ['--format', 'json']
        child = self.start(arguments)
        self.read_until(child, b'open: resnet152')
        child.send_signal(signal.SIGTERM)
        out, _ = self.finish(child)
        self.assertEqual(child.returncode, 143)
        self.assertEqual(schema.problems(out, 'sweep'), [])
        document = json.loads(out)
        self.assertTrue(document['interrupted'])
        self.assertEqual(document['combinations'], 4)
        self.assertEqual([row['model'] for row in document['rows']], ['mobilenet_v1'] * 2)

    def test_before_the_first_row(self):
        self.end_while_loading(['sweep', '--models', 'resnet152', '--weights', 'synthetic', '--progress', '-o', 'rows.csv', '--format', 'csv'],
                               signal.SIGTERM)


if __name__ == '__main__':
    unittest.main()
