"""JSON Schema (draft 2020-12), as much of it as tools/schema uses. A keyword that this does not know is an error, so that no
schema says more than what is checked."""
import json, os
from support.program import SOURCE

NOTES = {'$schema', '$comment', 'title', 'description'}
TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'null': type(None)}


def is_type(value, name):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == 'number':
        return number
    if name == 'integer':
        return number and value == int(value)
    return isinstance(value, TYPES[name])


def check_type(value, names, where):
    names = names if isinstance(names, list) else [names]
    if not any(is_type(value, name) for name in names):
        yield '%s: %r is not of type %s' % (where, value, ' or '.join(names))


def check_object(value, schema, where):
    for name in schema.get('required', []):
        if name not in value:
            yield '%s: %s is missing' % (where, name)
    known, others = schema.get('properties', {}), schema.get('additionalProperties', True)
    for name, part in value.items():
        if name in known:
            yield from check(part, known[name], where + '.' + name)
        elif others is False:
            yield '%s: %s is not known' % (where, name)
        elif isinstance(others, dict):
            yield from check(part, others, where + '.' + name)


def check_array(value, schema, where):
    if not schema.get('minItems', 0) <= len(value) <= schema.get('maxItems', len(value)):
        yield '%s: %d items' % (where, len(value))
    for i, part in enumerate(value):
        yield from check(part, schema.get('items', {}), '%s[%d]' % (where, i))


def check(value, schema, where='$'):
    """The ways in which a value breaks a schema."""
    rules = set(schema) - NOTES
    unknown = rules - {'type', 'const', 'enum', 'anyOf', 'minimum', 'maximum', 'required', 'properties', 'additionalProperties', 'items',
                       'minItems', 'maxItems'}
    if unknown:
        raise ValueError('%s: keywords that are not checked: %s' % (where, unknown))
    if 'type' in rules:
        wrong = list(check_type(value, schema['type'], where))
        yield from wrong
        if wrong:
            return
    if 'const' in rules and value != schema['const']:
        yield '%s: %r is not %r' % (where, value, schema['const'])
    if 'enum' in rules and value not in schema['enum']:
        yield '%s: %r is none of %r' % (where, value, schema['enum'])
    if 'anyOf' in rules and all(list(check(value, s, where)) for s in schema['anyOf']):
        yield '%s: %r fits no alternative' % (where, value)
    if is_type(value, 'number') and not schema.get('minimum', value) <= value <= schema.get('maximum', value):
        yield '%s: %r is out of range' % (where, value)
    if isinstance(value, dict):
        yield from check_object(value, schema, where)
    if isinstance(value, list):
        yield from check_array(value, schema, where)


def load(name):
    with open(os.path.join(SOURCE, 'tools', 'schema', name + '.json')) as file:
        return json.load(file)


def problems(text, name):
    """Of a document against tools/schema/NAME.json. NaN and infinities are no JSON."""
    def refuse(word):
        raise ValueError(word + ' is no JSON')
    return list(check(json.loads(text, parse_constant=refuse), load(name)))
