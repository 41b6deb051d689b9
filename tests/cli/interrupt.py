"""Ctrl-C and SIGTERM while the program loads, measures and writes. No waiting by the clock: each signal follows something that was seen."""
import csv, fcntl, json, os, select, signal, unittest
from support import children, collector, program, schema

# Loads and calibrates for long enough that a signal after its first line of progress comes before anything is measured.
LARGE = ['--model', 'resnet152', '--weights', 'synthetic', '--int8', '--progress']
LONG = program.SMALL.split() + ['--progress', '--format', 'json', '--min-time', '80000']


class Interrupt(children.Children):
    def test_while_measuring(self):
        child = self.start(LONG + ['--trace=t.json', '--output', 'o.npy'])
        self.read_until(child, b'measure: ')
        child.send_signal(signal.SIGINT)
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 130)
        self.assertEqual(schema.problems(out, 'run'), [])
        result = json.loads(out)
        self.assertTrue(result['interrupted'])
        self.assertGreaterEqual(result['iterations'], 1)
        self.assertEqual(err.splitlines()[-1], 'minfer: interrupted: the figures are of the runs until then')
        self.assertEqual(sorted(os.listdir(self.folder)), ['o.npy', 't.json'])  # whole, and nothing temporary beside them
        with open(os.path.join(self.folder, 't.json')) as file:
            self.assertIn('traceEvents', json.load(file))

    def test_term_while_measuring(self):
        child = self.start(LONG)
        self.read_until(child, b'measure: ')
        child.send_signal(signal.SIGTERM)
        out, _ = self.finish(child)
        self.assertEqual(child.returncode, 143)
        self.assertEqual(schema.problems(out, 'run'), [])

    def test_every_trace_format_is_whole(self):
        for number, name in ((signal.SIGINT, 't.otlp.json'), (signal.SIGTERM, 't.zipkin.json'), (signal.SIGINT, 't.speedscope.json'),
                             (signal.SIGTERM, 't.csv'), (signal.SIGINT, 't.jsonl'), (signal.SIGTERM, 't.trace.json')):
            path = os.path.join(self.folder, name)
            with open(path, 'w') as file:
                file.write('an older trace')
            child = self.start(LONG + ['--trace=' + name])
            self.read_until(child, b'measure: ')
            child.send_signal(number)
            self.finish(child)
            self.assertEqual(child.returncode, 128 + number)
            self.assertEqual(os.listdir(self.folder), [name])
            with open(path, newline='') as file:
                text = file.read()
            if name.endswith('.csv'):
                rows = list(csv.reader(text.splitlines()))
                self.assertEqual({len(row) for row in rows}, {len(rows[0])})
            else:
                for document in text.splitlines() if name.endswith('.jsonl') else [text]:
                    json.loads(document)
            self.assertIn('pack weights', text)  # traced runs come after the untraced ones
            os.remove(path)

    def test_measured_so_far_is_posted(self):
        posted = collector.Collector()
        self.addCleanup(posted.close)
        child = self.start(LONG + ['--otlp', posted.url])
        self.read_until(child, b'measure: ')
        child.send_signal(signal.SIGINT)
        _, err = self.finish(child)
        self.assertEqual(child.returncode, 130)
        self.assertEqual(err.splitlines()[-1], 'minfer: interrupted: the figures are of the runs until then')
        self.assertIn('pack weights', [span['name'] for span in collector.spans(posted.requests)])

    def test_an_older_trace_stays(self):
        for number in signal.SIGINT, signal.SIGTERM:
            path = os.path.join(self.folder, 't.otlp.json')
            with open(path, 'w') as file:
                file.write('an older trace')
            child = self.start(LARGE + ['--trace=t.otlp.json'])
            self.read_until(child, b'open: ')
            child.send_signal(number)
            self.finish(child)
            self.assertEqual(child.returncode, 128 + number)
            with open(path) as file:
                self.assertEqual(file.read(), 'an older trace')
            self.assertEqual(os.listdir(self.folder), ['t.otlp.json'])

    def test_while_loading(self):
        self.end_while_loading(LARGE + ['-o', 'out.json', '--trace=t.json'], signal.SIGINT)
        self.end_while_loading(['inspect'] + LARGE, signal.SIGTERM)
        for versus in '--f32', '--isa sse41':
            self.end_while_loading(['compare'] + LARGE + ['--vs', versus, '-o', 'out.json'], signal.SIGTERM)

    def check_compare(self, versus):
        """A comparison gives what it has measured until then, and leaves no process behind."""
        child = self.start(['compare'] + LONG + ['--vs', versus])
        self.read_until(child, b'measure in turn: ')
        with open('/proc/%d/task/%d/children' % (child.pid, child.pid)) as file:
            processes = file.read().split()
        child.send_signal(signal.SIGINT)
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 130)
        self.assertEqual(schema.problems(out, 'compare'), [])
        result = json.loads(out)
        self.assertTrue(result['interrupted'])
        self.assertGreaterEqual(result['speedup']['rounds'], 1)
        self.assertEqual(err.splitlines()[-1], 'minfer: interrupted: the figures are of the rounds until then')
        for process in processes:
            self.assertFalse(os.path.exists('/proc/' + process))
        return processes

    def test_compare(self):
        self.assertEqual(self.check_compare('--int8'), [])

    def test_compare_in_two_processes(self):
        self.assertEqual(len(self.check_compare('--isa sse41')), 2)

    def test_the_second_ends_at_once(self):
        # The results do not fit into a pipe that nobody reads: after the first signal the program waits there.
        child = self.start(LONG)
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, 4096)
        self.read_until(child, b'measure: ')
        child.send_signal(signal.SIGINT)
        select.select([child.stdout], [], [])
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(), -signal.SIGINT)


if __name__ == '__main__':
    unittest.main()
