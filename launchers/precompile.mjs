// Under Node with --allow-natives-syntax: precompile.mjs GUEST.wasm MODULE
// MODULE gets V8's machine code and the module it came from, which V8 wants beside it.

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { serialize } from "node:v8";

const [guest, file] = process.argv.slice(2);
const wire = new Uint8Array(readFileSync(guest));
const code = %SerializeWasmModule(new WebAssembly.Module(wire));
writeFileSync(file, serialize({ code, wire }));
