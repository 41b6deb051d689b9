"""A trace of resnet50 as Zipkin's server takes it and gives it back."""
import json, shutil, sys, tempfile
import peers

TRACE, PARENT = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'


def start(folder):
    jar = peers.need('zipkin.jar')
    if not shutil.which('java'):
        print('SKIP: there is no java')
        sys.exit(77)
    port = peers.free_ports(1)[0]
    server = peers.start(['java', '-Xmx256m', '-jar', jar], folder, QUERY_PORT=str(port), STORAGE_TYPE='mem', COLLECTOR_HTTP_ENABLED='true')
    return server, 'http://127.0.0.1:%d/' % port


def main():
    with tempfile.TemporaryDirectory() as folder:
        server, url = start(folder)
        try:
            peers.poll('Zipkin answers', server, lambda: peers.fetch(url + 'health'), 300)
            peers.minfer(folder, '--trace=t.zipkin.json', TRACEPARENT='00-%s-%s-00' % (TRACE, PARENT), OTEL_SERVICE_NAME='classifier')
            sent = peers.read(folder, 't.zipkin.json')
            peers.fetch(url + 'api/v2/spans', sent.encode())
            count = len(json.loads(sent))

            def look():
                try:
                    data = json.loads(peers.fetch(url + 'api/v2/trace/' + TRACE))
                except peers.urllib.error.HTTPError:
                    return None
                return data if len(data) >= count else None
            data = peers.poll('Zipkin has %d spans' % count, server, look)
            if 'classifier' not in json.loads(peers.fetch(url + 'api/v2/services')):
                peers.fail('Zipkin does not know the service')
        except SystemExit:
            print(peers.read(folder, 'server.log')[-2000:])
            raise
        finally:
            peers.stop(server)
        check(json.loads(sent), data)
    print('Zipkin gives every span back')


def check(sent, data):
    """What came back is what was sent, and that fits itself; that it is what was recorded, tests/cli/trace_formats.py says."""
    by_id = {span['id']: span for span in data}
    if len(by_id) != len(sent):
        peers.fail('%d spans of %d' % (len(by_id), len(sent)))
    roots = 0
    for span in sent:
        other = by_id[span['id']]
        for name in 'traceId', 'parentId', 'timestamp', 'duration', 'tags':
            if span.get(name) != other.get(name):
                peers.fail('%s of %s is %s instead of %s' % (name, span['id'], other.get(name), span.get(name)))
        if other['name'] != span['name'].lower() or other['localEndpoint'] != {'serviceName': 'classifier'}:
            peers.fail('%s is called %s of %s' % (span['name'], other['name'], other['localEndpoint']))
        parent = by_id.get(span['parentId'])
        roots += parent is None
        if parent is None and span['parentId'] != PARENT:
            peers.fail('%s has no parent' % span['name'])
        if parent and span['timestamp'] < parent['timestamp']:
            peers.fail('%s begins before its parent' % span['name'])
    if roots != 1:
        peers.fail('%d roots' % roots)


main()
