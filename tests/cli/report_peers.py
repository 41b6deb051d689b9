"""The page of `minfer report` in a real browser (tests/browser.sh installs it): no console error, no request, the numbers of the trace,
zooming and sorting, two traces, light and dark, narrow and wide, many spans, and names that try to be markup."""
import os, re, statistics, tempfile, time, unittest
from support import browser, program, trace_figures

PAGES = {'one': 'int8', 'plain': 'plain', 'two': 'f32 int8', 'fusion': 'f32 plain', 'three': 'f32 int8 plain', 'many': 'many', 'hostile': 'hostile',
         'hostile2': 'hostile int8', 'run': 'run', 'layer': 'layer', 'unrun': 'unrun', 'nothing': 'nothing', 'mixed': 'nothing run layer int8'}
SECTIONS = 'timeline', 'layers', 'kinds', 'reorders', 'roofline', 'startup', 'memory', 'threads', 'environment'


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        for name, options in ('f32', ''), ('int8', '--int8'), ('plain', '--layout blocked --fusion off'):
            cls.run_minfer('$QUICK --threads 2 --iterations 3 --trace=%s.trace.json --trace-level thread %s' % (name, options))
        trace_figures.write(os.path.join(cls.folder, 'many.trace.json'), trace_figures.make(150, 25, 3))
        for level in 'run', 'layer':
            cls.run_minfer('$QUICK --trace=%s.trace.json --trace-level %s' % (level, level))
        trace_figures.write(os.path.join(cls.folder, 'unrun.trace.json'), trace_figures.make(3, 0, 0))
        nothing = trace_figures.make(1, 0, 0, environment={'model': 'nothing'})
        nothing.update(traceEvents=nothing['traceEvents'][:1], memory=[])
        trace_figures.write(os.path.join(cls.folder, 'nothing.trace.json'), nothing)
        hostile = {trace_figures.HOSTILE: trace_figures.ENDING, 'model': trace_figures.HOSTILE, 'dtype': trace_figures.ENDING,
                   'cpu': trace_figures.HOSTILE, 'isa': trace_figures.ENDING, 'batch': 1, '__proto__': trace_figures.HOSTILE}
        name = lambda i: '%d %s%s' % (i, trace_figures.HOSTILE, trace_figures.ENDING)
        trace_figures.write(os.path.join(cls.folder, 'hostile.trace.json'),
                            trace_figures.make(9, 3, 2, name=name, environment=hostile, kind=trace_figures.ENDING))
        for page, names in PAGES.items():
            cls.run_minfer('report %s -o %s.html' % (' '.join(name + '.trace.json' for name in names.split()), page))
        cls.playwright = browser.sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=browser.CHROMIUM, args=['--no-sandbox'])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()
        cls.scratch.cleanup()

    @classmethod
    def run_minfer(cls, arguments):
        status, _, err = program.run('minfer ' + arguments, cls.folder)
        assert status == 0, err

    def trace(self, name):
        return trace_figures.Figures(os.path.join(self.folder, name + '.trace.json'))

    def open(self, name, width=1280, scheme='light'):
        """The page, loaded. What it says on the console, and what it asks of the network, fails the test at its end."""
        context = self.browser.new_context(viewport={'width': width, 'height': 900}, color_scheme=scheme)
        self.addCleanup(context.close)
        page, said, asked = context.new_page(), [], []
        page.on('console', lambda message: said.append(message.text))
        page.on('pageerror', lambda error: said.append(str(error)))
        page.on('request', lambda request: asked.append(request.url))
        self.addCleanup(lambda: self.assertEqual((said, asked[1:]), ([], [])))
        page.goto('file://%s/%s.html' % (self.folder, name))
        page.wait_for_selector('html[data-ready]', timeout=60000)
        return page

    @staticmethod
    def column(page, table, title):
        """Texts of a column, from the top."""
        return page.evaluate('''([table, title]) => {
            const heads = [...document.querySelectorAll(table + ' thead th')].map(th => th.textContent);
            return [...document.querySelectorAll(table + ' tbody tr')].map(tr => tr.children[heads.indexOf(title)].textContent);
        }''', [table, title])

    @staticmethod
    def window(page):
        return page.evaluate('(c => [Number(c.dataset.from), Number(c.dataset.to)])(document.querySelector("canvas"))')

    def after_frame(self, page):
        page.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')

    # ---- numbers

    def test_the_layers_are_those_of_the_trace(self):
        for name in 'one', 'plain':
            page, trace = self.open(name), self.trace({'one': 'int8'}.get(name, name))
            self.assertGreater(len(trace.layers), 20)
            found = sorted(zip(self.column(page, '#layers-table', 'Layer'), self.column(page, '#layers-table', 'Median ms')))
            rows = [(name, '%.4f' % (trace.median(times) / 1e6)) for name, times in trace.rows()]  # four digits: the run is under 20 ms
            self.assertEqual(found, sorted(rows))

    def test_the_headline_is_that_of_the_trace(self):
        page, trace = self.open('one'), self.trace('int8')
        value = dict(page.evaluate('''[...document.querySelectorAll('#headline > div')].map(d =>
            [d.querySelector('.label').textContent, d.querySelector('.value').textContent])'''))
        run = trace.run_ns() / 1e6
        self.assertEqual(value['Closure'], '%.2f%%' % (100 * statistics.median(trace.closures)))
        number, unit = re.fullmatch(r'([0-9.]+)(ms|µs)', value['Median run']).groups()
        self.assertAlmostEqual(float(number) / {'ms': 1, 'µs': 1000}[unit], run, delta=run * 6e-4)
        self.assertAlmostEqual(float(value['Throughput'].removesuffix('images/s')), 1000 / run, delta=1000 / run * 6e-4)
        self.assertEqual(value['Reorders'], '%dof %d' % (len(trace.reorders), len(trace.layers) + len(trace.reorders)))

    def test_the_kinds_are_those_of_the_trace(self):
        page, trace = self.open('plain'), self.trace('plain')
        counts = {'reorder': 0}
        counts.update({kind: len(indices) for kind, indices in trace.by(trace.kind).items()})
        cells = page.evaluate('[...document.querySelectorAll("#kinds-bars .rows > div")].map(d => d.textContent)')[6:]
        found = {cells[i]: int(cells[i + 2]) for i in range(0, len(cells), 6) if cells[i + 2]}
        self.assertEqual(found, counts)

    def test_two_traces_are_matched_and_their_speed_up_is_right(self):
        page, a, b = self.open('two'), self.trace('f32'), self.trace('int8')
        before, after = ({side.layers[i]['name']: side.median(times) for i, times in side.layer_times.items()} for side in (a, b))
        names = self.column(page, '#comparison-layers', 'Layer')
        self.assertEqual(sorted(names), sorted(before))
        for name, a_ms, b_ms, ratio in zip(names, *(self.column(page, '#comparison-layers', t) for t in ('A ms', 'B ms', 'Speed-up'))):
            self.assertEqual((a_ms, b_ms), ('%.4f' % (before[name] / 1e6), '%.4f' % (after[name] / 1e6)))
            self.assertEqual(ratio, '%.2f×' % (before[name] / after[name]))

    def test_a_fused_layer_meets_its_chain(self):
        page, a, b = self.open('fusion'), self.trace('f32'), self.trace('plain')
        layers = lambda side: {side.layers[i]['name']: (side.layers[i]['args'], side.median(times)) for i, times in side.layer_times.items()}
        fused, chains = layers(a), layers(b)
        moved = lambda side, name: sum(p['args']['bytes_read'] + p['args']['bytes_written'] for i, p in side.primitives.items()
                                       if side.layer_of[i] >= 0 and side.layers[side.layer_of[i]]['name'] == name)
        titles = 'Layer', 'Fused ms', 'Chain ms', 'Saved ms', 'Gain', 'MB saved', 'The chain'
        rows = list(zip(*(self.column(page, '#comparison-fusion', title) for title in titles)))
        self.assertEqual(len(rows), 27)
        for name, fused_ms, chain_ms, saved, gain, megabytes, chain in rows:
            arguments, ns = fused[name]
            parts = [part for part, (other, _) in chains.items() if set(other['sources']) <= set(arguments['sources'])]
            times = [chains[part][1] for part in parts]
            self.assertEqual((fused_ms, chain_ms, saved), tuple('%.4f' % (v / 1e6) for v in (ns, sum(times), sum(times) - ns)))
            self.assertEqual(gain, '%.2f×' % (sum(times) / ns))
            self.assertEqual(megabytes, '%.3f' % ((sum(moved(b, part) for part in parts) - moved(a, name)) / 1e6))
            self.assertEqual(chain, ''.join('%s %.4f' % (chains[part][0]['kind'], chains[part][1] / 1e6) for part in parts))
        [total] = page.evaluate('[...document.querySelectorAll("#comparison-fusion tfoot tr")].map(tr => tr.children[3 + 1].textContent)')
        self.assertAlmostEqual(float(total), sum(float(row[3]) for row in rows), delta=0.003)
        shown = dict(zip(self.column(page, '#comparison-layers', 'Layer'), self.column(page, '#comparison-layers', 'B computes with')))
        for row in rows:
            self.assertTrue(shown[row[0]].endswith(row[-1]))
        self.assertFalse(self.open('two').locator('#fusion-heading').is_visible())

    def test_start_up_adds_up(self):
        page, trace = self.open('one'), self.trace('int8')
        phases = [e for e in trace.spans['application'] if 'parent' not in e['args']]
        parts = {e['args']['id']: [p for p in trace.spans['application'] if p['args'].get('parent') == e['args']['id']] for e in phases}
        before = [e for e in phases if e['name'] != 'first run']
        ready = (max(e['ts'] + e['dur'] for e in before) - before[0]['ts']) / 1e3
        rows = lambda: page.evaluate('''[...document.querySelectorAll('#startup-bars .rows > div')].reduce((rows, d, i) =>
            (i % 4 ? rows[rows.length - 1].push(d.textContent) : rows.push([d.hidden, d.className, d.textContent]), rows), [])''')
        ms = lambda text: float(text.split()[0]) * {'ns': 1e-6, 'µs': 1e-3, 'ms': 1, 's': 1e3}[text.split()[1]]
        top = [row for row in rows() if not row[0]]
        at = [row[2] for row in top].index('ready')
        self.assertAlmostEqual(ms(top[at][4]), ready, delta=0.01 * ready)
        self.assertAlmostEqual(sum(ms(row[4]) for row in top[:at]), ready, delta=0.01 * ready)
        self.assertEqual([row[2] for row in top[at + 1:]], [e['name'] for e in phases if e['name'] == 'first run'])
        [primitives] = [e for e in before if e['name'] == 'primitives']
        made = parts[primitives['args']['id']]
        self.assertGreater(len(made), 20)
        button = page.locator('#startup-bars button', has_text='primitives')
        self.assertEqual(button.inner_text(), 'primitives %d' % len(made))
        button.focus()
        page.keyboard.press('Enter')
        self.assertEqual(button.get_attribute('aria-expanded'), 'true')
        shown = [row for row in rows() if not row[0] and row[1] == 'part']
        self.assertEqual([row[2] for row in shown][:len(made)], [e['name'] for e in made])
        self.assertAlmostEqual(sum(ms(row[4]) for row in shown), primitives['dur'] / 1e3, delta=0.01 * primitives['dur'] / 1e3)
        button.click()
        self.assertEqual([row for row in rows() if not row[0] and row[1] == 'part'], [])

    def test_three_traces(self):
        page = self.open('three')
        self.assertEqual(page.locator('canvas').count(), 3)
        page.click('#choice button:nth-child(3)')
        self.assertEqual(sorted(self.column(page, '#layers-table', 'Layer')), sorted(name for name, _ in self.trace('plain').rows()))

    def test_traces_that_lack_most(self):
        """No thread, primitive or layer spans; no runs; nothing at all; and these beside a whole trace."""
        for name in 'run', 'layer', 'unrun', 'nothing', 'mixed':
            page = self.open(name)
            page.locator('canvas').first.focus()
            for key in 'n', '+', 'a', '0', 'ArrowUp', 'ArrowDown':
                page.keyboard.press(key)
            self.after_frame(page)
            self.assertNotRegex(page.inner_text('body'), r'NaN|undefined|\[object|Infinity|null')
        page, trace = self.open('layer'), self.trace('layer')
        self.assertEqual(sorted(self.column(page, '#layers-table', 'Layer')), sorted(layer['name'] for layer in trace.layers.values()))

    # ---- use

    def test_the_timeline_zooms_and_pans(self):
        page = self.open('one')
        first = self.window(page)
        canvas = page.locator('canvas')
        canvas.hover(position={'x': 600, 'y': 80})
        page.mouse.wheel(0, -300)
        self.after_frame(page)
        wheeled = self.window(page)
        self.assertLess(wheeled[1] - wheeled[0], (first[1] - first[0]) * 0.9)
        self.assertTrue(first[0] < wheeled[0] and wheeled[1] < first[1])
        canvas.focus()
        page.keyboard.press('+')
        self.after_frame(page)
        closer = self.window(page)
        self.assertAlmostEqual((closer[1] - closer[0]) / (wheeled[1] - wheeled[0]), 0.7, places=3)
        page.keyboard.press('ArrowRight')
        self.after_frame(page)
        panned = self.window(page)
        self.assertGreater(panned[0], closer[0])
        self.assertAlmostEqual(panned[1] - panned[0], closer[1] - closer[0], delta=1)
        box = canvas.bounding_box()
        page.mouse.move(box['x'] + 500, box['y'] + 90)
        page.mouse.down()
        page.mouse.move(box['x'] + 700, box['y'] + 90, steps=4)
        page.mouse.up()
        self.after_frame(page)
        self.assertLess(self.window(page)[0], panned[0])
        page.keyboard.press('0')
        self.after_frame(page)
        self.assertEqual(self.window(page), first)

    def test_spans_are_reached_by_keyboard_and_by_pointer(self):
        page, trace = self.open('one'), self.trace('int8')
        names = [layer['name'] for _, layer in sorted(trace.layers.items())]
        page.locator('canvas').focus()
        page.keyboard.press('n')
        self.assertEqual(page.evaluate('document.querySelector("canvas").dataset.selected'), names[0])
        for _ in range(3):
            page.keyboard.press('n')
        self.assertEqual(page.evaluate('document.querySelector("canvas").dataset.selected'), names[3])
        self.assertIn(names[3], page.inner_text('#details'))
        self.assertIn('sources', page.inner_text('#details'))
        page.keyboard.press('ArrowDown')
        self.assertIn('implementation', page.inner_text('#details'))
        page.locator('canvas').hover(position={'x': 640, 'y': 80})
        self.assertTrue(page.locator('#tip').is_visible())
        self.assertIn(page.inner_text('#tip b'), names)

    def test_the_first_span_is_the_shown_runs(self):
        # Runs that follow each other so closely that the end of one is in the window of the next.
        page, trace = self.open('many'), self.trace('many')
        page.locator('canvas').focus()
        page.keyboard.press('n')
        self.assertEqual(page.evaluate('document.querySelector("canvas").dataset.selected'), trace.layers[0]['name'])

    def test_the_table_sorts_and_filters(self):
        page = self.open('plain')
        sort = lambda: page.click('#layers-table th:has-text("Median ms") button')
        numbers = lambda: [float(v) for v in self.column(page, '#layers-table', 'Median ms')]
        self.assertEqual(numbers(), sorted(numbers(), reverse=True))
        sort()
        self.assertEqual(numbers(), sorted(numbers()))
        self.assertEqual(page.get_attribute('#layers-table th:has-text("Median ms")', 'aria-sort'), 'ascending')
        page.click('#layers-table th:has-text("Kind") button')
        kinds = self.column(page, '#layers-table', 'Kind')
        self.assertEqual(kinds, sorted(kinds))
        page.select_option('#layers-table select[data-key=kind]', 'pooling')
        self.assertEqual(set(self.column(page, '#layers-table', 'Kind')), {'pooling'})
        page.select_option('#layers-table select[data-key=kind]', '')
        page.fill('#layers-table input', 'CONV_DW')
        self.assertTrue(all('conv_dw' in name for name in self.column(page, '#layers-table', 'Layer')))
        page.fill('#layers-table input', 'no such layer')
        self.assertEqual(self.column(page, '#layers-table', 'Layer'), [])

    def test_a_row_leads_to_its_span(self):
        page = self.open('one')
        name = self.column(page, '#layers-table', 'Layer')[4]
        page.click('#layers-table tbody tr:nth-child(5)')
        self.after_frame(page)
        self.assertEqual(page.evaluate('document.querySelector("canvas").dataset.selected'), name)

    # ---- looks

    def test_no_width_needs_sideways_scrolling(self):
        for name in 'one', 'plain', 'two', 'fusion', 'three', 'many', 'hostile', 'hostile2':
            for width in 400, 1280:
                page = self.open(name, width)
                self.assertLessEqual(page.evaluate('document.documentElement.scrollWidth'), width, (name, width))

    def test_light_and_dark(self):
        """Text stands out at least 4.5 times (WCAG AA) from what is behind it, in both; the button turns one into the other."""
        papers = set()
        for name in 'plain', 'fusion':
            for scheme in 'light', 'dark':
                page = self.open(name, scheme=scheme)
                self.assertEqual(page.evaluate(LOW_CONTRAST), [], (name, scheme))
                papers.add(page.evaluate('getComputedStyle(document.body).backgroundColor'))
                before = page.evaluate('getComputedStyle(document.body).backgroundColor')
                page.click('#theme')
                self.assertNotEqual(page.evaluate('getComputedStyle(document.body).backgroundColor'), before)
                self.assertEqual(page.evaluate(LOW_CONTRAST), [], (name, 'turned from ' + scheme))
        self.assertEqual(len(papers), 2)

    def test_everything_has_a_name(self):
        for name in 'plain', 'two':
            page = self.open(name)
            nameless = page.evaluate('''[...document.querySelectorAll('button, input, select, canvas, svg, [tabindex="0"]')].filter(e =>
                !(e.textContent.trim() || e.getAttribute('aria-label'))).map(e => e.outerHTML.slice(0, 80))''')
            self.assertEqual(nameless, [])
            for section in SECTIONS:
                self.assertTrue(page.locator('#%s h2' % section).is_visible())

    # ---- size and hostility

    def test_ten_thousand_spans(self):
        begin = time.monotonic()
        page = self.open('many')
        loaded = time.monotonic() - begin
        trace = self.trace('many')
        self.assertGreater(trace.span_count, 10000)
        page.locator('canvas').focus()
        page.keyboard.press('a')
        self.after_frame(page)
        whole = self.window(page)
        frames = page.evaluate('''async () => {
            const begin = performance.now();
            for (let i = 0; i < 30; i++) {
                document.querySelector('canvas').dispatchEvent(new WheelEvent('wheel', {deltaY: -20, bubbles: true, cancelable: true}));
                await new Promise(done => requestAnimationFrame(done));
            }
            return (performance.now() - begin) / 30;
        }''')
        self.after_frame(page)
        now = self.window(page)
        self.assertLess(now[1] - now[0], (whole[1] - whole[0]) / 5)
        print('%d spans: loaded in %.2f s, %.1f ms a zoomed frame' % (trace.span_count, loaded, frames))

    def test_names_are_never_markup(self):
        for name in 'hostile', 'hostile2':
            page = self.open(name)
            page.locator('canvas').first.focus()
            page.keyboard.press('n')
            page.locator('canvas').first.hover(position={'x': 640, 'y': 80})
            page.click('#layers-table tbody tr')
            self.after_frame(page)
            self.assertEqual(page.evaluate('window.hacked'), None)
            self.assertEqual(page.locator('img').count(), 0)
            self.assertEqual(page.locator('script').count(), 2)
            self.assertIn(trace_figures.HOSTILE, page.inner_text('h1'))
            self.assertIn(trace_figures.ENDING, page.inner_text('#layers-table tbody'))
            self.assertIn(trace_figures.ENDING, page.inner_text('#environment-table'))

    def test_the_skeleton_is_small(self):
        with open(os.path.join(self.folder, 'one.html'), encoding='utf-8') as file:
            text = file.read()
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1)
        self.assertLess(len(text.encode()) - len(data.encode()), 150 * 1024)
        self.assertLess(len(data.encode()), os.path.getsize(os.path.join(self.folder, 'int8.trace.json')) / 3)
        self.assertNotRegex(text.replace(data, ''), r'https?://(?!www\.w3\.org/2000/svg)')


# Elements with text of their own whose colour is too near to the first opaque background behind them.
LOW_CONTRAST = '''(() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const colour = numbers(getComputedStyle(e).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const hasText = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && !e.closest('script');
    return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && hasText(e)).map(e => {
        const style = getComputedStyle(e), ink = luminance(numbers(e.closest('svg') ? style.fill : style.color)), paper = luminance(behind(e));
        return [e.tagName + ' ' + e.textContent.slice(0, 30), (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
    }).filter(([, ratio]) => ratio < 4.5);
})()'''


if __name__ == '__main__':
    unittest.main()
