import type { ProviderEndpoint } from '../domain/deployment.js';
import { Secret } from '../domain/secret.js';
import { shownAddress } from './shown-address.js';

const endpoint = (baseUrl: string): ProviderEndpoint => ({
  type: 'openai-compatible',
  baseUrl,
  credentials: [new Secret('sk key/0123'), new Secret('ollama')],
  headers: {},
  settings: { clientSecret: 'named-secret', region: 'eu-north-1' },
});

it.each<[string, string | null]>([
  ['https://api.example/v1', 'https://api.example/v1'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['https://me:password@api.example/v1/?key=secret#more', 'https://api.example/v1'],
  ['https://eu-north-1.example/sk%20key%2F0123/v1', 'https://eu-north-1.example/[secret]/v1'],
  ['https://api.example/named-secret/v1', 'https://api.example/[secret]/v1'],
  ['http://ollama:11434/v1', 'http://ollama:11434/v1'],
  ['', null],
])('shows of %s %s', (baseUrl, shown) => {
  expect(shownAddress(endpoint(baseUrl))).toBe(shown);
});
