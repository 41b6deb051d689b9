// The data of the page, made convenient: layers and primitives as objects, spans as arrays with absolute times.

// Colours by kind; a kind that is not here is "other".
const COLOURS = {
  'fused convolution': '--fused',
  convolution: '--plain',
  deconvolution: '--plain',
  reorder: '--reorder',
  pooling: '--pooling',
  inner_product: '--product',
  matmul: '--product',
  eltwise: '--eltwise',
  binary: '--binary',
  sum: '--binary',
  concat: '--binary',
  batch_normalization: '--norm',
  lrn: '--norm',
  layer_normalization: '--norm',
  gap: '--gap',
};
const colourOf = kind => 'var(' + (Object.hasOwn(COLOURS, kind) ? COLOURS[kind] : '--other') + ')';
const swatch = kind => {
  const made = element('span', {class: 'swatch', 'aria-hidden': 'true'});
  made.style.background = colourOf(kind);
  return made;
};
const swatched = (kind, text = kind) => element('span', {class: 'swatched'}, swatch(kind), text);

function spanColumns(set) {
  const columns = {count: set.start.length};
  for (const [key, values] of Object.entries(set)) columns[key] = Float64Array.from(values);
  for (let i = 1; i < columns.count; i++) columns.start[i] += columns.start[i - 1];
  return columns;
}

const rate = (amount, ns) => (amount > 0 && ns > 0 ? amount / ns : NaN);
const formats = (from, to) => (from || to ? (from || '?') + (to && to !== from ? ' → ' + to : '') : '');

// Work is of one execution, times are of a run, which has one a chunk.
function makePrimitives(raw, chunks) {
  const {name, kind, layer, flops, bytes: moved, ns, low, high, attributes} = raw;
  return name.map((text, i) => {
    const a = attributes[i];
    return {
      index: i,
      name: text,
      kind: kind[i],
      layer: layer[i],
      flops: flops[i],
      bytes: moved[i],
      ns: ns[i],
      low: low[i],
      high: high[i],
      attributes: a,
      implementation: a.implementation || '',
      reason: a.reason || '',
      formats: formats(a.source_format, a.destination_format),
      dtypes: formats(a.source_dtype, a.destination_dtype),
      gflops: rate(chunks * flops[i], ns[i]),
      gbytes: rate(chunks * moved[i], ns[i]),
      bound: a.bound || '',
      roof: known(a.roof_ns) ? rate(chunks * a.roof_ns, ns[i]) : NaN,
    };
  });
}

function makeLayers(raw, primitives, chunks) {
  const own = raw.name.map(() => []);
  for (const p of primitives) if (p.layer >= 0) own[p.layer].push(p);
  return raw.name.map((name, i) => {
    const a = raw.attributes[i],
      ns = raw.ns[i];
    const main = own[i].reduce((best, p) => (!best || p.flops > best.flops ? p : best), null);
    const sources = Array.isArray(a.sources) ? a.sources : [],
      kind = main ? main.kind : a.kind || '';
    return {
      index: i,
      name,
      kind,
      sources,
      stage: a.stage || '',
      dtype: a.dtype || '',
      implementation: a.implementation || (main ? main.implementation : ''),
      input: a.input_shape || '',
      output: a.output_shape || '',
      formats: main ? main.formats : '',
      ns,
      low: raw.low[i],
      high: raw.high[i],
      reason: own[i]
        .map(p => p.reason)
        .filter(Boolean)
        .join('; '),
      bytes: chunks * sum(own[i].map(p => p.bytes)),
      gflops: rate(chunks * sum(own[i].map(p => p.flops)), ns),
      gbytes: rate(chunks * sum(own[i].map(p => p.bytes)), ns),
      bound: main ? main.bound : '',
      roof: main ? main.roof : NaN,
      attributes: a,
    };
  });
}

const tally = ([stage, kind, count, ns]) => ({stage, kind, count, ns});

function titleOf(raw) {
  const {model, dtype} = raw.environment;
  return model ? [model, dtype].filter(Boolean).join(' ') : raw.name || raw.file;
}

function prepare(raw, index) {
  const {batch, chunk} = raw.environment,
    chunks = chunk > 0 ? batch / chunk : 1;
  const primitives = makePrimitives(raw.primitives, chunks);
  const layers = makeLayers(raw.layers, primitives, chunks);
  const spans = {};
  for (const [kind, set] of Object.entries(raw.spans)) spans[kind] = spanColumns(set);
  const reorders = primitives
    .filter(p => p.layer < 0)
    .map(p => ({
      ...p,
      index: -1,
      primitive: p.index,
      sources: [],
      stage: '',
      dtype: p.dtypes,
      input: '',
      output: '',
    }));
  const trace = {
    ...raw,
    letter: index < 26 ? String.fromCharCode(65 + index) : String(index + 1),
    title: titleOf(raw),
    primitives,
    layers,
    spans,
    rows: layers.concat(reorders),
    kinds: raw.kinds.map(tally),
    stages: raw.stages.map(tally),
  };
  const share = ns => rate(ns, raw.runs.ns);
  for (const item of trace.rows.concat(primitives)) item.share = share(item.ns);
  trace.level = ['threads', 'primitives', 'layers', 'runs'].find(kind => spans[kind].count) || 'phases';
  trace.anchor = medianRun(trace);
  return trace;
}

// The run that is nearest to the median: where timelines begin.
function medianRun(trace) {
  const runs = trace.spans.runs;
  let best = -1;
  for (let i = 0; i < runs.count; i++)
    if (best < 0 || Math.abs(runs.duration[i] - trace.runs.ns) < Math.abs(runs.duration[best] - trace.runs.ns))
      best = i;
  return best;
}

// Traces of one network and type are told apart by what else differs, or by their files.
function tellApart(list) {
  const names = {width_multiplier: 'width ', batch: 'batch ', threads: 'threads ', isa: '', layout: '', fusion: 'fusion ', algorithm: ''};
  const alike = list.filter(one => list.some(other => other !== one && other.title === one.title)),
    values = key => new Set(alike.map(one => one.environment[key]));
  const differing = Object.keys(names).filter(key => values(key).size > 1);
  const more = alike.map(one =>
    differing.length
      ? differing.map(key => names[key] + (one.environment[key] ?? 'unknown')).join(', ')
      : one.file.replace(/\.trace\.json$/, ''),
  );
  alike.forEach((one, i) => (one.title += ', ' + more[i]));
}

const report = JSON.parse(byId('data').textContent);
const traces = report.traces.map(prepare);
tellApart(traces);
if (traces.some(trace => trace.runs.ns < 2e7)) decimals = 4;
