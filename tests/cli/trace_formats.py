"""Every trace format as the program writes it, against what one and the same run posted as OTLP: the same spans with the same parents, times
and attributes, read by Python's own readers. What each format wants beside that is checked from its file alone."""
import csv, io, json, os, sys, tempfile
from support import program
from support.collector import Collector, attributes, resource, spans

OPTIONS = '--threads 2 --trace-level thread --weights synthetic'


def fail(what):
    sys.exit('FAILED: ' + what)


def same(what, found, expected):
    if found != expected:
        fail('%s: %r instead of %r' % (what, found, expected))


def traced(folder, suffix, options):
    """The file's text, the posted spans by their number in the trace, and the posted resource."""
    collector = Collector()
    try:
        path = os.path.join(folder, 'a' + suffix)
        status, _, err = program.run('minfer $QUICK %s --trace=%s --otlp %s' % (options, path, collector.url), folder)
        if status != 0:
            fail('%s: status %d: %s' % (suffix, status, err))
        posted = []
        for span in spans(collector.requests):
            tags = attributes(span)
            posted.append({'id': span['spanId'], 'parent': span.get('parentSpanId'), 'trace': span['traceId'], 'name': span['name'],
                           'span': tags.pop('span'), 'index': tags.pop('index', 0), 'thread': tags.pop('thread.id', 0),
                           'start': int(span['startTimeUnixNano']), 'end': int(span['endTimeUnixNano']), 'attributes': tags})
        with open(path, newline='', encoding='utf-8') as file:
            return file.read(), posted, resource(collector.requests[0])
    finally:
        collector.close()


def numbers(posted):
    """Numbers of parents as the formats without long ids count: spans from 1, and 0 for the root."""
    place = {span['id']: number for number, span in enumerate(posted)}
    return [place.get(span['parent'], 0) for span in posted]


def check_otlp(text, posted, _):
    document = json.loads(text)
    filed = document['resourceSpans'][0]['scopeSpans'][0]['spans']
    same('otlp: spans', [(s['spanId'], s['name'], s['startTimeUnixNano']) for s in filed],
         [(s['id'], s['name'], str(s['start'])) for s in posted])


