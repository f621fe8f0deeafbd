import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { MediaFetcher, type MediaRules } from './media-fetcher.js';
import { MediaRefusal } from './media/media-refusal.js';
import { isPublicAddress } from './media/public-address.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('pixels')]);
const NEVER = new AbortController().signal;
const NOT_PUBLIC = 'it does not lead to a public address';

const png = { 'content-type': 'image/png' };
const BROKEN = 'its server could not be reached, or broke off';
const UNWANTED = 'it is not an image, a PDF, plain text, audio or video';

const INSIDE_HOSTS = [
  '127.0.0.1',
  '127.1',
  '127.0.0.1.',
  '2130706433',
  '017700000001',
  '0x7f000001',
  '0x7f.1',
  '127.255.255.254',
  '0.0.0.0',
  '0',
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '169.254.170.2',
  '168.63.129.16',
  '100.64.0.1',
  '100.100.100.200',
  '192.0.0.192',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.9',
  '192.88.99.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::127.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[::ffff:0:10.0.0.1]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::8.8.8.8]',
  '[2002:7f00:1::]',
  '[2002:c0a8:101::1]',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[ff02::1]',
  '[100::1]',
  '[2001:4860::5efe:10.0.0.1]',
  '[2001:4860::200:5efe:a9fe:a9fe]',
  '[2001:2::1]',
  '[2001:10::1]',
  '[2001:20::1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[4000::1]',
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  'metadata.google.internal',
  'instance-data.ec2.internal.',
  'printer.local',
  'router.lan',
  'nas.home.arpa',
  'redis',
  'redis.',
  '１２７.０.０.１',
  '127。0。0。1',
  'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
  '%31%32%37.0.0.1',
];

const HOSTILE = [
  ...INSIDE_HOSTS.map((host) => `http://${host}:PORT/`),
  'https://127.0.0.1/',
  'http:127.0.0.1:PORT',
  'http:\\\\127.0.0.1:PORT\\',
  ' http://127.0.0.1:PORT/',
  'http://media.test@127.0.0.1:PORT/',
  'http://user:pass@media.test:PORT/',
  'http://127.0.0.1:PORT#@media.test/',
  'http://127.0.0.1:PORT\\@media.test/',
  'http://media.test:PORT:80/',
  'http://256.256.256.256/',
  'http://[fe80::1%25eth0]/',
  'http://',
  'http:///',
  'ftp://media.test/',
  'file:///etc/passwd',
  'unix:/var/run/docker.sock',
  'javascript:alert(1)',
  'blob:http://media.test/x',
  `http://media.test/${'x'.repeat(9_000)}`,
  'http://unknown.test/',
];

