"use strict";
// The text of a mark, and the photo of a dot, for a mouse, a finger and a keyboard. Without this script browsers show
// the text of a mark as its title.
{
  const tip = document.getElementById("tip"), words = tip.querySelector("p"), photo = tip.querySelector("canvas");
  const faces = document.getElementById("thumbnails"), side = photo.width, near = 24;
  const texts = new Map();
  let shown = null;

  const hide = () => {
    shown?.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };

  const middle = (mark) => {
    const box = mark.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };

  const show = (mark, [x, y]) => {
    if (mark !== shown) {
      hide();
      shown = mark;
      mark.classList.add("on");
      words.textContent = texts.get(mark);
      photo.hidden = mark.dataset.photo === undefined;
      if (!photo.hidden) {
        const number = Number(mark.dataset.photo), across = faces.naturalWidth / side;
        const [left, top] = [number % across, Math.floor(number / across)].map((place) => place * side);
        photo.getContext("2d").drawImage(faces, left, top, side, side, 0, 0, side, side);
      }
      tip.hidden = false;
    }
    const { offsetWidth: width, offsetHeight: height } = tip;
    const room = document.documentElement.clientWidth - width - 8;
    tip.style.left = `${Math.max(8, Math.min(x + 14, room))}px`;
    tip.style.top = `${y - height - 14 < 8 ? y + 20 : y - height - 14}px`;
  };

  const nearest = (marks, x, y) => {
    let best = null, least = near;
    for (const mark of marks) {
      const [left, top] = middle(mark), away = Math.hypot(left - x, top - y);
      if (away < least) [best, least] = [mark, away];
    }
    return best;
  };

  const connect = (plot) => {
    const marks = [...plot.querySelectorAll("circle, rect")].filter((mark) => mark.querySelector("title"));
    for (const mark of marks) {
      texts.set(mark, mark.querySelector("title").textContent);
      mark.querySelector("title").remove();
    }
    if (!marks.length) return;
    const point = ({ target, clientX: x, clientY: y }) => {
      const mark = texts.has(target) ? target : nearest(marks, x, y);
      if (mark) show(mark, [x, y]);
      else hide();
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = marks.indexOf(shown), next = at < 0 ? 0 : (at + step + marks.length) % marks.length;
      show(marks[next], middle(marks[next]));
    });
    plot.setAttribute("tabindex", "0");
  };

  document.querySelectorAll(".plot > svg").forEach(connect);
  document.addEventListener("pointerdown", (event) => event.target.closest(".plot > svg") || hide());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  window.addEventListener("scroll", () => shown && show(shown, middle(shown)), { passive: true });

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const part of opened) part.open = true;
  });
  window.addEventListener("afterprint", () => opened.forEach((part) => part.open = false));
}
