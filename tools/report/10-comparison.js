// Two traces and more: the first is what the others are measured against.

const speedup = (before, after) => (before > 0 && after > 0 ? before / after : NaN);
const speedupCell = value =>
  known(value)
    ? element('span', {class: value >= 1.03 ? 'faster' : value <= 0.97 ? 'slower' : undefined}, value.toFixed(2) + '×')
    : '–';

function pairBars(values, most) {
  const pair = element('div', {class: 'pair', 'aria-hidden': 'true'});
  values.forEach((value, i) => {
    const bar = element('i');
    bar.style.width = 100 * (known(value) && most > 0 ? value / most : 0) + '%';
    bar.style.background = 'var(' + ['--strong', '--fused', '--pooling', '--product', '--eltwise'][i % 5] + ')';
    pair.append(bar);
  });
  return pair;
}

// A row for each set of layers, over all traces. What matches is said by the data, for each trace against the first.
function matchedLayers() {
  const first = traces[0],
    rows = new Map(),
    ns = (trace, list) => (list.length ? list.reduce((t, i) => t + trace.layers[i].ns, 0) : NaN);
  const only = [];
  for (const [t, trace] of traces.entries()) {
    for (const [left, right] of trace.groups) {
      const names = left.length ? left.map(i => first.layers[i]) : right.map(i => trace.layers[i]),
        key = left.join();
      let row = left.length ? rows.get(key) : null;
      if (!row) {
        row = {
          name: names.map(l => l.name).join(', '),
          stage: names[0].stage,
          kind: names[0].kind,
          ns: Array(traces.length).fill(NaN),
          layers: Array(traces.length).fill(null),
        };
        if (left.length) rows.set(key, row);
        else only.push(row);
      }
      if (left.length) {
        row.ns[0] = ns(first, left);
        row.layers[0] = left.map(i => first.layers[i]);
      }
      if (right.length) {
        row.ns[t] = ns(trace, right);
        row.layers[t] = right.map(i => trace.layers[i]);
      }
    }
  }
  return [...rows.values(), ...only];
}

const computesWith = list =>
  list
    ? [...new Set(list.map(l => [l.dtype, l.implementation.split(':')[0]].filter(Boolean).join(' ')))].join(', ')
    : '–';

// The parts of a chain: kind and time of each, in order.
const chainParts = list =>
  element(
    'span',
    {class: 'chain'},
    ...list.map(layer => swatched(layer.kind, layer.kind + ' ' + milliseconds(layer.ns))),
  );
const computesWithCell = list =>
  element('div', {class: 'with'}, element('code', {}, computesWith(list)), list && list.length > 1 ? chainParts(list) : '');

// Bar of a fused layer above that of its chain, part by part.
function chainBars(row, most) {
  const bars = element('div', {class: 'pair', 'aria-hidden': 'true'});
  for (const list of [row.fused, row.chain]) {
    const stack = element('div', {class: 'stack'});
    for (const layer of list) {
      const piece = element('i');
      piece.style.width = 100 * (known(layer.ns) && most > 0 ? layer.ns / most : 0) + '%';
      piece.style.background = colourOf(layer.kind);
      stack.append(piece);
    }
    bars.append(stack);
  }
  return bars;
}

// Layers that one trace runs as one, and another as a chain.
function fusedRows(rows) {
  return traces.slice(1).flatMap((trace, i) =>
    rows
      .filter(row => row.layers[0] && row.layers[i + 1] && row.layers[0].length !== row.layers[i + 1].length)
      .map(row => {
        const sides = [row.layers[0], row.layers[i + 1]],
          which = sides[1].length < sides[0].length ? 1 : 0,
          [fused, chain] = [sides[which], sides[1 - which]],
          ns = list => sum(list.map(l => l.ns)),
          moved = list => sum(list.map(l => l.bytes));
        return {
          name: fused.map(l => l.name).join(', '),
          stage: row.stage,
          where: [traces[0], trace][which].letter + ' against ' + [traces[0], trace][1 - which].letter,
          fused,
          chain,
          fusedNs: ns(fused),
          chainNs: ns(chain),
          saved: ns(chain) - ns(fused),
          bytes: moved(chain) - moved(fused),
        };
      }),
  );
}

