import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChatMessage, ChatRequest } from '../domain/chat.js';
import { MediaFetcher } from '../transport/media-fetcher.js';
import { inlineMedia, urlsToFetch } from './inline-media.js';

const ALL = () => true;
const asking = (...messages: readonly object[]): ChatRequest => ({
  model: 'm',
  messages: messages as readonly ChatMessage[],
});
const user = (...content: readonly object[]) => ({ role: 'user', content });
const image = (url: string) => ({ type: 'image_url', image_url: { url } });

describe('urlsToFetch', () => {
  it.each<[what: string, messages: readonly object[], urls: readonly string[]]>([
    ['text', [{ role: 'user', content: 'see http://a.test/' }], []],
    ['no content', [{ role: 'assistant', content: null, tool_calls: [] }], []],
    ['parts of text', [user({ type: 'text', text: 'http://a.test/', image_url: 'http://a.test/' })], []],
    ['an image', [user(image('https://a.test/1.png'))], ['https://a.test/1.png']],
    ['an image as a string', [user({ type: 'image_url', image_url: 'HTTP://a.test/' })], ['HTTP://a.test/']],
    ['data', [user(image('data:image/png;base64,http://'))], []],
    ['other schemes', [user(image('gs://bucket/a.png'), image('file:///etc/passwd'))], []],
    ['a file', [user({ type: 'file', file: { file_data: 'https://a.test/1' } })], ['https://a.test/1']],
    ['a file by URL', [user({ type: 'file', file: { file_url: 'https://a.test/2' } })], ['https://a.test/2']],
    ['a file by plain URL', [user({ type: 'file', file: { url: 'https://a.test/3' } })], ['https://a.test/3']],
    ['a file by id', [user({ type: 'file', file: { file_id: 'https://a.test/' } })], []],
    ['a video', [user({ type: 'video_url', video_url: { url: 'https://a.test/v' } })], ['https://a.test/v']],
    ['sound', [user({ type: 'audio_url', audio_url: { url: 'https://a.test/s' } })], ['https://a.test/s']],
    [
      'every role, and each URL once',
      ['system', 'user', 'assistant', 'tool'].map((role) => ({
        role,
        content: [image('http://x/'), image(`http://${role}/`)],
      })),
      ['http://x/', 'http://system/', 'http://user/', 'http://assistant/', 'http://tool/'],
    ],
    [
      'what is of no such form',
      [
        user({ type: 'image_url' }, image(null as never), { type: 'file', file: [] }, { type: 'file', file: 7 }),
        user(),
      ],
      [],
    ],
  ])('finds in %s what there is', (_, messages, urls) => {
    expect(urlsToFetch(asking(...messages), ALL)).toEqual(urls);
  });

  it('leaves alone what the provider fetches itself', () => {
    const request = asking(user(image('https://a.test/'), image('https://files.test/1')));
    expect(urlsToFetch(request, (url) => !url.startsWith('https://files.test/'))).toEqual(['https://a.test/']);
  });

  it('makes nothing for the requests that hold none, which are most', () => {
    const request = asking({ role: 'user', content: 'Hi' }, user({ type: 'text', text: 'Hi' }));
    expect(urlsToFetch(request, ALL)).toBe(urlsToFetch(request, ALL));
  });
});

