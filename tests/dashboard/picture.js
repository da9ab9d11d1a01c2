// Makes the README's picture of the dashboard: a model that learns generated clicks.
// FRESHET_PICTURE=docs/images/dashboard.png tests/dashboard/run

import {spawn, execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

import {example, launchBrowser, Server} from './server.js';

const rowsPerSecond = 20000;
const seconds = 110;  // So that the charts are nearly filled.

const server = await Server.start();
const {grpc} = JSON.parse(readFileSync(join(server.folder, 'endpoints')));
const environment = {...process.env, FRESHET_SERVER: grpc};
const freshet = join(process.env.FRESHET_BIN, 'freshet');
execFileSync(freshet, ['models', 'create', 'clicks'], {env: environment});
const feed = spawn('bash', ['-c', `"${freshet}" generate clicks --rate ${rowsPerSecond} --drift-rows 800000 |
  "${freshet}" push clicks - --progress none`], {env: environment, stdio: 'ignore', detached: true});
const browser = await launchBrowser();
try {
  const context = await browser.newContext({viewport: {width: 1440, height: 866}, colorScheme: 'light'});
  const page = await context.newPage();
  await page.goto(`${server.url}/#/models/clicks`);
  await page.locator('#status[data-state=live]').waitFor();
  for (let second = 0; second < seconds; second++) {
    if (second % 40 === 30) await server.call('models/clicks/snapshots', {body: {}});
    for (const end = Date.now() + 1000; Date.now() < end;) {
      await server.call('models/clicks:predict', {lines: [example('ann')]});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await page.screenshot({path: process.env.FRESHET_PICTURE});
} finally {
  await browser.close();
  process.kill(-feed.pid);
  await server.end();
}
