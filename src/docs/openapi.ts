import { adminPaths } from './paths/admin.js';
import { chatPaths } from './paths/chat.js';
import { keyPaths, publicPaths } from './paths/open.js';
import type { Paths } from './paths/operation.js';
import { chatMessageSchemas } from './schemas/chat-message.js';
import { chatRequestSchemas } from './schemas/chat-request.js';
import { chatResponseSchemas } from './schemas/chat-response.js';
import { chatToolSchemas } from './schemas/chat-tool.js';
import { explanationSchemas } from './schemas/explanation.js';
import { gatewaySchemas } from './schemas/gateway.js';
import type { Schemas } from './schemas/schema.js';

/** A description of the API, in OpenAPI 3.1. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: object;
  };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Paths;
  readonly components: { readonly schemas: Schemas; readonly securitySchemes: Readonly<Record<string, object>> };
}

const DESCRIPTION =
  'One OpenAI-compatible API in front of every provider. Point an OpenAI SDK at it by changing its base URL to `http://127.0.0.1:4100/v1` (or wherever this gateway runs) and its key to a virtual key.';

const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description });
const header = (name: string) => ({
  type: 'apiKey',
  in: 'header',
  name,
  description: 'The virtual key, where a client has no other place for it.',
});

/** The API as this version serves it. */
export function openApiDocument(version: string): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: { title: 'Parley', version, description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Chat', description: 'Answers from models.' },
      { name: 'Models', description: 'What a key may use.' },
      { name: 'Usage', description: 'What a key has used.' },
      { name: 'Admin', description: 'For the operator.' },
      { name: 'Health', description: 'For probes.' },
      { name: 'Description', description: 'The API about itself.' },
    ],
    paths: { ...chatPaths, ...keyPaths, ...adminPaths, ...publicPaths },
    components: {
      schemas: {
        ...chatRequestSchemas,
        ...chatMessageSchemas,
        ...chatToolSchemas,
        ...chatResponseSchemas,
        ...explanationSchemas,
        ...gatewaySchemas,
      },
      securitySchemes: {
        bearer: bearer('A virtual key: `Authorization: Bearer sk-parley-…`.'),
        xApiKey: header('x-api-key'),
        apiKey: header('api-key'),
        adminKey: bearer('The admin key. It opens `/admin` and nothing else.'),
      },
    },
  };
}
