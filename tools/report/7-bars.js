// Bars: kinds, stages, start-up, threads. Rows of a grid, so that they fit any width.

function track(share, colour, offset = 0) {
  const bar = element('i');
  bar.style.left = 100 * offset + '%';
  bar.style.width = 100 * (known(share) ? share : 0) + '%';
  bar.style.background = colour;
  bar.hidden = !(share > 0);
  return element('div', {class: 'track', 'aria-hidden': 'true'}, bar);
}
const cell = (content, style) => element('div', {class: style}, content);

function showKinds(trace) {
  const kinds = [...trace.kinds],
    timed = known(trace.runs.gap);
  if (!kinds.some(k => k.kind === 'reorder')) kinds.push({kind: 'reorder', count: 0, ns: timed ? 0 : NaN});
  const most = Math.max(...kinds.map(k => k.count), 1),
    longest = Math.max(...kinds.map(k => (known(k.ns) ? k.ns : 0)), 1);
  const rows = element('div', {class: 'rows kinds', role: 'group', 'aria-label': 'Primitives and time by kind'});
  for (const [text, style] of [
    ['kind', ''],
    ['primitives', 'count'],
    ['', 'count'],
    ['time', ''],
    ['', 'amount'],
    ['share', 'amount'],
  ])
    rows.append(cell(text, 'head ' + style));
  for (const k of kinds) {
    const count = track(k.count / most, colourOf(k.kind));
    count.classList.add('count');
    rows.append(
      cell(swatched(k.kind)),
      count,
      cell(grouped(k.count), 'amount count'),
      track(k.ns / longest, colourOf(k.kind)),
      cell(k.count ? time(k.ns) : '0', 'amount'),
      cell(percent(k.ns / trace.runs.ns), 'amount'),
    );
  }
  if (timed) {
    const none = element('div', {class: 'count'});
    rows.append(
      cell(swatched('gap', 'gaps between')),
      none,
      cell('', 'count'),
      track(trace.runs.gap / longest, colourOf('gap')),
      cell(time(trace.runs.gap), 'amount'),
      cell(percent(trace.runs.gap / trace.runs.ns), 'amount'),
    );
  }
  byId('kinds-bars').replaceChildren(rows);
  showStages(trace);
}

function showStages(trace) {
  const stages = trace.stages.filter(s => s.kind === null),
    longest = Math.max(...stages.map(s => (known(s.ns) ? s.ns : 0)), 1);
  byId('stages-heading').hidden = byId('stages-bars').hidden = stages.length < 2;
  const rows = element('div', {class: 'rows stages', role: 'group', 'aria-label': 'Time by stage'});
  for (const {stage, count, ns} of stages) {
    const stack = element('div', {class: 'stack'}),
      parts = trace.stages.filter(s => s.stage === stage && s.kind !== null);
    for (const part of parts) {
      const piece = withTip(element('i'), stage + ': ' + part.kind, [
        time(part.ns) + ', ' + percent(part.ns / ns) + ' of the stage',
        plural(part.count, 'primitive'),
      ]);
      piece.style.width = (100 * (known(part.ns) ? part.ns : 0)) / longest + '%';
      piece.style.background = colourOf(part.kind);
      stack.append(piece);
    }
    rows.append(
      cell(stage),
      stack,
      cell(time(ns) + ' · ' + plural(count, 'primitive'), 'amount'),
      cell(percent(ns / trace.runs.ns), 'amount percent'),
    );
  }
  byId('stages-bars').replaceChildren(rows);
}

