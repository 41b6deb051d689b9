"""The program as a child that is watched and sent signals."""
import os, subprocess, tempfile, unittest
from support import program


class Children(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = self.scratch.name
        self.addCleanup(self.scratch.cleanup)

    def start(self, arguments, **options):
        child = program.start(arguments, self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stderr.close)
        return child

    def read_until(self, child, beginning):
        for line in child.stderr:
            if line.startswith(beginning):
                return
        self.fail('no line begins with %r' % beginning)

    def finish(self, child):
        out, err = child.communicate()
        return out.decode(), err.decode()

    def end_while_loading(self, arguments, number):
        """A signal before anything is measured: no results, and nothing is left behind."""
        child = self.start(arguments)
        self.read_until(child, b'open: ')
        child.send_signal(number)
        out, err = self.finish(child)
        self.assertEqual((child.returncode, out), (128 + number, ''))
        self.assertRegex(err, r'(?m)^minfer: .*interrupted')
        self.assertEqual(os.listdir(self.folder), [])
