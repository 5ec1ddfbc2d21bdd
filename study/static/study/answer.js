// The answer form: what is still missing, keys, the reaction time, and sending without losing the answer. The page stays
// for the next trials of the same task: begin() takes up the form of each (see next_trial.js).

const sendingLimit = 20000; // milliseconds
const keysSetting = "study-keys-off";
const unobserved = { blurs: 0, blurMilliseconds: 0, pastes: 0, pointer: "", keys: 0, enlarged: 0, picturesMilliseconds: null };

let form, submitButton, submitLabel, reason, networkTrouble, groups, keys, keysSwitch; // of the trial on the page
let emptied; // the words of fields that a checkbox stands for, while it is checked
let observed; // what is recorded beside the answer
let startedAt; // performance.now() at the first painted frame with all pictures
let answeredAt; // performance.now() of the first attempt to send this very answer
let blurredAt;
let sending;
let arrived; // how many pictures are there

function begin() {
  form = document.querySelector("[data-answer]");
  submitButton = form.querySelector("[type=submit]");
  submitLabel = submitButton.textContent;
  reason = document.getElementById("reason");
  networkTrouble = form.querySelector("[data-trouble=network]");
  groups = [...form.querySelectorAll("[data-missing]")];
  keys = form.querySelector("[data-keys]");
  keysSwitch = form.querySelector("[data-keys-switch]");
  emptied = new Map();
  observed = { ...unobserved };
  startedAt = answeredAt = blurredAt = null;
  sending = false;
  arrived = { done: 0, total: document.querySelectorAll("[data-pictures] img").length };
  form.querySelectorAll("[data-empties]").forEach(standForEmptyField);
  keys.hidden = false;
  setKeysOff(keysAreOff());
  keysSwitch.addEventListener("click", () => setKeysOff(!keysAreOff()));
  form.addEventListener("paste", countPaste);
  form.addEventListener("submit", submit);
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  showState();
}

// What is missing

function isAnswered(group) {
  return [...group.querySelectorAll("input, select, textarea")].some((control) =>
    ["radio", "checkbox"].includes(control.type) ? control.checked : !control.disabled && control.value.trim() !== "",
  );
}

function firstMissing() {
  return groups.find((group) => !isAnswered(group));
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text; // the same words again would be read aloud again
}

function showState() {
  const missing = firstMissing();
  const waiting = startedAt === null;
  const label = networkTrouble.hidden ? submitLabel : submitButton.dataset.textRetry;
  submitButton.setAttribute("aria-disabled", String(sending || waiting || Boolean(missing)));
  say(submitButton, sending ? submitButton.dataset.textSending : label);
  if (sending) say(reason, "");
  else if (waiting) say(reason, reason.dataset.textLoading.replace("{done}", arrived.done).replace("{total}", arrived.total));
  else say(reason, missing ? missing.dataset.missing : "");
}

// A checkbox may stand for an empty field; switching it off brings the words back.

function standForEmptyField(box) {
  const field = document.getElementById(box.dataset.empties);
  const follow = () => {
    if (box.checked && !field.disabled) emptied.set(field, field.value);
    field.value = box.checked ? "" : field.value || emptied.get(field) || "";
    field.disabled = box.checked;
  };
  box.addEventListener("change", follow);
  follow();
}

// Keys work outside text fields only, and can be turned off.

function keysAreOff() {
  try {
    return localStorage.getItem(keysSetting) === "1";
  } catch {
    return keys.classList.contains("keys-off"); // storage is blocked: the page remembers
  }
}

function setKeysOff(off) {
  keys.classList.toggle("keys-off", off);
  keysSwitch.textContent = off ? keysSwitch.dataset.textOn : keysSwitch.dataset.textOff;
  try {
    localStorage.setItem(keysSetting, off ? "1" : "0");
  } catch {
    // Storage is blocked: the choice lasts for this page.
  }
}

