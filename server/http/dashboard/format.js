// Formats figures as text.

const kMinus = '\u2212';
export const kNone = '\u2013';

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
const signed = (text) => text.replace('-', kMinus);

/** A count with thousands separated: 12 345. */
export function count(value) {
  if (!isNumber(value)) return kNone;
  return signed(Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f'));
}

/** Three significant digits and an SI prefix: 1.23 k, 45.6 M. */
export function short(value) {
  if (!isNumber(value)) return kNone;
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  let size = Math.abs(value);
  let step = 0;
  while (size >= 999.5 && step + 1 < prefixes.length) {
    size /= 1000;
    ++step;
  }
  const digits = step === 0 && Number.isInteger(size) ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return `${value < 0 ? kMinus : ''}${size.toFixed(digits)}${step > 0 ? `\u202f${prefixes[step]}` : ''}`;
}

/** Bytes, in powers of 1024: 1.5 MiB. */
export function bytes(value) {
  if (!isNumber(value)) return kNone;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let step = 0;
  while (size >= 1023.5 && step + 1 < units.length) {
    size /= 1024;
    ++step;
  }
  return `${size.toFixed(step === 0 || size >= 99.95 ? 0 : 1)}\u202f${units[step]}`;
}

/** A fixed number of decimals; losses and AUCs have four. */
export function fixed(value, digits = 4) {
  return isNumber(value) ? signed(value.toFixed(digits)) : kNone;
}

/** Four significant digits with a sign, for weights and contributions. */
export function weight(value) {
  if (!isNumber(value)) return kNone;
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-4 ? size.toExponential(2)
                                          : size.toFixed(Math.max(0, Math.min(5, 3 - Math.floor(Math.log10(size)))));
  return `${value < 0 ? kMinus : '+'}${signed(text)}`;
}

/** A share as a percentage. */
export function percent(value, digits = 1) {
  return isNumber(value) ? `${signed((100 * value).toFixed(digits))}\u202f%` : kNone;
}

/** A duration given in milliseconds. */
export function milliseconds(value) {
  if (!isNumber(value)) return kNone;
  if (value >= 1000) return `${(value / 1000).toFixed(2)}\u202fs`;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)}\u202fms`;
}

/** A span of time, in the largest units that fit: 10 min, 7 days, 1.5 h. */
export function duration(ms) {
  if (!isNumber(ms)) return kNone;
  const [unit, size] = [['days', 86400000], ['h', 3600000], ['min', 60000], ['s', 1000]].find(([, least]) => ms >= least) ?? ['ms', 1];
  const value = Math.round(10 * ms / size) / 10;
  return `${value}\u202f${unit === 'days' && value === 1 ? 'day' : unit}`;
}

/** How long ago, roughly: 5 min ago. */
export function ago(time, now) {
  const seconds = Math.max(0, (now - time) / 1000);
  if (!isNumber(seconds)) return kNone;
  if (seconds < 10) return 'just now';
  if (seconds < 100) return `${Math.round(seconds)} s ago`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** The last part of a resource's name. */
export const idOf = (name) => name.slice(name.lastIndexOf('/') + 1);

/** For example LOSS_LOGISTIC as "logistic". */
export const enumText = (value, prefix) => value.replace(prefix, '').toLowerCase().replaceAll('_', ' ');
