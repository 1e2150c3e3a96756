// The live scatter of lightly_nb. One module, no build step, nothing fetched: points, colour codes, bitmasks and
// thumbnails all come from the kernel as binary messages (scatter_panel.py is the other end).
// Parts: the GPU plot (createPlot), points under the pointer (createGrid), pictures (createPictures), the panel (render).

const PICKED = 1, LASSO = 2, LOCKED = 4, BANNED = 8;
const BITS = { picks: PICKED, selected: LASSO, locked: LOCKED, banned: BANNED };
const KEPT_PICTURES = 512, NEIGHBORS = 16, BATCH = 100, PAGE = 60, REACH = 14;
const SHAPES = "●■◆";
const ICONS = {
  pan: "M8 1v14M1 8h14M8 1 6 3m2-2 2 2M8 15l-2-2m2 2 2-2M1 8l2-2M1 8l2 2m12-2-2-2m2 2-2 2",
  lasso: "M3.5 10.5C1 8.500 1.500 4 6 2.500s8.500 1 8.500 4S11 11 7 11c-2.500 0-3.500.5-3.500 1.500S5 14 4.500 15",
  box: "M2 2h2m2 0h1m2 0h1m2 0h2v2m0 2v1m0 2v1m0 2v2h-2m-2 0H9m-2 0H6m-2 0H2v-2m0-2V9m0-2V6m0-2V2",
  in: "M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2Zm4 8.500L15 14.500M4.500 7h5M7 4.500v5",
  out: "M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2Zm4 8.500L15 14.500M4.500 7h5",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
};

const VERTEX = `#version 300 es
layout(location=0) in vec2 place; layout(location=1) in uint code; layout(location=2) in uint mark;
uniform vec2 center, scale; uniform float size, opacity; uniform bool lassoed; uniform sampler2D palette;
flat out vec4 fill; flat out int shape; flat out uint bits; flat out float pixels;
void main() {
  vec4 entry = texelFetch(palette, ivec2(int(code), 0), 0);
  bool inLasso = (mark & ${LASSO}u) != 0u, picked = (mark & ${PICKED}u) != 0u;
  float alpha = picked || inLasso ? max(opacity, .95) : opacity;
  if (lassoed && !inLasso) alpha *= .25;
  if ((mark & ${BANNED}u) != 0u) alpha *= .6;
  pixels = size * (picked ? 1.5 : 1.) * (inLasso ? 1.15 : 1.) + ((mark & ${LOCKED | BANNED}u) != 0u ? 4. : 0.);
  fill = vec4(entry.rgb, alpha); shape = int(entry.a * 255. + .5); bits = mark;
  gl_Position = vec4((place - center) * scale, inLasso ? -.5 : picked ? 0. : .5, 1);
  gl_PointSize = pixels;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
uniform vec4 ink;
flat in vec4 fill; flat in int shape; flat in highp uint bits; flat in float pixels;
out vec4 color;
void main() {
  vec2 p = abs(gl_PointCoord * 2. - 1.);
  float d = shape == 1 ? max(p.x, p.y) * 1.15 : shape == 2 ? p.x + p.y : length(p), soft = 2. / pixels;
  float alpha = pixels < 3. ? 1. : 1. - smoothstep(1. - soft, 1., d);
  if (alpha < .05) discard;
  bool locked = (bits & ${LOCKED}u) != 0u, banned = (bits & ${BANNED}u) != 0u;
  float edge = smoothstep(1. - 2.2 * soft, 1. - 1.2 * soft, d);
  vec4 look = vec4(mix(fill.rgb, ink.rgb, pixels < 5. ? 0. : edge * .45), fill.a);
  if (banned) look = abs(p.x - p.y) < .3 ? vec4(ink.rgb, fill.a) : vec4(fill.rgb, 0.);
  if (locked && d > 1. - 3. * soft) look = vec4(ink.rgb, 1);
  if (look.a * alpha < .01) discard;
  color = vec4(look.rgb, look.a * alpha);
}`;

