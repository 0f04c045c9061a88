import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { chromiumArgs, findChromium, howToGetChromium } from '../../scripts/chromium.mjs';
import { entries, importName } from '../../scripts/entries.mjs';
import { startChromium } from '../support/chromium-tabs.ts';
import { startReferenceServer } from '../support/reference-server.ts';

const executablePath = findChromium();
if (executablePath === undefined) console.warn(`A strict policy is NOT tested in a browser: none was found. ${howToGetChromium}`);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** What is built; without a build its source, which is the same. */
function fileOf({ output, source }: (typeof entries)[number]): string {
  const built = `${root}dist/${output}.js`;
  return existsSync(built) ? built : `${root}${source}`;
}

async function bundlePage(): Promise<string> {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('csp-page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    tsconfigRaw: {},
    // a chunk that has nothing but side effects is left out, as it should be
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'the package as it is built',
        setup({ onResolve }) {
          onResolve({ filter: /^keepwire/ }, ({ path }) => {
            const entry = entries.find((candidate) => importName(candidate) === path);
            return entry && { path: fileOf(entry) };
          });
        },
      },
    ],
  });
  return bundle.outputFiles[0]?.text ?? '';
}

test.skipIf(executablePath === undefined)(
  'a page under a strict policy with Trusted Types has no violation, with everything on it',
  { timeout: 60_000 },
  async () => {
    const script = await bundlePage();
    const server = await startReferenceServer({
      fallback(request, response) {
        const isScript = request.url === '/page.js';
        const socket = `ws://${request.headers.host}`;
        response.writeHead(200, {
          'content-type': isScript ? 'text/javascript' : 'text/html',
          'content-security-policy': `default-src 'none'; script-src 'self'; connect-src 'self' ${socket}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
        });
        response.end(isScript ? script : '<!doctype html><title>page</title><body><script src="/page.js"></script>');
      },
    });
    const browser = await startChromium(executablePath ?? '', chromiumArgs);
    const tab = await browser.open(`${server.url}/`);
    await expect.poll(() => tab.evaluate<boolean>('window.connected?.() ?? false'), { timeout: 30_000 }).toBe(true);
    await expect.poll(() => tab.evaluate<string>('window.shown()')).toContain('onerror');
    expect(await tab.evaluate('window.violations')).toEqual([]);
    expect(await tab.evaluate('document.title')).toBe('page');
    // the same page would have told of one
    expect(await tab.evaluate('window.offend()')).toContain('TrustedHTML');
    await expect.poll(() => tab.evaluate<string[]>('window.violations')).toHaveLength(1);
  },
);

/** Every script that users get, or while there is no build the source of it. */
function shipped(): (readonly [file: string, text: string])[] {
  const folder = existsSync(`${root}dist`) ? 'dist' : 'src';
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(c?js|tsx?)$/.test(file) && !file.endsWith('.d.ts'))
    .map((file) => [`${folder}/${file}`, readFileSync(`${root}${folder}/${file}`, 'utf8')] as const);
}

describe('what is shipped', () => {
  test('makes no code out of text, no markup out of text, and loads nothing from elsewhere', () => {
    const bad =
      /\beval\s*\(|\bnew\s+Function\b|(?<![\w.])Function\s*\(|\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|srcdoc|javascript:|\bimportScripts\b|import\(\s*(?!["'])|set(Timeout|Interval)\(\s*["'`]/;
    const files = shipped();
    expect(files.length).toBeGreaterThan(20);
    expect(
      files.filter(([, text]) => bad.test(text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''))).map(([file]) => file),
    ).toEqual([]);
    for (const offence of ['eval("1")', 'new Function("a")', 'el.innerHTML = x', 'import(url)'])
      expect(bad.test(offence)).toBe(true);
  });

  test('names no host', () => {
    const hosts = shipped().flatMap(([file, text]) =>
      [...text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').matchAll(/["'`](?:https?|wss?):\/\/([^"'`/$\s]+)/g)].map(
        ([, host]) => `${file}: ${host}`,
      ),
    );
    // a base for relative addresses that is never asked, and the name space of SVG
    expect(hosts.filter((host) => !/: (localhost|www\.w3\.org)$/.test(host))).toEqual([]);
  });

  test('has no regular expression that can be made slow', async () => {
    const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
    const { default: ts } = await import('typescript');
    const found: string[] = [];
    const slow: string[] = [];
    for (const file of sources) {
      const tree = ts.createSourceFile(file, readFileSync(`${root}src/${file}`, 'utf8'), ts.ScriptTarget.Latest);
      const visit = (node: import('typescript').Node): void => {
        if (ts.isRegularExpressionLiteral(node)) {
          found.push(node.text);
          if (isSlow(node.text)) slow.push(`${file}: ${node.text}`);
        }
        ts.forEachChild(node, visit);
      };
      visit(tree);
    }
    expect(found.length).toBeGreaterThan(10);
    expect(slow).toEqual([]);
    for (const text of ['/(a+)+$/', '/(?:x*y?)*z/', '/(\\w+\\s?){2,}/']) expect(isSlow(text)).toBe(true);
    expect(isSlow('/^[a-z]+(?=:)/')).toBe(false);
  });
});

/** A repeated group that repeats something itself: the shape that backtracks without end. */
function isSlow(regex: string): boolean {
  const text = regex.replaceAll(/\\./g, 'a').replaceAll(/\[[^\]]*\]/g, 'a');
  return /\([^()]*[*+}][^()]*\)(?:[*+]|\{\d+,)/.test(text);
}
