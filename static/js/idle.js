// A minute before the session ends for want of activity the page asks whether somebody is there; once it has ended the
// page goes to the sign-in, or, where leaving would lose what was typed, hides itself. The server decides: this asks it.

const dialog = document.getElementById("idle-dialog");
const WARNING = 60; // seconds
let timer = null;
const typed = new Set();

if (dialog) start();

function start() {
  const part = (name) => dialog.querySelector(`[data-idle-${name}]`);
  document.addEventListener("input", ({ target }) => target.form && typed.add(target.form));
  document.addEventListener("submit", ({ target }) => typed.delete(target));
  part("stay").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (part("over").hidden) stay();
  });
  document.addEventListener("visibilitychange", () => document.hidden || look());
  later(dialog.dataset.minutes * 60 - WARNING);

  function later(seconds) {
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(1, seconds) * 1000);
  }

  async function look() {
    const left = await ask(dialog.dataset.left);
    if (left === null) return later(WARNING / 2); // no answer from the server is no reason to hide anything
    if (left <= 0) return over();
    if (left > WARNING) {
      dialog.close();
      return later(left - WARNING);
    }
    show(false);
    later(left + 1);
  }

  async function stay() {
    const left = await ask(dialog.dataset.stay, "POST");
    if (left === 0) return over();
    dialog.close();
    later((left ?? WARNING) - WARNING);
  }

  function over() {
    clearTimeout(timer);
    const isLost = [...typed].some((form) => form.isConnected && !form.dataset.draft && form.method === "post");
    if (isLost) return show(true);
    const here = encodeURIComponent(location.pathname + location.search);
    location.assign(`${document.body.dataset.signIn}?next=${here}`);
  }

  function show(isOver) {
    part("warning").hidden = isOver;
    part("over").hidden = !isOver;
    dialog.classList.toggle("hides-page", isOver);
    if (!dialog.open) dialog.showModal();
  }
}

// Seconds left; 0 when it is over, null when nobody answers. Whoever else signed in here sees their own page.
async function ask(url, method = "GET") {
  try {
    const headers = method === "POST" ? { "X-CSRFToken": token() } : {};
    const response = await fetch(url, { method, headers });
    if (response.status === 401 || response.status === 403) return 0;
    if (!response.ok) return null;
    const { seconds, who, csrf } = await response.json();
    if (String(who) !== dialog.dataset.who) location.reload();
    renew(csrf);
    return seconds;
  } catch {
    return null;
  }
}

const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

// Signing in again in another tab changed the token: the forms that stand here need the new one.
function renew(csrf) {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = csrf;
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": csrf }));
}
