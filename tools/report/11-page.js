// The page: summary, sections, which trace the sections show, light and dark.

const when = trace => {
  if (!trace.epoch_ms) return '';
  return new Date(trace.epoch_ms).toISOString().slice(0, 16).replace('T', ' ') + ' UTC';
};

function factsOf(trace) {
  const e = trace.environment;
  const calibration = [
    e.calibrator,
    e.calibration_source,
    known(e.calibration_images) ? plural(e.calibration_images, 'picture') : '',
  ]
    .filter(Boolean)
    .join(', ');
  return [
    ['Batch', known(e.batch) ? grouped(e.batch) + (known(e.chunk) ? ' in chunks of ' + grouped(e.chunk) : '') : ''],
    ['Threads', known(e.threads) ? grouped(e.threads) : ''],
    ['ISA', e.isa],
    ['Machine', [e.cpu, known(e.physical_cores) ? plural(e.physical_cores, 'core') : ''].filter(Boolean).join(', ')],
    ['oneDNN', [e.onednn_version, e.onednn_runtime].filter(Boolean).join(', ')],
    ['minfer', e.minfer_version],
    ['Weights', [e.weights_source, e.weights_path].filter(Boolean).join(': ')],
    ['Calibration', calibration],
    ['Layout', [e.layout, e.fusion ? 'fusion ' + e.fusion : ''].filter(Boolean).join(', ')],
    ['Traced', when(trace)],
    ['File', trace.file],
  ].filter(([, value]) => value);
}

function figure(label, value, unit, ...notes) {
  return element(
    'div',
    {},
    element('div', {class: 'label'}, label),
    element('div', {class: 'value'}, value, element('small', {}, unit)),
    ...notes.filter(Boolean).map(note => element('div', {class: 'note'}, note)),
  );
}
const split = text => [text.slice(0, text.lastIndexOf(' ')), text.slice(text.lastIndexOf(' ') + 1)];
const timeFigure = (label, ns, ...notes) =>
  known(ns) ? figure(label, ...split(time(ns, 4)), ...notes) : figure(label, '–', '', ...notes);
const imagesPerSecond = trace =>
  known(trace.environment.batch) && trace.runs.ns > 0 ? (trace.environment.batch * 1e9) / trace.runs.ns : NaN;

function headlineOf(trace) {
  const {runs, environment: e} = trace,
    reorders = trace.primitives.filter(p => p.kind === 'reorder'),
    start = startupOf(trace).ns;
  return [
    timeFigure(
      'Median run',
      runs.ns,
      known(runs.low) ? 'quartiles ' + digits(runs.low / 1e6) + '–' + digits(runs.high / 1e6) + ' ms' : '',
      plural(runs.count, 'traced run'),
    ),
    figure(
      'Throughput',
      digits(imagesPerSecond(trace), 4),
      'images/s',
      known(e.batch) ? 'batch ' + grouped(e.batch) : '',
    ),
    figure(
      'Closure',
      known(runs.closure) ? (100 * runs.closure).toFixed(2) : '–',
      '%',
      known(runs.gap) ? 'primitives ' + time(runs.primitives) + ', gaps ' + time(runs.gap) : 'needs primitive spans',
    ),
    known(e.overhead) ? figure('Tracing overhead', (100 * e.overhead).toFixed(2), '%') : null,
    trace.primitives.length
      ? figure(
          'Reorders',
          grouped(reorders.length),
          'of ' + grouped(trace.primitives.length),
          reorders.length ? time(sum(reorders.map(p => p.ns))) + ' a run' : 'no format changes',
        )
      : null,
    known(e.activation_bytes)
      ? figure(
          'Activations',
          ...split(bytes(e.activation_bytes)),
          known(e.activation_bound_bytes)
            ? digits(e.activation_bytes / e.activation_bound_bytes) + '× of the bound'
            : '',
        )
      : null,
    known(start) ? timeFigure('Start-up', start) : null,
  ].filter(Boolean);
}

function headlineOfMany() {
  const [first] = traces;
  return traces.flatMap(trace => {
    const ratio = speedup(first.runs.ns, trace.runs.ns);
    const figures = [
      timeFigure(
        trace.letter + ': median run',
        trace.runs.ns,
        trace.title,
        digits(imagesPerSecond(trace), 4) + ' images/s',
      ),
    ];
    if (trace !== first)
      figures.push(
        figure(
          'Speed-up of ' + trace.letter + ' over A',
          known(ratio) ? ratio.toFixed(2) + '×' : '–',
          '',
          known(ratio) ? time(Math.abs(first.runs.ns - trace.runs.ns)) + (ratio >= 1 ? ' saved' : ' more') : '',
        ),
      );
    return figures;
  });
}

