// The tables of one trace: layers, reorders; and the environment of all.

function shareCell(share, kind, most) {
  const bar = element('i');
  bar.style.width = 100 * (known(share) && most > 0 ? share / most : 0) + '%';
  bar.style.background = colourOf(kind);
  return element('span', {}, percent(share), element('span', {class: 'share', 'aria-hidden': 'true'}, bar));
}
const spreadText = row => (known(row.low) ? milliseconds(row.low) + '–' + milliseconds(row.high) : '–');
const codeCell = key => row => (row[key] ? element('code', {}, row[key]) : '');

function showLayers(trace) {
  const host = byId('layers-table'),
    most = Math.max(0, ...trace.rows.map(r => (known(r.share) ? r.share : 0)));
  host.replaceChildren();
  const reorders = trace.rows.length - trace.layers.length;
  byId('layers-lead').textContent =
    plural(trace.layers.length, 'layer') +
    (reorders ? ' and ' + plural(reorders, 'reorder') + ' between them' : '') +
    '. Times are medians of ' +
    plural(trace.runs.count, 'traced run') +
    ', with the quartiles. A click selects the layer in the timeline.';
  const columns = [
    {key: 'name', title: 'Layer', style: 'name', title2: row => row.sources.join(', ')},
    {key: 'stage', title: 'Stage'},
    {key: 'kind', title: 'Kind', value: row => row.kind, cell: row => swatched(row.kind)},
    {key: 'ns', title: 'Median ms', number: true, cell: row => milliseconds(row.ns)},
    {
      key: 'spread',
      title: 'Quartiles ms',
      number: true,
      style: 'soft',
      hint: 'sorts by their distance',
      value: row => row.high - row.low,
      cell: spreadText,
    },
    {key: 'share', title: 'Share', number: true, cell: row => shareCell(row.share, row.kind, most)},
    {key: 'gflops', title: 'GFLOP/s', number: true, cell: row => digits(row.gflops)},
    {key: 'gbytes', title: 'GB/s', number: true, cell: row => digits(row.gbytes)},
    {
      key: 'roof',
      title: 'Of roof',
      number: true,
      hint: 'the least time on this machine over its time',
      cell: row => percent(row.roof),
    },
    {key: 'bound', title: 'Bound'},
    {key: 'dtype', title: 'Dtype'},
    {key: 'implementation', title: 'Implementation', cell: codeCell('implementation')},
    {key: 'formats', title: 'Formats', cell: codeCell('formats')},
    {key: 'output', title: 'Output shape'},
    {key: 'reason', title: 'Why it converts', style: 'text'},
    {key: 'sources', title: 'Covers', value: row => row.sources.join(', '), cell: row => row.sources.join(', ')},
  ].filter(
    c =>
      ['name', 'kind', 'ns'].includes(c.key) ||
      trace.rows.some(row => {
        const value = (c.value || (r => r[c.key]))(row);
        return value !== '' && value !== undefined && !Number.isNaN(value);
      }),
  );
  const total = rows => {
    const cells = columns.map(
      c =>
        ({
          name: ['Sum of ' + plural(rows.length, 'row')],
          ns: [milliseconds(sum(rows.map(r => r.ns))), 'number'],
          share: [percent(sum(rows.map(r => r.share))), 'number'],
        })[c.key] || [''],
    );
    return element('tr', {}, ...cells.map(([text, style]) => element('td', {class: style}, text)));
  };
  const table = new Table(host, {
    caption: 'Layers',
    rows: trace.rows,
    columns,
    sort: {key: 'ns', down: true},
    total,
    onRow: row => selectLayer(trace, row),
  });
  addFilters(
    host,
    table,
    row => [
      row.name,
      row.stage,
      row.kind,
      row.implementation,
      row.formats,
      row.dtype,
      row.output,
      row.reason,
      ...row.sources,
    ],
    [
      {key: 'kind', title: 'Every kind', value: row => row.kind},
      {key: 'stage', title: 'Every stage', value: row => row.stage},
    ],
    rows => grouped(rows.length) + ' of ' + grouped(trace.rows.length) + ' rows',
  );
}

