// A table that sorts by its head and shows the rows that a filter leaves. Columns: {key, title, number, cell(row) -> node or
// text, value(row) -> what it sorts by, hint}.

const SHOWN = 500; // rows at first

class Table {
  constructor(host, {columns, rows, sort, caption, onRow, total, box = true}) {
    Object.assign(this, {columns, rows, sort, onRow, total, shown: SHOWN, accepts: () => true});
    this.body = element('tbody');
    this.foot = element('tfoot');
    this.head = element('tr');
    for (const column of columns) this.head.append(this.headCell(column));
    const table = element('table', {'aria-label': caption}, element('thead', {}, this.head), this.body, this.foot);
    this.more = element('button', {type: 'button', hidden: ''});
    this.more.addEventListener('click', () => {
      this.shown = Infinity;
      this.update();
    });
    host.append(
      element('div', {class: box ? 'box' : 'scroll', tabindex: '0', role: 'region', 'aria-label': caption}, table),
      this.more,
    );
    this.update();
  }

  headCell(column) {
    const cell = element('th', {scope: 'col', class: column.number && 'number', title: column.hint});
    const button = element('button', {type: 'button'}, column.title);
    button.addEventListener('click', () => {
      const again = this.sort.key === column.key;
      this.sort = {key: column.key, down: again ? !this.sort.down : Boolean(column.number)};
      this.update();
    });
    cell.append(button);
    return cell;
  }

  // What is unknown stands last, either way.
  sorted() {
    const column = this.columns.find(c => c.key === this.sort.key),
      sign = this.sort.down ? -1 : 1;
    const value = row => (column.value || (r => r[column.key]))(row);
    const unknown = v => v === '' || v === null || v === undefined || Number.isNaN(v);
    return this.rows
      .filter(this.accepts)
      .map(row => [value(row), row])
      .sort(([a], [b]) => {
        if (unknown(a) || unknown(b)) return unknown(a) - unknown(b);
        return sign * (typeof a === 'number' ? a - b : String(a).localeCompare(String(b), 'en', {numeric: true}));
      })
      .map(([, row]) => row);
  }

  cellOf(column, row) {
    const content = column.cell ? column.cell(row) : String(row[column.key] ?? '');
    const attributes = {class: [column.number && 'number', column.style].filter(Boolean).join(' ') || undefined};
    if (column.title2) attributes.title = column.title2(row) || undefined;
    return element('td', attributes, content);
  }

  update() {
    this.columns.forEach((column, i) => {
      const cell = this.head.children[i];
      if (column.key === this.sort.key) cell.setAttribute('aria-sort', this.sort.down ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    });
    const rows = this.sorted(),
      visible = rows.slice(0, this.shown);
    this.body.replaceChildren(
      ...visible.map(row => {
        const line = element('tr', {}, ...this.columns.map(column => this.cellOf(column, row)));
        if (this.onRow) line.addEventListener('click', () => this.onRow(row, line));
        return line;
      }),
    );
    this.foot.replaceChildren(...(this.total ? [this.total(rows)] : []));
    this.more.hidden = visible.length === rows.length;
    this.more.textContent = 'Show all ' + plural(rows.length, 'row');
    if (this.onUpdate) this.onUpdate(rows);
  }

  filter(accepts) {
    this.accepts = accepts;
    this.update();
  }
}

// Inputs above a table: a text that any of `texts(row)` contains, and a choice for each of `choices` ({key, title}).
function addFilters(host, table, texts, choices, describe) {
  const text = element('input', {
    type: 'search',
    placeholder: 'Filter by any text',
    'aria-label': 'Filter by any text',
  });
  const selects = choices.map(({key, title, value}) => {
    const values = [...new Set(table.rows.map(value))].filter(Boolean);
    const made = element(
      'select',
      {'aria-label': title},
      element('option', {value: ''}, title),
      ...values.map(v => element('option', {value: v}, v)),
    );
    made.hidden = values.length < 2;
    made.dataset.key = key;
    return made;
  });
  const output = element('output');
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    table.filter(row => {
      if (!selects.every((s, i) => !s.value || choices[i].value(row) === s.value)) return false;
      const all = texts(row).join('\n').toLowerCase();
      return words.every(word => all.includes(word));
    });
  };
  table.onUpdate = rows => {
    output.textContent = describe(rows);
  };
  table.onUpdate(table.sorted());
  text.addEventListener('input', apply);
  for (const s of selects) s.addEventListener('change', apply);
  host.prepend(element('div', {class: 'filters'}, text, ...selects, output));
}
