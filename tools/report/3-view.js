// What all timelines share: the window onto time, the colours, and the lanes of a trace.

const LANE = {runs: 15, layers: 28, primitives: 28, threads: 24};
const OVERVIEW = 20,
  AXIS = 22,
  SPACE = 4;

// CSS colours for the canvas: variables are resolved by an element that uses them.
const palette = {
  cache: new Map(),
  probe: document.body.appendChild(element('i', {hidden: ''})),
  get(name) {
    if (!this.cache.has(name)) {
      this.probe.style.color = 'var(' + name + ')';
      this.cache.set(name, getComputedStyle(this.probe).color);
    }
    return this.cache.get(name);
  },
  kind(kind) {
    return this.get(Object.hasOwn(COLOURS, kind) ? COLOURS[kind] : '--other');
  },
  // Black or white, whichever stands out more on it.
  on(colour) {
    const [r, g, b] = colour.match(/[\d.]+/g).map(v => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
  },
};

// What all timelines share: the window from .. to in ns, and the selected span.
const view = {
  from: 0,
  to: 1,
  first: 0,
  last: 1,
  timelines: [],
  pending: false,
  set(from, to) {
    const whole = this.last - this.first,
      width = Math.min(Math.max(to - from, 200), whole * 1.04);
    const middle = Math.min(
      Math.max((from + to) / 2, this.first - whole * 0.02 + width / 2),
      this.last + whole * 0.02 - width / 2,
    );
    this.from = middle - width / 2;
    this.to = middle + width / 2;
    this.redraw();
  },
  zoom(factor, at = (this.from + this.to) / 2) {
    this.set(at - (at - this.from) * factor, at + (this.to - at) * factor);
  },
  pan(by) {
    this.set(this.from + by, this.to + by);
  },
  redraw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      for (const one of this.timelines) one.draw();
    });
  },
};

function lanesOf(trace) {
  const {runs, layers, primitives, threads} = trace.spans,
    lanes = [];
  const add = (kind, label, spans, rows, height) => {
    if (rows.length) lanes.push({kind, label, spans, rows, height});
  };
  const all = set => Array.from({length: set.count}, (_, i) => i);
  add('runs', 'runs', runs, all(runs), LANE.runs);
  add('layers', 'layers', layers, all(layers), LANE.layers);
  add('primitives', 'primitives', primitives, all(primitives), LANE.primitives);
  const workers = new Map();
  for (let i = 0; i < threads.count; i++) {
    if (!workers.has(threads.thread[i])) workers.set(threads.thread[i], []);
    workers.get(threads.thread[i]).push(i);
  }
  for (const worker of [...workers.keys()].sort((a, b) => a - b))
    add('threads', 'worker ' + worker, threads, workers.get(worker), LANE.threads);
  let y = OVERVIEW + AXIS;
  for (const lane of lanes) {
    lane.y = y;
    y += lane.height + SPACE;
  }
  return {lanes, height: y + 2};
}
