import type { IncomingHttpHeaders } from 'node:http';
import { headerFault, wishesOf } from './client-wishes.js';

const NONE = { strict: false, explain: false, tags: [] };

describe('what a client wishes, by header', () => {
  it.each<[IncomingHttpHeaders, object]>([
    [{}, {}],
    [
      { 'x-parley-strict': 'true', 'x-parley-explain': 'true' },
      { strict: true, explain: true },
    ],
    [{ 'x-parley-tags': 'a, b ,,c,a' }, { tags: ['a', 'b', 'c'] }],
    [{ 'x-client-request-id': 'mine' }, { clientRequestId: 'mine' }],
    [{ 'x-client-request-id': '', 'idempotency-key': '' }, {}],
    [{ 'x-parley-timeout-ms': '1500' }, { timeoutMs: 1_500 }],
    [{ 'x-parley-timeout-ms': '999999999999' }, { timeoutMs: 2 ** 31 - 1 }],
    [{ 'x-stainless-timeout': '600' }, { patienceMs: 600_000 }],
    [{ 'x-stainless-timeout': '600', 'x-stainless-read-timeout': '2.5' }, { patienceMs: 2_500 }],
    [{ 'x-stainless-timeout': '0', 'x-stainless-read-timeout': '9' }, { patienceMs: 9_000 }],
    [{ 'x-stainless-timeout': '0.0', 'x-stainless-read-timeout': 'not given' }, {}],
    [{ 'x-stainless-timeout': '-5' }, {}],
    [{ 'x-stainless-retry-count': '0' }, { retryCount: 0 }],
    [{ 'x-stainless-retry-count': '2' }, { retryCount: 2 }],
    [{ 'x-stainless-retry-count': '1.5' }, {}],
    [{ 'x-stainless-retry-count': '-1' }, {}],
    [{ 'x-stainless-retry-count': '99999' }, {}],
    [{ 'idempotency-key': 'k 1~' }, { idempotencyKey: 'k 1~' }],
    [{ 'x-parley-replay': 'false' }, { replay: false }],
    [{ 'x-parley-replay': 'yes' }, {}],
  ])('%j', (headers, wishes) => {
    expect(wishesOf(headers)).toEqual({ ...NONE, ...wishes });
    expect(headerFault(headers)).toBeUndefined();
  });

  it.each<[string, string]>([
    ['x-client-request-id', 'é'],
    ['x-client-request-id', 'x'.repeat(513)],
    ['idempotency-key', 'é'],
    ['idempotency-key', 'x'.repeat(256)],
    ['x-parley-timeout-ms', '0'],
    ['x-parley-timeout-ms', '-1'],
    ['x-parley-timeout-ms', '1e3'],
    ['x-parley-timeout-ms', 'soon'],
    ['x-parley-timeout-ms', ''],
  ])('is refused, and not acted on: %s: %.8s', (name, value) => {
    expect(headerFault({ [name]: value })).toMatchObject({
      status: 400,
      param: null,
      message: expect.stringContaining(name) as string,
    });
    expect(wishesOf({ [name]: value })).toEqual(NONE);
  });
});
