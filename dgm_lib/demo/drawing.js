// The canvas of a DrawPad: `drawn` holds x1, y1, x2, y2, ... as little-endian float32.
const INTERVAL = 150; // milliseconds between two reports to the kernel during a stroke

function render({ model, el }) {
  const size = model.get("size");
  const [left, right, bottom, top] = model.get("bounds");
  const canvas = document.createElement("canvas");
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = size * ratio;
  canvas.style.cssText = `width:${size}px; height:${size}px; background:white; ` +
    "border:1px solid #7f7f7f; border-radius:3px; cursor:crosshair; touch-action:none";
  const button = document.createElement("button");
  button.textContent = "clear";
  button.className = "jupyter-button";
  const text = document.createElement("span");
  text.textContent = model.get("label");
  const foot = document.createElement("div");
  foot.style.cssText = "display:flex; gap:8px; align-items:center; margin:4px 0; font-size:13px; " +
    "color:var(--jp-ui-font-color1, #222)";
  foot.append(button, text);
  el.classList.add("dgm-pad");
  el.append(canvas, foot);

  const ink = canvas.getContext("2d");
  ink.scale(ratio, ratio);
  const across = (x) => ((x - left) / (right - left)) * size;
  const down = (y) => ((top - y) / (top - bottom)) * size;
  let points = [];
  let drawing = false;
  let reported = 0;

  function line(x0, y0, x1, y1) {
    ink.beginPath();
    ink.moveTo(x0, y0);
    ink.lineTo(x1, y1);
    ink.stroke();
  }
  function dot(x, y) {
    ink.beginPath();
    ink.arc(across(x), down(y), 3, 0, 2 * Math.PI);
    ink.fill();
  }
  function paint() {
    ink.clearRect(0, 0, size, size);
    ink.strokeStyle = "#e4e4e4";
    for (let x = Math.ceil(left); x <= right; x++) line(across(x), 0, across(x), size);
    for (let y = Math.ceil(bottom); y <= top; y++) line(0, down(y), size, down(y));
    ink.strokeStyle = "#b0b0b0";
    line(across(0), 0, across(0), size);
    line(0, down(0), size, down(0));
    ink.fillStyle = "rgba(0, 114, 178, 0.55)";
    for (let i = 0; i < points.length; i += 2) dot(points[i], points[i + 1]);
  }
  function load() {
    const view = model.get("drawn");
    const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    points = Array.from(new Float32Array(bytes));
    paint();
  }
  function report() {
    model.set("drawn", new DataView(new Float32Array(points).buffer));
    model.save_changes();
    reported = performance.now();
  }
  function add(event) {
    const seen = canvas.getBoundingClientRect();
    const x = left + ((event.clientX - seen.left) / seen.width) * (right - left);
    const y = top - ((event.clientY - seen.top) / seen.height) * (top - bottom);
    points.push(x, y);
    dot(x, y);
  }

  canvas.onpointerdown = (event) => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    add(event);
  };
  canvas.onpointermove = (event) => {
    if (!drawing) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    (passed.length ? passed : [event]).forEach(add);
    if (performance.now() - reported > INTERVAL) report();
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!drawing) return;
    drawing = false;
    report();
  };
  button.onclick = () => {
    points = [];
    paint();
    report();
  };
  const changed = () => drawing || load();
  model.on("change:drawn", changed);
  load();
  return () => model.off("change:drawn", changed);
}

export default { render };
