// @ts-check
// Type-checks every TypeScript block of README.md and of the pages in docs/ against the built package, counts the lines of the quick
// starts, and sees that the README has exactly the two commands that it promises.
//
// A block stands alone, as a file of its own. One that begins with ```ts continued goes on where the block before it ended.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { entries, importName } from './entries.mjs';
import { report, root, run } from './run.mjs';

/** The longest that a quick start may be, by the word in the heading above it; empty lines do not count. */
const quickStarts = new Map([
  ['vanilla', 20],
  ['react', 10],
]);
const commands = ['npm install && npm run demo', 'npm install && npm test'];

/** @type {string[]} */
const complaints = [];

/**
 * The fenced blocks of a page.
 *
 * @param {string} page
 */
function* blocks(page) {
  const lines = readFileSync(root + page, 'utf8').split('\n');
  let heading = '';
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line.startsWith('#')) heading = line;
    const fence = /^(\s*)```(\w+)\s*(.*)$/.exec(line);
    if (fence === null) continue;
    const start = index + 1;
    while (index + 1 < lines.length && !/^\s*```\s*$/.test(lines[index + 1] ?? '')) index++;
    const code = lines.slice(start, index + 1).map((text) => text.slice(fence[1]?.length ?? 0));
    index++;
    yield { heading, language: fence[2] ?? '', info: fence[3] ?? '', line: start + 1, code };
  }
}

const pages = [
  'README.md',
  ...['docs', 'docs/guide', 'docs/migrating'].flatMap((folder) =>
    readdirSync(root + folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];
/** @type {{ page: string, line: number, language: string, code: string[] }[]} */
const files = [];
/** @type {string[]} */
const shellLines = [];
const found = new Set();

for (const page of pages) {
  for (const { heading, language, info, line, code } of blocks(page)) {
    if (page === 'README.md' && ['sh', 'bash', 'shell', 'console'].includes(language)) shellLines.push(...code);
    if (language !== 'ts' && language !== 'tsx') continue;
    const before = files.at(-1);
    if (info === 'continued' && before !== undefined) {
      before.code.push(...code);
      // JSX may come late, and TypeScript in a .tsx file stays what it is
      if (language === 'tsx') before.language = 'tsx';
    } else {
      files.push({ page, line, language, code: [...code] });
    }
    if (page !== 'README.md' || !/quick start/i.test(heading)) continue;
    for (const [word, most] of quickStarts) {
      if (found.has(word) || !heading.toLowerCase().includes(word)) continue;
      found.add(word);
      const count = code.filter((text) => text.trim() !== '').length;
      console.log(`quick start, ${word}: ${count} lines (at most ${most})`);
      if (count > most) complaints.push(`the ${word} quick start has ${count} lines, more than ${most}`);
    }
  }
}
for (const word of quickStarts.keys()) if (!found.has(word)) complaints.push(`README.md has no quick start for ${word}`);

const given = shellLines.filter((line) => line.trim() !== '');
if (given.join('\n') !== commands.join('\n'))
  complaints.push(`the commands of README.md are ${JSON.stringify(given)}, not ${JSON.stringify(commands)}`);
if (
  !readFileSync(`${root}.ci/run`, 'utf8')
    .split('\n')
    .includes(commands[1] ?? '')
)
  complaints.push('.ci/run does not run the test command of README.md');

// below node_modules, so that react, zod and the like are found on the way up
const folder = `${root}node_modules/.cache/keepwire-readme`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const names = files.map(({ page, line, language }) => `${page.replaceAll(/[/.]/g, '-')}-line-${line}.${language}`);
// `export {}` makes each block a module, so that names of different blocks do not meet
for (const [index, { code }] of files.entries()) writeFileSync(`${folder}/${names[index]}`, `${code.join('\n')}\nexport {};\n`);
if (!existsSync(`${root}dist/index.d.ts`)) complaints.push('dist/ is missing: run `npm run build` first');
const paths = Object.fromEntries(entries.map((entry) => [importName(entry), [`${root}dist/${entry.output}.d.ts`]]));
writeFileSync(
  `${folder}/tsconfig.json`,
  JSON.stringify({
    extends: `${root}tsconfig.json`,
    compilerOptions: {
      paths,
      isolatedDeclarations: false,
      declaration: false,
      types: ['node'],
      typeRoots: [`${root}node_modules/@types`],
    },
    include: [],
    files: names,
  }),
);
if (files.length > 0 && !run('tsc', ['-p', folder]))
  complaints.push('a code block does not compile; the file name says page and line');

report(complaints, `${files.length} code blocks of ${pages.length} pages compile`);
