import type { ServedModel } from './catalog/served-model.js';

export interface Welcome {
  readonly url: string;
  /** Shown here and never again. */
  readonly key: string;
  readonly models: readonly ServedModel[];
}

/** What a first start prints: the key, and samples that work as they are pasted. */
export function welcome({ url, key, models }: Welcome): string {
  const model = models[0]?.id ?? 'provider/model';
  return `
Parley answers at ${url}

A key was made, as there was none. It is shown only now:

    ${key}

# curl
curl ${url}/v1/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'

# Python: pip install openai
from openai import OpenAI
client = OpenAI(base_url="${url}/v1", api_key="${key}")
answer = client.chat.completions.create(model="${model}", messages=[{"role": "user", "content": "Hello"}])
print(answer.choices[0].message.content)

The API is described at ${url}/docs

`;
}
