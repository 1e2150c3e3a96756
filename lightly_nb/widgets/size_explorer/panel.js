// "How many do I need?": sliders for the number and the strengths, the curve, the class balance, the pictures.
// The kernel draws the curve and the bars; the marker follows the slider at once. how_many_panel.py is the other end.

function render({ model, el }) {
  const client = Math.random().toString(36).slice(2);
  const send = (content) => model.send({ client, ...content });
  const set = (name, value) => send({ type: "set", name, value });
  let scene = null, state = null, wanted = 0, waiting = false, copying = false;

  const range = h("input", { type: "range", min: 1, max: 1, value: 1, "aria-label": "Number of samples" });
  const box = h("input", { type: "number", min: 1, max: 1, value: 1, "aria-label": "Number of samples, typed" });
  const share = h("span", { class: "lnb-share" });
  const finding = h("div", { class: "lnb-finding", "aria-live": "polite" });
  const strengths = h("div", { class: "lnb-strengths", role: "group", "aria-label": "Strengths of the strategies" });
  const measure = h("select", { onchange: () => set("measure", measure.value) }), measureField = field("Curve of the", measure);
  const group = h("select", { onchange: () => set("group_by", group.value) }), groupField = field("Balance of", group);
  const curve = h("div", { class: "lnb-curve" }), bars = h("div", { class: "lnb-bars" });
  const notes = h("div", { class: "lnb-notes" });
  const busy = h("span", { class: "lnb-busy" }), cancel = button("Cancel", () => send({ type: "cancel" }), "Stop computing and keep what is shown");
  const busyBox = h("span", { class: "lnb-marked", hidden: true }, busy, cancel);
  const code = h("textarea", { class: "lnb-code", readonly: true, hidden: true, "aria-label": "Python that makes this selection", rows: 6 });
  const copy = button("Copy as Python", () => { copying = true; send({ type: "code" }); }, "The call of select() that makes this selection");
  const turn = (to) => { const page = pageAt(to, state.page, state.pages); if (page === state.page) gallery.stay(); else set("page", page); };
  const pager = createPager(turn);
  const gallery = createGallery("Newest picks first", { turn, want: (keys) => send({ type: "want", keys }) });
  const foot = createFoot();
  const picture = h("div", { class: "lnb-row" }, curve, h("div", { class: "lnb-side" }, groupField, bars));
  const root = h("div", { class: "lnb-panel lnb-how-many", "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "lnb-bar lnb-size" }, h("b", {}, "How many?"), range, box, share), finding, strengths,
    h("div", { class: "lnb-bar" }, measureField, copy, busyBox), code, picture,
    h("div", { class: "lnb-bar" }, h("b", {}, "Newest picks first"), pager.node), gallery.node, notes, ...foot.nodes);
  el.append(root);
  keepKeys(root);

  // one question at a time, always about the newest position of the slider
  function move(n) {
    if (!scene || !Number.isFinite(n)) return;
    wanted = Math.max(1, Math.min(scene.n_max, Math.round(n)));
    range.value = wanted; if (root.getRootNode().activeElement !== box) box.value = wanted;
    showLine(wanted);
    if (!waiting) { waiting = true; set("n", wanted); }
  }
  range.addEventListener("input", () => move(+range.value));
  box.addEventListener("input", () => { if (box.value) move(+box.value); });
  box.addEventListener("change", () => { box.value = wanted || box.value; });
  function showLine(n) {
    const svg = curve.querySelector("svg"), line = svg?.querySelector(".lnb-line-at");
    if (!line) return;
    const [left, right, most] = ["left", "right", "most"].map((name) => +svg.dataset[name]), x = left + n / most * (right - left);
    line.setAttribute("x1", x); line.setAttribute("x2", x);
    svg.querySelector(".lnb-n-at").textContent = number(n);
  }
  function slider([name]) {
    const ask = (input, other) => () => { if (input.value !== "") { other.value = input.value; send({ type: "strength", name, value: +input.value }); } };
    const one = h("input", { type: "range", step: .05, "aria-label": `Strength of ${name}` });
    const two = h("input", { type: "number", step: .1, "aria-label": `Strength of ${name}, typed` });
    one.addEventListener("input", ask(one, two)); two.addEventListener("change", ask(two, one));
    return h("label", {}, h("span", { class: "lnb-name", title: name }, name), one, two);
  }
  function showStrengths() { // the nodes stay: one of them may have the pointer
    if (strengths.childElementCount !== scene.strengths.length) strengths.replaceChildren(...scene.strengths.map(slider));
    scene.strengths.forEach(([, value, highest], at) => {
      const inputs = strengths.children[at].querySelectorAll("input");
      inputs[0].min = value < 0 ? -highest : 0; inputs[0].max = highest;
      for (const input of inputs) if (root.getRootNode().activeElement !== input || !scene.busy) input.value = value;
    });
  }
  const options = (select, choices, chosen) => select.replaceChildren(...choices.map((one) => h("option", { value: one, selected: one === chosen }, one)));
  function showBusy(text) {
    busyBox.hidden = !text; busy.textContent = text;
    root.toggleAttribute("data-busy", Boolean(text));
  }

  const hear = {
    scene(content) {
      scene = content;
      for (const input of [range, box]) input.max = scene.n_max;
      options(measure, scene.measures, scene.measure); measureField.hidden = !scene.measures.length;
      options(group, scene.groups, scene.group); groupField.hidden = !scene.groups.length;
      const alone = scene.strengths.length === 1;
      showStrengths(); strengths.hidden = alone || !scene.strengths.length;
      curve.innerHTML = scene.svg; curve.hidden = !scene.svg; // made by the kernel from numbers alone
      const stopped = scene.stopped ? [`The order ends at ${number(scene.n_max)}: ${scene.stopped}.`] : [];
      const one = alone ? [`One strategy alone (${scene.strengths[0][0]}): its strength has nothing to weigh against.`] : [];
      notes.replaceChildren(...[...scene.notes, ...stopped, ...one].map((note) => h("div", {}, note)));
      showBusy(scene.busy);
      foot.hide(scene.hide); root.dataset.live = scene.live;
      Object.assign(root.dataset, { most: scene.n_max, measure: scene.measure, group: scene.group, strengths: JSON.stringify(scene.strengths.map((one) => one[1])) });
      root.toggleAttribute("data-curve", Boolean(scene.svg));
    },
    state(content) {
      const keep = state && state.page === content.page && state.n === content.n;
      state = content;
      if (waiting && wanted !== state.n) { set("n", wanted); } else {
        waiting = false; wanted = state.n; range.value = state.n;
        if (root.getRootNode().activeElement !== box) box.value = state.n;
      }
      share.textContent = `of ${number(scene.n_samples)} samples (${(100 * state.share).toPrecision(2)} %)`;
      finding.textContent = state.finding; finding.hidden = !state.finding;
      const at = curve.querySelector(".lnb-at");
      if (at && !waiting) at.innerHTML = state.marker;
      bars.innerHTML = state.bars; // names in it are escaped by the kernel
      gallery.show(state.items, "Nothing is selected.", keep);
      pager.show(state.page, state.pages);
      if (!code.hidden) send({ type: "code" });
      Object.assign(root.dataset, { n: state.n, page: state.page });
      delete root.dataset.painted;
      shown();
    },
    pictures(content, buffers) {
      gallery.fill(content.keys, buffers.map((view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
      shown();
    },
    async code(content) {
      code.value = content.text; code.hidden = false; code.rows = Math.min(14, content.text.split("\n").length);
      if (!copying) return; // it only followed the sliders
      copying = false; code.select();
      try { await navigator.clipboard.writeText(content.text); foot.say("Copied"); } catch { foot.say("Press Ctrl+C to copy"); }
    },
    status(content) { showBusy(content.busy ? content.text : ""); if (!content.busy) foot.say(content.text); },
    error(content) { waiting = false; foot.fail(content.text); },
  };
  async function shown() {
    const name = `${state?.n} ${state?.page}`;
    if (!state || !(await gallery.painted()) || name !== `${state.n} ${state.page}`) return;
    root.dataset.painted = name; root.dataset.ready = "true"; root.classList.add(root.dataset.live);
    gallery.ask(state.ahead);
  }
  const onMessage = (content, buffers) => {
    if (content.client ? content.client !== client : !scene && content.type !== "error") return; // news before the state itself
    try { hear[content.type]?.(content, buffers); } catch (problem) { foot.fail(`The panel could not show a message: ${problem.stack ?? problem}`); }
  };
  model.on("msg:custom", onMessage);
  send({ type: "ready" });
  return () => { model.off("msg:custom", onMessage); gallery.pictures.clear(); root.remove(); };
}

export default { render };
