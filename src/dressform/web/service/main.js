// The service's page: who is signed in, what the address names, and the screen that it shows.

import { failurePlace, showFailure } from "dressform/service/action.js";
import { getSession, signOut } from "dressform/service/api.js";
import { keysScreen } from "dressform/service/keys.js";
import { projectScreen } from "dressform/service/project.js";
import { projectsScreen } from "dressform/service/projects.js";
import { serviceScreen } from "dressform/service/service.js";
import { followLink, signInScreen } from "dressform/service/sign_in.js";
import { ServiceError } from "dressform/service/request.js";
import { announce, button, byId, element } from "dressform/html.js";

/** @import { Context, Screen, Session } from "dressform/service/types.js" */

/** @type {Session | null} */
let session = null;
let leaving = new AbortController();

/** @type {Record<string, (context: Context) => Promise<Screen>>} */
const SCREENS = {
  "": projectsScreen,
  project: projectScreen,
  keys: keysScreen,
  service: serviceScreen,
};

/** The parts of the address after "#/". */
function addressParts() {
  try {
    return location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  } catch {
    return [""]; // a stray "%"
  }
}

/** The line at the top: the way home, keys, who is signed in. */
function drawTop() {
  const signedIn = session && [
    session.scope === "admin" && element("a", { href: "#/keys" }, "API keys"),
    session.scope === "admin" && element("a", { href: "#/service" }, "Service"),
    button("Sign out", leave, { class: "plain link" }),
  ];
  byId("top").replaceChildren(
    element(
      "div",
      { class: "bar top" },
      element("a", { href: "#/", class: "home" }, "dressform"),
      element("span", { class: "spring" }),
      signedIn,
    ),
  );
}

async function leave() {
  try {
    await signOut();
  } catch {
    // the session is over already, or will be
  }
  session = null;
  location.hash = "#/";
  await show();
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Screen>}
 */
async function screenOf(signal) {
  let failure = null;
  try {
    session = (await followLink()) ?? session ?? (await getSession());
  } catch (error) {
    if (!(error instanceof ServiceError) || ![400, 401].includes(error.status)) throw error;
    failure = error;
    session = null;
  }
  if (!session) return signInScreen(() => show(), failure);
  const path = addressParts();
  const found = SCREENS[path[0]];
  if (found) return found({ session, path: path.slice(1), signal });
  const text = ["This address names nothing here. ", element("a", { href: "#/" }, "All projects")];
  return { title: "Not found", node: element("p", {}, text) };
}

/**
 * Why there is no screen, and a way to try again.
 * @param {unknown} error
 * @returns {Screen}
 */
function failureScreen(error) {
  const place = failurePlace();
  showFailure(place, error);
  const again = button("Try again", () => show(), { class: "main" });
  const gone = error instanceof ServiceError && error.status === 404;
  const home = element("a", { href: "#/" }, "All projects");
  const node = element(
    "section",
    {},
    place,
    element("div", { class: "bar" }, !gone && again, home),
  );
  return { title: gone ? "Not found" : "Something went wrong", node };
}

/** Show the screen that the address names. */
async function show() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  /** @type {Screen} */
  let screen;
  try {
    screen = await screenOf(signal);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof ServiceError && error.status === 401) return; // "signed-out" has shown it
    screen = failureScreen(error);
  }
  if (signal.aborted) return;
  document.title = `${screen.title} – dressform`;
  drawTop();
  const main = byId("main");
  const heading = element("h1", { tabindex: "-1" }, screen.heading ?? screen.title);
  main.replaceChildren(heading, screen.node);
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  announce(screen.title);
  screen.shown?.();
  document.documentElement.dataset.ready = location.hash || "#/";
}

addEventListener("hashchange", show);
addEventListener("signed-out", () => {
  const was = session;
  session = null;
  if (was) show();
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // "#main" would be a screen
  byId("main").focus();
});
// A file that is dropped beside a drop zone would replace the page.
for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());
show();
