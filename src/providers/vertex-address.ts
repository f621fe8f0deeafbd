import type { Deployment } from '../domain/deployment.js';
import { UpstreamError } from '../domain/errors.js';
import { textSetting } from './credentials.js';
import type { Address } from './protocol-chat.js';
import type { UpstreamCall } from './provider.js';

/** Which of Vertex AI's doors a model is behind. */
export type VertexDoor = 'gemini' | 'claude' | 'open';

/** Claude has its own dialect, other publishers' models speak OpenAI's, everything else is Google's. */
export function vertexDoor({ model, baseModel }: Pick<Deployment, 'model' | 'baseModel'>): VertexDoor {
  if ([model, baseModel].some((id) => /^(publishers\/)?(anthropic\/)(models\/)?|^claude-/.test(id))) return 'claude';
  return /^(?!google\/|publishers\/|projects\/|models\/|endpoints\/|tunedModels\/)[\w.-]+\/./.test(model)
    ? 'open'
    : 'gemini';
}

/** The host that serves a location (Gemini reference §7). */
function vertexHost(location: string): string {
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  if (location === 'us' || location === 'eu') return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

/** Requests go to wherever there is room, unless the operator wants them to stay in one place. */
const DEFAULT_LOCATION = 'global';

/** Stands for the host of the location, which only the call knows. */
export const HOST_OF_LOCATION = 'https://aiplatform.googleapis.com';

/** The URL of a call behind one of the doors, and the key of express mode where there is one. */
export const vertexAddress =
  (door: VertexDoor): Address =>
  (call, path) => {
    const { headers } = call.deployment.endpoint;
    const key = expressKey(call);
    return {
      url: rootOf(call) + placeOf(call, key !== undefined) + behind(door, path, call),
      headers: { ...(key !== undefined && { 'x-goog-api-key': key }), ...headers },
    };
  };

/** An API key stands for its own project. What looks like an access token is one. */
export function expressKey({ credential }: UpstreamCall): string | undefined {
  const key = credential?.reveal();
  return key === undefined || isToken(key) ? undefined : key;
}

/** Access tokens of Google begin so; its API keys do not. */
const isToken = (key: string): boolean => key.startsWith('ya29.');

function rootOf(call: UpstreamCall): string {
  const { baseUrl } = call.deployment.endpoint;
  if (/\/v\d+(beta\d*)?$/.test(baseUrl)) return baseUrl;
  const host = baseUrl === HOST_OF_LOCATION && expressKey(call) === undefined ? vertexHost(locationOf(call)) : baseUrl;
  return `${host}/${textSetting(call, 'apiVersion') ?? 'v1'}`;
}

const locationOf = (call: UpstreamCall): string => textSetting(call, 'location') ?? DEFAULT_LOCATION;

function placeOf(call: UpstreamCall, isExpress: boolean): string {
  if (isExpress) return '';
  const project = textSetting(call, 'project');
  if (project === undefined)
    throw new UpstreamError('This provider is not set up: it has neither a `project` nor an API key.', {
      code: 'upstream_authentication',
    });
  return `/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(locationOf(call))}`;
}

function behind(door: VertexDoor, path: string, { deployment }: UpstreamCall): string {
  if (door === 'open') return `/endpoints/openapi${path}`;
  if (door === 'gemini') return path;
  const id = deployment.model.replace(/^(publishers\/)?(anthropic\/)?(models\/)?/, '');
  return `/publishers/anthropic/models/${encodeURIComponent(id).replaceAll('%40', '@')}${path}`;
}
