// The panels of models whose labels come later, with real events and feedback.

import assert from 'node:assert/strict';
import {join} from 'node:path';
import {after, afterEach, before, describe, it as test} from 'node:test';

import {example, launchBrowser, newContext, Server, until} from './server.js';

describe('labels that come later on the dashboard', () => {
  let browser;
  let server;
  let context;
  let page;
  let complaints;

  before(async () => {
    browser = await launchBrowser();
    server = await Server.start();
    await server.createModel('plain');
    const variants = [{learner: {loss: 'LOSS_LOGISTIC', bits: 16}}];
    // Events carry times of their own, so that their waits end by the events that follow.
    await server.call('models', {body: {modelId: 'ads', model: {variants, labelRule: {
      waitMs: '600000', horizonMs: '3600000', holdMs: '1', feedback: [{name: 'click', weight: 2}],
    }}}});
    await server.call('models', {body: {modelId: 'new', model: {variants, labelRule: {waitMs: '600000'}}}});
  });
  after(async () => {
    await browser?.close();
    await server?.end();
  });
  afterEach(() => context?.close());

  async function open(hash, options = {}) {
    context = await newContext(browser, options);
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${server.url}/${hash}`);
    await page.locator('#status[data-state=live]').waitFor();
  }
  const section = (name) => page.locator(`section[aria-label="${name}"]`);
  const figure = (name) => section('Labels that come later').locator(`.figure:has(dt:text-is("${name}")) .value`).textContent();
  const labels = async () => (await server.call('models/ads')).model.labels;

  /** Logs an event at a time in minutes. */
  const event = (id, minute, user) => server.call('models/ads:predict', {body: {
    logEvents: {eventIds: [id], eventTimesMs: [String(1700000000000 + 60000 * minute)], wait: true}, examples: {examples: [example(user)]},
  }});
  const feedback = (id, minute, more = {}) => server.call('models/ads:feedback', {lines: [
    {event_id: id, name: 'click', time_ms: String(1700000000000 + 60000 * minute), ...more}]});

  test('nothing is shown for a model without a label rule, and what to do for one without events', async () => {
    await open('#/models/plain');
    await section('Storage').waitFor();
    assert.ok(await section('Labels that come later').isHidden());
    await page.goto(`${server.url}/#/models/new`);
    const panel = section('Labels that come later');
    await panel.waitFor();
    assert.match(await panel.textContent(), /Policy after wait, wait 10.min, horizon 10.min\. The label is any of all feedback; without feedback, it is 0\./);
    assert.match(await panel.locator('.empty').textContent(), /freshet predict new FILE --log/);
    assert.ok(await section('Look up an event').isHidden());
    assert.deepEqual(complaints, []);
  });

  test('the figures are those of the model, and move with events and feedback', async () => {
    await event('first', 0, 'ann');
    await open('#/models/ads');
    await until(async () => await figure('Pending') === '1', 'the event waits');
    await event('a/b <i>', 1, 'bob');
    await feedback('first', 5);
    await feedback('stranger <b>', 6);
    await event('last', 30, 'ann');
    await feedback('last', 31);  // Stream time passes the waits of the first two.
    await until(async () => Number((await labels()).matchedCount) === 1, 'the first event is learned');
    await feedback('first', 40, {feedback_id: 'again'});
    await until(async () => Number((await labels()).unmatchedCount) === 1 && Number((await labels()).lateCount) === 1, 'all is joined');
    await until(async () => await figure('Unmatched') === '1' && await figure('Late') === '1', 'the page shows it');
    const now = await labels();
    for (const [name, field] of [['Events', 'eventCount'], ['Pending', 'pendingCount'], ['Matched', 'matchedCount'], ['Defaulted', 'defaultedCount']]) {
      assert.equal(await figure(name), now[field], name);
    }
    assert.equal(await section('Labels that come later').locator('code').textContent(), 'stranger <b>');
    assert.match(await figure('Loss as served'), /^0\.\d{4}$/);
    await page.locator('canvas[aria-label^="Events settled in this time: matched 1, defaulted 1,"]').waitFor();
    await page.locator('canvas[aria-label^="Feedback left over in this time: late 1, expired 0, unmatched 1"]').waitFor();
    assert.match(await section('Feedback by delay').locator('canvas').getAttribute('aria-label'), /^Feedback by delay: \d.*% within /);
    if (process.env.FRESHET_SCREENSHOTS) await page.screenshot({path: join(process.env.FRESHET_SCREENSHOTS, 'labels.png'), fullPage: true});
    assert.deepEqual(complaints, []);
  });

  test('what became of events before the page was opened is drawn too', async () => {
    const history = await until(async () => {
      const answer = await (await fetch(`${server.url}/history?model=ads`)).json();
      const last = answer.samples.at(-1)?.[answer.fields.indexOf('labels')];
      return last?.matched === 1 && last.late === 1 && last.unmatched === 1 && answer;
    }, 'the server has sampled the events');
    const first = history.samples[0][history.fields.indexOf('labels')];
    await open('#/models/ads');
    // The chart counts from its first sample on, and this one reaches back far enough for all.
    await page.getByRole('button', {name: '30 min'}).click();
    await page.locator(`canvas[aria-label^="Events settled in this time: matched ${1 - first.matched},"]`).waitFor();
    const earlier = await page.evaluate(async () => (await import('/assets/history.js')).samplesOf('models/ads')[0].labels);
    assert.deepEqual(earlier, first);
    assert.deepEqual(complaints, []);
  });

  test('an event is found by its id, whatever it is, and an unknown id is an error', async () => {
    await open('#/models/ads');
    const panel = section('Look up an event');
    await page.locator('#event-id').fill('first');
    await page.keyboard.press('Enter');
    await panel.locator('.figure', {hasText: 'State'}).waitFor();
    const {event: stored} = await server.call('models/ads/events/first');
    const shown = await panel.textContent();
    assert.match(shown, /late/);
    assert.match(shown, new RegExp(`${(100 * stored.servedPrediction).toFixed(2)}\u202f%`));
    assert.match(shown, /weight 2/);
    assert.match(await panel.getByRole('region', {name: 'Feedback of the event'}).textContent(), /click.*2023-11-14 22:18:20/);
    assert.match(await panel.getByRole('region', {name: 'Features of the event'}).textContent(), /user.*ann.*ad.*shoes/);
    await page.locator('#event-id').fill('a/b <i>');
    await panel.getByRole('button', {name: 'Look up'}).click();
    await panel.locator('.result', {hasText: 'a/b <i>'}).waitFor();
    assert.match(await panel.textContent(), /learned with the default label.*It has no feedback yet/);
    await page.locator('#event-id').fill('nobody');
    await page.keyboard.press('Enter');
    await panel.locator('[role=alert]', {hasText: 'event nobody not found'}).waitFor();
    assert.equal(await panel.locator('.figure').count(), 0);
    assert.deepEqual(complaints, []);
  });

  for (const width of [1440, 1024, 360]) {
    test(`the panels fit a screen of ${width}`, async () => {
      await open('#/models/ads', {viewport: {width, height: 900}, colorScheme: width === 1024 ? 'dark' : 'light'});
      await page.locator('#event-id').fill('first');
      await page.keyboard.press('Enter');
      await section('Look up an event').locator('.figure').first().waitFor();
      const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide[0] <= wide[1], `${wide}`);
      if (process.env.FRESHET_SCREENSHOTS) await page.screenshot({path: join(process.env.FRESHET_SCREENSHOTS, `labels-${width}.png`), fullPage: true});
    });
  }

  test('a join that cannot go on is said', async () => {
    context = await newContext(browser);
    page = await context.newPage();
    await page.route('**/v1/models/ads', async (route) => {
      const answer = await route.fetch();
      const json = await answer.json();
      json.model.labels.joinFault = 'the table is damaged';
      await route.fulfill({json});
    });
    await page.goto(`${server.url}/#/models/ads`);
    await page.locator('[role=alert]', {hasText: 'Events are not joined with their feedback: the table is damaged.'}).waitFor();
  });
});