/** Points on the GPU. `plot` holds what is shown; every setter asks for one redraw. */
function createPlot(canvas, afterPaint) {
  const plot = { n: 0, center: [0, 0], zoom: 1, width: 1, height: 1, half: [1, 1], lassoed: false };
  let gl, uniforms, buffers, palette, frame = 0, ink = [0, 0, 0];

  function start() {
    gl = canvas.getContext("webgl2", { antialias: false });
    if (!gl) return false;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text); gl.compileShader(shader); gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    uniforms = Object.fromEntries(["center", "scale", "size", "opacity", "lassoed", "ink"]
      .map((name) => [name, gl.getUniformLocation(program, name)]));
    buffers = [0, 1, 2].map((at) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer); gl.enableVertexAttribArray(at);
      if (at) gl.vertexAttribIPointer(at, 1, gl.UNSIGNED_BYTE, 0, 0);
      else gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
      return buffer;
    });
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.enable(gl.BLEND); gl.enable(gl.DEPTH_TEST); gl.depthFunc(gl.LEQUAL);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    return true;
  }
  function upload(at, data) {
    if (!data) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[at]); gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
    redraw();
  }
  function uploadPalette() {
    if (palette) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
    redraw();
  }
  function draw() {
    frame = 0;
    if (!plot.n || !plot.codes || gl.isContextLost()) return;
    const ratio = window.devicePixelRatio || 1, w = Math.round(plot.width * ratio), h = Math.round(plot.height * ratio);
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const unit = plot.unit(), base = Math.min(9, Math.max(2, 190 / Math.sqrt(plot.n))) * Math.min(2.5, plot.zoom ** .35);
    gl.viewport(0, 0, w, h); gl.clearColor(0, 0, 0, 0); gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniform2f(uniforms.center, ...plot.center);
    gl.uniform2f(uniforms.scale, 2 * unit / plot.width, 2 * unit / plot.height);
    gl.uniform1f(uniforms.size, base * ratio);
    gl.uniform1f(uniforms.opacity, Math.min(.9, Math.max(.3, 1.3 - .17 * Math.log10(plot.n))));
    gl.uniform1i(uniforms.lassoed, plot.lassoed); gl.uniform4f(uniforms.ink, ...ink, 1);
    gl.drawArrays(gl.POINTS, 0, plot.n);
    afterPaint();
  }
  const redraw = () => { frame ||= requestAnimationFrame(draw); };
  const restore = () => { start(); upload(0, plot.xy); upload(1, plot.codes); upload(2, plot.marks); uploadPalette(); };
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", restore);

  return Object.assign(plot, {
    ok: start(), redraw,
    stop: () => { cancelAnimationFrame(frame); gl?.getExtension("WEBGL_lose_context")?.loseContext(); },
    unit: () => .94 * plot.zoom * Math.min(plot.width / plot.half[0], plot.height / plot.half[1]) / 2,
    toScreen: (row) => [0, 1].map((axis) => (axis ? -1 : 1) * (plot.xy[2 * row + axis] - plot.center[axis]) * plot.unit()
      + (axis ? plot.height : plot.width) / 2),
    toData: (x, y) => [plot.center[0] + (x - plot.width / 2) / plot.unit(), plot.center[1] - (y - plot.height / 2) / plot.unit()],
    setPoints(xy) {
      plot.xy = xy; plot.n = xy.length / 2; plot.half = [.01, .01];
      for (let i = 0; i < xy.length; i++) { const far = Math.abs(xy[i]); if (far <= 1 && far > plot.half[i & 1]) plot.half[i & 1] = far; }
      plot.marks ||= new Uint8Array(plot.n);
      upload(0, xy); upload(2, plot.marks);
    },
    setCodes(codes) { plot.codes = codes; upload(1, codes); },
    setMarks() { upload(2, plot.marks); },
    setPalette(colors, inkColor) { palette = colors; ink = inkColor.map((part) => part / 255); uploadPalette(); },
    zoomAt(factor, x = plot.width / 2, y = plot.height / 2) {
      const before = plot.toData(x, y);
      plot.zoom = Math.min(400, Math.max(.5, plot.zoom * factor));
      const after = plot.toData(x, y);
      plot.center = plot.center.map((part, axis) => part + before[axis] - after[axis]); redraw();
    },
    panBy(dx, dy) { const unit = plot.unit(); plot.center = [plot.center[0] - dx / unit, plot.center[1] + dy / unit]; redraw(); },
    fit() { plot.center = [0, 0]; plot.zoom = 1; redraw(); },
  });
}

