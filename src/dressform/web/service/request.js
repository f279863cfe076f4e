// Requests to the service, and what went wrong with one in a sentence.

const CSRF_HEADER = "X-CSRF-Token";
const RETRIES = 3;
const RETRY_AFTER = 2; // seconds, where the service does not say
const MAX_WAIT = 60; // seconds; who is to wait for longer is told so

/**
 * @typedef {object} Sending
 * @property {(fraction: number) => void} onprogress how much has been sent, 0..1
 * @property {(error: ServiceError) => void} onwait before it is tried again
 * @property {AbortSignal} signal
 */

/** The token that goes with every request that changes something. */
let csrf = "";

/** @param {string} token */
export const useToken = (token) => {
  csrf = token;
};

/** What the service refused, or that it could not be reached (status 0). */
export class ServiceError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {number} [retryAfter] seconds
   */
  constructor(status, message, retryAfter = RETRY_AFTER) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

export const UNREACHABLE =
  "The service does not answer. Check that it is running and that this device reaches it; then try " +
  "again.";

/**
 * The error of an answer.
 * @param {number} status
 * @param {string} text its body
 * @param {string | null} retryAfter its header
 */
export function refusal(status, text, retryAfter) {
  let message = "";
  try {
    const { error, detail } = JSON.parse(text);
    message = [error, detail].find((value) => typeof value === "string") ?? "";
  } catch {
    // a proxy's own page
  }
  if (!message && status === 413) message = "This is larger than the service accepts.";
  message ||= `The service answered with status ${status}. Its log says why.`;
  return new ServiceError(status, message, Number(retryAfter) || RETRY_AFTER);
}

/** @param {string} method @returns {Record<string, string>} */
function headers(method) {
  return method === "GET" ? {} : { [CSRF_HEADER]: csrf };
}

/**
 * Tell the page that its session is over.
 * @param {ServiceError} error
 */
function told(error) {
  if (error.status === 401) dispatchEvent(new Event("signed-out"));
  return error;
}

/**
 * Send a request and read the JSON of its answer.
 * @param {string} method
 * @param {string} path below /api/v1/
 * @param {object | FormData | null} [body] JSON, or a form
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function call(method, path, body = null, signal = undefined) {
  const form = body instanceof FormData; // the browser tells its type

  let answer;
  let text;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method,
      signal,
      headers: {
        Accept: "application/json",
        ...headers(method),
        ...(body && !form && { "Content-Type": "application/json" }),
      },
      body: form ? body : body && JSON.stringify(body),
      credentials: "same-origin",
    });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServiceError(0, UNREACHABLE);
  }
  if (!answer.ok) throw told(refusal(answer.status, text, answer.headers.get("Retry-After")));
  return text ? JSON.parse(text) : null;
}

/**
 * Send a file once, telling how much of it has been sent.
 * @param {string} path
 * @param {Blob} body
 * @param {(fraction: number) => void} onprogress
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
function sendOnce(path, body, onprogress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/${path}`);
    request.setRequestHeader(CSRF_HEADER, csrf);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => onprogress(loaded / total));
    request.addEventListener("load", () => {
      const { status, responseText } = request;
      if (status < 300) resolve(JSON.parse(responseText));
      else reject(told(refusal(status, responseText, request.getResponseHeader("Retry-After"))));
    });
    request.addEventListener("error", () => reject(new ServiceError(0, UNREACHABLE)));
    request.addEventListener("abort", () => reject(signal.reason));
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.send(body);
  });
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve(null);
    };
    const timer = setTimeout(end, 1000 * seconds);
    signal.addEventListener("abort", end);
  });
}

/**
 * Send a file, again when the service is busy or out of reach.
 * @param {string} path
 * @param {Blob} body
 * @param {Sending} sending
 * @returns {Promise<any>}
 */
export async function send(path, body, { onprogress, onwait, signal }) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await sendOnce(path, body, onprogress, signal);
    } catch (error) {
      const again = error instanceof ServiceError && error.passing && tries <= RETRIES;
      if (!again) throw error;
      const seconds = error.status === 429 ? error.retryAfter : RETRY_AFTER * tries;
      if (seconds > MAX_WAIT) throw error;
      onwait(error);
      await pause(seconds, signal);
    }
  }
}
