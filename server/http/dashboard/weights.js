// The panel of the largest weights.

import {call} from './api.js';
import {card, el, show, signedBar} from './dom.js';
import {weight} from './format.js';

const kShown = 20;
const kNames = 3;

/** A feature's name, or its slot if the name is not known. Several names share the weight. */
export function featureName({names, slot}) {
  if (names.length === 0) return el('span', {class: 'mono note', title: 'its name is not known'}, `slot ${slot}`);
  const shown = names.slice(0, kNames).map((name) => name.replace(/^\^/, ''));
  const more = names.length > kNames ? ` and ${names.length - kNames} more` : '';
  const text = el('span', {class: 'mono'}, shown.join(', ') + more);
  if (names.length > 1) text.append(el('span', {class: 'note', title: 'they collide, and share the weight'}, ' collide'));
  return text;
}

export class WeightsPanel {
  constructor(path) {
    this.path = path;
    this.body = el('tbody');
    this.element = card('Top weights', el('span', {class: 'note'}, 'by size'), el('div', {class: 'scroll'}, el('table', {},
        el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, 'Feature'), el('th', {scope: 'col', class: 'number'}, 'Weight'),
                           el('th', {scope: 'col', class: 'middle'}, 'against \u00b7 for'))), this.body)));
    show(this.element, false);
  }

  async refresh() {
    try {
      const {features} = await call(`${this.path}/weights?limit=${kShown}`);
      show(this.element, features.length > 0);
      const largest = Math.abs(features[0]?.weight ?? 0);
      this.body.replaceChildren(...features.map((feature) => el('tr', {}, el('td', {class: 'name'}, featureName(feature)),
          el('td', {class: 'number'}, weight(feature.weight)), el('td', {}, signedBar(feature.weight, largest)))));
    } catch (error) {
      if (error.status !== 0) show(this.element, false);
      throw error;
    }
  }
}
