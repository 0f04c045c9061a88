// @ts-check
// Builds dist/ and looks at what came out: the things that go wrong without a message.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { entries } from './entries.mjs';
import { report, root, run } from './run.mjs';

rmSync(`${root}dist`, { recursive: true, force: true });
if (!run('tsup', ['--silent'])) process.exit(1);
copyFileSync(`${root}src/style.css`, `${root}dist/style.css`);

/** @type {string[]} */
const complaints = [];

for (const { output } of entries) {
  for (const ending of ['js', 'cjs', 'd.ts', 'd.cts']) {
    if (!existsSync(`${root}dist/${output}.${ending}`)) complaints.push(`dist/${output}.${ending} was not built`);
  }
}

// esbuild writes 'use strict' before every directive; some tools look for 'use client' on the first line only
const reactCjs = `${root}dist/react.cjs`;
writeFileSync(reactCjs, readFileSync(reactCjs, 'utf8').replace(/^("use strict";\n)("use client";\n)/, '$2$1'));

for (const output of ['react', 'vanilla']) {
  for (const ending of ['js', 'cjs']) {
    const file = `dist/${output}.${ending}`;
    const isClient = /^(["'])use client\1;?\s*\n/.test(readFileSync(root + file, 'utf8'));
    if (isClient !== (output === 'react')) complaints.push(`${file} ${isClient ? 'begins' : 'does not begin'} with 'use client'`);
  }
}

const bundled = ['mitt', 'eventsource-parser', '@standard-schema/spec'];
const imported = /(?:\bfrom\s*|\brequire\(|\bimport\(|\bimport\s*)(["'])([^"']+)\1/g;
for (const file of readdirSync(`${root}dist`)) {
  if (file.endsWith('.map')) continue;
  for (const [, , name] of readFileSync(`${root}dist/${file}`, 'utf8').matchAll(imported)) {
    if (name !== undefined && bundled.includes(name)) complaints.push(`dist/${file} imports ${name}, which users do not install`);
  }
}

report(complaints, `dist/ has ${entries.length} entries as ESM and CJS with types; react begins with 'use client'`);
