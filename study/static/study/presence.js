// Signs of life that keep the participant's place, and one tab at a time.

const stopped = document.querySelector("[data-tab-stopped]");
const here = document.querySelector("[data-tab-here]");
const interval = 60000; // milliseconds; a lease is minutes

async function beat() {
  if (document.hidden || stopped.open) return;
  try {
    await fetch(stopped.dataset.heartbeat, { method: "POST", keepalive: true });
  } catch {
    // No connection at the moment: the next beat, or the next page, renews the lease.
  }
}
setInterval(beat, interval);
document.addEventListener("visibilitychange", beat);

// The newest tab goes on; the one before says so and rests. Its participant can take it up again. A page that its own
// tab has left may live on for a moment, or wait in the browser's back-forward cache: it is no second tab, so it stops
// listening when it is left, and a page answers only after a moment in which it was not left.
const settling = 250; // milliseconds
let channel = null;
let waiting = null;

function rest() {
  channel.postMessage("was open");
  document.documentElement.dataset.stopped = "";
  if (!stopped.open) stopped.showModal();
}

function tellOfAnother() {
  here.hidden = false;
  const body = new Blob([JSON.stringify({ kind: "second-tab" })], { type: "application/json" });
  navigator.sendBeacon(stopped.dataset.events, body);
}

function listen() {
  channel = new BroadcastChannel(`study ${stopped.dataset.heartbeat}`);
  channel.addEventListener("message", (message) => {
    if (message.data === "opened" && waiting === null) {
      waiting = setTimeout(() => {
        waiting = null;
        rest();
      }, settling);
    }
    if (message.data === "was open" && here.hidden && !stopped.open) tellOfAnother();
  });
  channel.postMessage("opened");
}

function leave() {
  clearTimeout(waiting);
  waiting = null;
  channel.close();
}

if ("BroadcastChannel" in window) {
  listen();
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) listen(); // back from the cache: this is the newest page again
  });
  stopped.addEventListener("cancel", (event) => event.preventDefault());
  stopped.querySelector("[data-tab-use]").addEventListener("click", () => window.location.reload());
}
