// Single-letter keys. They never fire while somebody types, and can be switched off for good:
// speech input "types" letters too (WCAG 2.1.4).

const dialog = document.getElementById("keys-dialog");
const isOff = () => document.cookie.split("; ").includes("keys=off");

function remember(on) {
  document.cookie = `keys=${on ? "on" : "off"}; path=/; max-age=31536000; samesite=lax`;
  show();
}

function show() {
  document.documentElement.classList.toggle("keys-off", isOff());
  const keysOn = document.getElementById("keys-on");
  if (keysOn) keysOn.checked = !isOff();
}

const isTyping = (element) => element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

// A row is opened by its first link; moving from row to row is moving focus, so Enter needs no code.
const ROW = "[data-keys-list] > :is(li, tr)";
const rowsOf = (list) => [...list.querySelectorAll(":scope > :is(li, tr)")].filter(handleOf);
const handleOf = (row) => row.querySelector("a[href], button:not([disabled])");

// From the end of one list on to the next of the page.
function move(step) {
  const rows = [...document.querySelectorAll(ROW)].filter((row) => handleOf(row)?.checkVisibility());
  const row = document.activeElement.closest(ROW);
  const next = rows[row ? rows.indexOf(row) + step : 0];
  if (next) handleOf(next).focus();
}

// htmx looks over the page one timer after its script: until then a form would be sent past it, and the page be
// loaded anew under whoever types on. Timers keep their order, so it has looked once ours strikes.
const isReady = new Promise((resolve) => setTimeout(resolve));

function use(element) {
  if (element.matches("input, textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    isReady.then(() => element.click());
  }
}

function target(key) {
  const name = CSS.escape(key);
  const row = document.activeElement.closest(ROW);
  return row?.querySelector(`[data-key="${name}"]`) ?? document.querySelector(`[data-global-key="${name}"]`);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isOff() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  comeBack(); // the next key may be quicker than the swap's own event
  if (event.key === "j" || event.key === "k") {
    move(event.key === "j" ? 1 : -1);
  } else if (event.key === "?" && dialog) {
    dialog.showModal();
  } else {
    const element = target(event.key);
    if (!element) return;
    use(element);
  }
  event.preventDefault();
});

// An act that takes its row away leaves the reader on the row that moved up, not at the top of the page.
let place = null;
document.addEventListener("pointerdown", ({ target: element }) => {
  if (!element.closest("[data-keys-list]")) place = null;
});
document.addEventListener("focusin", ({ target: element }) => {
  const row = element.closest(ROW);
  const list = row?.closest("[data-keys-list]");
  place = list ? { list, index: rowsOf(list).indexOf(row) } : null;
});
function comeBack() {
  if (!place || document.activeElement !== document.body) return;
  const list = place.list.isConnected ? place.list : document.getElementById(place.list.id);
  const rows = list ? rowsOf(list) : [];
  const row = rows[Math.min(place.index, rows.length - 1)];
  if (row) handleOf(row).focus({ preventScroll: true });
}
document.addEventListener("htmx:after:swap", comeBack);

for (const button of document.querySelectorAll("[data-opens-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.closest("[popover]")?.hidePopover();
    dialog.showModal();
  });
}
document.getElementById("keys-on")?.addEventListener("change", (event) => remember(event.target.checked));
show();
