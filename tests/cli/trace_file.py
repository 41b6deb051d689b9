"""Trace files as the program writes them: against tools/schema/trace.json, and what a schema cannot say: spans nest on their track, ids
and parents fit, workers account for their time. From the file alone."""
import copy, json, os, sys, tempfile
from support import program, schema

LEVELS = {'run': {'run'}, 'layer': {'run', 'layer'}, 'primitive': {'run', 'layer', 'primitive'},
          'thread': {'run', 'layer', 'primitive', 'thread'}}
PARENTS = {'layer': {'run'}, 'primitive': {'run', 'layer'}, 'thread': {'primitive'}, 'gap': {'run', 'layer'}}


def fail(what):
    sys.exit('FAILED: ' + what)


def write(folder, options):
    path = os.path.join(folder, 'a.trace.json')
    status, _, err = program.run('minfer $QUICK --trace=%s %s' % (path, options), folder)
    if status != 0:
        fail('%s: status %d: %s' % (options, status, err))
    with open(path, encoding='utf-8') as file:
        return file.read()


def ns(us):
    return int(us * 1000)  # cut, as Perfetto does


def check_nesting(spans):
    tracks = {}
    for span in spans:
        tracks.setdefault(span['tid'], []).append((ns(span['ts']), -ns(span['dur'])))
    for track, times in tracks.items():
        open_until = []
        for start, minus in sorted(times):
            while open_until and open_until[-1] <= start:
                open_until.pop()
            if open_until and start - minus > open_until[-1]:
                fail('track %d: a span that ends at %d reaches out of one that ends at %d' % (track, start - minus, open_until[-1]))
            if minus:
                open_until.append(start - minus)


def check_tree(spans):
    by_id = {}
    for span in spans:
        args, kind = span['args'], span['args']['span']
        if args['id'] in by_id:
            fail('id %d twice' % args['id'])
        by_id[args['id']] = span
        if kind in PARENTS:
            parent = by_id.get(args['parent'])
            if not parent or parent['args']['span'] not in PARENTS[kind]:
                fail('%s %d has no fitting parent before it' % (kind, args['id']))
            inside = ns(parent['ts']) <= ns(span['ts']) and ns(span['ts']) + ns(span['dur']) <= ns(parent['ts']) + ns(parent['dur'])
            if not inside:
                fail('%s %d is not within its parent' % (kind, args['id']))
        if kind == 'thread':
            told = sum(args[key] for key in ('effective_ns', 'spin_ns', 'wait_ns', 'overhead_ns'))
            if told != ns(span['dur']):
                fail('worker %d accounts for %d of %d ns' % (span['tid'], told, ns(span['dur'])))


def check(text, options, kinds):
    wrong = schema.problems(text, 'trace')
    if wrong:
        fail('%s: %s' % (options, '; '.join(wrong[:3])))
    document = json.loads(text)
    spans = [event for event in document['traceEvents'] if event['ph'] == 'X']
    found = {span['args']['span'] for span in spans} - {'gap'}  # which a fast machine may not have
    if found != kinds | {'application'}:
        fail('%s: spans %s' % (options, sorted(found)))
    check_nesting(spans)
    check_tree(spans)
    return document


def check_counters(folder):
    for options, wanted in (('--counters', True), ('', False)):
        document = check(write(folder, options), options, LEVELS['primitive'])
        for event in document['traceEvents']:
            kind = event['args'].get('span')
            if ('page_faults' in event['args']) != (wanted and kind in ('run', 'layer', 'primitive')):
                fail('%r: page faults of %s' % (options, kind))
        if ('counters' in document['environment']) != wanted:
            fail('%r: counters in the environment' % options)


def check_chunks(folder):
    """Every layer and primitive of a run is there once a chunk, one chunk behind the other; workers say their primitive's."""
    whole, parts = (json.loads(write(folder, '--batch 4 --chunk %d --trace-level thread' % chunk)) for chunk in (4, 1))
    told = [sum('chunk' in event['args'] for event in document['traceEvents']) for document in (whole, parts)]
    if told[0] or not told[1] or 'chunk' in whole['environment'] or parts['environment']['chunk'] != 1:
        fail('chunks are told where there are none, or not where there are')
    spans = [event['args'] for event in parts['traceEvents'] if event['ph'] == 'X']
    by_id = {args['id']: args for args in spans}
    runs = [place for place, args in enumerate(spans) if args['span'] == 'run'] + [len(spans)]
    for first, last in zip(runs, runs[1:]):
        for kind in 'layer', 'primitive':
            steps = [(args['chunk'], args['index']) for args in spans[first:last] if args['span'] == kind]
            indices = sorted({index for _, index in steps})
            if steps != [(chunk, index) for chunk in range(4) for index in indices]:
                fail('a run has not every %s once a chunk' % kind)
    if any(args['chunk'] != by_id[args['parent']]['chunk'] for args in spans if args['span'] == 'thread'):
        fail('a worker is of another chunk than its primitive')


def check_parts(document):
    """Parts of start-up lie within their phase, and every primitive that was made is one."""
    made = 0
    by_id = {event['args']['id']: event for event in document['traceEvents'] if event['ph'] == 'X'}
    for event in by_id.values():
        parent = by_id.get(event['args'].get('parent'))
        if event['args']['span'] == 'application' and parent:
            made += parent['name'] == 'primitives'
            if event['ts'] < parent['ts'] or ns(event['ts']) + ns(event['dur']) > ns(parent['ts']) + ns(parent['dur']):
                fail('%s is not within %s' % (event['name'], parent['name']))
    primitives = {event['args']['index'] for event in by_id.values() if event['args']['span'] == 'primitive'}
    if made != len(primitives):
        fail('%d of %d primitives were made' % (made, len(primitives)))


def check_that_the_schema_refuses(document):
    """Each change breaks one rule."""
    def event(d, span):
        return next(e for e in d['traceEvents'] if e['args'].get('span') == span)
    changes = [lambda d: d.pop('clock'), lambda d: d.update(schema='minfer.trace/2'), lambda d: d['clock'].pop('epoch_ns'),
               lambda d: d['environment'].update(color='red'), lambda d: d['memory'][0].update(offset=-1),
               lambda d: event(d, 'run').pop('ts'), lambda d: event(d, 'run').update(dur=-1), lambda d: event(d, 'run').update(ph='B'),
               lambda d: event(d, 'layer')['args'].update(sources='conv1'), lambda d: event(d, 'layer')['args'].pop('parent'),
               lambda d: event(d, 'primitive')['args'].pop('bytes_read'), lambda d: event(d, 'primitive')['args'].update(span='task'),
               lambda d: event(d, 'thread')['args'].pop('wait_ns'), lambda d: event(d, 'thread').update(tid=1)]
    for number, change in enumerate(changes):
        changed = copy.deepcopy(document)
        change(changed)
        if not schema.problems(json.dumps(changed), 'trace'):
            fail('change %d fits the schema' % number)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for level, kinds in LEVELS.items():
            options = '--threads 2 --trace-level ' + level
            document = check(write(folder, options), options, kinds)
        check_that_the_schema_refuses(document)
        check_parts(document)
        for options in ('--int8', '--fusion off --batch 3', '--layout nchw', '--algorithm gemm'):
            check(write(folder, options), options, LEVELS['primitive'])
        for options in ('--threads 1', '--threads 2 --spin 0', '--batch 4 --chunk 1', '--batch 4 --chunk 2 --counters'):
            check(write(folder, options + ' --trace-level thread'), options, LEVELS['thread'])
        check_counters(folder)
        check_chunks(folder)
    print('trace files fit their schema')


main()
