// Questions to the one before the screen. Escape and the first button say no.

import {el} from './dom.js';

const dialog = document.getElementById('dialog');

/** Shows a form; resolves to what `read` gives when it is sent, and to null otherwise. */
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

/** Whether to do it: `action` is what the button says. */
export async function confirmed(title, text, action, danger = false) {
  const button = el('button', {class: danger ? 'danger' : 'primary'}, action);
  return await ask(title, [el('p', {}, text)], button, () => true) === true;
}

/** An id for something new; null where it is not to be. */
export function askId(title, text, action) {
  const input = el('input', {type: 'text', id: 'new-id', pattern: '[a-z]([a-z0-9\\-]{0,61}[a-z0-9])?', maxlength: 63,
                             autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', placeholder: 'chosen by the server'});
  return ask(title, [el('p', {}, text), el('label', {for: 'new-id'}, 'Id: a\u2013z, 0\u20139 and -, or empty'), input],
             el('button', {class: 'primary'}, action), () => input.value);
}

/** A token; null where there is none to give. */
export function askToken(reason) {
  const input = el('input', {type: 'password', id: 'token', autocomplete: 'off', required: true});
  return ask('This server wants a token', [el('p', {}, `${reason}. It is kept until this tab is closed.`),
             el('label', {for: 'token'}, 'Token'), input], el('button', {class: 'primary'}, 'Use it'), () => input.value.trim());
}
