// What htmx does not say by itself: that a request failed, or that the session has ended.

function say(text) {
  const notice = document.createElement("div");
  notice.className = "notice is-error";
  notice.textContent = text;
  document.getElementById("messages").replaceChildren(notice);
  notice.scrollIntoView({ block: "nearest" });
}

const words = document.body.dataset;

document.addEventListener("htmx:before:response", (event) => {
  const response = event.detail.ctx.response.raw;
  if (!response.redirected || new URL(response.url).pathname !== words.signIn) return;
  event.preventDefault();
  location.assign(`${words.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
});

document.addEventListener("htmx:response:error", (event) => {
  const { status } = event.detail.ctx.response;
  if (status >= 500) say(words.requestFailed);
  else if (status !== 422) say(words.requestRefused);
});

document.addEventListener("htmx:error", () => say(words.requestOffline));
