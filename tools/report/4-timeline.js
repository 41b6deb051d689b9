// The timeline: one canvas a trace, all with one window onto time, so that two traces stand to one scale. Time 0 is where
// each trace's median run begins.

class Timeline {
  constructor(host, trace) {
    Object.assign(this, lanesOf(trace), {trace, selected: null, pointers: new Map()});
    this.origin = trace.anchor >= 0 ? trace.spans.runs.start[trace.anchor] : 0;
    this.canvas = element('canvas', {
      tabindex: '0',
      role: 'application',
      'aria-roledescription': 'timeline',
      'aria-describedby': 'details',
      'aria-label':
        'Timeline of ' +
        trace.title +
        ': plus and minus zoom, left and right pan, n and p go from span to span, up and down change the lane',
    });
    host.append(this.canvas);
    this.canvas.style.height = this.height + 'px';
    this.listen();
    new ResizeObserver(() => view.redraw()).observe(this.canvas);
  }

  // ---- time and place

  get gutter() {
    return this.width < 560 ? 62 : 84;
  }
  x(moment) {
    return this.gutter + ((moment - view.from) / (view.to - view.from)) * (this.width - this.gutter);
  }
  timeAt(x) {
    return view.from + ((x - this.gutter) / (this.width - this.gutter)) * (view.to - view.from);
  }
  start(lane, row) {
    return lane.spans.start[lane.rows[row]] - this.origin;
  }
  end(lane, row) {
    return this.start(lane, row) + lane.spans.duration[lane.rows[row]];
  }

  // The first row of a lane that ends after `moment`.
  firstAfter(lane, moment) {
    let low = 0,
      high = lane.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end(lane, middle) > moment) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // The first row of a lane that begins in the window: the window begins a little before a run, where the run before may not
  // have ended. One long span may fill it, too.
  firstIn(lane) {
    const last = lane.rows.length - 1,
      row = Math.min(this.firstAfter(lane, view.from), last);
    const next = Math.min(row + 1, last);
    return this.start(lane, row) < view.from && this.start(lane, next) < view.to ? next : row;
  }

  item(lane, row) {
    const index = lane.spans.index[lane.rows[row]];
    return lane.kind === 'runs' ? null : (lane.kind === 'layers' ? this.trace.layers : this.trace.primitives)[index];
  }
  name(lane, row) {
    const item = this.item(lane, row);
    return item ? item.name : 'run ' + lane.spans.index[lane.rows[row]];
  }

  // ---- drawing

  draw() {
    const canvas = this.canvas,
      box = canvas.getBoundingClientRect(),
      scale = devicePixelRatio || 1;
    this.width = box.width;
    if (!box.width) return;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(this.height * scale);
    const c = (this.context = canvas.getContext('2d'));
    c.scale(scale, scale);
    c.font = '11.5px ' + getComputedStyle(document.body).fontFamily;
    c.textBaseline = 'middle';
    this.drawOverview();
    this.drawAxis();
    for (const lane of this.lanes) this.drawLane(lane);
    if (this.selected) this.drawSelected();
    Object.assign(canvas.dataset, {from: view.from, to: view.to});
  }

  drawOverview() {
    const c = this.context,
      {runs} = this.trace.spans,
      width = this.width - this.gutter,
      whole = view.last - view.first;
    const place = moment => this.gutter + ((moment - view.first) / whole) * width;
    c.fillStyle = palette.get('--raised');
    c.fillRect(0, 0, this.width, OVERVIEW);
    c.fillStyle = palette.get('--strong');
    let drawn = -1;
    for (let i = 0; i < runs.count; i++) {
      const x = place(runs.start[i] - this.origin),
        end = Math.max(x + 1, place(runs.start[i] + runs.duration[i] - this.origin));
      if (end > drawn + 0.5) c.fillRect(x, 7, end - x, 6);
      drawn = Math.max(drawn, end);
    }
    const left = Math.max(this.gutter, place(view.from)),
      right = Math.min(this.width, place(view.to));
    c.strokeStyle = palette.get('--accent');
    c.lineWidth = 1.5;
    c.strokeRect(left + 0.75, 1.75, Math.max(3, right - left - 1.5), OVERVIEW - 3.5);
    c.fillStyle = palette.get('--soft');
    c.fillText('all', 6, OVERVIEW / 2 + 0.5);
  }

