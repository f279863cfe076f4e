/**
 * Checks that run in a page. Each returns lines, one a fault; page_checks.py runs them.
 * A plain script: it is added to pages that have their own import map.
 */

const CONTROLS =
  "a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable=true]";
const ROLES = ["button", "checkbox", "gridcell", "link", "menuitem", "option", "slider", "switch"];
const WIDGETS = `${CONTROLS}, ${ROLES.map((role) => `[role=${role}]`).join(", ")}, [tabindex="0"]`;
/** In these one element may be in the tab order for all, and arrow keys move on from it. */
const COMPOSITES = ["grid", "listbox", "menu", "radiogroup", "tablist", "toolbar", "tree"]
  .map((role) => `[role=${role}]`)
  .concat("table")
  .join(", ");
const MIN_FONT_SIZE = 9;
/** Controls of one kind that are tried: a gallery has hundreds. */
const OF_A_KIND = 3;

/** @param {Element} element */
function described(element) {
  const id = element.id && `#${element.id}`;
  const classes = [...element.classList].map((name) => `.${name}`).join("");
  const label = element.getAttribute("aria-label") ?? element.textContent ?? "";
  const text = label.trim().replace(/\s+/g, " ").slice(0, 40);
  const section = element.closest("section[id], dialog[id], header, nav, footer, [role=dialog]");
  const where = section && section !== element ? `${section.id || section.localName}: ` : "";
  return `${where}${element.localName}${id}${classes}${text && ` "${text}"`}`;
}

/** @param {Element} element */
function visible(element) {
  const { width, height } = element.getBoundingClientRect();
  return element.checkVisibility({ visibilityProperty: true }) && width > 0 && height > 0;
}

/**
 * Whether an element lies in a box that ends inside the window and scrolls, or cuts off, what is
 * wider.
 * @param {Element} element
 * @param {number} width
 */
function contained(element, width) {
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
    const inside = box.getBoundingClientRect().right <= width + 1;
    if (inside && getComputedStyle(box).overflowX !== "visible") return true;
  }
  return false;
}

/** What is wider than the window. */
function tooWide() {
  const width = document.documentElement.clientWidth;
  const page = document.scrollingElement?.scrollWidth ?? 0;
  const faults = page > width + 1 ? [`the page is ${page} px wide`] : [];
  const right = (/** @type {Element} */ element) => element.getBoundingClientRect().right;
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    const out = box.width > 1 && box.right > width + 1 && box.left < width;
    const parent = element.parentElement;
    const first = parent === document.body || (parent && right(parent) <= width + 1);
    if (out && first && visible(element) && !contained(element, width))
      faults.push(`${described(element)} ends at ${Math.round(box.right)} px`);
  }
  return faults;
}

/**
 * How much larger than its own units an element of an SVG is drawn, 1 for others.
 * @param {Element} element
 */
function drawnScale(element) {
  const matrix = element instanceof SVGGraphicsElement ? element.getScreenCTM() : null;
  return matrix ? Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c)) : 1;
}

/** Texts that are drawn smaller than anybody can read. */
function tooSmall() {
  /** @type {Map<string, number>} */
  const sizes = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element || !node.textContent?.trim() || !visible(element)) continue;
    if (element.closest(".visually-hidden, script, style, noscript")) continue;
    const size = parseFloat(getComputedStyle(element).fontSize) * drawnScale(element);
    if (size < MIN_FONT_SIZE - 0.05) {
      const box = element.closest("figure, table, svg") ?? element;
      sizes.set(described(box), Math.min(size, sizes.get(described(box)) ?? size));
    }
  }
  return [...sizes].map(([name, size]) => `${name} has text of ${size.toFixed(1)} px`);
}

/**
 * What a ring, or anything in its place, looks like around an element.
 * @param {Element} element
 */
function look(element) {
  const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])] : [];
  const around = [element, element.parentElement, element.nextElementSibling, ...labels];
  return around
    .filter((each) => each instanceof Element)
    .map((each) => {
      const s = getComputedStyle(each);
      const ring = s.outlineStyle === "none" ? "" : `${s.outlineWidth} ${s.outlineColor}`;
      return [ring, s.boxShadow, s.borderColor, s.backgroundColor, s.stroke, s.textDecoration];
    })
    .join("|");
}

/** @param {Element} element */
function inTabOrder(element) {
  if (element instanceof HTMLElement || element instanceof SVGElement) {
    if (element.tabIndex >= 0) return true;
    const composite = element.closest(COMPOSITES);
    return Boolean(
      composite?.matches("[tabindex='0']") || composite?.querySelector("[tabindex='0']"),
    );
  }
  return false;
}

/**
 * What is wrong with a control for somebody at the keyboard.
 * @param {Element} element
 */
function focusFault(element) {
  if (!inTabOrder(element)) return "is not in the tab order";
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  const before = look(element);
  /** @type {HTMLElement} */ (element).focus({ preventScroll: true });
  if (document.activeElement !== element) return "takes no focus";
  return look(element) === before ? "looks the same with the focus" : "";
}

/** @param {Element} element */
function onlyClickable(element) {
  const pointer = getComputedStyle(element).cursor === "pointer";
  const parent = element.parentElement;
  const inherited = parent && getComputedStyle(parent).cursor === "pointer";
  const focusable = element.closest(`${WIDGETS}, label, [tabindex]`);
  return pointer && !inherited && !focusable && visible(element);
}

/**
 * What a keyboard does not reach, or reaches without a sign. A key has to have been pressed before:
 * browsers draw no ring after a click.
 */
function unreachable() {
  const root = document.querySelector("dialog[open]") ?? document.body;
  const faults = [];
  /** @type {Map<string, number>} */
  const checked = new Map();
  for (const element of root.querySelectorAll(WIDGETS)) {
    const kind = `${element.localName} ${element.className} ${element.parentElement?.className}`;
    const off = element.matches(":disabled, [aria-disabled=true]") || element.closest("[inert]");
    const count = checked.get(kind) ?? 0;
    if (off || count >= OF_A_KIND || !visible(element)) continue;
    checked.set(kind, count + 1);
    const fault = focusFault(element);
    if (fault) faults.push(`${described(element)} ${fault}`);
  }
  for (const element of root.querySelectorAll("*"))
    if (onlyClickable(element))
      faults.push(`${described(element)} can be clicked, but not focused`);
  return faults;
}

/**
 * Serious and critical faults that axe-core finds in the open dialog, or in the page.
 * @param {string[]} [rules] Their names; the default is all.
 */
async function axeFaults(rules) {
  const root = document.querySelector("dialog[open]") ?? document;
  // @ts-expect-error axe-core is a script of its own
  const { violations } = await globalThis.axe.run(root, {
    resultTypes: ["violations"],
    preload: false,
    ...(rules && { runOnly: { type: "rule", values: rules } }),
  });
  const severe = violations.filter((/** @type {{ impact: string }} */ each) =>
    ["serious", "critical"].includes(each.impact),
  );
  return severe.flatMap((/** @type {any} */ { id, impact, nodes }) => {
    const shown = nodes.slice(0, 3).map((/** @type {any} */ node) => {
      const check = [...node.any, ...node.all, ...node.none][0];
      return `${impact} ${id}: ${node.target.join(" ")}: ${check?.message ?? ""}`;
    });
    return nodes.length > 3 ? [...shown, `${id}: ${nodes.length - 3} more elements`] : shown;
  });
}

Object.assign(globalThis, { pageChecks: { axeFaults, tooSmall, tooWide, unreachable } });
