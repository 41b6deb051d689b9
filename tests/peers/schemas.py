"""Traces of resnet50 against the formats' own definitions: OTLP by its protocol buffers, which refuse what they do not know, and speedscope
by the schema of its package."""
import base64, json, re, sys, tempfile
import peers

sys.path.insert(0, peers.need('python'))
sys.dont_write_bytecode = True
import jsonschema
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def base64_ids(value, name=''):
    """OTLP's JSON has ids in hexadecimal digits where protobuf's has base64; everything else is protobuf's."""
    if isinstance(value, dict):
        return {name: base64_ids(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [base64_ids(item) for item in value]
    if name in ('traceId', 'spanId', 'parentSpanId'):
        if not re.fullmatch('[0-9a-f]{%d}' % (32 if name == 'traceId' else 16), value):
            peers.fail('%s is %s' % (name, value))
        return base64.b64encode(bytes.fromhex(value)).decode()
    return value


def python_value(value):
    kind = value.WhichOneof('value')
    if kind == 'array_value':
        return [python_value(item) for item in value.array_value.values]
    return getattr(value, kind)


def check_otlp(folder):
    expected, environment = peers.chrome_spans(folder, 't.trace.json')
    # Of two runs of the program, which trace the same things, but not equally often, and not with the same gaps.
    names = {(span['name'], span['span'], span['index'], span['thread']) for span in expected.values() if span['span'] not in ('run', 'gap')}
    document = json.loads(peers.read(folder, 't.otlp.json'))
    request = json_format.ParseDict(base64_ids(document), ExportTraceServiceRequest())  # strict: unknown names raise
    if len(request.resource_spans) != 1 or len(request.resource_spans[0].scope_spans) != 1:
        peers.fail('more than one resource or scope')
    resource = {a.key: python_value(a.value) for a in request.resource_spans[0].resource.attributes}
    for name in 'service.name', 'telemetry.sdk.name', 'telemetry.sdk.language', 'telemetry.sdk.version', 'host.arch', 'os.type':
        if not resource.get(name):
            peers.fail('the resource has no %s' % name)
    for name in 'model', 'isa', 'threads', 'batch', 'onednn_version':
        if resource.get(name) != environment[name]:
            peers.fail('%s of the resource is %r' % (name, resource.get(name)))
    spans = request.resource_spans[0].scope_spans[0].spans
    by_id = {span.span_id: span for span in spans}
    if len(by_id) != len(spans) or bytes(8) in by_id or len({span.trace_id for span in spans}) != 1:
        peers.fail('ids are not unique')
    found = set()
    for span in spans:
        attributes = {a.key: python_value(a.value) for a in span.attributes}
        if len(attributes) != len(span.attributes):
            peers.fail('%s has an attribute twice' % span.name)
        if span.start_time_unix_nano > span.end_time_unix_nano or span.kind != 1 or span.flags != 0x101:
            peers.fail('%s: %s' % (span.name, span))
        parent = by_id.get(span.parent_span_id)
        if (parent is None) != (attributes['span'] == 'process'):
            peers.fail('%s has no parent' % span.name)
        if parent and not (parent.start_time_unix_nano <= span.start_time_unix_nano and span.end_time_unix_nano <= parent.end_time_unix_nano):
            peers.fail('%s is not within its parent' % span.name)
        if attributes['span'] not in ('process', 'run', 'gap'):
            found.add((span.name, attributes['span'], attributes['index'], attributes['thread.id']))
    if found != names:
        peers.fail('these are in one trace alone: %s' % sorted(found ^ names)[:5])


def check_speedscope(folder, schema):
    document = json.loads(peers.read(folder, 't.speedscope.json'))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for error in validator.iter_errors(document):
        peers.fail('speedscope: %s' % error.message)
    # The schema can say no: a file without frames, an event of another type.
    for change in (lambda d: d.pop('shared'), lambda d: d['profiles'][0]['events'][0].update(type='X'), lambda d: d['profiles'][0].update(unit='ns')):
        broken = json.loads(json.dumps(document))
        change(broken)
        if validator.is_valid(broken):
            peers.fail('the schema takes a broken file')


def main():
    with open(peers.need('speedscope.json'), encoding='utf-8') as file:
        schema = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in 'trace.json', 'otlp.json', 'speedscope.json':
            peers.minfer(folder, '--trace=t.' + suffix)
        check_otlp(folder)
        check_speedscope(folder, schema)
    print('OTLP and speedscope files fit their definitions')


main()
