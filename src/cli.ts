import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isNativeError } from 'node:util/types';
import type { Config } from './config/config.js';
import { configSchema } from './config/config-shape.js';
import { notYetInForce, unresolvedFallbacks } from './config/config-warnings.js';
import { configFile, loadConfig, type ConfigSource } from './config/load-config.js';
import { PROVIDER_TYPES } from './providers/provider-types.js';
import type { RepriceWish } from './reprice/command.js';

const HELP = `parley: checks the configuration of the gateway, and prices anew what was used.

  parley validate [file]   Is the configuration sound? Nothing is started and nobody is asked.
                           Without a file: the one that PARLEY_CONFIG names, or parley.yaml.
  parley schema            Prints the JSON schema of the configuration, for editors.
  parley reprice --from 2026-11-01 --to 2026-11-30 [--dry-run] [file]
                           Prices the usage of these UTC days by the catalogue and the prices of the configuration as
                           they are now, both days included, in its database; the gateway may run meanwhile.
  parley --help            Prints this.
`;

/** Where a command writes. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs one command and answers with its exit code: 0 well, 1 a config with faults or a failure, 2 a command that there is not. */
export async function parley(
  args: readonly string[],
  terminal: Terminal,
  from: Omit<ConfigSource, 'types' | 'file'> = {},
): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        from: { type: 'string' },
        to: { type: 'string' },
        'dry-run': { type: 'boolean' },
      },
    });
    const [command, file, ...more] = positionals;
    if (values.help) return say(terminal, HELP);
    if (command === 'schema' && file === undefined) {
      return say(terminal, `${JSON.stringify(configSchema(PROVIDER_TYPES), null, 2)}\n`);
    }
    if (command === 'validate' && more.length === 0)
      return validate({ ...from, types: PROVIDER_TYPES, file }, terminal);
    if (command === 'reprice' && more.length === 0) {
      const { from: first, to: last, 'dry-run': dryRun = false } = values;
      return await reprice({ ...from, types: PROVIDER_TYPES, file }, { from: first, to: last, dryRun }, terminal);
    }
    terminal.err(HELP);
  } catch (error) {
    terminal.err(`${error instanceof Error ? error.message : String(error)}\n`);
    return isMisuse(error) ? 2 : 1;
  }
  return 2;
}

/** An option that there is not, or one with a value that it does not take. */
function isMisuse(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return isNativeError(error) && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function say({ out }: Terminal, text: string): number {
  out(text);
  return 0;
}

async function reprice(source: ConfigSource, wish: RepriceWish, terminal: Terminal): Promise<number> {
  const config = loadConfig(source);
  const { repriceCommand } = await import('./reprice/command.js'); // the other commands need no database
  return say(terminal, await repriceCommand(config, wish));
}

function validate(source: ConfigSource, terminal: Terminal): number {
  const config = loadConfig(source);
  const { path } = configFile(source);
  terminal.out(`${existsSync(path) ? path : 'The environment (there is no file)'} is sound: ${summary(config)}.\n`);
  for (const path of notYetInForce(config)) terminal.err(`warning: ${path} is not acted on by this version\n`);
  for (const fallback of unresolvedFallbacks(config)) {
    terminal.err(
      `warning: ${fallback}, which is neither under models nor provider/model; it works only as a model id that is known\n`,
    );
  }
  return 0;
}

function summary({ providers, models, keys }: Config): string {
  return [
    counted(providers.length, 'provider'),
    counted(models.length, 'model name'),
    counted(keys.length, 'key'),
  ].join(', ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const [, script] = process.argv;
if (script !== undefined && existsSync(script) && realpathSync(script) === fileURLToPath(import.meta.url)) {
  process.exitCode = await parley(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
}
