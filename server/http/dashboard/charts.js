// Charts of figures over time, and of predictions against observed labels. Drawn by Chart.js, which
// is loaded as a script of its own.

import {card, el, setText} from './dom.js';
import {duration, percent, short} from './format.js';

const Chart = globalThis.Chart;

Chart.defaults.animation = false;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.font.size = 12;

// Samples further apart than this are not connected by a line, since nothing is known in between.
// history.js fills in the times when the server has said that nothing changed.
const kGapMs = 12000;
const kEndlessMs = 1e15;  // Bins of delays that end later have no bound.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const live = new Set();  // Charts on the page, to be repainted when the color scheme changes.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of live) chart.paint();
});

/** A card with a chart. Call forget() when it leaves the page. */
class Plot {
  constructor(title, series, type, options) {
    this.series = series;
    this.values = series.map(() => el('b', {}, '\u2013'));
    const legend = el('ul', {class: 'legend'}, ...series.map(({label, hue}, i) => el(
        'li', {}, el('span', {class: `swatch s${hue}`, 'aria-hidden': 'true'}), label, this.values[i])));
    this.canvas = el('canvas', {role: 'img'});
    this.plot = el('div', {class: 'plot'}, this.canvas);
    this.element = card(title, legend, this.plot);
    this.title = title;
    this.chart = new Chart(this.canvas, {type, data: {datasets: this.datasets()}, options});
    live.add(this);
    this.paint();
  }

  forget() {
    live.delete(this);
    this.chart.destroy();
  }

  paint() {
    const {options, data} = this.chart;
    for (const axis of Object.values(options.scales)) {
      axis.ticks.color = colour('--soft');
      axis.grid.color = colour('--grid');
      axis.grid.borderColor = colour('--line');
      if (axis.title) axis.title.color = colour('--soft');
    }
    Object.assign(options.plugins.tooltip, {
      backgroundColor: colour('--ink'), titleColor: colour('--card'), bodyColor: colour('--card'),
    });
    data.datasets.forEach((dataset) => this.paintDataset(dataset));
    this.chart.update();
  }

  /** The text to show instead of lines when there are none; '' removes it. */
  sayEmpty(text) {
    if (text === '') {
      delete this.plot.dataset.empty;
    } else {
      this.plot.dataset.empty = text;
    }
  }

  describe(texts) {
    texts.forEach((text, i) => setText(this.values[i], text));
    this.canvas.setAttribute('aria-label', `${this.title}: ${
        this.series.map(({label}, i) => `${label} ${texts[i]}`).join(', ')}`);
  }
}

const kTooltip = {padding: 10, cornerRadius: 8, displayColors: true, boxWidth: 8, boxHeight: 8, boxPadding: 4};
const axis = (more) => ({
  grid: {drawTicks: false, ...more.grid}, ...more,
  ticks: {padding: 8, maxRotation: 0, autoSkipPadding: 16, ...more.ticks},
});

