"""A trace of resnet50, posted to Jaeger and asked back through its query API: every span with its parent, times and attributes."""
import json, os, tempfile
import peers

TRACE, PARENT = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'


def start(folder):
    binary = peers.need('jaeger')
    otlp, query, grpc = peers.free_ports(3)
    nowhere = '127.0.0.1:0'
    flags = {'collector.otlp.http.host-port': '127.0.0.1:%d' % otlp, 'query.http-server.host-port': '127.0.0.1:%d' % query,
             'collector.grpc-server.host-port': '127.0.0.1:%d' % grpc, 'collector.otlp.grpc.host-port': nowhere,
             'collector.http-server.host-port': nowhere, 'query.grpc-server.host-port': nowhere, 'admin.http.host-port': nowhere,
             'http-server.host-port': nowhere, 'processor.jaeger-binary.server-host-port': nowhere,
             'processor.jaeger-compact.server-host-port': nowhere, 'processor.zipkin-compact.server-host-port': nowhere,
             'collector.otlp.enabled': 'true', 'log-level': 'warn'}
    server = peers.start([binary] + ['--%s=%s' % flag for flag in flags.items()], folder, SPAN_STORAGE_TYPE='memory')
    return server, 'http://127.0.0.1:%d' % otlp, 'http://127.0.0.1:%d/api/' % query


def ask(query, what):
    return json.loads(peers.fetch(query + what))


def trace(server, query, trace_id, count):
    """All spans of a trace; they arrive one by one."""
    def look():
        try:
            data = ask(query, 'traces/' + trace_id)['data']
        except peers.urllib.error.HTTPError:
            return None
        return data[0] if data and len(data[0]['spans']) >= count else None
    return peers.poll('Jaeger has %d spans' % count, server, look)


def spans_of(data):
    found, root = {}, None
    for span in data['spans']:
        tags = {tag['key']: tag['value'] for tag in span['tags']}
        parents = [reference['spanID'] for reference in span['references']]
        mine = {'name': span['operationName'], 'span': tags.pop('span'), 'index': tags.pop('index', 0),
                'thread': tags.pop('thread.id', 0), 'start_us': span['startTime'], 'parent': parents[0] if parents else None}
        if span['traceID'] != data['traceID'] or len(parents) > 1 or span['spanID'] in found:
            peers.fail('span %s: parents %s, trace %s' % (span['spanID'], parents, span['traceID']))
        for theirs in 'internal.span.format', 'span.kind', 'otel.scope.name', 'otel.scope.version':
            tags.pop(theirs, None)
        if 'sources' in tags:
            tags['sources'] = json.loads(tags['sources'])
        mine['attributes'] = tags
        found[span['spanID']] = mine
        if mine['span'] == 'process':
            root = span['spanID']
    return found, root


def check(server, query, folder, service):
    expected, environment = peers.chrome_spans(folder, 't.trace.json')
    services = peers.poll('Jaeger knows the service', server, lambda: (ask(query, 'services')['data'] or None))
    if service not in services:
        peers.fail('services are %s' % services)
    listed = ask(query, 'traces?service=%s&limit=10' % service)['data']
    if len(listed) != 1:
        peers.fail('%d traces instead of 1' % len(listed))
    data = trace(server, query, listed[0]['traceID'], len(expected) + 1)
    found, root = spans_of(data)
    peers.compare(expected, found, root)
    process = {tag['key']: tag['value'] for tag in data['processes'][data['spans'][0]['processID']]['tags']}
    for name, value in environment.items():
        if process.get(name) != value:
            peers.fail('%s of the process is %s instead of %s' % (name, process.get(name), value))
    return data['traceID'], found, root, process


def main():
    with tempfile.TemporaryDirectory() as folder:
        server, otlp, query = start(folder)
        try:
            peers.poll('Jaeger answers', server, lambda: ask(query, 'services'))
            peers.minfer(folder, '--trace=t.trace.json --otlp ' + otlp)
            _, found, root, _ = check(server, query, folder, 'minfer')
            if found[root]['parent'] is not None or found[root]['name'] != 'minfer resnet50 f32':
                peers.fail('the root is %s' % found[root])
            # Joined to somebody else's trace, by the variables alone, and with more spans than a request holds.
            peers.minfer(folder, '--fusion off --trace=t.trace.json --otlp', OTEL_EXPORTER_OTLP_ENDPOINT=otlp + '/', TRACEPARENT='00-%s-%s-01' % (TRACE, PARENT),
                         OTEL_SERVICE_NAME='classifier', OTEL_RESOURCE_ATTRIBUTES='deployment.environment=a%20test')
            trace_id, found, root, process = check(server, query, folder, 'classifier')
            if len(found) <= 2000:
                peers.fail('%d spans are one request' % len(found))
            if trace_id != TRACE or found[root]['parent'] != PARENT:
                peers.fail('trace %s, parent %s' % (trace_id, found[root]['parent']))
            if process.get('deployment.environment') != 'a test':
                peers.fail('the process is %s' % process)
        except SystemExit:
            print(peers.read(folder, 'server.log')[-2000:])
            raise
        finally:
            peers.stop(server)
    print('Jaeger has every span, parent and attribute')


main()
