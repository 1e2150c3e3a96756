// A page of pictures that the keyboard walks through, shared by the results viewer and "how many do I need?".
// It stands in front of the module of either panel (theme.py joins the files); nothing is fetched from anywhere.

const KEPT_PICTURES = 512;

function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}
const button = (label, click, title = label) => h("button", { type: "button", title, onclick: click }, label);
const field = (label, node) => h("label", {}, h("span", {}, label), node);
const number = (n) => n.toLocaleString("en");

/** Addresses of pictures by key, "" for a file without one; the least recently used dropped above a limit. */
function createPictures() {
  const kept = new Map();
  return {
    has: (key) => kept.has(key),
    get(key) { const url = kept.get(key); if (url !== undefined) { kept.delete(key); kept.set(key, url); } return url; },
    put(key, jpeg) {
      if (kept.has(key)) return;
      kept.set(key, jpeg.byteLength ? URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" })) : "");
      if (kept.size > KEPT_PICTURES) { const [old, url] = kept.entries().next().value; URL.revokeObjectURL(url); kept.delete(old); }
    },
    clear() { for (const url of kept.values()) URL.revokeObjectURL(url); kept.clear(); },
  };
}

/**
 * A page of figures. `on` has `want(keys)`: fetch pictures; `turn(to)`: "next", "previous", "first" or "last"
 * page; `look(item)`: this one has the focus; `mark(item)`: Space, Enter or a double click on it.
 */
function createGallery(label, on) {
  const pictures = createPictures();
  const node = h("div", { class: "lnb-gallery", role: "listbox", "aria-label": label, "aria-multiselectable": on.mark ? "true" : "false" });
  let items = [], figures = [], active = 0, focusAt = "";

  function picture(item, note) {
    const box = h("span", { class: `lnb-picture lnb-${item.role.replace(" ", "-")}`, "data-key": item.id });
    fillBox(box, note ? `${note}: ${item.name}` : item.name);
    box.lnbAlt = note ? `${note}: ${item.name}` : item.name;
    return box;
  }
  function fillBox(box, alt) {
    const key = box.dataset.key, url = pictures.get(key);
    if (url === undefined) return;
    box.replaceChildren(url ? h("img", { src: url, alt }) : h("span", { class: "lnb-none", role: "img", "aria-label": `${alt}, no picture` }, "no picture"));
  }
  function figure(item, at) {
    const pair = item.mate ? [h("span", { class: "lnb-arrow", "aria-hidden": "true" }, "→"), picture(item.mate, item.mate.lines[0])] : [];
    const names = [item, ...(item.mate ? [item.mate] : [])].map((one) => h("span", { class: "lnb-name", title: one.name }, h("bdi", {}, one.name)));
    return h("div", { class: "lnb-figure", role: "option", tabindex: -1, "aria-selected": "false", "data-id": item.id,
        onclick: () => focus(at), ondblclick: () => on.mark?.(item), onfocus: () => { walk(at); on.look?.(item); } },
      h("span", { class: "lnb-pictures" }, picture(item, ""), ...pair),
      h("span", { class: "lnb-line", title: item.lines[0] ?? "" }, item.lines[0] ?? ""), ...names, ...item.lines.slice(1).map((line) => h("span", { class: "lnb-line", title: line }, line)));
  }
  function walk(at) { // one stop of the Tab key for all figures
    figures[active]?.setAttribute("tabindex", "-1");
    active = at;
    figures[at]?.setAttribute("tabindex", "0");
  }
  function focus(at) { walk(at); figures[at]?.focus(); }
  function above(step) { // the figure of the line above or below that is nearest in x
    const here = figures[active].getBoundingClientRect(), boxes = figures.map((one) => one.getBoundingClientRect());
    const lines = boxes.map((box) => box.top).filter((top) => (step > 0 ? top > here.bottom - 4 : top < here.top - 4));
    if (!lines.length) return step > 0 ? turn("next", "first") : turn("previous", "last");
    const line = step > 0 ? Math.min(...lines) : Math.max(...lines);
    const far = boxes.map((box) => (Math.abs(box.top - line) < 4 ? Math.abs(box.left - here.left) : Infinity));
    focus(far.indexOf(Math.min(...far)));
  }
  function side(step) {
    const at = active + step;
    if (at < 0) turn("previous", "last"); else if (at >= items.length) turn("next", "first"); else focus(at);
  }
  function turn(to, then) { focusAt = then; on.turn(to); }
  const KEYS = {
    ArrowRight: () => side(1), ArrowLeft: () => side(-1), ArrowDown: () => above(1), ArrowUp: () => above(-1),
    PageDown: () => turn("next", "first"), PageUp: () => turn("previous", "first"), Home: () => turn("first", "first"), End: () => turn("last", "last"),
    " ": () => on.mark?.(items[active]), Enter: () => on.mark?.(items[active]),
  };
  node.addEventListener("keydown", (event) => {
    const does = KEYS[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey || !items.length) return;
    event.preventDefault(); does();
  });

  const keysOf = (list) => list.flatMap((item) => [item.id, ...(item.mate ? [item.mate.id] : [])]);
  const gallery = {
    node, pictures,
    /** Show these; without `keep` the Tab key goes to the first. */
    show(next, empty, keep = false) {
      const hadFocus = node.contains(node.getRootNode().activeElement), before = items[active]?.id;
      items = next;
      figures = items.map(figure);
      node.classList.toggle("lnb-pairs", items.some((item) => item.mate));
      const breaks = (at) => (at && items[at].role === "kept" ? [h("span", { class: "lnb-break" }), figures[at]] : [figures[at]]);
      node.replaceChildren(...(items.length ? figures.flatMap((_, at) => breaks(at)) : [h("p", { class: "lnb-empty" }, empty)]));
      const same = items.findIndex((item) => item.id === before);
      active = 0; walk(focusAt === "last" ? items.length - 1 : !focusAt && keep && same >= 0 ? same : 0);
      if (items.length && (focusAt || (hadFocus && keep))) focus(active);
      focusAt = "";
      gallery.ask(items);
    },
    ask(list) {
      const missing = [...new Set(keysOf(list))].filter((key) => !pictures.has(key));
      if (missing.length) on.want(missing);
    },
    stay() { focusAt = ""; },
    fill(keys, buffers) {
      keys.forEach((key, at) => pictures.put(key, buffers[at]));
      for (const box of node.querySelectorAll(".lnb-picture:empty")) fillBox(box, box.lnbAlt);
    },
    /** Wait until every picture of the page is painted; false if there is one still to come. */
    async painted() {
      if (node.querySelector(".lnb-picture:empty")) return false;
      await Promise.all([...node.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
      return true;
    },
    marked(ids) { figures.forEach((one) => one.setAttribute("aria-selected", String(ids.has(one.dataset.id)))); },
    current(id) { figures.forEach((one) => one.toggleAttribute("data-current", one.dataset.id === id)); },
    focus: () => focus(active),
  };
  return gallery;
}

/** Previous, "Page 2 of 5", next. */
function createPager(turn) {
  const previous = button("‹ Previous", () => turn("previous"), "Previous page (PageUp)"), next = button("Next ›", () => turn("next"), "Next page (PageDown)");
  const where = h("span", { class: "lnb-where" });
  return {
    node: h("span", { class: "lnb-pager", role: "group", "aria-label": "Pages" }, previous, where, next),
    show(page, pages) { where.textContent = `Page ${number(page)} of ${number(pages)}`; previous.disabled = page <= 1; next.disabled = page >= pages; },
  };
}

/** The page that "next", "previous", "first" or "last" means. */
const pageAt = (to, page, pages) => Math.min(pages, Math.max(1, { next: page + 1, previous: page - 1, first: 1, last: pages }[to]));

/** What all panels have at their foot: a live region, errors, and the rule that hides the static picture. */
function createFoot() {
  const status = h("div", { class: "lnb-status", role: "status", "aria-live": "polite" }), text = h("pre"), hiding = h("style");
  const error = h("div", { class: "lnb-error", role: "alert", hidden: true }, text, button("Dismiss", () => { error.hidden = true; }));
  return {
    nodes: [status, error, hiding],
    say(words) { status.textContent = words; },
    fail(words) { text.textContent = words; error.hidden = false; },
    hide(rule) { hiding.textContent = rule; },
  };
}

/** Keep the notebook's own shortcuts out of `root`, and give what undoes it. */
function keepKeys(root) {
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const classic = window.Jupyter?.keyboard_manager;
  if (classic) { root.addEventListener("focusin", () => classic.disable()); root.addEventListener("focusout", () => classic.enable()); }
}
