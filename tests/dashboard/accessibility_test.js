// The dashboard as axe judges it: contrast, names, roles and structure of what each view shows.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, it as test} from 'node:test';

import {example, launchBrowser, newContext, Server, until} from './server.js';

const kAxe = readFileSync(join(process.env.FRESHET_WORK, 'node_modules/axe-core/axe.min.js'), 'utf8');

describe('accessibility of the dashboard', () => {
  let browser;
  let server;

  before(async () => {
    browser = await launchBrowser();
    server = await Server.start();
    await server.createModel('clicks');
    await server.learn('clicks', 1000);
    await server.call('models/clicks/snapshots', {body: {snapshotId: 'kept'}});
    await server.learn('clicks', 100);
    await server.call('models/clicks/snapshots', {body: {snapshotId: 'newer'}});
    await server.createModel('empty');
    await server.call('models', {body: {modelId: 'quiet', model: {
      labelRule: {waitMs: '1'}, variants: [{learner: {loss: 'LOSS_LOGISTIC', bits: 16}}],
    }}});
    await server.call('models', {body: {modelId: 'ads', model: {
      labelRule: {waitMs: '1', horizonMs: '3600000', holdMs: '1'}, variants: [{learner: {loss: 'LOSS_LOGISTIC', bits: 16}}],
    }}});
    await server.call('models/ads:predict', {body: {logEvents: {eventIds: ['view'], wait: true}, examples: {examples: [example('ann')]}}});
    await server.call('models/ads:feedback', {lines: [{event_id: 'view', name: 'click'}, {event_id: 'stranger'}]});
    await until(async () => Number((await server.call('models/ads')).model.labels.pendingCount) === 0, 'the event is learned');
  });
  after(async () => {
    await browser?.close();
    await server?.end();
  });

  const section = (page, name) => page.locator(`section[aria-label="${name}"]`);
  const views = {
    'all models': ['#/', (page) => page.locator('tbody tr').first().waitFor()],
    'a model with a prediction tried': ['#/models/clicks', async (page) => {
      await page.locator('#example').fill('|user ann |ad shoes');
      await page.keyboard.press('Enter');
      await page.locator('.result').waitFor();
      await page.locator('tr', {hasText: 'kept'}).waitFor();
    }],
    'a model with labels that come later and an event found': ['#/models/ads', async (page) => {
      await page.locator('#event-id').fill('view');
      await page.keyboard.press('Enter');
      await section(page, 'Look up an event').locator('.figure').first().waitFor();
    }],
    'two snapshots compared': ['#/models/clicks', async (page) => {
      await page.getByRole('button', {name: 'Compare kept'}).click();
      await page.getByRole('region', {name: 'Weights that changed most'}).waitFor();
    }],
    'a model with a label rule and no events': ['#/models/quiet', (page) => section(page, 'Labels that come later').waitFor()],
    'two models compared': ['#/compare/clicks/empty', (page) => section(page, 'Side by side').waitFor()],
    'a model without examples': ['#/models/empty', (page) => section(page, 'Storage').waitFor()],
    'no such model': ['#/models/nothing', (page) => page.locator('[role=alert]:visible').waitFor()],
    'a question': ['#/models/clicks', async (page) => {
      await page.getByRole('button', {name: 'Take one'}).click();
      await page.locator('dialog[open]').waitFor();
    }],
  };

  for (const [colorScheme, viewport] of [['light', {width: 1280, height: 900}], ['dark', {width: 390, height: 844}]]) {
    for (const [name, [hash, ready]] of Object.entries(views)) {
      test(`${name}, ${colorScheme}, ${viewport.width} wide`, async () => {
        const context = await newContext(browser, {colorScheme, viewport});
        const page = await context.newPage();
        await page.goto(`${server.url}/${hash}`);
        await page.locator('#status[data-state=live]').waitFor();
        await ready(page);
        await page.evaluate(kAxe);
        const {violations} = await page.evaluate(() => globalThis.axe.run());
        await context.close();
        assert.deepEqual(violations.map(({id, help, nodes}) => `${id}: ${help}: ${nodes.map(({html}) => html.slice(0, 120)).join(' | ')}`), []);
      });
    }
  }
});