  drawAxis() {
    const c = this.context,
      span = view.to - view.from,
      wanted = span / Math.max(2, (this.width - this.gutter) / 110);
    const power = 10 ** Math.floor(Math.log10(wanted)),
      step = power * [1, 2, 5, 10].find(f => f * power >= wanted);
    const unit = step >= 1e9 ? [1e9, ' s'] : step >= 1e5 ? [1e6, ' ms'] : step >= 100 ? [1e3, ' µs'] : [1, ' ns'];
    const places = Math.max(0, -Math.floor(Math.log10(step / unit[0]) + 1e-9));
    c.fillStyle = palette.get('--line');
    const labels = [];
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
      const x = Math.round(this.x(t));
      c.fillRect(x, OVERVIEW + 4, 1, this.height);
      labels.push([(t / unit[0]).toFixed(places).replace(/^-(0(\.0*)?)$/, '$1') + unit[1], x]);
    }
    c.fillStyle = palette.get('--soft');
    for (const [label, x] of labels)
      if (x + 4 + c.measureText(label).width < this.width) c.fillText(label, x + 4, OVERVIEW + 12);
  }

  drawLane(lane) {
    const c = this.context,
      y = lane.y,
      height = lane.height;
    c.save();
    c.beginPath();
    c.rect(this.gutter, y, this.width - this.gutter, height);
    c.clip();
    // Spans that are narrower than a pixel are drawn once for the pixel.
    let pixel = -1;
    for (let row = this.firstAfter(lane, view.from); row < lane.rows.length; row++) {
      const begin = this.start(lane, row);
      if (begin > view.to) break;
      const left = this.x(begin),
        right = this.x(this.end(lane, row));
      if (right - left < 1.2) {
        if (Math.floor(left) === pixel) continue;
        pixel = Math.floor(left);
      }
      this.drawSpan(lane, row, Math.max(left, this.gutter - 2), Math.min(right, this.width + 2), y, height);
    }
    c.restore();
    c.fillStyle = palette.get('--paper');
    c.fillRect(0, y, this.gutter - 1, height);
    c.fillStyle = palette.get('--soft');
    c.fillText(lane.label, 6, y + height / 2, this.gutter - 10);
  }

  drawSpan(lane, row, left, right, y, height) {
    const c = this.context,
      item = this.item(lane, row);
    const width = Math.max(1, right - left - (right - left > 4 ? 1 : 0));
    const colour = item ? palette.kind(item.kind) : palette.get('--gap');
    if (lane.kind === 'threads') {
      const i = lane.rows[row],
        filled = height * Math.min(1, lane.spans.effective[i] / (lane.spans.duration[i] || 1));
      c.fillStyle = colour;
      c.globalAlpha = 0.22;
      c.fillRect(left, y, width, height);
      c.globalAlpha = 1;
      c.fillRect(left, y + height - filled, width, filled);
      return;
    }
    c.fillStyle = colour;
    c.fillRect(left, y, width, height);
    if (width < 34) return;
    c.fillStyle = palette.on(colour);
    const name = (lane.kind === 'primitives' && item.implementation) || this.name(lane, row);
    const label = this.shortened(name).find(text => c.measureText(text).width <= width - 8);
    if (label) c.fillText(label, left + 4, y + height / 2 + 0.5);
  }

  // What may stand for a name in a narrow span: without what was fused in, without the blocks around it, without the
  // instruction set. The whole name is a hover away.
  shortened(name) {
    const head = name.split(name.includes(':') ? ':' : '+')[0],
      parts = head.split('.');
    return [name, head, parts.slice(-2).join('.'), parts[parts.length - 1]];
  }

  drawSelected() {
    const {lane, row} = this.selected,
      c = this.context;
    const left = Math.max(this.x(this.start(lane, row)), this.gutter),
      right = Math.min(this.x(this.end(lane, row)), this.width);
    if (right < this.gutter || left > this.width) return;
    c.strokeStyle = palette.get('--focus');
    c.lineWidth = 2.5;
    c.strokeRect(left - 0.5, lane.y - 0.5, Math.max(3, right - left), lane.height + 1);
  }

  // ---- what is under the pointer, and what is selected

  hit(x, y) {
    const lane = this.lanes.find(l => y >= l.y && y < l.y + l.height);
    if (!lane || x < this.gutter) return null;
    const moment = this.timeAt(x),
      slack = (2 * (view.to - view.from)) / this.width;
    const row = this.firstAfter(lane, moment - slack);
    return row < lane.rows.length && this.start(lane, row) <= moment + slack ? {lane, row} : null;
  }

  select(hit) {
    for (const one of view.timelines) if (one !== this) one.selected = null;
    this.selected = hit;
    if (hit) {
      showDetails(this, hit.lane, hit.row);
      this.canvas.dataset.selected = this.name(hit.lane, hit.row);
    } else delete this.canvas.dataset.selected;
    view.redraw();
  }

  // Brings the selected span into the window.
  reveal() {
    const {lane, row} = this.selected,
      begin = this.start(lane, row),
      end = this.end(lane, row),
      width = view.to - view.from;
    if (begin >= view.from && end <= view.to) return;
    const wanted = Math.max(width, (end - begin) * 1.5);
    view.set((begin + end - wanted) / 2, (begin + end + wanted) / 2);
  }

  step(by) {
    if (!this.selected) {
      const lane = this.lanes.find(l => l.kind === 'layers') || this.lanes[0];
      if (lane) this.select({lane, row: this.firstIn(lane)});
    } else {
      const {lane, row} = this.selected;
      this.select({lane, row: Math.min(Math.max(row + by, 0), lane.rows.length - 1)});
    }
    if (this.selected) this.reveal();
  }

  changeLane(by) {
    if (!this.selected) return this.step(0);
    const {lane, row} = this.selected,
      to = this.lanes[this.lanes.indexOf(lane) + by];
    if (!to) return undefined;
    const middle = (Math.max(this.start(lane, row), view.from) + Math.min(this.end(lane, row), view.to)) / 2;
    this.select({lane: to, row: Math.min(this.firstAfter(to, middle), to.rows.length - 1)});
    return this.reveal();
  }

  fitRun() {
    const runs = this.trace.spans.runs,
      at = this.trace.anchor;
    if (at < 0) return view.set(view.first, view.last);
    const longest = Math.max(
      ...view.timelines.map(one => (one.trace.anchor < 0 ? 0 : one.trace.spans.runs.duration[one.trace.anchor])),
      runs.duration[at],
    );
    return view.set(-0.01 * longest, 1.01 * longest);
  }

  // ---- events

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener('wheel', event => this.wheel(event), {passive: false});
    canvas.addEventListener('keydown', event => this.key(event));
    canvas.addEventListener('pointerdown', event => this.down(event));
    canvas.addEventListener('pointermove', event => this.move(event));
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, event => this.up(event));
    canvas.addEventListener('pointerleave', hideTip);
    canvas.addEventListener('dblclick', event => {
      const hit = this.hit(event.offsetX, event.offsetY);
      if (!hit) return;
      const begin = this.start(hit.lane, hit.row),
        end = this.end(hit.lane, hit.row);
      view.set(begin - (end - begin) * 0.05, end + (end - begin) * 0.05);
    });
  }

  // The page scrolls where there is nothing left to zoom out of.
  wheel(event) {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const whole = view.to - view.from >= (view.last - view.first) * 1.03;
    if (!sideways && event.deltaY > 0 && whole) return;
    event.preventDefault();
    hideTip();
    if (sideways) view.pan(((event.deltaX || event.deltaY) / this.width) * (view.to - view.from));
    else view.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.006), this.timeAt(event.offsetX));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const width = view.to - view.from;
    const actions = {
      '+': () => view.zoom(0.7),
      '=': () => view.zoom(0.7),
      '-': () => view.zoom(1 / 0.7),
      _: () => view.zoom(1 / 0.7),
      ArrowLeft: () => view.pan(-0.15 * width),
      ArrowRight: () => view.pan(0.15 * width),
      ArrowUp: () => this.changeLane(-1),
      ArrowDown: () => this.changeLane(1),
      n: () => this.step(1),
      p: () => this.step(-1),
      0: () => this.fitRun(),
      a: () => view.set(view.first, view.last),
      Escape: () => this.select(null),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, {x: event.offsetX, y: event.offsetY});
    this.moved = 0;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId),
      now = {x: event.offsetX, y: event.offsetY};
    if (!before) return this.hover(event);
    const perPixel = (view.to - view.from) / (this.width - this.gutter);
    if (this.pointers.size === 1) {
      this.moved += Math.abs(now.x - before.x);
      if (now.y < OVERVIEW) this.jump(now.x);
      else view.pan((before.x - now.x) * perPixel);
    } else {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const old = Math.abs(before.x - other.x),
        wide = Math.abs(now.x - other.x);
      this.moved += 9;
      if (old > 8 && wide > 8) view.zoom(old / wide, this.timeAt((now.x + other.x) / 2));
    }
    this.pointers.set(event.pointerId, now);
    return hideTip();
  }

  up(event) {
    const one = this.pointers.delete(event.pointerId) && this.pointers.size === 0;
    if (!one || event.type !== 'pointerup' || this.moved > 4) return;
    if (event.offsetY < OVERVIEW) this.jump(event.offsetX);
    else this.select(this.hit(event.offsetX, event.offsetY));
  }

  // The overview: the window goes to where it was touched.
  jump(x) {
    const at = view.first + ((x - this.gutter) / (this.width - this.gutter)) * (view.last - view.first),
      width = view.to - view.from;
    view.set(at - width / 2, at + width / 2);
  }

  hover(event) {
    const hit = this.hit(event.offsetX, event.offsetY);
    if (!hit) return hideTip();
    const {lane, row} = hit,
      item = this.item(lane, row),
      i = lane.rows[row];
    const lines = [time(lane.spans.duration[i], 4)];
    if (item) lines.push([item.kind, item.implementation].filter(Boolean).join(', '));
    if (lane.kind === 'threads')
      lines.push(
        percent(lane.spans.effective[i] / lane.spans.duration[i]) +
          ' effective, ' +
          plural(lane.spans.chunks[i], 'chunk'),
      );
    else if (item && known(item.gflops))
      lines.push(digits(item.flops / lane.spans.duration[i] || item.gflops) + ' GFLOP/s');
    if (item && item.reason) lines.push(item.reason);
    return showTip(event.clientX, event.clientY, this.name(lane, row), lines);
  }
}
