// Keeps a draft of <form data-draft="URL"> on the server while it is typed; nothing in the browser.
// When the session ends it says so, and carries on by itself once somebody has signed in elsewhere.

const PAUSE = 800;
const RETRY = 5000;

for (const form of document.querySelectorAll("form[data-draft]")) keepDraftsOf(form);

function keepDraftsOf(form) {
  const status = form.querySelector("[data-draft-status]");
  const words = status?.dataset ?? {};
  let timer = null;
  let request = null;

  const later = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  };

  async function save() {
    request?.abort();
    request = new AbortController();
    try {
      const response = await fetch(form.dataset.draft, {
        method: "POST",
        body: draft(form),
        redirect: "manual",
        signal: request.signal,
      });
      if (response.ok) kept();
      else if (response.type === "opaqueredirect" || [401, 403].includes(response.status)) await signedOut();
      else if (response.status === 413) say(words.tooLong);
      else wait(words.offline);
    } catch (error) {
      if (error.name !== "AbortError") wait(words.offline);
    }
  }

  function kept() {
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit" });
    say(words.kept?.replace("{time}", time));
  }

  function wait(text, link) {
    say(text, link);
    later(RETRY);
  }

  // Signing in again changes the CSRF token: take this page's new one, or the form itself would be refused.
  async function signedOut() {
    const token = await freshToken();
    if (token) {
      form.querySelector("[name=csrfmiddlewaretoken]").value = token;
      document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
      later(PAUSE);
    } else {
      wait(words.signedOut, words.signInLabel);
    }
  }

  async function freshToken() {
    const response = await fetch(location.href, { redirect: "manual" });
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("form[data-draft] [name=csrfmiddlewaretoken]")?.value;
  }

  function say(text, link) {
    if (!status || !text) return;
    status.textContent = text;
    if (link) status.append(" ", signInLink(link));
  }

  form.addEventListener("input", () => later(PAUSE));
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    request?.abort();
  });
}

// Files are no draft.
function draft(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  return data;
}

function signInLink(label) {
  const link = document.createElement("a");
  link.href = document.body.dataset.signIn;
  link.target = "_blank";
  link.textContent = label;
  return link;
}
