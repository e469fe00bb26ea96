// The sound of a message: two notes, made here. Fetched when it is first wanted.

/** A fourth apart: two voices. */
const NOTES_HZ = [587, 784];

/** @type {AudioContext | undefined} */
let audio;

export function chime() {
  audio ??= new AudioContext();
  const { currentTime, destination } = audio;
  NOTES_HZ.forEach((frequency, index) => {
    if (!audio) return;
    const at = currentTime + 0.12 * index;
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0.12, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.35);
    const note = new OscillatorNode(audio, { frequency });
    note.connect(volume).connect(destination);
    note.start(at);
    note.stop(at + 0.4);
  });
}
