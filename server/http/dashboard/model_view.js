// The view of one model: how well it predicts, how fast it learns, what it has learned.

import {call, text} from './api.js';
import {ReliabilityPlot, TimePlot} from './charts.js';
import {el, setText, show} from './dom.js';
import {ago, count, duration, enumText, fixed, milliseconds, short} from './format.js';
import {addSample, idleTime, readHistory, sampleOf, samplesOf} from './history.js';
import {LabelsPanel} from './labels.js';
import {bucketsSince, latencyBuckets, quantile} from './metrics_text.js';
import {DriftPanel, MixturePanel, StoragePanel, VariantsPanel} from './panels.js';
import {SnapshotsPanel} from './snapshots.js';
import {Tiles} from './tiles.js';
import {TryPanel} from './try_panel.js';
import {WeightsPanel} from './weights.js';

const kPredict = 'freshet.v1.LearningService/Predict';
const kSchedules = new Set(['constant', 'inversePower', 'exponential', 'step', 'plateau', 'features']);
const kWindows = [[2, '2 min'], [10, '10 min'], [30, '30 min']];

const kIdleMs = 60000;

const rankedLosses = new Set(['LOSS_LOGISTIC', 'LOSS_HINGE']);

/** A learner's name is the key of its options, the only object in its spec besides a schedule. */
const learnerName = (learner) => Object.keys(learner).find(
    (key) => typeof learner[key] === 'object' && !kSchedules.has(key)) ?? '';

export class ModelView {
  intervalMs = 1000;

  constructor(id, pollNow) {
    this.id = id;
    this.path = `models/${id}`;
    this.polls = 0;
    this.latencies = [];  // Samples of the predict latency, over all models.
    this.buckets = null;
    this.windowMs = 2 * 60000;
    this.chips = el('div', {class: 'chips'});
    this.hint = el('div', {class: 'card empty', hidden: true}, 'Nothing was learned yet. Push examples, or generate some:', el('div', {}, el(
        'pre', {}, `freshet push ${id} FILE\nfreshet generate clicks --rate 50000 | freshet push ${id} -`)));
    this.banner = el('p', {class: 'banner bad', role: 'alert', hidden: true});
    this.tiles = new Tiles();
    this.windowChoice = this.makeWindowChoice();
    this.charts = el('div', {class: 'charts'});
    this.snapshots = new SnapshotsPanel(this.path, pollNow);
    this.labels = new LabelsPanel(this.path);
    this.panels = [new VariantsPanel(), new MixturePanel(), new DriftPanel(), new StoragePanel(), this.labels];
    this.weights = new WeightsPanel(this.path);
    this.tryPanel = new TryPanel(this.path);
    const [variants, mixture, drift, storage] = this.panels.map(({element}) => element);
    this.content = el('div', {class: 'stack', hidden: true}, this.hint, this.tiles.element, this.charts, this.labels.element, variants, el(
        'div', {class: 'pair'}, el('div', {class: 'stack'}, this.tryPanel.element, mixture, drift),
        el('div', {class: 'stack'}, this.weights.element)), this.snapshots.element, storage);
    this.element = el('div', {class: 'stack'}, el('div', {class: 'head'}, el('h1', {}, id), this.chips, this.windowChoice),
                      this.banner, this.content);
    this.plots = null;
  }

  makeWindowChoice() {
    const buttons = kWindows.map(([minutes, label]) => el('button', {
      type: 'button', 'aria-pressed': String(minutes * 60000 === this.windowMs), onclick: () => {
        this.windowMs = minutes * 60000;
        for (const button of buttons) button.setAttribute('aria-pressed', String(button.textContent === label));
        this.drawTimes();
      },
    }, label));
    return el('div', {class: 'choices', role: 'group', 'aria-label': 'How far back the charts go'}, ...buttons);
  }

  /** Creates the charts, which depend on the loss function. */
  makePlots(learner) {
    const ranked = rankedLosses.has(learner.loss);
    this.plots = [
      new TimePlot('Loss of recent examples', [
        {label: 'model', hue: 1, value: ({loss}) => loss, format: (v) => fixed(v)},
        {label: 'base rate', hue: 2, value: ({baseLoss}) => baseLoss, format: (v) => fixed(v), dashed: true},
      ], {format: (v) => fixed(v, 3)}),
      ranked ? new TimePlot('AUC', [{label: 'AUC', hue: 3, value: ({auc}) => auc, format: (v) => fixed(v)}],
                            {format: (v) => fixed(v, 3), atMost: 1})
             : new TimePlot('Mean absolute error', [{label: 'error', hue: 3, value: ({error}) => error, format: short}]),
      new TimePlot('Examples per second', [
        {label: 'learned', hue: 1, value: ({rate}) => rate, format: short, filled: true},
      ], {from: 0, atLeast: 1}),
      new TimePlot('Predict latency, all models', [
        {label: 'median', hue: 1, value: ({median}) => median, format: milliseconds},
        {label: '99 %', hue: 4, value: ({p99}) => p99, format: milliseconds, dashed: true},
      ], {format: milliseconds, from: 0, atLeast: 0.5, empty: 'no predictions requested'}),
      new TimePlot('Behind', [
        {label: 'examples queued', hue: 1, value: ({queued}) => queued, format: count, filled: true},
        {label: 'records to log', hue: 3, value: ({offset, logged}) => logged === null ? null : Math.max(0, offset - logged), format: count, dashed: true},
      ], {whole: true, from: 0, atLeast: 1}),
    ];
    this.latencyPlot = this.plots[3];
    this.reliability = learner.loss === 'LOSS_LOGISTIC' ? new ReliabilityPlot('Calibration') : null;
    this.charts.append(...this.plots.slice(0, 2).map(({element}) => element), this.reliability?.element ?? '',
                       ...this.plots.slice(2).map(({element}) => element));
  }

