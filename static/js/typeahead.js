// <input data-typeahead="URL" data-typeahead-target="id-of-hidden-input" data-typeahead-new="#id-of-section">
// becomes a combobox (WAI-ARIA 1.2). The server answers ?q=… with <li role="option" data-value data-label>…</li>;
// one with data-new offers to add what was typed: it opens the section, a <fieldset>, and puts the values of
// data-fill='{"name": "value"}' into its empty fields. Without scripting the typed text is posted and resolved there.

const PAUSE = 120;
const isInUse = (field) => field.value || field.classList.contains("is-invalid");

function enhance(input) {
  const target = document.getElementById(input.dataset.typeaheadTarget);
  const section = input.dataset.typeaheadNew ? document.querySelector(input.dataset.typeaheadNew) : null;
  const { list, count } = drawList(input);
  let timer = null;
  let request = null;
  let active = -1;
  let isMeant = false; // somebody moved to the active option; the first is only offered
  let isAwaited = false; // Enter was pressed before the options came

  const options = () => [...list.querySelectorAll("[role=option]")];
  const isOpen = () => !list.hidden;
  const isPending = () => timer !== null || request !== null;

  function open(isWanted) {
    list.hidden = !isWanted;
    input.setAttribute("aria-expanded", String(isWanted));
    if (!isWanted) activate(-1);
  }

  function activate(index) {
    active = index;
    options().forEach((option, place) => option.setAttribute("aria-selected", String(place === index)));
    const option = options()[index];
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  async function search() {
    forget();
    const mine = (request = new AbortController());
    const url = new URL(input.dataset.typeahead, location.href);
    url.searchParams.set("q", input.value.trim());
    try {
      const response = await fetch(url, { headers: { "HX-Request": "true" }, signal: mine.signal });
      if (!response.ok || response.redirected) return stop();
      const html = await response.text();
      request = null;
      show(html);
    } catch (error) {
      if (error.name !== "AbortError") stop();
    }
  }

  function forget() {
    clearTimeout(timer);
    request?.abort();
    timer = request = null;
  }

  function show(html) {
    list.innerHTML = html;
    options().forEach((option, place) => (option.id = `${list.id}-${place}`));
    const found = options().filter((option) => !option.hasAttribute("data-new")).length;
    count.textContent = (input.dataset.count ?? "{count}").replace("{count}", found);
    open(options().length > 0 && document.activeElement === input);
    isMeant = false;
    if (!isOpen()) return;
    activate(0);
    if (isAwaited) choose(options()[0]);
  }

  function choose(option) {
    const isNew = option.hasAttribute("data-new");
    target.value = isNew ? "" : option.dataset.value;
    input.value = option.dataset.label ?? input.value;
    reveal(isNew);
    if (isNew) fill(JSON.parse(option.dataset.fill ?? "{}"));
    stop();
    target.dispatchEvent(new Event("change", { bubbles: true }));
    input.dispatchEvent(new CustomEvent("typeahead:chosen", { bubbles: true, detail: { option } }));
    if (isNew) section?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }

  function reveal(isWanted) {
    if (!section) return;
    section.hidden = !isWanted;
    section.disabled = !isWanted; // a fieldset's fields are then not sent
  }

  function fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = section?.querySelector(`[name="${CSS.escape(name)}"]`);
      if (field && !field.value) field.value = value;
    }
  }

  function stop() {
    forget();
    isAwaited = false;
    open(false);
  }

  input.addEventListener("input", () => {
    target.value = "";
    isAwaited = false;
    clearTimeout(timer);
    if (input.value.trim()) timer = setTimeout(search, PAUSE);
    else stop();
  });
  input.addEventListener("keydown", (event) => {
    const last = options().length - 1;
    const below = isMeant ? active + 1 : active; // the first step down means the one that is offered
    const moves = { ArrowDown: below <= last ? below : 0, ArrowUp: active > 0 ? active - 1 : last, Home: 0, End: last };
    if (event.key === "ArrowDown" && !isOpen()) search();
    else if (event.key === "Enter" && !isOpen() && isPending() && !event.ctrlKey && !event.metaKey) isAwaited = true;
    else if (!isOpen() || event.ctrlKey || event.metaKey) return;
    else if (event.key in moves) {
      isMeant = true;
      activate(moves[event.key]);
    } else if (event.key === "Enter" && active >= 0) choose(options()[active]);
    else if (event.key === "Escape") stop();
    else if (event.key === "Tab" && isMeant) {
      choose(options()[active]);
      if (target.value) return; // Tab goes on to the next field, unless choosing went to the new one's first
    } else return;
    event.preventDefault();
  });
  // Without scripting the section stands open; with it, it opens when it holds something or is asked for.
  reveal([...(section?.querySelectorAll("input:not([type=hidden])") ?? [])].some(isInUse));
  for (const radio of document.querySelectorAll(`[data-opens="${input.dataset.typeaheadNew}"]`)) {
    radio.addEventListener("change", () => reveal(true));
  }
  input.addEventListener("blur", stop);
  // mousedown, not click: the field must not lose focus before the choice is made
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
}

function drawList(input) {
  const list = document.createElement("ul");
  list.id = `${input.id}-options`;
  list.className = "typeahead-list";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0]?.textContent.trim() ?? input.name);
  const count = document.createElement("span");
  count.className = "visually-hidden";
  count.setAttribute("role", "status");
  const box = document.createElement("div");
  box.className = "typeahead";
  const hadFocus = document.activeElement === input; // moving a field takes its focus away
  input.replaceWith(box);
  box.append(input, list, count);
  if (hadFocus) input.focus();
  for (const [name, value] of [
    ["role", "combobox"],
    ["aria-autocomplete", "list"],
    ["aria-expanded", "false"],
    ["aria-controls", list.id],
    ["autocomplete", "off"],
  ]) input.setAttribute(name, value);
  return { list, count };
}

function enhanceAll() {
  for (const input of document.querySelectorAll("input[data-typeahead]:not([role=combobox])")) enhance(input);
}

document.addEventListener("htmx:after:swap", enhanceAll);
enhanceAll();
