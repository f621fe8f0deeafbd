import type { CompatibleRow } from './compatible-row.js';
import { THREE_EFFORTS } from './quirk-words.js';

/** Servers that people run themselves: rows like any other, with an address on this machine by default. */
export const MODEL_SERVERS: readonly CompatibleRow[] = [
  {
    type: 'ollama',
    baseUrl: 'http://localhost:11434/v1',
    keyless: true,
    quirks: { replayReasoning: 'reasoning', effort: THREE_EFFORTS },
  },
  {
    type: 'vllm',
    baseUrl: 'http://localhost:8000/v1',
    keyless: true,
    keyEnv: ['VLLM_API_KEY', 'HOSTED_VLLM_API_KEY'],
    baseUrlEnv: ['VLLM_BASE_URL', 'HOSTED_VLLM_API_BASE'],
  },
  {
    type: 'lm-studio',
    baseUrl: 'http://localhost:1234/v1',
    keyless: true,
    keyEnv: ['LM_STUDIO_API_KEY'],
    baseUrlEnv: ['LM_STUDIO_BASE_URL', 'LM_STUDIO_API_BASE'],
    quirks: { thinkTags: true },
  },
  {
    type: 'llama-cpp',
    baseUrl: 'http://localhost:8080/v1',
    keyless: true,
    keyEnv: ['LLAMA_API_KEY'],
    baseUrlEnv: ['LLAMA_CPP_BASE_URL', 'LLAMA_BASE_URL'],
  },
  { type: 'openai-compatible', baseUrl: null, keyless: true, keyEnv: [], baseUrlEnv: [] },
];
