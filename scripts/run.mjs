// @ts-check
import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const binaries = `${root}node_modules/.bin`;

/** PATH as npm scripts see it: the project's own tools first, its Node among them. */
export const toolPath = [binaries, ...(process.env['PATH'] ?? '').split(delimiter).filter((part) => part !== binaries)].join(
  delimiter,
);

/**
 * Runs a program with its output on this terminal.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {boolean} whether it ended well
 */
export function run(program, args) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: toolPath } });
  if (result.error) console.error(`${program} could not be started: ${result.error.message}`);
  return result.status === 0;
}

/**
 * Runs a program and gives its output; where it fails, the output becomes the error.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function output(program, args, { cwd = root, env = { ...process.env, PATH: toolPath } } = {}) {
  const result = spawnSync(program, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.status !== 0) {
    throw new Error(
      `${program} ${args.join(' ')} failed\n${result.error?.message ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}`,
    );
  }
  return result.stdout;
}

/**
 * Prints complaints and ends the process with the matching exit code.
 *
 * @param {readonly string[]} complaints
 * @param {string} allWell
 */
export function report(complaints, allWell) {
  for (const complaint of complaints) console.error(`✗ ${complaint}`);
  if (complaints.length === 0) console.log(`✓ ${allWell}`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