// From the table to the timeline: the span of the median run.
function selectLayer(trace, row) {
  const timeline = view.timelines.find(one => one.trace === trace);
  const lane = timeline.lanes.find(l => l.kind === (row.index < 0 ? 'primitives' : 'layers')),
    index = row.index < 0 ? row.primitive : row.index;
  if (!lane) return;
  for (let i = timeline.firstAfter(lane, 0); i < lane.rows.length; i++)
    if (lane.spans.index[lane.rows[i]] === index) {
      timeline.select({lane, row: i});
      timeline.reveal();
      return;
    }
}

function showReorders(trace) {
  const host = byId('reorders-table'),
    lead = byId('reorders-lead');
  const list = trace.primitives.filter(p => p.kind === 'reorder' || p.reason);
  const reorders = list.filter(p => p.kind === 'reorder'),
    inside = list.length - reorders.length,
    ns = sum(reorders.map(p => p.ns));
  lead.textContent = reorders.length
    ? plural(reorders.length, 'reorder') + ', ' + time(ns) + ' of a run (' + percent(ns / trace.runs.ns) + ').'
    : 'None: every primitive reads the format that the one before it writes.';
  if (inside)
    lead.textContent +=
      ' ' + plural(inside, 'primitive') + (inside === 1 ? ' converts inside itself.' : ' convert inside themselves.');
  host.replaceChildren();
  if (!list.length) return;
  const a = key => row => row.attributes[key] || '';
  new Table(host, {
    caption: 'Reorders',
    rows: list,
    sort: {key: 'ns', down: true},
    columns: [
      {
        key: 'from',
        title: 'From',
        style: 'name',
        value: row => a('from')(row) || row.name,
        cell: row => a('from')(row) || row.name,
      },
      {key: 'to', title: 'To', style: 'name', value: a('to'), cell: a('to')},
      {
        key: 'reads',
        title: 'Reads',
        cell: row => element('code', {}, [a('source_format')(row), a('source_dtype')(row)].join(' ')),
        value: a('source_format'),
      },
      {
        key: 'writes',
        title: 'Writes',
        cell: row => element('code', {}, [a('destination_format')(row), a('destination_dtype')(row)].join(' ')),
        value: a('destination_format'),
      },
      {key: 'bytes', title: 'Bytes', number: true, cell: row => bytes(row.bytes)},
      {key: 'ns', title: 'Median ms', number: true, cell: row => milliseconds(row.ns)},
      {key: 'gbytes', title: 'GB/s', number: true, cell: row => digits(row.gbytes)},
      {key: 'reason', title: 'Reason', style: 'text'},
    ],
  });
}

function showEnvironment() {
  const keys = [...new Set(traces.flatMap(trace => Object.keys(trace.environment)))];
  const text = (trace, key) =>
    Object.hasOwn(trace.environment, key) ? attributeText(key, trace.environment[key]) : '–';
  const differs = key => traces.some(trace => text(trace, key) !== text(traces[0], key));
  if (traces.length > 1) keys.sort((a, b) => differs(b) - differs(a));
  const head = element(
    'tr',
    {},
    element('th', {scope: 'col'}, 'Attribute'),
    ...traces.map(trace => element('th', {scope: 'col'}, traces.length > 1 ? letterOf(trace) : '', trace.title)),
  );
  const body = keys.map(key =>
    element(
      'tr',
      {},
      element(
        'th',
        {scope: 'row'},
        key.replaceAll('_', ' '),
        traces.length > 1 && differs(key) ? element('span', {class: 'slower'}, '  differs') : '',
      ),
      ...traces.map(trace => element('td', {class: 'text'}, text(trace, key))),
    ),
  );
  byId('environment-table').replaceChildren(
    element('table', {}, element('thead', {}, head), element('tbody', {}, ...body)),
  );
}
