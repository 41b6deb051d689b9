// Plots in SVG: the roofline, and the memory map.

const PLOT_LIMIT = 2000; // marks of a plot; of more the largest are drawn
const largest = (items, size) =>
  items.length <= PLOT_LIMIT ? items : [...items].sort((a, b) => size(b) - size(a)).slice(0, PLOT_LIMIT);
const at = (x, y, text, more = {}) => shape('text', {x, y, ...more}, text);
const line = (x1, y1, x2, y2, style) => shape('line', {x1, y1, x2, y2, class: style});
const plotWidth = host => Math.max(330, Math.min(1224, host.getBoundingClientRect().width || 1224));

// The roofs that a trace knows: of its dtype and of f32, and of every level of memory.
function roofsOf(environment) {
  const roof = (name, key) => ({name, value: environment['peak_' + key]});
  const there = roofs => roofs.filter(r => r.value > 0).sort((a, b) => b.value - a.value);
  const types = [...new Set([environment.dtype || 'f32', 'f32'])];
  const compute = there(types.map(type => roof(type, type + '_gflops')));
  const memory = there([
    roof('L1', 'l1_gbytes_per_s'),
    roof('L2', 'l2_gbytes_per_s'),
    roof('L3', 'l3_gbytes_per_s'),
    roof('DRAM', 'gbytes_per_s'),
  ]);
  return {compute: compute.length ? compute : there([roof('', 'gflops')]), memory};
}

// Ticks of a logarithmic axis: powers of ten, with 2 and 5 between them where there are few.
const powers = (low, high) => {
  const steps = high / low < 300 ? [1, 2, 5] : [1],
    found = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
    for (const step of steps) found.push(step * 10 ** e);
  return found.filter(v => v >= low && v <= high);
};

function showRoofline(trace) {
  const host = byId('roofline-plot'),
    lead = byId('roofline-lead');
  const points = largest(
    trace.primitives.filter(p => p.gflops > 0 && p.bytes > 0),
    p => p.ns,
  );
  const {compute, memory} = roofsOf(trace.environment);
  lead.textContent =
    'Each primitive by its arithmetic intensity and what it achieved; the area of a mark is its share of the run. ' +
    (compute.length || memory.length
      ? ''
      : 'This trace does not know the machine’s peaks: run minfer env --measure once, and traces made after it have the roofs.');
  host.replaceChildren();
  if (!points.length) {
    host.append(element('p', {class: 'empty'}, 'No primitive of this trace has FLOPs, bytes and a time.'));
    return;
  }
  const width = plotWidth(host),
    height = Math.min(520, Math.max(330, width * 0.45)),
    left = 54,
    right = width - 12,
    top = 24,
    bottom = height - 42;
  const intensity = points.map(p => p.flops / p.bytes),
    rates = points.map(p => p.gflops).concat(compute.map(r => r.value));
  const low = {x: Math.min(...intensity) / 1.6, y: Math.min(...rates) / 1.8},
    high = {x: Math.max(...intensity) * 1.6, y: Math.max(...rates) * 1.9};
  // With roofs, the place where the highest two meet is in sight.
  if (compute.length && memory.length) low.x = Math.min(low.x, compute[0].value / memory[0].value / 6);
  const scale = (value, from, to, a, b) =>
    a + ((Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))) * (b - a);
  const x = v => scale(v, low.x, high.x, left, right),
    y = v => scale(v, low.y, high.y, bottom, top);
  const svg = shape('svg', {viewBox: '0 0 ' + width + ' ' + height});
  for (const v of powers(low.x, high.x))
    svg.append(line(x(v), top, x(v), bottom, 'grid'), at(x(v), bottom + 17, grouped(v), {'text-anchor': 'middle'}));
  for (const v of powers(low.y, high.y))
    svg.append(line(left, y(v), right, y(v), 'grid'), at(left - 7, y(v) + 4, grouped(v), {'text-anchor': 'end'}));
  svg.append(line(left, bottom, right, bottom, 'axis'), line(left, top, left, bottom, 'axis'));
  svg.append(
    at((left + right) / 2, height - 6, 'FLOP per byte', {'text-anchor': 'middle', class: 'title'}),
    at(left - 7, top - 10, 'GFLOP/s', {class: 'title'}),
  );
  const labels = drawRoofs(svg, {compute, memory, x, y, low, high, left, right});
  const marks = points
    .sort((a, b) => b.ns - a.ns)
    .map(p => {
      const radius = Math.max(3.5, Math.sqrt(p.share || 0) * Math.min(60, width / 14));
      const dot = shape('circle', {cx: x(p.flops / p.bytes), cy: y(p.gflops), r: radius, 'fill-opacity': '0.62'});
      dot.style.fill = dot.style.stroke = colourOf(p.kind);
      svg.append(dot);
      return {
        shape: dot,
        title: p.name,
        lines: [
          p.kind + ', ' + p.implementation,
          digits(p.gflops) + ' GFLOP/s at ' + digits(p.flops / p.bytes) + ' FLOP/byte',
          time(p.ns) + ', ' + percent(p.share) + ' of the run',
          [p.bound ? 'bound by ' + p.bound : '', known(p.roof) ? percent(p.roof) + ' of its roof' : '']
            .filter(Boolean)
            .join(', '),
        ],
      };
    });
  svg.append(...labels);
  host.append(
    plotLegend(points.map(p => p.kind)),
    explorable(svg, 'Roofline, ' + plural(points.length, 'primitive') + '; arrow keys go from one to the next', marks),
  );
}

