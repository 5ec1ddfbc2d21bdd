// The way back to the recruiter happens by itself after a while: announced, once, and easily stopped.

const section = document.querySelector("[data-way-back]");
const countdown = section?.querySelector("[data-countdown]");
const key = `study-went-back ${window.location.pathname}`;

function remembered() {
  try {
    return sessionStorage.getItem(key) !== null;
  } catch {
    return true; // storage is blocked: better never by itself than again and again
  }
}

function remember() {
  try {
    sessionStorage.setItem(key, "1");
  } catch {
    // Nothing to do: without storage there is no countdown either.
  }
}

if (countdown && !remembered()) {
  const seconds = countdown.querySelector("[data-seconds]");
  const go = section.querySelector("[data-go]");
  let left = Number(countdown.dataset.countdown);
  const timer = setInterval(() => {
    if (document.hidden) return; // somebody who is away does not miss it
    left -= 1;
    seconds.textContent = left;
    if (left <= 0) {
      stop();
      go.click();
    }
  }, 1000);
  const stop = () => {
    clearInterval(timer);
    countdown.hidden = true;
    remember();
  };
  countdown.hidden = false;
  countdown.querySelector("[data-stay]").addEventListener("click", stop);
  go.addEventListener("click", stop);
}