document.addEventListener("keydown", (event) => {
  observed.keys += 1;
  const typing = event.target.matches("input[type=text], textarea, select");
  if (typing || keysAreOff() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && !event.target.closest("a, button, input")) form.requestSubmit();
  const control = form.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!control) return;
  control.click();
  control.focus();
});

// What is recorded beside the answer, as the consent page says

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

function report(kind, detail) {
  const body = new Blob([JSON.stringify([{ kind, detail }])], { type: "application/json" });
  navigator.sendBeacon(form.dataset.events, body);
}

function leave() {
  if (blurredAt !== null || sending) return;
  blurredAt = performance.now();
  observed.blurs += 1;
  report("blur", {});
}

function comeBack() {
  if (blurredAt === null) return;
  const milliseconds = Math.round(performance.now() - blurredAt);
  observed.blurMilliseconds += milliseconds;
  blurredAt = null;
  report("focus", { milliseconds });
}

window.addEventListener("blur", leave);
window.addEventListener("focus", comeBack);
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : comeBack()));
document.addEventListener("pointerdown", (event) => (observed.pointer = event.pointerType));
function countPaste(event) {
  observed.pastes += 1;
  report("paste", { characters: event.clipboardData ? event.clipboardData.getData("text").length : 0 });
}

document.addEventListener("study:event", (event) => {
  if (event.detail.kind === "enlarge") observed.enlarged += 1;
  report(event.detail.kind, event.detail.detail);
});

function clientReport() {
  return JSON.stringify({
    input_type: observed.pointer || (observed.keys ? "keyboard" : ""),
    viewport_width: window.innerWidth,
    viewport_height: window.innerHeight,
    device_pixel_ratio: window.devicePixelRatio,
    blur_ms: observed.blurMilliseconds,
    blur_count: observed.blurs,
    paste_count: observed.pastes,
    key_count: observed.keys,
    pictures_loaded_ms: observed.picturesMilliseconds,
    enlarged_count: observed.enlarged,
  });
}

// Sending

function fillMeasurements() {
  answeredAt ??= performance.now();
  form.elements.reaction_time_ms.value = (answeredAt - startedAt).toFixed(1);
  form.elements.client.value = clientReport();
}

async function send() {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), sendingLimit);
  try {
    // Saved, and the next trial comes with the response, or a redirect leads to what comes next. It is not followed
    // here: the page there must be served once only.
    return await fetch(form.action, {
      method: "POST",
      headers: { Prefer: "return=representation" },
      body: new URLSearchParams(new FormData(form)),
      redirect: "manual",
      signal: limit.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

function failed() {
  sending = false;
  networkTrouble.hidden = false;
  showState();
}

async function submit(event) {
  event.preventDefault();
  if (sending || "stopped" in document.documentElement.dataset) return; // another tab goes on
  const missing = firstMissing();
  if (startedAt === null || missing) {
    missing?.querySelector("input:not(:disabled), select, textarea").focus();
    return;
  }
  fillMeasurements();
  sending = true;
  networkTrouble.hidden = true;
  showState();
  let response;
  try {
    response = await send();
  } catch {
    failed();
    return;
  }
  if (response.headers.has("Preference-Applied")) tell("study:next-trial", { response, address: form.dataset.current });
  else if (response.type === "opaqueredirect") window.location.assign(form.dataset.current);
  else if (response.status >= 500) failed();
  else form.submit(); // the server has something to say: let it show its page
}

function changed() {
  answeredAt = null; // another answer than the one that could not be sent
  showState();
}

document.addEventListener("study:pictures-progress", (event) => {
  arrived = event.detail;
  showState();
});

document.addEventListener("study:pictures-shown", (event) => {
  startedAt = event.detail.shownAt;
  observed.picturesMilliseconds = event.detail.milliseconds;
  showState();
});

// A page taken out of the browser's memory may show a trial that is answered already.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.replace(form.dataset.current);
});

if ("scrollRestoration" in history) history.scrollRestoration = "manual";
document.addEventListener("study:trial", begin);
begin();
