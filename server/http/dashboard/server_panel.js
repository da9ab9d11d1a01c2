// The panel of the server itself: version, time since its start, memory and disk.

import {text} from './api.js';
import {card, Figures, show} from './dom.js';
import {bytes, count, duration, kNone} from './format.js';
import {metricSum, serverVersion} from './metrics_text.js';

const kPeriodMs = 20000;

export class ServerPanel {
  constructor() {
    this.figures = new Figures();
    this.element = card('Server', null, this.figures.element);
    this.readTime = -Infinity;
    show(this.element, false);
  }

  /** Reads the metrics from time to time; shows nothing if the token does not allow that. */
  async refresh() {
    if (performance.now() - this.readTime < kPeriodMs) return;
    try {
      this.update(await text('/metrics'), Date.now());
      this.readTime = performance.now();
    } catch (error) {
      if (error.status === 0) throw error;
      show(this.element, false);
    }
  }

  update(metrics, now) {
    const sum = (name) => metricSum(metrics, name);
    show(this.element, true);
    this.figures.set('Version', serverVersion(metrics) ?? kNone, 'freshetd');
    const start = 1000 * sum('process_start_time_seconds');
    this.figures.set('Up for', duration(Math.max(0, now - start)), `since ${new Date(start).toLocaleString()}`);
    this.figures.set('Memory', bytes(sum('process_resident_memory_bytes')), `weight tables up to ${bytes(sum('freshet_variant_table_bytes') ?? 0)}`);
    const [log, snapshots] = [sum('freshet_model_log_bytes') ?? 0, sum('freshet_model_snapshot_bytes') ?? 0];
    this.figures.set('Disk', bytes(log + snapshots), `logs ${bytes(log)}, snapshots ${bytes(snapshots)}`);
    const damaged = sum('freshet_damaged_models') ?? 0;
    this.figures.set('Damaged models', count(damaged), damaged > 0 ? 'search the list for damaged' : 'all are served');
    this.figures.set('Learn streams', count(sum('freshet_learn_streams')), 'open now');
  }
}
