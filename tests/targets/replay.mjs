// node replay.mjs MODULE.wasm MODEL ROWS: as replay.c, through WebAssembly.
import { readFileSync, writeSync } from "node:fs";

const [module, model_path, rows_path] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(module), {});
const ff = instance.exports;

const bytes = (at, length) => new Uint8Array(ff.memory.buffer, at, length);

function inside(source) {
  const at = ff.ferroflow_allocate(source.length);
  bytes(at, source.length).set(source);
  return at;
}

function fail() {
  const at = ff.ferroflow_allocate(1000);
  const length = Math.min(ff.ferroflow_error(at, 1000), 1000);
  console.error(new TextDecoder().decode(bytes(at, length)));
  process.exit(1);
}

function write_out(at, length) {
  for (let done = 0; done < length; ) {
    done += writeSync(1, bytes(at + done, Math.min(length - done, 1 << 16)));
  }
}

const file = readFileSync(model_path);
const file_at = inside(file);
const model = ff.ferroflow_load(file_at, file.length) || fail();
ff.ferroflow_release(file_at, file.length);

const source = readFileSync(rows_path);
let at = 0;
const take = () => Number(source.readBigInt64LE((at += 8) - 8));
const n = take();
const n_columns = take();
if (n_columns !== ff.ferroflow_columns(model)) throw new Error("these rows are another model's");
const rows = ff.ferroflow_rows_new(model);
for (let j = 0; j < n_columns; j++) {
  const texts = take();
  const size = take();
  let text = at + 8 * n;
  const room = ff.ferroflow_allocate(1 << 16);
  for (let i = 0; i < n; i++) {
    let refused;
    if (texts) {
      const length = take();
      if (length >= 0) bytes(room, length).set(source.subarray(text, text + length));
      refused = ff.ferroflow_text(rows, j, length < 0 ? 0 : room, Math.max(length, 0));
      text += Math.max(length, 0);
    } else {
      refused = ff.ferroflow_number(rows, j, source.readDoubleLE((at += 8) - 8));
    }
    if (refused) fail();
  }
  at += size;
  ff.ferroflow_release(room, 1 << 16);
}
const n_values = 8 * n * ff.ferroflow_outputs(model);
const n_probabilities = 8 * n * ff.ferroflow_probabilities(model);
const values = ff.ferroflow_allocate(n_values);
const probabilities = ff.ferroflow_allocate(n_probabilities);
if (ff.ferroflow_predict(rows, values, probabilities) !== n) fail();
write_out(values, n_values);
write_out(probabilities, n_probabilities);