  async refresh() {
    const {model} = await call(this.path);
    if (model.state === 'MODEL_STATE_DAMAGED') {
      this.refuse(`This model is damaged and takes no calls: ${model.stateReason}`);
      return;
    }
    const now = Date.now();
    if (this.polls === 0) await readHistory(this.id);
    addSample(model.name, sampleOf(model, now));
    if (this.plots === null) this.makePlots(model.variants[0].learner);
    this.update(model, now);
    await this.refreshBeside(model);
    ++this.polls;
  }

  /** Refreshes what is read less often or may be refused without harm. */
  async refreshBeside(model) {
    const asked = [];
    if (this.polls % 2 === 0) asked.push(this.refreshLatency());
    if (this.polls % 10 === 0 && !document.hidden) asked.push(this.weights.refresh());
    const due = this.polls % 5 === 0 || model.storage?.snapshotOffset !== this.lastSnapshotOffset;
    if (due) asked.push(this.snapshots.refresh(Number(model.offset)));
    this.lastSnapshotOffset = model.storage?.snapshotOffset;
    for (const {status, reason} of await Promise.allSettled(asked)) {
      if (status === 'rejected' && (reason.status === undefined || reason.status === 0)) throw reason;
    }
  }

  async refreshLatency() {
    try {
      const buckets = latencyBuckets(await text('/metrics'), kPredict);
      const change = this.buckets === null ? [] : bucketsSince(buckets, this.buckets);
      this.buckets = buckets;
      const inMs = (share) => {
        const seconds = quantile(change, share);
        return seconds === null ? null : 1000 * seconds;
      };
      this.latencies = [...this.latencies.slice(-900), {t: Date.now(), median: inMs(0.5), p99: inMs(0.99)}];
    } catch (error) {
      if (error.status === 0) throw error;
      show(this.latencyPlot.element, false);
    }
  }

  update(model, now) {
    const variant = model.variants.find(({champion}) => champion) ?? model.variants[0];
    const {learner, metrics} = variant;
    show(this.content, true);
    show(this.banner, false);
    // A model that waits for labels says by itself what to do.
    show(this.hint, Number(model.exampleCount) === 0 && model.labelRule === undefined);
    this.updateChips(model, learner, now);
    this.tiles.update(model, variant, samplesOf(model.name).at(-1));
    if (this.reliability !== null) {
      show(this.reliability.element, metrics.reliabilityBins?.length > 0);
      if (metrics.reliabilityBins?.length > 0) this.reliability.update(metrics.reliabilityBins);
    }
    for (const panel of this.panels) panel.update(model, variant);
    this.drawTimes();
  }

  updateChips(model, learner, now) {
    const texts = [`${enumText(learner.loss, 'LOSS_')} loss`, learnerName(learner),
                   enumText(model.durability, 'DURABILITY_'), `created ${ago(Date.parse(model.createTime), now)}`];
    const idleMs = idleTime(model.name, now);
    if (idleMs >= kIdleMs && Number(model.exampleCount) > 0) texts.push(`learned nothing for ${duration(idleMs)}: push examples to it`);
    if (this.chips.childElementCount !== texts.length) this.chips.replaceChildren(...texts.map(() => el('span', {class: 'chip'})));
    texts.forEach((chip, i) => setText(this.chips.children[i], chip));
  }

  drawTimes() {
    if (this.plots === null) return;
    const now = Date.now();
    this.labels.drawTimes(samplesOf(this.path), now, this.windowMs);
    for (const plot of this.plots) {
      plot.update(plot === this.latencyPlot ? this.latencies : samplesOf(this.path), now, this.windowMs);
    }
  }

  refuse(message) {
    show(this.content, false);
    show(this.banner, true);
    setText(this.banner, message);
  }

  forget() {
    for (const plot of [...this.plots ?? [], this.reliability, this.labels]) plot?.forget();
  }
}
