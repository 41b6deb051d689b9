// Around the timelines: the selected span in words, buttons, the legend.

function showDetails(timeline, lane, row) {
  const i = lane.rows[row],
    spans = lane.spans,
    item = timeline.item(lane, row),
    list = element('dl');
  const put = (key, value) => list.append(element('div', {}, element('dt', {}, key), element('dd', {}, value)));
  put('time', time(spans.duration[i], 4));
  if (item) put('median', time(item.ns, 4) + (known(item.share) ? ' (' + percent(item.share) + ' of a run)' : ''));
  put('begins', time(timeline.start(lane, row), 4) + ' after time 0');
  if (lane.kind === 'threads')
    for (const key of ['effective', 'spin', 'wait', 'overhead'])
      put(key, time(spans[key][i]) + ' (' + percent(spans[key][i] / spans.duration[i]) + ')');
  if (lane.kind === 'threads') put('chunks', grouped(spans.chunks[i]));
  if (item && item.flops > 0) put('rate', digits(item.flops / spans.duration[i]) + ' GFLOP/s');
  if (item && item.bytes > 0) put('traffic', digits(item.bytes / spans.duration[i]) + ' GB/s');
  if (item)
    for (const [key, value] of Object.entries(item.attributes))
      put(key.replaceAll('_', ' '), attributeText(key, value));
  const heading = element(
    'h3',
    {},
    traces.length > 1 ? letterOf(timeline.trace) : '',
    timeline.name(lane, row),
    ' ',
    element('span', {class: 'soft'}, lane.kind === 'threads' ? lane.label : lane.kind.slice(0, -1)),
  );
  byId('details').replaceChildren(heading, list);
}

function makeTimelines() {
  const host = byId('timelines');
  for (const trace of traces) {
    const box = element('div', {class: 'lanes'});
    if (traces.length > 1)
      box.append(
        element(
          'h3',
          {},
          letterOf(trace),
          trace.title,
          ' ',
          element('span', {class: 'soft'}, time(trace.runs.ns) + ' a run'),
        ),
      );
    host.append(box);
    view.timelines.push(new Timeline(box, trace));
  }
  const ends = view.timelines.flatMap(one => {
    const {runs} = one.trace.spans;
    return runs.count
      ? [runs.start[0] - one.origin, runs.start[runs.count - 1] + runs.duration[runs.count - 1] - one.origin]
      : [];
  });
  for (const one of view.timelines)
    for (const lane of one.lanes) if (!ends.length) ends.push(one.start(lane, 0), one.end(lane, lane.rows.length - 1));
  view.first = Math.min(0, ...ends);
  view.last = Math.max(1, ...ends);
  const act = {
    'Zoom in': ['+', () => view.zoom(0.6)],
    'Zoom out': ['−', () => view.zoom(1 / 0.6)],
    'One run': ['One run', () => view.timelines[0].fitRun()],
    'All runs': ['All runs', () => view.set(view.first, view.last)],
  };
  for (const [label, [text, run]] of Object.entries(act)) {
    const button = element('button', {type: 'button', 'aria-label': label}, text);
    button.addEventListener('click', run);
    byId('timeline-buttons').append(button);
  }
  byId('thread-hint').hidden = !traces.some(trace => trace.spans.threads.count);
  byId('details').textContent =
    'Select a span by click, or with the arrow keys, to see all that is known about it here.';
  view.timelines[0].fitRun();
}

function makeLegend() {
  const kinds = new Map();
  for (const trace of traces)
    for (const entry of trace.kinds) kinds.set(entry.kind, (kinds.get(entry.kind) || 0) + entry.count);
  if (!kinds.has('reorder')) kinds.set('reorder', 0);
  byId('legend').append(
    ...[...kinds].map(([kind, count]) => {
      const one = swatched(kind, kind + (count ? '' : ' (none)'));
      one.setAttribute('role', 'listitem');
      return one;
    }),
  );
}
