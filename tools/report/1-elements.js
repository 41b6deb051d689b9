// Elements and numbers as text. Whatever comes from a trace goes through textContent and attributes, never through HTML.
const byId = id => document.getElementById(id);

// element('td', {class: 'number', title: 'x'}, 'text', child, ...)
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(name, value);
  made.append(...children.filter(child => child !== undefined && child !== null && child !== ''));
  return made;
}

function shape(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const known = number => typeof number === 'number' && Number.isFinite(number);

function digits(value, wanted = 3) {
  if (!known(value)) return '–';
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.max(0, Math.min(6, wanted - 1 - magnitude)));
}
const grouped = value => (known(value) ? value.toLocaleString('en-US') : '–');
// In tables: as many digits as the shortest run deserves, set when the data are read.
let decimals = 3;
const milliseconds = ns => (known(ns) ? (ns / 1e6).toFixed(decimals) : '–');

// A time with the unit that suits it.
function time(ns, wanted = 3) {
  if (!known(ns)) return '–';
  const size = Math.abs(ns);
  if (size >= 1e9) return digits(ns / 1e9, wanted) + ' s';
  if (size >= 1e6) return digits(ns / 1e6, wanted) + ' ms';
  if (size >= 1e3) return digits(ns / 1e3, wanted) + ' µs';
  return digits(ns, wanted) + ' ns';
}

function bytes(count) {
  if (!known(count)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; count >= 1024 && unit < 4; unit++) count /= 1024;
  return (unit ? digits(count) : String(count)) + ' ' + units[unit];
}
const percent = share => (known(share) ? (100 * share).toFixed(1) + ' %' : '–');
const plural = (count, word) => grouped(count) + ' ' + word + (count === 1 ? '' : 's');
const sum = values => values.reduce((total, value) => total + (known(value) ? value : 0), 0);
const letterOf = trace => element('span', {class: 'letter'}, trace.letter);

// An attribute's value for people: counts of bytes get a unit.
function attributeText(key, value) {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'number') {
    if (/(^|_)bytes(_|$)/.test(key) && !key.includes('per'))
      return bytes(value) + (value >= 1024 ? ' (' + grouped(value) + ')' : '');
    return Number.isInteger(value) ? grouped(value) : digits(value, 4);
  }
  return value === null || value === undefined ? '–' : String(value);
}

// ---- the one tooltip: a title, then lines

const tip = byId('tip');
function showTip(x, y, title, lines) {
  tip.replaceChildren(element('b', {}, title), ...lines.filter(Boolean).map(line => element('div', {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - box.width - 8)) + 'px';
  tip.style.top = Math.max(8, y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18) + 'px';
}
const hideTip = () => {
  tip.hidden = true;
};
addEventListener('scroll', hideTip, {passive: true});
addEventListener('keydown', event => {
  if (event.key === 'Escape') hideTip();
});

function withTip(target, title, lines) {
  target.addEventListener('pointermove', event => showTip(event.clientX, event.clientY, title, lines));
  target.addEventListener('pointerleave', hideTip);
  return target;
}

// Shapes of a plot that can be hovered, and reached one after the other with the arrow keys once the plot has the focus.
function explorable(plot, label, marks) {
  let at = -1;
  const show = (mark, x, y) => showTip(x, y, mark.title, mark.lines);
  plot.setAttribute('tabindex', '0');
  plot.setAttribute('role', 'group');
  plot.setAttribute('aria-label', label);
  for (const mark of marks) {
    mark.shape.setAttribute('role', 'img');
    mark.shape.setAttribute('aria-label', [mark.title, ...mark.lines].filter(Boolean).join(', '));
    mark.shape.addEventListener('pointermove', event => show(mark, event.clientX, event.clientY));
    mark.shape.addEventListener('pointerleave', hideTip);
  }
  const step = by => {
    if (marks[at]) marks[at].shape.classList.remove('on');
    at = (at + by + marks.length) % marks.length;
    marks[at].shape.classList.add('on');
    const box = marks[at].shape.getBoundingClientRect();
    show(marks[at], box.right - 8, box.bottom - 12);
  };
  plot.addEventListener('keydown', event => {
    const by = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!by || !marks.length) return;
    event.preventDefault();
    step(at < 0 && by < 0 ? 0 : by);
  });
  plot.addEventListener('blur', () => {
    if (marks[at]) marks[at].shape.classList.remove('on');
    hideTip();
  });
  return plot;
}
