// A real freshetd on free loopback ports, and a browser that opens its page.

import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {basename, extname, join} from 'node:path';

const {chromium} = createRequire(join(process.env.FRESHET_WORK, 'package.json'))('playwright-core');

/** Waits until `done` returns a truthy value, and returns that. Throws after 30 seconds. */
export async function until(done, what) {
  for (const end = Date.now() + 30000; Date.now() < end;) {
    const value = await done();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited 30 seconds in vain until ${what}`);
}

export class Server {
  static async start(flags = []) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), 'freshet-dashboard-'));
    await server.run('127.0.0.1:0', flags);
    return server;
  }

  async run(http, flags) {
    const endpoints = join(this.folder, 'endpoints');
    rmSync(endpoints, {force: true});
    this.flags = flags;
    this.log = '';
    this.process = spawn(join(process.env.FRESHET_BIN, 'freshetd'), [
      '--listen', '127.0.0.1:0', '--http', http, '--data-dir', join(this.folder, 'data'), '--endpoints-file', endpoints, ...flags,
    ], {stdio: ['ignore', 'ignore', 'pipe']});
    this.process.stderr.on('data', (data) => { this.log += data; });
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    await until(() => existsSync(endpoints) || this.process.exitCode !== null, 'the server serves');
    if (this.process.exitCode !== null) throw new Error(this.log);
    this.http = JSON.parse(readFileSync(endpoints)).http;
    this.url = `http://${this.http}`;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** Starts the server again, on the same HTTP address and data. */
  restart() {
    return this.run(this.http, this.flags);
  }

  async end() {
    await this.kill();
    rmSync(this.folder, {recursive: true});
  }

  /** Calls the JSON API; `lines` are examples, sent one per line. */
  async call(path, {method, body, lines} = {}) {
    const content = lines !== undefined ? lines.map((line) => JSON.stringify(line)).join('\n') : JSON.stringify(body);
    const answer = await fetch(`${this.url}/v1/${path}`, {
      method: method ?? (content === undefined ? 'GET' : 'POST'), body: content,
      headers: content === undefined ? {} : {'Content-Type': lines !== undefined ? 'application/x-ndjson' : 'application/json'},
    });
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.message);
    return json;
  }

  createModel(id, loss = 'LOSS_LOGISTIC') {
    return this.call('models', {body: {modelId: id, model: {variants: [{learner: {loss, bits: 16}}]}}});
  }

  /** Sends examples in which Ann clicks on shoes and Bob does not. */
  learn(id, count) {
    const lines = Array.from({length: count}, (_, i) => example(i % 2 === 0 ? 'ann' : 'bob', i % 2 === 0 ? 1 : 0));
    return this.call(`models/${id}:learn`, {lines});
  }
}

export const example = (user, label = 0) => ({
  label, namespaces: [{name: 'user', features: [{name: user}]}, {name: 'ad', features: [{name: 'shoes'}]}],
});

export const launchBrowser = () => chromium.launch({
  executablePath: process.env.FRESHET_CHROMIUM,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync'],
});

const kTypes = {'.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml'};

/** A context of the browser. If FRESHET_PAGE names a folder, the page's files come from there, under
 *  the policy of the server, so that a change of the page can be tried without a build. */
export async function newContext(browser, options = {}) {
  const context = await browser.newContext(options);
  const folder = process.env.FRESHET_PAGE;
  if (folder) {
    await context.route((url) => url.pathname === '/' || url.pathname.startsWith('/assets/'), async (route) => {
      const url = new URL(route.request().url());
      const file = join(folder, url.pathname === '/' ? 'index.html' : basename(url.pathname));
      if (!existsSync(file)) return route.continue();
      const {headers} = await fetch(url.origin);
      return route.fulfill({path: file, headers: {
        'Content-Type': `${kTypes[extname(file)]}; charset=utf-8`, 'Content-Security-Policy': headers.get('content-security-policy'),
      }});
    });
  }
  return context;
}
