// The panel that shows what became of an event, found by its id.

import {call} from './api.js';
import {card, el, Figures, setText, show} from './dom.js';
import {enumText, fixed, kNone, percent, short} from './format.js';

const time = (ms) => Number(ms) === 0 ? kNone : new Date(Number(ms)).toISOString().replace('T', ' ').replace('Z', ' UTC');

/** A namespace and feedback may have no name. */
const named = (name) => name === '' ? el('span', {class: 'note'}, 'no name') : el('span', {class: 'mono'}, name);

const kMeanings = {
  pending: 'waits for its label', matched: 'learned with feedback', defaulted: 'learned with the default label',
  dropped: 'not learned: no feedback', late: 'feedback came after it was learned', corrected: 'learned anew with another label',
};

function table(label, heads, rows) {
  return el('div', {class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label}, el('table', {}, el('thead', {}, el('tr', {},
      ...heads.map(([text, kind]) => el('th', {scope: 'col', class: kind ?? false}, text)))),
      el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map((cell, i) => el('td', {class: heads[i][1] ?? false}, cell)))))));
}

export class EventSearch {
  constructor(path) {
    this.path = path;
    this.input = el('input', {type: 'text', id: 'event-id', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', required: true});
    this.button = el('button', {class: 'primary', type: 'submit'}, 'Look up');
    this.note = el('span', {class: 'note', role: 'status'}, 'An event is known until its horizon is over.');
    this.error = el('p', {class: 'error', role: 'alert', hidden: true});
    this.answer = el('div', {'aria-live': 'polite'});
    const form = el('form', {}, el('label', {for: 'event-id'}, 'Id of the event'), this.input, el('div', {class: 'row'}, this.button, this.note));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.lookUp();
    });
    this.element = card('Look up an event', null, form, this.error, this.answer);
  }

  async lookUp() {
    show(this.error, false);
    this.button.disabled = true;
    setText(this.note, 'Looking it up\u2026');
    try {
      const {event} = await call(`${this.path}/events/${encodeURIComponent(this.input.value)}`);
      this.answer.replaceChildren(...this.shown(event));
    } catch (error) {
      this.answer.replaceChildren();
      show(this.error, true);
      setText(this.error, error.message);
    }
    setText(this.note, 'An event is known until its horizon is over.');
    this.button.disabled = false;
  }

  shown(event) {
    const state = enumText(event.state, 'EVENT_STATE_');
    const figures = new Figures();
    const score = (prediction, score) => prediction === undefined ? [kNone, 'not logged by a prediction']
        : [prediction !== score && prediction >= 0 && prediction <= 1 ? percent(prediction, 2) : fixed(prediction), `score ${fixed(score)}`];
    figures.set('State', state, kMeanings[state] ?? '');
    figures.set('Served', ...score(event.servedPrediction, event.servedScore));
    figures.set('Now', ...score(event.prediction, event.score));
    figures.set('Label', event.label === undefined ? kNone : short(event.label), event.label === undefined ? 'none' : `weight ${short(event.weight)}`);
    figures.element.classList.add('result');
    const features = event.features.namespaces.flatMap(({name, features}) => features.map(
        (feature) => [named(name), named(feature.name), short(feature.value ?? 1)]));
    return [
      el('p', {class: 'result'}, el('strong', {class: 'mono'}, event.eventId)), figures.element,
      el('p', {class: 'note'}, `Happened ${time(event.timeMs)}, at offset ${event.offset}, row ${event.row}. ${
          Number(event.decideTimeMs) === 0 ? 'Its label is not decided.' : `Decided ${time(event.decideTimeMs)}, at offset ${event.decideOffset}.`}`),
      event.feedback.length === 0 ? el('p', {class: 'note'}, 'It has no feedback yet.')
          : table('Feedback of the event', [['Feedback', 'name'], ['Value', 'number'], ['When']], event.feedback.map(
              ({name, value, timeMs, withdrawn}) => [named(name), `${short(value)}${withdrawn ? ', withdrawn' : ''}`, time(timeMs)])),
      table('Features of the event', [['Namespace', 'name'], ['Feature', 'name'], ['Value', 'number']], features),
    ];
  }
}