// Start-up as rows of {name, start, ns, parts, note}: passes in a row are parts of one, what lies between phases is a row
// of its own. `ns` is the time until the session was ready; the first run comes after it.
function startupOf(trace) {
  const {phases} = trace.spans,
    rows = [];
  let firstRun = null;
  for (let i = 0; i < phases.count; i++) {
    const index = phases.index[i],
      attributes = trace.phases.attributes[index];
    const one = {name: trace.phases.name[index], start: phases.start[i], ns: phases.duration[i], parts: []};
    one.note = attributes.cache === 'hit' ? 'from the cache' : '';
    const last = rows[rows.length - 1];
    if (trace.phase_parents[i] >= 0 && last) last.parts.push(one);
    else if (one.name === 'first run') firstRun = one;
    else if (one.name.startsWith('pass ') && last && last.name === 'passes') {
      last.parts.push({...one, name: one.name.slice(5)});
      last.ns = one.start + one.ns - last.start;
    } else if (one.name.startsWith('pass '))
      rows.push({...one, name: 'passes', parts: [{...one, name: one.name.slice(5)}]});
    else rows.push(one);
  }
  if (!rows.length) return {rows, firstRun, ns: NaN, between: NaN};
  const begin = rows[0].start,
    ns = Math.max(...rows.map(row => row.start + row.ns)) - begin;
  return {rows, firstRun, begin, ns, between: Math.max(0, ns - sum(rows.map(row => row.ns)))};
}

// The rows of a phase's parts, hidden at first, and the button in the phase's row that shows them.
function startupParts(row, cellsOf) {
  const rest = row.ns - sum(row.parts.map(part => part.ns)),
    cells = row.parts.flatMap(part => cellsOf(part, 'part'));
  if (rest > 0) cells.push(...cellsOf({name: 'the rest', ns: rest}, 'part'));
  const button = element('button', {type: 'button', class: 'unfold', 'aria-expanded': 'false'}, row.name);
  button.append(' ', element('span', {class: 'soft'}, grouped(row.parts.length)));
  const show = open => {
    button.setAttribute('aria-expanded', String(open));
    for (const one of cells) one.hidden = !open;
  };
  button.addEventListener('click', () => show(button.getAttribute('aria-expanded') !== 'true'));
  show(false);
  return {button, cells};
}

function showStartup(trace) {
  const {rows, firstRun, begin, ns, between} = startupOf(trace),
    host = byId('startup-bars');
  if (!rows.length) {
    byId('startup-lead').textContent = 'The trace has no start-up phases.';
    return host.replaceChildren();
  }
  const end = firstRun ? Math.max(ns, firstRun.start + firstRun.ns - begin) : ns,
    grid = element('div', {class: 'rows startup', role: 'group', 'aria-label': 'Start-up phases in order'});
  const cellsOf = (one, style, name = one.name) => [
    cell(name, style || 'phase'),
    known(one.start)
      ? track(one.ns / end, style === 'part' ? 'var(--plain)' : 'var(--fused)', (one.start - begin) / end)
      : element('div'),
    cell(time(one.ns) + (one.note ? ' · ' + one.note : ''), 'amount'),
    cell(one === firstRun ? '' : percent(one.ns / ns), 'amount percent'),
  ];
  for (const row of rows) {
    const {button, cells} = row.parts.length ? startupParts(row, cellsOf) : {cells: []};
    grid.append(...cellsOf(row, '', button), ...cells);
  }
  grid.append(...cellsOf({name: 'between phases', ns: between}, ''));
  grid.append(...cellsOf({name: element('b', {}, 'ready'), ns}, ''));
  if (firstRun) grid.append(...cellsOf(firstRun, ''));
  const longest = rows.reduce((most, row) => (row.ns > most.ns ? row : most)),
    hits = rows.flatMap(row => row.parts).filter(part => part.note).length;
  byId('startup-lead').textContent =
    'Ready to run after ' +
    time(ns) +
    '; the longest phase is ' +
    longest.name +
    ' (' +
    percent(longest.ns / ns) +
    ').' +
    (hits ? ' ' + plural(hits, 'primitive') + ' came out of oneDNN’s cache.' : '') +
    (firstRun ? ' The first run took ' + time(firstRun.ns) + '.' : '');
  return host.replaceChildren(grid);
}

const THREAD_PARTS = [
  ['effective', '--good', 'inside the work'],
  ['overhead', '--eltwise', 'handing over'],
  ['spin', '--spin', 'idle, polling'],
  ['wait', '--wait', 'idle, asleep'],
];

