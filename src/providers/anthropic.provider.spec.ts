import { Secret } from '../domain/secret.js';
import { anthropicAddress } from './anthropic.provider.js';
import type { UpstreamCall } from './provider.js';

interface Place {
  readonly baseUrl?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

function addressed({ baseUrl = 'https://host', key, headers = {}, settings = {} }: Place, asked = {}) {
  const endpoint = { type: 'anthropic', baseUrl, credentials: [], headers, settings };
  const call = { deployment: { endpoint }, credential: key === undefined ? undefined : new Secret(key) };
  return anthropicAddress(call as unknown as UpstreamCall, '/v1/messages', asked);
}

describe('the address of the Messages API', () => {
  it.each([
    ['https://api.anthropic.com', 'https://api.anthropic.com/v1/messages'],
    ['https://proxy/v1', 'https://proxy/v1/messages'],
    ['https://x.services.ai.azure.com/anthropic', 'https://x.services.ai.azure.com/anthropic/v1/messages'],
  ])('%s', (baseUrl, url) => expect(addressed({ baseUrl }).url).toBe(url));

  const version = { 'anthropic-version': '2023-06-01' };
  it.each<[Place, Readonly<Record<string, string>>]>([
    [{ key: 'sk-ant-api03-x' }, { ...version, 'x-api-key': 'sk-ant-api03-x' }],
    [{ key: 'eyJh.eyJi.c' }, { ...version, authorization: 'Bearer eyJh.eyJi.c' }],
    [
      { key: 'sk-ant-oat01-x' },
      { ...version, authorization: 'Bearer sk-ant-oat01-x', 'anthropic-beta': 'oauth-2025-04-20' },
    ],
    [
      { key: 'k', headers: { Authorization: 'Bearer own' } },
      { ...version, authorization: 'Bearer own' },
    ],
    [{ settings: { anthropicVersion: '2026-10-21' } }, { 'anthropic-version': '2026-10-21' }],
    [{ headers: { 'Anthropic-Version': 'mine', 'x-a': '1' } }, { 'anthropic-version': 'mine', 'x-a': '1' }],
  ])('has one credential, one version, and the config’s headers on top: %j', (place, headers) => {
    expect(addressed(place).headers).toEqual(headers);
  });

  it('adds up betas, each once', () => {
    const headers = { 'Anthropic-Beta': 'a, b' };
    expect(addressed({ headers }, { 'anthropic-beta': 'b,c' }).headers['anthropic-beta']).toBe('a,b,c');
  });
});
