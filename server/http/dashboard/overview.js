// The overview of all models, which can be searched, sorted and compared, and of the server.

import {call} from './api.js';
import {Sparkline} from './charts.js';
import {card, el, setText, show} from './dom.js';
import {bytes, count, enumText, fixed, idOf, kNone, percent, short} from './format.js';
import {addSample, keepOnly, sampleOf, samplesOf} from './history.js';
import {ServerPanel} from './server_panel.js';

const kSparkSamples = 120;
const kMostCompared = 2;

// What is sought and how the list is sorted; kept while other views are shown.
const wanted = {words: '', column: 'name', descending: false};

// title; class; what the column is sorted by, of what figuresOf() returns. Texts are sorted upwards at
// first, numbers downwards.
const kColumns = {
  name: ['Model', '', ({id}) => id],
  state: ['State', '', ({state}) => state],
  kind: ['Loss function', 'wide', ({kind}) => kind],
  spark: ['Loss over time', 'wide'],
  loss: ['Loss', 'number', ({loss}) => loss],
  gain: ['Gain', 'number wide', ({gain}) => gain],
  auc: ['AUC', 'number wide', ({auc}) => auc],
  examples: ['Learned', 'number wide', ({examples}) => examples],
  memory: ['Weights', 'number wide', ({memory}) => memory],
  queued: ['Queued', 'number wide', ({queued}) => queued],
  rate: ['Examples/s', 'number', ({rate}) => rate],
};

/** What the list shows and sorts of a model; undefined where nothing is known. */
function figuresOf(model) {
  const id = idOf(model.name);
  if (model.state === 'MODEL_STATE_DAMAGED') return {id, state: 'damaged', kind: ''};
  const {metrics, learner} = model.variants.find(({champion}) => champion) ?? model.variants[0];
  const learned = Number(metrics.exampleCount) > 0;
  const rate = samplesOf(model.name).at(-1)?.rate ?? undefined;
  const examples = Number(model.exampleCount);
  const queued = Number(model.queuedExampleCount);
  return {
    id, examples, queued, rate, auc: metrics.auc, kind: enumText(learner.loss, 'LOSS_'),
    memory: model.variants.reduce((sum, {tableBytes}) => sum + Number(tableBytes), 0),
    loss: learned ? metrics.decayedLoss : undefined, gain: learned ? metrics.relativeGain : undefined,
    state: rate > 0 || queued > 0 ? 'learning' : examples === 0 ? 'empty' : rate === 0 ? 'idle' : kNone,
  };
}

const kStateHints = {
  learning: 'examples come', idle: 'no examples come at present', empty: 'nothing was learned yet; push examples to it',
};

class Row {
  constructor(name, onChosen) {
    this.name = name;
    const id = idOf(name);
    this.spark = new Sparkline();
    this.chosen = el('input', {type: 'checkbox', 'aria-label': `Compare ${id}`, onchange: () => onChosen()});
    const link = el('a', {href: `#/models/${id}`}, id);
    this.cells = Object.fromEntries(Object.entries(kColumns).map(([cell, [, kind]]) => [cell, el('td', {class: kind || false})]));
    this.cells.name.classList.add('name');
    this.cells.kind.classList.add('note');
    this.cells.name.append(link);
    this.cells.spark.append(this.spark.element);
    this.element = el('tr', {class: 'link', onclick: (event) => event.target.closest('a, .choose') || link.click()},
                      el('td', {class: 'choose'}, this.chosen), ...Object.values(this.cells));
  }

  update(model) {
    const figures = figuresOf(model);
    this.figures = figures;
    this.words = `${figures.id} ${figures.state} ${figures.kind}`.toLowerCase();
    this.cells.state.title = model.stateReason || kStateHints[figures.state] || '';
    this.cells.state.dataset.state = figures.state;
    setText(this.cells.state, figures.state);
    setText(this.cells.kind, figures.kind);
    this.chosen.disabled = figures.state === 'damaged';
    if (figures.state === 'damaged') return;
    setText(this.cells.loss, fixed(figures.loss));
    setText(this.cells.gain, percent(figures.gain));
    setText(this.cells.auc, fixed(figures.auc));
    setText(this.cells.examples, short(figures.examples));
    setText(this.cells.memory, bytes(figures.memory));
    setText(this.cells.rate, short(figures.rate));
    setText(this.cells.queued, count(figures.queued));
    const shown = samplesOf(this.name).slice(-kSparkSamples).filter(({loss}) => loss !== null);
    if (shown.length > 1) this.spark.update(shown.map(({loss}) => loss), shown.map(({baseLoss}) => baseLoss));
  }
}

export class Overview {
  intervalMs = 2000;

