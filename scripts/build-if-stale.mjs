/** Builds dist/ when it is missing or older than what it is made of; otherwise it is done in a few milliseconds. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = join(root, 'dist', 'main.js');
const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');

if (changedAt(built) < newestSource()) process.exitCode = build();

function build() {
  if (!existsSync(nest)) {
    console.error('The packages that build Parley are not installed: run `npm ci` first.');
    return 1;
  }
  console.error('Building Parley …');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: 'inherit' });
  // A build with errors leaves files behind all the same; without this the next start would take them for good.
  if (status !== 0) rmSync(built, { force: true });
  return status ?? 1;
}

/** Folders count as well: that is where a deleted file leaves its trace. */
function newestSource() {
  const src = join(root, 'src');
  // An image holds dist/ alone, and that is as it should be.
  if (!existsSync(src)) return existsSync(built) ? 0 : Infinity;
  const settings = readdirSync(root).filter((name) => /^(package|nest-cli|tsconfig.*)\.json$/.test(name));
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => !name.endsWith('.spec.ts'));
  const paths = [src, ...settings.map((name) => join(root, name)), ...sources.map((name) => join(src, name))];
  return Math.max(...paths.map(changedAt));
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
