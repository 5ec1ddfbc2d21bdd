// Copies the text beside a button, and says so.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = button.dataset.done;
      window.setTimeout(() => { button.textContent = words; }, 2000);
    } catch {
      window.getSelection()?.selectAllChildren(document.getElementById(button.dataset.copy));
    }
  });
}
