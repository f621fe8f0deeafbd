import * as openai4 from 'openai-4';
import * as zod4 from 'openai-4/helpers/zod';
import * as openai5 from 'openai-5';
import * as zod5 from 'openai-5/helpers/zod';
import * as openai6 from 'openai';
import * as zod6 from 'openai/helpers/zod';
import * as openai7 from 'openai-7';
import * as zod7 from 'openai-7/helpers/zod';
import type { Stage } from './stage.js';

type Client = openai6.OpenAI;
type ClientOptions = NonNullable<ConstructorParameters<typeof openai6.OpenAI>[0]>;

/** One major version of OpenAI's SDK, behind the types of 6: what the majors share is what is used of them here. */
export interface Major {
  readonly name: string;
  /** As in the user agent. */
  readonly version: string;
  readonly sdk: typeof openai6;
  readonly zod: Pick<typeof zod6, 'zodFunction' | 'zodResponseFormat'>;
  /** Where the helpers are: `stream`, `parse` and `runTools` were in beta before 5. */
  readonly helpers: (client: Client) => Client['chat']['completions'];
}

const stable: Major['helpers'] = (client) => client.chat.completions;
const beta: Major['helpers'] = (client) =>
  (client as unknown as { readonly beta: { readonly chat: Client['chat'] } }).beta.chat.completions;

export const MAJORS: readonly Major[] = [
  {
    name: 'openai 4',
    version: '4.',
    sdk: openai4 as unknown as Major['sdk'],
    zod: zod4 as Major['zod'],
    helpers: beta,
  },
  {
    name: 'openai 5',
    version: '5.',
    sdk: openai5 as unknown as Major['sdk'],
    zod: zod5 as Major['zod'],
    helpers: stable,
  },
  { name: 'openai 6', version: '6.', sdk: openai6, zod: zod6, helpers: stable },
  {
    name: 'openai 7',
    version: '7.',
    sdk: openai7 as unknown as Major['sdk'],
    zod: zod7 as Major['zod'],
    helpers: stable,
  },
];

/** A client as a user would make it, that does not retry unless told to. */
export const clientOf = ({ sdk }: Major, stage: Stage, options: Partial<ClientOptions> = {}): Client =>
  new sdk.OpenAI({ baseURL: `${stage.url}/v1`, apiKey: stage.key, maxRetries: 0, ...options });
