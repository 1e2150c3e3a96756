// What ipywidgets cannot say to a page: which field is wrong and what describes it, which group is open. And what a
// form owes to those who use it by keyboard: the focus stays with a strategy that is moved. Follows shared/script.js.
const named = node => (node.id ||= `lnb-${Math.random().toString(36).slice(2)}`);

const describe = panel => {
  for (const row of panel.querySelectorAll(".lnb-row")) {
    const field = row.querySelector("input, select, textarea");
    if (!field) continue;
    const words = [".lnb-hint", "[role=alert]"].map(what => row.querySelector(what)).filter(Boolean);
    set(field, "aria-invalid", String(row.classList.contains("lnb-wrong")));
    set(field, "aria-describedby", words.map(named).join(" "));
  }
  for (const button of panel.querySelectorAll("button.lnb-fold"))
    set(button, "aria-expanded", String(button.textContent.startsWith("▾")));
  for (const button of panel.querySelectorAll("button.widget-toggle-button"))
    set(button, "aria-pressed", String(button.classList.contains("mod-active")));
  for (const button of panel.querySelectorAll(".lnb-card-head button")) set(button, "aria-label", button.title);
};

const keepFocus = panel => {
  const cards = () => [...panel.querySelectorAll(".lnb-strategy")];
  let wanted = null;
  panel.addEventListener("click", event => {
    const button = event.target.closest(".lnb-card-head button");
    if (!button) return;
    const all = cards(), at = all.indexOf(button.closest(".lnb-strategy"));
    const step = { up: -1, down: 1 }[button.title.split(" ").pop()] ?? 0;
    wanted = { at: at + step, count: all.length - (step ? 0 : 1), title: button.title };
  });
  return () => {
    const all = cards();
    if (!wanted || all.length !== wanted.count || panel.contains(document.activeElement)) return;
    const card = all[Math.min(wanted.at, all.length - 1)];
    const buttons = card ? [...card.querySelectorAll(".lnb-card-head button:enabled")] : [];
    if (card && !buttons.length) return; // its view is on the way
    const next = buttons.find(button => button.title === wanted.title) ?? buttons[0];
    (next ?? panel.querySelector(".lnb-adding button")).focus();
    wanted = null;
  };
};

function start(panel) {
  const refocus = keepFocus(panel);
  return () => { describe(panel); refocus(); };
}
