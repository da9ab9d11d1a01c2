// Two models side by side: their figures, and their losses and rates in the same charts.

import {call} from './api.js';
import {TimePlot} from './charts.js';
import {card, el, setText, show} from './dom.js';
import {bytes, enumText, fixed, percent, short} from './format.js';
import {addSample, readHistory, sampleOf, samplesOf} from './history.js';

const kWindowMs = 30 * 60000;

// A figure; how to read it of a model and its champion; how to write it; whether less or more of it is
// better, if either.
const kRows = [
  ['Loss function', (model, {learner}) => enumText(learner.loss, 'LOSS_'), (text) => text],
  ['Loss, recent', (model, {metrics}) => ifLearned(metrics, metrics.decayedLoss), fixed, 'less'],
  ['Base rate, recent', (model, {metrics}) => ifLearned(metrics, metrics.decayedBaseRateLoss), fixed],
  ['Gain over the base rate', (model, {metrics}) => ifLearned(metrics, metrics.relativeGain), percent, 'more'],
  ['AUC, recent', (model, {metrics}) => metrics.window?.auc ?? metrics.auc, fixed, 'more'],
  ['Calibration, recent', (model, {metrics}) => metrics.window?.calibration ?? metrics.calibration, (value) => fixed(value, 3)],
  ['Absolute error', (model, {metrics}) => metrics.meanAbsoluteError, fixed, 'less'],
  ['Mean label', (model, {metrics}) => ifLearned(metrics, metrics.labelMean), fixed],
  ['Learned', (model) => Number(model.exampleCount), short],
  ['Features', (model, {table}) => Number(table?.featureCount ?? 0), short],
  ['Weight table', (model, {tableBytes}) => Number(tableBytes), bytes],
];

const ifLearned = (metrics, value) => Number(metrics.exampleCount) > 0 ? value : undefined;

export class CompareView {
  intervalMs = 1000;

  constructor(ids) {
    this.ids = ids;
    this.read = false;
    this.banner = el('p', {class: 'banner bad', role: 'alert', hidden: true});
    this.note = el('p', {class: 'note', hidden: true}, 'The models have different loss functions, so their losses cannot be compared.');
    const heads = [['Figure', ''], ...ids.map((id) => [el('a', {href: `#/models/${id}`}, id), 'number'])];
    this.cells = kRows.map(() => ids.map(() => el('td', {class: 'number'})));
    this.table = card('Side by side', null, this.note, el('div', {class: 'scroll'}, el('table', {}, el('thead', {}, el('tr', {}, ...heads.map(
        ([text, kind]) => el('th', {scope: 'col', class: kind || false}, text)))), el('tbody', {}, ...kRows.map(
        ([label], i) => el('tr', {}, el('th', {scope: 'row'}, label), ...this.cells[i]))))));
    const lines = (value, format) => ids.map((id, i) => ({
      label: id, hue: i === 0 ? 1 : 4, dashed: i > 0, value, format, samples: () => samplesOf(`models/${id}`)}));
    this.plots = [
      new TimePlot('Loss of recent examples', lines(({loss}) => loss, (v) => fixed(v)), {format: (v) => fixed(v, 3)}),
      new TimePlot('AUC', lines(({auc}) => auc, (v) => fixed(v)), {format: (v) => fixed(v, 3), atMost: 1}),
      new TimePlot('Examples per second', lines(({rate}) => rate, short), {from: 0, atLeast: 1}),
    ];
    this.content = el('div', {class: 'stack', hidden: true}, el('div', {class: 'charts'}, ...this.plots.map(({element}) => element)), this.table);
    this.element = el('div', {class: 'stack'}, el('h1', {}, `${ids[0]} and ${ids[1]}`), this.banner, this.content);
  }

  async refresh() {
    const answers = await Promise.all(this.ids.map((id) => call(`models/${id}`)));
    const models = answers.map(({model}) => model);
    const damaged = models.find(({state}) => state === 'MODEL_STATE_DAMAGED');
    if (damaged !== undefined) return this.refuse(`${damaged.name} is damaged and takes no calls: ${damaged.stateReason}`);
    if (!this.read) await Promise.all(this.ids.map((id) => readHistory(id)));
    this.read = true;
    const now = Date.now();
    for (const model of models) addSample(model.name, sampleOf(model, now));
    this.update(models);
    for (const plot of this.plots) plot.update([], now, kWindowMs);
  }

  update(models) {
    show(this.content, true);
    show(this.banner, false);
    const variants = models.map((model) => model.variants.find(({champion}) => champion) ?? model.variants[0]);
    const comparable = variants[0].learner.loss === variants[1].learner.loss;
    show(this.note, !comparable);
    kRows.forEach(([, read, format, better], i) => {
      const values = models.map((model, j) => read(model, variants[j]));
      const ahead = !comparable || better === undefined || values.some((value) => value === undefined) || values[0] === values[1] ? -1
          : (values[0] < values[1]) === (better === 'less') ? 0 : 1;
      values.forEach((value, j) => {
        setText(this.cells[i][j], `${format(value)}${ahead === j ? ' \u2713' : ''}`);
        this.cells[i][j].title = ahead === j ? 'the better of the two' : '';
      });
    });
  }

  refuse(message) {
    show(this.content, false);
    show(this.banner, true);
    setText(this.banner, message);
  }

  forget() {
    for (const plot of this.plots) plot.forget();
  }
}
