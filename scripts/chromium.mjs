// @ts-check
import { existsSync } from 'node:fs';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser that the browser tests use, or `undefined` if this machine has none. */
export function findChromium() {
  const chosen = process.env['CHROMIUM_PATH'];
  return (chosen ? [chosen] : places).find((path) => existsSync(path));
}

/** How it is started: it must not look up hosts of its own during the tests. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What to tell someone whose machine has none. */
export const howToGetChromium =
  'Get it with `apt-get install chromium` (Debian), or set CHROMIUM_PATH to a Chromium or Chrome that is installed.';
