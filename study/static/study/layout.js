// Makes the pictures of a trial as large as the screen allows: rows of one height, every picture in its own shape.
// Loaded right after the grid, so that it has its final layout before anything is painted; the grids of further trials on
// the same page follow as they come (see next_trial.js).
(() => {
  "use strict";
  let grid, box, shapes; // of the trial on the page
  const gap = 8; // pixels, as in the style sheet
  const twoColumns = window.matchMedia("(min-width: 60rem)");
  const largestHeight = 600; // pixels; pictures have 480, more would only blur

  function rowsAt(height, width) {
    let rows = 1;
    let used = 0;
    for (const shape of shapes) {
      const needed = shape * height;
      if (used > 0 && used + gap + needed > width) {
        rows += 1;
        used = 0;
      }
      used += (used > 0 ? gap : 0) + needed;
    }
    return rows;
  }

  // The largest number between `low` and `high` for which `fits` holds, or the smallest with `smallest`.
  function bisect(low, high, fits, smallest) {
    for (let step = 0; step < 24; step += 1) {
      const middle = (low + high) / 2;
      if (fits(middle) === smallest) high = middle;
      else low = middle;
    }
    return smallest ? high : low;
  }

  function fit() {
    const width = box.clientWidth;
    const space = twoColumns.matches ? box.clientHeight : Math.max(320, window.innerHeight * 0.65);
    const widest = Math.max(...shapes);
    const height = bisect(
      40,
      Math.min(largestHeight, width / widest),
      (candidate) => rowsAt(candidate, width) * (candidate + gap) - gap <= space,
      false,
    );
    const rows = rowsAt(height, width);
    const balanced = bisect(widest * height, width, (candidate) => rowsAt(height, candidate) <= rows, true);
    grid.style.setProperty("--row-height", `${Math.floor(height)}px`);
    grid.style.setProperty("--row-width", `${Math.ceil(balanced) + 1}px`);
    grid.classList.add("fitted");
  }

  let fittedWidth = 0;
  function fitAgain() {
    // On phones the height changes whenever the address bar or the keyboard slides in; the pictures stay.
    if (window.innerWidth === fittedWidth && !twoColumns.matches) return;
    fittedWidth = window.innerWidth;
    fit();
  }
  function begin() {
    grid = document.querySelector("[data-pictures]");
    box = grid.parentElement;
    shapes = [...grid.querySelectorAll("img")].map(
      (picture) => picture.getAttribute("width") / picture.getAttribute("height"),
    );
    fittedWidth = window.innerWidth;
    fit();
  }
  begin();
  document.addEventListener("study:trial", begin);
  window.addEventListener("resize", fitAgain);
})();
