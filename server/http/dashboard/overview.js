// The overview of all models.

import {call} from './api.js';
import {Sparkline} from './charts.js';
import {card, el, setText, show} from './dom.js';
import {count, enumText, fixed, idOf, percent, short} from './format.js';
import {addSample, keepOnly, sampleOf, samplesOf} from './history.js';

const kSparkSamples = 120;

class Row {
  constructor(name) {
    this.name = name;
    const id = idOf(name);
    this.spark = new Sparkline();
    this.cells = Object.fromEntries(['kind', 'loss', 'gain', 'auc', 'examples', 'queued', 'rate'].map(
        (cell) => [cell, el('td', {class: cell === 'kind' ? 'wide note' : 'number'})]));
    for (const wide of ['auc', 'queued', 'examples']) this.cells[wide].classList.add('wide');
    this.element = el('tr', {class: 'link', onclick: (event) => event.target.closest('a') || link.click()});
    const link = el('a', {href: `#/models/${id}`}, id);
    const {kind, ...figures} = this.cells;
    this.element.append(el('td', {class: 'name'}, link), kind, el('td', {class: 'wide'}, this.spark.element),
                        ...Object.values(figures));
  }

  update(model) {
    this.element.title = model.stateReason;
    if (model.state === 'MODEL_STATE_DAMAGED') {
      setText(this.cells.kind, 'damaged');
      return;
    }
    const variant = model.variants.find(({champion}) => champion) ?? model.variants[0];
    const {metrics, learner} = variant;
    const samples = samplesOf(this.name);
    const learned = Number(metrics.exampleCount) > 0;
    setText(this.cells.kind, enumText(learner.loss, 'LOSS_'));
    setText(this.cells.loss, fixed(learned ? metrics.decayedLoss : undefined));
    setText(this.cells.gain, percent(learned ? metrics.relativeGain : undefined));
    setText(this.cells.auc, fixed(metrics.auc));
    setText(this.cells.examples, short(Number(model.exampleCount)));
    setText(this.cells.rate, short(samples[samples.length - 1]?.rate ?? undefined));
    setText(this.cells.queued, count(Number(model.queuedExampleCount)));
    const shown = samples.slice(-kSparkSamples).filter(({loss}) => loss !== null);
    if (shown.length > 1) this.spark.update(shown.map(({loss}) => loss), shown.map(({baseLoss}) => baseLoss));
  }
}

export class Overview {
  intervalMs = 2000;

  constructor() {
    this.rows = new Map();
    this.body = el('tbody');
    this.summary = el('p', {class: 'note'}, '\u00a0');
    const heads = [['Model', ''], ['Loss function', 'wide'], ['Loss over time', 'wide'], ['Loss', 'number'],
                   ['Gain', 'number'], ['AUC', 'number wide'], ['Learned', 'number wide'],
                   ['Queued', 'number wide'], ['Examples/s', 'number']];
    this.table = el('div', {class: 'scroll', hidden: true}, el('table', {}, el('thead', {}, el('tr', {},
        ...heads.map(([text, kind]) => el('th', {scope: 'col', class: kind || false}, text)))), this.body));
    this.empty = el('div', {class: 'empty', hidden: true}, 'There is no model yet. Create one, and push to it:',
                    el('div', {}, el('pre', {}, 'freshet models create clicks\nfreshet generate clicks --rate 50000 | freshet push clicks -')));
    this.error = el('p', {class: 'error', hidden: true});
    this.element = el('div', {class: 'stack'}, el('h1', {}, 'Models'),
                      card('At a glance', this.summary, this.error, this.table, this.empty));
  }

  async refresh() {
    const models = [];
    let pageToken = '';
    do {
      const page = await call(`models?pageSize=1000&pageToken=${encodeURIComponent(pageToken)}`);
      models.push(...page.models.filter(({name}) => name !== ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    const now = Date.now();
    keepOnly(models.map(({name}) => name));
    for (const model of models) {
      if (model.state !== 'MODEL_STATE_DAMAGED') addSample(model.name, sampleOf(model, now));
    }
    this.update(models);
  }

  update(models) {
    show(this.error, false);
    show(this.table, models.length > 0);
    show(this.empty, models.length === 0);
    const rates = models.map(({name}) => samplesOf(name).at(-1)?.rate ?? 0);
    setText(this.summary, `${count(models.length)} ${models.length === 1 ? 'model' : 'models'}, ${
        short(rates.reduce((sum, rate) => sum + rate, 0))} examples/s`);
    const gone = new Set(this.rows.keys());
    models.forEach((model, i) => {
      gone.delete(model.name);
      let row = this.rows.get(model.name);
      if (row === undefined) {
        row = new Row(model.name);
        this.rows.set(model.name, row);
        this.body.insertBefore(row.element, this.body.children[i] ?? null);
      }
      row.update(model);
    });
    for (const name of gone) {
      this.rows.get(name).element.remove();
      this.rows.delete(name);
    }
  }

  refuse(message) {
    show(this.error, true);
    setText(this.error, message);
  }

  forget() {}
}
