// What ipywidgets cannot say to a page: which row is chosen, where news are spoken. And what it owes to those who
// use it by keyboard: the arrows move from row to row, the focus is not lost. Follows shared/script.js.
const describe = panel => {
  for (const row of panel.querySelectorAll(".lnb-choice"))
    set(row, "aria-pressed", String(row.classList.contains("lnb-chosen")));
  for (const said of panel.querySelectorAll(".lnb-said")) set(said, "aria-live", "polite");
  for (const list of panel.querySelectorAll(".lnb-list")) set(list, "role", "group");
};

const steps = { ArrowDown: 1, ArrowUp: -1 };
const move = event => {
  const row = event.target.closest?.(".lnb-choice"), step = steps[event.key];
  if (!row || !step) return;
  const rows = [...row.closest(".lnb-list").querySelectorAll(".lnb-choice:not(.lnb-gone)")];
  rows[rows.indexOf(row) + step]?.focus();
  event.preventDefault();
};

// A button that goes when it is pressed, as the one that asks once more, hands the focus to its neighbour.
const keepFocus = panel => {
  let pressed = null;
  panel.addEventListener("click", event => { pressed = event.target.closest("button") ?? pressed; });
  return () => {
    if (!pressed?.classList.contains("lnb-gone") || panel.contains(document.activeElement) && document.activeElement !== pressed) return;
    const near = [...pressed.parentElement.querySelectorAll("button")], at = near.indexOf(pressed);
    const there = button => !button.classList.contains("lnb-gone");
    (near.slice(at).find(there) ?? near.slice(0, at).findLast(there))?.focus();
    pressed = null;
  };
};

function start(panel) {
  panel.addEventListener("keydown", move);
  const refocus = keepFocus(panel);
  return () => { describe(panel); refocus(); };
}
