"""A trace of resnet50 in Perfetto's trace processor, which runs as WebAssembly in a browser: it takes the file without a complaint and answers
queries with every span's name, times and parent."""
import base64, functools, http.server, json, tempfile, threading
import peers
from support import browser as chromium

# ---- protocol buffers, as much of them as its remote procedure calls need (protos/perfetto/trace_processor/trace_processor.proto)

APPEND, FINALIZE, QUERY = 1, 2, 3  # values of TraceProcessorRpc.request
SEQUENCE, REQUEST, FATAL, APPEND_DATA, QUERY_ARGUMENTS, APPEND_RESULT, QUERY_RESULT = 1, 2, 5, 101, 103, 201, 203
NULL, INTEGER, REAL, TEXT, BLOB = 1, 2, 3, 4, 5  # types of a cell


def varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, value):
    return varint(number << 3) + varint(value) if isinstance(value, int) else varint(number << 3 | 2) + varint(len(value)) + value


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def fields(data):
    """(number, value) of each field: an int, or bytes."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(tag & 7) or read_varint(data, at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def packed(data):
    at = 0
    while at < len(data):
        number, at = read_varint(data, at)
        yield number - (1 << 64) if number >> 63 else number


class Processor:
    """A trace processor in a page. A call sends one request and gives the answers up to the last of it."""

    def __init__(self, page):
        self.page, self.sequence = page, 0
        page.evaluate('''() => {
            const worker = new Worker('engine_bundle.js'), channel = new MessageChannel();
            window.answers = [];
            worker.onerror = event => window.answers.push('!' + event.message);
            channel.port1.onmessage = event => {
                let text = '';
                for (const byte of event.data) text += String.fromCharCode(byte);
                window.answers.push(btoa(text));
            };
            worker.postMessage(channel.port2, [channel.port2]);
            window.send = text => channel.port1.postMessage(Uint8Array.from(atob(text), c => c.charCodeAt(0)));
        }''')

    def answers(self):
        while True:
            self.page.wait_for_function('window.answers.length > 0', timeout=120000)
            for text in self.page.evaluate('window.answers.splice(0)'):
                if text.startswith('!'):
                    peers.fail('the trace processor: ' + text[1:])
                for _, message in fields(base64.b64decode(text)):
                    answer = dict(fields(message))
                    if FATAL in answer:
                        peers.fail('the trace processor: ' + answer[FATAL].decode())
                    yield answer

    def call(self, method, *arguments):
        message = field(SEQUENCE, self.sequence) + field(REQUEST, method) + b''.join(arguments)
        self.sequence += 1
        self.page.evaluate('text => window.send(text)', base64.b64encode(field(1, message)).decode())
        return self.answers()

    def load(self, data):
        parts = dict(fields(next(self.call(APPEND, field(APPEND_DATA, data)))[APPEND_RESULT]))
        if 2 in parts:
            peers.fail('the trace processor: ' + parts[2].decode())
        next(self.call(FINALIZE))

    def query(self, sql):
        names, values = [], []
        for answer in self.call(QUERY, field(QUERY_ARGUMENTS, field(1, sql.encode()))):
            last = False
            for number, value in fields(answer[QUERY_RESULT]):
                if number == 1:
                    names.append(value.decode())
                elif number == 2:
                    peers.fail('%s: %s' % (sql, value.decode()))
                elif number == 3:
                    batch = dict(fields(value))
                    last = bool(batch.get(6))
                    integers, texts = packed(batch.get(2, b'')), iter(batch.get(5, b'').decode().split('\0'))
                    for cell in packed(batch.get(1, b'')):
                        values.append(None if cell == NULL else next(integers) if cell == INTEGER else next(texts))
            if last:
                return [tuple(values[i:i + len(names)]) for i in range(0, len(values), len(names))]


def check(processor, data):
    events = [e for e in json.loads(data)['traceEvents'] if e['ph'] == 'X']
    by_id = {e['args']['id']: e for e in events}
    complaints = processor.query("select name, value from stats where severity in ('error', 'data_loss') and value > 0")
    if complaints:
        peers.fail('the trace processor complains: %s' % complaints)
    # What stands over a span on its own track: thread spans have tracks of their own, everything else is nested.
    expected = sorted((e['name'], e['cat'], e['tid'], round(e['ts'] * 1000), round(e['dur'] * 1000),
                       by_id[e['args']['parent']]['name'] if 'parent' in e['args'] and by_id[e['args']['parent']]['tid'] == e['tid'] else '')
                      for e in events)
    found = sorted(processor.query('''select s.name, s.category, t.tid, s.ts, s.dur, coalesce(p.name, '') from slice s
        join thread_track k on s.track_id = k.id join thread t using (utid) left join slice p on s.parent_id = p.id'''))
    shift = min(row[3] for row in found) - min(row[3] for row in expected)
    found = [row[:3] + (row[3] - shift,) + row[4:] for row in found]
    if len(found) != len(expected):
        peers.fail('%d spans instead of %d' % (len(found), len(expected)))
    for ours, theirs in zip(expected, found):
        if ours != theirs:
            peers.fail('%s became %s' % (ours, theirs))
    attributes = dict(processor.query("select key, count(*) from args where key like 'args.%' group by key"))
    for name in 'args.implementation', 'args.flops', 'args.sources[0]', 'args.bytes_read':
        if not attributes.get(name):
            peers.fail('no span has %s' % name)
    return len(found)


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {'.js': 'text/javascript', '.wasm': 'application/wasm', '': 'text/plain'}

    def log_message(self, *_):
        pass


def main():
    folder = peers.need('perfetto')
    with tempfile.TemporaryDirectory() as scratch:
        peers.minfer(scratch, '--trace=t.trace.json')
        data = peers.read(scratch, 't.trace.json').encode()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with chromium.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.CHROMIUM, args=['--no-sandbox'])
        page = browser.new_page()
        page.goto('http://127.0.0.1:%d/LICENSE' % server.server_port)
        processor = Processor(page)
        processor.load(data)
        count = check(processor, data)
        browser.close()
    server.shutdown()
    print('%d spans in Perfetto\'s trace processor' % count)


main()
