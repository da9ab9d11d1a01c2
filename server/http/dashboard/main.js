// The page: shows a view by the URL's fragment, and polls the server, reconnecting by itself.

import {token} from './api.js';
import {CompareView} from './compare.js';
import {askToken} from './dialogs.js';
import {el, setText, show} from './dom.js';
import {ModelView} from './model_view.js';
import {Overview} from './overview.js';

const kRetryMs = 1000;

const main = document.getElementById('main');
const crumbs = document.getElementById('crumbs');
const status = document.getElementById('status');
const signOut = document.getElementById('sign-out');

let view = null;
let timer = 0;
let asking = false;  // Whether the dialog for a token is open.

function setStatus(state, text) {
  status.dataset.state = state;
  setText(status, text);
  main.classList.toggle('stale', state === 'lost');
}

/** What the URL's fragment names: a title of the view, or none, and the view. */
function namedView() {
  const model = /^#\/models\/([a-z0-9-]+)$/.exec(location.hash);
  if (model) return [model[1], new ModelView(model[1], pollNow)];
  const compared = /^#\/compare\/([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(location.hash);
  if (compared) return [`${compared[1]} and ${compared[2]}`, new CompareView(compared.slice(1))];
  return ['', new Overview()];
}

function openView() {
  view?.forget();
  const [title, opened] = namedView();
  view = opened;
  main.replaceChildren(view.element);
  crumbs.replaceChildren(...(title ? [el('span', {'aria-current': 'page'}, title)] : []));
  document.title = title ? `${title} \u00b7 freshet` : 'freshet';
  scrollTo(0, 0);
  pollNow();
}

function pollNow() {
  clearTimeout(timer);
  timer = setTimeout(poll, 0);
}

/** Refreshes the view, shows the state of the connection, and schedules the next poll. */
async function poll() {
  const asked = view;
  let pause = view.intervalMs;
  try {
    await asked.refresh();
    if (asked === view) setStatus('live', 'Live');
  } catch (error) {
    if (asked === view) pause = await explain(error);
  }
  show(signOut, token.get() !== '');
  if (asked === view) {
    clearTimeout(timer);
    timer = setTimeout(poll, pause);
  }
}

/** Shows what is wrong; returns how many milliseconds to wait before the next try. */
async function explain(error) {
  if (error.status === 401 && !asking) {
    setStatus('waiting', 'Waiting for a token');
    asking = true;
    const given = await askToken(error.message);
    asking = false;
    if (given !== null) {
      token.set(given);
      return 0;
    }
    return 60000;
  }
  if (error.status === undefined) throw error;  // A bug in this page.
  if (error.status === 404 || error.status === 403) {
    setStatus('live', 'Live');
    view.refuse(error.message);
    return 5000;
  }
  setStatus('lost', error.status === 0 ? 'Reconnecting' : `Reconnecting: ${error.message}`);
  status.title = error.message;
  return kRetryMs;
}

signOut.addEventListener('click', () => {
  token.set('');
  location.reload();
});
addEventListener('hashchange', openView);
addEventListener('online', pollNow);
document.addEventListener('visibilitychange', () => document.hidden || pollNow());
openView();
