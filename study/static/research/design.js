// Checks the design while it is edited: sends the form as it stands and shows what the server says. Stores nothing.
const form = document.querySelector("form[data-check]");
const result = document.querySelector("[data-check-result]");

if (form && result) {
  let waiting;
  let last;

  async function check() {
    const sent = new FormData(form);
    last = sent;
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body: sent });
      if (answer.ok && last === sent) {
        const text = await answer.text();
        if (result.innerHTML !== text) result.innerHTML = text;
      }
    } catch {
      // Saving tells the same; a check that did not arrive is no reason to disturb anybody.
    }
  }

  form.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(check, 500);
  });
}