  constructor() {
    this.rows = new Map();
    this.body = el('tbody');
    this.summary = el('p', {class: 'note', role: 'status'}, '\u00a0');
    this.heads = Object.fromEntries(Object.entries(kColumns).map(([column, [text, kind, sortedBy]]) => [column, el(
        'th', {scope: 'col', class: kind || false},
        sortedBy === undefined ? text : el('button', {class: 'sort', type: 'button', onclick: () => this.sortBy(column)}, text))]));
    this.table = el('div', {class: 'scroll', hidden: true}, el('table', {}, el('thead', {}, el('tr', {},
        el('th', {scope: 'col', class: 'choose'}, el('span', {class: 'unseen'}, 'Compare')), ...Object.values(this.heads))), this.body));
    this.search = el('input', {type: 'text', id: 'search', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none',
                               oninput: () => this.seek(this.search.value)});
    this.search.value = wanted.words;
    this.compare = el('button', {class: 'small', type: 'button', disabled: true, onclick: () => this.openComparison()}, 'Compare: choose two');
    this.controls = el('div', {class: 'controls', hidden: true}, el('div', {}, el('label', {for: 'search'},
        'Search by name, state or loss function'), this.search), this.compare);
    this.none = el('p', {class: 'empty', hidden: true}, 'No model has all of these words. ',
                   el('button', {class: 'quiet', type: 'button', onclick: () => this.seek('')}, 'Show all'));
    this.empty = el('div', {class: 'empty', hidden: true}, 'There is no model yet. Create one, and push to it:',
                    el('div', {}, el('pre', {}, 'freshet models create clicks\nfreshet generate clicks --rate 50000 | freshet push clicks -')));
    this.error = el('p', {class: 'error', hidden: true});
    this.server = new ServerPanel();
    this.element = el('div', {class: 'stack'}, el('h1', {}, 'Models'), card(
        'At a glance', this.summary, this.error, this.controls, this.table, this.none, this.empty), this.server.element);
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
    await this.server.refresh();
  }

  update(models) {
    show(this.error, false);
    show(this.controls, models.length > 0);
    show(this.empty, models.length === 0);
    const gone = new Set(this.rows.keys());
    for (const model of models) {
      gone.delete(model.name);
      if (!this.rows.has(model.name)) this.rows.set(model.name, new Row(model.name, () => this.choose()));
      this.rows.get(model.name).update(model);
    }
    for (const name of gone) {
      this.rows.get(name).element.remove();
      this.rows.delete(name);
    }
    this.arrange();
    if (gone.size > 0) this.choose();
  }

  seek(words) {
    wanted.words = words;
    if (this.search.value !== words) this.search.value = words;
    this.arrange();
  }

  sortBy(column) {
    wanted.descending = wanted.column === column ? !wanted.descending : kColumns[column][1].includes('number');
    wanted.column = column;
    this.arrange();
  }

  /** Shows the rows that are sought, in order. Rows stay in place if the order is unchanged. */
  arrange() {
    const words = wanted.words.toLowerCase().split(/\s+/).filter((word) => word !== '');
    const key = kColumns[wanted.column][2];
    const sign = wanted.descending ? -1 : 1;
    const rows = [...this.rows.values()].sort(({figures: a}, {figures: b}) => {
      const [x, y] = [key(a), key(b)];
      // What is not known comes last in either order; equal rows are in the order of their names.
      if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
      return x < y ? -sign : x > y ? sign : a.id < b.id ? -1 : 1;
    });
    rows.forEach(({element}, i) => {
      if (this.body.children[i] !== element) this.body.insertBefore(element, this.body.children[i] ?? null);
    });
    for (const row of rows) show(row.element, words.every((word) => row.words.includes(word)));
    for (const [column, head] of Object.entries(this.heads)) {
      if (column === wanted.column) {
        head.setAttribute('aria-sort', wanted.descending ? 'descending' : 'ascending');
      } else {
        head.removeAttribute('aria-sort');
      }
    }
    const found = rows.filter(({element}) => !element.hidden);
    show(this.table, found.length > 0);
    show(this.none, rows.length > 0 && found.length === 0);
    const rate = found.reduce((sum, {figures}) => sum + (figures.rate ?? 0), 0);
    setText(this.summary, `${words.length > 0 ? `${count(found.length)} of ` : ''}${count(rows.length)} ${
        rows.length === 1 ? 'model' : 'models'}, ${short(rate)} examples/s`);
  }

  chosen() {
    return [...this.rows.values()].filter(({chosen}) => chosen.checked).map(({name}) => idOf(name));
  }

  choose() {
    const chosen = this.chosen();
    this.compare.disabled = chosen.length !== kMostCompared;
    setText(this.compare, chosen.length === kMostCompared ? `Compare ${chosen.join(' and ')}` : 'Compare: choose two');
  }

  openComparison() {
    location.hash = `#/compare/${this.chosen().join('/')}`;
  }

  refuse(message) {
    show(this.error, true);
    setText(this.error, message);
  }

  forget() {}
}