function fusedColumns(most) {
  const ms = (key, title) => ({key, title, number: true, cell: row => milliseconds(row[key])});
  return [
    {key: 'name', title: 'Layer', style: 'name'},
    {key: 'where', title: 'Fused'},
    ms('fusedNs', 'Fused ms'),
    ms('chainNs', 'Chain ms'),
    {key: 'bars', title: 'Fused / chain', value: row => row.chainNs, cell: row => chainBars(row, most)},
    ms('saved', 'Saved ms'),
    {
      key: 'gain',
      title: 'Gain',
      number: true,
      value: row => speedup(row.chainNs, row.fusedNs),
      cell: row => speedupCell(speedup(row.chainNs, row.fusedNs)),
    },
    {key: 'bytes', title: 'MB saved', number: true, cell: row => (row.bytes / 1e6).toFixed(3)},
    {key: 'chain', title: 'The chain', value: row => row.chain.length, cell: row => chainParts(row.chain)},
  ];
}

function showFusion(rows) {
  const list = fusedRows(rows),
    host = byId('comparison-fusion');
  byId('fusion-heading').hidden = byId('fusion-lead').hidden = !list.length;
  if (!list.length) return;
  const saved = sum(list.map(row => row.saved)),
    chain = sum(list.map(row => row.chainNs));
  byId('fusion-lead').textContent =
    plural(list.length, 'layer') +
    ' of one trace meet a chain of layers in another. Fusion saves ' +
    time(saved) +
    ' of ' +
    time(chain) +
    ' (' +
    percent(saved / chain) +
    ') and ' +
    (sum(list.map(row => row.bytes)) / 1e6).toFixed(1) +
    ' MB of traffic a run.';
  const columns = fusedColumns(Math.max(...list.map(row => Math.max(row.chainNs, row.fusedNs)), 1)).filter(
    c => c.key !== 'where' || new Set(list.map(row => row.where)).size > 1,
  );
  const total = shown => {
    const amount = key => milliseconds(sum(shown.map(row => row[key])));
    const cells = {
      name: 'Sum of ' + plural(shown.length, 'row'),
      fusedNs: amount('fusedNs'),
      chainNs: amount('chainNs'),
      saved: amount('saved'),
      gain: digits(sum(shown.map(row => row.chainNs)) / sum(shown.map(row => row.fusedNs))) + '×',
      bytes: (sum(shown.map(row => row.bytes)) / 1e6).toFixed(3),
    };
    return element('tr', {}, ...columns.map(c => element('td', {class: c.number && 'number'}, cells[c.key] || '')));
  };
  new Table(host, {caption: 'Fused layers and chains', rows: list, columns, sort: {key: 'saved', down: true}, total});
}

function comparisonColumns(most) {
  const others = traces.map((trace, t) => [trace, t]).slice(1),
    two = traces.length === 2;
  return [
    {key: 'name', title: 'Layer', style: 'name'},
    {key: 'stage', title: 'Stage'},
    ...traces.map((trace, t) => ({
      key: 'ms' + t,
      title: trace.letter + ' ms',
      number: true,
      value: row => row.ns[t],
      cell: row => milliseconds(row.ns[t]),
    })),
    {
      key: 'bars',
      title: traces.map(trace => trace.letter).join(' / '),
      value: row => Math.max(...row.ns.filter(known), 0),
      cell: row => pairBars(row.ns, most),
    },
    ...others.map(([trace, t]) => ({
      key: 'speedup' + t,
      title: two ? 'Speed-up' : trace.letter + ' speed-up',
      number: true,
      value: row => speedup(row.ns[0], row.ns[t]),
      cell: row => speedupCell(speedup(row.ns[0], row.ns[t])),
    })),
    ...others.map(([trace, t]) => ({
      key: 'saved' + t,
      title: two ? 'Saved ms' : trace.letter + ' saves ms',
      number: true,
      value: row => row.ns[0] - row.ns[t],
      cell: row => milliseconds(row.ns[0] - row.ns[t]),
    })),
    ...traces.map((trace, t) => ({
      key: 'with' + t,
      title: trace.letter + ' computes with',
      value: row => computesWith(row.layers[t]),
      cell: row => computesWithCell(row.layers[t]),
    })),
  ];
}