/** 127.0.0.1 stands for the public internet, 127.0.0.2 for what is inside. */
describe('MediaFetcher', () => {
  let server: Server;
  let port = 0;
  let answer: Answer;
  let requests: { readonly address: string | undefined; readonly url: string; readonly headers: object }[];
  let resolved: string[];
  let open = 0;
  const hosts = new Map<string, readonly (readonly string[])[]>();

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { url = '', headers, socket } = request;
      requests.push({ address: socket.localAddress?.replace('::ffff:', ''), url, headers });
      answer(response, request);
    });
    server.on('connection', (socket) => {
      open += 1;
      socket.once('close', () => (open -= 1));
    });
    await new Promise<void>((done) => server.listen(0, done));
    port = (server.address() as AddressInfo).port;
  });

  beforeEach(() => {
    requests = [];
    resolved = [];
    hosts.clear();
    hosts.set('media.test', [['127.0.0.1']]);
    hosts.set('inside.test', [['127.0.0.2']]);
    answer = (response) => response.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  const fetcher = (rules: Partial<MediaRules> = {}) =>
    new MediaFetcher({
      resolve: (host) => {
        const answers = hosts.get(host) ?? [];
        const times = resolved.filter((each) => each === host).length;
        resolved.push(host);
        return Promise.resolve(answers[Math.min(times, answers.length - 1)] ?? []);
      },
      mayConnect: (address) => address === '127.0.0.1',
      ...rules,
    });
  const url = (path = '/a.png', host = 'media.test') => `http://${host}:${port}${path}`;
  const get = (target = url(), rules: Partial<MediaRules> = {}) => fetcher(rules).fetch(target, NEVER);
  const refusal = async (target: string, rules: Partial<MediaRules> = {}) => {
    const error: unknown = await get(target, rules).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MediaRefusal);
    return (error as MediaRefusal).message;
  };

  /** A machine under load takes its time to tell. */
  const allClosed = async () => {
    for (let tries = 0; open > 0 && tries < 100; tries += 1) await wait(20);
    expect(open).toBe(0);
  };

  it('fetches a file under its name, and brings nothing of ours along', async () => {
    expect(await get(url('/a%20b.png?q=1&r=%2F#part'))).toEqual({ mediaType: 'image/png', bytes: PNG });
    expect(requests).toEqual([
      {
        address: '127.0.0.1',
        url: '/a%20b.png?q=1&r=%2F',
        headers: {
          host: `media.test:${port}`,
          connection: expect.any(String),
          accept: '*/*',
          'accept-encoding': 'identity',
          'user-agent': 'parley',
        },
      },
    ]);
    await allClosed();
  });

  it('connects to the address it has checked, whatever the name means a moment later', async () => {
    hosts.set('rebinding.test', [['127.0.0.1'], ['127.0.0.2']]);
    await get(url('/', 'rebinding.test'));
    expect(resolved).toEqual(['rebinding.test']);
    expect(requests.map(({ address }) => address)).toEqual(['127.0.0.1']);
    expect(await refusal(url('/', 'rebinding.test'))).toBe(NOT_PUBLIC);
  });

  it('checks every address of a name, and again on every redirect', async () => {
    hosts.set('mixed.test', [['127.0.0.1', '127.0.0.2']]);
    expect(await refusal(url('/', 'mixed.test'))).toBe(NOT_PUBLIC);
    hosts.set('rebinding.test', [['127.0.0.1'], ['127.0.0.2']]);
    answer = (response) => response.writeHead(302, { location: url('/again', 'rebinding.test') }).end();
    expect(await refusal(url('/', 'rebinding.test'))).toBe(NOT_PUBLIC);
    expect(requests.map(({ address }) => address)).toEqual(['127.0.0.1']);
  });

  it.each<[to: string, reason: string]>([
    ['http://inside.test:PORT/', NOT_PUBLIC],
    ['http://127.0.0.2:PORT/', NOT_PUBLIC],
    ['http://[::ffff:127.0.0.2]:PORT/', NOT_PUBLIC],
    ['//127.0.0.2:PORT/', NOT_PUBLIC],
    ['http://169.254.169.254/latest/meta-data/', NOT_PUBLIC],
    ['http://metadata.google.internal/', NOT_PUBLIC],
    ['http://unknown.test/', NOT_PUBLIC],
    ['http://localhost:PORT/', NOT_PUBLIC],
    ['file:///etc/passwd', 'only http and https are fetched'],
    ['gopher://media.test:PORT/', 'only http and https are fetched'],
    ['data:image/png;base64,AAAA', 'only http and https are fetched'],
    ['http://me:secret@media.test:PORT/', 'it holds credentials'],
    ['http://[', 'it is not a valid URL'],
    ['', 'it redirects to nowhere'],
  ])('does not follow a redirect to %s', async (to, reason) => {
    const location = to.replace('PORT', String(port));
    answer = (response) => response.writeHead(302, location === '' ? {} : { location }).end('<html>');
    expect(await refusal(url())).toBe(reason);
    expect(requests).toHaveLength(1);
  });

  it('follows three redirects, relative ones too, and no fourth', async () => {
    answer = (response, request) => {
      const step = Number(/\d+/.exec(request.url ?? '')?.[0]);
      if (step === 0) response.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
      else response.writeHead([301, 302, 303, 307, 308][step] ?? 302, { location: `./${step - 1}` }).end('moved');
    };
    expect((await get(url('/x/3'))).bytes).toEqual(PNG);
    expect(requests.map(({ url }) => url)).toEqual(['/x/3', '/x/2', '/x/1', '/x/0']);
    expect(await refusal(url('/4'))).toBe('it redirects more than 3 times');
  });

  it.each<[file: string, answer: Answer, reason: string]>([
    [
      'too large as it says',
      (r) => r.writeHead(200, { ...png, 'content-length': 2 ** 40 }).write('x'),
      'it is larger than 1 MB',
    ],
    ['endless', endless, 'it is larger than 1 MB'],
    ['slow to begin', () => undefined, 'it took longer than 0.5 seconds'],
    ['slow', trickling, 'it took longer than 0.5 seconds'],
    ['empty', (r) => r.writeHead(200, png).end(), 'it is empty'],
    ['cut', (r) => void r.writeHead(200, { ...png, 'content-length': 100 }).write('x', () => r.destroy()), BROKEN],
    ['no HTTP', (r) => void r.socket?.end('SSH-2.0-OpenSSH_9.6\r\n'), BROKEN],
    ['of endless headers', (r) => void r.writeHead(200, { ...png, x: 'y'.repeat(40_000) }).end(PNG), BROKEN],
    ['a page', (r) => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'), UNWANTED],
    ['JSON', (r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"secret":1}'), UNWANTED],
    ['of no real type', (r) => r.writeHead(200, { 'content-type': 'image/png,x;y' }).end(PNG), UNWANTED],
    [
      'unknown bytes',
      (r) => r.writeHead(200, { 'content-type': 'application/octet-stream' }).end('??'),
      'its type is not known',
    ],
    ['unnamed bytes', (r) => r.writeHead(200).end('??'), 'its type is not known'],
    [
      'compressed',
      (r) => r.writeHead(200, { ...png, 'content-encoding': 'gzip' }).end(PNG),
      'its server sent it compressed',
    ],
    ['not there', (r) => r.writeHead(404, png).end(PNG), 'its server answered with status 404'],
    ['a part', (r) => r.writeHead(206, png).end(PNG), 'its server answered with status 206'],
    ['nothing new', (r) => r.writeHead(304).end(), 'its server answered with status 304'],
  ])('refuses a file that is %s', async (_, script, reason) => {
    answer = script;
    expect(await refusal(url(), { maxBytes: 1024 * 1024, totalMs: 500 })).toBe(reason);
    await allClosed();
  });

  it('takes a file of exactly the largest size, also where nobody says how long it is', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      for (let piece = 0; piece < 64; piece += 1) response.write('x'.repeat(16 * 1024));
      response.end();
    };
    const { mediaType, bytes } = await get(url(), { maxBytes: 1024 * 1024 });
    expect([mediaType, bytes.length]).toEqual(['text/plain', 1024 * 1024]);
  });

  it.each<[header: string | undefined, start: string, type: string]>([
    ['image/png', 'ffd8ffe0', 'image/jpeg'],
    ['image/jpg', '00', 'image/jpeg'],
    ['IMAGE/PNG ; q=1', '89504e470d0a1a0a', 'image/png'],
    ['image/jpeg', '524946460000000057454250', 'image/webp'],
    [undefined, '474946383961', 'image/gif'],
    ['', '255044462d312e37', 'application/pdf'],
    ['binary/octet-stream', '000000186674797068656963', 'image/heic'],
    ['application/octet-stream', '0000001c6674797061766966', 'image/avif'],
    ['image/svg+xml', '3c737667', 'image/svg+xml'],
    ['audio/mpeg', '89504e470d0a1a0a', 'audio/mpeg'],
    ['video/mp4', '00', 'video/mp4'],
    ['application/pdf', '255044462d', 'application/pdf'],
  ])('takes %s that begins with %s for %s', async (header, start, type) => {
    answer = (response) =>
      response.writeHead(200, header === undefined ? {} : { 'content-type': header }).end(Buffer.from(start, 'hex'));
    expect((await get()).mediaType).toBe(type);
  });

  it('keeps the name for TLS, and does not go from https to http', async () => {
    const hello = new Promise<Buffer>((resolve) => {
      const listener = createSocketServer((socket) => {
        socket
          .on('error', () => undefined)
          .once('data', (bytes) => {
            resolve(bytes);
            socket.destroy();
            listener.close();
          });
      });
      listener.listen(0, '127.0.0.1', () => {
        const { port: secure } = listener.address() as AddressInfo;
        answer = (response) => response.writeHead(302, { location: `https://media.test:${secure}/` }).end();
        void refusal(url()).then((reason) => expect(reason).toBe(BROKEN));
      });
    });
    expect((await hello).toString('latin1')).toContain('media.test');
  });

  it.each<[when: string, script: Answer]>([
    ['before the answer', () => undefined],
    ['in the middle of it', trickling],
  ])('ends with its call: %s', async (_, script) => {
    const reached = new Promise<void>((resolve) => {
      answer = (response, request) => {
        script(response, request);
        resolve();
      };
    });
    const abort = new AbortController();
    const fetching = fetcher().fetch(url(), abort.signal);
    const settled = fetching.catch((error: unknown) => error);
    await reached;
    abort.abort(new Error('the client left'));
    expect(await settled).toMatchObject({ message: 'the client left' });
    await allClosed();
  });

  it('does not begin for a call that has ended, nor wait for a resolver that does not answer', async () => {
    const resolve = () => new Promise<never>(() => undefined);
    expect(await refusal(url(), { resolve, totalMs: 100 })).toBe('it took longer than 0.1 seconds');
    await expect(fetcher({ resolve }).fetch(url(), AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(resolved).toEqual([]);
  });

  it.each(HOSTILE)('does not even try %s', async (target) => {
    const strict = { mayConnect: isPublicAddress };
    const told = await refusal(target.replace('PORT', String(port)), strict);
    expect([NOT_PUBLIC, 'it is not a valid URL', 'only http and https are fetched', 'it holds credentials']).toContain(
      told,
    );
    expect(requests).toEqual([]);
  });

  it.each(['010.0.0.1', '0x8.8.8.8', '8.8.8', '134744072', 'fe80::1%eth0', '2001:4860::1%eth0', '', 'dns.google'])(
    'takes %s, as a resolver may say, for no address of the public internet',
    (address) => expect(isPublicAddress(address)).toBe(false),
  );

  it.each(['1.1.1.1', '8.8.8.8', '2606:4700:4700::1111', '64:ff9b::808:808', '::ffff:8.8.8.8'])(
    'takes %s for an address of the public internet',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
});

function endless(response: ServerResponse): void {
  response.writeHead(200, png);
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
    response.once('drain', more);
  };
  more();
}

function trickling(response: ServerResponse): void {
  response.writeHead(200, png);
  const timer = setInterval(() => response.write('x'), 20);
  response.once('close', () => clearInterval(timer));
}
