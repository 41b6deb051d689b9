"""Scenarios, searches and ladders that are ended by a signal print what they have measured until then."""
import json, os, signal, unittest
from support import children, program, schema

SMALL = program.SMALL.split() + ['--progress', '--format', 'json']
LARGE = ['--model', 'resnet152', '--weights', 'synthetic', '--progress', '-o', 'x']


class Interrupt(children.Children):
    def end(self, arguments, seen, number, name):
        child = self.start(arguments)
        self.read_until(child, seen)
        with open('/proc/%d/task/%d/children' % (child.pid, child.pid)) as file:
            processes = file.read().split()
        child.send_signal(number)
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 128 + number)
        self.assertEqual(schema.problems(out, name), [])
        result = json.loads(out)
        self.assertTrue(result['interrupted'])
        self.assertRegex(err.splitlines()[-1], '^minfer: interrupted: the figures are of the (queries|rounds) until then$')
        for process in processes:
            self.assertFalse(os.path.exists('/proc/' + process))
        return result, processes

    def test_streams(self):
        for name in 'single-stream', 'multi-stream':
            result, _ = self.end(['scenario', name, '--duration', '80000'] + SMALL, b'%s: ' % name.encode(), signal.SIGINT, 'scenario')
            self.assertGreaterEqual(result['queries'], 1)
            self.assertIsNone(result['streams'])

    def test_offline(self):
        result, _ = self.end(['scenario', 'offline', '--official', '--instances', '2'] + SMALL, b'offline: ', signal.SIGTERM, 'scenario')
        self.assertGreaterEqual(result['samples'], 32)
        self.assertFalse(result['valid_official'])

    def test_streams_of_version_0_5(self):
        # Their search goes through several numbers, each for 20 times 50 ms at least, unless it fails.
        result, _ = self.end(['scenario', 'multi-stream', '--duration', '0.1'] + SMALL, b'streams: ', signal.SIGTERM, 'scenario')
        self.assertIsNone(result['streams'])
        self.assertGreater(result['metric']['value'], 0)

    def end_server(self, arguments):
        child = self.start(['scenario', 'server'] + arguments + SMALL)
        self.read_until(child, b'server: ')
        child.send_signal(signal.SIGTERM)
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 143)
        self.assertRegex(err.splitlines()[-1], '^minfer: interrupted')
        if out:  # a query was answered before
            self.assertEqual(schema.problems(out, 'scenario'), [])
            self.assertTrue(json.loads(out)['interrupted'])

    def test_server(self):
        self.end_server(['--qps', '100', '--duration', '80000', '--instances', '2'])

    def test_server_that_searches(self):
        self.end_server(['--duration', '500'])

    def test_while_loading(self):
        for name in 'single-stream', 'multi-stream', 'server', 'offline':
            self.end_while_loading(['scenario', name, '--int8'] + LARGE, signal.SIGINT)
        self.end_while_loading(['tune', '--int8'] + LARGE, signal.SIGINT)
        self.end_while_loading(['ladder'] + LARGE, signal.SIGTERM)

    def test_tune(self):
        result, _ = self.end(['tune', '--batches', '1-32*2', '--budget', '80000'] + SMALL, b'tune: stage 2', signal.SIGINT, 'tune')
        self.assertGreaterEqual(len(result['candidates']), 6)

    def test_ladder(self):
        result, processes = self.end(['ladder', '--budget', '80000', '--precision', '0.001'] + SMALL,
                                     b'Layout, fusion, precision: round 2', signal.SIGINT, 'ladder')
        self.assertGreaterEqual(len(processes), 3)
        self.assertGreaterEqual(result['ladders'][0]['rungs'][1]['rounds'], 1)


if __name__ == '__main__':
    unittest.main()
