import { maskStrings } from './masking.js';
import { Secret } from './secret.js';

const masked = (text: string, baseUrl: string, key = 'k"1234567') =>
  JSON.parse(maskStrings(JSON.stringify({ [text]: [text] }), { credential: new Secret(key), baseUrl })) as object;

const BASE = 'https://llm.corp.internal:8443/v1';

describe('masking', () => {
  const rows: (readonly [text: string, shown: string, baseUrl?: string])[] = [
    ['the key k"1234567 is wrong', 'the key [secret] is wrong'],
    ['connect llm.corp.internal:8443 failed', 'connect [host] failed'],
    ['at\nLLM.corp.internal.', 'at\n[host].'],
    ['see https://llm.corp.internal/v1/x', 'see https://[host]/v1/x'],
    ['another.llm.corp.internal, llm.corp.internal.org', 'another.llm.corp.internal, llm.corp.internal.org'],
    ['ECONNREFUSED 10.1.2.3:8000 (172.31.0.1, 192.168.0.9, 127.0.0.1)', 'ECONNREFUSED [host] ([host], [host], [host])'],
    ['100.64.0.1 and 169.254.169.254', '[host] and [host]'],
    ['8.8.8.8, 172.32.0.1, 10.2.3, 1.10.0.0.1, 192.168.1', '8.8.8.8, 172.32.0.1, 10.2.3, 1.10.0.0.1, 192.168.1'],
    ['the model at http://model:80, model:80', 'the model at http://[host], [host]', 'http://model:80/v1'],
    ['dial vllm-0:8000', 'dial [host]', 'http://vllm-0:8000'],
    ['dial [::1]:8000', 'dial [host]', 'http://[::1]:8000'],
    ['nothing to hide', 'nothing to hide', ''],
  ];
  it.each(rows.map(([text, shown, baseUrl = BASE]): [string, string, string] => [text, shown, baseUrl]))(
    '%j is shown as %j',
    (text, shown, baseUrl) => {
      expect(masked(text, baseUrl)).toEqual({ [shown]: [shown] });
    },
  );
});
