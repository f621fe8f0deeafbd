import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Recording {
  /** `provider/case`. */
  readonly name: string;
  readonly provider: string;
  readonly status: number;
  readonly isStream: boolean;
  readonly model: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly response: Buffer;
}

interface Meta {
  readonly api: string;
  readonly status: number;
  readonly is_stream: boolean;
  readonly model: string | null;
  readonly request_file: string;
  readonly response_file: string;
}

const root = process.env['PARLEY_RECORDINGS'];

/** Why there are no recordings, or undefined where there are. */
export const withoutRecordings: string | undefined =
  root !== undefined && existsSync(join(root, 'open')) ? undefined : 'PARLEY_RECORDINGS names no folder of recordings';

/** Exchanges with real providers that speak the chat dialect of OpenAI. */
export const chatRecordings = (): readonly Recording[] => recordingsOf('chat');

/** Exchanges over these APIs, as the recordings name them: `chat`, `messages`. */
export function recordingsOf(...apis: readonly string[]): readonly Recording[] {
  if (root === undefined || withoutRecordings !== undefined) return [];
  return subfolders(join(root, 'open')).flatMap((provider) =>
    subfolders(join(root, 'open', provider)).flatMap((name) => {
      const folder = join(root, 'open', provider, name);
      const meta = json(join(folder, 'meta.json')) as Meta;
      if (!apis.includes(meta.api)) return [];
      return [
        {
          name: `${provider}/${name}`,
          provider,
          status: meta.status,
          isStream: meta.is_stream,
          model: meta.model ?? 'model',
          request: json(join(folder, meta.request_file)) as Recording['request'],
          response: readFileSync(join(folder, meta.response_file)),
        },
      ];
    }),
  );
}

const subfolders = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort();

function json(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {}; // a few requests were recorded as they were sent: not JSON
  }
}
