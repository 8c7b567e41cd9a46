// Prints the golden requests of the presets that are named, from the folder of all, as
// TypeScript: each is a literal of the type that types.ts has for its method and path.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

// "step METHOD URL", then the body until a line that is a comment.
const request = /^\w+ (GET|POST|PUT|PATCH|DELETE) (\S+)\n((?:(?!#).*\n)*)/gm;
const [folder, ...presets] = process.argv.slice(2);

const all = new Set();
for (const preset of presets) {
  for (const file of readdirSync(join(folder, preset))) {
    const text = readFileSync(join(folder, preset, file), "utf8");
    for (const [, method, address, body] of text.matchAll(request)) {
      const url = new URL(address);
      const place = `${method} ${url.pathname.replace(/\/[0-9]+(?=\/|$)/g, "/{id}")}`;
      const query = JSON.stringify(Object.fromEntries(url.searchParams));
      all.add(`  { place: ${JSON.stringify(place)}, query: ${query}, body: ${body.trim() || "undefined"} },`);
    }
  }
}
if (all.size === 0) {
  throw new Error("there are no golden requests");
}
console.log(`import type { Request } from "./types.js";\n\nexport const requests: Request[] = [\n${[...all].join("\n")}\n];`);
