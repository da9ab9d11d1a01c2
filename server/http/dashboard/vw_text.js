// Parses an example from a line of Vowpal Wabbit's text format: |user ann age:0.3 |ad shoes

/** A number in the format's syntax; NaN for any other text. */
const toNumber = (text) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;

/**
 * Returns the line as a v1.Example. A label or tag before the first bar is not needed to predict and
 * is ignored; without a bar, all features are in the default namespace. Throws an Error that says what
 * is wrong.
 */
export function parseExample(line) {
  const text = line.replace(/\s+/g, ' ').trim();
  if (text === '') throw new Error('write at least one feature');
  const parts = text.includes('|') ? text.split('|').slice(1) : [` ${text}`];
  const namespaces = parts.map((part) => {
    const words = part.split(' ');
    const [name, scale] = splitValue(words[0]);
    return {
      name,
      features: words.slice(1).filter((word) => word !== '').map((word) => {
        const [feature, value] = splitValue(word);
        return {name: feature, value: value * scale};
      }),
    };
  });
  return {namespaces};
}

function splitValue(word) {
  const colon = word.lastIndexOf(':');
  if (colon < 0) return [word, 1];
  const value = toNumber(word.slice(colon + 1));
  if (Number.isNaN(value)) throw new Error(`"${word}": what follows the colon is not a number`);
  return [word.slice(0, colon), value];
}
