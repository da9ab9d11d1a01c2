// The most important figures of a model, as tiles.

import {balanceRows, el, setText, show} from './dom.js';
import {count, fixed, percent, short} from './format.js';

class Tile {
  constructor(label) {
    this.value = el('span');
    this.unit = el('small');
    this.below = el('dd', {class: 'below'});
    this.element = el('div', {class: 'card tile'}, el('dt', {}, label),
                      el('dd', {class: 'value'}, this.value, this.unit), this.below);
  }

  set(value, unit, below) {
    setText(this.value, value);
    setText(this.unit, unit);
    setText(this.below, below);
  }
}

export class Tiles {
  constructor() {
    this.tiles = Object.fromEntries([
      ['loss', 'Loss, recent'], ['gain', 'Gain'], ['auc', 'AUC'], ['error', 'Absolute error'],
      ['calibration', 'Calibration'], ['examples', 'Learned'], ['rate', 'Speed'], ['offset', 'Offset'],
    ].map(([key, label]) => [key, new Tile(label)]));
    this.element = el('dl', {class: 'tiles'}, ...Object.values(this.tiles).map(({element}) => element));
    this.element.style.margin = '0';
    this.arrange = balanceRows(this.element);
  }

  update(model, variant, sample) {
    const {metrics} = variant;
    const learned = Number(metrics.exampleCount) > 0;
    const known = (value) => learned ? value : undefined;
    const {loss, gain, auc, error, calibration, examples, rate, offset} = this.tiles;
    loss.set(fixed(known(metrics.decayedLoss)), '', `base rate ${fixed(known(metrics.decayedBaseRateLoss))}`);
    const windowGain = metrics.window?.exampleCount > 0 ? metrics.window.relativeGain : undefined;
    gain.set(percent(known(windowGain ?? metrics.relativeGain)), '',
             windowGain === undefined ? 'over the base rate' : `all ${percent(metrics.relativeGain)}`);
    show(auc.element, metrics.auc !== undefined);
    auc.set(fixed(metrics.window?.auc ?? metrics.auc), '', metrics.window?.auc === undefined ? 'all examples' : `all ${fixed(metrics.auc)}`);
    show(error.element, metrics.meanAbsoluteError !== undefined);
    error.set(fixed(metrics.meanAbsoluteError), '', metrics.rSquared === undefined ? '' : `R\u00b2 ${fixed(metrics.rSquared, 3)}`);
    show(calibration.element, metrics.calibration !== undefined);
    calibration.set(fixed(metrics.window?.calibration ?? metrics.calibration, 3), '', `mean label ${fixed(known(metrics.window?.labelMean ?? metrics.labelMean), 4)}`);
    examples.set(short(Number(model.exampleCount)), '', 'examples');
    rate.set(short(sample?.rate ?? undefined), '/s', `${count(Number(model.queuedExampleCount))} queued`);
    const behind = sample && sample.snapshot !== null ? sample.offset - sample.snapshot : 0;
    offset.set(count(Number(model.offset)), '', `${short(behind)} since snapshot`);
    const shown = Object.values(this.tiles).filter(({element}) => !element.hidden).length;
    offset.element.classList.toggle('odd', shown % 2 === 1);
    this.arrange();
  }
}
