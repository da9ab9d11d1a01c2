// The samples of each model that the page has seen, one per poll, for the last half hour.

const kKeepMs = 31 * 60 * 1000;
const kMaxSamples = 2400;  // Per model.
const kGapMs = 12000;          // No rate is computed between samples further apart than this.
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
    loss: metrics.exampleCount > 0 ? metrics.decayedLoss : null,
    baseLoss: metrics.exampleCount > 0 ? metrics.decayedBaseRateLoss : null,
    auc: metrics.window?.auc ?? metrics.auc ?? null,
    error: metrics.meanAbsoluteError ?? null,
    labels: labelCounts(model),
  };
}

const models = new Map();  // Samples by model name, oldest first.

const withRate = (sample, before) => ({
  ...sample,
  rate: before && sample.examples >= before.examples && sample.t - before.t < kGapMs
      ? 1000 * (sample.examples - before.examples) / (sample.t - before.t) : null,
});

/** A model's samples. The array is never modified. */
export const samplesOf = (name) => models.get(name) ?? [];

/** Adds a sample, with the rate of examples per second since the previous one. */
export function addSample(name, sample) {
  const samples = models.get(name) ?? [];
  const before = samples[samples.length - 1];
  if (before && sample.t <= before.t) return;
  const kept = samples.filter(({t}) => t > sample.t - kKeepMs);
  models.set(name, [...kept.slice(-kMaxSamples + 1), withRate(sample, before)]);
}

/** Puts the server's samples of a model before those of the page. The clocks may differ. */
export function addEarlier(name, {now, fields, samples}) {
  const ahead = Date.now() - now;
  const seen = models.get(name) ?? [];
  const first = seen[0]?.t ?? Infinity;
  let before;
  const earlier = samples.map((row) => {
    const sample = Object.fromEntries(fields.map((field, i) => [field, row[i]]));
    sample.t += ahead;
    const rated = withRate(sample, before);
    before = sample;
    return rated;
  }).filter(({t}) => t < first);
  models.set(name, [...earlier, ...seen]);
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
