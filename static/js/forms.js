// One press, one submit: the server refuses a double too, this spares the wait and the doubt.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
  } else {
    form.setAttribute("aria-busy", "true");
    setTimeout(() => form.removeAttribute("aria-busy"), 5000); // the answer may be a download, which leaves the page
  }
});

// Coming back by the browser's Back button finds the form as it was left: free it.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
document.addEventListener("htmx:finally:request", (event) => {
  event.detail.ctx.sourceElement.closest("form")?.removeAttribute("aria-busy");
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest("form") ?? document.querySelector("form[data-save-next]");
  if (!form) return;
  event.preventDefault();
  const next = form.hasAttribute("data-save-next") ? form.querySelector("[name=next][type=submit]") : null;
  form.requestSubmit(next ?? form.querySelector("[type=submit]"));
});

// The first error is where the reader has to be, its label above it; not where the page was before it was sent.
const wrong = document.querySelector("form .is-invalid");
wrong?.scrollIntoView({ block: "center" });
// The browser goes back to where the page was once it is loaded; the reader is taken to the error after that.
if (wrong) addEventListener("load", () => setTimeout(() => wrong.scrollIntoView({ block: "center" })));
// The browser's own autofocus waits for a frame to be drawn, and loses the first keys of a fast typist.
(wrong ?? document.querySelector("[autofocus]"))?.focus({ preventScroll: Boolean(wrong) });
