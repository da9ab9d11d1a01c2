// Creates and changes elements. Text is always set as text content, so that no name can become
// markup.

/**
 * el('button', {class: 'small', onclick: f, 'aria-label': 'x'}, 'text', child)
 * Creates an element. A property that is a function becomes a listener; false, null and undefined are
 * left out.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets an element's text if it differs, so that unchanged elements are not laid out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides an element. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** A card with a heading, an element beside the heading (or null), and content. */
export function card(title, beside, ...content) {
  return el('section', {class: 'card', 'aria-label': title},
            el('header', {}, el('h2', {}, title), beside), ...content);
}

/** A bar that grows from the left; `share` is from 0 to 1. */
export function shareBar(share, warn = false) {
  const bar = el('i');
  bar.style.width = `${(100 * Math.max(0, Math.min(1, share))).toFixed(1)}%`;
  return el('div', {class: warn ? 'share warn' : 'share', 'aria-hidden': 'true'}, bar);
}

/** A bar from the middle to either side, by the sign of `value`; half the width is `largest`. */
export function signedBar(value, largest) {
  const size = largest > 0 ? 50 * Math.min(1, Math.abs(value) / largest) : 0;
  const bar = el('i', {class: value < 0 ? 'minus' : false});
  bar.style.width = `${size.toFixed(1)}%`;
  bar.style[value < 0 ? 'right' : 'left'] = '50%';
  return el('div', {class: 'signed', 'aria-hidden': 'true'}, bar);
}

const kTilePx = 148;  // The least width of a tile.
const kTileGapPx = 12;

/**
 * Lays out an element's tiles in rows of nearly equal length, so that none stands alone. Returns a function
 * to call when tiles have come or gone; changes of the width are noticed.
 */
export function balanceRows(element) {
  const arrange = () => {
    const shown = [...element.children].filter(({hidden}) => !hidden).length;
    const most = Math.max(1, Math.floor((element.clientWidth + kTileGapPx) / (kTilePx + kTileGapPx)));
    const columns = Math.ceil(shown / Math.ceil(shown / most));
    element.style.setProperty('--basis', columns > 0 ? `calc(${100 / columns}% - ${kTileGapPx}px)` : '');
  };
  new ResizeObserver(() => requestAnimationFrame(arrange)).observe(element);
  return arrange;
}

/** A list of named figures, each with a line below it. */
export class Figures {
  constructor() {
    this.element = el('dl', {class: 'tiles'});
    this.element.style.margin = '0';
    this.values = new Map();
    this.arrange = balanceRows(this.element);
  }

  has(label) {
    return this.values.has(label);
  }

  set(label, value, below) {
    if (!this.values.has(label)) {
      const cells = [el('dd', {class: 'value'}), el('dd', {class: 'below'})];
      this.values.set(label, cells);
      this.element.append(el('div', {class: 'figure'}, el('dt', {}, label), ...cells));
      this.arrange();
    }
    const [valueCell, belowCell] = this.values.get(label);
    setText(valueCell, value);
    setText(belowCell, below);
  }
}