describe('inlineMedia', () => {
  let server: Server;
  let base = '';
  let asked: string[];
  let busy = 0;
  let mostBusy = 0;

  beforeAll(async () => {
    server = createServer(({ url = '' }, response) => {
      asked.push(url);
      busy += 1;
      mostBusy = Math.max(mostBusy, busy);
      const answer = () => {
        busy -= 1;
        if (url.startsWith('/missing')) response.writeHead(404).end();
        else if (url.startsWith('/large'))
          response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(9e6));
        else response.writeHead(200, { 'content-type': 'image/png' }).end(url);
      };
      if (!url.startsWith('/never')) setTimeout(answer, 20);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    base = `http://media.test:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    asked = [];
    [busy, mostBusy] = [0, 0];
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  const media = new MediaFetcher({
    resolve: (host) => Promise.resolve(host === 'media.test' ? ['127.0.0.1'] : ['127.0.0.2']),
    mayConnect: (address) => address === '127.0.0.1',
  });
  const at = (path: string) => base + path;
  const png = (path: string) => `data:image/png;base64,${Buffer.from(path).toString('base64')}`;
  const inlined = (request: ChatRequest, signal = new AbortController().signal) =>
    inlineMedia(request, urlsToFetch(request, ALL), { media, signal });

  it('puts what stands behind a URL in its place, and keeps all else', async () => {
    const kept = [
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: null },
    ];
    const request = {
      ...asking(
        ...kept,
        user(
          { type: 'text', text: at('/text') },
          { ...image(at('/1')), cache_control: { type: 'ephemeral' } },
          { type: 'image_url', image_url: { url: at('/1'), detail: 'low' } },
          { type: 'image_url', image_url: at('/2') },
          { type: 'file', file: { filename: 'a.pdf', file_data: at('/3') } },
          { type: 'file', file: { filename: 'b.pdf', file_url: at('/4') } },
          { type: 'file', file: { file_id: 'file-1' } },
          image('data:image/png;base64,AAAA'),
        ),
        { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'video_url', video_url: { url: at('/5') } }] },
      ),
      temperature: 0,
    };
    const before = structuredClone(request);
    expect(await inlined(request)).toEqual({
      ...asking(
        ...kept,
        user(
          { type: 'text', text: at('/text') },
          { ...image(png('/1')), cache_control: { type: 'ephemeral' } },
          { type: 'image_url', image_url: { url: png('/1'), detail: 'low' } },
          { type: 'image_url', image_url: png('/2') },
          { type: 'file', file: { filename: 'a.pdf', file_data: png('/3') } },
          { type: 'file', file: { filename: 'b.pdf', file_data: png('/4') } },
          { type: 'file', file: { file_id: 'file-1' } },
          image('data:image/png;base64,AAAA'),
        ),
        { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'video_url', video_url: { url: png('/5') } }] },
      ),
      temperature: 0,
    });
    expect(request).toEqual(before);
    expect(asked.toSorted()).toEqual(['/1', '/2', '/3', '/4', '/5']);
  });

  it('fetches only what it is asked for', async () => {
    const request = asking(user(image(at('/1')), image(at('/2'))));
    const { messages } = await inlineMedia(request, [at('/2')], { media, signal: new AbortController().signal });
    expect(messages).toEqual([user(image(at('/1')), image(png('/2')))]);
  });

  it('fetches twenty, four at a time, and no more than twenty', async () => {
    const many = Array.from({ length: 20 }, (_, index) => image(at(`/${index}`)));
    await inlined(asking(user(...many)));
    expect([asked.length, mostBusy]).toEqual([20, 4]);
    await expect(inlined(asking(user(...many), user(image(at('/one more')))))).rejects.toMatchObject({
      status: 400,
      code: 'invalid_image_url',
      param: 'messages[1].content[0].image_url.url',
      message: expect.stringContaining('20 files'),
    });
    expect(asked).toHaveLength(20);
  });

  it.each<[what: string, part: object, code: string, param: string, reason: string]>([
    ['missing', image('BASE/missing'), 'invalid_image_url', '.image_url.url', 'its server answered with status 404'],
    [
      'inside',
      image('http://inside.test/'),
      'invalid_image_url',
      '.image_url.url',
      'it does not lead to a public address',
    ],
    [
      'a string',
      { type: 'image_url', image_url: 'http://[' },
      'invalid_image_url',
      '.image_url',
      'it is not a valid URL',
    ],
    [
      'a file',
      { type: 'file', file: { file_url: 'http://10.0.0.1/' } },
      'invalid_file_url',
      '.file.file_url',
      'it does not lead to a public address',
    ],
    [
      'a video',
      { type: 'video_url', video_url: { url: 'BASE/missing' } },
      'invalid_video_url',
      '.video_url.url',
      'its server answered with status 404',
    ],
  ])('refuses the request for one that is %s, and says which', async (_, part, code, param, reason) => {
    const written = JSON.parse(JSON.stringify(part).replace('BASE', base)) as object;
    await expect(
      inlined(asking(user({ type: 'text', text: 'Hi' }), user(image(at('/1')), written))),
    ).rejects.toMatchObject({
      name: 'InvalidRequestError',
      status: 400,
      type: 'invalid_request_error',
      code,
      param: `messages[1].content[1]${param}`,
      message: `The URL at \`messages[1].content[1]${param}\` cannot be fetched: ${reason}.`,
    });
  });

  it('counts a file as often as it is sent, and bounds the sum', async () => {
    const reason = { param: 'messages[0].content[0].file.file_data', message: expect.stringContaining('50 MB') };
    const file = { type: 'file', file: { file_data: at('/large') } };
    await expect(inlined(asking(user(...Array.from({ length: 6 }, () => file))))).rejects.toMatchObject(reason);
    await inlined(asking(user(...Array.from({ length: 5 }, () => file))));
    expect(asked).toEqual(['/large', '/large']);
  });

  it('takes one URL that stands in a request any number of times', async () => {
    const request = asking(user(...Array.from({ length: 100_000 }, () => image(at('/1')))));
    const startedAt = performance.now();
    await inlined(request);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('ends with its call, and ends all once one fails', async () => {
    const left = new AbortController();
    const waiting = inlined(asking(user(image(at('/never')))), left.signal);
    setTimeout(() => left.abort(new Error('left')), 30);
    await expect(waiting).rejects.toThrow('left');
    const startedAt = performance.now();
    await expect(inlined(asking(user(image(at('/never/2')), image(at('/missing')))))).rejects.toMatchObject({
      status: 400,
    });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
