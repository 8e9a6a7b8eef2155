// Sends photos to the server of this page, and shows the ages that it answers.

const OLDEST = 100; // years, at the right end of the scales
const REASONS = {
  dark: "darker", bright: "brighter", low_contrast: "with less contrast", high_contrast: "with more contrast",
  blurred: "more blurred", grainy: "more grainy", face_too_far: "the face is smaller in the frame",
  face_too_close: "the face is larger in the frame", few_pixels: "the face has fewer pixels", no_face: "without a face",
  unfamiliar: "the network reacts less",
};
const DECISIONS = { pass: "passes", ask: "ask for proof of age", refuse: "refused" };

const element = (id) => document.getElementById(id);
const shown = new Map(); // card of a photo -> its file

function addPhotos(files) {
  for (const file of files) {
    const card = element("photo").content.firstElementChild.cloneNode(true);
    card.querySelector("h3").textContent = file.name;
    const picture = card.querySelector("img");
    picture.src = URL.createObjectURL(file);
    picture.onerror = () => { picture.hidden = true; };
    shown.set(card, file);
    element("photos").prepend(card);
    ask(card);
  }
  element("clear").hidden = shown.size === 0;
}

async function ask(card) {
  if (!element("settings").reportValidity()) return;
  const file = shown.get(card);
  const question = new URLSearchParams({
    faces: "all", threshold: element("threshold").value, challenge: element("challenge").value,
  });
  const form = new FormData();
  form.append("photos", file, file.name);
  say(`Looking at ${file.name} …`);
  try {
    const answer = await fetchJson(`v1/ages?${question}`, { method: "POST", body: form });
    showPhoto(card, answer.photos[0]);
    say(`${file.name}: ${answer.photos[0].error ?? count(answer.photos[0].faces.length)}`);
  } catch (error) {
    showPhoto(card, { error: error.message, faces: [] });
    say(`${file.name}: ${error.message}`);
  }
}

async function fetchJson(address, options = {}) {
  const token = element("token").value;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(address, { ...options, headers });
  } catch {
    throw new Error("the server does not answer");
  }
  element("token-field").hidden = response.status !== 401 && !token;
  const answer = await response.json();
  if (!response.ok) throw new Error(response.status === 401 ? "this server asks for a token, below" : answer.error);
  return answer;
}

function showPhoto(card, photo) {
  const error = card.querySelector(".error");
  error.hidden = !photo.error;
  error.textContent = photo.error ?? "";
  const numbered = photo.faces.length > 1;
  card.querySelector(".boxes").replaceChildren(
    ...photo.faces.flatMap((face, index) => (face.box ? [boxOf(face.box, photo, numbered ? index + 1 : "")] : [])),
  );
  card.querySelector(".faces").replaceChildren(
    ...photo.faces.map((face, index) => faceOf(face, numbered ? index + 1 : "")),
  );
}

function boxOf(box, photo, number) {
  const frame = document.createElement("div");
  frame.dataset.number = number;
  frame.style.left = `${(100 * box.left) / photo.width}%`;
  frame.style.top = `${(100 * box.top) / photo.height}%`;
  frame.style.width = `${(100 * box.width) / photo.width}%`;
  frame.style.height = `${(100 * box.height) / photo.height}%`;
  return frame;
}

function faceOf(face, number) {
  const item = element("face").content.firstElementChild.cloneNode(true);
  const say = (name, text) => { item.querySelector(name).textContent = text; };
  const years = Math.round(face.age);
  say(".number", number ? `${number}.` : "");
  say(".age", `${years} ${years === 1 ? "year" : "years"}`);
  const interval = face.age_lo === null ? "" : `${Math.round(face.age_lo)} to ${Math.round(face.age_hi)}`;
  say(".interval", interval && `probably ${interval}`);
  say(".decision", DECISIONS[face.decision]);
  item.querySelector(".decision").classList.add(face.decision);

  const place = (age) => `${(100 * Math.min(age, OLDEST)) / OLDEST}%`;
  item.querySelector(".scale").setAttribute("aria-label", `${years} years${interval && `, probably ${interval}`}`);
  item.querySelector(".tick").style.left = place(face.age);
  const range = item.querySelector(".range");
  range.hidden = !interval;
  if (interval) {
    range.style.left = place(face.age_lo);
    range.style.right = `calc(100% - ${place(face.age_hi)})`;
  }
  const reasons = item.querySelector(".reasons");
  reasons.hidden = face.reasons.length === 0;
  reasons.textContent = `Do not trust this age. Unlike the training photos: ${
    face.reasons.map((reason) => REASONS[reason] ?? reason).join(", ")}.`;
  return item;
}

function count(faces) {
  return faces === 1 ? "one age" : `${faces} ages`;
}

function say(text) {
  element("status").textContent = text;
}

async function openCamera() {
  if (!navigator.mediaDevices) {
    say("A browser gives the camera to pages of this machine and to https pages alone.");
    return;
  }
  try {
    element("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    element("camera").hidden = false;
    element("take").focus();
  } catch (error) {
    say(`The camera cannot be used: ${error.message}`);
  }
}

function closeCamera() {
  element("video").srcObject?.getTracks().forEach((track) => track.stop());
  element("video").srcObject = null;
  element("camera").hidden = true;
  element("open-camera").focus();
}

async function takePhoto() {
  const video = element("video");
  if (video.requestVideoFrameCallback) await new Promise((done) => video.requestVideoFrameCallback(done));
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  if (blob) addPhotos([new File([blob], "camera.jpg", { type: blob.type })]);
}

function removeAll() {
  for (const card of shown.keys()) {
    URL.revokeObjectURL(card.querySelector("img").src);
    card.remove();
  }
  shown.clear();
  element("clear").hidden = true;
  say("");
}

function askAgain() {
  for (const card of shown.keys()) ask(card);
}

async function describeModel() {
  try {
    const model = await fetchJson("v1/model");
    element("fingerprint").textContent = model.fingerprint.slice(0, 16);
    element("data").textContent = model.data_version ?? "unknown";
    element("unknown").hidden = model.knows_training_photos;
    element("coverage").textContent = model.coverage
      ? `The range beside each age is meant to hold the real age of ${Math.round(100 * model.coverage)} of 100 people.`
      : "This model gives no range: nothing says how sure an age is.";
  } catch (error) {
    say(error.message);
  }
}

element("files").addEventListener("change", (event) => {
  addPhotos(event.target.files);
  event.target.value = "";
});
element("open-camera").addEventListener("click", openCamera);
element("close-camera").addEventListener("click", closeCamera);
element("take").addEventListener("click", takePhoto);
element("clear").addEventListener("click", removeAll);
element("settings").addEventListener("change", () => { describeModel(); askAgain(); });
element("settings").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("paste", (event) => addPhotos(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  element("drop").classList.add("over");
});
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, () => element("drop").classList.remove("over"));
}
document.addEventListener("drop", (event) => {
  event.preventDefault();
  addPhotos(event.dataTransfer.files);
});
describeModel();
