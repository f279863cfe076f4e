// What a press of a button starts: the button waits, and a failure is told beside it.

import { ServiceError } from "dressform/service/request.js";
import { announce, button, byId, element } from "dressform/html.js";

/** @import { Attributes, Child } from "dressform/types.js" */

/**
 * What went wrong, in a sentence for people.
 * @param {unknown} error
 */
export function sentence(error) {
  const text = error instanceof Error ? error.message : String(error);
  const word = error instanceof ServiceError && /^[a-z]+[ ,;:]/.test(text); // else a file's name
  const first = word ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** A place for failures. */
export const failurePlace = () => element("div", { class: "failures", role: "alert" });

/**
 * Show a failure in its place.
 * @param {Element} place
 * @param {unknown} error
 */
export function showFailure(place, error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  place.replaceChildren(element("p", { class: "note" }, sentence(error)));
}

/**
 * Remember where the focus is, for when that is drawn anew or goes: then it is put on what has the
 * same id, or on the section.
 * @param {Element | null} node
 */
function focusKeeper(node) {
  const section = node?.closest("section");
  return () => {
    const now = document.activeElement;
    if (now && now !== document.body && now.getClientRects().length > 0) return;
    const again = node?.id ? document.getElementById(node.id) : null;
    if (again) again.focus();
    else if (section) {
      section.tabIndex = -1;
      section.focus();
    }
  };
}

/**
 * Do something that may fail; whether it succeeded.
 * @param {Element} place for the failure
 * @param {() => Promise<void>} action
 */
export async function attempt(place, action) {
  place.replaceChildren();
  try {
    await action();
    return true;
  } catch (error) {
    showFailure(place, error);
    return false;
  }
}

/**
 * A button that waits for what it starts.
 * @param {Child} text
 * @param {Element} place for the failure
 * @param {() => Promise<void>} action
 * @param {Attributes} [attributes]
 */
export function actionButton(text, place, action, attributes = {}) {
  const node = button(
    text,
    async () => {
      if (node.getAttribute("aria-disabled") === "true") return;
      node.setAttribute("aria-disabled", "true"); // "disabled" would lose the focus
      const keepFocus = focusKeeper(node);
      await attempt(place, action);
      node.removeAttribute("aria-disabled");
      keepFocus();
    },
    attributes,
  );
  return node;
}

/**
 * A form of one line or more: Enter sends it, and it waits for what it starts.
 * @param {Attributes} attributes
 * @param {Child[]} children fields
 * @param {Child} text of the button
 * @param {() => Promise<string | void>} action what was done, if it is to be said
 */
export function form(attributes, children, text, action) {
  const place = failurePlace();
  const done = element("p", { class: "quiet" });
  const submit = element("button", { type: "submit", class: "main" }, text);
  const node = element("form", attributes, children, submit, place);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.getAttribute("aria-disabled") === "true") return;
    submit.setAttribute("aria-disabled", "true");
    done.remove();
    await attempt(place, async () => {
      const said = await action();
      if (!said) return;
      done.textContent = said;
      node.append(done);
      announce(said);
    });
    submit.removeAttribute("aria-disabled");
  });
  return node;
}

/**
 * Ask before something that cannot be undone; the dialog stays open where it fails.
 * @param {string} title
 * @param {Child} text
 * @param {string} verb of the button
 * @param {() => Promise<void>} action
 */
export function confirmed(title, text, verb, action) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("dialog"));
  const place = failurePlace();
  const keepFocus = focusKeeper(document.activeElement);
  const act = async () => {
    await action();
    if (!dialog.contains(place)) return; // another screen has been shown, and asks something else
    dialog.close();
    keepFocus();
  };
  dialog.replaceChildren(
    element("h2", { id: "dialog-title" }, title),
    element("p", {}, text),
    place,
    element(
      "div",
      { class: "bar" },
      button("Cancel", () => dialog.close(), { autofocus: true }),
      actionButton(verb, place, act, { class: "danger" }),
    ),
  );
  dialog.showModal();
}