function threadTotals(trace) {
  const {threads, runs} = trace.spans,
    workers = new Map(),
    primitives = new Map(),
    count = Math.max(1, runs.count);
  const entry = (map, key) => {
    if (!map.has(key)) map.set(key, {effective: 0, spin: 0, wait: 0, overhead: 0, chunks: 0, workers: new Map()});
    return map.get(key);
  };
  for (let i = 0; i < threads.count; i++) {
    const both = [entry(workers, threads.thread[i]), entry(primitives, threads.index[i])];
    for (const one of both)
      for (const key of ['effective', 'spin', 'wait', 'overhead', 'chunks']) one[key] += threads[key][i] / count;
    const busy = both[1].workers;
    busy.set(threads.thread[i], (busy.get(threads.thread[i]) || 0) + threads.effective[i] / count);
  }
  return {workers, primitives};
}

function showThreads(trace) {
  const lead = byId('threads-lead'),
    bars = byId('threads-bars'),
    host = byId('threads-table');
  bars.replaceChildren();
  host.replaceChildren();
  if (!trace.spans.threads.count) {
    lead.textContent =
      'The trace does not go down to threads. One that does: minfer --model NAME --trace --trace-level thread';
    return;
  }
  lead.textContent = 'What every worker did while primitives ran, per run: means over the traced runs.';
  const {workers, primitives} = threadTotals(trace),
    whole = one => sum(THREAD_PARTS.map(([key]) => one[key]));
  const most = Math.max(...[...workers.values()].map(whole), 1);
  const legend = element('div', {class: 'legend', style: 'margin-bottom:10px'});
  for (const [key, colour, meaning] of THREAD_PARTS) {
    const mark = element('i', {class: 'swatch'});
    mark.style.background = 'var(' + colour + ')';
    legend.append(element('span', {}, mark, key + ' (' + meaning + ')'));
  }
  const rows = element('div', {class: 'rows threads', role: 'group', 'aria-label': 'Time of the workers'});
  for (const worker of [...workers.keys()].sort((a, b) => a - b)) {
    const one = workers.get(worker),
      stack = element('div', {class: 'stack'});
    for (const [key, colour] of THREAD_PARTS) {
      const piece = withTip(element('i'), 'worker ' + worker + ': ' + key, [
        time(one[key]) + ', ' + percent(one[key] / whole(one)),
      ]);
      piece.style.width = (100 * one[key]) / most + '%';
      piece.style.background = 'var(' + colour + ')';
      stack.append(piece);
    }
    rows.append(cell('worker ' + worker), stack, cell(percent(one.effective / whole(one)) + ' effective', 'amount'));
  }
  bars.append(legend, rows);
  const list = [...primitives].map(([index, one]) => {
    const busy = [...one.workers.values()],
      p = trace.primitives[index];
    return {
      ...one,
      name: p.name,
      kind: p.kind,
      ns: p.ns,
      lost: one.spin + one.wait + one.overhead,
      share: one.effective / whole(one),
      balance: Math.max(...busy) / (sum(busy) / busy.length),
    };
  });
  const ms = (key, title, hint) => ({key, title, number: true, hint, cell: row => milliseconds(row[key])});
  new Table(host, {
    caption: 'Thread time by primitive',
    rows: list,
    sort: {key: 'lost', down: true},
    columns: [
      {key: 'name', title: 'Primitive', style: 'name'},
      {key: 'kind', title: 'Kind', cell: row => swatched(row.kind)},
      ms('ns', 'ms', 'median of the primitive'),
      ms('lost', 'Lost ms', 'spin, wait and overhead, all workers together'),
      {key: 'share', title: 'Effective', number: true, cell: row => percent(row.share)},
      ms('effective', 'Work ms'),
      ms('spin', 'Spin ms'),
      ms('wait', 'Wait ms'),
      ms('overhead', 'Overhead ms'),
      {
        key: 'balance',
        title: 'Imbalance',
        number: true,
        hint: 'busiest worker over the mean of them; 1.00 is even',
        cell: row => digits(row.balance) + '×',
      },
      {key: 'chunks', title: 'Chunks', number: true, cell: row => grouped(Math.round(row.chunks * 10) / 10)},
    ],
  });
}
