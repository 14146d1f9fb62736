// Bundles entry.js with the pinned ECharts into the asset that the HTML reports inline, and its licences beside it.
//
//     cd tools/echarts && npm ci && npm run build
//
// The same versions give the same bytes: after a build without changes, `git diff` is empty.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const HERE = new URL(".", import.meta.url);
const ASSETS = new URL("../../src/yuheng/reporting/assets/", HERE);
const LIMIT = 600_000;

// Everything that ends up in the bundle, with the files that hold its terms.
const PARTS = {
  echarts: ["LICENSE", "NOTICE", "licenses/LICENSE-d3"],
  zrender: ["LICENSE"],
  tslib: ["LICENSE.txt"],
};

const inside = (name, file) => new URL(`node_modules/${name}/${file}`, HERE);

async function described(name) {
  const { version, license } = JSON.parse(await readFile(inside(name, "package.json"), "utf8"));
  return `${name} ${version} (${license})`;
}

async function licences(name, files) {
  const texts = await Promise.all(files.map((file) => readFile(inside(name, file), "utf8")));
  const rule = "=".repeat(78);
  return `${rule}\n${await described(name)}\n${rule}\n\n${texts.map((text) => text.trim()).join("\n\n")}\n`;
}

const parts = await Promise.all(Object.keys(PARTS).map(described));
const banner = `/*! ${parts.join(", ")}: built by tools/echarts of Yuheng; licences in echarts.LICENSES.txt */`;
const { outputFiles } = await build({
  entryPoints: [new URL("entry.js", HERE).pathname],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "echarts",
  target: "es2020",
  charset: "ascii",
  legalComments: "none",
  banner: { js: banner },
  write: false,
});
const [{ text }] = outputFiles;
if (text.length > LIMIT) throw new Error(`the bundle has ${text.length} bytes, more than the ${LIMIT} allowed`);
if (/<\/script|<!--/i.test(text)) throw new Error("the bundle cannot stand inside a <script> element");

const terms = await Promise.all(Object.entries(PARTS).map(([name, files]) => licences(name, files)));
await writeFile(new URL("echarts.min.js", ASSETS), text);
await writeFile(new URL("echarts.LICENSES.txt", ASSETS), terms.join("\n"));
console.log(`echarts.min.js: ${text.length} bytes, ${parts.join(", ")}`);
