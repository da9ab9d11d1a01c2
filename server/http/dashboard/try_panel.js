// The panel to try a prediction; it shows what each feature contributes.

import {call} from './api.js';
import {card, el, setText, show, signedBar} from './dom.js';
import {fixed, percent, short, weight} from './format.js';
import {parseExample} from './vw_text.js';
import {featureName} from './weights.js';

export class TryPanel {
  constructor(path) {
    this.path = path;
    this.input = el('textarea', {id: 'example', rows: 3, spellcheck: 'false', autocapitalize: 'none',
                                 placeholder: '|user ann age:0.3 |ad shoes', 'aria-describedby': 'example-hint'});
    this.button = el('button', {class: 'primary', type: 'submit'}, 'Predict');
    this.error = el('p', {class: 'error', role: 'alert', hidden: true});
    this.answer = el('div', {'aria-live': 'polite'});
    const form = el('form', {}, el('label', {for: 'example'}, 'Features, as in Vowpal Wabbit: namespaces after a bar, values after a colon'),
                    this.input, el('div', {class: 'row'}, this.button, el('span', {class: 'note', id: 'example-hint'}, 'Nothing is learned from it.')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.predict();
    });
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.element = card('Try a prediction', null, form, this.error, this.answer);
  }

  async predict() {
    show(this.error, false);
    this.button.disabled = true;
    try {
      const example = parseExample(this.input.value);
      this.answer.replaceChildren(...await this.explained(example));
    } catch (error) {
      this.answer.replaceChildren();
      show(this.error, true);
      setText(this.error, error.message);
    }
    this.button.disabled = false;
  }

  /** The prediction, with contributions if the server and the token allow that. */
  async explained(example) {
    try {
      const {prediction, score, intercept, contributions, recentExampleCount} =
          await call(`${this.path}:explain`, {body: {example, withRecentUse: true}});
      return [this.figure(prediction, score), this.table(contributions, intercept, Number(recentExampleCount))];
    } catch (error) {
      if (error.status !== 501 && error.status !== 403) throw error;
      const {predictions, scores} = await call(`${this.path}:predict`, {body: {examples: {examples: [example]}}});
      return [this.figure(predictions[0], scores[0])];
    }
  }

  figure(prediction, score) {
    // If the score is not the prediction itself, it is a logit and the prediction a probability.
    const probability = prediction !== score && prediction >= 0 && prediction <= 1;
    return el('p', {class: 'result'}, el('strong', {}, probability ? percent(prediction, 2) : fixed(prediction)),
              el('span', {class: 'note'}, `score ${fixed(score)}`));
  }

  /** `recent`: how many of the newest examples were searched for the features; 0: none. */
  table(contributions, intercept, recent) {
    const largest = Math.max(Math.abs(intercept), ...contributions.map(({contribution}) => Math.abs(contribution)));
    const row = (name, value, part, used) => el('tr', {}, el('td', {class: 'name'}, name, used), el('td', {class: 'number wide'}, value),
                                          el('td', {class: 'number'}, weight(part)), el('td', {}, signedBar(part, largest)));
    const table = el('div', {class: 'scroll'}, el('table', {}, el('thead', {}, el('tr', {},
        el('th', {scope: 'col'}, 'Feature'), el('th', {scope: 'col', class: 'number wide'}, 'Value'),
        el('th', {scope: 'col', class: 'number'}, 'Adds'), el('th', {scope: 'col', class: 'middle'}, 'against \u00b7 for'))),
        el('tbody', {}, row('intercept', '', intercept),
           ...contributions.map(({feature, value, contribution}) =>
               row(featureName(feature), short(value), contribution, recent > 0 ? this.use(feature.recentUse) : null)))));
    if (!(recent > 0)) return table;
    return el('div', {}, table, el('p', {class: 'note'}, `Below a name: how many of the newest ${short(recent)} examples had the feature, ` +
        'and how many were learned since.'));
  }

  /** How many recent examples had the feature, and how many examples ago it was last learned. */
  use(use) {
    return el('span', {class: 'note use'}, use === undefined || use === null ? 'in none' :
        `${short(Number(use.exampleCount))} \u00b7 ${short(Number(use.examplesSince))} ago`);
  }
}