function showSummary() {
  const title = byId('title'),
    [first] = traces;
  document.title = traces.map(trace => trace.title).join(' against ') + ' · minfer report';
  if (traces.length === 1) {
    title.textContent = first.title;
    byId('facts').append(
      ...factsOf(first).map(([key, value]) => element('div', {}, element('dt', {}, key), element('dd', {}, value))),
    );
    byId('headline').append(...headlineOf(first));
  } else {
    traces.forEach((trace, i) => title.append(...(i ? [element('small', {}, 'against')] : []), trace.title));
    const lists = traces.map(factsOf),
      keys = [...new Set(lists.flatMap(list => list.map(([key]) => key)))];
    for (const key of keys) {
      const values = lists.map(list => (list.find(([k]) => k === key) || ['', '–'])[1]),
        same = values.every(v => v === values[0]);
      const shown = same
        ? [values[0]]
        : values.flatMap((value, i) => [i ? element('br') : '', letterOf(traces[i]), value]);
      byId('facts').append(element('div', {}, element('dt', {}, key), element('dd', {}, ...shown)));
    }
    byId('headline').append(...headlineOfMany());
  }
  const notes = traces
    .filter(trace => trace.dropped)
    .map(trace => trace.title + ': ' + plural(trace.dropped, 'record') + ' of early runs were overwritten.');
  const synthetic = traces.filter(trace => trace.environment.weights_source === 'synthetic');
  if (synthetic.length)
    notes.push(
      (synthetic.length < traces.length ? synthetic.map(trace => trace.letter).join(', ') + ': ' : '') +
        'Weights are synthetic: the speed is real, the answers are not.',
    );
  byId('notes').hidden = !notes.length;
  byId('notes').textContent = notes.join(' ');
}

function showTrace(trace) {
  showLayers(trace);
  showKinds(trace);
  showReorders(trace);
  showRoofline(trace);
  showStartup(trace);
  showMemory(trace);
  showThreads(trace);
}

// With several traces, the sections about one show the chosen one.
let shown = traces[0];
function makeChoice() {
  const host = byId('choice');
  host.hidden = false;
  host.setAttribute('role', 'group');
  host.setAttribute('aria-label', 'Trace that the sections below the timeline show');
  const buttons = traces.map(trace => {
    const button = element(
      'button',
      {type: 'button', 'aria-pressed': String(trace === shown), title: trace.title},
      trace.letter,
    );
    button.addEventListener('click', () => {
      shown = trace;
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      mark();
      showTrace(trace);
    });
    return button;
  });
  const mark = () => {
    for (const section of document.querySelectorAll('section.one')) {
      const heading = section.querySelector('h2');
      for (const old of heading.querySelectorAll('.letter')) old.remove();
      heading.prepend(letterOf(shown));
    }
  };
  host.append(...buttons);
  mark();
}

function makeContents() {
  const list = document.querySelector('#contents ul'),
    links = new Map();
  for (const section of document.querySelectorAll('section[data-title]')) {
    if (section.hidden) continue;
    const link = element('a', {href: '#' + section.id}, section.dataset.title);
    links.set(section, link);
    list.append(element('li', {}, link));
  }
  const mark = () => {
    const now = [...links.keys()].filter(section => section.getBoundingClientRect().top < 120).pop();
    for (const [section, link] of links)
      if (section === now) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
  };
  addEventListener('scroll', mark, {passive: true});
}

function makeTheme() {
  const button = byId('theme'),
    system = matchMedia('(prefers-color-scheme: dark)'),
    root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const changed = () => {
    button.setAttribute('aria-pressed', String(dark()));
    palette.cache.clear();
    view.redraw();
  };
  button.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    changed();
  });
  system.addEventListener('change', changed);
  changed();
}

// Plots are drawn for a width.
function followWidth() {
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    showRoofline(shown);
    showMemory(shown);
  });
}

showSummary();
if (traces.length > 1) {
  showComparison();
  makeChoice();
}
makeLegend();
makeTimelines();
showTrace(shown);
showEnvironment();
makeContents();
makeTheme();
followWidth();
byId('foot').textContent =
  'Made by minfer ' +
  report.minfer_version +
  ' from ' +
  traces.map(trace => trace.file).join(', ') +
  '. The page needs no network.';
document.documentElement.dataset.ready = 'true';
