// The panels of a model whose labels come later: what became of its events and of their feedback.

import {DelayPlot, TimePlot} from './charts.js';
import {card, el, Figures, setText, show} from './dom.js';
import {EventSearch} from './event_search.js';
import {ago, bytes, count, duration, enumText, fixed, short} from './format.js';

/** The counts of which a chart draws how many came in its span. */
const kEventEnds = [['matched', 1], ['defaulted', 2], ['dropped', 4], ['corrected', 3]];
const kFeedbackEnds = [['late', 1], ['expired', 2], ['unmatched', 4]];

const number = (value) => Number(value ?? 0);

function ruleText(rule) {
  const wait = number(rule.waitMs);
  const names = rule.feedback.map(({name, weight}) => weight === undefined ? name : `${name} (weight ${weight})`);
  const label = `${enumText(rule.aggregate, 'FEEDBACK_AGGREGATE_')} of ${names.length === 0 ? 'all feedback' : names.join(', ')}`;
  return `Policy ${enumText(rule.policy, 'LABEL_POLICY_')}, wait ${duration(wait)}, horizon ${duration(Math.max(wait, number(rule.horizonMs)))}. ` +
      `The label is ${rule.threshold === undefined ? '' : 'whether '}${label}${rule.threshold === undefined ? '' : ` is at least ${rule.threshold}`}; ` +
      `without feedback, ${rule.dropUnmatched ? 'events are not learned' : `it is ${rule.defaultLabel ?? 0}`}.`;
}

/** Shown if a model has a label rule. */
export class LabelsPanel {
  constructor(path) {
    this.path = path;
    this.rule = el('p', {class: 'note'});
    this.fault = el('p', {class: 'error', role: 'alert', hidden: true});
    this.figures = new Figures();
    this.samples = el('p', {class: 'note', hidden: true});
    this.empty = el('div', {class: 'empty', hidden: true}, 'No event has come yet. Log what is predicted, and say later what happened to it:',
        el('div', {}, el('pre', {}, `freshet predict ${path.slice('models/'.length)} FILE --log --event-id FIELD\nfreshet feedback ${
            path.slice('models/'.length)} FEEDBACK_FILE`)));
    this.charts = el('div', {class: 'charts twos'});
    this.search = new EventSearch(path);
    this.element = el('div', {class: 'stack', hidden: true},
                      card('Labels that come later', null, this.rule, this.fault, this.empty, this.figures.element, this.samples),
                      this.charts, this.search.element);
    this.plots = null;
  }

  makePlots() {
    const ends = (list) => list.map(([end, hue]) => ({label: end, hue, value: ({labels}) => labels?.[end] ?? null, format: count}));
    this.waiting = new TimePlot('Events that wait', [
      {label: 'events', hue: 1, value: ({labels}) => labels?.pending ?? null, format: count, filled: true},
      {label: 'feedback held', hue: 4, value: ({labels}) => labels?.held ?? null, format: count, dashed: true},
    ], {whole: true, from: 0, atLeast: 1});
    this.ends = [['Events settled in this time', kEventEnds], ['Feedback left over in this time', kFeedbackEnds]].map(
        ([title, list]) => ({list, plot: new TimePlot(title, ends(list), {whole: true, from: 0, atLeast: 1})}));
    this.delays = new DelayPlot('Feedback by delay');
    this.plots = [this.waiting, ...this.ends.map(({plot}) => plot), this.delays];
    this.charts.append(...this.plots.map(({element}) => element));
  }

  update(model) {
    const {labels, labelRule: rule} = model;
    show(this.element, rule !== undefined);
    if (rule === undefined) return;
    if (this.plots === null) this.makePlots();
    setText(this.rule, ruleText(rule));
    const known = number(labels.eventCount) + number(labels.heldCount) + number(labels.unmatchedCount) + number(labels.refusedCount) > 0;
    show(this.empty, !known);
    show(this.figures.element, known);
    show(this.charts, known);
    show(this.search.element, known);
    show(this.fault, labels.joinFault !== '');
    setText(this.fault, `Events are not joined with their feedback: ${labels.joinFault}. They wait meanwhile, and nothing is lost.`);
    this.updateFigures(model, labels);
    show(this.samples, labels.unmatchedSamples.length > 0);
    this.samples.replaceChildren('Feedback came for unknown ids, the last of which are: ',
                                 ...labels.unmatchedSamples.flatMap((id, i) => [i > 0 ? ', ' : '', el('code', {}, id)]));
    show(this.delays.element, labels.delays.some((bin) => number(bin.count) > 0));
    this.delays.update(labels.delays.map((bin) => ({toMs: number(bin.toMs), count: number(bin.count)})), number(rule.waitMs));
  }

  updateFigures(model, labels) {
    const oldest = number(labels.oldestPendingTimeMs);
    const set = (label, field, below) => this.figures.set(label, count(number(labels[field])), below);
    // Like `freshet models describe`: these only if they are not 0, or were.
    const setIf = (label, field, below) => (number(labels[field]) > 0 || this.figures.has(label)) && set(label, field, below);
    set('Events', 'eventCount', 'logged');
    set('Pending', 'pendingCount', oldest === 0 ? 'none waits' : `${bytes(number(labels.pendingBytes))}, oldest ${ago(oldest, Date.now())}`);
    set('Matched', 'matchedCount', 'learned with feedback');
    set('Defaulted', 'defaultedCount', 'learned with default label');
    setIf('Dropped', 'droppedCount', 'not learned: no feedback');
    setIf('Corrected', 'correctedCount', 'learned anew');
    setIf('Duplicate events', 'duplicateEventCount', 'the id was taken');
    setIf('Refused events', 'refusedCount', 'too many waited');
    setIf('Late', 'lateCount', 'feedback after learning');
    setIf('Expired', 'expiredCount', 'feedback after the horizon');
    setIf('Unmatched', 'unmatchedCount', 'feedback without its event');
    setIf('Held', 'heldCount', 'feedback before its event');
    setIf('Duplicates', 'duplicateCount', 'feedback that had come');
    setIf('Ignored', 'ignoredCount', 'feedback of other names');
    if (labels.servedLoss !== undefined) {
      this.figures.set('Loss as served', fixed(labels.servedLoss), `base rate ${fixed(labels.servedBaseRateLoss)}, ${short(number(labels.servedCount))} events`);
    }
    if (number(labels.logKeptFrom) < number(model.offset) || this.figures.has('Log held')) {
      this.figures.set('Log held', count(number(labels.logKeptFrom)), 'from this offset on');
    }
  }

  /** Draws the charts over time. `samples` are those of history.js. */
  drawTimes(samples, now, windowMs) {
    if (this.plots === null) return;
    this.waiting.update(samples, now, windowMs);
    const first = samples.find(({t, labels}) => labels && t >= now - windowMs);
    for (const {list, plot} of this.ends) {
      plot.update(samples.map((sample) => ({...sample, labels: sinceFirst(sample.labels, first?.labels, list)})), now, windowMs);
    }
  }

  forget() {
    for (const plot of this.plots ?? []) plot.forget();
  }
}

/** How many more there are than in the first sample; null before it, and if the model began anew. */
function sinceFirst(counts, first, ends) {
  if (!counts || !first) return null;
  const change = Object.fromEntries(ends.map(([end]) => [end, counts[end] - first[end]]));
  return Object.values(change).some((value) => value < 0) ? null : change;
}
