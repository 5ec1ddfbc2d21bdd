// The pictures of a trial: shown together once all are decoded, loaded again on trouble, enlarged on request. The page
// stays for the next trials of the same task: begin() takes up the pictures of each (see next_trial.js).

const retries = 2;
const patience = 15000; // milliseconds until a slow connection is called trouble

let grid, pictures, trouble, openedAt; // of the trial on the page
let dialog, enlarged, position; // of the enlarged picture
let current; // its index

function begin() {
  openedAt = performance.now();
  grid = document.querySelector("[data-pictures]");
  pictures = [...grid.querySelectorAll("img")];
  trouble = document.querySelector("[data-trouble=pictures]");
  trouble.querySelector("[data-retry-pictures]").addEventListener("click", retry);
  dialog = document.querySelector("[data-enlarged]");
  enlarged = dialog.querySelector("img");
  position = dialog.querySelector("[data-text]");
  current = 0;
  pictures.forEach(enlargeOnRequest);
  dialog.addEventListener("click", press);
  dialog.addEventListener("keydown", turn);
  dialog.addEventListener("close", () => pictures[current].closest("a").focus());
  show();
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

// Loading

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function reload(picture) {
  const address = picture.src;
  picture.removeAttribute("src");
  picture.src = address;
  tell("study:event", { kind: "picture-retried", detail: {} });
}

async function decode(picture) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await picture.decode();
      return;
    } catch (error) {
      if (attempt === retries) throw error;
      await pause(400 * 2 ** attempt);
      reload(picture);
    }
  }
}

function paintedFrame() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

async function show() {
  let arrived = 0;
  const count = (picture) => decode(picture).then(() => tell("study:pictures-progress", { done: (arrived += 1), total: pictures.length }));
  const slow = setTimeout(() => (trouble.hidden = false), patience);
  try {
    await Promise.all(pictures.map(count));
  } catch {
    trouble.hidden = false;
    tell("study:event", { kind: "picture-failed", detail: {} });
    return;
  } finally {
    clearTimeout(slow);
  }
  trouble.hidden = true;
  grid.dataset.state = "ready";
  await paintedFrame();
  const shownAt = performance.now();
  const milliseconds = Math.round(shownAt - openedAt);
  tell("study:pictures-shown", { shownAt, milliseconds });
  tell("study:event", { kind: "pictures-loaded", detail: { milliseconds } });
}

function retry() {
  trouble.hidden = true;
  pictures.filter((picture) => !picture.complete || picture.naturalWidth === 0).forEach(reload);
  show();
}

// Enlarging

function enlarge(index) {
  current = (index + pictures.length) % pictures.length;
  enlarged.src = pictures[current].closest("a").href;
  enlarged.alt = pictures[current].alt;
  position.textContent = position.dataset.text.replace("{number}", current + 1).replace("{total}", pictures.length);
}

function enlargeOnRequest(picture, index) {
  // Pictures that are themselves the answer, such as tiles, cannot be enlarged: a press on them chooses.
  picture.closest("a")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    enlarge(index);
    dialog.showModal();
    tell("study:event", { kind: "enlarge", detail: { picture: index + 1 } });
  });
}

function press(event) {
  const move = event.target.closest("[data-move]");
  if (move) enlarge(current + Number(move.dataset.move));
  if (event.target === dialog || event.target === enlarged || event.target.closest("[data-close]")) dialog.close();
}

function turn(event) {
  if (event.key === "ArrowLeft") enlarge(current - 1);
  if (event.key === "ArrowRight") enlarge(current + 1);
}

document.addEventListener("study:trial", begin);
begin();
