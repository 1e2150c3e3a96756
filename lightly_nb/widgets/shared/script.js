// What ipywidgets cannot do on a page is done by a widget in the panel's box: it finds the panel around it and calls
// `start(panel)`, which the panel's own module has. Every view of the panel has its own.
const set = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };

// The arrows and letters that a person presses in a panel are not commands of the notebook.
const keepKeys = event => { if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation(); };

function render({ model, el }) {
  let frames = 0, seen = null;
  const wait = () => { // a widget's view is made before it is on the page
    const panel = el.closest(model.get("root"));
    if (!panel) { if (++frames < 600) requestAnimationFrame(wait); return; }
    panel.addEventListener("keydown", keepKeys);
    const look = start(panel);
    seen = new MutationObserver(look);
    seen.observe(panel, { subtree: true, childList: true, attributeFilter: ["class", "disabled"] });
    look();
    panel.dataset.ready = "1";
  };
  wait();
  return () => { frames = 600; seen?.disconnect(); };
}

export default { render };
