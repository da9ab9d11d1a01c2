// What the page has seen of each model: one sample a poll, the last half hour of them.

const kKeepMs = 31 * 60 * 1000;
const kMaxSamples = 2000;  // Of a model.
const kStoreKey = 'freshet.history';
const kStoreChars = 2000000;

const number = (value) => value === undefined ? null : Number(value);

/** The figures of a model as they are drawn; `t` is when they were read. */
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
    calibration: metrics.window?.calibration ?? metrics.calibration ?? null,
    error: metrics.meanAbsoluteError ?? null,
    rate: null,
  };
}

const models = new Map();  // From a model's name to its samples, oldest first.

/** A model's samples; a row that is not changed. */
export const samplesOf = (name) => models.get(name) ?? [];

/** Adds a sample, with the examples a second since the one before. */
export function addSample(name, sample) {
  const samples = models.get(name) ?? [];
  const before = samples[samples.length - 1];
  if (before && sample.t <= before.t) return;
  if (before && sample.examples >= before.examples && sample.t - before.t < 12000) {
    sample.rate = 1000 * (sample.examples - before.examples) / (sample.t - before.t);
  }
  const kept = samples.filter(({t}) => t > sample.t - kKeepMs);
  models.set(name, [...kept.slice(-kMaxSamples + 1), sample]);
}

/** Forgets models that are no more. */
export function keepOnly(names) {
  const known = new Set(names);
  for (const name of models.keys()) {
    if (!known.has(name)) models.delete(name);
  }
}

// A page that is loaded again goes on with what it had.
try {
  for (const [name, samples] of JSON.parse(sessionStorage.getItem(kStoreKey) ?? '[]')) models.set(name, samples);
} catch {
  sessionStorage.removeItem(kStoreKey);
}
addEventListener('pagehide', () => {
  const stored = JSON.stringify([...models]);
  if (stored.length < kStoreChars) sessionStorage.setItem(kStoreKey, stored);
});
