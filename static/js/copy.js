// Copies the text of the field that a button names; the button shows only where a browser can do that.

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const status = document.getElementById(`${button.dataset.copy}-status`);
  field.addEventListener("focus", () => field.select());
  button.hidden = !navigator.clipboard; // not over plain http: there it is selected by hand
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    status.textContent = button.dataset.copied;
  });
}