/** Cells over [-1, 1]², so that the points near the pointer are found without a look at all of them. */
function createGrid(xy) {
  const n = xy.length / 2, side = Math.max(1, Math.min(1024, Math.round(Math.sqrt(n / 2))));
  const line = (value) => Math.min(side - 1, Math.max(0, Math.floor((value + 1) / 2 * side)));
  const cell = (row) => line(xy[2 * row + 1]) * side + line(xy[2 * row]);
  const starts = new Uint32Array(side * side + 1), rows = new Uint32Array(n);
  for (let row = 0; row < n; row++) starts[cell(row) + 1]++;
  for (let at = 0; at < side * side; at++) starts[at + 1] += starts[at];
  const next = starts.slice();
  for (let row = 0; row < n; row++) rows[next[cell(row)]++] = row;
  function within(x, y, reach) {
    const found = [];
    for (let cy = line(y - reach); cy <= line(y + reach); cy++) {
      for (let at = starts[cy * side + line(x - reach)]; at < starts[cy * side + line(x + reach) + 1]; at++) {
        const row = rows[at], far = Math.hypot(xy[2 * row] - x, xy[2 * row + 1] - y);
        if (far <= reach) found.push([far, row]);
      }
    }
    return found;
  }
  return (x, y, reach, most) => { // rows within `reach`, nearest first; from a small circle outward, as crowds are dense
    for (let part = reach / 64; ; part *= 2) {
      const found = within(x, y, Math.min(part, reach));
      if (found.length >= most || part >= reach) return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, most).map((pair) => pair[1]);
    }
  };
}

