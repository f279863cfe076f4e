// API keys: made, shown once, revoked; and the lines of programs that use them.

import { confirmed, failurePlace, form, showFailure } from "dressform/service/action.js";
import { createKey, getKeys, getProjects, revokeKey } from "dressform/service/api.js";
import { snippets } from "dressform/service/snippets.js";
import { ago } from "dressform/service/texts.js";
import { announce, button, element, section } from "dressform/html.js";
import { plainTable, head } from "dressform/table.js";

/** @import { ApiKey, Context, Project, Screen } from "dressform/service/types.js" */

const SCOPES = {
  predict: "predict: classify images",
  train: "train: also projects, images and trainings",
  admin: "admin: also keys",
};
const PLACEHOLDER = "YOUR_KEY";

/**
 * Text that can be copied.
 * @param {string} text
 * @param {string} label
 */
function copyable(text, label) {
  const copied = element("span", { class: "quiet", role: "status" });
  const code = element("pre", { tabindex: "0", "aria-label": label }, text);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      copied.textContent = "Copied.";
    } catch {
      getSelection()?.selectAllChildren(code);
      copied.textContent = "Selected; press Ctrl+C to copy.";
    }
  };
  const bar = element(
    "div",
    { class: "bar" },
    button("Copy", copy, { class: "small", "aria-label": `Copy ${label}` }),
    copied,
  );
  return element("div", { class: "copyable" }, code, bar);
}

/**
 * @param {ApiKey} key
 * @param {() => Promise<void>} changed
 */
function row(key, changed) {
  const revoke = () =>
    confirmed(
      `Revoke ${key.name}?`,
      "Programs that use it are refused from then on. This cannot be undone.",
      "Revoke key",
      async () => {
        await revokeKey(key.id);
        await changed();
      },
    );
  const cell = (/** @type {import("dressform/types.js").Child} */ child) =>
    element("td", {}, child);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, key.name),
    cell(element("code", {}, `${key.prefix}…`)),
    cell(key.scope),
    cell(ago(key.created)),
    cell(key.last_used ? ago(key.last_used) : "never"),
    cell(
      key.revoked
        ? `revoked ${ago(key.revoked)}`
        : button("Revoke", revoke, { class: "small", "aria-label": `Revoke ${key.name}` }),
    ),
  );
}

/**
 * @param {Project[]} projects
 * @param {string} url
 */
function snippetPart(projects, url) {
  let secret = PLACEHOLDER;
  const place = element("div");
  const draw = () => {
    const project = projects.find(({ id }) => id === choice.value);
    const parts = project ? snippets(url, project, secret) : [];
    place.replaceChildren(
      ...parts.map(({ title, about, text }) =>
        element(
          "div",
          {},
          element("h3", {}, title),
          element("p", {}, about),
          copyable(text, title),
        ),
      ),
    );
  };
  const choice = element(
    "select",
    { id: "snippet-project", onchange: draw },
    projects.map(({ id, name }) => element("option", { value: id }, name)),
  );
  draw();
  const label = element("label", { for: "snippet-project" }, "Project");
  const node = projects.length
    ? element("div", {}, element("div", { class: "bar" }, label, choice), place)
    : element("p", {}, "Create a project first; the lines need its id.");
  const use = (/** @type {string} */ key) => {
    secret = key;
    draw();
  };
  return { node, use };
}

/**
 * @param {(secret: string) => Promise<void>} made
 */
function newKey(made) {
  const name = element("input", {
    id: "key-name",
    maxlength: "200",
    required: true,
    autocomplete: "off",
  });
  const scope = element(
    "select",
    { id: "key-scope" },
    Object.entries(SCOPES).map(([value, text]) => element("option", { value }, text)),
  );
  const fields = [
    element("label", { for: "key-name" }, "Name"),
    name,
    element("label", { for: "key-scope" }, "Scope"),
    scope,
  ];
  return form({ class: "stacked" }, fields, "Create key", async () => {
    const { secret } = await createKey(name.value, scope.value);
    name.value = "";
    await made(secret);
  });
}

/**
 * @param {Context} context
 * @returns {Promise<Screen>}
 */
export async function keysScreen({ session }) {
  const [list, shown, failure] = [element("div"), element("div"), failurePlace()];
  const projects = await getProjects();
  const code = snippetPart(projects, session.public_url || location.origin);
  const heads = ["Name", "Key", "Scope", "Created", "Last used", ""].map((text) =>
    text ? head(text) : element("td"),
  );
  const draw = async () => {
    const keys = await getKeys();
    list.replaceChildren(
      plainTable({
        caption: "Active and revoked keys",
        heads,
        rows: keys.map((key) => row(key, changed)),
      }),
    );
  };
  const changed = async () => {
    try {
      await draw();
      failure.replaceChildren();
    } catch (error) {
      showFailure(failure, error);
    }
  };
  const made = async (/** @type {string} */ secret) => {
    shown.replaceChildren(
      element(
        "div",
        { class: "note" },
        element("p", {}, "This is the new key. It is shown only now; copy it to where it is used."),
        copyable(secret, "the new key"),
      ),
    );
    code.use(secret);
    announce("The key was created. It is shown only now.");
    await changed();
  };
  await draw();
  const node = element(
    "div",
    {},
    section("keys", "Keys", failure, list),
    section("new-key", "New key", newKey(made), shown),
    section("snippets", "Use it", code.node),
  );
  return { title: "API keys", node };
}
