import { execFileSync } from 'node:child_process';
import { ModelCatalog } from './catalog/model-catalog.js';
import { welcome } from './welcome.js';

const HERE = { url: 'http://127.0.0.1:4100', key: 'sk-parley-1' };

describe('the welcome', () => {
  it('shows samples with a model that is listed', () => {
    const text = welcome({ ...HERE, models: [{ id: 'gpt-4o', ownedBy: 'openai', created: 1 }] });
    expect(text).toContain('"model":"gpt-4o"');
    expect(text).toContain('model="gpt-4o"');
    expect(text).toContain('curl http://127.0.0.1:4100/v1/chat/completions \\\n');
  });

  it('shows the model that costs least at the first provider', () => {
    const catalog = new ModelCatalog();
    const served = (type: string, id: string) => {
      const card = catalog.find(type, id);
      return { id, ownedBy: type, created: 1, ...(card && { card }) };
    };
    const models = [
      { id: 'unpriced', ownedBy: 'anthropic', created: 1 },
      served('anthropic', 'claude-opus-4-6'),
      served('anthropic', 'claude-haiku-4-5'),
      served('gemini', 'gemini-2.5-flash-lite'),
    ];
    expect(welcome({ ...HERE, models })).toContain('"model":"claude-haiku-4-5"');
  });

  it('lets no id out of its place in the command', () => {
    const id = `m'; touch x; '`;
    const text = welcome({ ...HERE, models: [{ id, ownedBy: 'x', created: 1 }] });
    const argument = text.slice(text.indexOf('-d ') + 3, text.indexOf('\n\n# Python'));
    const printed = execFileSync('sh', ['-c', `printf %s ${argument}`], { encoding: 'utf8' });
    expect(JSON.parse(printed)).toMatchObject({ model: id });
  });

  it('shows no sample where no model is known to work, and how to name one', () => {
    const text = welcome({ ...HERE, models: [] });
    expect(text).toContain(HERE.key);
    expect(text).toContain('provider/model');
    expect(text).not.toContain('curl');
    expect(text).not.toContain('model="');
  });
});