/** Names and pictures by row, the least recently used dropped above `limit`. */
function createPictures() {
  const kept = new Map(), pictures = { limit: KEPT_PICTURES };
  return Object.assign(pictures, {
    get size() { return kept.size; },
    has: (row) => kept.has(row),
    get(row) { const item = kept.get(row); if (item) { kept.delete(row); kept.set(row, item); } return item; },
    put(row, name, jpeg) {
      if (kept.has(row)) return;
      kept.set(row, { name, url: jpeg.byteLength ? URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" })) : "" });
      if (kept.size > pictures.limit) { const [old, item] = kept.entries().next().value; URL.revokeObjectURL(item.url); kept.delete(old); }
    },
    clear() { for (const item of kept.values()) URL.revokeObjectURL(item.url); kept.clear(); },
  });
}

function h(tag, attributes = {}, ...children) {
  const space = ["svg", "path", "circle"].includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const node = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}
const icon = (name) => h("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, h("path", { d: ICONS[name] }));
const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
const rgb = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const send = (content, buffers) => model.send({ view, ...content }, undefined, buffers);
  const act = (what, n) => { say("working …"); send({ type: "do", what, n }); };
  const button = (label, click, title = label) => h("button", { type: "button", title, onclick: click }, label);

  // ---- the page ----
  const layoutMenu = h("select", { "aria-label": "Layout", onchange: (e) => send({ type: "set", name: "projection", value: e.target.value }) });
  const colorMenu = h("select", { "aria-label": "Color by", onchange: (e) => send({ type: "set", name: "color", value: e.target.value }) });
  const modes = Object.fromEntries([["pan", "Pan (H)"], ["lasso", "Lasso (L), or Shift and drag"], ["box", "Box (B)"]].map(([name, title]) =>
    [name, h("button", { type: "button", title, "aria-label": title, "aria-pressed": "false", onclick: () => setMode(name) }, icon(name))]));
  const zooms = [["in", "Zoom in (+)", () => plot.zoomAt(1.5)], ["out", "Zoom out (-)", () => plot.zoomAt(1 / 1.5)], ["fit", "Fit all (0)", () => plot.fit()]]
    .map(([name, title, click]) => h("button", { type: "button", title, "aria-label": title, onclick: () => { click(); hover(-1); } }, icon(name)));
  const counted = h("span", { class: "lnb-count" });
  const howMany = h("input", { type: "number", min: 1, value: 50, "aria-label": "How many samples to select again" });
  const actions = h("div", { class: "lnb-bar", role: "group", "aria-label": "Samples in the lasso", hidden: true }, counted,
    button("Show images", () => showGallery(gallery.hidden)), button("More like these", () => act("more")),
    button("Lock", () => act("lock"), "Re-select must pick these"), button("Ban", () => act("ban"), "Re-select must not pick these"),
    button("Release", () => act("release"), "Neither locked nor banned"), button("Clear", () => setLasso([]), "Empty the lasso (Escape)"),
    h("span", { class: "lnb-split" }),
    h("span", { class: "lnb-again" }, button("Re-select", () => act("reselect", +howMany.value), "Select again; the samples in the lasso count as selected"),
      howMany, "around these"));
  const hint = h("div", { class: "lnb-bar lnb-status" }, "Shift-drag draws a lasso · a click adds a point to it · once the plot has the focus, scrolling zooms");
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-label": "Scatter plot", "aria-keyshortcuts": "N P Space H L B + - 0 Escape" });
  const ring = h("circle", { class: "lnb-ring", r: 8, visibility: "hidden" }), trace = h("path", { class: "lnb-trace" });
  const picture = h("img", { alt: "" }), title = h("b"), why = h("div");
  const card = h("figure", { class: "lnb-card", hidden: true }, picture, title, why);
  const wait = h("div", { class: "lnb-wait" }, "Waiting for the kernel. Without one, see the picture above: it shows the panel as it was when the cell ran.");
  const plotBox = h("div", { class: "lnb-plot" }, canvas, h("svg", { "aria-hidden": "true" }, trace, ring), card, wait);
  const legend = h("div", { class: "lnb-legend", role: "group", "aria-label": "Legend" });
  const gallery = h("section", { "aria-label": "Images in the lasso", class: "lnb-gallery", tabindex: 0, hidden: true });
  const status = h("div", { class: "lnb-status", role: "status", "aria-live": "polite" });
  const errorText = h("pre"), error = h("div", { class: "lnb-error", role: "alert", hidden: true }, errorText, button("Dismiss", () => { error.hidden = true; }));
  const hiding = h("style");
  const root = h("div", { class: "lnb-panel lnb-scatter", "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "lnb-bar", role: "toolbar", "aria-label": "Scatter" }, h("label", {}, "Layout", layoutMenu), h("label", {}, "Color", colorMenu),
      h("span", { class: "lnb-group", role: "group", "aria-label": "What dragging does" }, ...Object.values(modes)),
      h("span", { class: "lnb-group", role: "group", "aria-label": "Zoom" }, ...zooms)),
    h("div", { class: "lnb-row" }, plotBox, legend), hint, actions, gallery, status, error, hiding);
  el.append(root);
  const say = (text) => { status.textContent = text; };
  const fail = (text) => { errorText.textContent = text; error.hidden = false; status.textContent = ""; };

  // ---- what is shown ----
  const plot = createPlot(canvas, painted), pictures = createPictures();
  let grid = null, legendNow = null, mode = "pan", hovered = -1, hoveredAt = 0, asking = false, push = false, pushed = 0, live = "";
  if (!plot.ok) wait.textContent = "This browser offers no WebGL2. panel.to_html('scatter.html') writes a page that needs none.";

  function painted() {
    moveRing();
    if (root.dataset.ready) return;
    root.dataset.ready = "true"; wait.hidden = true; root.classList.add(live);
    if (push) setTimeout(pushMore);
  }
  function pushMore() { // all pictures, batch by batch, each asked for when the one before has come
    if (pushed >= plot.n) { root.dataset.pushed = pushed; return; }
    const rows = Array.from({ length: Math.min(BATCH, plot.n - pushed) }, (_, at) => pushed + at);
    pushed += rows.length;
    send({ type: "want", rows, ask: "push" });
  }
  function setMode(name) {
    mode = plotBox.dataset.mode = name;
    for (const [key, node] of Object.entries(modes)) node.setAttribute("aria-pressed", String(key === name));
  }
  function applyTheme() {
    if (!legendNow) return;
    const ink = getComputedStyle(root).color.match(/[\d.]+/g).slice(0, 3).map(Number), isDark = ink[0] + ink[1] + ink[2] > 384;
    const themed = (color) => (isDark && color === "#000000" ? ink : rgb(color));
    const palette = new Uint8Array(1024);
    if (legendNow.kind === "numbers") {
      const stops = legendNow.stops.map(rgb);
      for (let code = 1; code < 256; code++) {
        const at = (code - 1) / 254 * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
        for (let part = 0; part < 3; part++) palette[4 * code + part] = stops[low][part] + (at - low) * (stops[low + 1][part] - stops[low][part]);
      }
    }
    for (const entry of legendNow.entries) palette.set([...themed(entry.color), entry.shape], 4 * entry.code);
    plot.setPalette(palette, ink);
    showLegend(themed);
  }
  function showLegend(themed) {
    const entries = legendNow.entries.map((entry) => h("button", { type: "button", title: "Put these in the lasso", onclick: () => lassoCode(entry.code) },
      h("i", { "aria-hidden": "true", style: `color: rgb(${themed(entry.color)}); font-style: normal` }, SHAPES[entry.shape]),
      h("span", {}, entry.label), h("small", {}, entry.count ? entry.count.toLocaleString("en") : "")));
    const ramp = legendNow.kind !== "numbers" ? [] : [h("div", { class: "lnb-ramp", style: `background: linear-gradient(90deg, ${legendNow.stops})` }),
      h("div", { class: "lnb-ends" }, h("span", {}, legendNow.low), h("span", {}, legendNow.high))];
    const marks = [["locked", LOCKED, "◉"], ["banned", BANNED, "✕"]].filter(([name]) => +root.dataset[name]).map(([name, bit, sign]) =>
      h("button", { type: "button", title: "Put these in the lasso", onclick: () => setLasso(rowsWith(bit)) }, h("i", { "aria-hidden": "true" }, sign),
        h("span", {}, name), h("small", {}, root.dataset[name])));
    legend.replaceChildren(h("strong", {}, legendNow.title), ...ramp, ...entries, ...marks);
  }
  function fillMenus(content) {
    layoutMenu.replaceChildren(...content.projections.map(([name, label, state]) =>
      h("option", { value: name, selected: name === content.projection }, state === "ready" ? label : `${label} (${state === "computing" ? "computing …" : state})`)));
    colorMenu.replaceChildren(...content.colors.map((name) => h("option", { value: name, selected: name === content.color }, name)));
    if (content.picks > 0 && content.picks !== +root.dataset.picks) howMany.value = content.picks;
    Object.assign(root.dataset, { n: content.n, layouts: content.projections.filter((entry) => entry[2] === "ready").map((entry) => entry[0]).join(" ") });
    push = content.push; live = content.live; hiding.textContent = content.hide; pictures.limit = push ? content.n : KEPT_PICTURES;
    canvas.setAttribute("aria-label", `Scatter plot of ${count(content.n, "sample")}${content.picks >= 0 ? `, ${content.picks} selected` : ""}. `
      + "Arrows pan, plus and minus zoom, N and P go from point to point, Space puts a point in the lasso.");
  }

  // ---- the lasso ----
  function setBits(bit, mask) {
    plot.marks ||= new Uint8Array(+root.dataset.n);
    for (let row = 0; row < plot.marks.length; row++) plot.marks[row] = mask[row >> 3] >> (row & 7) & 1 ? plot.marks[row] | bit : plot.marks[row] & ~bit;
  }
  function showLasso(n) {
    plot.lassoed = n > 0;
    counted.textContent = `${n.toLocaleString("en")} of ${count(plot.marks.length, "sample")} in the lasso`;
    actions.hidden = !n; hint.hidden = n > 0;
    if (!n) showGallery(false); else if (!gallery.hidden) showGallery(true);
    if (plot.n) plot.setMarks();
  }
  function sendLasso() {
    const mask = new Uint8Array(Math.ceil(plot.n / 8));
    let n = 0;
    for (let row = 0; row < plot.n; row++) if (plot.marks[row] & LASSO) { mask[row >> 3] |= 1 << (row & 7); n++; }
    showLasso(n); say(n ? `${count(n, "sample")} in the lasso` : "The lasso is empty");
    send({ type: "rows" }, [mask.buffer]);
  }
  function setLasso(rows) {
    for (let row = 0; row < plot.n; row++) plot.marks[row] &= ~LASSO;
    for (const row of rows) plot.marks[row] |= LASSO;
    sendLasso();
  }
  function lassoCode(code) { for (let row = 0; row < plot.n; row++) plot.codes[row] === code ? plot.marks[row] |= LASSO : plot.marks[row] &= ~LASSO; sendLasso(); }
  function lassoShape(points, keep) { // what is inside on the screen is inside: the shape is filled and looked up
    const w = Math.ceil(plot.width), height = Math.ceil(plot.height), sheet = h("canvas", { width: w, height });
    const pen = sheet.getContext("2d", { willReadFrequently: true });
    pen.beginPath(); points.forEach(([x, y]) => pen.lineTo(x, y)); pen.fill("evenodd");
    const inside = pen.getImageData(0, 0, w, height).data, unit = plot.unit();
    for (let row = 0; row < plot.n; row++) {
      const x = Math.floor((plot.xy[2 * row] - plot.center[0]) * unit + plot.width / 2), y = Math.floor(plot.height / 2 - (plot.xy[2 * row + 1] - plot.center[1]) * unit);
      const hit = x >= 0 && y >= 0 && x < w && y < height && inside[4 * (y * w + x) + 3] > 127;
      if (hit) plot.marks[row] |= LASSO; else if (!keep) plot.marks[row] &= ~LASSO;
    }
    sendLasso();
  }
  const rowsWith = (bit) => { const rows = []; for (let row = 0; row < plot.n; row++) if (plot.marks[row] & bit) rows.push(row); return rows; };

  function showGallery(open, rows = open ? rowsWith(LASSO) : [], from = 0) {
    gallery.hidden = !open;
    if (!from) gallery.replaceChildren();
    const page = rows.slice(from, from + PAGE);
    gallery.append(...page.map((row) => h("figure", { "data-row": row }, h("img", { alt: "" }), h("figcaption", {}, "…"))));
    page.forEach(fillFigure);
    const missing = page.filter((row) => !pictures.has(row));
    if (missing.length) send({ type: "want", rows: missing, ask: "gallery" });
    if (rows.length > from + PAGE) {
      const more = button(`Show more (${(rows.length - from - PAGE).toLocaleString("en")} left)`, () => { more.remove(); showGallery(true, rows, from + PAGE); });
      gallery.append(more);
    }
  }
  function fillFigure(row) {
    const item = pictures.get(row), node = item && gallery.querySelector(`[data-row="${row}"]`);
    if (!node) return;
    Object.assign(node.firstChild, { src: item.url, alt: item.name });
    node.lastChild.textContent = node.title = item.name;
  }

  // ---- hover ----
  function hover(row, announce = false) {
    if (row === hovered) return;
    hovered = row; hoveredAt = performance.now();
    card.hidden = row < 0; delete root.dataset.shown;
    picture.removeAttribute("src"); title.textContent = why.textContent = "";
    card.dataset.announce = announce ? "true" : "";
    moveRing();
    if (row >= 0) { showItem(); ask(); }
  }
  function moveRing() {
    ring.setAttribute("visibility", hovered < 0 ? "hidden" : "visible");
    if (hovered < 0) return;
    const [x, y] = plot.toScreen(hovered), tall = card.offsetHeight + 4;
    ring.setAttribute("cx", x); ring.setAttribute("cy", y);
    card.style.left = `${x + 200 > plot.width ? Math.max(0, x - 196) : x + 16}px`;
    card.style.top = `${Math.max(4, Math.min(y - 60, plot.height - tall))}px`;
  }
  async function showItem() {
    const row = hovered, item = pictures.get(row);
    if (!item) return;
    title.textContent = item.name; picture.alt = item.name; picture.hidden = !item.url;
    if (item.url) { picture.src = item.url; await picture.decode().catch(() => {}); }
    if (row !== hovered) return;
    moveRing();
    root.dataset.hoverMs = (performance.now() - hoveredAt).toFixed(1); root.dataset.shown = row;
  }
  function ask() { // one question at a time, always about the newest point
    if (asking || hovered < 0) return;
    asking = true;
    send({ type: "want", rows: pictures.has(hovered) ? [] : [hovered], why: hovered, ask: "hover" });
  }
  function answered(content, buffers) {
    content.items.forEach((item, at) => { pictures.put(item.row, item.name, buffers[at]); fillFigure(item.row); });
    if (content.ask === "push") pushMore();
    if (content.ask !== "hover") return;
    asking = false;
    if (content.why.row !== hovered) return ask();
    why.replaceChildren(...content.why.lines.map((line) => h("div", {}, line)));
    moveRing();
    if (card.dataset.announce) say([content.why.name, ...content.why.lines].join(". "));
    if (!content.items.length) return;
    showItem();
    const [x, y] = [plot.xy[2 * hovered], plot.xy[2 * hovered + 1]];
    const near = grid(x, y, 60 / plot.unit(), 4 * NEIGHBORS).filter((row) => !pictures.has(row)).slice(0, NEIGHBORS);
    if (near.length) send({ type: "want", rows: near, ask: "near" });
  }
  function step(by) { // from point to point by keyboard: those in the lasso, else the picks, else all
    const rows = [LASSO, PICKED].map(rowsWith).find((found) => found.length), n = rows ? rows.length : plot.n;
    const at = rows ? rows.indexOf(hovered) : hovered;
    const next = at < 0 ? (by > 0 ? 0 : n - 1) : (at + by + n) % n, row = rows ? rows[next] : next;
    const [x, y] = plot.toScreen(row);
    if (x < 20 || y < 20 || x > plot.width - 20 || y > plot.height - 20) { plot.center = [plot.xy[2 * row], plot.xy[2 * row + 1]]; plot.redraw(); }
    hover(row, true);
  }

  // ---- pointer and keyboard ----
  let drag = null;
  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const under = (x, y) => grid ? grid(...plot.toData(x, y), REACH / plot.unit(), 1)[0] ?? -1 : -1;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const start = at(event);
    drag = { mode: event.shiftKey && mode === "pan" ? "lasso" : mode, keep: event.shiftKey && mode !== "pan", start, last: start, points: [start], moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (!drag) return hover(under(x, y));
    if (!drag.moved && Math.hypot(x - drag.start[0], y - drag.start[1]) < 4) return;
    drag.moved = true; hover(-1);
    if (drag.mode === "pan") plot.panBy(x - drag.last[0], y - drag.last[1]);
    else if (drag.mode === "lasso") { if (Math.hypot(x - drag.last[0], y - drag.last[1]) < 2) return; drag.points.push([x, y]); }
    else drag.points = [drag.start, [x, drag.start[1]], [x, y], [drag.start[0], y]];
    drag.last = [x, y];
    if (drag.mode !== "pan") trace.setAttribute("d", `M${drag.points.map((point) => point.map((part) => part.toFixed(1))).join("L")}Z`);
  });
  canvas.addEventListener("pointerup", (event) => {
    const done = drag; drag = null; trace.removeAttribute("d");
    if (done?.moved && done.mode !== "pan" && done.points.length > 2) lassoShape(done.points, done.keep);
    if (done && !done.moved) { const row = under(...at(event)); if (row >= 0) { plot.marks[row] ^= LASSO; sendLasso(); } }
  });
  canvas.addEventListener("pointercancel", () => { drag = null; trace.removeAttribute("d"); });
  canvas.addEventListener("pointerleave", () => { if (!drag) hover(-1); });
  canvas.addEventListener("wheel", (event) => { // a page that scrolls past must not be caught
    if (root.getRootNode().activeElement !== canvas && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault(); hover(-1); plot.zoomAt(Math.exp(-event.deltaY * (event.deltaMode ? .05 : .0015)), ...at(event));
  }, { passive: false });
  const KEYS = {
    ArrowLeft: () => plot.panBy(40, 0), ArrowRight: () => plot.panBy(-40, 0), ArrowUp: () => plot.panBy(0, 40), ArrowDown: () => plot.panBy(0, -40),
    "+": () => plot.zoomAt(1.5), "=": () => plot.zoomAt(1.5), "-": () => plot.zoomAt(1 / 1.5), 0: () => plot.fit(), n: () => step(1), p: () => step(-1),
    " ": () => { if (hovered >= 0) { plot.marks[hovered] ^= LASSO; sendLasso(); } },
    h: () => setMode("pan"), l: () => setMode("lasso"), b: () => setMode("box"), Escape: () => setLasso([]),
  };
  canvas.addEventListener("keydown", (event) => {
    const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey || !plot.n) return;
    event.preventDefault(); does();
  });
  root.addEventListener("keydown", (event) => event.stopPropagation()); // the notebook's own shortcuts stay out
  const classic = window.Jupyter?.keyboard_manager;
  if (classic) { root.addEventListener("focusin", () => classic.disable()); root.addEventListener("focusout", () => classic.enable()); }

  // ---- messages ----
  const hear = {
    menu: fillMenus,
    points(content, [points]) {
      const xy = new Float32Array(bytes(points));
      grid = null; plot.setPoints(xy); grid = createGrid(xy); plot.fit(); hover(-1);
      root.dataset.projection = content.projection; layoutMenu.value = content.projection;
    },
    colors(content, [codes]) {
      legendNow = content.legend; plot.setCodes(new Uint8Array(bytes(codes))); applyTheme();
      root.dataset.color = content.color; colorMenu.value = content.color;
    },
    rows(content, [mask]) {
      root.dataset[content.name] = content.count; // what the kernel knows
      if (content.from === view) return;
      setBits(BITS[content.name], new Uint8Array(bytes(mask)));
      if (content.name === "selected") showLasso(content.count); else if (plot.n) plot.setMarks();
      if (content.name in { locked: 1, banned: 1 }) applyTheme();
    },
    items: answered,
    status: (content) => say(content.text),
    error: (content) => fail(content.text),
  };
  const onMessage = (content, buffers) => {
    if (content.view ? content.view !== view : !root.dataset.n && content.type !== "error") return; // news before the state itself
    try { hear[content.type]?.(content, buffers); } catch (problem) { fail(`The panel could not show a message: ${problem.stack ?? problem}`); }
  };
  model.on("msg:custom", onMessage);
  const resized = new ResizeObserver(() => {
    [plot.width, plot.height] = [Math.max(1, plotBox.clientWidth), Math.max(1, plotBox.clientHeight)]; plot.redraw();
  });
  resized.observe(plotBox);
  const themes = new MutationObserver(applyTheme);
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "theme", "style"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", applyTheme);

  setMode("pan");
  root.positionOf = plot.toScreen; // for tests and for other scripts on the page: where a row is drawn
  if (plot.ok) send({ type: "ready" });
  return () => {
    model.off("msg:custom", onMessage); resized.disconnect(); themes.disconnect(); system.removeEventListener("change", applyTheme);
    pictures.clear(); plot.stop(); root.remove();
  };
}

export default { render };
