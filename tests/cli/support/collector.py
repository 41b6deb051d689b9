"""A collector on a port of its own, which answers as a test wants and keeps what it was sent."""
import http.server, json, socketserver, threading


class Request:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    def json(self):
        return json.loads(self.body)


class Collector:
    """`answers`: (status, headers, body) for the first, second, ... request, the last of them for all further ones; 'close' closes the
    connection without a word, 'hang' says nothing until the collector ends. `seen` is called at each request."""

    def __init__(self, *answers, seen=lambda: None):
        self.answers = list(answers) or [(200, {}, b'{}')]
        self.requests, self.arrived, self.ended = [], threading.Event(), threading.Event()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                collector.requests.append(Request(self.path, self.headers, body))
                answer = collector.answers[min(len(collector.requests), len(collector.answers)) - 1]
                seen()
                collector.arrived.set()
                if answer == 'hang':
                    collector.ended.wait()
                if isinstance(answer, str):
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {'Content-Type': 'application/json', **headers}.items():
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(content)))
                try:
                    self.end_headers()
                    self.wfile.write(content)
                except ConnectionError:
                    pass  # the sender was interrupted

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

        self.server = Server(('127.0.0.1', 0), Handler)
        self.url = 'http://127.0.0.1:%d' % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


def value(v):
    """An attribute's value as Python has it."""
    (kind, found), = v.items()
    if kind == 'arrayValue':
        return [value(item) for item in found['values']]
    return int(found) if kind == 'intValue' else found


def attributes(of):
    return {a['key']: value(a['value']) for a in of['attributes']}


def spans(requests):
    return [span for request in requests for span in request.json()['resourceSpans'][0]['scopeSpans'][0]['spans']]


def resource(request):
    return attributes(request.json()['resourceSpans'][0]['resource'])
