// The panel of a model's snapshots, which can be compared, and taken, restored and deleted after a dialog.

import {call} from './api.js';
import {askId, confirmed} from './dialogs.js';
import {card, el, setText, show, signedBar} from './dom.js';
import {ago, bytes, count, enumText, idOf, milliseconds, short, weight} from './format.js';
import {featureName} from './weights.js';

const kTimeoutMs = 70000;  // For calls that write or read a whole model.

const kChangesShown = 20;

const kReasons = {
  REQUEST: 'requested', INTERVAL: 'by interval', SHUTDOWN: 'at shutdown', LOG_GROWTH: 'log grew',
  RESTORE: 'before a restore', IMPORT: 'imported',
};

export class SnapshotsPanel {
  constructor(path, pollNow) {
    this.path = path;
    this.pollNow = pollNow;
    this.body = el('tbody');
    this.note = el('p', {class: 'note', role: 'status', hidden: true});
    this.error = el('p', {class: 'error', role: 'alert', hidden: true});
    this.empty = el('p', {class: 'note', hidden: true}, 'There are none yet. Snapshots are taken automatically while the model learns.');
    this.table = el('div', {class: 'scroll'}, el('table', {}, el('thead', {}, el('tr', {},
        ...[['Snapshot', ''], ['Taken', ''], ['Why', 'wide'], ['Offset', 'number'], ['Examples', 'number wide'], ['Size', 'number wide'],
            ['Pause', 'number wide'], ['Actions', 'actions']].map(([text, kind]) => el('th', {scope: 'col', class: kind || false}, text)))), this.body));
    const take = el('button', {class: 'small', type: 'button', onclick: () => this.take()}, 'Take one');
    this.changes = el('div', {'aria-live': 'polite'});
    this.element = card('Snapshots', take, this.note, this.error, this.table, this.empty, this.changes);
    this.names = '';
  }

  async refresh() {
    const snapshots = [];
    let pageToken = '';
    do {
      const page = await call(`${this.path}/snapshots?pageSize=1000&pageToken=${encodeURIComponent(pageToken)}`);
      snapshots.push(...page.snapshots);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    this.update(snapshots.reverse());
  }

  /** Rows are recreated only if the list has changed, so that a button keeps its focus. */
  update(snapshots) {
    show(this.empty, snapshots.length === 0);
    show(this.table, snapshots.length > 0);
    const names = snapshots.map(({name, createTime}) => name + createTime).join();
    if (names !== this.names) {
      this.names = names;
      this.body.replaceChildren(...snapshots.map((snapshot) => this.row(snapshot, snapshots[0])));
    }
    snapshots.forEach(({createTime}, i) => setText(this.body.children[i].children[1], ago(Date.parse(createTime), Date.now())));
  }

  /** `newest` is the snapshot that the others are compared with. */
  row(snapshot, newest) {
    const id = idOf(snapshot.name);
    const reason = snapshot.trigger.replace('SNAPSHOT_TRIGGER_', '');
    const button = (action, kind, act) => el('button', {class: `small quiet ${kind}`, type: 'button', onclick: act,
                                                        'aria-label': `${action} ${id}`}, action);
    return el('tr', {}, el('td', {class: 'name'}, id), el('td', {title: snapshot.createTime}), el('td', {class: 'wide'}, kReasons[reason] ?? enumText(reason, '')),
              el('td', {class: 'number'}, count(Number(snapshot.offset))), el('td', {class: 'number wide'}, short(Number(snapshot.exampleCount))),
              el('td', {class: 'number wide'}, bytes(Number(snapshot.sizeBytes))), el('td', {class: 'number wide'}, milliseconds(snapshot.pauseMs)),
              el('td', {class: 'actions'},
                 snapshot === newest ? null : button('Compare', '', () => this.compare(snapshot, newest)), button('Restore', '', () => this.restore(snapshot)), button('Delete', 'away', () => this.remove(snapshot))));
  }

  async take() {
    const id = await askId('Take a snapshot', 'Learning pauses for a copy in memory, predictions do not. It is kept until you delete it.', 'Take it');
    if (id === null) return;
    await this.run('Taking a snapshot\u2026', `${this.path}/snapshots`, {body: {snapshotId: id}},
                   ({snapshot}) => `Took ${idOf(snapshot.name)} at offset ${count(Number(snapshot.offset))}.`);
  }

  async restore({name, offset, exampleCount}) {
    const id = idOf(name);
    if (!await confirmed(`Restore ${id}?`, `The model goes back to what it knew after ${count(Number(exampleCount))} examples, at offset ${
        count(Number(offset))}. What it learned since is undone; pushing goes on from there.`, 'Restore', true)) return;
    await this.run(`Restoring ${id}\u2026`, `${name}:restore`, {body: {}}, () => `Restored ${id}.`);
  }

  async remove({name}) {
    const id = idOf(name);
    if (!await confirmed(`Delete ${id}?`, 'Its file is deleted. The model itself does not change.', 'Delete', true)) return;
    await this.run(`Deleting ${id}\u2026`, name, {method: 'DELETE'}, () => `Deleted ${id}.`);
  }

  /** Shows which weights changed most from one snapshot to another. */
  async compare(older, newer) {
    const [oldId, newId] = [idOf(older.name), idOf(newer.name)];
    show(this.error, false);
    show(this.note, true);
    setText(this.note, `Comparing ${oldId} with ${newId}\u2026`);
    try {
      const answer = await call(`${newer.name}:compare?oldName=${encodeURIComponent(older.name)}&limit=${kChangesShown}`, {timeoutMs: kTimeoutMs});
      setText(this.note, `From ${oldId} to ${newId}, ${count(Number(answer.changedCount))} weights changed: ${
          count(Number(answer.addedCount))} were 0 before, ${count(Number(answer.removedCount))} are 0 now.`);
      this.changes.replaceChildren(...answer.changes.length > 0 ? [this.changeTable(oldId, newId, answer.changes)] : []);
    } catch (error) {
      this.changes.replaceChildren();
      show(this.note, false);
      show(this.error, true);
      setText(this.error, error.message);
    }
  }

  changeTable(oldId, newId, changes) {
    const change = ({feature, oldWeight}) => feature.weight - oldWeight;
    const largest = Math.max(...changes.map((it) => Math.abs(change(it))));
    return el('div', {class: 'scroll', role: 'region', tabindex: 0, 'aria-label': 'Weights that changed most'}, el('table', {}, el('thead', {}, el('tr', {},
        ...[['Feature', ''], [oldId, 'number wide'], [newId, 'number wide'], ['Change', 'number'], ['down \u00b7 up', 'middle']].map(
            ([text, kind]) => el('th', {scope: 'col', class: kind || false}, text)))), el('tbody', {}, ...changes.map((it) => el('tr', {},
        el('td', {class: 'name'}, featureName(it.feature)), el('td', {class: 'number wide'}, weight(it.oldWeight)),
        el('td', {class: 'number wide'}, weight(it.feature.weight)), el('td', {class: 'number'}, weight(change(it))),
        el('td', {}, signedBar(change(it), largest)))))));
  }

  async run(during, path, options, after) {
    show(this.error, false);
    show(this.note, true);
    setText(this.note, during);
    try {
      setText(this.note, after(await call(path, {...options, timeoutMs: kTimeoutMs})));
      await this.refresh();
    } catch (error) {
      show(this.note, false);
      show(this.error, true);
      setText(this.error, error.message);
    }
    this.pollNow();
  }
}
