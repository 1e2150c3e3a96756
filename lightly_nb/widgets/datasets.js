// What ipywidgets cannot say to a page: which row is chosen, where news are spoken. And two things that lists owe to
// those who use them by keyboard: the arrows move from row to row, and the notebook's shortcuts stay out of the panel.
// `image` is the element whose loading runs this; there is no other way in.
const set = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };

const describe = panel => {
  for (const row of panel.querySelectorAll(".lnb-choice"))
    set(row, "aria-pressed", String(row.classList.contains("lnb-chosen")));
  for (const list of panel.querySelectorAll(".lnb-list")) set(list, "role", "group");
};

const steps = { ArrowDown: 1, ArrowUp: -1 };
const move = event => {
  if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  const row = event.target.closest?.(".lnb-choice"), step = steps[event.key];
  if (!row || !step) return;
  const rows = [...row.closest(".lnb-list").querySelectorAll(".lnb-choice:not(.lnb-gone)")];
  rows[rows.indexOf(row) + step]?.focus();
  event.preventDefault();
};

const start = panel => {
  panel.addEventListener("keydown", move);
  const look = () => describe(panel);
  new MutationObserver(look).observe(panel, { subtree: true, childList: true, attributeFilter: ["class"] });
  look();
  panel.dataset.ready = "1";
};

let frames = 0;
const wait = () => {
  const panel = image.closest(".lnb-datasets");
  if (panel) start(panel);
  else if (++frames < 600) requestAnimationFrame(wait); // a widget's view is made before it is on the page
};
wait();
