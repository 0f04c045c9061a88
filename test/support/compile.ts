import ts from 'typescript';

/** Something that does not compile. */
export interface Complaint {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/**
 * Compiles one file that does not exist, with the settings of the tests.
 *
 * @param path - where it would be, for its imports
 * @returns what is wrong in this file
 */
export function complaintsOf(path: string, text: string): readonly Complaint[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    new URL('../../tsconfig.test.json', import.meta.url).pathname,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => fail(messageText) },
  );
  const host = ts.createCompilerHost(config?.options ?? {});
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.readFile = (name) => (name === path ? text : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, text, ts.ScriptTarget.Latest) : getSourceFile(name, ...rest);
  const program = ts.createProgram({ rootNames: [path], options: config?.options ?? {}, host });
  const file = program.getSourceFile(path);
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ start = 0, messageText }) => ({
      line: (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1,
      message: ts.flattenDiagnosticMessageText(messageText, '\n'),
    }),
  );
}

function fail(message: string | ts.DiagnosticMessageChain): never {
  throw new Error(ts.flattenDiagnosticMessageText(message, '\n'));
}
