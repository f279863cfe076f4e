// Signing in: with the link that the service printed, or with a key.

import { form, sentence } from "dressform/service/action.js";
import { signIn } from "dressform/service/api.js";
import { element } from "dressform/html.js";

/** @import { Screen, Session } from "dressform/service/types.js" */

const LINK = "#signin=";

/** The secret of a printed link, which is taken out of the address and the history at once. */
function linkSecret() {
  if (!location.hash.startsWith(LINK)) return "";
  const secret = location.hash.slice(LINK.length);
  history.replaceState(null, "", "#/");
  return secret;
}

/**
 * Sign in with the printed link if the address is one; null: it is none.
 * @returns {Promise<Session | null>}
 */
export async function followLink() {
  const secret = linkSecret();
  return secret ? signIn(secret) : null;
}

/**
 * @param {() => Promise<void>} done
 * @param {unknown} failure of the link, or null
 * @returns {Screen}
 */
export function signInScreen(done, failure) {
  const field = element("input", {
    id: "key",
    type: "password",
    required: true,
    autocomplete: "current-password",
    spellcheck: "false",
    placeholder: "df_…",
  });
  const fields = [element("label", { for: "key" }, "API key"), field];
  const enter = form({ class: "stacked" }, fields, "Sign in", async () => {
    await signIn(field.value.trim());
    await done();
  });
  const node = element(
    "section",
    { class: "narrow" },
    failure ? element("p", { class: "note", role: "alert" }, sentence(failure)) : null,
    element(
      "p",
      {},
      "Open the sign-in link that ",
      element("code", {}, "dressform serve"),
      " printed when it started, or paste an API key.",
    ),
    enter,
    element("p", { class: "quiet" }, "The key is checked once and is not kept in this browser."),
  );
  return { title: "Sign in", node, shown: () => field.focus() };
}
