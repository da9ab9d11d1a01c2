// Requests to the server. Every failure is an ApiError, whether the server refused or did not
// answer.

const kTimeoutMs = 10000;
const kTokenKey = 'freshet.token';

export class ApiError extends Error {
  /** `status` is the HTTP status; 0 if there was no answer. */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const token = {
  get: () => sessionStorage.getItem(kTokenKey) ?? '',
  set: (value) => value ? sessionStorage.setItem(kTokenKey, value) : sessionStorage.removeItem(kTokenKey),
};

async function ask(path, options, timeoutMs) {
  const headers = {...options.headers};
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  try {
    return await fetch(path, {
      ...options, headers, cache: 'no-store', credentials: 'omit', redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    throw new ApiError(0, 'UNAVAILABLE', 'the server does not answer');
  }
}

async function toError(answer) {
  const text = await answer.text().catch(() => '');
  try {
    const {status, message} = JSON.parse(text);
    return new ApiError(answer.status, status, message || status);
  } catch {
    return new ApiError(answer.status, '', text.trim() || `the server answered ${answer.status}`);
  }
}

/** A call of the API; `body` makes it a POST unless `method` says otherwise. */
export async function call(path, {method, body, timeoutMs = kTimeoutMs} = {}) {
  const options = {method: method ?? (body === undefined ? 'GET' : 'POST')};
  if (body !== undefined) {
    options.headers = {'Content-Type': 'application/json'};
    options.body = JSON.stringify(body);
  }
  const answer = await ask(`/v1/${path}`, options, timeoutMs);
  if (!answer.ok) throw await toError(answer);
  try {
    return await answer.json();
  } catch {
    throw new ApiError(0, 'UNAVAILABLE', 'the answer was cut off');
  }
}

/** Fetches a page as text. */
export async function text(path) {
  const answer = await ask(path, {}, kTimeoutMs);
  if (!answer.ok) throw await toError(answer);
  return answer.text();
}
