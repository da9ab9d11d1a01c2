// The dashboard as people use it: a real server and a real browser.

import assert from 'node:assert/strict';
import {join} from 'node:path';
import {after, afterEach, before, describe, it as test} from 'node:test';

import {example, launchBrowser, newContext, Server, until} from './server.js';

describe('the dashboard', () => {
  let browser;
  let server;
  let context;
  let page;
  let complaints;  // The errors that the browser reports about the page.
  let strangers;   // Requests to any other server.

  before(async () => {
    browser = await launchBrowser();
    server = await Server.start();
    await server.createModel('clicks');
    await server.learn('clicks', 2000);
    await server.createModel('spend', 'LOSS_SQUARED');
  });
  after(async () => {
    await browser?.close();
    await server?.end();
  });

  async function open(hash = '', options = {}, prepare = async () => {}) {
    context = await newContext(browser, options);
    page = await context.newPage();
    complaints = [];
    strangers = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => request.url().startsWith(server.url) || strangers.push(request.url()));
    await prepare(page);
    await page.goto(`${server.url}/${hash}`);
    await page.locator('#status[data-state=live]').waitFor();
  }
  afterEach(() => context?.close());

  const text = (selector) => page.locator(selector).first().textContent();
  const tile = (label) => text(`.tile:has(dt:text-is("${label}")) .value span`);
  const button = (name) => page.getByRole('button', {name, exact: true});

  /** Keeps a screenshot if FRESHET_SCREENSHOTS is set. */
  async function keepPicture(name) {
    const folder = process.env.FRESHET_SCREENSHOTS;
    if (folder) await page.screenshot({path: join(folder, `${name}.png`), fullPage: true});
  }

  test('models are there at a glance, and their figures move', async () => {
    await open();
    const row = page.locator('tr', {hasText: 'clicks'});
    await row.waitFor();
    assert.equal(await page.locator('tbody tr').count(), 2);
    assert.match(await row.textContent(), /logistic/);
    const learned = Number((await server.call('models/clicks')).model.exampleCount);
    assert.match(await row.textContent(), new RegExp(`${(learned / 1000).toFixed(2)}\u202fk`));
    await server.learn('clicks', 1000);
    await row.filter({hasText: `${((learned + 1000) / 1000).toFixed(2)}\u202fk`}).waitFor();
    await server.createModel('late');
    await page.locator('tr', {hasText: 'late'}).waitFor();
    await server.call('models/late', {method: 'DELETE'});
    await page.locator('tr', {hasText: 'late'}).waitFor({state: 'detached'});
    await row.click();
    await page.waitForURL(/#\/models\/clicks$/);
  });

  test('many models can be searched and sorted, and the search is kept', async () => {
    const {models} = await server.call('models');
    const many = Array.from({length: 500}, (_, i) => {
      const model = structuredClone(models.find(({name}) => name === 'models/clicks'));
      model.name = `models/shop-${String(i).padStart(3, '0')}`;
      model.variants[0].metrics.decayedLoss = ((i * 7) % 500) / 1000;
      if (i === 44) Object.assign(model, {state: 'MODEL_STATE_DAMAGED', stateReason: 'the manifest is damaged', variants: []});
      return model;
    });
    await open('#/', {}, () => page.route('**/v1/models?*', (route) => route.fulfill({json: {models: [...models, ...many], nextPageToken: ''}})));
    const names = () => page.locator('tbody tr:visible td.name').allTextContents();
    await page.locator('tr', {hasText: 'shop-499'}).waitFor();
    await page.getByLabel('Search').fill('4 SHOP idle');
    await page.getByText(/^[1-9]\d* of 502 models/).waitFor();
    assert.ok((await names()).every((name) => /shop-.*4/.test(name)));
    await page.getByLabel('Search').fill('damaged');
    assert.deepEqual(await names(), ['shop-044']);
    assert.equal(await page.locator('td[data-state=damaged]').getAttribute('title'), 'the manifest is damaged');
    await page.getByLabel('Search').fill('nothing like this');
    await page.getByText('No model has all of these words.').waitFor();
    await button('Show all').click();
    await page.getByLabel('Search').fill('shop-0');
    await button('Loss').click();
    assert.equal((await names())[0], 'shop-071');  // 497 of 500.
    assert.equal((await names()).at(-1), 'shop-044');
    await button('Loss').click();
    assert.equal((await names())[0], 'shop-000');
    assert.equal(await page.locator('th[aria-sort]').textContent(), 'Loss');
    await page.locator('tr', {hasText: 'shop-000'}).click();
    await page.goBack();
    await page.locator('tbody tr:visible').first().waitFor();
    assert.equal(await page.getByLabel('Search').inputValue(), 'shop-0');
    assert.equal((await names())[0], 'shop-000');
  });

  test('the server says what it is, and what its models take', async () => {
    await open();
    const panel = page.locator('section[aria-label=Server]');
    await panel.waitFor();
    const figure = (name) => panel.locator(`.figure:has(dt:text-is("${name}")) .value`).textContent();
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.equal(await figure('Version'), /freshet_build_info\{version="([^"]+)"/.exec(metrics)[1]);
    assert.match(await figure('Up for'), /^\d+(\.\d)?\u202f(s|min)$/);
    assert.match(await figure('Memory'), /^\d+\.\d\u202fMiB$|^\d{3}\u202fMiB$/);
    assert.match(await panel.textContent(), /logs [1-9].*, snapshots/);
    const {model} = await server.call('models/clicks');
    const mib = (Number(model.variants[0].tableBytes) / 2 ** 20).toFixed(1);
    assert.ok((await page.locator('tr', {hasText: 'clicks'}).textContent()).includes(`${mib}\u202fMiB`));
  });

  test('no tile stands alone in its row', async () => {
    for (const width of [1440, 1024, 800, 390]) {
      await open('#/models/clicks', {viewport: {width, height: 900}});
      await page.locator('.tile').first().waitFor();
      await until(() => page.evaluate(() => {
        const rows = new Map();
        const tiles = [...document.querySelectorAll('.tile:not([hidden])')].map((tile) => tile.getBoundingClientRect());
        for (const {top, width} of tiles) rows.set(top, [...rows.get(top) ?? [], width]);
        // On a phone the last of an odd number fills its row.
        return tiles.length > 0 && [...rows.values()].every((row) => row.length > 1 || innerWidth <= 640);
      }), `the tiles are balanced at ${width}`);
      await context.close();
    }
  });

  test('two snapshots can be compared', async () => {
    await server.createModel('changing');
    await server.learn('changing', 10);
    await server.call('models/changing/snapshots', {body: {snapshotId: 'early'}});
    await server.learn('changing', 1000);
    await server.call('models/changing/snapshots', {body: {snapshotId: 'later'}});
    await open('#/models/changing');
    await button('Compare early').click();
    const answer = await server.call('models/changing/snapshots/later:compare?oldName=models/changing/snapshots/early');
    await page.getByText(`From early to later, ${answer.changedCount} weights changed: ${answer.addedCount} were 0 before, ${answer.removedCount} are 0 now.`).waitFor();
    const rows = page.getByRole('region', {name: 'Weights that changed most'}).locator('tbody tr');
    assert.equal(await rows.count(), answer.changes.length);
    assert.match(await rows.first().textContent(), /user\^ann|user\^bob|ad\^shoes/);
    assert.equal(await button('Compare later').count(), 0);
    await server.call('models/changing', {method: 'DELETE'});
  });

  test('two models can be compared', async () => {
    await server.createModel('rival');
    await server.learn('rival', 200);
    await open();
    await page.getByLabel('Compare clicks').check();
    assert.ok(await page.getByRole('button', {name: 'Compare: choose two'}).isDisabled());
    await page.getByLabel('Compare rival').check();
    await button('Compare clicks and rival').click();
    await page.waitForURL(/#\/compare\/clicks\/rival$/);
    const figures = page.locator('section[aria-label="Side by side"] tr', {hasText: 'Loss, recent'});
    const metrics = async (id) => (await server.call(`models/${id}`)).model.variants[0].metrics;
    const [clicks, rival] = [await metrics('clicks'), await metrics('rival')];
    await figures.filter({hasText: clicks.decayedLoss.toFixed(4)}).filter({hasText: rival.decayedLoss.toFixed(4)}).waitFor();
    const better = clicks.decayedLoss < rival.decayedLoss ? 0 : 1;
    assert.match(await figures.locator('td').nth(better).textContent(), /\u2713/);
    assert.doesNotMatch(await figures.locator('td').nth(1 - better).textContent(), /\u2713/);
    await page.locator('canvas[aria-label^="Loss of recent examples: clicks 0."]').waitFor();
    await keepPicture('compare');
    await page.goto(`${server.url}/#/compare/clicks/spend`);
    await page.getByText('different loss functions').waitFor();
    await page.goto(`${server.url}/#/compare/clicks/nothing`);
    await page.locator('[role=alert]', {hasText: 'model "nothing" not found'}).waitFor();
    await server.call('models/rival', {method: 'DELETE'});
    assert.deepEqual(complaints.filter((text) => !text.includes('status of 404')), []);
  });

  test('a model that learns nothing says so, and what to do', async () => {
    await open('#/models/spend');
    await page.getByText('freshet push spend FILE').waitFor();
    const now = Date.now();
    const {model} = await server.call('models/clicks');
    const samples = [[now - 600000, Number(model.exampleCount) - 10], [now - 595000, Number(model.exampleCount)]];
    await page.route('**/history?model=clicks', (route) => route.fulfill({json: {now, fields: ['t', 'examples'], samples}}));
    await page.goto(`${server.url}/#/models/clicks`);
    await page.locator('.chip', {hasText: /learned nothing for 9\.\d\u202fmin: push examples to it/}).waitFor();
    assert.ok(await page.getByText('Nothing was learned yet').isHidden());
  });

  test('a model without examples, and no model at all, are shown as such', async () => {
    await open('#/models/spend');
    assert.equal(await tile('Loss, recent'), '\u2013');
    await page.goto(`${server.url}/#/models/nothing`);
    await page.locator('[role=alert]', {hasText: 'model "nothing" not found'}).waitFor();
  });

  test('the figures of a model are those of the API', async () => {
    await open('#/models/clicks');
    const {model} = await server.call('models/clicks');
    const {metrics} = model.variants[0];
    await until(async () => await tile('Loss, recent') === metrics.decayedLoss.toFixed(4), 'the loss is shown');
    assert.equal(await tile('Offset'), model.offset);
    await page.locator('canvas[aria-label^="Loss of recent examples: model 0."]').waitFor();
    // A chart that draws nothing has only empty pixels.
    const painted = await page.locator('canvas').first().evaluate((canvas) => {
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    });
    assert.ok(painted);
  });

  test('a prediction can be tried by keyboard alone, and says what is wrong with it', async () => {
    await open('#/models/clicks');
    await page.locator('#example').fill('|user ann |ad shoes');
    await page.keyboard.press('Enter');
    const {predictions} = await server.call('models/clicks:predict', {body: {examples: {examples: [example('ann')]}}});
    const shown = await text('.result strong');
    assert.ok(Math.abs(parseFloat(shown) - 100 * predictions[0]) < 0.01, `${shown} is not ${predictions[0]}`);
    await page.locator('#example').fill('|user age:old');
    await button('Predict').click();
    await page.locator('.error[role=alert]', {hasText: '"age:old": what follows the colon is not a number'}).waitFor();
  });

  test('snapshots are taken, restored and deleted, each after a question', async () => {
    await open('#/models/clicks');
    const examples = async () => Number((await server.call('models/clicks')).model.exampleCount);
    const before = await examples();
    await button('Take one').click();
    await page.locator('#new-id').fill('kept');
    await page.keyboard.press('Enter');
    await page.locator('tr', {hasText: 'kept'}).waitFor();
    await server.learn('clicks', 500);

    await button('Restore kept').click();
    await page.keyboard.press('Escape');
    assert.equal(await examples(), before + 500);
    await button('Restore kept').click();
    assert.match(await text('dialog'), /What it learned since is undone/);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel');
    await page.locator('dialog').getByRole('button', {name: 'Restore'}).click();
    await page.locator('[role=status]', {hasText: 'Restored kept.'}).waitFor();
    assert.equal(await examples(), before);

    // Recovery begins from this newer snapshot, so that the first one can be deleted.
    await server.call('models/clicks/snapshots', {body: {snapshotId: 'newer'}});
    await page.locator('tr', {hasText: 'newer'}).waitFor();
    await button('Delete newer').waitFor();
    await button('Delete kept').click();
    await page.locator('dialog').getByRole('button', {name: 'Delete'}).click();
    await until(async () => await page.locator('section[aria-label=Snapshots] [role=alert]').isVisible() ||
                           await page.locator('tr', {hasText: 'kept'}).count() === 0, 'the answer is shown');
  });

  test('the page comes back by itself when the server does', async () => {
    await open('#/models/clicks');
    await page.evaluate(() => { globalThis.neverLoadedAgain = true; });
    await server.kill();
    await page.locator('#status[data-state=lost]', {hasText: 'Reconnecting'}).waitFor();
    await server.restart();
    await page.locator('#status[data-state=live]').waitFor();
    await server.learn('clicks', 100);
    const {model} = await server.call('models/clicks');
    await until(async () => (await tile('Offset')).replace(/\u202f/g, '') === model.offset, 'the figures move again');
    assert.ok(await page.evaluate(() => globalThis.neverLoadedAgain));
  });

  test('the page asks nobody but its server, and breaks no rule of its policy', async () => {
    await open('#/models/clicks');
    await until(async () => await page.locator('canvas').count() >= 5, 'the charts are there');
    await page.goto(`${server.url}/#/`);
    await page.locator('tr', {hasText: 'clicks'}).waitFor();
    assert.deepEqual(strangers, []);
    assert.deepEqual(complaints.filter((text) => !text.includes('status of 501')), []);
    const {headers} = await fetch(server.url);
    assert.match(headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/);
    const tag = headers.get('etag');
    assert.equal((await fetch(server.url, {headers: {'If-None-Match': tag}})).status, 304);
  });

  test('names are text, whatever they are', async () => {
    const hostile = '<img src=x onerror="document.title=1">';
    const feature = {slot: 1, names: [hostile, 'user^ann'], weight: -0.5, evidence: 1};
    await open('#/models/clicks', {}, async () => {
      await page.route('**/weights?*', (route) => route.fulfill({json: {features: [feature], intercept: 0, offset: '1'}}));
      await page.route('**/*:explain', (route) => route.fulfill({json: {
        score: -1, prediction: 0.25, intercept: 0, contributions: [{feature, value: 2, contribution: -1}], offset: '1',
      }}));
    });
    await page.locator('section[aria-label="Top weights"]', {hasText: hostile}).waitFor();
    assert.match(await text('section[aria-label="Top weights"] tbody'), /collide/);
    await page.locator('#example').fill('x');
    await button('Predict').click();
    await page.locator('section[aria-label="Try a prediction"]', {hasText: hostile}).waitFor();
    assert.equal(await page.locator('img[src=x]').count(), 0);
  });

  test('what came before the page was opened is drawn too, whatever time the server has', async () => {
    const now = 1000000000000;
    const samples = [60000, 55000, 50000].map((before, i) => [now - before, 1000 + 500 * i, i, i, 0, 0.5, 0.6, 0.7, null]);
    const fields = ['t', 'examples', 'offset', 'logged', 'snapshot', 'loss', 'baseLoss', 'auc', 'error'];
    await open('#/models/clicks', {}, () => page.route('**/history?model=clicks', (route) => route.fulfill({json: {now, fields, samples}})));
    const drawn = await until(() => page.evaluate(async () => {
      const {samplesOf} = await import('/assets/history.js');
      const all = samplesOf('models/clicks');
      return all.length > 4 && all.map(({t, rate}) => ({ago: Date.now() - t, rate}));
    }), 'there are samples');
    assert.ok(drawn[0].ago > 59000 && drawn[0].ago < 90000, `${drawn[0].ago}`);
    assert.deepEqual(drawn.slice(0, 3).map(({rate}) => rate), [null, 100, 100]);
    // The server samples every five seconds while the model learns, so the model stood still until
    // five seconds before the page saw it: no gap, no slope, and no spike.
    const still = drawn.filter(({rate}) => rate === 0);
    assert.ok(still.length >= 9, JSON.stringify(drawn));
    drawn.slice(1).forEach(({ago, rate}, i) => {
      assert.ok(drawn[i].ago - ago <= 12000, `a gap of ${drawn[i].ago - ago} ms`);
      assert.notEqual(rate, null);
    });
  });

  test('stored and live samples meet without gaps and spikes', async () => {
    await open();
    const rates = await page.evaluate(async () => {
      const {addEarlier, addSample, samplesOf} = await import('/assets/history.js');
      const now = Date.now();
      const live = (ago, examples) => addSample('models/seam', {t: now - ago, examples, loss: 0.5});
      live(40000, 1000);  // The page was open then, and is again from now on.
      live(39000, 1100);
      live(0, 5000);
      // 100 examples a second. One stored sample is 20 ms before a live one and a little ahead of it.
      const samples = [44000, 39020, 35000, 30000, 25000, 20000, 15000, 10000, 5000, 20].map(
          (ago) => [now - ago, 1000 + (40000 - ago) / 10 + (ago === 39020 ? 50 : 0)]);
      addEarlier('models/seam', {now, fields: ['t', 'examples'], samples});
      live(-1000, 5100);
      return samplesOf('models/seam').map(({rate}) => rate);
    });
    assert.equal(rates[0], null);
    for (const rate of rates.slice(1)) assert.ok(rate > 90 && rate < 115, `${rates}`);
  });

  test('what a server does not keep is not shown', async () => {
    await open('#/models/clicks', {}, async () => {
      await page.route('**/weights?*', (route) => route.fulfill({status: 501, json: {code: 12, status: 'UNIMPLEMENTED', message: ''}}));
      await page.route('**/metrics', (route) => route.fulfill({status: 403, body: 'no'}));
    });
    await until(async () => await page.locator('section[aria-label="Predict latency, all models"]').isHidden(), 'the chart is gone');
    assert.ok(await page.locator('section[aria-label="Top weights"]').isHidden());
    assert.equal(await page.locator('#status').getAttribute('data-state'), 'live');
  });

  test('the page asks for a token where the server wants one, and keeps it for the tab alone', async () => {
    context = await newContext(browser);
    page = await context.newPage();
    await page.route('**/v1/**', (route) => route.request().headers().authorization === 'Bearer right'
        ? route.continue()
        : route.fulfill({status: 401, json: {code: 16, status: 'UNAUTHENTICATED', message: 'the call has no token'}}));
    await page.goto(server.url);
    const input = page.locator('dialog[open] #token');
    await input.fill('wrong');
    await button('Use it').click();
    await until(async () => await input.inputValue() === '', 'it asks again');
    await input.fill('right');
    await button('Use it').click();
    await page.locator('tr', {hasText: 'clicks'}).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem('freshet.token')), 'right');
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    await button('Forget token').click();
    await page.locator('dialog[open] #token').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem('freshet.token')), null);
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const [name, viewport] of [['desktop', {width: 1280, height: 900}], ['phone', {width: 360, height: 740}]]) {
      test(`the page fits a ${name}, ${colorScheme}`, async () => {
        for (const [view, hash, ready] of [['models', '#/', 'tbody tr'], ['model', '#/models/clicks', 'canvas']]) {
          await open(hash, {viewport, colorScheme});
          await page.locator(ready).first().waitFor();
          const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
          assert.ok(wide[0] <= wide[1], `${view} is ${wide[0]} wide on a screen of ${wide[1]}`);
          await keepPicture(`${view}-${name}-${colorScheme}`);
          await context.close();
        }
      });
    }
  }

  test('everything that can be used has a name, and can be reached by keyboard', async () => {
    await open('#/models/clicks');
    await page.locator('canvas').first().waitFor();
    const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a, input, textarea, canvas')].filter(
        (element) => element.offsetParent !== null && !element.textContent.trim() && !element.getAttribute('aria-label') &&
            !document.querySelector(`label[for="${element.id}"]`)).map((element) => element.outerHTML));
    assert.deepEqual(nameless, []);
    assert.equal(await page.locator('h1').count(), 1);
    const reached = new Set();
    for (let i = 0; i < 20; ++i) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim()));
    }
    for (const target of ['Skip to the figures', '2 min', 'example', 'Predict', 'Take one']) {
      assert.ok(reached.has(target), `${target} is not among ${[...reached]}`);
    }
  });

  test('figures are written as people read them', async () => {
    await open();
    const written = await page.evaluate(async () => {
      const {ago, bytes, count, fixed, milliseconds, percent, short, weight} = await import('/assets/format.js');
      return [count(1234567), count(undefined), short(999), short(1234), short(999999), short(0.5), short(-45600), bytes(1536), bytes(5),
              fixed(-0.12345), percent(0.1234), milliseconds(0.5), milliseconds(12345), weight(0), weight(-0.000012), weight(12.345),
              ago(0, 5000), ago(0, 300000)].map((text) => text.replaceAll('\u202f', ' '));
    });
    assert.deepEqual(written, [
      '1 234 567', '\u2013', '999', '1.23 k', '1.00 M', '0.50', '\u221245.6 k', '1.5 KiB', '5 B', '\u22120.1235', '12.3 %', '0.50 ms', '12.35 s',
      '0', '\u22121.20e\u22125', '+12.35', 'just now', '5 min ago',
    ]);
  });

  test('an example is read as Vowpal Wabbit reads it', async () => {
    await open();
    const read = (line) => page.evaluate(async (it) => {
      const {parseExample} = await import('/assets/vw_text.js');
      try {
        return parseExample(it).namespaces;
      } catch (error) {
        return error.message;
      }
    }, line);
    assert.deepEqual(await read('1 2.0 \'tag|user:2 u42 age:0.3 | x'), [
      {name: 'user', features: [{name: 'u42', value: 2}, {name: 'age', value: 0.6}]}, {name: '', features: [{name: 'x', value: 1}]},
    ]);
    assert.deepEqual(await read('a b:-1e3'), [{name: '', features: [{name: 'a', value: 1}, {name: 'b', value: -1000}]}]);
    assert.match(await read('|a b:x'), /"b:x"/);
    assert.match(await read('  '), /at least one/);
  });

  test('latencies are taken out of the metrics', async () => {
    await open();
    const [median, high, none] = await page.evaluate(async () => {
      const {bucketsSince, latencyBuckets, quantile} = await import('/assets/metrics_text.js');
      const page = (...totals) => totals.map((total, i) => `freshet_rpc_duration_seconds_bucket{method="a/B",le="${['0.001', '0.002', '+Inf'][i]}"} ${total}`).join('\n');
      const change = bucketsSince(latencyBuckets(page(110, 120, 120), 'a/B'), latencyBuckets(page(100, 100, 100), 'a/B'));
      return [quantile(change, 0.25), quantile(change, 1), quantile(latencyBuckets(page(1, 1, 1), 'a/C'), 0.5)];
    });
    assert.ok(Math.abs(median - 0.0005) < 1e-9, `${median}`);
    assert.ok(Math.abs(high - 0.002) < 1e-9, `${high}`);
    assert.equal(none, null);
  });
});