def check_zipkin(text, posted, environment):
    document = json.loads(text)
    same('zipkin: number of spans', len(document), len(posted))
    for mine, theirs in zip(document, posted):
        same('zipkin: ids', (mine['traceId'], mine['id'], mine.get('parentId')), (theirs['trace'], theirs['id'], theirs['parent']))
        same('zipkin: name', mine['name'], theirs['name'])
        same('zipkin: begin', mine['timestamp'], theirs['start'] // 1000)
        same('zipkin: duration', mine['duration'], max(1, theirs['end'] // 1000 - theirs['start'] // 1000))
        tags = dict(mine['tags'])
        same('zipkin: kind', (tags.pop('span'), int(tags.pop('index', 0)), int(tags.pop('thread.id', 0))),
             (theirs['span'], theirs['index'], theirs['thread']))
        if theirs['span'] == 'process':
            for name in 'model', 'isa', 'threads', 'host.name':
                same('zipkin: ' + name, tags[name], str(environment[name]))
            continue
        same('zipkin: names of tags', set(tags), set(theirs['attributes']))
        for name, value in theirs['attributes'].items():
            same('zipkin: ' + name, tags[name] if isinstance(value, str) else float(tags[name]) if not isinstance(value, list) else tags[name],
                 '+'.join(value) if isinstance(value, list) else value)


def check_csv(text, posted, _):
    if '\n' in text.replace('\r\n', ''):
        fail('csv: a line does not end as RFC 4180 wants')
    rows = list(csv.DictReader(io.StringIO(text, newline=''), strict=True))
    same('csv: number of rows', len(rows), len(posted) - 1)
    origin = posted[1]['start']
    for number, (row, theirs, parent) in enumerate(zip(rows, posted[1:], numbers(posted)[1:]), 1):
        same('csv: ids', (int(row['id']), int(row['parent'] or 0)), (number, parent))
        same('csv: kind', (row['span'], int(row['index']), int(row['thread'])), (theirs['span'], theirs['index'], theirs['thread']))
        same('csv: name', row['name'], theirs['name'])
        same('csv: times', (int(row['start_ns']), int(row['duration_ns'])), (theirs['start'] - origin, theirs['end'] - theirs['start']))
        for name, value in theirs['attributes'].items():  # each has a column
            same('csv: ' + name, float(row[name]) if isinstance(value, (int, float)) else row[name], '+'.join(value) if isinstance(value, list) else value)
        filled = {name for name, cell in row.items() if cell} - {'id', 'parent', 'span', 'name', 'category', 'index', 'thread', 'start_ns', 'duration_ns'}
        same('csv: cells', filled, {name for name, value in theirs['attributes'].items() if value != ''})


def check_jsonl(text, posted, environment):
    lines = [json.loads(line) for line in text.splitlines()]
    head, lines = lines[0], lines[1:]
    same('jsonl: schema', head['schema'], 'minfer.spans/1')
    same('jsonl: spans', (head['spans'], len(lines)), (len(posted) - 1, len(posted) - 1))
    for name, value in head['environment'].items():
        same('jsonl: ' + name, value, environment[name])
    clock = head['clock']
    shift = clock['epoch_ns'] - clock['monotonic_ns'] + clock['origin_monotonic_ns']
    for number, (line, theirs, parent) in enumerate(zip(lines, posted[1:], numbers(posted)[1:]), 1):
        line.pop('category')
        same('jsonl: span', line, {'id': number, 'parent': parent, 'span': theirs['span'], 'name': theirs['name'], 'index': theirs['index'],
                                   'thread': theirs['thread'], 'start_ns': theirs['start'] - shift, 'duration_ns': theirs['end'] - theirs['start'],
                                   **theirs['attributes']})


def check_speedscope(text, posted, _):
    document = json.loads(text)
    frames = [frame['name'] for frame in document['shared']['frames']]
    same('speedscope: profiles', [p['name'] for p in document['profiles']], ['runs'] + ['worker %d' % w for w in sorted({s['thread'] for s in posted if s['span'] == 'thread'})])
    origin = posted[1]['start']
    for profile in document['profiles']:
        worker = None if profile['name'] == 'runs' else int(profile['name'].split()[1])
        expected = [s for s in posted[1:] if (s['span'] == 'thread' and s['thread'] == worker if worker is not None else s['span'] != 'thread')]
        opened, stack, last = [], [], profile['startValue']
        for event in profile['events']:
            if event['at'] < last or event['at'] > profile['endValue']:
                fail('speedscope: time goes back to %d' % event['at'])
            last = event['at']
            if event['type'] == 'O':
                stack.append((event['frame'], len(opened)))
                opened.append([frames[event['frame']], event['at'], None])
            else:
                frame, number = stack.pop()
                same('speedscope: the frame that closes', event['frame'], frame)
                opened[number][2] = event['at']
        same('speedscope: open frames', stack, [])
        same('speedscope: number of frames in ' + profile['name'], len(opened), len(expected))
        for (name, start, end), theirs in zip(opened, expected):
            same('speedscope: times', (start, end), (theirs['start'] - origin, theirs['end'] - origin))
            if name.split(' (')[0] != theirs['name'].split(' (')[0]:
                fail('speedscope: %s is called %s' % (theirs['name'], name))


CHECKS = {'.otlp.json': check_otlp, '.zipkin.json': check_zipkin, '.csv': check_csv, '.jsonl': check_jsonl, '.speedscope.json': check_speedscope}


def main():
    with tempfile.TemporaryDirectory() as folder:
        for suffix, check in CHECKS.items():
            for options in OPTIONS, '--int8 ' + OPTIONS, '--trace-level run', '--layout blocked', '--batch 4 --chunk 2 ' + OPTIONS:
                text, posted, environment = traced(folder, suffix, options)
                same('the first span is the root', posted[0]['span'], 'process')
                check(text, posted, environment)
    print('all formats say the same')


main()
