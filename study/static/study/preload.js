// Loads the pictures of the next trials ahead, one trial after the other, with patience for a slow network.
// On a trial's page it waits until that trial's own pictures are shown, and so for each trial that comes to the page.

const bar = document.querySelector("[data-preload]");
const sizes = "(min-width: 60rem) 30vw, (min-width: 40rem) 33vw, 50vw"; // as in parts/picture.html
const retries = 2;
const patience = 20000; // milliseconds for one attempt at one picture
const atOnce = 3; // leave the network some room for what the page itself needs
let pictures = [];
let kept = []; // references, so that decoded pictures stay
let done = 0;
let failures = 0;

function load(picture) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    const timer = setTimeout(() => finish(reject), patience);
    function finish(settle) {
      clearTimeout(timer);
      settle();
    }
    image.onload = () => finish(resolve);
    image.onerror = () => finish(reject);
    if (picture.srcset) {
      image.sizes = sizes;
      image.srcset = picture.srcset;
    }
    image.src = picture.src;
    kept.push(image);
  });
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function loadPatiently(picture) {
  for (let attempt = 0; attempt <= retries; attempt += 1) {
    try {
      await load(picture);
      return true;
    } catch {
      await pause(500 * 2 ** attempt);
    }
  }
  return false;
}

function show() {
  if (!bar) return;
  const progress = bar.querySelector("progress");
  progress.max = pictures.length;
  progress.value = done;
  const text = failures ? bar.dataset.textFailed : bar.dataset.text;
  bar.querySelector("[data-preload-text]").textContent = text
    .replace("{done}", done)
    .replace("{total}", pictures.length);
  bar.hidden = false;
}

async function work(queue) {
  while (queue.length) {
    if (await loadPatiently(queue.shift())) done += 1;
    else failures += 1;
    show();
  }
}

async function start() {
  const list = document.getElementById("next-pictures");
  pictures = list ? JSON.parse(list.textContent) : [];
  kept = [];
  done = failures = 0;
  if (!pictures.length) return;
  show();
  const queue = [...pictures];
  await Promise.all(Array.from({ length: atOnce }, () => work(queue)));
  if (failures) {
    const detail = { kind: "preload-failed", detail: { pictures: failures } };
    document.dispatchEvent(new CustomEvent("study:event", { detail }));
  }
}

if (document.querySelector("[data-answer]")) document.addEventListener("study:pictures-shown", start);
else start();
