// A page in a frame that can reach nothing of the notebook. It comes as a message, so that no saved notebook holds it.
function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const frame = document.createElement("iframe");
  frame.className = "lnb-frame";
  frame.title = model.get("title");
  frame.setAttribute("sandbox", "allow-scripts allow-popups");
  el.appendChild(frame);
  const show = (content, buffers) => {
    if (content.view !== view) return;
    frame.srcdoc = new TextDecoder().decode(buffers[0]);
    frame.addEventListener("load", () => { el.dataset.ready = "1"; }, { once: true });
  };
  model.on("msg:custom", show);
  model.send({ view });
  return () => model.off("msg:custom", show);
}

export default { render };
