// <form data-passkey="create|get"> asks the device for a passkey, puts its answer into the field "credential" and
// posts. What the device is asked stands in #passkey-options, or is fetched from data-passkey-options.

const can = window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.isSecureContext;

for (const form of document.querySelectorAll("form[data-passkey]")) if (can) enable(form);

function enable(form) {
  const button = form.querySelector("[data-passkey-start]");
  const status = form.querySelector("[data-passkey-status]");
  button.hidden = false;
  status.textContent = "";
  button.addEventListener("click", async () => {
    button.disabled = true;
    status.textContent = "";
    try {
      const { publicKey } = await options(form);
      const credential = form.dataset.passkey === "create" ? await create(publicKey) : await get(publicKey);
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch {
      status.textContent = status.dataset.failed;
    } finally {
      button.disabled = false;
    }
  });
}

async function options(form) {
  if (!form.dataset.passkeyOptions) return JSON.parse(document.getElementById("passkey-options").textContent);
  const response = await fetch(form.dataset.passkeyOptions, { headers: { Accept: "application/json" } });
  return (await response.json()).request_options;
}

// A passkey that knows whose it is opens the door without a name; an older key, which can't, is taken all the same.
function create(publicKey) {
  const wanted = { ...publicKey.authenticatorSelection, residentKey: "preferred", userVerification: "preferred" };
  const asked = { ...publicKey, authenticatorSelection: wanted };
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) });
}

function get(publicKey) {
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
}
