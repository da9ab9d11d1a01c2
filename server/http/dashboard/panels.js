// Panels with tables of a model's figures: variants, parts of a mixture, drift, storage.

import {card, el, Figures, shareBar, show} from './dom.js';
import {bytes, count, enumText, fixed, idOf, milliseconds, percent, short} from './format.js';

const head = (...columns) => el('thead', {}, el('tr', {}, ...columns.map(
    ([text, kind]) => el('th', {scope: 'col', class: kind ?? false}, text))));
const number = (text) => el('td', {class: 'number'}, text);

/** Shown if a model has more than one variant. */
export class VariantsPanel {
  constructor() {
    this.body = el('tbody');
    this.element = card('Variants', null, el('div', {class: 'scroll'}, el('table', {}, head(
        ['Variant'], ['Loss function'], ['Loss, recent', 'number'], ['Gain', 'number'], ['AUC', 'number']), this.body)));
  }

  update(model) {
    show(this.element, model.variants.length > 1);
    this.body.replaceChildren(...model.variants.map(({name, champion, learner, metrics}) => el('tr', {},
        el('td', {class: 'name'}, idOf(name), champion ? ' \u2605 champion' : ''), el('td', {}, enumText(learner.loss, 'LOSS_')),
        number(fixed(metrics.decayedLoss)), number(percent(metrics.relativeGain)), number(fixed(metrics.auc)))));
  }
}

/** The weights by which the parts of a mixture share the prediction. */
export class MixturePanel {
  constructor() {
    this.bar = el('div', {class: 'mix', 'aria-hidden': 'true'});
    this.body = el('tbody');
    this.element = card('Mixture', el('span', {class: 'note'}, 'weight of each learner'), this.bar, el('div', {class: 'scroll'}, el('table', {},
        head(['Learner'], ['Weight', 'number'], ['Loss, recent', 'number']), this.body)));
  }

  update(model, {mixture = []}) {
    show(this.element, mixture.length > 0);
    const parts = mixture.map((part, i) => ({...part, hue: i % 8 + 1}));
    this.bar.replaceChildren(...parts.map(({weight, hue}) => {
      const share = el('i', {class: `s${hue}`});
      share.style.flex = `${weight} 0 0`;
      return share;
    }));
    this.body.replaceChildren(...parts.map(({name, weight, decayedLoss, hue}) => {
      const swatch = el('span', {class: `swatch s${hue}`, 'aria-hidden': 'true'});
      Object.assign(swatch.style, {display: 'inline-block', marginRight: '8px', verticalAlign: 'middle', height: '8px', width: '8px'});
      return el('tr', {}, el('td', {class: 'name'}, swatch, name), number(percent(weight)), number(fixed(decayedLoss)));
    }));
  }
}

/** The drift alarms, which tell whether the stream has changed. */
export class DriftPanel {
  constructor() {
    this.body = el('tbody');
    this.element = card('Drift', el('span', {class: 'note'}, 'has the stream changed?'), el('div', {class: 'scroll'}, el('table', {}, head(
        ['Watched'], ['Alarms', 'number'], ['Examples ago', 'number'], ['Level']), this.body)));
  }

  update(model, {metrics}) {
    const alarms = metrics.driftAlarms ?? [];
    show(this.element, alarms.length > 0);
    this.body.replaceChildren(...alarms.map(({subject, count: times, lastExample, level}) => {
      const since = Number(metrics.exampleCount) - Number(lastExample);
      return el('tr', {}, el('td', {}, subject.replaceAll('_', ' ')), number(count(Number(times))),
                number(Number(times) > 0 ? short(since) : 'never'),
                el('td', {'aria-label': percent(level, 0), title: percent(level, 0)}, shareBar(level, level > 0.8)));
    }));
  }
}

/** Sizes of the log, the snapshots and the weight table, and the time that syncs take. */
export class StoragePanel {
  constructor() {
    this.figures = new Figures();
    this.element = card('Storage', null, this.figures.element);
  }

  update(model, {tableBytes, table}) {
    const storage = model.storage ?? {};
    this.figures.set('Log', bytes(Number(storage.logBytes)), `from offset ${count(Number(storage.logFirstOffset))}`);
    this.figures.set('Sync', milliseconds(storage.syncP50Ms), `99 %: ${milliseconds(storage.syncP99Ms)}`);
    this.figures.set('Snapshots', bytes(Number(storage.snapshotBytes)), `${count(storage.snapshotCount)}, last pause ${milliseconds(storage.lastPauseMs)}`);
    this.figures.set('Weight table', bytes(Number(tableBytes)), table && Number(table.slotCount) > 0
        ? `${percent(Number(table.usedSlotCount) / Number(table.slotCount))} of its slots in use` : 'at most');
    if (table && Number(table.featureCount) > 0) {
      this.figures.set('Features', short(Number(table.featureCount)), `${percent(table.collisionShare)} share a slot`);
    }
  }
}
