"""What the tests against foreign readers share: the readers' folder, servers on ports of their own, a traced run."""
import json, os, socket, subprocess, sys, time, urllib.error, urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
from support import program

CACHE = os.environ.get('MINFER_PEERS') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'minfer-peers')
# Every kind of span, of a real network. How many runs are traced depends on the time they take: at least 5.
RESNET50 = '--model resnet50 --size 64 --weights synthetic --threads 2 --warmup 0 --iterations 20 --trace-level thread'


def need(name):
    path = os.path.join(CACHE, name)
    if not os.path.exists(path):
        print('SKIP: %s is not there (tests/peers/get.sh gets it)' % path)
        sys.exit(77)
    return path


def fail(what):
    sys.exit('FAILED: ' + what)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def fetch(url, data=None):
    request = urllib.request.Request(url, data, {'Content-Type': 'application/json'} if data else {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return answer.read()


def poll(what, server, ask, limit=120):
    """What `ask` returns once that is not None, within so many seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if server.poll() is not None:
            fail('%s: the server ended with status %d' % (what, server.returncode))
        try:
            found = ask()
            if found is not None:
                return found
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.2)
    fail('%s: nothing within %d s' % (what, limit))


def start(command, folder, **environment):
    """A server that ends with the test."""
    log = open(os.path.join(folder, 'server.log'), 'wb')
    return subprocess.Popen(['nice', '-n', '10'] + command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            env=dict(os.environ, **environment))


def stop(server):
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def minfer(folder, options, **environment):
    status, _, err = program.run('minfer %s %s' % (RESNET50, options), folder, **environment)
    if status != 0:
        fail('%s: status %d: %s' % (options, status, err))
    return err


def read(folder, name):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        return file.read()


# ---- the same spans from the file that minfer's own tests know best

def chrome_spans(folder, name):
    """{id: span} with epoch microseconds as the formats for collectors cut them."""
    document = json.loads(read(folder, name))
    clock = document['clock']
    shift = clock['epoch_ns'] - clock['monotonic_ns'] + clock['origin_monotonic_ns']
    spans = {}
    for event in document['traceEvents']:
        if event['ph'] != 'X':
            continue
        args = dict(event['args'])
        start = round(event['ts'] * 1000) + shift
        span = {'name': event['name'], 'start_us': start // 1000, 'end_us': (start + round(event['dur'] * 1000)) // 1000,
                'span': args.pop('span'), 'index': args.pop('index'), 'parent': args.pop('parent', 0),
                'thread': event['tid'] - 100 if event['tid'] >= 100 else 0}
        spans[args.pop('id')] = span
        span['attributes'] = args
    return spans, document['environment']


def key(span):
    """What tells a span of a trace from all others."""
    return span['span'], span['index'], span['thread'], span['start_us']


def compare(expected, found, root):
    """Both {id: span}; `found` has one span more, `root`, which stands where the expected have no parent."""
    if len(found) != len(expected) + 1:
        fail('%d spans instead of %d and a root' % (len(found), len(expected)))
    theirs = {key(span): number for number, span in found.items()}
    if len(theirs) != len(found):
        fail('two spans cannot be told apart')
    for number, span in expected.items():
        if key(span) not in theirs:
            fail('%s is missing' % (key(span),))
        other = found[theirs[key(span)]]
        parent = theirs[key(expected[span['parent']])] if span['parent'] else root
        if other['parent'] != parent:
            fail('%s %s has another parent: %s' % (span['span'], span['name'], found.get(other['parent'])))
        if other['name'] != span['name']:
            fail('%s is called %s' % (span['name'], other['name']))
        if other['attributes'] != span['attributes']:
            fail('%s %s: %s instead of %s' % (span['span'], span['name'], other['attributes'], span['attributes']))
