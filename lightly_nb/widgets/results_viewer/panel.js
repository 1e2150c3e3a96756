// The results viewer: what was selected, removed, a duplicate or left out, page by page. results_panel.py is the other end.

const TITLES = { selected: "Selected", removed: "Removed", duplicates: "Duplicates", quarantine: "Quarantine" };
const EMPTY = {
  selected: "Nothing is selected.", removed: "Nothing was removed: every sample is selected.",
  duplicates: "There are no exact duplicates.", quarantine: "No file was left out.",
};

function render({ model, el }) {
  const client = Math.random().toString(36).slice(2);
  const send = (content) => model.send({ client, ...content });
  const set = (name, value) => send({ type: "set", name, value });
  let now = null;

  const views = Object.fromEntries(Object.entries(TITLES).map(([name, title]) =>
    [name, h("button", { type: "button", "aria-pressed": "false", onclick: () => set("view", name) }, `${title} `, h("small"))]));
  let typing = 0;
  const search = h("input", { type: "search", placeholder: "file name contains", "aria-label": "File name contains",
    oninput: () => { clearTimeout(typing); typing = setTimeout(() => set("filter", search.value), 200); } });
  const order = h("select", { "aria-label": "Order of the removed", onchange: () => set("order", order.value) }), hint = h("p", { class: "lnb-hint" }, "Click an image, or walk with the arrow keys, to see why it is here.");
  const size = h("select", { onchange: () => set("page_size", +size.value) });
  const turn = (to) => { const page = pageAt(to, now.page, now.pages); if (page === now.page) gallery.stay(); else set("page", page); };
  const pager = createPager(turn);
  const gallery = createGallery("Images", {
    turn, want: (keys) => send({ type: "want", keys }),
    look: (item) => { gallery.current(item.id); send({ type: "look", name: item.name }); },
    mark: (item) => { if (item.row < 0) foot.say(`${item.name} is not among the samples, so it cannot be marked`); else send({ type: "mark", row: item.row }); },
  });
  const title = h("b"), lines = h("dl"), mark = button("Mark", () => send({ type: "mark", row: +mark.dataset.row }), "Mark or unmark this sample (Space)");
  const large = h("span", { class: "lnb-large" });
  const card = h("aside", { class: "lnb-card", "aria-label": "The image in focus" }, hint, large, title, mark, lines);
  const marked = h("b"), clear = button("Clear", () => send({ type: "clear" }), "Unmark all");
  const markedBox = h("span", { class: "lnb-marked", hidden: true }, marked, clear);
  const busy = h("span", { class: "lnb-busy" });
  const foot = createFoot();
  const root = h("div", { class: "lnb-panel lnb-results", "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "lnb-bar", role: "toolbar", "aria-label": "Results" },
      h("span", { class: "lnb-group", role: "group", "aria-label": "View" }, ...Object.values(views)), search, order),
    h("div", { class: "lnb-row" }, gallery.node, card),
    h("div", { class: "lnb-bar" }, pager.node, markedBox, busy, h("span", { class: "lnb-end" }, field("Per page", size))), ...foot.nodes);
  el.append(root);
  keepKeys(root);

  const options = (select, choices, chosen, label = String) => select.replaceChildren(...choices.map((one) => h("option", { value: one, selected: one === chosen }, label(one))));
  const hear = {
    menu(content) { options(size, content.sizes, content.size); options(order, content.orders, content.order); foot.hide(content.hide); root.dataset.live = content.live; },
    page(content) {
      const keep = now && now.name === content.name && now.page === content.page;
      now = content;
      for (const [name, node] of Object.entries(views)) {
        node.setAttribute("aria-pressed", String(name === now.name));
        node.lastChild.textContent = number(now.counts[name]);
      }
      if (root.getRootNode().activeElement !== search) search.value = now.filter;
      order.value = now.order; size.value = now.size; order.hidden = now.name !== "removed";
      gallery.node.setAttribute("aria-label", `${TITLES[now.name]} images`);
      gallery.show(now.items, now.filter || now.restricted ? "No file matches." : EMPTY[now.name], keep);
      pager.show(now.page, now.pages);
      busy.textContent = now.busy;
      hear.marked(now);
      foot.say(now.items.length ? `${TITLES[now.name]}: ${number(now.first)} to ${number(now.first + now.items.length - 1)} of ${number(now.total)}` : "");
      Object.assign(root.dataset, { view: now.name, page: now.page, total: now.total, order: now.order, near: now.near });
      delete root.dataset.painted;
      shown();
    },
    pictures(content, buffers) {
      gallery.fill(content.keys, buffers.map((view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
      if (card.dataset.id) enlarge(card.dataset.id);
      shown();
    },
    marked(content) {
      markedBox.hidden = !content.n_marked; marked.textContent = `${number(content.n_marked)} marked`;
      gallery.marked(new Set(content.marked));
      root.dataset.marked = content.n_marked;
      card.toggleAttribute("data-marked", content.marked.includes(card.dataset.id));
      mark.textContent = content.marked.includes(card.dataset.id) ? "Unmark" : "Mark";
    },
    card(content) {
      hint.hidden = Boolean(content.name);
      title.textContent = title.title = content.name;
      card.dataset.id = content.id; mark.hidden = !content.name || content.row < 0; mark.dataset.row = content.row;
      mark.textContent = content.is_marked ? "Unmark" : "Mark";
      lines.replaceChildren(...content.lines.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)]));
      enlarge(content.id);
      gallery.current(content.id);
      root.dataset.card = content.name;
    },
    status: (content) => foot.say(content.text),
    error: (content) => foot.fail(content.text),
  };
  function enlarge(key) { const url = gallery.pictures.get(key); large.replaceChildren(...(url ? [h("img", { src: url, alt: "" })] : [])); }
  async function shown() {
    const name = `${now?.name} ${now?.page}`;
    if (!now || !(await gallery.painted()) || name !== `${now.name} ${now.page}`) return;
    root.dataset.painted = name; root.dataset.ready = "true"; root.classList.add(root.dataset.live);
    gallery.ask(now.ahead);
  }
  const onMessage = (content, buffers) => {
    if (content.client ? content.client !== client : !now && content.type !== "error") return; // news before the state itself
    try { hear[content.type]?.(content, buffers); } catch (problem) { foot.fail(`The panel could not show a message: ${problem.stack ?? problem}`); }
  };
  model.on("msg:custom", onMessage);
  send({ type: "ready" });
  return () => { model.off("msg:custom", onMessage); gallery.pictures.clear(); root.remove(); };
}

export default { render };