function showComparisonKinds() {
  const kinds = new Map(),
    head = element('tr', {}, element('th', {scope: 'col'}, 'Kind'));
  traces.forEach((trace, t) => {
    for (const {kind, count, ns} of trace.kinds) {
      if (!kinds.has(kind)) kinds.set(kind, {counts: Array(traces.length).fill(0), ns: Array(traces.length).fill(0)});
      kinds.get(kind).counts[t] = count;
      kinds.get(kind).ns[t] = ns;
    }
  });
  kinds.set('gap', {counts: traces.map(() => null), ns: traces.map(trace => trace.runs.gap)});
  kinds.set('run', {counts: traces.map(trace => trace.primitives.length), ns: traces.map(trace => trace.runs.ns)});
  const number = text => element('th', {scope: 'col', class: 'number'}, text);
  head.append(
    ...traces.map(trace => number(trace.letter + ' count')),
    ...traces.map(trace => number(trace.letter + ' ms')),
    ...traces.map(trace => number(trace.letter + ' share')),
    element('th', {scope: 'col'}, traces.map(trace => trace.letter).join(' / ')),
    ...traces.slice(1).map(trace => number(traces.length === 2 ? 'Speed-up' : trace.letter + ' speed-up')),
  );
  const most = Math.max(...[...kinds].filter(([kind]) => kind !== 'run').flatMap(([, k]) => k.ns.filter(known)), 1);
  const amount = content => element('td', {class: 'number'}, content);
  const body = [...kinds].map(([kind, {counts, ns}]) =>
    element(
      'tr',
      {},
      element(
        'td',
        {},
        kind === 'run' ? element('b', {}, 'whole run') : swatched(kind, kind === 'gap' ? 'gaps between' : kind),
      ),
      ...counts.map(count => amount(count === null ? '' : grouped(count))),
      ...ns.map(value => amount(milliseconds(value))),
      ...ns.map((value, t) => amount(percent(value / traces[t].runs.ns))),
      element('td', {}, kind === 'run' ? '' : pairBars(ns, most)),
      ...ns.slice(1).map(value => amount(speedupCell(speedup(ns[0], value)))),
    ),
  );
  byId('comparison-kinds').replaceChildren(
    element(
      'table',
      {'aria-label': 'Time by kind, side by side'},
      element('thead', {}, head),
      element('tbody', {}, ...body),
    ),
  );
}

function showComparison() {
  const rows = matchedLayers(),
    most = Math.max(...rows.flatMap(row => row.ns.filter(known)), 1);
  byId('comparison').hidden = false;
  const lead = traces.slice(1).map((trace, i) => {
    const ratios = rows.map(row => speedup(row.ns[0], row.ns[i + 1])).filter(known);
    const faster = ratios.filter(r => r >= 1.03).length,
      slower = ratios.filter(r => r <= 0.97).length;
    return (
      trace.letter +
      ' (' +
      trace.title +
      ') against A (' +
      traces[0].title +
      '): ' +
      'of ' +
      ratios.length +
      ' layers ' +
      faster +
      ' faster, ' +
      slower +
      ' slower, the others within 3 %.'
    );
  });
  byId('comparison-lead').textContent =
    lead.join(' ') +
    ' The traces’ own times: to measure a speed-up with an interval, minfer compare runs both in turn.';
  showComparisonKinds();
  showFusion(rows);
  const host = byId('comparison-layers');
  const table = new Table(host, {
    caption: 'Layers side by side',
    rows,
    columns: comparisonColumns(most),
    sort: {key: 'ms0', down: true},
  });
  addFilters(
    host,
    table,
    row => [row.name, row.stage, row.kind, ...row.layers.map(computesWith)],
    [{key: 'stage', title: 'Every stage', value: row => row.stage}],
    list => grouped(list.length) + ' of ' + grouped(rows.length) + ' rows',
  );
}
