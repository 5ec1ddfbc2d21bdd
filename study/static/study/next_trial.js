// The next trial takes the place of the one that was answered, on the same page: the answer's response brings its parts.
// To whoever looks or listens it is a new page: a new title, the top of it, and the question in focus.

const parts = [".page-header", "#main"];
const ahead = "#next-pictures"; // which pictures are loaded ahead

async function show({ response, address }) {
  let next;
  try {
    next = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    window.location.assign(address); // saved, but the way back broke off: the page itself can be asked for again
    return;
  }
  for (const part of parts) document.querySelector(part).replaceChildren(...next.querySelector(part).childNodes);
  document.querySelector(ahead).replaceWith(next.querySelector(ahead));
  document.title = next.title;
  history.replaceState(null, "", address);
  window.scrollTo(0, 0);
  const question = document.querySelector("#main h1");
  question.tabIndex = -1;
  document.dispatchEvent(new CustomEvent("study:trial"));
  question.focus({ preventScroll: true });
}

document.addEventListener("study:next-trial", (event) => show(event.detail));
