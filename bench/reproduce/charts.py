"""Charts as SVG and PNG: bars, lines and points, on white paper so that they read on light and dark pages."""
try:
    import matplotlib
    matplotlib.use('svg')
    from matplotlib import pyplot as plt
    DRAWS = True
except ImportError:
    DRAWS = False

# After Okabe and Ito, 2008: told apart with every kind of colour vision.
COLORS = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442', '#666666']
WIDTH, HEIGHT = 8.6, 3.6  # inches


def begin(panels=1, height=HEIGHT):
    plt.rcParams.update({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False, 'axes.grid': True, 'axes.grid.axis': 'y',
                         'grid.color': '#dddddd', 'axes.axisbelow': True, 'svg.hashsalt': 'minfer', 'legend.frameon': False,
                         'axes.prop_cycle': matplotlib.cycler(color=COLORS)})
    figure, axes = plt.subplots(1, panels, figsize=(WIDTH, height), layout='constrained', squeeze=False)
    return figure, list(axes[0])


def end(figure, path, title):
    figure.suptitle(title, fontsize=11, x=0.01, ha='left')
    figure.savefig(path + '.svg', metadata={'Date': None})
    figure.savefig(path + '.png', dpi=144)
    plt.close(figure)


def place_groups(axis, groups):
    axis.set_xticks(range(len(groups)), groups)
    axis.tick_params(axis='x', length=0)


def grouped(axis, groups, series, ylabel, log=False):
    """Bars side by side: series {name: a value or None for each group}."""
    width = 0.8 / len(series)
    for i, (name, values) in enumerate(series.items()):
        at = [g + (i - (len(series) - 1) / 2) * width for g in range(len(groups))]
        there = [(x, v) for x, v in zip(at, values) if v is not None]
        axis.bar([x for x, _ in there], [v for _, v in there], width * 0.94, label=name)
    if log: axis.set_yscale('log')
    axis.set_ylabel(ylabel)
    place_groups(axis, groups)


def stacked(axis, groups, series, ylabel):
    """Bars on one another, with their sum on top."""
    base = [0] * len(groups)
    for name, values in series.items():
        axis.bar(groups, values, 0.62, bottom=base, label=name)
        base = [b + v for b, v in zip(base, values)]
    for x, sum_ in enumerate(base):
        axis.text(x, sum_, f'{sum_:.3g}', ha='center', va='bottom', fontsize=8)
    axis.margins(y=0.08)
    axis.set_ylabel(ylabel)
    axis.tick_params(axis='x', length=0)


def chart(path, title, draw, panels=1, height=HEIGHT, legend=False):
    """`draw(axis, ...)` fills the axes; `legend`: the names of the first, below all."""
    figure, axes = begin(panels, height)
    draw(*axes)
    if legend:
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc='lower center', ncol=min(len(names), 7))
        figure.get_layout_engine().set(rect=(0, 0.3 / height, 1, 1 - 0.3 / height))
    end(figure, path, title)
