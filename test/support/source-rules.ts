import ts from 'typescript';

/** A file of src/ (path from there, with `/`), parsed. */
export interface SourceFile {
  readonly path: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

interface Import {
  /** As it is written. */
  readonly name: string;
  /** The file of src/ that a relative import leads to. */
  readonly file: string | undefined;
  readonly typeOnly: boolean;
}

/** A row of the import table: the other rows that may be imported, by value and by type. */
interface Layer {
  readonly values: readonly string[];
  readonly types?: readonly string[];
}

const inner = ['errors', 'platform', 'protocol', 'events', 'transport', 'connection', 'delivery', 'channel', 'tabs', 'monitor'];

/** Who may import whom inside of the core. A row is a folder; `errors` is a file, and `root` is every other file in src/ itself. */
const layers: Readonly<Record<string, Layer>> = {
  errors: { values: [] },
  platform: { values: ['errors'] },
  protocol: { values: ['errors'] },
  events: { values: ['errors', 'platform'] },
  transport: { values: ['errors', 'protocol', 'platform'] },
  adapters: { values: ['transport', 'protocol', 'errors', 'platform'] },
  connection: { values: ['transport', 'protocol', 'events', 'platform', 'errors'] },
  delivery: { values: ['protocol', 'events', 'platform', 'errors'] },
  channel: { values: ['protocol', 'events', 'delivery', 'platform', 'errors'] },
  tabs: { values: ['transport', 'protocol', 'platform', 'errors'] },
  monitor: { values: ['events', 'platform', 'errors'], types: [...inner, 'root'] },
  root: { values: inner },
};

/** These import the core as users do, by its name. */
const outside = ['react', 'vanilla', 'elements', 'devtools', 'testing', 'companions'];

/** What is built on a channel lies beside it, and uses it as users do. */
const companions = /^channel\/(companion|presence|beacons|typing|receipts|live-list)(-[\w-]+)?\.ts$/;

/** Where a package may be imported. */
const packages: readonly { readonly name: RegExp; readonly file: RegExp; readonly typesOnly?: boolean }[] = [
  { name: /^mitt$/, file: /^events\/bus\.ts$/ },
  { name: /^eventsource-parser(\/|$)/, file: /^adapters\/sse(-[\w-]+)?\.ts$/ },
  { name: /^socket\.io-client$/, file: /^adapters\/socket-io\.ts$/ },
  { name: /^@standard-schema\/spec$/, file: /^protocol\//, typesOnly: true },
  { name: /^react(\/|$)/, file: /^react\// },
  { name: /^keepwire(\/|$)/, file: /^(react|vanilla|elements|devtools|testing)\// },
  { name: /^keepwire$/, file: companions },
];

/** Globals, and the folders that may read them. Time and chance come from the platform, also in adapters. */
const doors: readonly { readonly names: readonly string[]; readonly folders: readonly string[] }[] = [
  {
    names: [
      'setTimeout',
      'setInterval',
      'setImmediate',
      'clearTimeout',
      'clearInterval',
      'performance',
      'crypto',
      'Date.now',
      'Math.random',
    ],
    folders: ['platform'],
  },
  { names: ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'], folders: ['platform', 'adapters'] },
  { names: ['globalThis', 'self'], folders: ['platform', 'adapters'] },
  {
    names: ['window', 'document', 'navigator', 'location', 'requestAnimationFrame', 'customElements', 'HTMLElement'],
    folders: ['platform', 'react', 'vanilla', 'elements', 'devtools'],
  },
  { names: ['localStorage', 'sessionStorage', 'indexedDB', 'BroadcastChannel', 'process'], folders: ['platform'] },
];
const listeningFolders = ['platform', 'adapters', 'react', 'vanilla', 'devtools', 'elements', 'monitor'];

/** Parses one file. */
export function parse(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(
    path,
    text,
    ts.ScriptTarget.Latest,
    true,
    path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  );
  const imports: Import[] = [];
  visit(tree, (node) => {
    const found = importOf(node);
    if (found === undefined) return;
    const file = found.name.startsWith('.') ? new URL(found.name, `file:///${path}`).pathname.slice(1) : undefined;
    imports.push({ ...found, file });
  });
  return { path, tree, imports };
}

/** Which imports break the table. */
export function wrongImports({ path, imports }: SourceFile): string[] {
  const from = rowOf(path);
  const complaints: string[] = [];
  if (!(from in layers) && !outside.includes(from)) complaints.push(`${path}: the folder has no row in the import table`);
  if (from === 'adapters' && adapterOf(path) === undefined)
    complaints.push(`${path}: the name does not begin with that of an adapter`);
  for (const { name, file, typeOnly } of imports) {
    const allowed = file === undefined ? isPackageAllowed(path, name, typeOnly) : isFileAllowed(path, file, typeOnly);
    if (!allowed) complaints.push(`${path}: imports ${file ?? name}`);
  }
  return complaints;
}

/** The cycles among the files, each as its path. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' > '));
    if (done.has(path) || trail.includes(path)) return;
    for (const { file } of byPath.get(path)?.imports ?? []) if (file !== undefined) walk(file, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) walk(path, []);
  return cycles;
}

/** Which globals are read where they must not be. */
export function wrongGlobals({ path, tree }: SourceFile): string[] {
  const row = rowOf(path);
  const complaints: string[] = [];
  const locals = localNames(tree);
  const isLocal = (node: ts.Node, name: string): boolean =>
    node.parent !== undefined && (locals.get(node.parent)?.has(name) === true || isLocal(node.parent, name));
  visit(tree, (node) => {
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === 'addEventListener'
    ) {
      const target = node.expression.expression.getText();
      const isSignal = row === 'transport' && /(^|\.)signal$/.test(target);
      if (!listeningFolders.includes(row) && !isSignal) complaints.push(at(path, node, `${target}.addEventListener`));
    }
    const name = globalName(node);
    if (name === undefined || isLocal(node, name)) return;
    const door = doors.find(({ names }) => names.includes(name));
    if (door !== undefined && !door.folders.includes(row)) complaints.push(at(path, node, name));
  });
  return complaints;
}

/** What the style does not allow anywhere in src/. */
export function wrongStyle({ path, tree }: SourceFile): string[] {
  const complaints: string[] = [];
  const lines = tree.text.trimEnd().split('\n').length;
  if (lines > 400) complaints.push(`${path}: ${lines} lines, at most 400`);
  if (/[/*]\s*(@ts-\w+|biome-ignore|eslint-disable)/.test(tree.text)) complaints.push(`${path}: switches a check off`);
  if (/\/index\.tsx?$/.test(path) && !outside.includes(rowOf(path))) complaints.push(`${path}: a barrel inside a folder`);
  for (const statement of tree.statements) {
    if (ts.isVariableStatement(statement) && !(statement.declarationList.flags & ts.NodeFlags.Const)) {
      complaints.push(at(path, statement, 'module-level mutable state'));
    }
  }
  visit(tree, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) complaints.push(at(path, node, 'any'));
    if (ts.isExportDeclaration(node) && node.exportClause === undefined) complaints.push(at(path, node, 'export *'));
    if (ts.isCatchClause(node) && node.block.statements.length === 0) complaints.push(at(path, node, 'an empty catch'));
    if (ts.isClassLike(node) && !/extends (Error|HTMLElement)\b/.test(node.heritageClauses?.[0]?.getText() ?? '')) {
      complaints.push(at(path, node, 'a class that is no error'));
    }
  });
  return complaints;
}

/** The row of the table that a file belongs to. */
function rowOf(path: string): string {
  if (path === 'errors.ts') return 'errors';
  if (companions.test(path)) return 'companions';
  return path.includes('/') ? (path.split('/')[0] ?? '') : 'root';
}

/** An adapter may be cut into `sse.ts` and several `sse-….ts`, but it never knows another adapter. */
function adapterOf(path: string): string | undefined {
  return /^adapters\/(websocket|sse|long-poll|socket-io|memory)[.-]/.exec(path)?.[1];
}

function isFileAllowed(path: string, file: string, typeOnly: boolean): boolean {
  const [from, to] = [rowOf(path), rowOf(file)];
  if (from === 'adapters' && to === 'adapters') return adapterOf(path) === adapterOf(file);
  if (from === to) return true;
  const layer = layers[from];
  return layer !== undefined && (layer.values.includes(to) || (typeOnly && (layer.types?.includes(to) ?? false)));
}

function isPackageAllowed(path: string, name: string, typeOnly: boolean): boolean {
  return packages.some((row) => row.name.test(name) && row.file.test(path) && (typeOnly || row.typesOnly !== true));
}

function importOf(node: ts.Node): Omit<Import, 'file'> | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { name: node.moduleSpecifier.text, typeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { name: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { name: node.argument.literal.text, typeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { name: node.arguments[0]?.getText().replaceAll(/^['"]|['"]$/g, '') ?? '', typeOnly: false };
  }
  return undefined;
}

/** `fetch`, or `Date.now` and `Math.random` as a whole, where the node reads that global; not where it only looks like it. */
function globalName(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  // the name of a member, a parameter, a key
  if ('name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)) return undefined;
  if ('propertyName' in parent && parent.propertyName === node) return undefined;
  if (ts.isPropertyAccessExpression(parent)) {
    return node.text === 'Date' || node.text === 'Math' ? `${node.text}.${parent.name.text}` : node.text;
  }
  // `typeof fetch` as a type, and `WebSocket` as the type of an option, read nothing
  if (ts.isTypeReferenceNode(parent) || ts.isTypeQueryNode(parent) || ts.isQualifiedName(parent)) return undefined;
  return node.text;
}

/** The names that each function, block and file declares for itself. */
function localNames(tree: ts.SourceFile): ReadonlyMap<ts.Node, ReadonlySet<string>> {
  const names = new Map<ts.Node, Set<string>>();
  visit(tree, (node) => {
    const declares = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node);
    if (!declares || !ts.isIdentifier(node.name)) return;
    const scope = ts.findAncestor(node, (above) => ts.isFunctionLike(above) || ts.isBlock(above) || ts.isSourceFile(above));
    if (scope !== undefined) names.set(scope, (names.get(scope) ?? new Set()).add(node.name.text));
  });
  return names;
}

function at(path: string, node: ts.Node, what: string): string {
  const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
  return `${path}:${line + 1}: ${what}`;
}

function visit(node: ts.Node, action: (node: ts.Node) => void): void {
  action(node);
  ts.forEachChild(node, (child) => visit(child, action));
}
