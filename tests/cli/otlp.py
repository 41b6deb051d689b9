"""--otlp: where it posts, what it sends along, and every way a collector can fail. All of it on this machine."""
import json, os, signal, socket, subprocess, tempfile, unittest
from support import program
from support.collector import Collector, attributes, resource, spans

QUICK = program.QUICK.split() + ['--weights', 'synthetic']
TRACE, PARENT = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'
OK, BUSY, BROKEN = (200, {}, b'{}'), (503, {}, b''), (500, {}, b'out of cheese\nat line 3')


class Otlp(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.folder = scratch.name
        self.addCleanup(scratch.cleanup)

    def collector(self, *answers, **more):
        found = Collector(*answers, **more)
        self.addCleanup(found.close)
        return found

    def run_minfer(self, arguments, status=0, quick=QUICK, **environment):
        """Gives the lines on stderr but for the notes."""
        done = subprocess.run([program.MINFER] + quick + arguments, cwd=self.folder, env=program.environment(**environment),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        err = done.stderr.decode()
        self.assertEqual(done.returncode, status, err)
        self.assertIn(b'Latency', done.stdout) if status != 2 else self.assertEqual(done.stdout, b'')
        return [line for line in err.splitlines() if not line.startswith('note: ')]

    def failure(self, arguments, pattern, **environment):
        lines = self.run_minfer(arguments, 5, **environment)
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], '^minfer: ' + pattern)

    # ---- what is sent, and where

    def test_request(self):
        c = self.collector()
        self.assertEqual(self.run_minfer(['--otlp', c.url]), [])
        self.assertEqual([r.path for r in c.requests], ['/v1/traces'])
        self.assertEqual(c.requests[0].headers['Content-Type'], 'application/json')
        self.assertRegex(c.requests[0].headers['User-Agent'], r'^minfer/[0-9.]+$')
        self.assertEqual(resource(c.requests[0])['service.name'], 'minfer')
        found = spans(c.requests)
        kinds = [attributes(span)['span'] for span in found]
        self.assertEqual(kinds.count('process'), 1)
        self.assertEqual(kinds.count('run'), 2)
        self.assertEqual(os.listdir(self.folder), [])

    def test_address(self):
        c = self.collector()
        all_signals, traces = 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
        cases = [(['--otlp', c.url + '/'], {}, '/v1/traces'),
                 (['--otlp=' + c.url + '/v1/traces'], {}, '/v1/traces'),
                 (['--otlp', c.url + '/v1/traces/'], {}, '/v1/traces'),
                 (['--otlp', c.url + '/my/collector'], {}, '/my/collector/v1/traces'),
                 (['--otlp', c.url + '/a?key=b'], {}, '/a/v1/traces?key=b'),
                 (['--otlp', c.url], {all_signals: 'http://127.0.0.1:1', traces: 'http://127.0.0.1:1'}, '/v1/traces'),
                 (['--otlp'], {all_signals: c.url}, '/v1/traces'),
                 (['--otlp', '--top', '1'], {all_signals: c.url + '/base/'}, '/base/v1/traces'),
                 (['--otlp'], {all_signals: c.url + '/v1/traces'}, '/v1/traces/v1/traces'),  # a base, as the specification has it
                 (['--otlp'], {all_signals: 'http://127.0.0.1:1', traces: c.url + '/exactly/this'}, '/exactly/this'),
                 (['--otlp'], {traces: c.url}, '/'),
                 (['--otlp'], {all_signals: c.url, traces: ''}, '/v1/traces')]
        for arguments, variables, path in cases:
            with self.subTest(arguments=arguments, variables=variables):
                c.requests.clear()
                self.assertEqual(self.run_minfer(arguments, **variables), [])
                self.assertEqual([r.path for r in c.requests], [path])

    def test_no_address(self):
        for url in 'localhost:4318', 'ftp://localhost/', 'http://', 'file:///etc/passwd', 'http://a b/', 'grpc://x:4317':
            lines = self.run_minfer(['--otlp', url, '--min-time', '80000', '--warmup', '0'], 2, quick=program.SMALL.split())
            self.assertEqual(lines, ['minfer: --otlp: "%s" is no address of a collector (expected as http://localhost:4318)' % url])
        lines = self.run_minfer(['--otlp'], 2, OTEL_EXPORTER_OTLP_ENDPOINT='there')
        self.assertRegex(lines[0], '^minfer: OTEL_EXPORTER_OTLP_ENDPOINT: "there" is no address')

    def test_variables_are_for_those_who_ask(self):
        c = self.collector()
        self.assertEqual(self.run_minfer(['--trace=t.trace.json'], OTEL_EXPORTER_OTLP_ENDPOINT=c.url, OTEL_EXPORTER_OTLP_TIMEOUT='soon',
                                         TRACEPARENT='broken', OTEL_RESOURCE_ATTRIBUTES='broken'), [])
        self.assertEqual(c.requests, [])

    def test_headers(self):
        c = self.collector()
        self.run_minfer(['--otlp', c.url], OTEL_EXPORTER_OTLP_HEADERS='Authorization=Basic%20YTpi%3D, x-tenant = a=b ,,x-empty=')
        headers = c.requests[-1].headers
        self.assertEqual((headers['Authorization'], headers['X-Tenant'], headers['X-Empty']), ('Basic YTpi=', 'a=b', ''))
        self.run_minfer(['--otlp', c.url], OTEL_EXPORTER_OTLP_HEADERS='x-tenant=all', OTEL_EXPORTER_OTLP_TRACES_HEADERS='x-tenant=traces')
        self.assertEqual(c.requests[-1].headers.get_all('X-Tenant'), ['traces'])
        for broken in 'secret', '=secret', 'x=secret%2', 'x=secret%0d%0aEvil: 1', 'x y=secret', 'x=%00':
            lines = self.run_minfer(['--otlp', c.url], OTEL_EXPORTER_OTLP_HEADERS=broken)
            self.assertEqual(lines, ['warning: OTEL_EXPORTER_OTLP_HEADERS is ignored: it is no list of name=value with commas between'])
            self.assertNotIn('secret', str(c.requests[-1].headers))
            self.assertIsNone(c.requests[-1].headers['Evil'])

    def test_who_sends(self):
        c = self.collector()
        self.run_minfer(['--otlp', c.url], OTEL_SERVICE_NAME='shop', OTEL_RESOURCE_ATTRIBUTES='service.name=no,host.name=h1,team=a%2Cb,os.type=own')
        found = resource(c.requests[0])
        self.assertEqual((found['service.name'], found['host.name'], found['team'], found['os.type']), ('shop', 'h1', 'a,b', 'own'))
        keys = [a['key'] for a in c.requests[0].json()['resourceSpans'][0]['resource']['attributes']]
        self.assertEqual(len(keys), len(set(keys)))
        self.run_minfer(['--otlp', c.url], OTEL_RESOURCE_ATTRIBUTES='service.name=other')
        found = resource(c.requests[1])
        self.assertEqual((found['service.name'], found['host.name']), ('other', socket.gethostname()))
        lines = self.run_minfer(['--otlp', c.url], OTEL_RESOURCE_ATTRIBUTES='a=1,broken')
        self.assertEqual(lines, ['warning: OTEL_RESOURCE_ATTRIBUTES is ignored: it is no list of name=value with commas between'])
        self.assertNotIn('a', resource(c.requests[2]))

    def test_trace_parent(self):
        c = self.collector()
        for flags, sampled in ('01', 1), ('00', 0), ('03', 3):
            self.run_minfer(['--otlp', c.url, '--trace=t.zipkin.json'], TRACEPARENT='00-%s-%s-%s' % (TRACE, PARENT, flags))
            found = spans(c.requests[-1:])
            self.assertEqual({span['traceId'] for span in found}, {TRACE})
            self.assertEqual(found[0]['parentSpanId'], PARENT)
            self.assertEqual(found[0]['flags'], sampled | 0x300)
            self.assertEqual({span['flags'] for span in found[1:]}, {sampled | 0x100})
            with open(os.path.join(self.folder, 't.zipkin.json')) as file:
                zipkin = json.load(file)
            self.assertEqual([(s['traceId'], s['id'], s['parentId']) for s in zipkin],
                             [(s['traceId'], s['spanId'], s['parentSpanId']) for s in found])
        for arguments in ['--otlp', c.url], ['--trace=t.otlp.json'], ['--trace=t.zipkin.json']:
            lines = self.run_minfer(arguments, TRACEPARENT='00-%s-%s-1' % (TRACE, PARENT))
            self.assertEqual(len(lines), 1)
            self.assertRegex(lines[0], '^warning: TRACEPARENT is ignored: "00-.*-1" is no trace parent ')
        own = spans(c.requests[-1:])
        self.assertNotIn('parentSpanId', own[0])
        self.assertNotEqual(own[0]['traceId'], TRACE)
        self.assertEqual(own[0]['flags'], 0x101)

    def test_many_spans_are_many_requests(self):
        c = self.collector()
        # At least 5 traced runs of 83 layers, each with a primitive and 8 workers' parts of it.
        self.run_minfer('--fusion off --threads 8 --spin 0 --iterations 6 --trace-level thread --otlp'.split() + [c.url])
        parts = [len(spans([r])) for r in c.requests]
        self.assertGreaterEqual(len(parts), 2)
        self.assertEqual(set(parts[:-1]), {2000})
        found = spans(c.requests)
        ids = {span['spanId'] for span in found}
        self.assertEqual(len(ids), len(found))
        self.assertEqual(len({span['traceId'] for span in found}), 1)
        self.assertEqual([span['name'] for span in found if span.get('parentSpanId') not in ids], ['minfer mobilenet_v1 f32'])
        self.assertEqual(resource(c.requests[0]), resource(c.requests[-1]))
        c = self.collector(OK, BROKEN)
        self.failure('--fusion off --threads 8 --spin 0 --iterations 6 --trace-level thread --otlp'.split() + [c.url], '.*answered 500')
        self.assertEqual(len(c.requests), 2)

    # ---- collectors that fail

    def test_busy_twice(self):
        for busy in BUSY, (429, {}, b''), (502, {}, b''), (504, {}, b''), (503, {'Retry-After': '1'}, b''), 'close':
            c = self.collector(busy, busy, OK)
            self.assertEqual(self.run_minfer(['--otlp', c.url]), [])
            self.assertEqual(len({r.body for r in c.requests}), 1)
            self.assertEqual(len(c.requests), 3)

    def test_busy_for_ever(self):
        c = self.collector(BUSY)
        self.failure(['--otlp', c.url], c.url + '/v1/traces: .*answered 503, [2-9] times$', OTEL_EXPORTER_OTLP_TIMEOUT='6000')
        self.assertGreaterEqual(len(c.requests), 2)
        # It says itself that waiting is no use.
        c = self.collector((429, {'Retry-After': '3600'}, b''))
        self.failure(['--otlp', c.url], '.*answered 429$')
        self.assertEqual(len(c.requests), 1)

    def test_refusals_are_final(self):
        for answer, line in ((BROKEN, '500: out of cheese'), ((400, {}, b'\x1b[31m'), '400'), ((404, {}, b''), '404'), ((401, {}, b'who?'), '401: who[?]'),
                             ((307, {'Location': '/elsewhere'}, b''), '307'), ((501, {}, b''), '501')):
            c = self.collector(answer)
            self.failure(['--otlp', c.url, '--trace=t.trace.json'], '%s/v1/traces: the trace could not be posted: the collector answered %s$' % (c.url, line))
            self.assertEqual(len(c.requests), 1)
            self.check_file()

    def check_file(self):
        """The local file is whole, whatever the collector does."""
        with open(os.path.join(self.folder, 't.trace.json')) as file:
            self.assertIn('traceEvents', json.load(file))
        self.assertEqual(os.listdir(self.folder), ['t.trace.json'])

    def test_down(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))  # not listening
            url = 'http://user:secret@127.0.0.1:%d' % s.getsockname()[1]
            self.failure(['--otlp', url, '--trace=t.trace.json'], r'http://127\.0\.0\.1:\d+/v1/traces: the trace could not be posted, [2-9] times: .*connect',
                         OTEL_EXPORTER_OTLP_TIMEOUT='1000')
        self.check_file()

    def test_no_such_host(self):
        self.failure(['--otlp', 'http://collector.invalid:4318', '--trace=t.trace.json'], r'http://collector\.invalid:4318/v1/traces: .*(resolve|no answer)')  # some resolvers take their time
        self.check_file()

    def test_hanging(self):
        c = self.collector('hang')
        self.failure(['--otlp', c.url, '--trace=t.trace.json'], '%s/v1/traces: .*: no answer within 0.7 s$' % c.url, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT='700',
                     OTEL_EXPORTER_OTLP_TIMEOUT='80000000')
        self.check_file()

    def test_broken_timeout(self):
        c = self.collector()
        for text in '0', '-1', '10s', '99999999999', '1.5':
            self.assertEqual(self.run_minfer(['--otlp', c.url], OTEL_EXPORTER_OTLP_TIMEOUT=text),
                             ['warning: OTEL_EXPORTER_OTLP_TIMEOUT is ignored: it is no number of milliseconds'])

    def test_partial_success(self):
        for count in '"7"', '7':
            c = self.collector((200, {}, b'{"partialSuccess": {"rejectedSpans": %s, "errorMessage": "too\\nold"}}' % count.encode()))
            self.failure(['--otlp', c.url], r'%s/v1/traces: the collector refused 7 spans: too\\x0aold$' % c.url)
        c = self.collector((200, {}, b'{"partialSuccess": {"errorMessage": "slow down"}}'))
        self.assertEqual(self.run_minfer(['--otlp', c.url]), ['warning: %s/v1/traces: the collector took the trace and says: slow down' % c.url])
        for answer in b'', b'{', b'[]', b'{"partialSuccess": 3}', b'{"partialSuccess": {"rejectedSpans": "x"}}', b'\xff' * 100000:
            c = self.collector((200, {}, answer))
            self.assertEqual(self.run_minfer(['--otlp', c.url]), [])

    def test_file_first(self):
        there = []
        c = self.collector(BROKEN, seen=lambda: there.append(os.listdir(self.folder)))
        self.failure(['--otlp', c.url, '--trace=t.trace.json'], '.*answered 500')
        self.assertEqual(there, [['t.trace.json']])

    def test_post_although_the_file_fails(self):
        c = self.collector()
        os.mkdir(os.path.join(self.folder, 'full'))
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', 'full'], cwd=self.folder, stderr=subprocess.DEVNULL).returncode:
            self.skipTest('a small tmpfs cannot be mounted here')
        try:
            self.failure(['--otlp', c.url, '--trace=full/t.otlp.json'], 'full/t.otlp.json: cannot be written: No space left on device')
            self.assertEqual(os.listdir(os.path.join(self.folder, 'full')), [])
        finally:
            subprocess.run(['umount', 'full'], cwd=self.folder, check=True)
        self.assertEqual(len(c.requests), 1)

    # ---- signals

    def check_signal(self, number, *answers):
        c = self.collector(*answers)
        child = subprocess.Popen([program.MINFER] + QUICK + ['--trace=t.trace.json', '--otlp', c.url], cwd=self.folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=program.environment(OTEL_EXPORTER_OTLP_TIMEOUT='80000000'))
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertTrue(c.arrived.wait(60))
        child.send_signal(number)
        _, err = child.communicate()  # without an end if the signal did nothing
        self.assertEqual(child.returncode, 128 + number)
        self.assertEqual(err.decode().splitlines()[-1], 'minfer: %s/v1/traces: interrupted before the whole trace was posted' % c.url)
        self.assertEqual(len(c.requests), 1)
        self.check_file()

    def test_interrupt_while_hanging(self):
        self.check_signal(signal.SIGINT, 'hang')

    def test_term_while_hanging(self):
        self.check_signal(signal.SIGTERM, 'hang')

    def test_interrupt_between_attempts(self):
        self.check_signal(signal.SIGINT, (503, {'Retry-After': '3600'}, b''))


if __name__ == '__main__':
    unittest.main()
