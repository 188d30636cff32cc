// A WASI program under Node, Bun or Deno: run.mjs GUEST ARGUMENTS…
// GUEST is a WebAssembly module, or what precompile.mjs made of one.

import { readFileSync } from "node:fs";
import process from "node:process";
import { deserialize } from "node:v8";
import { WASI } from "node:wasi";

const [file, ...guestArguments] = process.argv.slice(2);
const bytes = readFileSync(file);
const module = file.endsWith(".wasm") ? new WebAssembly.Module(bytes) : withCode(deserialize(bytes));

const wasi = new WASI({
  version: "preview1",
  args: [file, ...guestArguments],
  env: {},
  preopens: { ".": "." },
  returnOnExit: true,
});
const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport });
process.exitCode = wasi.start(instance);

// V8 takes machine code from the same V8 with the same flags only, and compiles nothing in its place.
function withCode({ code, wire }) {
  // this syntax needs --allow-natives-syntax, which only such a run has
  const made = new Function("code", "wire", "return %DeserializeWasmModule(code, wire)")(code, wire);
  if (!made) {
    throw new Error(`${file} was made by another V8, for another processor, or with other flags`);
  }
  return made;
}
