// Modal dialogs that ask the user something. Escape and the first button cancel.

import {el} from './dom.js';

const dialog = document.getElementById('dialog');

/** Shows a form; resolves to the result of `read` on submission, and to null if cancelled. */
function ask(title, content, button, read) {
  return new Promise((resolve) => {
    const form = el('form', {method: 'dialog'}, el('h2', {id: 'dialog-title'}, title), ...content,
                    el('div', {class: 'row'}, el('button', {type: 'button', onclick: () => dialog.close()}, 'Cancel'), button));
    let answer = null;
    form.addEventListener('submit', () => { answer = read(); });
    dialog.replaceChildren(form);
    dialog.setAttribute('aria-labelledby', 'dialog-title');
    dialog.addEventListener('close', () => resolve(answer), {once: true});
    dialog.showModal();
  });
}

/** Asks for confirmation; resolves to whether it was given. `action` is the button's label. */
export async function confirmed(title, text, action, danger = false) {
  const button = el('button', {class: danger ? 'danger' : 'primary'}, action);
  return await ask(title, [el('p', {}, text)], button, () => true) === true;
}

/** Asks for a new id, which may be empty; null if cancelled. */
export function askId(title, text, action) {
  const input = el('input', {type: 'text', id: 'new-id', pattern: '[a-z]([a-z0-9\\-]{0,61}[a-z0-9])?', maxlength: 63,
                             autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', placeholder: 'chosen by the server'});
  return ask(title, [el('p', {}, text), el('label', {for: 'new-id'}, 'Id: a\u2013z, 0\u20139 and -, or empty'), input],
             el('button', {class: 'primary'}, action), () => input.value);
}

/** Asks for a token; null if cancelled. */
export function askToken(reason) {
  const input = el('input', {type: 'password', id: 'token', autocomplete: 'off', required: true});
  return ask('This server requires a token', [el('p', {}, `${reason}. The token is kept until this tab is closed.`),
             el('label', {for: 'token'}, 'Token'), input], el('button', {class: 'primary'}, 'Use it'), () => input.value.trim());
}
