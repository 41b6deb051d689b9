"""What a section says: tables (each a CSV file too), charts, and sentences, as Markdown."""
import csv, io, os, shutil, subprocess, tempfile
from dataclasses import dataclass
from measure import write_whole


@dataclass
class Column:
    title: str
    key: str
    form: str = ''  # as format() takes it; for the page only: the CSV has every digit
    unit: str = ''

    def show(self, row):
        value = row.get(self.key)
        if value is None: return '-'
        return (format(value, self.form) if self.form else str(value)) + self.unit


def text(title, key=None):
    return Column(title, key or title)


def number(title, key, form='.2f', unit=''):
    return Column(title, key, form, unit)


class Part:
    """A section of the page. Files go to `folder`; `charts`: they can be drawn."""

    def __init__(self, folder, charts, minfer):
        self.folder, self.charts, self.minfer, self.blocks = folder, charts, minfer, []

    def say(self, *sentences):
        """A paragraph."""
        self.blocks.append(' '.join(s for s in sentences if s))

    def points(self, lines):
        self.blocks.append('\n'.join('- ' + line for line in lines))

    def head(self, title):
        self.blocks.append('### ' + title)

    def table(self, name, columns, rows, shown=None):
        """All rows into NAME.csv; on the page the first `shown` of them."""
        out = io.StringIO()
        writer = csv.DictWriter(out, [c.key for c in columns], extrasaction='ignore', lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)
        write_whole(os.path.join(self.folder, name + '.csv'), out.getvalue())
        cells = [[c.title for c in columns], ['---:' if c.form else '---' for c in columns]]
        cells += [[c.show(row).replace('|', '\\|') for c in columns] for row in rows[:shown]]
        self.blocks.append('\n'.join('| ' + ' | '.join(line) + ' |' for line in cells))
        cut = f'{shown} of {len(rows)} rows; all of them are' if shown and shown < len(rows) else 'Also'
        self.blocks.append(f'{cut} in [{name}.csv]({name}.csv).')

    def chart(self, name, alt, draw):
        """`draw(path without suffix)` writes NAME.svg and NAME.png; nothing where charts cannot be drawn."""
        if not self.charts: return
        draw(os.path.join(self.folder, name))
        self.image(name, alt)

    def report(self, name, trace, charts):
        """What `minfer report` makes of a trace: NAME.html, and those of its charts as NAME_CHART."""
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run([self.minfer, 'report', trace, '-o', os.path.join(self.folder, name + '.html'), '--charts', scratch, '--quiet'], check=True)
            for chart in charts:
                for suffix in '.svg', '.png':
                    shutil.copy(os.path.join(scratch, chart + suffix), os.path.join(self.folder, f'{name}_{chart}{suffix}'))
                self.image(f'{name}_{chart}', f'{name}: {chart}')
        self.blocks.append(f'Everything in the trace: [{name}.html]({name}.html).')

    def image(self, name, alt):
        self.blocks.append(f'![{alt}]({name}.svg)\n\n[PNG]({name}.png)')

    def markdown(self):
        return '\n\n'.join(self.blocks)


# ---- words that choose by the numbers

def times(ratio):
    return f'{ratio:.1f}x' if ratio < 10 else f'{ratio:.0f}x'


def percent(share):
    return '-' if share is None else f'{100 * share:.1f} %'


def listing(words):
    words = list(words)
    return words[0] if len(words) == 1 else ', '.join(words[:-1]) + ' and ' + words[-1]


def span(values, form='{:.2f}'):
    """ "1.20 to 3.40", or one number where both ends look the same."""
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f'{low} to {high}'


def same_or(a, b, same, other):
    """`same` where two numbers are within 5 % of each other."""
    return same if abs(a - b) <= 0.05 * max(abs(a), abs(b)) else other
