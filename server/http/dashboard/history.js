// The samples of each model for the last half hour: one for each poll of the page, and before these, and
// between them where the page was not open, those of the server.

import {text} from './api.js';

const kKeepMs = 31 * 60 * 1000;
const kMaxSamples = 2400;      // Per model.
const kGapMs = 12000;          // No rate is computed between samples further apart than this.
const kServerPeriodMs = 5000;  // The server samples a model this often, if it has learned since.
const kShortestMs = 500;       // A rate over less than this tells more of the clocks than of the model.
const kStoreKey = 'freshet.history';
const kStoreChars = 2000000;

const number = (value) => value === undefined ? null : Number(value);

const kLabelCounts = ['pending', 'held', 'matched', 'defaulted', 'dropped', 'corrected', 'late', 'expired', 'unmatched'];

/** What became of events and feedback so far; null if the model has no label rule. */
const labelCounts = ({labels}) => labels === undefined ? null
    : Object.fromEntries(kLabelCounts.map((name) => [name, Number(labels[`${name}Count`])]));

/** The figures of a model that the charts draw; `t` is when they were read. */
export function sampleOf(model, t) {
  const metrics = (model.variants.find(({champion}) => champion) ?? model.variants[0])?.metrics ?? {};
  return {
    t,
    examples: Number(model.exampleCount),
    offset: Number(model.offset),
    logged: number(model.storage?.loggedOffset),
    snapshot: number(model.storage?.snapshotOffset),
    queued: Number(model.queuedExampleCount),
    loss: metrics.exampleCount > 0 ? metrics.decayedLoss : null,
    baseLoss: metrics.exampleCount > 0 ? metrics.decayedBaseRateLoss : null,
    auc: metrics.window?.auc ?? metrics.auc ?? null,
    error: metrics.meanAbsoluteError ?? null,
    labels: labelCounts(model),
  };
}

const models = new Map();  // Samples by model name, oldest first.

/** The rate of examples per second at a sample; `before` are the samples before it. */
function rateOf(sample, before) {
  const from = before.findLast(({t}) => sample.t - t >= kShortestMs);
  return from && sample.examples >= from.examples && sample.t - from.t < kGapMs
      ? 1000 * (sample.examples - from.examples) / (sample.t - from.t) : null;
}

/** A model's samples. The array is never modified. */
export const samplesOf = (name) => models.get(name) ?? [];

/** Adds a sample, with the rate of examples per second since the one before it. */
export function addSample(name, sample) {
  const samples = models.get(name) ?? [];
  const before = samples[samples.length - 1];
  if (before && sample.t <= before.t) return;
  const kept = samples.filter(({t}) => t > sample.t - kKeepMs);
  models.set(name, [...kept.slice(-kMaxSamples + 1), {...sample, rate: rateOf(sample, samples.slice(-8))}]);
}

/**
 * Fills times without samples during which nothing was learned: the server only samples a model that has
 * learned since the last sample, so the model stood still until one period before the next one.
 */
function fillIdle(samples, until) {
  const filled = [];
  samples.forEach((sample, i) => {
    filled.push(sample);
    const next = samples[i + 1]?.t ?? until;
    if (next - sample.t <= kGapMs) return;  // A busy model may have answered late.
    const end = next - kServerPeriodMs;
    for (let t = sample.t + kServerPeriodMs; t < end; t += kServerPeriodMs) filled.push({...sample, t});
    filled.push({...sample, t: end});
  });
  return filled;
}

/** Adds the server's samples of a model where the page has none. The clocks may differ. */
export function addEarlier(name, {now, fields, samples}) {
  const ahead = Date.now() - now;
  const seen = models.get(name) ?? [];
  const earlier = samples.map((row) => {
    const sample = Object.fromEntries(fields.map((field, i) => [field, row[i]]));
    return {queued: null, labels: null, ...sample, t: sample.t + ahead};
  });
  let next = 0;  // Of `seen`, the first that is not before the sample at hand.
  const added = fillIdle(earlier, Date.now()).filter(({t}) => {
    while (next < seen.length && seen[next].t < t) ++next;
    const near = (sample) => sample !== undefined && Math.abs(sample.t - t) < kServerPeriodMs;
    return t > Date.now() - kKeepMs && !near(seen[next - 1]) && !near(seen[next]);
  });
  const all = [...added, ...seen].sort((a, b) => a.t - b.t);
  models.set(name, all.map((sample, i) => ({...sample, rate: rateOf(sample, all.slice(Math.max(0, i - 8), i))})));
}

/** Adds the server's samples of a model if it has some and the token allows it. */
export async function readHistory(id) {
  try {
    addEarlier(`models/${id}`, JSON.parse(await text(`/history?model=${id}`)));
  } catch (error) {
    if (error.status === 0) throw error;
  }
}

/** For how many milliseconds a model is known to have learned nothing. */
export function idleTime(name, now) {
  const samples = samplesOf(name);
  const last = samples.at(-1);
  const since = samples.findLastIndex(({examples}) => examples !== last.examples);
  return last === undefined ? 0 : now - samples[since + 1].t;
}

/** Drops the samples of all models except `names`. */
export function keepOnly(names) {
  const known = new Set(names);
  for (const name of models.keys()) {
    if (!known.has(name)) models.delete(name);
  }
}

// A reloaded page continues with the samples it had.
try {
  for (const [name, samples] of JSON.parse(sessionStorage.getItem(kStoreKey) ?? '[]')) models.set(name, samples);
} catch {
  sessionStorage.removeItem(kStoreKey);
}
addEventListener('pagehide', () => {
  const stored = JSON.stringify([...models]);
  if (stored.length < kStoreChars) sessionStorage.setItem(kStoreKey, stored);
});