function agoText(seconds) {
  if (seconds === 0) return 'now';
  return (seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`).replace('-', '\u2212');
}

const kSpansSeconds = [30, 60, 120, 300, 600, 900, 1800];
const kTickSeconds = [10, 15, 30, 60, 120, 300, 600];

/** The smallest round number of seconds that covers the known samples, at most the window. */
function spanSeconds(knownMs, windowMs) {
  const known = kSpansSeconds.find((seconds) => 1000 * seconds >= knownMs) ?? Infinity;
  return Math.min(known, windowMs / 1000);
}

/**
 * Lines over time. `series`: [{label, hue: 1 to 5, value: (sample) => number or null, format, dashed,
 * filled}]; `format` in the options formats the axis.
 */
export class TimePlot extends Plot {
  constructor(title, series, {format = short, from, atLeast, atMost, whole, empty = 'nothing yet'} = {}) {
    super(title, series, 'line', {
      responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
      interaction: {mode: 'index', axis: 'x', intersect: false},
      elements: {point: {radius: 0, hitRadius: 8, hoverRadius: 3}, line: {borderWidth: 1.75, tension: 0}},
      scales: {
        x: axis({type: 'linear', grid: {display: false}, ticks: {callback: agoText}}),
        y: axis({min: from,
                 ticks: {callback: (value) => format(value), maxTicksLimit: 5, precision: whole ? 0 : undefined}}),
      },
      plugins: {
        legend: {display: false},
        tooltip: {...kTooltip, callbacks: {
          title: (items) => items.length ? new Date(items[0].raw.t).toLocaleTimeString() : '',
          label: (item) => ` ${series[item.datasetIndex].label}  ${series[item.datasetIndex].format(item.raw.y)}`,
        }},
      },
    });
    this.empty = empty;
    this.atLeast = atLeast;
    this.atMost = atMost;
  }

  datasets() {
    return this.series.map(({dashed, filled}) => ({
      data: [], borderDash: dashed ? [5, 4] : [], fill: filled ? 'origin' : false,
    }));
  }

  paintDataset(dataset) {
    const {hue} = this.series[this.chart.data.datasets.indexOf(dataset)];
    dataset.borderColor = colour(`--series-${hue}`);
    dataset.backgroundColor = dataset.fill ? `${colour(`--series-${hue}`)}26` : colour(`--series-${hue}`);
  }

  /** Draws the samples of the last `windowMs`, or of a shorter span if there are fewer yet. Each has a
   *  time `t`. A series with `samples()` has its own. */
  update(samples, now, windowMs) {
    const rows = this.series.map((series) => series.samples?.() ?? samples);
    const span = spanSeconds(now - Math.min(...rows.map((row) => row[0]?.t ?? now)), windowMs);
    const shown = rows.map((row) => row.filter(({t}) => t >= now - 1000 * span - kGapMs));
    this.series.forEach(({value}, i) => {
      const points = [];
      let before = Infinity;
      for (const sample of shown[i]) {
        if (sample.t - before > kGapMs) points.push({x: (before - now) / 1000 + 0.001, y: NaN, t: before});
        before = sample.t;
        points.push({x: (sample.t - now) / 1000, y: value(sample) ?? NaN, t: sample.t});
      }
      this.chart.data.datasets[i].data = points;
    });
    const {x} = this.chart.options.scales;
    x.min = -span;
    x.max = 0;
    x.ticks.stepSize = kTickSeconds.find((step) => span / step <= 5);
    this.fitRange();
    const drawn = this.series.some(({value}, i) => shown[i].some((sample) => value(sample) !== null));
    this.sayEmpty(drawn ? '' : this.empty);
    this.chart.update('none');
    this.describe(this.series.map(({value, format}, i) => {
      const last = shown[i].at(-1);
      return last ? format(value(last) ?? undefined) : '\u2013';
    }));
  }

  /** Leaves some room around the lines, even around a constant one. No figure is below 0. */
  fitRange() {
    const values = this.chart.data.datasets.flatMap(({data}) => data.map(({y}) => y)).filter(Number.isFinite);
    const {y} = this.chart.options.scales;
    const low = Math.min(...values);
    const high = Math.max(...values, this.atLeast ?? -Infinity);
    const room = Math.max(0.08 * (high - low), 0.02 * high);
    y.suggestedMin = values.length > 0 ? Math.max(0, low - room) : 0;
    y.suggestedMax = values.length > 0 ? high + room : this.atLeast ?? 1;
    y.max = high + room > this.atMost ? this.atMost : undefined;
  }
}

/** Mean labels over mean predictions, a point per bin. On the diagonal both are equal. */
export class ReliabilityPlot extends Plot {
  constructor(title) {
    const share = (value) => percent(value, 0);
    super(title, [{label: 'observed', hue: 1}, {label: 'perfect', hue: 2}], 'scatter', {
      responsive: true, maintainAspectRatio: false,
      elements: {line: {borderWidth: 1.75}},
      scales: {
        x: axis({min: 0, max: 1, title: {display: true, text: 'predicted'}, ticks: {callback: share, maxTicksLimit: 6}}),
        y: axis({min: 0, max: 1, title: {display: true, text: 'observed'}, ticks: {callback: share, maxTicksLimit: 6}}),
      },
      plugins: {
        legend: {display: false},
        tooltip: {...kTooltip, filter: (item) => item.datasetIndex === 0, callbacks: {
          label: ({raw}) => ` predicted ${percent(raw.x, 2)}, observed ${percent(raw.y, 2)}, of ${short(raw.weight)}`,
        }},
      },
    });
    for (const value of this.values) value.remove();
  }

  datasets() {
    return [{data: [], showLine: true, pointRadius: [], pointHoverRadius: 8}, {data: [], showLine: true, pointRadius: 0, borderDash: [5, 4]}];
  }

  paintDataset(dataset) {
    const line = colour(dataset === this.chart.data.datasets[0] ? '--series-1' : '--series-2');
    Object.assign(dataset, {borderColor: line, backgroundColor: `${line}99`});
  }

  update(bins) {
    const total = bins.reduce((sum, bin) => sum + bin.weightSum, 0);
    const [came, perfect] = this.chart.data.datasets;
    came.data = bins.map((bin) => ({x: bin.predictionMean, y: bin.labelMean, weight: bin.weightSum}));
    came.pointRadius = bins.map((bin) => 2 + 8 * Math.sqrt(bin.weightSum / total));
    const largest = Math.max(...bins.flatMap((bin) => [bin.predictionMean, bin.labelMean]));
    const end = [0.05, 0.1, 0.2, 0.5].find((limit) => largest <= limit) ?? 1;
    perfect.data = [{x: 0, y: 0}, {x: end, y: end}];
    this.chart.options.scales.x.max = end;
    this.chart.options.scales.y.max = end;
    this.chart.update('none');
    this.canvas.setAttribute('aria-label', `${this.title}: ${
        bins.map((bin) => `predicted ${percent(bin.predictionMean)}, observed ${percent(bin.labelMean)}`).join('; ')}`);
  }
}

const kDelayTicksMs = [1, 10, 100, ...[1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400].map((seconds) => 1000 * seconds)];

/** Which share of feedback had come how long after its event, over a logarithmic scale of delays. */
export class DelayPlot extends Plot {
  constructor(title) {
    const share = (value) => percent(value, 0);
    super(title, [{label: 'had come', hue: 1}, {label: 'wait', hue: 2}], 'line', {
      responsive: true, maintainAspectRatio: false, parsing: false,
      elements: {point: {radius: 2, hitRadius: 8, hoverRadius: 4}, line: {borderWidth: 1.75, tension: 0}},
      scales: {
        x: axis({type: 'logarithmic', ticks: {callback: duration}, afterBuildTicks: (scale) => {
          scale.ticks = kDelayTicksMs.filter((value) => value >= scale.min && value <= scale.max).map((value) => ({value}));
        }}),
        y: axis({min: 0, max: 1, ticks: {callback: share, maxTicksLimit: 5}}),
      },
      plugins: {
        legend: {display: false},
        tooltip: {...kTooltip, filter: (item) => item.datasetIndex === 0, callbacks: {
          title: () => '', label: ({raw}) => ` ${percent(raw.y)} within ${duration(raw.x)}`,
        }},
      },
    });
  }

  datasets() {
    return [{data: []}, {data: [], pointRadius: 0, borderDash: [5, 4]}];
  }

  paintDataset(dataset) {
    const line = colour(dataset === this.chart.data.datasets[0] ? '--series-1' : '--series-2');
    Object.assign(dataset, {borderColor: line, backgroundColor: line});
  }

  /** `bins`: [{toMs, count}]; the last may have no bound. `waitMs` is drawn as a line. */
  update(bins, waitMs) {
    const total = bins.reduce((sum, bin) => sum + bin.count, 0);
    const points = [];
    let until = 0;
    for (const {toMs, count} of bins) {
      until += count;
      if (count > 0 && toMs < kEndlessMs) points.push({x: toMs, y: until / total});
    }
    const [came, wait] = this.chart.data.datasets;
    came.data = points;
    wait.data = waitMs > 0 ? [{x: waitMs, y: 0}, {x: waitMs, y: 1}] : [];
    const delays = [...points, ...wait.data].map(({x}) => x);
    const {x} = this.chart.options.scales;
    x.min = Math.min(...delays) / 2;
    x.max = 2 * Math.max(...delays);
    this.chart.update('none');
    const inTime = points.filter((point) => point.x <= waitMs).at(-1)?.y ?? 0;
    this.describe([`${percent(inTime)} within the wait`, duration(waitMs)]);
    this.canvas.setAttribute('aria-label', `${this.title}: ${points.map(({x: ms, y}) => `${percent(y)} within ${duration(ms)}`).join('; ')}`);
  }
}

/** A small line chart for a table cell, without axes, as an <svg>. */
export class Sparkline {
  constructor() {
    const svg = (tag, properties) => {
      const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
      return element;
    };
    this.base = svg('polyline', {class: 'base'});
    this.line = svg('polyline', {});
    this.element = svg('svg', {class: 'spark', viewBox: '0 0 120 28', preserveAspectRatio: 'none', 'aria-hidden': 'true'});
    this.element.append(this.base, this.line);
  }

  /** Two rows of numbers, of the same length and on the same scale. */
  update(values, baseValues) {
    const all = [...values, ...baseValues].filter(Number.isFinite);
    const low = Math.min(...all);
    const range = Math.max(...all) - low || 1;
    const points = (row) => row.map((value, i) => `${(120 * i / Math.max(1, row.length - 1)).toFixed(1)},${
        (26 - 24 * (value - low) / range).toFixed(1)}`).join(' ');
    this.line.setAttribute('points', points(values));
    this.base.setAttribute('points', points(baseValues));
  }
}
