"""Help: every option is explained where it belongs, and the examples work as they stand."""
import os, re, tempfile, unittest
from support import files, program, schema, trace_figures

COMMANDS = ('run', 'inspect', 'calibrate', 'accuracy', 'compare', 'report', 'diff', 'verbose', 'sweep', 'ladder', 'scenario', 'tune', 'models', 'env',
            'help')
# The full measurement of an example is only waiting.
SHORTER = {'run': ' --iterations 1 --warmup 0', 'compare': ' --iterations 1 --warmup 0', 'sweep': ' --budget 0.01', 'ladder': ' --budget 0.01', 'tune': ' --budget 0.01',
           'scenario': ' --duration 0.1'}


def help_of(command):
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = program.run('minfer help ' + command, folder)
    assert status == 0 and err == '', err
    return out


def examples(command):
    return [line.strip() for line in help_of(command).split('\nExamples:\n')[1].splitlines()]


class Help(unittest.TestCase):
    def test_both_spellings(self):
        with tempfile.TemporaryDirectory() as folder:
            for command in COMMANDS:
                for spelling in 'minfer %s --help', 'minfer %s -h':
                    self.assertEqual(program.run(spelling % command, folder), (0, help_of(command), ''))

    def test_form(self):
        for command in COMMANDS:
            text = help_of(command)
            self.assertRegex(text, r'^minfer %s: .+\n\nUsage: minfer ' % command)
            self.assertEqual(len(examples(command)), 3)
            lines = text.split('\nValues follow')[0].splitlines()
            self.assertLessEqual(max(map(len, lines)), 80)

    def test_the_program_lists_the_commands(self):
        with tempfile.TemporaryDirectory() as folder:
            _, out, _ = program.run('minfer help', folder)
        self.assertEqual(re.findall(r'^  (\w+)', out, re.M), list(COMMANDS))

    def test_every_listed_option_is_taken(self):
        """What help lists the parser knows: without its value an option asks for it, and a flag refuses one."""
        with tempfile.TemporaryDirectory() as folder:
            for command in COMMANDS:
                options = re.findall(r'^  (?:-h, )?(--[a-z0-9-]+)(\[=FILE\]| [^ ]+)?', help_of(command), re.M)
                self.assertGreaterEqual(len(options), 2)
                for name, value in options:
                    if value.strip().startswith('['):  # may be left out
                        continue
                    tail = '' if value else '=x'
                    status, _, err = program.run('minfer %s %s%s' % (command, name, tail), folder)
                    self.assertEqual(status, 2, (command, name))
                    self.assertRegex(err, '^minfer: %s (needs a value|takes no value)' % name)

    def test_examples_work(self):
        for command in COMMANDS:
            for example in examples(command):
                with tempfile.TemporaryDirectory() as folder:
                    if command in ('accuracy', 'calibrate'):
                        files.fill(folder)
                    if command == 'report':
                        for name in re.findall(r'\S+\.trace\.json', example):
                            trace_figures.write(os.path.join(folder, name), trace_figures.make(3, 2, 1))
                    if command == 'diff':
                        program.run('minfer $QUICK --trace=before.trace.json && cp before.trace.json after.trace.json', folder)
                    if command == 'verbose':
                        files.verbose_log(os.path.join(folder, 'app.log'))
                    status, out, err = program.run(example + SHORTER.get(command, ''), folder)
                    self.assertEqual(status, 0, (example, err))
                    written = re.findall(r'(?:-o|--resume) (\S+)', example)
                    self.assertEqual(out == '', bool(written) and command != 'calibrate' or command == 'report', example)
                    for name in written:
                        self.assertGreater(os.path.getsize(os.path.join(folder, name)), 100)
                        if name.endswith('.json'):
                            with open(os.path.join(folder, name)) as file:
                                kind = {'calibrate': 'calibration'}.get(command, command)
                                self.assertEqual(schema.problems(file.read(), kind), [])
                    if '--trace' in example:
                        trace = 'app.trace.json' if command == 'verbose' else 'minfer-resnet50-int8.trace.json'
                        self.assertEqual([name for name in os.listdir(folder) if name != 'app.log'], [trace])


if __name__ == '__main__':
    unittest.main()
