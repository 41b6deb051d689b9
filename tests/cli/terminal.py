"""What differs when the program writes to a terminal: colours, width, progress."""
import fcntl, os, pty, re, struct, subprocess, tempfile, termios, unittest
from support import program


def on_terminal(arguments, columns=80, **more):
    """Runs the program with stdout and stderr on a terminal of its own; gives the status and all that was written there."""
    with tempfile.TemporaryDirectory() as folder:
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        environment = program.environment(**dict({'TERM': 'xterm'}, **more))
        child = subprocess.Popen([program.MINFER] + arguments, cwd=folder, env=environment, stdin=side, stdout=side, stderr=side)
        os.close(side)
        seen = b''
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            seen += part
        os.close(main)
        return child.wait(), seen.decode().replace('\r\n', '\n')


QUICK = program.QUICK.split()
REWRITE = '\r\033[K'


class Terminal(unittest.TestCase):
    def test_colour(self):
        status, seen = on_terminal(QUICK)
        self.assertEqual(status, 0)
        self.assertIn('\033[1mMemory\033[0m', seen)

    def test_no_colour(self):
        for more, extra in (({'NO_COLOR': '1'}, []), ({'TERM': 'dumb'}, []), ({}, ['--color', 'never'])):
            status, seen = on_terminal(QUICK + extra, **more)
            self.assertEqual(status, 0)
            self.assertIsNone(re.search('\033' + r'\[[0-9;]*m', seen), (more, extra))
            self.assertIn('\nMemory\n', seen)

    def test_empty_no_color_does_not_count(self):
        self.assertIn('\033[1mMemory', on_terminal(QUICK, NO_COLOR='')[1])

    def test_colour_on_demand(self):
        self.assertIn('\033[1mMemory', on_terminal(QUICK + ['--color', 'always'], NO_COLOR='1')[1])

    def test_progress(self):
        _, seen = on_terminal(QUICK)
        self.assertIn(REWRITE + 'open: mobilenet_v1', seen)
        self.assertIn(REWRITE + 'measure: 1 runs', seen)
        self.assertIn(REWRITE + '\033[33msynthetic weights', seen)  # nothing of it is left before the results

    def test_quiet(self):
        _, seen = on_terminal(QUICK + ['--quiet', '--batch', '4'])
        self.assertNotIn(REWRITE, seen)
        self.assertNotIn('note:', seen)

    def test_progress_is_cleared_before_errors(self):
        status, seen = on_terminal(QUICK + ['--weights', 'nowhere'])
        self.assertEqual(status, 3)
        self.assertTrue(seen.endswith(REWRITE + 'minfer: nowhere: cannot be read: No such file or directory\n'), repr(seen))

    def test_tables_are_cut_to_the_width(self):
        _, wide = on_terminal(QUICK + ['--color', 'never'], columns=300)
        _, narrow = on_terminal(QUICK + ['--color', 'never'], columns=100)
        rows = [re.findall(r'^  (blocks\S*|conv_stem\S*).*$', seen, re.M) for seen in (wide, narrow)]
        self.assertFalse([name for name in rows[0] if '..' in name])
        self.assertTrue([name for name in rows[1] if name.endswith('..')])
        table = re.search(r'^Slowest layers.*\n((?:  .*\n)+)', narrow, re.M).group(1).splitlines()
        self.assertIn('minfer env --measure', table.pop())
        self.assertEqual(len(table), 11)
        self.assertLessEqual(max(map(len, table)), 100)

    def test_nothing_is_cut_without_a_terminal(self):
        with tempfile.TemporaryDirectory() as folder:
            _, out, _ = program.run('COLUMNS=80 minfer $QUICK --top 100', folder)
        names = re.findall(r'^  (blocks\S*)', out, re.M)
        self.assertTrue(len(names) == 26 and all(re.search(r'act[0-9]$', name) for name in names), names)


if __name__ == '__main__':
    unittest.main()
