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

// The newest tab goes on; the one before says so and rests. Its participant can take it up again.
if ("BroadcastChannel" in window) {
  const channel = new BroadcastChannel(`study ${stopped.dataset.heartbeat}`);
  channel.addEventListener("message", (message) => {
    if (message.data === "opened") {
      channel.postMessage("was open");
      document.documentElement.dataset.stopped = "";
      if (!stopped.open) stopped.showModal();
    }
    if (message.data === "was open" && here.hidden && !stopped.open) {
      here.hidden = false;
      const body = new Blob([JSON.stringify({ kind: "second-tab" })], { type: "application/json" });
      navigator.sendBeacon(stopped.dataset.events, body);
    }
  });
  channel.postMessage("opened");
  stopped.addEventListener("cancel", (event) => event.preventDefault());
  stopped.querySelector("[data-tab-use]").addEventListener("click", () => window.location.reload());
}
