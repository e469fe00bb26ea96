// The sound of a message: two notes, made here. Fetched when it is first wanted.

/** A fourth apart: two voices. */
const NOTES_HZ = [587, 784];
const SOUND_MS = 600;
/** A sound that the browser held back for longer is dropped. */
const LATE_MS = 1_000;

/** How many are playing or waiting. */
let sounding = 0;

/** @param {AudioContext} audio is put to rest again: while one runs, some systems do not go to sleep */
export async function chime(audio) {
  sounding++;
  const asked = performance.now();
  // Waits until somebody has pressed something on the page.
  await audio.resume();
  if (performance.now() - asked < LATE_MS) {
    NOTES_HZ.forEach((frequency, index) => sound(audio, frequency, audio.currentTime + 0.12 * index));
    await new Promise((over) => setTimeout(over, SOUND_MS));
  }
  if (!--sounding) await audio.suspend();
}

/** @param {AudioContext} audio @param {number} frequency @param {number} at */
function sound(audio, frequency, at) {
  const volume = new GainNode(audio, { gain: 0 });
  volume.gain.setValueAtTime(0.12, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + 0.35);
  const note = new OscillatorNode(audio, { frequency });
  note.connect(volume).connect(audio.destination);
  note.start(at);
  note.stop(at + 0.4);
}