// Draws the lines and returns their labels, which belong on top of the marks.
function drawRoofs(svg, {compute, memory, x, y, low, high, left, right}) {
  const labels = [],
    roof = compute.length ? compute[0].value : Infinity;
  for (const [i, {name, value}] of memory.entries()) {
    // Two roofs that nearly meet: the label of the lower one stands below it.
    const below = i > 0 && memory[i - 1].value < 1.6 * value;
    const end = Math.min(high.x, roof / value),
      begin = Math.max(low.x, low.y / value);
    if (end <= begin) continue;
    const label = (name ? name + ' ' : '') + digits(value) + ' GB/s';
    const path = {
      class: 'roof memory',
      d: 'M' + x(begin) + ' ' + y(begin * value) + 'L' + x(end) + ' ' + y(Math.min(high.y, end * value)),
    };
    svg.append(shape('path', path, shape('title', {}, label)));
    if (x(end) - x(begin) < 60) continue;
    const place = Math.sqrt(begin * Math.min(end, begin * 8)),
      angle = (Math.atan2(y(2 * value) - y(value), x(2) - x(1)) * 180) / Math.PI;
    const px = x(place),
      py = y(place * value) + (below ? 14 : -5);
    labels.push(at(px, py, label, {class: 'title', transform: 'rotate(' + angle + ' ' + px + ' ' + py + ')'}));
  }
  const slowest = memory.length ? memory[0].value : Infinity;
  for (const {name, value} of compute) {
    const begin = Math.max(low.x, value / slowest);
    svg.append(
      shape('path', {
        class: 'roof',
        d: 'M' + (begin < high.x ? x(begin) : left) + ' ' + y(value) + 'L' + right + ' ' + y(value),
      }),
    );
    labels.push(
      at(right - 4, y(value) - 5, (name ? name + ' ' : '') + grouped(Math.round(value)) + ' GFLOP/s', {
        'text-anchor': 'end',
        class: 'title',
      }),
    );
  }
  return labels;
}

// Ticks of a size: powers of two, three to six of them, and the whole.
function sizeTicks(slab) {
  let step = 1;
  while (slab / step > 6) step *= 2;
  const ticks = [];
  for (let v = 0; v < slab - step / 3; v += step) ticks.push(v);
  return ticks.concat(slab);
}

function plotLegend(kinds) {
  return element('div', {class: 'legend'}, ...[...new Set(kinds)].map(kind => swatched(kind)));
}

// The slab over the steps of a run: a rectangle is an activation, as high as it is large, as long as it lives.
function showMemory(trace) {
  const host = byId('memory-plot'),
    lead = byId('memory-lead');
  const buffers = trace.memory.map(([name, offset, size, first, last]) => ({name, offset, size, first, last}));
  host.replaceChildren();
  if (!buffers.length) {
    lead.textContent = 'The trace has no memory map.';
    return;
  }
  const environment = trace.environment,
    slab = Math.max(...buffers.map(b => b.offset + b.size), 1),
    steps = Math.max(...buffers.map(b => b.last)) + 1;
  const bound = environment.activation_bound_bytes;
  lead.textContent =
    plural(buffers.length, 'activation') +
    ' share a slab of ' +
    bytes(slab) +
    (known(bound)
      ? ', ' + digits(slab / bound) + '× of the bound ' + bytes(bound) + ' (the largest sum that is alive at one step)'
      : '') +
    '. One after the other they would take ' +
    bytes(sum(buffers.map(b => b.size))) +
    '. Coloured by the primitive that writes, the input grey.';
  const width = plotWidth(host),
    height = Math.min(430, Math.max(260, width * 0.34)),
    left = 66,
    right = width - 8,
    top = 10,
    bottom = height - 40;
  const x = step => left + (step / steps) * (right - left),
    y = offset => bottom - (offset / slab) * (bottom - top);
  const svg = shape('svg', {viewBox: '0 0 ' + width + ' ' + height});
  for (const v of sizeTicks(slab))
    svg.append(
      line(left, y(v), right, y(v), 'grid'),
      at(left - 7, y(v) + 4, v ? bytes(v) : '0', {'text-anchor': 'end'}),
    );
  const step =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find(s => steps / s <= width / 55) || steps;
  for (let s = 0; s < steps; s += step) svg.append(at(x(s + 0.5), bottom + 17, grouped(s), {'text-anchor': 'middle'}));
  svg.append(
    line(left, bottom, right, bottom, 'axis'),
    at((left + right) / 2, height - 5, 'primitive (step of a run)', {'text-anchor': 'middle', class: 'title'}),
  );
  const marks = largest(buffers, b => b.size)
    .sort((a, b) => a.first - b.first || a.offset - b.offset)
    .map(b => {
      const writer = b.name === 'input' ? null : trace.primitives[b.first],
        kind = writer ? writer.kind : '';
      const box = shape('rect', {
        x: x(b.first),
        y: y(b.offset + b.size),
        width: Math.max(1.5, x(b.last + 1) - x(b.first) - 1),
        height: Math.max(1, y(b.offset) - y(b.offset + b.size) - 1),
      });
      box.style.fill = 'color-mix(in srgb, ' + colourOf(kind) + ' 72%, var(--paper))';
      svg.append(box);
      return {
        shape: box,
        kind,
        title: b.name,
        lines: [bytes(b.size) + ' at offset ' + bytes(b.offset), 'alive from step ' + b.first + ' to ' + b.last, kind],
      };
    });
  host.append(
    plotLegend(marks.map(mark => mark.kind).filter(Boolean)),
    explorable(
      svg,
      'Memory map, ' + plural(marks.length, 'activation') + '; arrow keys go from one to the next',
      marks,
    ),
  );
}
