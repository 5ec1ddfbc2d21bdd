// The copy button beside the completion code; hidden where the browser cannot copy.

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.querySelector("span");
  const code = document.getElementById(button.dataset.copy);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      label.textContent = button.dataset.textCopied;
    } catch {
      window.getSelection().selectAllChildren(code); // copying was refused: leave the code selected
    }
  });
}
